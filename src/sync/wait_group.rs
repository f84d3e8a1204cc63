//! [`WaitGroup`]: the type around `raw_wait_group`. Its shape is that of crossbeam's.
//!
//! Go: `sync/waitgroup.go`; there `Add` and `Done` are called by hand, and can be miscounted.

use super::raw_wait_group::RawWaitGroup;
use super::wait_queue::{Queue, WaitQueue};
use crate::atomic::AtomicUsize;
use std::fmt;
use std::sync::Arc;

/// Waits until a number of tasks are done: each has a clone and drops it.
///
/// A clone is dropped when its task panics or is cancelled, too, so nobody waits for those in vain.
///
/// ```
/// use midge::{spawn, sync::WaitGroup, Runtime};
/// use std::sync::atomic::{AtomicUsize, Ordering};
///
/// static DONE: AtomicUsize = AtomicUsize::new(0);
///
/// let rt = Runtime::pinned().unwrap();
/// rt.run(|| {
///     let group = WaitGroup::new();
///     for _ in 0..10 {
///         let member = group.clone();
///         spawn(move || {
///             DONE.fetch_add(1, Ordering::Relaxed);
///             drop(member);
///         });
///     }
///     group.wait();
///     assert_eq!(DONE.load(Ordering::Relaxed), 10);
/// });
/// ```
///
/// It cannot be waited for and used further by the same owner:
///
/// ```compile_fail,E0382
/// let group = midge::sync::WaitGroup::new();
/// group.wait();
/// drop(group);
/// ```
pub struct WaitGroup {
    group: Arc<RawWaitGroup>,
}

impl WaitGroup {
    /// A new group, of this one clone.
    pub fn new() -> WaitGroup {
        let queue = WaitQueue::new(crate::atomic::Mutex::new(Queue::new(())));
        let group = RawWaitGroup::from_parts(AtomicUsize::new(1), queue);
        WaitGroup { group: Arc::new(group) }
    }

    /// Drops this clone and waits until all others have been dropped. A suspension point if there
    /// are others.
    ///
    /// Several may wait for each other: each has dropped its own clone then. A task that keeps
    /// another clone of the group waits for ever. If the task is cancelled while it waits, it
    /// unwinds from here.
    pub fn wait(self) {
        let group = Arc::clone(&self.group);
        drop(self);
        group.wait();
    }
}

impl Clone for WaitGroup {
    fn clone(&self) -> WaitGroup {
        self.group.add();
        WaitGroup { group: Arc::clone(&self.group) }
    }
}

impl Drop for WaitGroup {
    fn drop(&mut self) {
        self.group.done();
    }
}

impl Default for WaitGroup {
    fn default() -> WaitGroup {
        WaitGroup::new()
    }
}

impl fmt::Debug for WaitGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitGroup").field("count", &self.group.count()).finish()
    }
}
