//! What the primitives need of the scheduler: who am I, wait, and may I spin for a moment.
//!
//! The loom models have a file of their own in place of this one (`tests/loom/sync/parking.rs`).

use crate::sched::worker;
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

pub(crate) use crate::sched::context::{current, park_for};
pub(crate) use crate::sched::park_until;
pub(crate) use crate::task::handle::Task as Handle;
pub(crate) use crate::task::reason::Reason;

/// Who has waited for so long gets a mutex handed over. Go: `starvationThresholdNs`
/// (internal/sync/mutex.go).
const STARVATION: Duration = Duration::from_millis(1);

/// How often a locker looks again before it parks. Go: `active_spin` (runtime/lock_spinbit.go).
const SPIN_ROUNDS: u32 = 4;

/// Spin hints from one look to the next. Go: `active_spin_cnt`.
const SPIN_HINTS: u32 = 30;

/// Whether somebody who waits since then is being starved.
pub(crate) fn is_starved(since: Instant) -> bool {
    since.elapsed() > STARVATION
}

/// Spins for a moment, if there is a chance that another thread changes what the caller waits for
/// and nothing better to do here. False if the caller should park. `rounds` counts its calls.
///
/// Go: `sync_runtime_canSpin` and `sync_runtime_doSpin` (runtime/proc.go).
pub(crate) fn spin(rounds: &mut u32) -> bool {
    if *rounds >= SPIN_ROUNDS || !others_run() {
        return false;
    }
    *rounds += 1;
    for _ in 0..SPIN_HINTS {
        std::hint::spin_loop();
    }
    true
}

fn others_run() -> bool {
    static PROCESSORS: OnceLock<usize> = OnceLock::new();
    let processors = || thread::available_parallelism().map_or(1, |processors| processors.get());
    if *PROCESSORS.get_or_init(processors) == 1 {
        return false;
    }
    match worker::current() {
        // With other tasks to run here a wait costs nobody anything.
        Some(worker) => {
            let was_inside = worker.enter();
            let work = worker.processor.has_work(worker.remote());
            worker.exit(was_inside);
            worker.shared().remotes.len() > 1 && !work
        }
        None => true,
    }
}
