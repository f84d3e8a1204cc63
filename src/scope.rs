//! [`scope`]: tasks that borrow from the one that spawned them.
//!
//! The parent waits for its children before the scope ends, whatever happens, so what they borrow
//! stays. It has to stay *in place*, too: a parent that is parked must not be frozen, hence the
//! rule that it is pinned.
//!
//! A child's result lies in a packet on the heap that the child and its handle share, so that a
//! result which borrows is dropped before the child counts as done, or by its handle, which cannot
//! outlive the scope.
//!
//! Go: `golang.org/x/sync/errgroup`, without the borrowing. The shape is `std::thread::scope`'s.

use crate::lock::Mutex;
use crate::sched::builder::TaskBuilder;
use crate::sched::{context, unwind};
use crate::task::reason::Reason;
use crate::task::{self, Cancelled, JoinHandle, Task};
use std::any::Any;
use std::cell::UnsafeCell;
use std::fmt;
use std::marker::PhantomData;
use std::panic::{self, AssertUnwindSafe, Location};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::Arc;
use std::thread;

/// Runs `f`, which may spawn tasks that borrow what is outside of it, and waits until all of them
/// have ended. A suspension point; on an ordinary thread it blocks the thread.
///
/// The caller lends its stack, so it must be pinned, as the main task is
/// ([`Runtime::run`](crate::Runtime::run)), every task of the pinned mode, those of
/// [`Builder::pinned`](crate::task::Builder::pinned), and ordinary threads.
///
/// If `f` panics, the children are waited for all the same. If the caller is cancelled, or a
/// [`timeout`](crate::time::timeout) around it is over, they are cancelled, waited for, and then it
/// unwinds.
///
/// ```
/// let rt = midge::Runtime::pinned().unwrap();
/// let mut numbers = [1, 2, 3];
/// let mut sum = 0;
/// rt.run(|| {
///     midge::scope(|s| {
///         s.spawn(|| sum = numbers.iter().sum());
///         s.spawn(|| println!("{numbers:?}"));
///     });
///     numbers[0] = 4;
/// });
/// assert_eq!(sum, 6);
/// ```
///
/// A child cannot borrow from inside of the scope, which ends before it does:
///
/// ```compile_fail,E0373
/// midge::scope(|s| {
///     let inside = vec![1];
///     s.spawn(|| inside.len());
/// });
/// ```
///
/// Nor can two children have what only one may:
///
/// ```compile_fail,E0499
/// let mut count = 0;
/// midge::scope(|s| {
///     s.spawn(|| count += 1);
///     s.spawn(|| count += 1);
/// });
/// ```
///
/// Nor may what is not `Send` be lent, nor a handle leave the scope:
///
/// ```compile_fail,E0277
/// let local = std::rc::Rc::new(1);
/// midge::scope(|s| {
///     s.spawn(|| *local);
/// });
/// ```
///
/// ```compile_fail
/// let handle = midge::scope(|s| s.spawn(|| 1));
/// ```
///
/// # Panics
///
/// If the caller is a task that is not pinned; with the panic of `f`; and, with a message of its
/// own, if a child has panicked that was not joined.
#[track_caller]
pub fn scope<'env, F, T>(f: F) -> T
where
    F: for<'scope> FnOnce(&'scope Scope<'scope, 'env>) -> T,
{
    let parent = task::current();
    if !parent.header().pinned {
        panic!(
            "midge::scope called in a task that may be frozen while its children borrow from it; spawn \
             that task with task::Builder::new().pinned(true)"
        );
    }
    let data = Data {
        parent,
        running: AtomicUsize::new(0),
        panicked: AtomicBool::new(false),
        children: Mutex::new(Children { tasks: Vec::new(), cancelled: false }),
    };
    let scope = Scope { data: Arc::new(data), scope: PhantomData, env: PhantomData };
    let outcome = panic::catch_unwind(AssertUnwindSafe(|| f(&scope)));
    let forced = outcome.as_ref().is_err_and(|payload| unwind::is_forced(&**payload));
    let stopped = scope.data.wait(forced);
    match (outcome, stopped) {
        (Err(payload), _) | (Ok(_), Some(payload)) => unwind::resume(payload),
        // Relaxed: who set it has ended, or is this task itself.
        (Ok(_), None) if scope.data.panicked.load(Ordering::Relaxed) => {
            panic!("a scoped task panicked")
        }
        (Ok(result), None) => result,
    }
}

/// A scope to spawn tasks in. See [`scope`].
pub struct Scope<'scope, 'env: 'scope> {
    data: Arc<Data>,
    /// Invariant: it is neither longer nor shorter.
    scope: PhantomData<&'scope mut &'scope ()>,
    env: PhantomData<&'env mut &'env ()>,
}

struct Data {
    parent: Task,
    /// Children that have not ended.
    running: AtomicUsize,
    /// One has panicked, and nobody has been told.
    panicked: AtomicBool,
    children: Mutex<Children>,
}

/// Those that are to be cancelled with their parent.
struct Children {
    tasks: Vec<Task>,
    cancelled: bool,
}

impl Data {
    /// Waits for all children. If the parent is to unwind meanwhile (or is about to, if so said),
    /// they are cancelled; returns what it is to unwind with.
    fn wait(&self, mut forced: bool) -> Option<Box<dyn Any + Send>> {
        let mut stopped = None;
        // Acquire pairs with the Release in `Done::drop`: what the children did is seen.
        while self.running.load(Ordering::Acquire) > 0 && !forced {
            let park = AssertUnwindSafe(|| context::park_as(&self.parent, Reason::Scope));
            stopped = panic::catch_unwind(park).err();
            forced = stopped.is_some();
        }
        if forced {
            self.cancel_children();
        }
        // Acquire: as above.
        while self.running.load(Ordering::Acquire) > 0 {
            context::park_masked_as(&self.parent, Reason::Scope);
        }
        stopped
    }

    fn cancel_children(&self) {
        let mut children = self.children.lock();
        children.cancelled = true;
        children.tasks.drain(..).for_each(|child| context::cancel(&child));
    }

    /// Notes a child; those that have ended are forgotten now and then.
    fn note(&self, child: &Task) {
        let mut children = self.children.lock();
        if children.cancelled {
            return context::cancel(child);
        }
        if children.tasks.len() == children.tasks.capacity() {
            children.tasks.retain(|child| !child.header().state.is_done());
            let live = children.tasks.len();
            children.tasks.reserve(live.max(8));
        }
        children.tasks.push(child.clone());
    }
}

impl<'scope> Scope<'scope, '_> {
    /// Spawns a task in the scope: it may borrow what lives longer than that, and spawn others
    /// there.
    ///
    /// # Panics
    ///
    /// As [`spawn`](crate::spawn).
    ///
    /// ```
    /// let rt = midge::Runtime::pinned().unwrap();
    /// let words = ["a", "bc"];
    /// rt.run(|| {
    ///     midge::scope(|s| {
    ///         let handles: Vec<_> = words.iter().map(|word| s.spawn(|| word.len())).collect();
    ///         assert_eq!(handles.into_iter().map(|handle| handle.join().unwrap()).sum::<usize>(), 3);
    ///     })
    /// });
    /// ```
    #[track_caller]
    pub fn spawn<F, T>(&'scope self, f: F) -> ScopedJoinHandle<'scope, T>
    where
        F: FnOnce() -> T + Send + 'scope,
        T: Send + 'scope,
    {
        TaskBuilder::new().spawn_scoped(self, f)
    }
}

impl TaskBuilder {
    /// Spawns the task in a scope, as [`Scope::spawn`] does.
    ///
    /// ```
    /// let rt = midge::Runtime::pinned().unwrap();
    /// rt.run(|| {
    ///     midge::scope(|s| {
    ///         let named = midge::task::Builder::new().name("child").spawn_scoped(s, || 1);
    ///         assert_eq!(named.task().name(), Some("child"));
    ///     })
    /// });
    /// ```
    #[track_caller]
    pub fn spawn_scoped<'scope, F, T>(
        self,
        scope: &'scope Scope<'scope, '_>,
        f: F,
    ) -> ScopedJoinHandle<'scope, T>
    where
        F: FnOnce() -> T + Send + 'scope,
        T: Send + 'scope,
    {
        let data = &scope.data;
        let packet = Arc::new(Packet { data: data.clone(), result: UnsafeCell::new(None) });
        // Relaxed: the parent, or a child that has not ended, spawns it; so the count is not at its
        // end.
        data.running.fetch_add(1, Ordering::Relaxed);
        let child = Child { f, packet: packet.clone(), done: Done(data.clone()) };
        // SAFETY: the closure, with what it borrows, is gone before `Done` is dropped, which the
        // scope waits for; its result is in the packet.
        let handle = unsafe { self.spawn_here(move || child.run(), Location::caller()) };
        data.note(handle.task());
        ScopedJoinHandle { handle, packet, scope: PhantomData }
    }
}

/// What a child is made of, in the order in which it is dropped if it never runs.
struct Child<F, T> {
    f: F,
    packet: Arc<Packet<T>>,
    done: Done,
}

impl<F: FnOnce() -> T, T> Child<F, T> {
    fn run(self) {
        let Child { f, packet, done } = self;
        let result = panic::catch_unwind(AssertUnwindSafe(f));
        // SAFETY: the handle does not touch the place before the child has given up its packet.
        unsafe { *packet.result.get() = Some(result) };
        drop(packet); // and the result, if there is no handle any more
        drop(done);
    }
}

/// A child's result on the way to its handle.
struct Packet<T> {
    data: Arc<Data>,
    result: UnsafeCell<Option<thread::Result<T>>>,
}

// SAFETY: the child writes the result, and whoever has the last reference takes it.
unsafe impl<T: Send> Sync for Packet<T> {}

impl<T> Drop for Packet<T> {
    fn drop(&mut self) {
        let result = self.result.get_mut().take();
        let unheard = matches!(&result, Some(Err(payload)) if !unwind::is_forced(&**payload));
        // A result that panics when it is dropped: the panic hook has told, and so will the scope.
        let dropped = panic::catch_unwind(AssertUnwindSafe(|| drop(result)));
        let failed = dropped.is_err_and(|payload| {
            let forced = unwind::is_forced(&*payload);
            std::mem::forget(payload);
            !forced
        });
        if unheard || failed {
            // Relaxed: published by `Done`, or dropped by the parent.
            self.data.panicked.store(true, Ordering::Relaxed);
        }
    }
}

/// A child that has not ended.
struct Done(Arc<Data>);

impl Drop for Done {
    fn drop(&mut self) {
        // Release pairs with the Acquire in `Data::wait`.
        if self.0.running.fetch_sub(1, Ordering::Release) == 1 {
            self.0.parent.unpark(); // the parent may be gone by now, but `Data` is not
        }
    }
}

/// The right to wait for a scoped task's result. Who drops it leaves the waiting to the scope.
pub struct ScopedJoinHandle<'scope, T> {
    handle: JoinHandle<()>,
    packet: Arc<Packet<T>>,
    scope: PhantomData<&'scope ()>,
}

impl<T> ScopedJoinHandle<'_, T> {
    /// Waits for the task to end and returns what its closure returned, as
    /// [`JoinHandle::join`](crate::JoinHandle::join).
    ///
    /// # Errors
    ///
    /// The payload of the panic that ended it: then the scope does not panic for it.
    pub fn join(self) -> thread::Result<T> {
        let ScopedJoinHandle { handle, mut packet, .. } = self;
        let ended = handle.join();
        // The task has given up its reference.
        let result = Arc::get_mut(&mut packet).and_then(|packet| packet.result.get_mut().take());
        // Without a result it was cancelled before it ran.
        result.unwrap_or_else(|| Err(ended.err().unwrap_or_else(|| Box::new(Cancelled))))
    }

    /// Whether the task has ended, so that [`join`](Self::join) will not wait.
    pub fn is_finished(&self) -> bool {
        self.handle.is_finished()
    }

    /// The task.
    pub fn task(&self) -> &Task {
        self.handle.task()
    }

    /// Asks the task to end, as [`JoinHandle::cancel`](crate::JoinHandle::cancel).
    pub fn cancel(&self) {
        self.handle.cancel();
    }
}

impl fmt::Debug for Scope<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let running = self.data.running.load(Ordering::Relaxed); // a figure for people
        f.debug_struct("Scope").field("running", &running).finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for ScopedJoinHandle<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopedJoinHandle").field("task", self.task()).finish_non_exhaustive()
    }
}
