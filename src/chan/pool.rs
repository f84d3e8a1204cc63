//! Wait nodes that nobody uses, kept by each thread for the next who waits on it.
//!
//! A wait needs a node for as long as it lasts, which is often less than the allocator takes for
//! one. A node may be given back on another thread than it was taken on, as tasks move.
//!
//! Go: `runtime/proc.go` `acquireSudog`, `releaseSudog`, with the processor's `sudogcache`.

use super::waiters::Node;
use crate::atomic::REUSE;
use std::cell::Cell;
use std::ptr::NonNull;

/// How many nodes a thread keeps at most.
const KEPT: usize = 256;

/// A stack of free nodes, linked by their `next`.
struct Pool {
    first: Cell<Option<NonNull<Node>>>,
    count: Cell<usize>,
}

thread_local! {
    static POOL: Pool = const { Pool { first: Cell::new(None), count: Cell::new(0) } };
}

/// A node for a new wait, in no particular state.
#[inline(never)] // a thread-local: see `sched::worker`
pub(crate) fn take() -> NonNull<Node> {
    let pooled = POOL.try_with(|pool| {
        let node = pool.first.get()?;
        // SAFETY: nodes in the pool are alive and the pool's.
        pool.first.set(unsafe { node.as_ref() }.next());
        pool.count.set(pool.count.get() - 1);
        Some(node)
    });
    match pooled {
        Ok(Some(node)) => node,
        _ => NonNull::from(Box::leak(Box::new(Node::new()))),
    }
}

/// Gives a node back.
///
/// # Safety
///
/// It came from [`take`], and nobody uses it any more.
#[inline(never)]
pub(crate) unsafe fn give(node: NonNull<Node>) {
    let kept = POOL.try_with(|pool| {
        if !REUSE || pool.count.get() == KEPT {
            return false;
        }
        // SAFETY: alive, and ours by the caller's promise.
        unsafe { node.as_ref() }.set_next(pool.first.get());
        pool.first.set(Some(node));
        pool.count.set(pool.count.get() + 1);
        true
    });
    if kept != Ok(true) {
        // SAFETY: made by `take`, and nobody uses it.
        drop(unsafe { Box::from_raw(node.as_ptr()) });
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        while let Some(node) = self.first.get() {
            // SAFETY: nodes in the pool are alive, the pool's, and were made by `take`.
            unsafe {
                self.first.set(node.as_ref().next());
                drop(Box::from_raw(node.as_ptr()));
            }
        }
    }
}
