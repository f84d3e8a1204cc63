//! Window preemption: a task that hogs a window others wait for is paused, and they get a turn.
//!
//! Sysmon hands a hog's *seat* on, so that other tasks run; but its window stays with it, and tasks
//! that are bound to that window wait. Where the program has allowed it
//! ([`Builder::preempt_windows`](crate::Builder::preempt_windows)), this thread looks at each worker
//! every 5 ms, and sends a signal to those that have been at the same task for a slice while somebody
//! waits for its window. The handler ([`pause`](super::pause)) takes the task's stack out of the window,
//! and leaves the window to the others; by [`turns`](crate::stack::turns) it comes back. The hog keeps
//! its thread throughout, so no lock and no thread-local is left half-done under another task.
//!
//! **Why nothing hangs.** A task may be paused anywhere: inside of the allocator, or with any lock of
//! the program's or the runtime's. So somebody may wait for a lock that a paused task has. If that is
//! a task that stands on its window, it can be paused in turn, and the one who has the lock gets the
//! window back. What must never happen is that who *holds a window without standing on it* waits for
//! such a lock, or that those do who bring the turns about. So:
//! - between getting a window and standing on it, or leaving it and giving it up, a worker takes no
//!   memory and no lock: blocks are laid in before (`leave::lay_in_block`), lists have room, waiters
//!   are made ready afterwards (`switch::leave_preempted_window`);
//! - this thread and the handler take neither; waiters whose window was given up by a handler are made
//!   ready by the monitor, which may have to wait, since it is not needed for the turns;
//! - a thread may be paused while it holds another window, for a switch that it is in the middle of.
//!   It got that one before it was paused, and after the last who was paused there: so those who wait
//!   for each other in this way are never a ring.
//!
//! (The one exception: where the system has no memory to bring a stack back to its window, the worker
//! waits for some, for three seconds, before the process dies.)
//!
//! Go: `runtime/preempt.go` `preemptone`, `asyncPreempt`, with the same signal; there a goroutine that
//! is preempted gives up its thread, and only where that is safe.

use super::parker::Parker;
use super::shared::Shared;
use super::sysmon::SLICE;
use crate::stack::ownership::Handed;
use crate::stack::window::Window;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How often the workers are looked at.
const PERIOD: Duration = SLICE.checked_div(2).unwrap();

/// The thread's part that others may touch.
pub(crate) struct Preemptor {
    parker: Parker,
    stopped: AtomicBool,
    /// Those whose window was given up by a signal handler; the monitor makes them ready.
    pub(crate) handed: Handed,
}

impl Preemptor {
    pub(crate) fn new() -> Preemptor {
        Preemptor { parker: Parker::new(), stopped: AtomicBool::new(false), handed: Handed::new() }
    }

    /// For the monitor that has got up: there is something to look after.
    pub(crate) fn wake(&self) {
        self.parker.unpark();
    }

    /// The runtime ends.
    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::Release); // pairs with the Acquire of the thread
        self.wake();
    }
}

/// What passes between this thread and one worker.
pub(crate) struct Requests {
    /// What the worker was at when it was last looked at, and since when (of [`clock`]). This
    /// thread's alone.
    slice: AtomicU32,
    task: AtomicUsize,
    since: AtomicU64,
    /// The slice whose task is to be paused, with a bit beyond it; or 0.
    wanted: AtomicU64,
    /// Whether its task is paused.
    paused: AtomicBool,
    /// How often one has been.
    pauses: AtomicU32,
}

/// Set in a request, so that none is 0.
const WANTED: u64 = 1 << 32;

impl Requests {
    pub(crate) fn new() -> Requests {
        Requests {
            slice: AtomicU32::new(0),
            task: AtomicUsize::new(0),
            since: AtomicU64::new(0),
            wanted: AtomicU64::new(0),
            paused: AtomicBool::new(false),
            pauses: AtomicU32::new(0),
        }
    }

    // All accesses are Relaxed but for those of `paused`: the numbers are compared, and guard nothing.

    /// A number that changes when the worker looks for a task, whose `ticks` are given, and when a pause
    /// ends: either way a slice begins.
    pub(super) fn slice(&self, ticks: u32) -> u32 {
        ticks.wrapping_add(self.pauses.load(Ordering::Relaxed))
    }

    /// For the handler: whether it is this slice of a task that shall end.
    pub(super) fn take(&self, slice: u32) -> bool {
        self.wanted.swap(0, Ordering::Relaxed) == WANTED | u64::from(slice)
    }

    /// For the handler.
    pub(super) fn begin_pause(&self) {
        self.paused.store(true, Ordering::Relaxed);
    }

    /// For the handler.
    pub(super) fn end_pause(&self) {
        self.pauses.fetch_add(1, Ordering::Relaxed);
        self.paused.store(false, Ordering::Release); // pairs with the Acquire in `is_paused`
    }

    /// Whether the worker's task is paused. Who finds that it is not any more sees the new slice.
    pub(super) fn is_paused(&self) -> bool {
        self.paused.load(Ordering::Acquire) // pairs with the Release in `end_pause`
    }

    /// For how long the worker has been at one task, in nanoseconds, as far as has been seen.
    fn look(&self, slice: u32, task: usize, now: u64) -> u64 {
        let other = self.slice.swap(slice, Ordering::Relaxed) != slice;
        if (self.task.swap(task, Ordering::Relaxed) != task) | other | (task == 0) {
            self.since.store(now, Ordering::Relaxed);
        }
        now.saturating_sub(self.since.load(Ordering::Relaxed))
    }
}

/// Nanoseconds of a clock that only goes forwards. Async-signal-safe.
pub(crate) fn clock() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: a clock that there is, and a valid pointer.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut time) };
    (time.tv_sec as u64).wrapping_mul(1_000_000_000).wrapping_add(time.tv_nsec as u64)
}

/// Starts the thread.
pub(crate) fn start(shared: &Arc<Shared>, signal: libc::c_int) -> io::Result<JoinHandle<()>> {
    let name = format!("{}-preempt", shared.config.name);
    let shared = shared.clone();
    thread::Builder::new().name(name).spawn(move || run(&shared, signal))
}

/// Neither allocates nor locks: see the module's page.
fn run(shared: &Shared, signal: libc::c_int) {
    let preemptor = &shared.preemptor;
    loop {
        if shared.sysmon.is_asleep() {
            preemptor.parker.park(); // all are; the monitor wakes us
        } else {
            preemptor.parker.park_until(Instant::now() + PERIOD);
        }
        if preemptor.stopped.load(Ordering::Acquire) {
            return;
        }
        let now = clock();
        for remote in shared.remotes.iter() {
            let worker = remote.worker.load(Ordering::Acquire); // see `worker::run`
            if worker.is_null() {
                continue;
            }
            // SAFETY: workers outlive this thread.
            let worker = unsafe { &*worker };
            let requests = &remote.requests;
            let paused = requests.is_paused();
            let slice = requests.slice(worker.processor.ticks());
            let long = requests.look(slice, worker.current.address(), now);
            if long < SLICE.as_nanos() as u64 || paused {
                continue;
            }
            // SAFETY: null, or a shared window, which lives as long as the runtime.
            // Acquire pairs with the Release of the worker: the window was made before.
            let window = unsafe { worker.window.load(Ordering::Acquire).as_ref() };
            if window.is_some_and(Window::is_wanted) {
                requests.wanted.store(WANTED | u64::from(slice), Ordering::Relaxed);
                remote.time.send(signal);
            }
        }
    }
}
