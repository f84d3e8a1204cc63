//! [`Task`]: a counted reference to a task, as `std::thread::Thread` is to a thread.
//!
//! Go has no handle of a goroutine on purpose; the shape is std's.

use super::cell;
use super::header::{self, Header};
use std::fmt;
use std::num::NonZeroU64;
use std::panic::Location;
use std::ptr::NonNull;

/// A task's number, unique in the process and never used again.
///
/// ```
/// let id = midge::task::current().id();
/// assert_eq!(id, midge::task::current().id());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct TaskId(pub(crate) NonZeroU64);

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A handle to a task (or, outside of tasks, to an OS thread): its name, its number, and the way to
/// wake it.
///
/// It keeps the task's memory, but neither its result nor its runtime, alive.
///
/// ```
/// let rt = midge::Runtime::pinned().unwrap();
/// rt.run(|| {
///     let sleeper = midge::spawn(midge::task::park);
///     sleeper.task().unpark();
///     sleeper.join().unwrap();
/// });
/// ```
pub struct Task {
    header: NonNull<Header>,
}

// SAFETY: a handle gives access to what is immutable or atomic in a task, and the count is atomic.
unsafe impl Send for Task {}
// SAFETY: as above.
unsafe impl Sync for Task {}

impl Task {
    /// Takes over a reference.
    ///
    /// # Safety
    ///
    /// The caller owns a reference and gives it up.
    pub(crate) unsafe fn from_owned(header: NonNull<Header>) -> Task {
        Task { header }
    }

    /// Adds a reference of its own.
    ///
    /// # Safety
    ///
    /// `header` is alive during the call.
    pub(crate) unsafe fn from_borrowed(header: NonNull<Header>) -> Task {
        // SAFETY: passed on.
        unsafe { header::reference(header) };
        Task { header }
    }

    /// The task itself.
    pub(crate) fn header(&self) -> &Header {
        // SAFETY: this handle's reference keeps it alive.
        unsafe { self.header.as_ref() }
    }

    /// The task itself, as the scheduler passes it on.
    pub(crate) fn pointer(&self) -> NonNull<Header> {
        self.header
    }

    /// The task's number.
    pub fn id(&self) -> TaskId {
        TaskId(NonZeroU64::new(self.header().id).expect("numbers begin at 1"))
    }

    /// The name it was given, if any; for an OS thread, the thread's.
    pub fn name(&self) -> Option<&str> {
        self.header().name()
    }

    /// Where it was spawned; for an OS thread, where it first asked for its handle.
    pub fn location(&self) -> &'static Location<'static> {
        self.header().location
    }

    /// Wakes the task from its [`park`](super::park), or makes its next one return at once. Several
    /// calls before that count as one, as with `std::thread::Thread::unpark`. It has no effect on a
    /// task that has ended, and may be called from anywhere, after the runtime is gone, too.
    pub fn unpark(&self) {
        // SAFETY: this handle's reference keeps the task alive.
        unsafe { (self.header().vtable.unpark)(self.header) }
    }
}

impl Clone for Task {
    fn clone(&self) -> Task {
        // SAFETY: this handle's reference keeps the task alive.
        unsafe { Task::from_borrowed(self.header) }
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        if self.header().runtime.is_null() {
            use crate::atomic::Ordering;
            // Release and Acquire: as in `header::release`.
            if self.header().refs.fetch_sub(1, Ordering::AcqRel) == 1 {
                // SAFETY: the last reference to a thread's stand-in.
                unsafe { cell::free_thread(self.header) };
            }
        } else {
            crate::sched::context::release_task(self.header);
        }
    }
}

impl fmt::Debug for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task")
            .field("id", &self.header().id)
            .field("name", &self.name())
            .field("location", &format_args!("{}", self.location()))
            .finish()
    }
}
