//! Promise: work is never left lying while a worker sleeps and nobody searches.
//!
//! A worker here does what `sched::steal` does, with a number in place of the queues: all accesses
//! to that number are Relaxed, so that only the protocol orders them. A worker that has got its
//! share of work is busy for ever: what is left then has to be taken by the others, and if nobody
//! wakes them the model ends in a deadlock, which loom reports.

use crate::parker::Parker;
use crate::source_idle::Idle;
use crate::{check, check_bounded, join_all};
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::sync::Arc;
use loom::thread;

struct Runtime {
    idle: Idle,
    /// Tasks that any worker may run.
    queued: AtomicUsize,
    /// Tasks that only worker 0 may run.
    inbox: AtomicUsize,
    stopped: AtomicUsize,
    parkers: [Parker; 2],
}

impl Runtime {
    /// Two workers: those that a model does not start are busy.
    fn new() -> Arc<Runtime> {
        Arc::new(Runtime {
            idle: Idle::new(2),
            queued: AtomicUsize::new(0),
            inbox: AtomicUsize::new(0),
            stopped: AtomicUsize::new(0),
            parkers: [Parker::new(), Parker::new()],
        })
    }

    /// As `Shared::inject`.
    fn submit(&self) {
        self.queued.fetch_add(1, Ordering::Relaxed);
        self.notify();
    }

    fn notify(&self) {
        if let Some(worker) = self.idle.wake_one() {
            self.parkers[worker].unpark();
        }
    }

    /// As `Shared::post`.
    fn post_to_0(&self) {
        self.inbox.fetch_add(1, Ordering::Relaxed);
        if self.idle.wake_this(0) {
            self.parkers[0].unpark();
        }
    }

    /// As the end of a runtime.
    fn stop(&self) {
        self.stopped.store(1, Ordering::Relaxed);
        for worker in self.idle.wake_all() {
            self.parkers[worker].unpark();
        }
    }

    /// To be called when all workers are awake and none searches: the counts say so, too.
    fn assert_nobody_is_idle(&self) {
        assert!(self.idle.begin_search(), "somebody is still counted as searching");
        assert!(self.idle.end_search());
        assert!(self.idle.wake_one().is_none(), "somebody is still counted as sleeping");
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Work {
    Queued,
    Posted,
    Stopped,
}

struct Worker {
    runtime: Arc<Runtime>,
    index: usize,
    searching: bool,
}

fn take_one(count: &AtomicUsize) -> bool {
    count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |count| count.checked_sub(1)).is_ok()
}

impl Worker {
    fn start(runtime: &Arc<Runtime>, index: usize, life: fn(Worker)) -> thread::JoinHandle<()> {
        let worker = Worker { runtime: Arc::clone(runtime), index, searching: false };
        thread::spawn(move || life(worker))
    }

    fn find_work(&mut self) -> Work {
        loop {
            let work = self.pick().or_else(|| {
                self.searching = self.searching || self.runtime.idle.begin_search();
                self.pick()
            });
            if let Some(work) = work {
                if std::mem::take(&mut self.searching) && self.runtime.idle.end_search() {
                    self.runtime.notify();
                }
                return work;
            }
            if self.runtime.stopped.load(Ordering::Relaxed) != 0 {
                return Work::Stopped;
            }
            self.sleep();
        }
    }

    fn pick(&self) -> Option<Work> {
        if self.index == 0 && take_one(&self.runtime.inbox) {
            return Some(Work::Posted);
        }
        take_one(&self.runtime.queued).then_some(Work::Queued)
    }

    fn sleep(&mut self) {
        let idle = &self.runtime.idle;
        idle.lie_down(self.index, std::mem::take(&mut self.searching));
        if !self.work_anywhere() {
            self.runtime.parkers[self.index].park();
        }
        // Whoever woke us counted us in. Else: while we searched, others left their work to us. We
        // may come away with a part of what we have seen, so we must count as searching again when
        // we do, unless somebody else is.
        let woken = !idle.get_up(self.index);
        self.searching = woken || idle.begin_search();
    }

    fn work_anywhere(&self) -> bool {
        self.runtime.queued.load(Ordering::Relaxed) != 0
            || (self.index == 0 && self.runtime.inbox.load(Ordering::Relaxed) != 0)
            || self.runtime.stopped.load(Ordering::Relaxed) != 0
    }
}

/// A thread that is no worker.
fn start(runtime: &Arc<Runtime>, f: fn(&Runtime)) -> thread::JoinHandle<()> {
    let runtime = Arc::clone(runtime);
    thread::spawn(move || f(&runtime))
}

/// Fails without the fence in `wake_one` or the one in `lie_down`, or with AcqRel in place of its
/// SeqCst; without the second look; with `lie_down` leaving SEARCHING counted, or `wake_one` not
/// counting it; with `get_up` returning true though somebody is waking the worker.
#[test]
fn a_worker_does_not_sleep_through_a_submission() {
    check(|| {
        let runtime = Runtime::new();
        let worker = Worker::start(&runtime, 0, |mut worker| {
            assert_eq!(worker.find_work(), Work::Queued);
        });
        runtime.submit();
        worker.join().unwrap();
        runtime.assert_nobody_is_idle();
    });
}

/// Two tasks, and two workers that are busy for ever with one each.
///
/// Fails with the breakages above; with `end_search` never saying that it was the last; without the
/// `wake_one` that follows it; and if a worker that gets up does not count as searching again.
#[test]
fn a_searcher_that_found_work_wakes_the_next() {
    check_bounded(1, || {
        let runtime = Runtime::new();
        let workers = [0, 1].map(|index| {
            Worker::start(&runtime, index, |mut worker| {
                assert_eq!(worker.find_work(), Work::Queued);
            })
        });
        let submitter = start(&runtime, |runtime| {
            runtime.submit();
            runtime.submit();
        });
        join_all(workers);
        submitter.join().unwrap();
        runtime.assert_nobody_is_idle();
    });
}

/// Only worker 0 may run what is posted; the other one is busy.
///
/// Fails without the fence in `wake_this` or the one in `lie_down`, or with AcqRel in place of the
/// latter's SeqCst; without the second look.
#[test]
fn a_worker_does_not_sleep_through_a_post() {
    check(|| {
        let runtime = Runtime::new();
        let worker = Worker::start(&runtime, 0, |mut worker| {
            assert_eq!(worker.find_work(), Work::Posted);
        });
        runtime.post_to_0();
        worker.join().unwrap();
        runtime.assert_nobody_is_idle();
    });
}

/// One task is posted to worker 0, and one is queued for any. Worker 0 is busy for ever with the
/// posted one, so either it runs the queued one before, or worker 1 has to.
///
/// Fails with what makes the one with two tasks fail.
#[test]
fn a_posted_task_does_not_hide_a_queued_one() {
    check_bounded(1, || {
        let runtime = Runtime::new();
        let workers = [0, 1].map(|index| {
            Worker::start(&runtime, index, |mut worker| loop {
                match worker.find_work() {
                    Work::Posted => return,
                    Work::Queued => worker.runtime.stop(),
                    Work::Stopped if worker.index == 1 => return,
                    Work::Stopped => thread::yield_now(),
                }
            })
        });
        let submitter = start(&runtime, |runtime| {
            runtime.post_to_0();
            runtime.submit();
        });
        join_all(workers);
        submitter.join().unwrap();
    });
}

/// The runtime ends while its workers look for work and lie down.
///
/// Fails without the second look.
#[test]
fn the_end_wakes_everybody() {
    check_bounded(2, || {
        let runtime = Runtime::new();
        let workers = [0, 1].map(|index| {
            Worker::start(&runtime, index, |mut worker| {
                assert_eq!(worker.find_work(), Work::Stopped);
            })
        });
        runtime.stop();
        join_all(workers);
    });
}
