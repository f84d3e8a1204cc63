//! [`Receiver`]: the receiving side of a channel, as in `crossbeam_channel`.

use super::error::{RecvError, RecvTimeoutError, TryRecvError};
use super::handles::ReceiverHandle;
use super::iter::{IntoIter, Iter, TryIter};
use super::timer::Timer;
use super::until::Until;
use crate::sched::waiting::may_suspend;
use crate::task::reason::Reason;
use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The receiving side of a channel. It may be cloned, and shared: each message goes to one
/// receiver. When the last one is gone, the channel is disconnected: what is in it is dropped, and
/// sends fail.
///
/// ```
/// use midge::{chan, spawn, Runtime};
///
/// let rt = Runtime::pinned().unwrap();
/// rt.run(|| {
///     let (s, r) = chan::bounded(0);
///     let task = spawn(move || s.send("hello").unwrap());
///     assert_eq!(r.recv(), Ok("hello"));
///     task.join().unwrap();
///     assert!(r.recv().is_err()); // its sender is gone
/// });
/// ```
pub struct Receiver<T> {
    pub(crate) flavor: Flavor<T>,
}

pub(crate) enum Flavor<T> {
    Channel(ReceiverHandle<T>),
    /// [`after`](super::after), [`at`](super::at) and [`tick`](super::tick).
    Timer(Arc<Timer<T>>),
    Never,
}

impl<T> Receiver<T> {
    fn recv_until(&self, until: Until) -> Result<T, RecvTimeoutError> {
        match &self.flavor {
            Flavor::Channel(channel) => channel.recv(until),
            Flavor::Timer(timer) => timer.recv(until).ok_or(RecvTimeoutError::Timeout),
            Flavor::Never => {
                while until.pause(Reason::ChanReceiveNever) {}
                Err(RecvTimeoutError::Timeout)
            }
        }
    }

    /// Receives without waiting. (Only if it meets a [`select!`](super::select!) that has been
    /// chosen to send but is still computing what, it waits for that.)
    ///
    /// # Errors
    ///
    /// [`TryRecvError::Empty`] if there is no message, or, if the capacity is zero, no sender
    /// waits; [`TryRecvError::Disconnected`] if there is none and all senders are gone.
    ///
    /// ```
    /// use midge::chan::{unbounded, TryRecvError};
    /// let (s, r) = unbounded();
    /// assert_eq!(r.try_recv(), Err(TryRecvError::Empty));
    /// s.send(5).unwrap();
    /// drop(s);
    /// assert_eq!(r.try_recv(), Ok(5));
    /// assert_eq!(r.try_recv(), Err(TryRecvError::Disconnected));
    /// ```
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        self.recv_until(Until::Now).map_err(|error| match error {
            RecvTimeoutError::Timeout => TryRecvError::Empty,
            RecvTimeoutError::Disconnected => TryRecvError::Disconnected,
        })
    }

    /// Receives, waiting for a message. A suspension point; on an ordinary thread it blocks the
    /// thread. If the task is cancelled in the instant in which a message comes, the next receiver
    /// has it.
    ///
    /// # Errors
    ///
    /// [`RecvError`] if the channel is empty and all senders are gone.
    ///
    /// ```
    /// use midge::chan::{unbounded, RecvError};
    /// let (s, r) = unbounded();
    /// s.send(5).unwrap();
    /// drop(s);
    /// assert_eq!(r.recv(), Ok(5));
    /// assert_eq!(r.recv(), Err(RecvError));
    /// ```
    pub fn recv(&self) -> Result<T, RecvError> {
        may_suspend();
        self.recv_until(Until::Forever).map_err(|_| RecvError)
    }

    /// Receives, waiting for so long at most. A suspension point.
    ///
    /// # Errors
    ///
    /// [`RecvTimeoutError`] if the time was up, or if the channel is empty and all senders are
    /// gone.
    ///
    /// ```
    /// use midge::chan::{unbounded, RecvTimeoutError};
    /// use std::time::Duration;
    /// let (_s, r) = unbounded::<u8>();
    /// assert_eq!(r.recv_timeout(Duration::from_millis(1)), Err(RecvTimeoutError::Timeout));
    /// ```
    pub fn recv_timeout(&self, timeout: Duration) -> Result<T, RecvTimeoutError> {
        may_suspend();
        self.recv_until(Until::after(timeout))
    }

    /// Receives, waiting until then at most. A suspension point.
    ///
    /// # Errors
    ///
    /// As [`recv_timeout`](Self::recv_timeout).
    pub fn recv_deadline(&self, deadline: Instant) -> Result<T, RecvTimeoutError> {
        may_suspend();
        self.recv_until(Until::Deadline(deadline))
    }

    /// Whether there is no message in the channel. At capacity zero, always.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the channel is full. At capacity zero, always.
    pub fn is_full(&self) -> bool {
        match &self.flavor {
            Flavor::Channel(channel) => channel.is_full(),
            Flavor::Timer(timer) => timer.is_ready(),
            Flavor::Never => true,
        }
    }

    /// How many messages are in the channel.
    pub fn len(&self) -> usize {
        match &self.flavor {
            Flavor::Channel(channel) => channel.len(),
            Flavor::Timer(timer) => usize::from(timer.is_ready()),
            Flavor::Never => 0,
        }
    }

    /// How many messages the channel takes before a send waits; `None` if it is unbounded.
    ///
    /// ```
    /// use midge::chan::{bounded, never, unbounded};
    /// assert_eq!(bounded::<u8>(5).1.capacity(), Some(5));
    /// assert_eq!(unbounded::<u8>().1.capacity(), None);
    /// assert_eq!(never::<u8>().capacity(), Some(0));
    /// ```
    pub fn capacity(&self) -> Option<usize> {
        match &self.flavor {
            Flavor::Channel(channel) => channel.capacity(),
            Flavor::Timer(_) => Some(1),
            Flavor::Never => Some(0),
        }
    }

    /// Iterates over messages, waiting for each, until the channel is empty and all senders are
    /// gone.
    ///
    /// ```
    /// let (s, r) = midge::chan::unbounded();
    /// s.send(1).unwrap();
    /// s.send(2).unwrap();
    /// drop(s);
    /// assert_eq!(r.iter().collect::<Vec<_>>(), [1, 2]);
    /// ```
    pub fn iter(&self) -> Iter<'_, T> {
        Iter { receiver: self }
    }

    /// Iterates over the messages that are there, without waiting.
    ///
    /// ```
    /// let (s, r) = midge::chan::unbounded();
    /// s.send(1).unwrap();
    /// s.send(2).unwrap();
    /// assert_eq!(r.try_iter().count(), 2);
    /// ```
    pub fn try_iter(&self) -> TryIter<'_, T> {
        TryIter { receiver: self }
    }

    /// Whether both receive from one channel.
    ///
    /// ```
    /// use midge::chan::unbounded;
    /// let (_s, r) = unbounded::<u8>();
    /// assert!(r.same_channel(&r.clone()));
    /// assert!(!r.same_channel(&unbounded().1));
    /// ```
    pub fn same_channel(&self, other: &Receiver<T>) -> bool {
        match (&self.flavor, &other.flavor) {
            (Flavor::Channel(a), Flavor::Channel(b)) => a.is_same(b),
            (Flavor::Timer(a), Flavor::Timer(b)) => Arc::ptr_eq(a, b),
            (Flavor::Never, Flavor::Never) => true,
            _ => false,
        }
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        let flavor = match &self.flavor {
            Flavor::Channel(channel) => Flavor::Channel(channel.clone()),
            Flavor::Timer(timer) => Flavor::Timer(timer.clone()),
            Flavor::Never => Flavor::Never,
        };
        Receiver { flavor }
    }
}

impl<'a, T> IntoIterator for &'a Receiver<T> {
    type Item = T;
    type IntoIter = Iter<'a, T>;
    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}

impl<T> IntoIterator for Receiver<T> {
    type Item = T;
    type IntoIter = IntoIter<T>;
    fn into_iter(self) -> IntoIter<T> {
        IntoIter { receiver: self }
    }
}

impl<T> UnwindSafe for Receiver<T> {}
impl<T> RefUnwindSafe for Receiver<T> {}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("Receiver { .. }")
    }
}
