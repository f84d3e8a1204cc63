//! The errors of channel operations: those of `crossbeam_channel`, with the same names and texts.

use std::error::Error;
use std::fmt;

/// Gives a type its text, and makes it an error.
macro_rules! error {
    ($name:ident, $($of:pat => $text:literal),+) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $($of => f.write_str($text),)+
                }
            }
        }
        impl Error for $name {}
    };
}

/// The same for errors that carry the message, which need not be printable itself.
macro_rules! error_with_message {
    ($name:ident, $($of:pat => $debug:literal, $text:literal),+) => {
        impl<T> fmt::Debug for $name<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $($of => f.write_str($debug),)+
                }
            }
        }
        impl<T> fmt::Display for $name<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $($of => f.write_str($text),)+
                }
            }
        }
        impl<T> Error for $name<T> {}
    };
}

/// The error of [`Sender::send`](super::Sender::send): all receivers are gone. It has the message.
///
/// ```
/// let (s, r) = midge::chan::unbounded();
/// drop(r);
/// assert_eq!(s.send("hello").unwrap_err().into_inner(), "hello");
/// ```
#[derive(PartialEq, Eq, Clone, Copy)]
pub struct SendError<T>(pub T);

error_with_message!(SendError, SendError(_) => "SendError(..)", "sending on a disconnected channel");

impl<T> SendError<T> {
    /// The message.
    pub fn into_inner(self) -> T {
        self.0
    }
}

/// The error of [`Sender::try_send`](super::Sender::try_send). It has the message.
///
/// ```
/// use midge::chan::{bounded, TrySendError};
/// let (s, r) = bounded(1);
/// s.send(1).unwrap();
/// assert_eq!(s.try_send(2), Err(TrySendError::Full(2)));
/// drop(r);
/// assert_eq!(s.try_send(2), Err(TrySendError::Disconnected(2)));
/// ```
#[derive(PartialEq, Eq, Clone, Copy)]
pub enum TrySendError<T> {
    /// The channel is full; or, if its capacity is zero, no receiver is waiting.
    Full(T),
    /// All receivers are gone.
    Disconnected(T),
}

error_with_message!(
    TrySendError,
    TrySendError::Full(_) => "Full(..)", "sending on a full channel",
    TrySendError::Disconnected(_) => "Disconnected(..)", "sending on a disconnected channel"
);

impl<T> TrySendError<T> {
    /// The message.
    pub fn into_inner(self) -> T {
        match self {
            Self::Full(message) | Self::Disconnected(message) => message,
        }
    }

    /// Whether it failed because the channel is full.
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Full(_))
    }

    /// Whether it failed because all receivers are gone.
    pub fn is_disconnected(&self) -> bool {
        matches!(self, Self::Disconnected(_))
    }
}

impl<T> From<SendError<T>> for TrySendError<T> {
    fn from(error: SendError<T>) -> Self {
        Self::Disconnected(error.0)
    }
}

/// The error of [`Sender::send_timeout`](super::Sender::send_timeout) and
/// [`send_deadline`](super::Sender::send_deadline). It has the message.
#[derive(PartialEq, Eq, Clone, Copy)]
pub enum SendTimeoutError<T> {
    /// The channel stayed full; or, if its capacity is zero, no receiver came.
    Timeout(T),
    /// All receivers are gone.
    Disconnected(T),
}

error_with_message!(
    SendTimeoutError,
    SendTimeoutError::Timeout(_) =>
        "SendTimeoutError(..)", "timed out waiting on send operation",
    SendTimeoutError::Disconnected(_) =>
        "SendTimeoutError(..)", "sending on a disconnected channel"
);

impl<T> SendTimeoutError<T> {
    /// The message.
    pub fn into_inner(self) -> T {
        match self {
            Self::Timeout(message) | Self::Disconnected(message) => message,
        }
    }

    /// Whether it failed because the time was up.
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::Timeout(_))
    }

    /// Whether it failed because all receivers are gone.
    pub fn is_disconnected(&self) -> bool {
        matches!(self, Self::Disconnected(_))
    }
}

impl<T> From<SendError<T>> for SendTimeoutError<T> {
    fn from(error: SendError<T>) -> Self {
        Self::Disconnected(error.0)
    }
}

/// The error of [`Receiver::recv`](super::Receiver::recv): the channel is empty and all senders are
/// gone.
#[derive(PartialEq, Eq, Clone, Copy, Debug)]
pub struct RecvError;

error!(RecvError, RecvError => "receiving on an empty and disconnected channel");

/// The error of [`Receiver::try_recv`](super::Receiver::try_recv).
#[derive(PartialEq, Eq, Clone, Copy, Debug)]
pub enum TryRecvError {
    /// The channel is empty; or, if its capacity is zero, no sender is waiting.
    Empty,
    /// The channel is empty and all senders are gone.
    Disconnected,
}

error!(
    TryRecvError,
    TryRecvError::Empty => "receiving on an empty channel",
    TryRecvError::Disconnected => "receiving on an empty and disconnected channel"
);

impl TryRecvError {
    /// Whether it failed because the channel is empty.
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Empty)
    }

    /// Whether it failed because all senders are gone.
    pub fn is_disconnected(&self) -> bool {
        matches!(self, Self::Disconnected)
    }
}

impl From<RecvError> for TryRecvError {
    fn from(_: RecvError) -> Self {
        Self::Disconnected
    }
}

/// The error of [`Receiver::recv_timeout`](super::Receiver::recv_timeout) and
/// [`recv_deadline`](super::Receiver::recv_deadline).
#[derive(PartialEq, Eq, Clone, Copy, Debug)]
pub enum RecvTimeoutError {
    /// The channel stayed empty; or, if its capacity is zero, no sender came.
    Timeout,
    /// The channel is empty and all senders are gone.
    Disconnected,
}

error!(
    RecvTimeoutError,
    RecvTimeoutError::Timeout => "timed out waiting on receive operation",
    RecvTimeoutError::Disconnected => "channel is empty and disconnected"
);

impl RecvTimeoutError {
    /// Whether it failed because the time was up.
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::Timeout)
    }

    /// Whether it failed because all senders are gone.
    pub fn is_disconnected(&self) -> bool {
        matches!(self, Self::Disconnected)
    }
}

impl From<RecvError> for RecvTimeoutError {
    fn from(_: RecvError) -> Self {
        Self::Disconnected
    }
}

/// The error of [`Select::try_select`](super::Select::try_select): no operation can be done at
/// once.
#[derive(PartialEq, Eq, Clone, Copy, Debug)]
pub struct TrySelectError;

error!(TrySelectError, TrySelectError => "all operations in select would block");

/// The error of [`Select::select_timeout`](super::Select::select_timeout) and
/// [`select_deadline`](super::Select::select_deadline): no operation could be done in time.
#[derive(PartialEq, Eq, Clone, Copy, Debug)]
pub struct SelectTimeoutError;

error!(SelectTimeoutError, SelectTimeoutError => "timed out waiting on select");

/// The error of [`Select::try_ready`](super::Select::try_ready): no operation is ready.
#[derive(PartialEq, Eq, Clone, Copy, Debug)]
pub struct TryReadyError;

error!(TryReadyError, TryReadyError => "all operations in select would block");

/// The error of [`Select::ready_timeout`](super::Select::ready_timeout) and
/// [`ready_deadline`](super::Select::ready_deadline): no operation became ready in time.
#[derive(PartialEq, Eq, Clone, Copy, Debug)]
pub struct ReadyTimeoutError;

error!(ReadyTimeoutError, ReadyTimeoutError => "timed out waiting on select");
