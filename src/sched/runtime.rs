//! [`Runtime`]: workers, started and stopped.
//!
//! Go: `runtime/proc.go` `schedinit`, `main`. A Go process has one runtime, for ever; here there
//! may be many.

use super::blocking_pool::{self, Pool};
use super::build_error::BuildError;
use super::builder::TaskBuilder;
use super::clock::Clock;
use super::config::{Builder, Config, Mode};
use super::counters::Metrics;
use super::deadlock::Detector;
use super::idle::Idle;
use super::join::JoinHandle;
use super::keeper::Keeper;
use super::preempt::{self, Preemptor};
use super::remotes::Remotes;
use super::seats::Seats;
use super::share::Alone;
use super::shared::Shared;
use super::sysmon::{self, Sysmon};
use super::threads::New;
use super::window_store::WindowStore;
use super::{panic_hook, pause, set_workers, shutdown, worker};
use crate::lock::{Condvar, Mutex};
use crate::membarrier;
use crate::stack::addresses::Purpose;
use crate::stack::fault;
use crate::stack::window::Shape;
use crossbeam_deque::Injector;
use std::fmt;
use std::panic::{self, Location};
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Weak};
use std::thread;

/// The runtimes that live in this process, for `spawn` from ordinary threads.
static LIVING: Mutex<Vec<Weak<Shared>>> = Mutex::new(Vec::new());

/// A scheduler with its worker threads.
///
/// Dropping it cancels what is left and waits for it: tasks that never ran are dropped, parked ones
/// unwind from where they wait, so that destructors run, and running ones at their next suspension
/// point. A task that never comes to one keeps the drop waiting, and so does a closure of
/// [`blocking`](crate::blocking) that has begun and does not end.
///
/// ```
/// let rt = midge::Runtime::pinned().unwrap();
/// assert_eq!(rt.run(|| 1 + 1), 2);
/// ```
pub struct Runtime {
    /// Always there but during the drop.
    shared: Option<Arc<Shared>>,
    /// The threads that look after the workers: the monitor, and the one that preempts windows.
    watchers: Vec<thread::JoinHandle<()>>,
}

impl Runtime {
    /// A runtime in which every task has a window of its own and, once started, its thread. It asks
    /// for no promise; a parked task costs about 12 KiB, and some 30,000 fit.
    ///
    /// # Errors
    ///
    /// [`BuildError`] says what is wrong and what to do.
    ///
    /// ```
    /// let rt = midge::Runtime::pinned()?;
    /// # Ok::<(), midge::BuildError>(())
    /// ```
    pub fn pinned() -> Result<Runtime, BuildError> {
        Builder::default().build_pinned()
    }

    /// A runtime whose tasks share windows: a parked task's stack is copied out (frozen) when
    /// another needs its window, and back before it runs. Started tasks stay on their thread.
    ///
    /// # Safety
    ///
    /// The program promises that no task that is not pinned **lends its stack across a suspension
    /// point**: while it is parked, no other thread, no other task and not the kernel uses a
    /// reference into it, since other bytes may be there.
    ///
    /// This breaks it: the thread writes to `local` while the task that owns it is suspended.
    ///
    /// ```no_run
    /// // SAFETY: none! The task below lends its stack.
    /// let rt = unsafe { midge::Runtime::copying() }.unwrap();
    /// rt.run(|| {
    ///     midge::spawn(|| {
    ///         let mut local = [0u8; 64];
    ///         std::thread::scope(|threads| {
    ///             threads.spawn(|| local.fill(1));
    ///             midge::task::yield_now(); // another task's bytes may be where `local` was
    ///         });
    ///     })
    ///     .join()
    ///     .unwrap();
    /// });
    /// ```
    ///
    /// This mends it: a pinned task is never frozen.
    ///
    /// ```
    /// // SAFETY: the one task that lends its stack is pinned.
    /// let rt = unsafe { midge::Runtime::copying() }.unwrap();
    /// let sum = rt.run(|| {
    ///     let lender = midge::task::Builder::new().pinned(true).spawn(|| {
    ///         let mut local = [0u8; 64];
    ///         std::thread::scope(|threads| {
    ///             threads.spawn(|| local.fill(1));
    ///             midge::task::yield_now();
    ///         });
    ///         local.iter().map(|byte| u32::from(*byte)).sum::<u32>()
    ///     });
    ///     lender.join().unwrap()
    /// });
    /// assert_eq!(sum, 64);
    /// ```
    ///
    /// # Errors
    ///
    /// [`BuildError`] says what is wrong and what to do.
    pub unsafe fn copying() -> Result<Runtime, BuildError> {
        // SAFETY: the same promise.
        unsafe { Builder::default().build_copying() }
    }

    /// A runtime as Go's: tasks share windows, and idle workers steal started tasks, too.
    ///
    /// # Safety
    ///
    /// The program promises what [`Runtime::copying`] asks for, and that no task **holds anything
    /// tied to its OS thread across a suspension point**, pinned tasks included, since it may
    /// continue on another thread: no borrow of a `thread_local!`, no `!Send` guard or handle, and
    /// no code that uses the same thread-local before and after in one function (the compiler may
    /// keep its address).
    ///
    /// This breaks it: the guard of a std mutex must be dropped on the thread that locked it.
    ///
    /// ```no_run
    /// # use std::sync::{Arc, Mutex};
    /// // SAFETY: none! The task below holds a thread's guard.
    /// let rt = unsafe { midge::Runtime::migrating() }.unwrap();
    /// let counter = Arc::new(Mutex::new(0));
    /// rt.run(|| {
    ///     midge::spawn(move || {
    ///         let mut guard = counter.lock().unwrap();
    ///         midge::task::yield_now(); // may go on on another thread
    ///         *guard += 1;
    ///     })
    ///     .join()
    ///     .unwrap();
    /// });
    /// ```
    ///
    /// This mends it: the guard is gone before the task suspends. (A program that cannot do that
    /// uses the copying or the pinned mode, whose tasks keep their thread.)
    ///
    /// ```
    /// # use std::sync::{Arc, Mutex};
    /// // SAFETY: no task lends its stack, and none holds a guard when it suspends.
    /// let rt = unsafe { midge::Runtime::migrating() }.unwrap();
    /// let counter = Arc::new(Mutex::new(0));
    /// rt.run(|| {
    ///     midge::spawn(move || {
    ///         *counter.lock().unwrap() += 1;
    ///         midge::task::yield_now();
    ///     })
    ///     .join()
    ///     .unwrap();
    /// });
    /// ```
    ///
    /// # Errors
    ///
    /// [`BuildError`] says what is wrong and what to do.
    pub unsafe fn migrating() -> Result<Runtime, BuildError> {
        // SAFETY: the same promise.
        unsafe { Builder::default().build_migrating() }
    }

    /// A builder, for anything but the defaults.
    ///
    /// ```
    /// let rt = midge::Runtime::builder().workers(1).build_pinned().unwrap();
    /// ```
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(crate) fn build(mut config: Config) -> Result<Runtime, BuildError> {
        if let Some(signal) = config.preempt {
            pause::install(signal).map_err(|error| BuildError::PreemptSignal { signal, error })?;
        }
        fault::install(worker::faulting_window);
        panic_hook::install();
        let windows = WindowStore::new(Shape::new(config.max_stack, config.huge_pages));
        let no_room = |error| BuildError::Windows { size: windows.shape.size(), error };
        windows.stock_private().map_err(no_room)?;
        let mut first = Vec::new();
        if config.mode == Mode::Pinned {
            // No window is shared; main and the task it waits for have one each.
            windows.stock_private().map_err(no_room)?;
            first.resize(config.workers, None);
        } else {
            // A window for each worker; where there is room for fewer, there are fewer workers.
            first.push(Some(windows.new_shared(Purpose::Start).map_err(no_room)?));
            while first.len() < config.workers {
                match windows.new_shared(Purpose::Shared) {
                    Ok(window) => first.push(Some(window)),
                    Err(_) => config.workers = first.len(),
                }
            }
        }
        let workers = config.workers;
        // Where windows are preempted, none may be taken for granted.
        let alone = config.mode == Mode::Migrating && workers == 1 && config.preempt.is_none();
        membarrier::prepare();
        let shared = Arc::new(Shared {
            idle: Idle::new(workers),
            keeper: Keeper::new(),
            clock: Clock::new(),
            remotes: Remotes::new(),
            seats: Seats::new(workers, config.max_threads),
            sysmon: Sysmon::new(),
            preemptor: Preemptor::new(),
            threads: Mutex::new(Vec::new()),
            alone: Mutex::new(if alone { Alone::Yes } else { Alone::No }),
            is_alone: AtomicBool::new(alone),
            injector: Injector::new(),
            windows,
            blocking: Arc::new(Pool::new(&config)),
            deadlock: Detector::new(config.deadlock_detection),
            spawned_outside: AtomicU64::new(0),
            draining: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            stopped: AtomicBool::new(false),
            ended: Condvar::new(),
            ended_lock: Mutex::new(()),
            config,
        });
        let mut runtime = Runtime { shared: Some(shared.clone()), watchers: Vec::new() };
        // Each worker knows all others when it begins.
        let new: Vec<_> = first.into_iter().map(|window| New::enter(&shared, window)).collect();
        for worker in new {
            // On an error the runtime's drop ends the threads that there are.
            let thread = worker.start(&shared).map_err(BuildError::Thread)?;
            shared.threads.lock().push(thread);
        }
        runtime.watchers.push(sysmon::start(&shared).map_err(BuildError::Thread)?);
        if let Some(signal) = shared.config.preempt {
            let preemptor = preempt::start(&shared, signal).map_err(BuildError::Thread)?;
            runtime.watchers.push(preemptor);
        }
        let mut living = LIVING.lock();
        living.retain(|runtime| runtime.strong_count() > 0);
        living.push(Arc::downgrade(&shared));
        Ok(runtime)
    }

    /// Runs `f` as a task, the main task, and waits for its result on behalf of the calling thread,
    /// which is blocked meanwhile. So `f` may borrow from the caller. The main task is pinned: it
    /// may lend its own stack.
    ///
    /// Other tasks go on when it has ended, until the runtime is dropped. In a task of another
    /// runtime, it blocks that task's thread.
    ///
    /// If all tasks are parked and nothing could ever wake one, the process says `fatal error: all
    /// tasks are asleep - deadlock!`, lists them, and aborts: see
    /// [`Builder::deadlock_detection`].
    ///
    /// # Panics
    ///
    /// With the panic of `f`. When it is called from a task of this same runtime: spawn instead.
    ///
    /// ```
    /// let rt = midge::Runtime::pinned().unwrap();
    /// let words = vec!["a", "b"];
    /// assert_eq!(rt.run(|| words.len()), 2);
    /// ```
    #[track_caller]
    pub fn run<F, T>(&self, f: F) -> T
    where
        F: FnOnce() -> T + Send,
        T: Send,
    {
        let shared = self.shared();
        if worker::current().is_some_and(|worker| std::ptr::eq(worker.shared(), shared)) {
            panic!("Runtime::run called from a task of the same runtime; spawn a task instead");
        }
        let main = TaskBuilder::new().name("main").pinned(true);
        // SAFETY: we wait below, whatever happens, until the task has ended and its result is ours;
        // both are Send.
        let main = unsafe { main.spawn_unchecked(shared, f, Location::caller()) };
        let waiting = shared.deadlock.wait_for(main.task());
        let result = main.join_blocking();
        drop(waiting);
        match result {
            Ok(result) => result,
            Err(payload) => panic::resume_unwind(payload),
        }
    }

    /// Spawns a task in this runtime, from anywhere.
    ///
    /// ```
    /// let rt = midge::Runtime::pinned().unwrap();
    /// assert_eq!(rt.spawn(|| 3).join().unwrap(), 3);
    /// ```
    #[track_caller]
    pub fn spawn<F, T>(&self, f: F) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        TaskBuilder::new().spawn_on(self, f)
    }

    /// The mode it was built in.
    pub fn mode(&self) -> Mode {
        self.shared().config.mode
    }

    /// How many workers run tasks at a time. Where there was no room for a window for each, fewer
    /// than asked for.
    pub fn workers(&self) -> usize {
        self.shared().seats.limit()
    }

    /// Changes how many workers run tasks at a time; returns the number before. See
    /// [`runtime::set_workers`](crate::runtime::set_workers).
    ///
    /// # Panics
    ///
    /// With 0, or more than 65,535.
    ///
    /// ```
    /// let rt = midge::Runtime::builder().workers(4).build_pinned().unwrap();
    /// assert_eq!(rt.set_workers(2), 4);
    /// assert_eq!(rt.workers(), 2);
    /// ```
    pub fn set_workers(&self, workers: usize) -> usize {
        set_workers::set(self.arc(), workers)
    }

    /// What it has done so far.
    pub fn metrics(&self) -> Metrics {
        self.shared().metrics()
    }

    pub(crate) fn shared(&self) -> &Shared {
        self.arc()
    }

    fn arc(&self) -> &Arc<Shared> {
        match &self.shared {
            Some(shared) => shared,
            None => unreachable!("only the drop takes it"),
        }
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime")
            .field("mode", &self.mode())
            .field("workers", &self.workers())
            .finish_non_exhaustive()
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        let Some(shared) = self.shared.take() else { return };
        let watchers = std::mem::take(&mut self.watchers);
        let inside = worker::current().is_some_and(|w| std::ptr::eq(w.shared(), &*shared))
            || blocking_pool::runtime_of_thread().is_some_and(|own| Arc::ptr_eq(&own, &shared));
        if inside {
            // One of its own tasks (or threads) drops it and cannot wait for its own end: a thread
            // does.
            let end = move || shutdown::end(shared, watchers);
            if let Err(error) = thread::Builder::new().name("midge-end".into()).spawn(end) {
                crate::fatal(format_args!("no thread to end a runtime: {error}"));
            }
        } else {
            shutdown::end(shared, watchers);
        }
    }
}

/// The one runtime of the process, for a thread that belongs to none.
#[track_caller]
pub(crate) fn only_one() -> Arc<Shared> {
    if let Some(own) = blocking_pool::runtime_of_thread() {
        return own; // a task of that one waits for us
    }
    let mut living: Vec<_> = LIVING.lock().iter().filter_map(Weak::upgrade).collect();
    match (living.pop(), living.is_empty()) {
        (Some(only), true) => only,
        (None, _) => {
            panic!("spawn from a thread outside of any runtime; build a midge::Runtime first")
        }
        (Some(_), false) => panic!(
            "spawn from a thread outside of any runtime while there are several; use Runtime::spawn"
        ),
    }
}
