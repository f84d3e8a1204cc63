//! Promise: what the runtime has on the stack of a parked task is little, so that a task which has
//! little itself takes a small block.

mod common;

use common::{builder, join, try_build, Mode};
use midge::task;

/// Bytes of a block on x86-64, built as programs are: the second smallest. Elsewhere frames are larger.
const MOST: u64 = match (cfg!(debug_assertions), cfg!(target_arch = "x86_64")) {
    (false, true) => 320,
    (false, false) => 1024,
    (true, _) => 4096,
};

#[test]
fn a_parked_task_takes_a_small_block() {
    const TASKS: usize = 200;
    for mode in [Mode::Copying, Mode::Migrating] {
        let rt = try_build(mode, builder().workers(1).windows(1)).unwrap();
        rt.run(|| {
            let tasks: Vec<_> = (0..TASKS).map(|_| midge::spawn(task::park)).collect();
            let frozen = TASKS as u64 - 1; // the last one may be in the window
            common::wait_until(|| midge::runtime::metrics().freezes >= frozen);
            let bytes = midge::runtime::metrics().block_bytes;
            assert!(bytes <= TASKS as u64 * MOST, "{} bytes each in {mode:?}", bytes / frozen);
            tasks.iter().for_each(|task| task.task().unpark());
            tasks.into_iter().for_each(join);
        });
    }
}
