//! Changing the number of workers while tasks run.
//!
//! Go: `runtime/debug.go` `GOMAXPROCS`, which stops the world for it. Here nobody stops: seats are
//! filled, or given up by those who have one too many, each at its next switch.

use super::remotes;
use super::shared::Shared;
use super::threads;
use super::worker;
use std::sync::Arc;

/// Changes how many workers run tasks at a time in the calling task's runtime. Returns the number
/// before.
///
/// More begin at once; one too many stops at its next switch, and no task is lost: the tasks that it
/// has queued go to the others. In the modes whose started tasks stay on their thread, those are run
/// by their thread for as long as they live.
///
/// # Panics
///
/// Outside of tasks: see [`Runtime::set_workers`](crate::Runtime::set_workers). With 0, or more than
/// 65,535.
///
/// ```
/// let rt = midge::Runtime::builder().workers(1).build_pinned().unwrap();
/// let before = rt.run(|| midge::runtime::set_workers(2));
/// assert_eq!((before, rt.workers()), (1, 2));
/// ```
pub fn set_workers(workers: usize) -> usize {
    let shared = match worker::current() {
        Some(worker) => worker.shared.clone(),
        None => panic!("runtime::set_workers called outside of a task; use Runtime::set_workers"),
    };
    let before = set(&shared, workers);
    if let Some(worker) = worker::current() {
        let was_inside = worker.enter(); // an only worker shares what it has here
        worker.exit(was_inside);
    }
    before
}

/// As [`set_workers`].
pub(crate) fn set(shared: &Arc<Shared>, workers: usize) -> usize {
    assert!(workers > 0, "a runtime needs at least 1 worker, not 0");
    assert!(
        workers <= remotes::MOST,
        "a runtime has at most {} workers, not {workers}",
        remotes::MOST
    );
    if workers > 1 {
        shared.share_soon();
    }
    // Whoever starts a worker holds this lock, so all that are seated are there to be told; and two
    // callers leave one number.
    let starting = shared.threads.lock();
    let give_notice = |worker: usize| shared.remotes[worker].inbox.give_notice();
    let before = shared.seats.set_limit(workers, give_notice);
    shared.idle.set_workers(workers);
    drop(starting);
    if workers < before {
        // Those who sleep with a seat too many get up to give it back.
        for worker in shared.idle.wake_all() {
            shared.remotes[worker].parker.unpark();
        }
    } else {
        // What cannot be had now is tried again when there is work.
        let _ = threads::fill_seats(shared);
        shared.sysmon.fill_soon();
    }
    before
}
