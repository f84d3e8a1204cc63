//! How a runtime is configured.
//!
//! Go: `GOMAXPROCS`, `debug.SetMaxStack`; the environment is read as `runtime/runtime1.go` reads
//! GODEBUG.

use super::build_error::BuildError;
use super::pause;
use super::remotes;
use super::runtime::Runtime;
use crate::stack::limits;
use std::time::Duration;

/// How far tasks may be moved: which promises the program has made.
///
/// ```
/// assert_eq!(midge::Runtime::pinned().unwrap().mode(), midge::Mode::Pinned);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Every task has a window of its own and, once started, its thread.
    Pinned,
    /// Parked stacks are frozen when their window is needed; started tasks keep their thread.
    Copying,
    /// And started tasks are stolen by other workers.
    Migrating,
}

/// The most workers a runtime can have: `idle` counts them in 16 bits.
pub(crate) const MOST_WORKERS: usize = remotes::MOST;

/// Worker threads unless the program says otherwise, those included whose tasks hog them. Go:
/// `runtime/debug.SetMaxThreads`.
const MAX_THREADS: usize = 10_000;

/// Shared windows for each worker unless the program says otherwise. Up to so many tasks a worker
/// nothing is ever copied.
pub(crate) const WINDOWS_PER_WORKER: usize = 128;

/// Threads for `blocking` unless the program says otherwise. tokio: `max_blocking_threads`
/// (`runtime/builder.rs`). (Go has a limit on threads, 10,000, beyond which the program dies; this
/// is one beyond which closures wait.)
pub(crate) const MOST_BLOCKING_THREADS: usize = 512;

/// How long an idle one of them is kept unless the program says otherwise. tokio: `KEEP_ALIVE`
/// (`runtime/blocking/pool.rs`).
const BLOCKING_KEEP_ALIVE: Duration = Duration::from_secs(10);

/// Configures a runtime.
///
/// ```
/// let rt = midge::Runtime::builder().workers(2).name("web").build_pinned()?;
/// assert_eq!(rt.workers(), 2);
/// # Ok::<(), midge::BuildError>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Builder {
    workers: Option<usize>,
    windows: Option<usize>,
    max_stack: Option<usize>,
    no_huge_pages: bool,
    max_threads: Option<usize>,
    no_warnings: bool,
    stress: Option<u64>,
    name: Option<String>,
    max_blocking_threads: Option<usize>,
    blocking_keep_alive: Option<Duration>,
    no_deadlock_detection: bool,
    preempt_windows: bool,
    preempt_signal: Option<i32>,
}

/// A checked configuration.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) mode: Mode,
    pub(crate) workers: usize,
    pub(crate) windows_per_worker: usize,
    pub(crate) max_stack: usize,
    pub(crate) huge_pages: bool,
    pub(crate) max_threads: usize,
    pub(crate) name_hogs: bool,
    pub(crate) stress: Option<u64>,
    pub(crate) name: String,
    pub(crate) max_blocking_threads: usize,
    pub(crate) blocking_keep_alive: Duration,
    pub(crate) deadlock_detection: bool,
    /// The signal by which windows are preempted, if they are.
    pub(crate) preempt: Option<libc::c_int>,
}

impl Builder {
    /// How many OS threads run tasks, those aside that tasks have locked
    /// ([`lock_thread`](crate::task::lock_thread)): at least 1. Without it the environment variable
    /// `MIDGE_WORKERS` says, else [`std::thread::available_parallelism`], which respects affinity
    /// and container limits.
    ///
    /// ```
    /// assert!(midge::Runtime::builder().workers(0).build_pinned().is_err());
    /// ```
    pub fn workers(&mut self, workers: usize) -> &mut Builder {
        self.workers = Some(workers);
        self
    }

    /// How many windows unpinned tasks share, in the whole runtime: at least one a worker; the
    /// default is 128 a worker. With fewer started tasks than that, no stack is ever copied.
    ///
    /// ```
    /// // SAFETY: main lends nothing of its stack.
    /// let rt = unsafe { midge::Runtime::builder().windows(8).build_copying() }.unwrap();
    /// ```
    pub fn windows(&mut self, windows: usize) -> &mut Builder {
        self.windows = Some(windows);
        self
    }

    /// The limit of each task's stack, in bytes: from 65,536 up to what a window of 1 GiB (256 MiB
    /// on 32-bit) holds beside its guard. The default is Go's (`runtime/proc.go`, `main`):
    /// 1,000,000,000, and 250,000,000 on 32-bit. A lower limit also makes the windows smaller, and
    /// with them what [`stack::set_max`](crate::stack::set_max) can raise it to later.
    ///
    /// ```
    /// assert!(midge::Runtime::builder().max_stack(2_000_000_000).build_pinned().is_err());
    /// ```
    pub fn max_stack(&mut self, bytes: usize) -> &mut Builder {
        self.max_stack = Some(bytes);
        self
    }

    /// Whether a stack asks for huge pages below its first 2 MiB: true unless this says otherwise.
    /// A deep descent then costs half as much, since one fault of the page tables stands for 512;
    /// in return a deep stack takes memory in steps of up to 2 MiB. Shallow stacks never ask. It
    /// has no effect where the system has no transparent huge pages
    /// (`/sys/kernel/mm/transparent_hugepage/enabled`).
    ///
    /// ```
    /// let rt = midge::Runtime::builder().huge_pages(false).build_pinned().unwrap();
    /// ```
    pub fn huge_pages(&mut self, wanted: bool) -> &mut Builder {
        self.no_huge_pages = !wanted;
        self
    }

    /// How many worker threads there may be at most, those included whose tasks compute without a
    /// pause or sit in system calls. 10,000 unless this says otherwise, as in Go
    /// (`debug.SetMaxThreads`); never fewer than the workers. When there are so many, tasks that are
    /// ready wait, and a message on stderr says so.
    ///
    /// ```
    /// let rt = midge::Runtime::builder().max_threads(64).build_pinned().unwrap();
    /// ```
    pub fn max_threads(&mut self, threads: usize) -> &mut Builder {
        self.max_threads = Some(threads);
        self
    }

    /// Whether a task that keeps others waiting, since it computes or blocks for over 100 ms, is
    /// named on stderr: once each, with what to do about it. True unless this says otherwise; the
    /// metrics count such tasks in any case.
    ///
    /// ```
    /// let rt = midge::Runtime::builder().name_hogs(false).build_pinned().unwrap();
    /// ```
    pub fn name_hogs(&mut self, wanted: bool) -> &mut Builder {
        self.no_warnings = !wanted;
        self
    }

    /// Turns on stress mode, for tests: every unpinned task is frozen at every suspension and what
    /// it vacated is poisoned (not in the pinned mode), runtime calls yield at random and, in the
    /// migrating mode, tasks change workers whenever they can. The environment variable
    /// `MIDGE_STRESS` does the same for a program that does not call this.
    ///
    /// ```
    /// let rt = midge::Runtime::builder().stress(7).build_pinned().unwrap();
    /// ```
    pub fn stress(&mut self, seed: u64) -> &mut Builder {
        self.stress = Some(seed);
        self
    }

    /// How many threads [`blocking`](crate::blocking) may have: at least 1; the default is tokio's,
    /// 512. They are made when they are needed.
    ///
    /// ```
    /// let rt = midge::Runtime::builder().max_blocking_threads(4).build_pinned().unwrap();
    /// assert_eq!(rt.metrics().blocking_threads, 0);
    /// assert!(midge::Runtime::builder().max_blocking_threads(0).build_pinned().is_err());
    /// ```
    pub fn max_blocking_threads(&mut self, threads: usize) -> &mut Builder {
        self.max_blocking_threads = Some(threads);
        self
    }

    /// How long a thread of [`blocking`](crate::blocking) that has nothing to do is kept for the
    /// next call; the default is tokio's, 10 seconds (`thread_keep_alive`).
    ///
    /// ```
    /// use std::time::Duration;
    /// let mut builder = midge::Runtime::builder();
    /// let rt = builder.blocking_keep_alive(Duration::from_millis(1)).build_pinned().unwrap();
    /// assert_eq!(rt.run(|| midge::blocking(|| 6 * 7)), 42);
    /// while rt.metrics().blocking_threads > 0 {
    ///     std::thread::yield_now();
    /// }
    /// ```
    pub fn blocking_keep_alive(&mut self, duration: Duration) -> &mut Builder {
        self.blocking_keep_alive = Some(duration);
        self
    }

    /// Whether a deadlock ends the process: true unless this says otherwise.
    ///
    /// A deadlock is when a thread waits in [`Runtime::run`], all tasks are parked, and nothing can
    /// ever wake one: no timer is set, nothing runs in [`blocking`](crate::blocking), the process
    /// has no other thread (of another runtime, say, or the one on which a test harness waits), and
    /// it catches no signals (but those for faults, and the runtime's own). Then it prints `fatal error: all tasks are
    /// asleep - deadlock!` to stderr, with what each task waits for, and aborts. It takes a tenth of
    /// a second or so to notice, and costs tasks nothing.
    ///
    /// ```
    /// let rt = midge::Runtime::builder().deadlock_detection(false).build_pinned().unwrap();
    /// ```
    pub fn deadlock_detection(&mut self, wanted: bool) -> &mut Builder {
        self.no_deadlock_detection = !wanted;
        self
    }

    /// Whether a task that computes or blocks for over 10 ms while others wait for its window is
    /// paused for their sake: false unless this says otherwise. In the migrating mode only.
    ///
    /// Without it such a task keeps only its window: the tasks that are bound to the same one wait,
    /// and the task is named on stderr. With it, a signal interrupts the task, its stack is copied
    /// away, the others have the window for 10 ms at least, and then it goes on where it was, on the
    /// same thread. It costs two copies of its stack and some system calls each time, and each
    /// suspended task keeps the memory for its frozen stack at hand.
    ///
    /// A system call that a signal interrupts is begun anew (`SA_RESTART`), as far as the system
    /// does that: `nanosleep`, `poll`, `select`, `epoll_wait`, `io_getevents`, `semop`, `msgrcv`,
    /// `sigtimedwait`, and calls on sockets that have a timeout return `EINTR`, at any time, as
    /// they may in any program that catches signals (`man 7 signal`). The standard library's own
    /// calls go on by themselves, except where they document `ErrorKind::Interrupted`.
    ///
    /// A task that runs on a stack of its own making (another library's coroutine) cannot be paused
    /// there.
    ///
    /// # Safety
    ///
    /// What [`Runtime::copying`] asks for then holds **at every instruction**, not only at suspension
    /// points: no task that is not pinned lends its stack at all while it runs for long or blocks its
    /// thread. This breaks it:
    /// - `std::thread::scope` or rayon, where the task waits for threads that use what is on its stack;
    /// - what blocks the thread with a link, or with the message itself, on its stack: the locks of
    ///   `parking_lot` when they are contended, and channels without a buffer of `std::sync::mpsc` and
    ///   `crossbeam_channel`;
    /// - a system call that others complete in memory of the stack (`io_uring`).
    ///
    /// Locks, condition variables, `Once` and `park` of std are fine on Linux (a word each that only the
    /// system knows the waiters of), and so is all of midge. Tasks that need the others are to be
    /// spawned pinned ([`task::Builder::pinned`](crate::task::Builder::pinned)).
    ///
    /// ```
    /// let mut builder = midge::Runtime::builder();
    /// // SAFETY: no task lends its stack to anybody.
    /// let rt = unsafe { builder.workers(2).preempt_windows(true).build_migrating() }.unwrap();
    /// ```
    pub unsafe fn preempt_windows(&mut self, wanted: bool) -> &mut Builder {
        self.preempt_windows = wanted;
        self
    }

    /// Which signal [`preempt_windows`](Builder::preempt_windows) uses: Go's, `SIGURG`, unless this
    /// says otherwise. A handler that the program has installed before is called as well, for each
    /// of them; one that it installs later should do the same for midge's.
    ///
    /// ```
    /// let mut builder = midge::Runtime::builder();
    /// // SAFETY: no task lends its stack to anybody.
    /// let built = unsafe { builder.preempt_windows(true).preempt_signal(9).build_migrating() };
    /// assert!(matches!(built, Err(midge::BuildError::PreemptSignal { signal: 9, .. })));
    /// ```
    pub fn preempt_signal(&mut self, signal: i32) -> &mut Builder {
        self.preempt_signal = Some(signal);
        self
    }

    /// What the worker threads are called, before their number. The default is `midge-worker`.
    ///
    /// ```
    /// let rt = midge::Runtime::builder().name("db").build_pinned().unwrap();
    /// let name = rt.run(|| std::thread::current().name().map(str::to_string)).unwrap();
    /// assert!(name.starts_with("db-"));
    /// ```
    pub fn name(&mut self, name: impl Into<String>) -> &mut Builder {
        self.name = Some(name.into());
        self
    }

    /// Builds a runtime in the pinned mode. See [`Runtime::pinned`].
    ///
    /// # Errors
    ///
    /// [`BuildError`] says what is wrong and what to do.
    ///
    /// ```
    /// let rt = midge::Runtime::builder().build_pinned().unwrap();
    /// ```
    pub fn build_pinned(&self) -> Result<Runtime, BuildError> {
        Runtime::build(self.check(Mode::Pinned)?)
    }

    /// Builds a runtime in the copying mode.
    ///
    /// # Safety
    ///
    /// The promise of [`Runtime::copying`].
    ///
    /// # Errors
    ///
    /// [`BuildError`] says what is wrong and what to do.
    ///
    /// ```
    /// // SAFETY: no task lends its stack.
    /// let rt = unsafe { midge::Runtime::builder().workers(1).build_copying() }.unwrap();
    /// ```
    pub unsafe fn build_copying(&self) -> Result<Runtime, BuildError> {
        Runtime::build(self.check(Mode::Copying)?)
    }

    /// Builds a runtime in the migrating mode.
    ///
    /// # Safety
    ///
    /// The promise of [`Runtime::migrating`].
    ///
    /// # Errors
    ///
    /// [`BuildError`] says what is wrong and what to do.
    ///
    /// ```
    /// // SAFETY: no task lends its stack or holds anything of its thread's.
    /// let rt = unsafe { midge::Runtime::builder().workers(4).build_migrating() }.unwrap();
    /// ```
    pub unsafe fn build_migrating(&self) -> Result<Runtime, BuildError> {
        Runtime::build(self.check(Mode::Migrating)?)
    }

    fn check(&self, mode: Mode) -> Result<Config, BuildError> {
        let workers = match self.workers {
            Some(0) => return Err(BuildError::ZeroWorkers),
            Some(workers) => workers.min(MOST_WORKERS),
            None => default_workers()?,
        };
        let max_blocking_threads = match self.max_blocking_threads {
            Some(0) => return Err(BuildError::ZeroBlockingThreads),
            threads => threads.unwrap_or(MOST_BLOCKING_THREADS),
        };
        let max_stack = self.max_stack.unwrap_or_else(limits::default_max_stack);
        let (least, most) = (limits::MIN_MAX_STACK, limits::LARGEST_MAX_STACK);
        if !(least..=most).contains(&max_stack) {
            return Err(BuildError::MaxStack { asked: max_stack, least, most });
        }
        let windows_per_worker =
            self.windows.map_or(WINDOWS_PER_WORKER, |windows| windows.div_ceil(workers)).max(1);
        let stress = match self.stress {
            Some(seed) => Some(seed),
            None => stress_from_environment()?,
        };
        let name = self.name.clone().unwrap_or_else(|| "midge-worker".to_string());
        Ok(Config {
            mode,
            workers,
            windows_per_worker,
            max_stack,
            huge_pages: !self.no_huge_pages,
            max_threads: self.max_threads.unwrap_or(MAX_THREADS).clamp(workers, remotes::MOST),
            name_hogs: !self.no_warnings,
            stress,
            name,
            max_blocking_threads,
            blocking_keep_alive: self.blocking_keep_alive.unwrap_or(BLOCKING_KEEP_ALIVE),
            deadlock_detection: !self.no_deadlock_detection,
            preempt: (self.preempt_windows && mode == Mode::Migrating)
                .then(|| self.preempt_signal.unwrap_or(pause::DEFAULT_SIGNAL)),
        })
    }
}

fn default_workers() -> Result<usize, BuildError> {
    match std::env::var_os("MIDGE_WORKERS") {
        None => Ok(std::thread::available_parallelism().map_or(1, |n| n.get().min(MOST_WORKERS))),
        Some(value) => match value.to_str().and_then(|text| text.trim().parse().ok()) {
            Some(workers) if (1..=MOST_WORKERS).contains(&workers) => Ok(workers),
            _ => Err(BuildError::InvalidWorkers { value: value.to_string_lossy().into_owned() }),
        },
    }
}

fn stress_from_environment() -> Result<Option<u64>, BuildError> {
    match std::env::var_os("MIDGE_STRESS") {
        None => Ok(None),
        Some(value) => match value.to_str().and_then(|text| text.trim().parse().ok()) {
            Some(seed) => Ok(Some(seed)),
            None => Err(BuildError::InvalidStress { value: value.to_string_lossy().into_owned() }),
        },
    }
}
