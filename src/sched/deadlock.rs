//! When nothing can ever happen again, the process says so and dies, rather than to hang.
//!
//! That is certain if all of this holds at one moment:
//!
//! - a thread waits in `Runtime::run`, and its main task and all other tasks are parked;
//! - no timer is set, and no blocking thread is busy: nothing of the runtime's will wake a task;
//! - the process has no threads but the runtime's workers, all of which rest, its monitor (and
//!   the thread that preempts windows), its idle blocking threads, and those that wait in `run`: nobody from outside can either. Where a handle to a task
//!   or a channel is cannot be known; that there is no thread to use it can;
//! - the process catches no signals but those that report faults, and the runtime's own: no handler can.
//!
//! Whoever rests last, after some time, looks: the number of threads is a look into
//! /proc/self/status, and which tasks are parked takes a walk over them. That all of it holds at one
//! moment follows from [`Rests`]: while all workers rest no task runs, so that nobody is there to
//! set a timer or to start a thread.
//! The threads are counted before the tasks are looked at: a thread that has ended by then has
//! woken whom it wanted to, and that task is not parked, or a worker has got up for it.
//!
//! If only another thread is in the way, it may end without a word. So the worker looks again, ever
//! more rarely, and after half a minute leaves it at that: an idle runtime shall not use the
//! processor.
//!
//! Go: `runtime/proc.go` `checkdead`, which counts the threads of the runtime, and is off where
//! there is cgo, since others may come.

use super::dump;
use super::pause;
use super::rests::Rests;
use super::shared::Shared;
use super::timers::NEVER;
use crate::lock::Mutex;
use crate::signals::FAULTS;
use crate::task::handle::Task;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// The first look after one that found a thread in the way; each further one takes twice as long.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// So many looks in one rest.
const LOOKS: u32 = 9;

/// What a runtime knows of who waits for it, and who rests.
pub(crate) struct Detector {
    enabled: bool,
    /// Workers in a long rest.
    rests: Rests,
    /// The main tasks whose results threads wait for in `run`.
    mains: Mutex<Vec<Task>>,
}

/// What a look has found.
enum Found {
    /// Somebody is busy: if he rests, he looks himself.
    Busy,
    /// Nobody of this runtime is, but others might wake somebody.
    Others,
    /// Nothing can happen any more. The tasks.
    Deadlock(Vec<dump::Seen>),
}

impl Detector {
    pub(crate) fn new(enabled: bool) -> Detector {
        Detector { enabled, rests: Rests::new(), mains: Mutex::new(Vec::new()) }
    }

    /// For a thread that does nothing but wait for this task, as long as the guard is there.
    pub(crate) fn wait_for(&self, main: &Task) -> impl Drop + '_ {
        struct Waits<'a>(&'a Detector, Task);
        impl Drop for Waits<'_> {
            fn drop(&mut self) {
                let mut mains = self.0.mains.lock();
                if let Some(at) = mains.iter().position(|main| main.pointer() == self.1.pointer()) {
                    mains.swap_remove(at);
                }
            }
        }
        self.mains.lock().push(main.clone());
        Waits(self, main.clone())
    }

    /// For a worker that begins a long rest.
    pub(crate) fn rest(&self) -> Rest<'_> {
        self.rests.begin();
        Rest { detector: self, looks: 0 }
    }

    fn look(&self, shared: &Shared) -> Found {
        let workers = shared.remotes.len();
        let Some(epoch) = self.rests.all_rest(workers) else { return Found::Busy };
        let mains = self.mains.lock().clone();
        if mains.is_empty()
            || shared.draining.load(Ordering::SeqCst)
            || shared.remotes.iter().any(|remote| remote.timers.next() != NEVER)
        {
            return Found::Busy;
        }
        let Some(blocking) = shared.blocking.idle_threads() else { return Found::Others };
        // The monitor, and the one that preempts windows, wake nobody while all rest.
        let watchers = 1 + usize::from(shared.config.preempt.is_some());
        let threads = workers + watchers + mains.len() + blocking;
        if !process_has(threads) {
            return Found::Others;
        }
        // One that has ended is not parked: its thread is about to leave `run`.
        if !mains.iter().all(|main| main.header().state.is_parked()) {
            return Found::Others;
        }
        let tasks = dump::tasks_of(shared);
        let same = self.rests.nobody_got_up(epoch)
            && shared.remotes.len() == workers
            && self.mains.lock().len() == mains.len()
            && shared.blocking.idle_threads() == Some(blocking);
        if same && tasks.iter().all(|task| task.parked) {
            Found::Deadlock(tasks)
        } else {
            Found::Others
        }
    }
}

/// A worker rests.
pub(crate) struct Rest<'a> {
    detector: &'a Detector,
    looks: u32,
}

impl Rest<'_> {
    /// Looks whether all tasks are asleep for good; does not return if so. Else the time at which to
    /// look again, if that makes sense.
    pub(crate) fn look(&mut self, shared: &Shared) -> Option<Instant> {
        if !self.detector.enabled || self.looks == LOOKS {
            return None;
        }
        match self.detector.look(shared) {
            Found::Busy => None,
            Found::Others => {
                self.looks += 1;
                Some(Instant::now() + LOOK_AGAIN * (1 << (self.looks - 1)))
            }
            Found::Deadlock(tasks) => die(&tasks),
        }
    }
}

impl Drop for Rest<'_> {
    fn drop(&mut self) {
        self.detector.rests.end();
    }
}

fn die(tasks: &[dump::Seen]) -> ! {
    static DYING: AtomicBool = AtomicBool::new(false);
    while DYING.swap(true, Ordering::SeqCst) {
        std::thread::park(); // another worker has seen it, too
    }
    let text = format!("fatal error: all tasks are asleep - deadlock!\n\n{}", dump::text_of(tasks));
    // Not `eprintln!`, which panics if nobody reads: this must abort.
    let _ = io::Write::write_all(&mut io::stderr(), text.as_bytes());
    std::process::abort()
}

/// The two signals that the C library keeps for itself. Their handlers wake nobody, as little as those
/// for faults.
const OF_LIBC: [libc::c_int; 2] = [32, 33];

/// Whether the process has so many threads and no more, and no handler for a signal that might wake
/// a task (those by which windows are preempted do not, as long as the handlers are ours alone);
/// false if the system does not say. (The directory /proc/self/task will not do: a thread
/// that ends while it is read may hide others.)
fn process_has(threads: usize) -> bool {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else { return false };
    let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let there = field("Threads:").and_then(|number| number.parse().ok());
    let caught = field("SigCgt:").and_then(|mask| u64::from_str_radix(mask, 16).ok());
    let harmless = FAULTS.iter().chain(&OF_LIBC);
    let harmless = harmless.fold(pause::own_signals(), |mask, signal| mask | 1 << (signal - 1));
    there == Some(threads) && caught.is_some_and(|caught| caught & !harmless == 0)
}
