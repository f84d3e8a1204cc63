//! What a task can learn of its own stack.
//!
//! Go: `runtime/debug.SetMaxStack`, `runtime/metrics` `/memory/classes/heap/stacks`.

use super::worker;
use crate::stack::limits::DEFAULT_MAX_STACK;

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
    worker::current().map_or(0, |worker| {
        let window = worker.current_window();
        // SAFETY: the window that the caller stands on.
        (!window.is_null()).then(|| unsafe { (*window).top() } - address).unwrap_or(0)
    })
}

/// Bytes that the window of the calling task has committed: it grows by doubling from 65,536 up to the limit. 0 on an
/// ordinary thread.
///
/// ```
/// let rt = midge::Runtime::pinned().unwrap();
/// assert!(rt.run(midge::stack::committed_bytes) >= 65_536);
/// ```
pub fn committed_bytes() -> usize {
    worker::current().map_or(0, |worker| {
        let window = worker.current_window();
        // SAFETY: the window that the caller stands on.
        (!window.is_null()).then(|| unsafe { (*window).committed_bytes() }).unwrap_or(0)
    })
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
