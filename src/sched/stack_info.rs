//! What a task can learn of its own stack.
//!
//! Go: `runtime/debug.SetMaxStack`, `runtime/metrics` `/memory/classes/heap/stacks`.

use super::worker;
use crate::stack::limits::DEFAULT_MAX_STACK;
use crate::stack::window::Window;
use std::ptr;

/// Bytes of stack that the calling task uses at this moment, in this very call; 0 on an ordinary thread.
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

/// Bytes that the window of the calling task has committed: it grows by doubling from 65,536 up to the limit. 0 on an
/// ordinary thread.
///
/// ```
/// let rt = midge::Runtime::pinned().unwrap();
/// assert!(rt.run(midge::stack::committed_bytes) >= 65_536);
/// ```
pub fn committed_bytes() -> usize {
    of_window(Window::committed_bytes)
}

/// The limit of the calling task's stack, in bytes; on an ordinary thread, the default of new runtimes.
///
/// ```
/// # if cfg!(target_pointer_width = "64") {
/// assert_eq!(midge::stack::max(), 1_000_000_000); // as in Go
/// # }
/// ```
pub fn max() -> usize {
    worker::current().map_or(DEFAULT_MAX_STACK, |worker| worker.shared().config.max_stack)
}

/// Asks the window that the caller stands on; 0 outside of tasks.
fn of_window(figure: impl Fn(&Window) -> usize) -> usize {
    let window = worker::current().map_or(ptr::null(), |worker| worker.current_window());
    if window.is_null() {
        return 0;
    }
    // SAFETY: the window of the running task, which is alive and held.
    figure(unsafe { &*window })
}
