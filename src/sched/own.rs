//! Finding what the running task, or the calling thread, has of its own ([`Locals`]).

use super::context::in_task;
use super::Ready;
use crate::task::header::Header;
use crate::task::locals::Locals;
use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::ptr::{self, NonNull};

thread_local! {
    /// A thread's own, or null, or [`GONE`]. Without a destructor, so that it can be read in
    /// others'.
    static OF_THREAD: Cell<*mut Locals> = const { Cell::new(ptr::null_mut()) };
    /// Destroys them with the thread.
    static END: End = const { End };
}

/// The thread's own have been destroyed.
const GONE: *mut Locals = NonNull::dangling().as_ptr();

struct End;

impl Drop for End {
    fn drop(&mut self) {
        let own = OF_THREAD.get();
        if !own.is_null() {
            // SAFETY: made by Box::into_raw on this thread; they stay where they are while
            // destructors may ask for them, and nobody uses them any more afterwards.
            unsafe {
                destroy_values(&*own);
                OF_THREAD.set(GONE);
                drop(Box::from_raw(own));
            }
        }
    }
}

#[cold]
fn of_thread() -> Option<*const Locals> {
    if OF_THREAD.get().is_null() {
        END.try_with(|_| ()).ok()?; // from here on it will run
        OF_THREAD.set(Box::into_raw(Box::default()));
    }
    Some(OF_THREAD.get().cast_const()).filter(|own| !ptr::eq(*own, GONE))
}

/// Calls `f` with the locals of the running task, or of the thread outside of tasks. They are made
/// if there are none yet. None if the thread is ending and they are gone. `f` must not suspend.
#[inline(never)] // for the thread-local
pub(crate) fn with_locals<R>(f: impl FnOnce(&Locals) -> R) -> Option<R> {
    let Some((_, task)) = in_task() else {
        // SAFETY: the calling thread's own, which are freed only when it ends.
        return Some(f(unsafe { &*of_thread()? }));
    };
    // SAFETY: the running task is alive.
    let header = unsafe { task.as_ref() };
    if header.locals.get().is_null() {
        header.locals.set(Box::into_raw(Box::default()));
    }
    // SAFETY: made by Box::into_raw, and freed only by this task, when it ends.
    Some(f(unsafe { &*header.locals.get() }))
}

/// The same, but does not make any: None if there are none.
#[inline(never)]
pub(crate) fn with_locals_if_any<R>(f: impl FnOnce(&Locals) -> R) -> Option<R> {
    let own = match in_task() {
        // SAFETY: the running task is alive.
        Some((_, task)) => unsafe { task.as_ref() }.locals.get(),
        None => OF_THREAD.get(),
    };
    (!own.is_null()).then(|| with_locals(f))?
}

/// At the end of a task, on its own stack: destroys its values, the youngest first, and frees the
/// rest.
pub(crate) fn destroy(task: Ready) {
    if !task.header().locals.get().is_null() {
        destroy_now(task.header());
    }
}

#[cold]
fn destroy_now(header: &Header) {
    // SAFETY: made by Box::into_raw; they stay where they are while destructors may ask for them.
    destroy_values(unsafe { &*header.locals.get() });
    // SAFETY: as above, and nobody uses them any more: who asks from now on gets new ones.
    drop(unsafe { Box::from_raw(header.locals.replace(ptr::null_mut())) });
}

/// A destructor may use other values, and may even make new ones: those are destroyed, too. One
/// that panics has been reported by the panic hook, and ends there.
fn destroy_values(locals: &Locals) {
    while let Some(value) = locals.take_last() {
        if let Err(payload) = panic::catch_unwind(AssertUnwindSafe(|| drop(value))) {
            std::mem::forget(payload);
        }
    }
}
