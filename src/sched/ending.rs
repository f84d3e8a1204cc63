//! The stand-in of a thread that is ending.
//!
//! A thread's stand-in is kept in a thread-local. Once that is gone, other destructors may still
//! wait for something. They need one and the same stand-in from call to call, since who queues up
//! and who parks ask for it separately. It lies under a POSIX key then. The destructors of keys run
//! when those of thread-locals are done, or in turn with them, and again if there is a new value by
//! then.
//!
//! Go: nothing; it has no destructors of threads.

use crate::task::handle::Task;
use crate::task::header::Header;
use std::ffi::c_void;
use std::mem::ManuallyDrop;
use std::ptr::NonNull;
use std::sync::OnceLock;

/// None: the process has no key to spare.
static KEY: OnceLock<Option<libc::pthread_key_t>> = OnceLock::new();

fn make_key() -> Option<libc::pthread_key_t> {
    let mut key = 0;
    // SAFETY: a place for the key, and a destructor for the values that are put there.
    let error = unsafe { libc::pthread_key_create(&mut key, Some(release)) };
    (error == 0).then_some(key)
}

/// # Safety
///
/// `value` is what `stand_in` kept, and the thread does not use it any more.
unsafe extern "C" fn release(value: *mut c_void) {
    if let Some(header) = NonNull::new(value.cast::<Header>()) {
        // SAFETY: the reference that was kept; the key has forgotten it.
        drop(unsafe { Task::from_owned(header) });
    }
}

/// The calling thread's; made if there is none.
#[cold]
pub(crate) fn stand_in(make: impl FnOnce() -> Task) -> Task {
    let Some(key) = *KEY.get_or_init(make_key) else { return make() };
    // SAFETY: a key that is never deleted.
    let kept = unsafe { libc::pthread_getspecific(key) };
    if let Some(header) = NonNull::new(kept.cast::<Header>()) {
        // SAFETY: the reference that is kept keeps it alive.
        return unsafe { Task::from_borrowed(header) };
    }
    let task = make();
    let kept = ManuallyDrop::new(task.clone());
    // SAFETY: as above; the value is a reference, for `release`.
    if unsafe { libc::pthread_setspecific(key, kept.pointer().as_ptr().cast()) } != 0 {
        drop(ManuallyDrop::into_inner(kept)); // no memory: it is for this call alone
    }
    task
}
