//! What a task (or a thread) can do about itself: who am I, park, yield, spawn; and waking others.
//!
//! Go: `runtime/proc.go` `gopark`, `goready`, `Gosched`, `newproc`.

use super::builder::TaskBuilder;
use super::ending;
use super::external;
use super::join::JoinHandle;
use super::processor;
use super::shared::Shared;
use super::switch::{self, Suspension};
use super::worker::{self, WorkerRef};
use super::{timeouts, unwind};
use crate::stack::slab::Cache;
use crate::task::cell;
use crate::task::handle::Task;
use crate::task::header::{self, Header};
use crate::task::reason::Reason;
use std::panic::Location;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// The calling task's worker, if the caller is a task.
#[inline]
pub(crate) fn in_task() -> Option<(WorkerRef, NonNull<Header>)> {
    let worker = worker::current()?;
    Some((worker, worker.current.get()?.0))
}

/// Spawns a task in the runtime of the calling task. From an ordinary thread: in the one runtime
/// that lives in this process.
///
/// # Panics
///
/// From an ordinary thread, when there is no runtime or more than one: use
/// [`Runtime::spawn`](crate::Runtime::spawn). When there is no memory for the task, the process
/// aborts, as the allocator does.
///
/// ```
/// let rt = midge::Runtime::pinned().unwrap();
/// let answer = rt.run(|| midge::spawn(|| 6 * 7).join().unwrap());
/// assert_eq!(answer, 42);
/// ```
///
/// What a task is given must be its own (`'static`) and fit to be sent:
///
/// ```compile_fail,E0597
/// # let rt = midge::Runtime::pinned().unwrap();
/// let local = vec![1];
/// rt.run(|| midge::spawn(|| local.len()).join()).unwrap();
/// ```
///
/// so that even a leaked handle leaves nothing dangling:
///
/// ```compile_fail,E0597
/// # let rt = midge::Runtime::pinned().unwrap();
/// rt.run(|| {
///     let local = vec![1];
///     let borrowed = &local;
///     std::mem::forget(midge::spawn(move || borrowed.len()));
/// });
/// ```
///
/// ```compile_fail,E0277
/// # let rt = midge::Runtime::pinned().unwrap();
/// rt.run(|| {
///     let local = std::rc::Rc::new(1);
///     midge::spawn(move || *local).join().unwrap();
/// });
/// ```
#[track_caller]
pub fn spawn<F, T>(f: F) -> JoinHandle<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    TaskBuilder::new().spawn(f)
}

/// A handle to the calling task; on an ordinary thread, to that thread (for which [`park`] and
/// [`Task::unpark`] work as well).
///
/// ```
/// let rt = midge::Runtime::pinned().unwrap();
/// let name = rt.run(|| {
///     let job = midge::task::Builder::new().name("job");
///     job.spawn(|| midge::task::current().name().map(str::to_string)).join().unwrap()
/// });
/// assert_eq!(name.as_deref(), Some("job"));
/// ```
#[track_caller]
pub fn current() -> Task {
    match try_current() {
        Some(task) => task,
        None => thread_task(Location::caller()),
    }
}

/// A handle to the calling task, or `None` on an ordinary thread.
///
/// ```
/// assert!(midge::task::try_current().is_none());
/// ```
pub fn try_current() -> Option<Task> {
    let (_, task) = in_task()?;
    // SAFETY: the running task is alive.
    Some(unsafe { Task::from_borrowed(task) })
}

thread_local! {
    static THREAD: std::cell::OnceCell<Task> = const { std::cell::OnceCell::new() };
}

/// The stand-in for the calling thread.
#[inline(never)]
pub(crate) fn thread_task(location: &'static Location<'static>) -> Task {
    let make = || {
        let stand_in = cell::allocate_thread(processor::reserve_ids(1), location);
        // SAFETY: made with one reference, which becomes the handle's.
        unsafe { Task::from_owned(stand_in) }
    };
    // A thread that is ending has no such variable any more.
    THREAD
        .try_with(|task| task.get_or_init(make).clone())
        .unwrap_or_else(|_| ending::stand_in(make))
}

/// Waits until [`Task::unpark`] is called for the calling task; returns at once if that has
/// happened since the last time. A suspension point.
///
/// Callers should wait in a loop that checks what they wait for: a wake-up may be meant for
/// something else. On an ordinary thread it blocks the thread.
///
/// If the task is cancelled, it unwinds from here.
///
/// ```
/// let rt = midge::Runtime::pinned().unwrap();
/// rt.run(|| {
///     midge::task::current().unpark();
///     midge::task::park(); // returns at once
/// });
/// ```
pub fn park() {
    park_for(Reason::Park);
}

/// As [`park`], for what the reason says.
#[inline]
pub(crate) fn park_for(reason: Reason) {
    let Some((worker, task)) = in_task() else {
        park_as_thread(&thread_task(Location::caller()), None);
        return;
    };
    // SAFETY: the running task is alive, and stays so while it waits.
    let header = unsafe { task.as_ref() };
    let worker = stress_yield(worker);
    if !header.state.take_notification() {
        worker.enter();
        header.reason.set(reason);
        // SAFETY: a task on its worker's thread; the isolation contract is the program's promise.
        let worker = unsafe { switch::suspend(worker, task, Suspension::Park, None) };
        unwind::unwind_if_cancelled(worker);
    }
}

/// As [`park_for`], for the caller's own handle.
pub(crate) fn park_as(caller: &Task, reason: Reason) {
    if in_task().is_some() {
        park_for(reason);
    } else {
        park_as_thread(caller, None);
    }
}

/// As [`park_as`], but without unwinding, whatever the task is asked to do: for who has to wait for
/// others that use what it has lent them.
pub(crate) fn park_masked_as(caller: &Task, reason: Reason) {
    if in_task().is_none() {
        return park_thread(caller);
    }
    let masked = &caller.header().masked;
    let before = masked.replace(true);
    park_for(reason); // returns, since it does not unwind
    masked.set(before);
}

/// Parks the calling thread, at most until the deadline, and unwinds if one of its timeouts is
/// over. True only if the deadline has passed.
#[cold]
pub(crate) fn park_as_thread(task: &Task, deadline: Option<Instant>) -> bool {
    let timeout = timeouts::first_deadline().filter(|_| !std::thread::panicking());
    let until = deadline.into_iter().chain(timeout).min();
    let passed = match until {
        Some(until) => park_thread_until(task, until),
        None => {
            park_thread(task);
            false
        }
    };
    if timeout.is_some() {
        timeouts::unwind(None);
    }
    passed && deadline == until
}

/// Parks the calling thread, whose stand-in is `task`.
#[cold]
pub(crate) fn park_thread(task: &Task) {
    let state = &task.header().state;
    if state.take_notification() || !state.publish_parked(false) {
        return;
    }
    while state.is_parked() {
        std::thread::park();
    }
}

/// As [`park_thread`], at most until the deadline. True only if that has passed.
#[cold]
pub(crate) fn park_thread_until(task: &Task, deadline: Instant) -> bool {
    let state = &task.header().state;
    if state.take_notification() || !state.publish_parked(false) {
        return false;
    }
    while state.is_parked() {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return state.withdraw_parked();
        }
        std::thread::park_timeout(left);
    }
    false
}

/// Lets the other ready tasks run first. A suspension point. Returns at once if there are none; on
/// an ordinary thread it is `std::thread::yield_now`.
///
/// If the task has been cancelled, it unwinds from here.
///
/// ```
/// let rt = midge::Runtime::pinned().unwrap();
/// rt.run(|| midge::task::yield_now());
/// ```
pub fn yield_now() {
    let Some((worker, task)) = in_task() else {
        std::thread::yield_now();
        if !std::thread::panicking() {
            timeouts::unwind(None);
        }
        return;
    };
    let was_inside = worker.enter();
    let next = worker.pick_for_yield();
    let worker = if next.is_some() || leaves_in_any_case(worker) {
        // SAFETY: the running task is alive.
        unsafe { task.as_ref() }.reason.set(Reason::Yield);
        // SAFETY: as in `park`.
        unsafe { switch::suspend(worker, task, Suspension::Yield, next) }
    } else {
        worker.exit(was_inside);
        worker
    };
    unwind::unwind_if_cancelled(worker);
}

/// Whether a task that yields leaves its stack though there is no successor: since its worker has
/// been told to ask for a seat, for the sake of suspending, or for those who want its window: they are
/// as ready as any, and the task itself is the only one who can let them go on.
#[inline(never)] // what it needs would be in the frames of all who yield
fn leaves_in_any_case(worker: WorkerRef) -> bool {
    worker.processor.stress
        || worker.remote().inbox.has_notice()
        || (!worker.processor.exclusive() && worker.is_window_wanted())
}

/// Whether this process has had a runtime in stress mode.
static ANY_STRESS: AtomicBool = AtomicBool::new(false);

/// Remembers that there is a runtime in stress mode.
pub(crate) fn note_stress() {
    ANY_STRESS.store(true, Ordering::Relaxed); // its tasks come later, over queues
}

/// Whether to look if the worker is in stress mode: the question that calls which rarely suspend
/// can afford.
#[inline]
pub(crate) fn any_stress() -> bool {
    ANY_STRESS.load(Ordering::Relaxed)
}

/// In stress mode, sometimes yields: at every runtime call that may suspend.
/// Returns the worker on which the task goes on.
#[inline]
pub(crate) fn stress_yield(worker: WorkerRef) -> WorkerRef {
    if worker.processor.stress && worker.processor.random_below(4) == 0 {
        yield_now();
        return worker::current().unwrap_or(worker);
    }
    worker
}

/// Wakes a task, or leaves it a notification. `done` is called when it is certain that it goes on;
/// unless `task` is referenced otherwise, it may be gone from then on.
///
/// # Safety
///
/// `task` is alive until `done` is called, and not a thread's stand-in.
#[inline]
pub(crate) unsafe fn unpark(task: NonNull<Header>, done: impl FnOnce()) {
    // If it was parked it cannot go on before `wake` has made it ready; if not, `wake` does not
    // touch it again.
    let change = |header: &Header| {
        let parked = header.state.unpark();
        done();
        parked
    };
    // SAFETY: passed on.
    unsafe { wake(task, change) }
}

/// Asks a task to unwind.
pub(crate) fn cancel(task: &Task) {
    if cfg!(panic = "abort") && task.header().has_started() {
        return; // it could not unwind: leave it alone
    }
    // SAFETY: the handle keeps it alive; handles that reach this are of tasks.
    unsafe { wake(task.pointer(), |header| header.state.cancel()) }
}

/// Changes a task's state by `change` and makes it ready if that says so.
///
/// # Safety
///
/// `task` is alive and not a thread's stand-in.
unsafe fn wake(task: NonNull<Header>, change: impl FnOnce(&Header) -> bool) {
    // SAFETY: passed on.
    let header = unsafe { task.as_ref() };
    match worker::current() {
        Some(worker) if std::ptr::eq(worker.shared(), header.runtime.cast()) => {
            if change(header) {
                let was_inside = worker.enter();
                worker.ready_woken(super::Ready(task));
                worker.exit(was_inside);
            }
        }
        _ => {
            let _inside = external::enter();
            if change(header) {
                // SAFETY: inside, and a task that was parked is not done. PARKED was just taken.
                unsafe { Shared::of(header).ready_from_outside(task) };
            }
        }
    }
}

/// Gives up a handle's reference to a task.
pub(crate) fn release_task(task: NonNull<Header>) {
    // SAFETY: the caller's reference ends here, and the cache is this thread's.
    let release = |cache: Option<&mut Cache>| unsafe { header::release(task, cache) };
    match worker::current() {
        Some(worker) => worker.processor.with_cache(|cache| release(Some(cache))),
        None => release(None),
    }
}
