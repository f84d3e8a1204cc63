//! [`Barrier`]: a wait queue that is opened by the one who fills it.
//!
//! Go: nothing in its library; the shape is std's.

use super::parking::{Handle, Reason};
use super::wait_queue::{Queue, WaitQueue};
use std::fmt;

/// The one token: all are here.
const COMPLETE: usize = 0;

/// Lets a number of tasks wait for each other. It can be used again at once.
///
/// ```
/// use midge::{spawn, sync::Barrier, Runtime};
///
/// static START: Barrier = Barrier::new(5);
///
/// let rt = Runtime::pinned().unwrap();
/// let leaders = rt.run(|| {
///     let runners: Vec<_> = (0..5).map(|_| spawn(|| START.wait().is_leader())).collect();
///     runners.into_iter().map(|runner| runner.join().unwrap()).filter(|leads| *leads).count()
/// });
/// assert_eq!(leaders, 1);
/// ```
pub struct Barrier {
    queue: WaitQueue<()>,
    size: usize,
}

/// What [`Barrier::wait`] returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BarrierWaitResult(bool);

impl BarrierWaitResult {
    /// Whether this task is the one of its round that came last.
    pub fn is_leader(&self) -> bool {
        self.0
    }
}

impl Barrier {
    /// A barrier for so many. 0 is the same as 1: nobody waits.
    pub const fn new(size: usize) -> Barrier {
        Barrier { queue: WaitQueue::new(crate::atomic::Mutex::new(Queue::new(()))), size }
    }

    /// Waits until as many tasks are here as the barrier is for. Exactly one of them, the last, is
    /// told that it is the leader. A suspension point for the others.
    ///
    /// A task that is cancelled while it waits unwinds from here, and does not count any more.
    pub fn wait(&self) -> BarrierWaitResult {
        let mut queue = self.queue.lock();
        if queue.len() + 1 >= self.size {
            let woken = queue.wake_all(COMPLETE);
            drop(queue);
            woken.iter().for_each(Handle::unpark);
            return BarrierWaitResult(true);
        }
        let key = queue.push_back(0);
        drop(queue);
        self.queue.wait(key, Reason::BarrierWait, None, |_, _| Vec::new());
        BarrierWaitResult(false)
    }
}

impl fmt::Debug for Barrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Barrier").field("size", &self.size).finish_non_exhaustive()
    }
}
