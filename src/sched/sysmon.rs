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
use super::hogs::Hogs;
use super::shared::{Parker, Shared};
use super::threads;
use std::io;
use std::sync::atomic::{fence, AtomicBool, AtomicU64, Ordering};
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
#[derive(Default)]
pub(crate) struct Sysmon {
    parker: Parker,
    asleep: AtomicBool,
    /// There may be seats to fill, whether there is work or not.
    fill: AtomicBool,
    /// Seats retaken.
    pub(crate) retakes: AtomicU64,
    /// Hogs named, or that would have been.
    pub(crate) hogs: AtomicU64,
}

impl Sysmon {
    /// For a worker that has got up.
    #[inline]
    pub(crate) fn wake_if_asleep(&self) {
        // Pairs with the fence in `sleep`: either the monitor sees that we are up, or we see it
        // asleep.
        fence(Ordering::SeqCst);
        if self.asleep.load(Ordering::Relaxed) && self.asleep.swap(false, Ordering::Relaxed) {
            self.wake();
        }
    }

    /// The number of seats has changed: they are to be filled.
    pub(crate) fn fill_soon(&self) {
        self.fill.store(true, Ordering::Relaxed); // the parker's lock orders it
        self.wake();
    }

    /// Makes it look at once.
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

/// What the monitor remembers of a worker.
#[derive(Clone, Copy)]
struct Seen {
    ticks: u32,
    task: usize,
    since: Instant,
}

struct Monitor {
    shared: Arc<Shared>,
    seen: Vec<Seen>,
    hogs: Hogs,
}

impl Monitor {
    fn new(shared: Arc<Shared>) -> Monitor {
        let hogs = Hogs::new(&shared.config);
        // So that looking needs no memory when there may be none left.
        let seen = Vec::with_capacity(shared.remotes.len());
        Monitor { shared, seen, hogs }
    }

    fn run(mut self) {
        let mut pause = SHORTEST;
        let mut in_vain = 0;
        let mut quiet_since = None;
        loop {
            self.shared.sysmon.parker.park_until(Instant::now() + pause);
            if self.shared.stopped.load(Ordering::Acquire) {
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
    fn all_sleep(&self) -> bool {
        self.shared.seats.all_sleep(self.shared.idle.sleepers())
            && !self.shared.windows.somebody_waits()
    }

    /// Sleeps until a worker gets up.
    fn sleep(&self) {
        let sysmon = &self.shared.sysmon;
        sysmon.asleep.store(true, Ordering::Relaxed);
        // Pairs with the fence in `wake_if_asleep`.
        fence(Ordering::SeqCst);
        if self.all_sleep() && !self.shared.stopped.load(Ordering::Acquire) {
            sysmon.parker.park();
        }
        sysmon.asleep.store(false, Ordering::Relaxed);
    }

    /// Looks at every worker. True if there was something to do.
    fn look(&mut self) -> bool {
        let now = Instant::now();
        let mut retaken = false;
        for worker in 0..self.shared.remotes.len() {
            let Some((task, since)) = self.running(worker, now) else { continue };
            let long = now.saturating_duration_since(since);
            if long < SLICE {
                continue;
            }
            // Where started tasks stay on their thread, another thread would be no help to them, and
            // would keep for good those that it began.
            if !self.shared.thread_bound() && self.somebody_waits() && self.retake(worker) {
                retaken = true;
            }
            self.hogs.look(&self.shared, worker, task, long);
        }
        let fill = self.shared.sysmon.fill.load(Ordering::Relaxed);
        while let Some(task) = self.shared.windows.retry() {
            self.shared.inject(task);
        }
        if fill || self.somebody_waits() {
            let filled = threads::fill_seats(&self.shared);
            if fill && self.shared.is_shared() {
                self.shared.sysmon.fill.store(false, Ordering::Relaxed);
            }
            self.hogs.note_filled(filled);
        }
        retaken
    }

    /// The task that a worker runs, as a mere number, and since when it has been seen running.
    fn running(&mut self, worker: usize, now: Instant) -> Option<(usize, Instant)> {
        let of = self.shared.remotes[worker].worker.load(Ordering::Acquire); // see `worker::run`
        if of.is_null() {
            return None;
        }
        // SAFETY: workers outlive the monitor.
        let of = unsafe { &*of };
        let (ticks, task) = (of.processor.ticks(), of.current.address());
        if self.seen.len() <= worker {
            self.seen.resize(worker + 1, Seen { ticks: 0, task: 0, since: now });
        }
        let seen = &mut self.seen[worker];
        if (seen.ticks, seen.task) != (ticks, task) {
            *seen = Seen { ticks, task, since: now };
        }
        (task != 0).then_some((task, seen.since))
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
        let retaken = shared.seats.retake(worker, || shared.remotes[worker].inbox.give_notice());
        if retaken {
            shared.sysmon.retakes.fetch_add(1, Ordering::Relaxed); // guards nothing
        }
        retaken
    }
}
