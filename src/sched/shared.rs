//! What all workers of a runtime share.
//!
//! Go: `runtime/runtime2.go` `schedt`.

use super::blocking_pool::Pool;
use super::clock::Clock;
use super::config::{Config, Mode};
use super::counters::{Counters, Metrics};
use super::deadlock::Detector;
use super::idle::Idle;
use super::inbox::Inbox;
use super::keeper::Keeper;
use super::parker::Parker;
use super::preempt::{Preemptor, Requests};
use super::remotes::Remotes;
use super::seats::Seats;
use super::share::Alone;
use super::sysmon::Sysmon;
use super::thread_time::ThreadTime;
use super::timed::Target;
use super::timers::Timers;
use super::watch::Watch;
use super::window_store::WindowStore;
use super::worker::Worker;
use super::Ready;
use crate::lock::{Condvar, Mutex};
use crate::task::header::Header;
use crossbeam_deque::{Injector, Stealer};
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, Ordering};
use std::sync::Arc;
use std::thread::JoinHandle;

/// The part of a worker that others may touch.
pub(crate) struct Remote {
    pub(crate) stealer: Stealer<Ready>,
    /// The task to run before those in the queue: the one woken last, while its data is in the
    /// cache. Go: `p.runnext`.
    pub(crate) run_next: AtomicPtr<Header>,
    pub(crate) inbox: Inbox,
    pub(crate) parker: Parker,
    pub(crate) timers: Timers<Target>,
    pub(crate) counters: Counters,
    pub(crate) watch: Watch,
    pub(crate) time: ThreadTime,
    pub(crate) requests: Requests,
    /// The worker, while its thread is there. For the monitor.
    pub(crate) worker: AtomicPtr<Worker>,
}

impl Remote {
    pub(crate) fn new(stealer: Stealer<Ready>) -> Remote {
        Remote {
            stealer,
            run_next: AtomicPtr::new(ptr::null_mut()),
            inbox: Inbox::new(),
            parker: Parker::new(),
            timers: Timers::new(),
            counters: Counters::default(),
            watch: Watch::new(),
            time: ThreadTime::new(),
            requests: Requests::new(),
            worker: AtomicPtr::new(ptr::null_mut()),
        }
    }

    /// What is in the run-next slot of a worker that shares it, for others.
    pub(crate) fn steal_run_next(&self) -> Option<Ready> {
        let waiting = self.run_next.load(Ordering::Relaxed); // a guess, which the exchange checks
        if waiting.is_null() {
            return None;
        }
        // Acquire pairs with the Release of the owner that put it there, Release with the Acquire of
        // the one who puts another there. The same task put there anew between the two is as ready
        // as before, so a reused address does no harm.
        let stolen = self.run_next.compare_exchange(
            waiting,
            ptr::null_mut(),
            Ordering::AcqRel,
            Ordering::Relaxed,
        );
        stolen.ok().and_then(NonNull::new).map(Ready)
    }
}

/// A runtime's shared state.
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) remotes: Remotes,
    pub(crate) seats: Seats,
    pub(crate) sysmon: Sysmon,
    pub(crate) preemptor: Preemptor,
    /// The threads of all workers. Whoever starts one holds the lock.
    pub(crate) threads: Mutex<Vec<JoinHandle<()>>>,
    /// Whether there is one worker, and there has never been another.
    pub(crate) alone: Mutex<Alone>,
    /// The same, close at hand.
    pub(crate) is_alone: AtomicBool,
    pub(crate) injector: Injector<Ready>,
    pub(crate) idle: Idle,
    pub(crate) keeper: Keeper,
    pub(crate) clock: Clock,
    pub(crate) windows: WindowStore,
    pub(crate) blocking: Arc<Pool>,
    pub(crate) deadlock: Detector,
    /// Tasks spawned by threads that are no workers.
    pub(crate) spawned_outside: AtomicU64,
    /// No task runs its closure from now on.
    pub(crate) draining: AtomicBool,
    /// Nobody spawns from outside any more.
    pub(crate) closed: AtomicBool,
    /// All tasks have ended: workers leave.
    pub(crate) stopped: AtomicBool,
    /// For the drop that waits for tasks to end.
    pub(crate) ended: Condvar,
    pub(crate) ended_lock: Mutex<()>,
}

impl Shared {
    /// Whether more workers may come.
    pub(crate) fn is_shared(&self) -> bool {
        *self.alone.lock() == Alone::No
    }

    /// Whether started tasks stay on their worker.
    #[inline]
    pub(crate) fn thread_bound(&self) -> bool {
        self.config.mode != Mode::Migrating
    }

    /// Whether each worker's windows, and its run-next slot, are touched by no other: always so in
    /// the thread-bound modes, and with one worker. Saves the atomics.
    pub(crate) fn exclusive(&self) -> bool {
        // Relaxed: it changes before there is a second worker.
        self.thread_bound() || self.is_alone.load(Ordering::Relaxed)
    }

    /// Wakes a sleeping worker for work that any worker may do.
    #[inline]
    pub(crate) fn notify(&self) {
        if let Some(worker) = self.idle.wake_one() {
            self.remotes[worker].parker.unpark();
        }
    }

    /// Queues a task from outside (or one that shall change workers).
    pub(crate) fn inject(&self, task: Ready) {
        self.injector.push(task);
        self.notify();
    }

    /// Queues a task for the one worker that may run it.
    pub(crate) fn post(&self, worker: usize, task: Ready) {
        self.remotes[worker].inbox.post(task);
        if self.idle.wake_this(worker) || self.seats.call(worker) {
            self.remotes[worker].parker.unpark();
        }
    }

    /// Makes a task ready that was parked, from a thread that is none of this runtime's workers.
    ///
    /// # Safety
    ///
    /// The caller has just taken PARKED from the task and is inside `external::enter`.
    pub(crate) unsafe fn ready_from_outside(&self, task: NonNull<Header>) {
        self.ready(Ready(task));
    }

    /// Makes a task ready on behalf of no worker. In the thread-bound modes, one that has started.
    pub(crate) fn ready(&self, task: Ready) {
        let header = task.header();
        if self.thread_bound() || header.thread_locked.get() {
            self.post(header.home.get() as usize, task);
        } else {
            self.inject(task);
        }
    }

    /// The runtime a task belongs to.
    ///
    /// # Safety
    ///
    /// The task is not a thread's stand-in and its runtime is alive: the caller is one of its
    /// workers, or is inside `external::enter` and the task is not DONE.
    pub(crate) unsafe fn of<'a>(header: &Header) -> &'a Shared {
        // SAFETY: passed on; tasks are made with a pointer to their runtime.
        unsafe { &*header.runtime.cast::<Shared>() }
    }

    /// All figures added up.
    pub(crate) fn metrics(&self) -> Metrics {
        let mut metrics = Metrics::default();
        // Ends before beginnings, so that live tasks are never fewer than none.
        let finished = self.finished();
        for remote in self.remotes.iter() {
            metrics.add(&remote.counters);
        }
        metrics.tasks_spawned += self.spawned_outside.load(Ordering::Acquire);
        metrics.tasks_finished = finished;
        metrics.tasks_live = metrics.tasks_spawned - finished;
        metrics.threads = self.seats.workers() as u64;
        metrics.timers_fired += self.sysmon.timers_fired.load(Ordering::Relaxed); // a figure
        metrics.retakes = self.sysmon.retakes.load(Ordering::Relaxed); // a figure
        metrics.hogs = self.sysmon.hogs.load(Ordering::Relaxed); // a figure
        metrics.windows = self.windows.count() as u64;
        metrics.blocking_threads = self.blocking.threads() as u64;
        metrics.slab_bytes = crate::stack::slab::stats().0 as u64;
        metrics
    }

    fn finished(&self) -> u64 {
        self.remotes.iter().map(|remote| remote.counters.tasks_finished.get()).sum()
    }

    /// Whether every task that was spawned has ended.
    pub(crate) fn all_ended(&self) -> bool {
        // Beginnings are read after ends, and both only grow: if they are equal, then at the moment
        // between the two nothing was alive.
        self.metrics().tasks_live == 0
    }
}
