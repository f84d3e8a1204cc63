//! Spawning a task with a name, or pinned.
//!
//! Go: `runtime/proc.go` `newproc`. The shape is `std::thread::Builder`'s.

use super::config::Mode;
use super::external;
use super::join::JoinHandle;
use super::processor;
use super::runtime::{self, Runtime};
use super::shared::Shared;
use super::unwind::Scheduled;
use super::worker::{self, Worker};
use super::Ready;
use crate::task::cell::{self, Birth};
use crate::task::handle::Task;
use crate::task::header::Header;
use std::panic::Location;
use std::ptr::{self, NonNull};
use std::sync::atomic::Ordering;

/// Configures a task before it is spawned.
///
/// ```
/// use midge::task::Builder;
/// let rt = midge::Runtime::pinned().unwrap();
/// let name = rt.run(|| {
///     let task = Builder::new().name("parser").pinned(true).spawn(|| ());
///     task.task().name().map(str::to_string)
/// });
/// assert_eq!(name.as_deref(), Some("parser"));
/// ```
#[derive(Debug, Clone, Default)]
#[must_use = "a builder spawns nothing by itself"]
pub struct TaskBuilder {
    name: Option<String>,
    pinned: bool,
}

impl TaskBuilder {
    /// A task without a name that shares a window.
    pub fn new() -> TaskBuilder {
        TaskBuilder::default()
    }

    /// Names the task, for messages and debuggers.
    pub fn name(mut self, name: impl Into<String>) -> TaskBuilder {
        self.name = Some(name.into());
        self
    }

    /// Gives the task a window of its own, about 12 KiB, for as long as it lives: it is never
    /// frozen, so it may lend its stack (the first promise of the
    /// [contract](crate#the-isolation-contract) does not bind it). There is room for some 30,000
    /// windows in a process (`vm.max_map_count`); a pinned task beyond that waits until one is
    /// free.
    pub fn pinned(mut self, pinned: bool) -> TaskBuilder {
        self.pinned = pinned;
        self
    }

    /// Spawns the task, where [`spawn`](crate::spawn) would.
    ///
    /// # Panics
    ///
    /// As [`spawn`](crate::spawn).
    #[track_caller]
    pub fn spawn<F, T>(self, f: F) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        // SAFETY: the closure is 'static and Send.
        unsafe { self.spawn_here(f, Location::caller()) }
    }

    /// Spawns the task where `spawn` would.
    ///
    /// # Safety
    ///
    /// As `spawn_unchecked`.
    #[track_caller]
    pub(crate) unsafe fn spawn_here<F: FnOnce() -> T, T>(
        self,
        f: F,
        location: &'static Location<'static>,
    ) -> JoinHandle<T> {
        match worker::current() {
            // SAFETY: passed on.
            Some(worker) => unsafe { self.spawn_from(&worker, f, location) },
            None => {
                let only = runtime::only_one();
                // SAFETY: passed on; `only` keeps the runtime alive.
                unsafe { self.spawn_outside(&only, f, location) }
            }
        }
    }

    /// Spawns the task in a certain runtime.
    #[track_caller]
    pub fn spawn_on<F, T>(self, runtime: &Runtime, f: F) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        // SAFETY: the closure is 'static and Send.
        unsafe { self.spawn_unchecked(runtime.shared(), f, Location::caller()) }
    }

    /// Spawns the task.
    ///
    /// # Safety
    ///
    /// What the closure and its result refer to stays valid until the task has ended and its result
    /// is gone, and both may be used on another thread.
    pub(crate) unsafe fn spawn_unchecked<F: FnOnce() -> T, T>(
        self,
        shared: &Shared,
        f: F,
        location: &'static Location<'static>,
    ) -> JoinHandle<T> {
        match worker::current() {
            Some(worker) if ptr::eq(worker.shared(), shared) => {
                // SAFETY: passed on.
                unsafe { self.spawn_from(&worker, f, location) }
            }
            // SAFETY: passed on.
            _ => unsafe { self.spawn_outside(shared, f, location) },
        }
    }

    /// # Safety
    ///
    /// As `spawn_unchecked`.
    unsafe fn spawn_from<F: FnOnce() -> T, T>(
        self,
        worker: &Worker,
        f: F,
        location: &'static Location<'static>,
    ) -> JoinHandle<T> {
        let birth = self.birth(worker.shared(), worker.processor.next_id(), location);
        // SAFETY: passed on.
        let task = worker.processor.with_cache(|cache| unsafe {
            cell::allocate::<F, T, Scheduled>(Some(cache), birth, f)
        });
        let task = begun(task, worker.shared());
        // SAFETY: one of the two references is the handle's.
        let handle = unsafe { JoinHandle::new(Task::from_owned(task)) };
        worker.remote().counters.tasks_spawned.add(1);
        worker.ready_fresh(Ready(task));
        handle
    }

    /// # Safety
    ///
    /// As `spawn_unchecked`, and the runtime stays alive during the call.
    unsafe fn spawn_outside<F: FnOnce() -> T, T>(
        self,
        shared: &Shared,
        f: F,
        location: &'static Location<'static>,
    ) -> JoinHandle<T> {
        let _inside = external::enter(); // the runtime's end waits for us, or we see it
        if shared.closed.load(Ordering::SeqCst) {
            panic!("spawn in a runtime that has been dropped");
        }
        let birth = self.birth(shared, processor::reserve_ids(1), location);
        // SAFETY: passed on.
        let task = unsafe { cell::allocate::<F, T, Scheduled>(None, birth, f) };
        let task = begun(task, shared);
        // SAFETY: one of the two references is the handle's.
        let handle = unsafe { JoinHandle::new(Task::from_owned(task)) };
        // Release pairs with the Acquire in `Shared::metrics`.
        shared.spawned_outside.fetch_add(1, Ordering::Release);
        shared.inject(Ready(task));
        handle
    }

    fn birth(self, shared: &Shared, id: u64, location: &'static Location<'static>) -> Birth {
        Birth {
            runtime: ptr::from_ref(shared).cast(),
            id,
            location,
            name: self.name.map(|name| Box::new(name.into_boxed_str())),
            pinned: self.pinned || shared.config.mode == Mode::Pinned,
        }
    }
}

/// A new task: none starts in a runtime that is being dropped.
fn begun(task: Option<NonNull<Header>>, shared: &Shared) -> NonNull<Header> {
    let Some(task) = task else { crate::fatal(format_args!("out of memory: no room for a task")) };
    if shared.draining.load(Ordering::Relaxed) {
        // SAFETY: alive, and nobody else knows it yet. It cannot be parked, so nobody has to wake
        // it. (A spawn that misses the flag is found by the next of the drop's walks.)
        let _ = unsafe { task.as_ref() }.state.cancel();
    }
    task
}
