//! [`JoinHandle`]: waiting for a task's result.
//!
//! Go: nothing; a goroutine has no result. The shape is std's.

use super::context;
use crate::task::handle::Task;
use crate::task::reason::Reason;
use std::fmt;
use std::marker::PhantomData;
use std::mem::{ManuallyDrop, MaybeUninit};
use std::panic::Location;
use std::thread;

/// The right to wait for a task's result. Dropping it detaches the task, which goes on.
///
/// ```
/// let rt = midge::Runtime::pinned().unwrap();
/// rt.run(|| {
///     let task = midge::spawn(|| "done");
///     assert_eq!(task.join().unwrap(), "done");
/// });
/// ```
///
/// It may be sent to another thread or task, as its result may:
///
/// ```
/// fn sendable<T: Send + Sync>() {}
/// sendable::<midge::JoinHandle<Vec<u8>>>();
/// ```
///
/// ```compile_fail,E0277
/// fn sendable<T: Send>() {}
/// sendable::<midge::JoinHandle<std::rc::Rc<u8>>>();
/// ```
pub struct JoinHandle<T> {
    task: Task,
    result: PhantomData<T>,
}

// SAFETY: the handle gives the result to one thread, which then must be allowed to have it. `Task`
// itself may be used anywhere.
unsafe impl<T: Send> Send for JoinHandle<T> {}
// SAFETY: a shared handle gives no access to the result.
unsafe impl<T: Send> Sync for JoinHandle<T> {}

impl<T> JoinHandle<T> {
    /// The handle of a new task.
    ///
    /// # Safety
    ///
    /// `task` has the HANDLE bit, no other JoinHandle, and its result is a `T`.
    pub(crate) unsafe fn new(task: Task) -> JoinHandle<T> {
        JoinHandle { task, result: PhantomData }
    }

    /// Waits for the task to end and returns what its closure returned. A suspension point; on an
    /// ordinary thread it blocks the thread.
    ///
    /// # Errors
    ///
    /// The payload of the panic that ended the task, as in `std::thread`;
    /// [`Cancelled`](crate::task::Cancelled) if it was cancelled.
    ///
    /// ```
    /// let rt = midge::Runtime::pinned().unwrap();
    /// let error = rt.run(|| midge::spawn(|| panic!("no luck")).join()).unwrap_err();
    /// assert_eq!(error.downcast_ref::<&str>(), Some(&"no luck"));
    /// ```
    #[track_caller]
    pub fn join(self) -> thread::Result<T> {
        if !self.is_finished() {
            let caller = context::current();
            self.wait(caller.clone(), || context::park_as(&caller, Reason::Join));
        }
        let handle = ManuallyDrop::new(self);
        let mut result = MaybeUninit::<thread::Result<T>>::uninit();
        // SAFETY: done, and this handle, which is never dropped, owned the result. The reference
        // moves to a Task that gives it up.
        unsafe {
            let task = std::ptr::read(&handle.task);
            (task.header().vtable.take_result)(task.pointer(), result.as_mut_ptr().cast());
            drop(task);
            result.assume_init()
        }
    }

    /// Waits as an ordinary thread does, even in a task (of another runtime): that one's stack is
    /// lent to the task that is waited for, so it must not be parked.
    pub(crate) fn join_blocking(self) -> thread::Result<T> {
        self.wait_as_thread();
        self.join()
    }

    fn wait_as_thread(&self) {
        let thread = context::thread_task(Location::caller());
        self.wait(thread.clone(), || context::park_thread(&thread));
    }

    /// Waits for the end with `park`, which waits until `waiter` is unparked.
    fn wait(&self, waiter: Task, park: impl Fn()) {
        let header = self.task.header();
        if header.state.is_done() {
            return;
        }
        // SAFETY: the slot is the handle's until JOINER is set, and `join`, which alone gets here,
        // takes the one handle by value.
        unsafe { *header.joiner.get() = Some(waiter) };
        if header.state.register_joiner() {
            while !header.state.is_done() {
                park();
            }
        } else {
            // SAFETY: the task ended before it could see the bit, and will not look at the slot.
            drop(unsafe { (*header.joiner.get()).take() });
        }
    }

    /// Whether the task has ended, so that [`join`](Self::join) will not wait.
    ///
    /// ```
    /// let rt = midge::Runtime::pinned().unwrap();
    /// rt.run(|| {
    ///     let task = midge::spawn(|| ());
    ///     while !task.is_finished() {
    ///         midge::task::yield_now();
    ///     }
    /// });
    /// ```
    pub fn is_finished(&self) -> bool {
        self.task.header().state.is_done()
    }

    /// The task.
    ///
    /// ```
    /// let rt = midge::Runtime::pinned().unwrap();
    /// rt.run(|| midge::spawn(midge::task::park).task().unpark());
    /// ```
    pub fn task(&self) -> &Task {
        &self.task
    }

    /// Asks the task to end: if it has not run, it never will; else it unwinds from its suspension
    /// point, or from the next one it comes to, so that its destructors run, and `join` returns
    /// [`Cancelled`](crate::task::Cancelled). A task that has ended, or catches the unwinding,
    /// keeps its result.
    ///
    /// Under `panic = "abort"` nothing can unwind: there it has an effect only on a task that has
    /// not run.
    ///
    /// ```
    /// let rt = midge::Runtime::pinned().unwrap();
    /// let result = rt.run(|| {
    ///     let task = midge::spawn(midge::task::park);
    ///     task.cancel();
    ///     task.join()
    /// });
    /// assert!(result.is_err());
    /// ```
    pub fn cancel(&self) {
        context::cancel(&self.task);
    }
}

impl<T> Drop for JoinHandle<T> {
    fn drop(&mut self) {
        let header = self.task.header();
        if header.state.drop_handle() {
            // SAFETY: done, and the handle owned the result.
            unsafe { (header.vtable.drop_result)(self.task.pointer()) };
        } else {
            // A joiner that was cancelled while it waited is still in the slot.
            // SAFETY: the task ends without a look at the slot, now that there is no handle.
            drop(unsafe { (*header.joiner.get()).take() });
        }
    }
}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinHandle").field("task", &self.task).finish_non_exhaustive()
    }
}
