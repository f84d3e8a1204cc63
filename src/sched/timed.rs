//! Waiting with a deadline, and firing what is due.
//!
//! A task that waits until a deadline sets a timer with its worker's processor and parks; only the
//! timer's key is on its stack. A timer points to its task without a reference: the task removes it
//! before it goes on, also when it unwinds, and the firing is under the same lock.
//!
//! Who fires: a worker looks at its own timers every few picks, often enough for some 20 us to pass
//! between two looks; a worker without work at those of all processors; and of the sleeping ones
//! the keeper gets up for the first timer of all.
//!
//! Go: `runtime/time.go` `timeSleep`, `(*timers).check`, called from `runtime/proc.go`
//! `findRunnable`.

use super::context::{self, in_task};
use super::shared::Shared;
use super::switch::{self, Suspension};
use super::timers::{NEVER, STEPS};
use super::unwind;
use super::wheel::EntryKey;
use super::worker::{self, Worker, WorkerRef};
use super::Ready;
use crate::task::header::Header;
use crate::task::reason::Reason;
use std::cell::Cell;
use std::panic::Location;
use std::ptr::NonNull;
use std::time::{Duration, Instant};

/// What a timer does.
pub(crate) enum Target {
    /// Wakes a task.
    Unpark(NonNull<Header>),
    /// Tells a task that one of its timeouts is over.
    TimeOut(NonNull<Header>),
}

// SAFETY: whoever fires only wakes the task, which may be done from anywhere; the task is alive as
// long as its timer is there.
unsafe impl Send for Target {}

impl Target {
    /// Under the lock of the timers: the task to make ready, if it was parked.
    fn fire(self) -> Option<Ready> {
        let (Target::Unpark(task) | Target::TimeOut(task)) = self;
        // SAFETY: the task has not removed its timer, so it has not ended; and it cannot before the
        // lock is free.
        let state = unsafe { &task.as_ref().state };
        let wake = match self {
            Target::Unpark(_) => state.unpark(),
            Target::TimeOut(_) => state.time_out(),
        };
        wake.then_some(Ready(task))
    }
}

/// A timer that is set for the running task; removed when this is dropped.
pub(crate) struct SetTimer {
    processor: usize,
    key: EntryKey,
    shared: NonNull<Shared>,
    fired: bool,
}

impl SetTimer {
    /// Sets a timer for a task that runs on this worker. None if the deadline is too far off for
    /// any clock.
    pub(crate) fn new(worker: WorkerRef, deadline: Instant, target: Target) -> Option<SetTimer> {
        let shared = worker.shared();
        let tick = shared.clock.tick_of(deadline)?;
        let (key, sooner) = worker.remote().timers.add(tick, target);
        if let Some(keeper) = sooner.and_then(|tick| shared.keeper.tell(tick)) {
            shared.remotes[keeper].parker.unpark();
        }
        let shared = NonNull::from(shared);
        Some(SetTimer { processor: worker.index, key, shared, fired: false })
    }

    /// Removes it. True if it had fired.
    fn remove(&mut self) -> bool {
        if !self.fired {
            self.fired = true;
            // SAFETY: the runtime of a task that runs is alive.
            let timers = unsafe { &self.shared.as_ref().remotes[self.processor].timers };
            return timers.remove(self.key).is_none();
        }
        true
    }
}

impl Drop for SetTimer {
    fn drop(&mut self) {
        self.remove();
    }
}

/// Parks until the task is unparked or the deadline has passed. True only if it has.
pub(crate) fn park_until_passed(deadline: Instant, reason: Reason) -> bool {
    let Some((worker, task)) = in_task() else {
        return context::park_as_thread(&context::thread_task(Location::caller()), Some(deadline));
    };
    // SAFETY: the running task is alive, and stays so while it waits.
    let header = unsafe { task.as_ref() };
    let worker = context::stress_yield(worker);
    if header.state.take_notification() {
        return false;
    }
    if Instant::now() >= deadline {
        unwind::unwind_if_cancelled(worker);
        return true;
    }
    header.reason.set(reason);
    let mut timer = SetTimer::new(worker, deadline, Target::Unpark(task));
    worker.enter();
    // SAFETY: a task on its worker's thread; the isolation contract is the program's promise.
    let worker = unsafe { switch::suspend(worker, task, Suspension::Park, None) };
    let passed = timer.as_mut().is_some_and(SetTimer::remove);
    unwind::unwind_if_cancelled(worker);
    passed
}

/// Waits until the calling task is unparked or the deadline has passed. May return for other
/// reasons: callers check what they wait for, in a loop. A suspension point, and cancellable, as
/// [`park`](context::park).
pub(crate) fn park_until(deadline: Instant, reason: Reason) {
    park_until_passed(deadline, reason);
}

/// Waits as [`park`](crate::task::park), but at most so long. A suspension point.
///
/// It may return early for no reason, as `std::thread::park_timeout` may. A duration that leads
/// beyond what `Instant` can hold is for ever. On an ordinary thread it blocks the thread.
///
/// ```
/// use std::time::Duration;
/// let rt = midge::Runtime::pinned().unwrap();
/// rt.run(|| midge::task::park_timeout(Duration::from_millis(1)));
/// ```
pub fn park_timeout(duration: Duration) {
    match Instant::now().checked_add(duration) {
        Some(deadline) => park_until(deadline, Reason::Park),
        None => context::park(),
    }
}

/// Lets at least so much time pass. A suspension point; on an ordinary thread it blocks the thread.
///
/// It never returns early; on an idle machine late by some 0.1 ms. Zero is a
/// [`yield_now`](crate::task::yield_now). A duration that leads beyond what `Instant` can hold is
/// for ever. An [`unpark`](crate::task::Task::unpark) of the sleeping task does not end the sleep:
/// it is kept for the next [`park`](crate::task::park).
///
/// If the task is cancelled, it unwinds from here.
///
/// ```
/// use std::time::{Duration, Instant};
/// let rt = midge::Runtime::pinned().unwrap();
/// let before = Instant::now();
/// rt.run(|| midge::task::sleep(Duration::from_millis(2)));
/// assert!(before.elapsed() >= Duration::from_millis(2));
/// ```
pub fn sleep(duration: Duration) {
    if duration.is_zero() {
        return context::yield_now();
    }
    sleep_to(Instant::now().checked_add(duration));
}

/// Sleeps until the deadline; without one for ever.
pub(crate) fn sleep_to(deadline: Option<Instant>) {
    /// Gives back the unparks that the sleep took, also when it is cancelled.
    struct Unparked(bool);
    impl Drop for Unparked {
        fn drop(&mut self) {
            if self.0 {
                context::current().unpark();
            }
        }
    }
    let mut unparked = Unparked(false);
    loop {
        match deadline {
            Some(deadline) if park_until_passed(deadline, Reason::Sleep) => return,
            Some(_) => {}
            None => context::park_for(Reason::Sleep),
        }
        unparked.0 = true;
    }
}

/// The monitor fires a timer when it is late by so many ticks (2 ms). A worker that is merely busy
/// has fired it by then.
const LATE_TICKS: u64 = 61;

/// About so much time passes between two looks at the own timers, in ticks.
const LOOK_TICKS: u64 = 1;
/// There are at most so many picks between two looks. Near Go's 61 for its global queue.
pub(crate) const MOST_PICKS: u32 = 64;

/// When a processor looks at its timers next: after so many picks, as many as took a tick lately.
#[derive(Clone, Copy)]
pub(crate) struct Looks {
    last: u64,
    picks: u32,
}

impl Looks {
    pub(crate) fn new() -> Looks {
        Looks { last: 0, picks: 1 }
    }

    /// After a look at the tick `now`: the number of picks until the next.
    fn after(self, now: u64) -> Looks {
        let picks = match now.saturating_sub(self.last) {
            0 => (self.picks * 2).min(MOST_PICKS),
            passed => (u64::from(self.picks) * LOOK_TICKS / passed).max(1) as u32,
        };
        Looks { last: now, picks }
    }
}

/// For a processor's turn to look: fires what is due of its own. Returns the number of picks until
/// the next look.
#[cold]
#[inline(never)]
pub(crate) fn look(shared: &Shared, looks: &Cell<Looks>) -> u32 {
    let Some(worker) = worker::current() else { unreachable!("a processor without a worker") };
    if worker.remote().timers.next() == NEVER {
        return MOST_PICKS;
    }
    let now = shared.clock.now();
    worker.fire_of(worker.index, now);
    looks.set(looks.get().after(now));
    looks.get().picks
}

impl Worker {
    /// Fires what is due of one processor's timers. True if that made a task ready.
    fn fire_of(&self, processor: usize, now: u64) -> bool {
        let fired = self.shared.fire_of(processor, now, |task| self.ready_timed(task));
        self.remote().counters.timers_fired.add(fired);
        fired > 0
    }

    /// Fires what is due of any processor's timers, for a worker without work. Starts with its own.
    /// True if that made a task ready.
    pub(crate) fn fire_all(&self) -> bool {
        let remotes = &self.shared.remotes;
        if self.shared.first_timer() == NEVER {
            return false;
        }
        let now = self.shared.clock.now();
        let fire = |any, processor| self.fire_of(processor, now) || any;
        (self.index..remotes.len()).chain(0..self.index).fold(false, fire)
    }
}

impl Shared {
    /// Fires what is due of one processor's timers at the tick `now`, and calls `ready` with each
    /// task that this woke. Returns how many it woke.
    fn fire_of(&self, processor: usize, now: u64, ready: impl Fn(Ready)) -> u64 {
        let timers = &self.remotes[processor].timers;
        let mut woken = 0;
        while timers.next() <= now {
            let mut fired = [None; STEPS];
            let mut count = 0;
            timers.fire(now, |target| {
                if let Some(task) = target.fire() {
                    fired[count] = Some(task); // there is a place for each step
                    count += 1;
                }
            });
            for task in fired.into_iter().take(count).flatten() {
                woken += 1;
                ready(task);
            }
        }
        woken
    }

    /// For the monitor: fires timers that are late, whosever they are. A busy worker looks at its
    /// own alone, and one that is hogged or has no seat at none. Returns how many tasks that woke.
    pub(crate) fn fire_late(&self) -> u64 {
        let due = self.clock.now().saturating_sub(LATE_TICKS);
        if self.first_timer() > due {
            return 0;
        }
        (0..self.remotes.len())
            .map(|processor| self.fire_of(processor, due, |task| self.ready(task)))
            .sum()
    }

    /// The tick of the first timer of all processors, or [`NEVER`].
    pub(crate) fn first_timer(&self) -> u64 {
        self.remotes.iter().map(|remote| remote.timers.next()).fold(NEVER, u64::min)
    }
}
