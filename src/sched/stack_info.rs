//! What a task can learn of its own stack.
//!
//! Go: `runtime/debug.SetMaxStack`, `runtime/metrics` `/memory/classes/heap/stacks`.

use super::worker;
use crate::stack::limits::{
    default_max_stack, set_default_max_stack, LARGEST_MAX_STACK, MIN_MAX_STACK,
};
use crate::stack::window::Window;
use std::fmt;
use std::ptr;

/// Bytes of stack that the calling task uses at this moment, in this very call; 0 on an ordinary
/// thread.
///
/// ```
/// let rt = midge::Runtime::pinned().unwrap();
/// assert!(rt.run(midge::stack::live_bytes) > 0);
/// assert_eq!(midge::stack::live_bytes(), 0);
/// ```
#[inline(never)]
pub fn live_bytes() -> usize {
    let here = 0u8;
    let address = std::hint::black_box(&raw const here) as usize;
    of_window(|window| window.top() - address)
}

/// Bytes that the window of the calling task has committed: it grows by doubling from 65,536 up to
/// the limit. 0 on an ordinary thread.
///
/// ```
/// let rt = midge::Runtime::pinned().unwrap();
/// assert!(rt.run(midge::stack::committed_bytes) >= 65_536);
/// ```
pub fn committed_bytes() -> usize {
    of_window(Window::committed_bytes)
}

/// The limit of the calling task's stack, in bytes; on an ordinary thread, the default of new
/// runtimes.
///
/// ```
/// # if cfg!(target_pointer_width = "64") {
/// assert_eq!(midge::stack::max(), 1_000_000_000); // as in Go
/// # }
/// ```
pub fn max() -> usize {
    worker::current().map_or_else(default_max_stack, |worker| worker.shared().windows.shape.limit())
}

/// Changes the limit of every stack of the calling task's runtime, in bytes, and returns the one
/// before, as Go's `debug.SetMaxStack` does. On an ordinary thread, the default of runtimes that
/// are built from now on.
///
/// It is looked at when a stack grows: one that has more already keeps it until it grows again.
///
/// # Errors
///
/// Less than 65,536 bytes, or more than the windows hold. Those were reserved when the runtime was
/// built, for [`Builder::max_stack`](crate::Builder::max_stack) bytes rounded up to what makes a
/// power of two with the guard: 1,072,627,712 bytes by default (267,321,344 on 32-bit).
///
/// ```
/// let rt = midge::Runtime::pinned().unwrap();
/// rt.run(|| {
///     let before = midge::stack::set_max(1 << 20).unwrap();
///     assert_eq!(midge::stack::max(), 1 << 20);
///     let error = midge::stack::set_max(usize::MAX).unwrap_err();
///     assert!(error.to_string().contains("Builder::max_stack"));
///     midge::stack::set_max(before).unwrap();
/// });
/// ```
pub fn set_max(bytes: usize) -> Result<usize, SetMaxError> {
    let worker = worker::current();
    let shape = worker.as_ref().map(|worker| &worker.shared().windows.shape);
    let most = shape.map_or(LARGEST_MAX_STACK, |shape| shape.capacity());
    if !(MIN_MAX_STACK..=most).contains(&bytes) {
        return Err(SetMaxError { asked: bytes, most });
    }
    Ok(match shape {
        Some(shape) => shape.set_limit(bytes),
        None => set_default_max_stack(bytes),
    })
}

/// The limit given to [`set_max`] is not within what windows hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SetMaxError {
    asked: usize,
    most: usize,
}

impl SetMaxError {
    /// The largest limit that would have been possible, in bytes.
    ///
    /// ```
    /// let error = midge::stack::set_max(usize::MAX).unwrap_err();
    /// assert!(error.most() >= midge::stack::max());
    /// ```
    pub fn most(&self) -> usize {
        self.most
    }
}

impl fmt::Display for SetMaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SetMaxError { asked, most } = self;
        write!(
            f,
            "a stack limit of {asked} bytes is not possible: the windows hold from {MIN_MAX_STACK} \
             to {most} bytes"
        )?;
        if most < &LARGEST_MAX_STACK && asked > most {
            write!(f, "; build the runtime with a larger Builder::max_stack")?;
        } else if asked > most {
            write!(f, ", which is the most that Builder::max_stack gives")?;
        }
        Ok(())
    }
}

impl std::error::Error for SetMaxError {}

/// Asks the window that the caller stands on; 0 outside of tasks.
fn of_window(figure: impl Fn(&Window) -> usize) -> usize {
    let window = worker::current().map_or(ptr::null(), |worker| worker.current_window());
    if window.is_null() {
        return 0;
    }
    // SAFETY: the window of the running task, which is alive and held.
    figure(unsafe { &*window })
}
