//! midge: windows that grow by guard faults.

use std::time::Duration;

use midge::{task, Runtime};

use super::recursion::timed_plain;

/// A first and a second descent in a task whose window nobody has used before.
pub fn descents(levels: usize) -> (Duration, Duration) {
    let runtime = Runtime::builder().workers(1).build_pinned().expect("one worker can be had");
    runtime.run(|| (timed_plain(levels), timed_plain(levels)))
}

/// The first descent of a fresh task in a window that another task has left as deep.
pub fn reused(levels: usize, tasks: u64) -> Duration {
    let mut builder = Runtime::builder();
    // SAFETY: nothing of a task's stack is lent to anyone.
    let runtime = unsafe { builder.workers(1).windows(1).build_copying() };
    let runtime = runtime.expect("one worker can be had");
    runtime.run(|| {
        let task = || midge::spawn(move || timed_plain(levels));
        task().join().expect("a descent does not panic");
        (0..tasks).map(|_| task().join().expect("a descent does not panic")).sum()
    })
}

/// `rounds` times freezing and thawing a task with about `bytes` live bytes beyond the 200 or so of
/// any parked task.
pub fn freeze_and_thaw(bytes: usize, rounds: u64) -> Duration {
    let mut builder = Runtime::builder();
    // SAFETY: nothing of a task's stack is lent to anyone.
    let runtime = unsafe { builder.workers(1).windows(1).build_copying() };
    let runtime = runtime.expect("one worker can be had");
    runtime.run(|| {
        // Both are in the one window, so each turn of the one freezes the other.
        let deep = midge::spawn(move || hold(bytes, &mut || turns(rounds)));
        let other = midge::spawn(move || turns(rounds));
        other.join().expect("taking turns does not panic");
        let before = midge::runtime::metrics();
        let elapsed = deep.join().expect("taking turns does not panic");
        assert!(before.bytes_frozen >= bytes as u64 * rounds, "the deep task was not frozen");
        elapsed
    })
}

fn turns(rounds: u64) -> Duration {
    // The first turn makes the block.
    task::yield_now();
    let start = std::time::Instant::now();
    for _ in 0..rounds {
        task::yield_now();
    }
    start.elapsed()
}

/// Calls `then` with about `bytes` more on the stack.
fn hold(bytes: usize, then: &mut dyn FnMut() -> Duration) -> Duration {
    match bytes {
        0 => then(),
        64 => level::<64>(1, then),
        256 => level::<256>(1, then),
        _ => level::<1024>(bytes / 1024, then),
    }
}

#[inline(never)]
fn level<const ARRAY: usize>(levels: usize, then: &mut dyn FnMut() -> Duration) -> Duration {
    let mut array = [levels as u8; ARRAY];
    let array = std::hint::black_box(&mut array);
    let elapsed = if levels <= 1 { then() } else { level::<ARRAY>(levels - 1, then) };
    assert!(array[ARRAY - 1] == levels as u8, "a frame was changed");
    elapsed
}
