//! The monitor: a thread without tasks that sees to it that no task starves the others.
//!
//! It looks at each worker now and then: every 20 us while there is something to do, up to 10 ms
//! when there is not. One that has run the same task for 10 ms is *hogged*: its task computes, or
//! sits in a system call. If somebody waits meanwhile, its seat is retaken ([`seats`](super::seats))
//! and given to another worker. In the modes whose started tasks stay on their thread that would not
//! help them: they have to wait, and the hog is named ([`hogs`](super::hogs)); those that have not
//! started are stolen by workers that are free.
//!
//! When everything has been asleep for a while, the monitor sleeps, too, until a worker gets up: an
//! idle runtime uses no processor time at all.
//!
//! Go: `runtime/proc.go` `sysmon`, `retake`, with the same periods.

use super::config::Mode;
use super::hogs::{Hogs, Suspect};
use super::parker::Parker;
use super::shared::Shared;
use super::slumber::Slumber;
use super::threads::{self, NoWorker};
use super::Ready;
use crate::stack::window::memory_is_short;
use crate::task::header::Header;
use crossbeam_deque::Steal;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// The shortest and the longest time between two looks. Go: the same.
const SHORTEST: Duration = Duration::from_micros(20);
const LONGEST: Duration = Duration::from_millis(10);
/// So many looks without anything to do, and the time doubles each time. Go: 50.
const PATIENCE: u32 = 50;

/// A task that has run for so long hogs its worker. Go: `forcePreemptNS`.
pub(crate) const SLICE: Duration = Duration::from_millis(10);

/// The monitor sleeps when all workers have slept for so long. Short enough to be nothing, long
/// enough that a program which wakes up often does not wake the monitor each time.
const ALL_QUIET: Duration = Duration::from_millis(500);

/// What others know of the monitor.
pub(crate) struct Sysmon {
    parker: Parker,
    slumber: Slumber,
    /// There may be seats to fill, whether there is work or not.
    fill: AtomicBool,
    stopped: AtomicBool,
    /// Tasks it has woken, since their timers were late.
    pub(crate) timers_fired: AtomicU64,
    /// Seats retaken.
    pub(crate) retakes: AtomicU64,
    /// Hogs named, or that would have been.
    pub(crate) hogs: AtomicU64,
}

impl Sysmon {
    pub(crate) fn new() -> Sysmon {
        Sysmon {
            parker: Parker::new(),
            slumber: Slumber::new(),
            fill: AtomicBool::new(false),
            stopped: AtomicBool::new(false),
            timers_fired: AtomicU64::new(0),
            retakes: AtomicU64::new(0),
            hogs: AtomicU64::new(0),
        }
    }

    /// For a worker that has got up.
    #[inline]
    pub(crate) fn wake_if_asleep(&self) {
        if self.slumber.must_wake() {
            self.wake();
        }
    }

    /// Whether it sleeps, since everybody does. A hint: when it gets up, it says so
    /// ([`Preemptor::wake`](super::preempt::Preemptor::wake)).
    pub(crate) fn is_asleep(&self) -> bool {
        self.slumber.is_asleep()
    }

    /// The number of seats has changed: they are to be filled.
    pub(crate) fn fill_soon(&self) {
        self.fill.store(true, Ordering::Relaxed); // the parker orders it
        self.wake();
    }

    /// The runtime ends.
    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::Release); // pairs with the Acquire of the monitor
        self.wake();
    }

    /// Makes it look at once. Async-signal-safe.
    pub(crate) fn wake(&self) {
        self.parker.unpark();
    }
}

/// Starts the monitor of a runtime.
pub(crate) fn start(shared: &Arc<Shared>) -> io::Result<JoinHandle<()>> {
    let name = format!("{}-sysmon", shared.config.name);
    let shared = shared.clone();
    thread::Builder::new().name(name).spawn(move || Monitor::new(shared).run())
}

/// So long after the system has refused a thread it is not asked for another one.
const NO_THREAD: Duration = Duration::from_millis(100);

/// So many tasks of a hogged worker are moved at a time.
const MOST_MOVED: usize = 1_000;

/// What the monitor remembers of a worker.
#[derive(Clone, Copy)]
struct Seen {
    ticks: u32,
    task: usize,
    since: Instant,
    /// The processor time that its thread had used when it had been at this task for half a slice.
    used: Option<Duration>,
}

impl Seen {
    /// For how long its task has not suspended.
    fn hogs(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.since)
    }
}

struct Monitor {
    shared: Arc<Shared>,
    seen: Vec<Seen>,
    hogs: Hogs,
    /// Those of the present look.
    suspects: Vec<Suspect>,
    /// The system has just refused a thread.
    no_thread_before: Option<Instant>,
}

impl Monitor {
    fn new(shared: Arc<Shared>) -> Monitor {
        let hogs = Hogs::new(&shared.config);
        // So that looking needs no memory when there may be none left.
        let seen = Vec::with_capacity(shared.remotes.len());
        let suspects = Vec::with_capacity(shared.remotes.len());
        Monitor { shared, seen, hogs, suspects, no_thread_before: None }
    }

    fn run(mut self) {
        let mut pause = SHORTEST;
        let mut in_vain = 0;
        let mut quiet_since = None;
        loop {
            self.shared.sysmon.parker.park_until(Instant::now() + pause);
            if self.shared.sysmon.stopped.load(Ordering::Acquire) {
                return;
            }
            if self.all_sleep() {
                let since = *quiet_since.get_or_insert_with(Instant::now);
                if since.elapsed() >= ALL_QUIET {
                    self.sleep();
                    (pause, in_vain, quiet_since) = (SHORTEST, 0, None);
                    continue;
                }
            } else {
                quiet_since = None;
            }
            if self.look() {
                (pause, in_vain) = (SHORTEST, 0);
            } else {
                in_vain += 1;
                if in_vain > PATIENCE {
                    pause = (pause * 2).min(LONGEST);
                }
            }
        }
    }

    /// Whether there is nothing to look after.
    ///
    /// The lock of the windows makes it certain: a worker that has left a task waiting there and
    /// then lain down was seen asleep before, so that the task is seen, too.
    fn all_sleep(&self) -> bool {
        self.shared.seats.all_sleep(self.shared.idle.sleepers())
            && !self.shared.windows.somebody_waits()
            && self.shared.preemptor.handed.is_empty()
    }

    /// Sleeps until a worker gets up.
    fn sleep(&self) {
        let sysmon = &self.shared.sysmon;
        let all_sleep = || self.all_sleep() && !sysmon.stopped.load(Ordering::Acquire);
        if sysmon.slumber.lie_down(all_sleep) {
            sysmon.parker.park();
        }
        sysmon.slumber.get_up();
        self.shared.preemptor.wake();
    }

    /// Looks at every worker. True if there was something to do.
    fn look(&mut self) -> bool {
        let now = Instant::now();
        let mut handed = false;
        for waiter in self.shared.preemptor.handed.take() {
            // SAFETY: wait lists hold the `waiter` links of tasks.
            self.shared.ready(Ready(unsafe { Header::of_waiter(waiter) }));
            handed = true;
        }
        if handed {
            // One who was paused may have been about to wake somebody, whom nobody else wakes.
            self.shared.remotes.iter().for_each(|remote| remote.parker.unpark());
        }
        let mut retaken = false;
        for worker in 0..self.shared.remotes.len() {
            let paused = self.shared.remotes[worker].requests.is_paused(); // before what it is at
            let Some(seen) = self.running(worker, now) else { continue };
            if seen.hogs(now) < SLICE || !self.is_served(worker) {
                continue;
            }
            // Where started tasks stay on their thread, another thread would be no help to them, and
            // would keep for good those that it began.
            if !self.shared.thread_bound() {
                retaken |= self.somebody_waits() && self.retake(worker);
                self.take_tasks_of(worker);
            }
            let suspect = Suspect { worker, task: seen.task, long: seen.hogs(now) };
            if suspect.is_one() && !paused {
                self.suspects.push(suspect);
            }
        }
        self.hogs.look(&self.shared, &self.suspects);
        self.suspects.clear();
        if memory_is_short() {
            self.shared.trim_all();
        }
        while self.shared.windows.somebody_may_wait() {
            let Some(task) = self.shared.windows.retry() else { break };
            self.shared.inject(task);
        }
        let mut fired = 0;
        if self.shared.idle.is_nobody() {
            fired = self.shared.fire_late();
            // Relaxed: a figure.
            self.shared.sysmon.timers_fired.fetch_add(fired, Ordering::Relaxed);
        }
        self.fill_seats();
        handed || retaken || fired > 0
    }

    /// Fills seats if there is work for them, or if somebody has asked for it.
    fn fill_seats(&mut self) {
        let fill = &self.shared.sysmon.fill;
        // An only worker has yet to share what it has.
        if !self.shared.is_shared()
            || self.no_thread_before.is_some_and(|time| Instant::now() < time)
        {
            return;
        }
        // Relaxed: the parker orders it.
        let asked = fill.swap(false, Ordering::Relaxed);
        let waits = self.somebody_waits();
        if !asked && !waits {
            return;
        }
        let filled = threads::fill_seats(&self.shared);
        if filled.is_err() && asked {
            fill.store(true, Ordering::Relaxed);
        }
        self.no_thread_before =
            matches!(filled, Err(NoWorker::System(_))).then(|| Instant::now() + NO_THREAD);
        if waits {
            self.hogs.note_filled(filled);
        }
    }

    /// What a worker is at, and since when it has been seen at it; None if it runs no task.
    fn running(&mut self, worker: usize, now: Instant) -> Option<Seen> {
        let of = self.shared.remotes[worker].worker.load(Ordering::Acquire); // see `worker::run`
        if of.is_null() {
            return None;
        }
        // SAFETY: workers outlive the monitor.
        let of = unsafe { &*of };
        let (ticks, task) = (of.slice(), of.current.address());
        if self.seen.len() <= worker {
            self.seen.resize(worker + 1, Seen { ticks: 0, task: 0, since: now, used: None });
        }
        let seen = &mut self.seen[worker];
        if (seen.ticks, seen.task) != (ticks, task) {
            *seen = Seen { ticks, task, since: now, used: None };
        }
        if seen.used.is_none()
            && task != 0
            && now.saturating_duration_since(seen.since) >= SLICE / 2
        {
            seen.used = self.shared.remotes[worker].time.used();
        }
        (task != 0).then_some(*seen)
    }

    /// Whether the thread of a worker that seems to be hogged has had processor time enough, or does
    /// not want any since it waits in the system. (Else it waits for a processor, and another thread
    /// would have to do the same.)
    fn is_served(&self, worker: usize) -> bool {
        let time = &self.shared.remotes[worker].time;
        let (Some(before), Some(now)) = (self.seen[worker].used, time.used()) else { return true };
        now.saturating_sub(before) >= SLICE / 2 || time.is_runnable() != Some(true)
    }

    /// Moves what a hogged worker without a seat has queued, and what its task still queues, to where
    /// those who are busy find it, too: they steal only when they have nothing else to do.
    fn take_tasks_of(&self, worker: usize) {
        let shared = &self.shared;
        if !shared.is_shared() || !shared.seats.runs_without(worker) {
            return;
        }
        let remote = &shared.remotes[worker];
        let queued = std::iter::from_fn(|| loop {
            match remote.stealer.steal() {
                Steal::Success(task) => return Some(task),
                Steal::Empty => return None,
                Steal::Retry => std::hint::spin_loop(),
            }
        });
        for task in queued.take(MOST_MOVED).chain(remote.steal_run_next()) {
            shared.inject(task);
        }
    }

    /// Whether there is work that nobody is about to do: tasks that any worker may run, or timers
    /// that are late.
    fn somebody_waits(&self) -> bool {
        let shared = &self.shared;
        let migrating = shared.config.mode == Mode::Migrating;
        let waits = !shared.injector.is_empty()
            || shared.remotes.iter().any(|remote| {
                !remote.stealer.is_empty()
                    || (migrating && !remote.run_next.load(Ordering::Relaxed).is_null())
            })
            || !shared.is_shared()
            || shared.first_timer() <= shared.clock.now();
        waits && shared.idle.is_nobody()
    }

    fn retake(&self, worker: usize) -> bool {
        let shared = &self.shared;
        if !shared.share_for_waiting() {
            return false;
        }
        let remote = &shared.remotes[worker];
        let retaken = shared.seats.retake(worker, || remote.inbox.give_notice());
        if retaken {
            shared.sysmon.retakes.fetch_add(1, Ordering::Relaxed); // guards nothing
            if shared.idle.wake_this(worker) {
                remote.parker.unpark(); // it has suspended and lain down meanwhile
            }
        }
        retaken
    }
}
