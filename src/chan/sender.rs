//! [`Sender`]: the sending side of a channel, as in `crossbeam_channel`.

use super::error::{SendError, SendTimeoutError, TrySendError};
use super::handles::SenderHandle;
use super::until::Until;
use crate::sched::waiting::may_suspend;
use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::time::{Duration, Instant};

/// The sending side of a channel. It may be cloned, and shared; when the last one is gone, the
/// channel is disconnected: receivers get what is still in it, then an error.
///
/// ```
/// use midge::{chan, spawn, Runtime};
///
/// let rt = Runtime::pinned().unwrap();
/// rt.run(|| {
///     let (s, r) = chan::unbounded();
///     for n in 0..3 {
///         let s = s.clone();
///         spawn(move || s.send(n).unwrap());
///     }
///     drop(s);
///     assert_eq!(r.iter().sum::<i32>(), 3);
/// });
/// ```
///
/// ```compile_fail,E0277
/// let (s, _r) = midge::chan::unbounded();
/// std::thread::spawn(move || s.send(std::rc::Rc::new(1)));
/// ```
pub struct Sender<T> {
    pub(crate) channel: SenderHandle<T>,
}

impl<T> Sender<T> {
    /// Sends without waiting. If receivers wait, the first of them gets the message.
    ///
    /// # Errors
    ///
    /// [`TrySendError::Full`] if the channel is full, or, if its capacity is zero, no receiver
    /// waits; [`TrySendError::Disconnected`] if all receivers are gone. Both have the message.
    ///
    /// ```
    /// use midge::chan::{bounded, TrySendError};
    /// let (s, _r) = bounded(1);
    /// assert_eq!(s.try_send(1), Ok(()));
    /// assert_eq!(s.try_send(2), Err(TrySendError::Full(2)));
    /// ```
    pub fn try_send(&self, message: T) -> Result<(), TrySendError<T>> {
        self.channel.send(message, Until::Now)
    }

    /// Sends, waiting for room; if the capacity is zero, for a receiver. A suspension point; on an
    /// ordinary thread it blocks the thread. If the task is cancelled while it waits, the message
    /// is dropped.
    ///
    /// # Errors
    ///
    /// [`SendError`], with the message, if all receivers are gone.
    ///
    /// ```
    /// use midge::chan::{bounded, SendError};
    /// let (s, r) = bounded(1);
    /// assert_eq!(s.send(1), Ok(()));
    /// drop(r);
    /// assert_eq!(s.send(2), Err(SendError(2)));
    /// ```
    pub fn send(&self, message: T) -> Result<(), SendError<T>> {
        may_suspend();
        match self.channel.send(message, Until::Forever) {
            Ok(()) => Ok(()),
            Err(error) => Err(SendError(error.into_inner())),
        }
    }

    /// Sends, waiting for so long at most. A suspension point.
    ///
    /// # Errors
    ///
    /// [`SendTimeoutError`], with the message, if the time was up or all receivers are gone.
    ///
    /// ```
    /// use midge::chan::{bounded, SendTimeoutError};
    /// use std::time::Duration;
    /// let (s, _r) = bounded(0);
    /// let error = s.send_timeout("nobody", Duration::from_millis(1)).unwrap_err();
    /// assert_eq!(error, SendTimeoutError::Timeout("nobody"));
    /// ```
    pub fn send_timeout(&self, message: T, timeout: Duration) -> Result<(), SendTimeoutError<T>> {
        self.send_until(message, Until::after(timeout))
    }

    /// Sends, waiting until then at most. A suspension point.
    ///
    /// # Errors
    ///
    /// As [`send_timeout`](Self::send_timeout).
    pub fn send_deadline(&self, message: T, deadline: Instant) -> Result<(), SendTimeoutError<T>> {
        self.send_until(message, Until::Deadline(deadline))
    }

    fn send_until(&self, message: T, until: Until) -> Result<(), SendTimeoutError<T>> {
        may_suspend();
        self.channel.send(message, until).map_err(|error| match error {
            TrySendError::Full(message) => SendTimeoutError::Timeout(message),
            TrySendError::Disconnected(message) => SendTimeoutError::Disconnected(message),
        })
    }

    /// Whether there is no message in the channel. At capacity zero, always.
    pub fn is_empty(&self) -> bool {
        self.channel.len() == 0
    }

    /// Whether the channel is full. At capacity zero, always.
    pub fn is_full(&self) -> bool {
        self.channel.is_full()
    }

    /// How many messages are in the channel.
    pub fn len(&self) -> usize {
        self.channel.len()
    }

    /// How many messages it takes before a send waits; `None` if it is unbounded.
    ///
    /// ```
    /// use midge::chan::{bounded, unbounded};
    /// assert_eq!(bounded::<u8>(5).0.capacity(), Some(5));
    /// assert_eq!(unbounded::<u8>().0.capacity(), None);
    /// ```
    pub fn capacity(&self) -> Option<usize> {
        self.channel.capacity()
    }

    /// Whether both send to one channel.
    ///
    /// ```
    /// use midge::chan::unbounded;
    /// let (s, _r) = unbounded::<u8>();
    /// assert!(s.same_channel(&s.clone()));
    /// assert!(!s.same_channel(&unbounded().0));
    /// ```
    pub fn same_channel(&self, other: &Sender<T>) -> bool {
        self.channel.is_same(&other.channel)
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Sender { channel: self.channel.clone() }
    }
}

impl<T> UnwindSafe for Sender<T> {}
impl<T> RefUnwindSafe for Sender<T> {}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("Sender { .. }")
    }
}
