//! Channels: passing messages between tasks, with the names, signatures and errors of
//! [`crossbeam_channel`](https://docs.rs/crossbeam-channel) and the behaviour of Go's channels.
//!
//! | made by | what it is |
//! |---|---|
//! | [`bounded`]`(n)` | holds up to `n` messages; a send waits for room. `bounded(0)` is a *rendezvous*: a send waits for its receiver |
//! | [`unbounded`] | holds any number; a send never waits |
//! | [`after`], [`at`], [`tick`] | delivers the time, once or again and again |
//! | [`never()`] | delivers nothing |
//!
//! All work between tasks, ordinary threads, and both; where a task would park a thread blocks.
//!
//! - **Who waits first is served first**, senders and receivers alike, and a message goes straight
//!   to the receiver that waits for it. A receiver that has been woken so runs next on that worker,
//!   as in Go.
//! - **Cancellation loses nothing**: a task that is cancelled while it receives passes on what it
//!   has got in that instant, and one that sends drops its message, if nobody has received it.
//! - **Nothing on the stack**: wait nodes and messages on their way are on the heap, so that a
//!   parked task's stack may be frozen.
//!
//! Go: `runtime/chan.go` (`chansend`, `chanrecv`, `closechan`), `runtime/select.go` (`selectgo`).
//! Go's `close` is here the drop of the last sender, and a nil channel is [`never()`].
//!
//! ```
//! use midge::{chan, spawn, Runtime};
//!
//! let rt = Runtime::pinned().unwrap();
//! let total: u64 = rt.run(|| {
//!     let (jobs, to_do) = chan::bounded(16);
//!     let (results, done) = chan::bounded(16);
//!     for _ in 0..4 {
//!         let (to_do, results) = (to_do.clone(), results.clone());
//!         spawn(move || {
//!             for n in to_do {
//!                 results.send(n * n).unwrap();
//!             }
//!         });
//!     }
//!     drop(results);
//!     spawn(move || (1..=100u64).for_each(|n| jobs.send(n).unwrap()));
//!     done.iter().sum()
//! });
//! assert_eq!(total, 338_350);
//! ```

mod channel;
mod error;
mod handles;
mod iter;
mod operation;
mod parcel;
mod pool;
mod receiver;
mod select;
mod select_macro;
mod selection;
mod sender;
mod state;
mod timer;
mod until;
mod wait_list;
mod waiters;

pub use error::{
    ReadyTimeoutError, RecvError, RecvTimeoutError, SelectTimeoutError, SendError,
    SendTimeoutError, TryReadyError, TryRecvError, TrySelectError, TrySendError,
};
pub use iter::{IntoIter, Iter, TryIter};
pub use receiver::Receiver;
pub use select::{Select, SelectedOperation};
pub use sender::Sender;

#[doc(inline)]
pub use crate::{select, select_biased};

use receiver::Flavor;
use std::sync::Arc;
use std::time::{Duration, Instant};
use timer::Timer;

fn new<T>(capacity: Option<usize>) -> (Sender<T>, Receiver<T>) {
    let (sender, receiver) = handles::new(capacity);
    (Sender { channel: sender }, Receiver { flavor: Flavor::Channel(receiver) })
}

/// A channel that holds up to `capacity` messages. At capacity zero it holds none: a send waits
/// until a receiver takes the message from its hands.
///
/// Memory is taken as messages come, so a large capacity costs nothing by itself. (The largest is
/// `usize::MAX - 1`, as which `usize::MAX` counts.)
///
/// ```
/// let (s, r) = midge::chan::bounded(2);
/// s.send("first").unwrap();
/// s.send("second").unwrap();
/// assert!(s.try_send("third").is_err());
/// assert_eq!(r.recv(), Ok("first"));
/// ```
pub fn bounded<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    new(Some(capacity.min(usize::MAX - 1)))
}

/// A channel that holds any number of messages.
///
/// ```
/// let (s, r) = midge::chan::unbounded();
/// (0..1000).for_each(|n| s.send(n).unwrap());
/// drop(s);
/// assert_eq!(r.iter().count(), 1000);
/// ```
pub fn unbounded<T>() -> (Sender<T>, Receiver<T>) {
    new(None)
}

/// A receiver that gets one message after so much time: the instant at which it was due.
///
/// ```
/// use std::time::{Duration, Instant};
/// let start = Instant::now();
/// let r = midge::chan::after(Duration::from_millis(2));
/// assert!(r.recv().unwrap() >= start + Duration::from_millis(2));
/// assert!(r.try_recv().is_err()); // only one
/// ```
pub fn after(duration: Duration) -> Receiver<Instant> {
    at_or_never(Instant::now().checked_add(duration))
}

/// A receiver that gets one message at that instant.
///
/// ```
/// use std::time::Instant;
/// let now = Instant::now();
/// assert_eq!(midge::chan::at(now).recv(), Ok(now));
/// ```
pub fn at(when: Instant) -> Receiver<Instant> {
    at_or_never(Some(when))
}

fn at_or_never(when: Option<Instant>) -> Receiver<Instant> {
    Receiver { flavor: Flavor::Timer(Arc::new(Timer::new(when, None, |now| now))) }
}

/// A receiver that gets a message, the instant at which it was due, after each such time. Messages
/// do not pile up: a receiver that is late gets one.
///
/// ```
/// use std::time::Duration;
/// let r = midge::chan::tick(Duration::from_millis(1));
/// let (first, second) = (r.recv().unwrap(), r.recv().unwrap());
/// assert!(second > first);
/// ```
pub fn tick(duration: Duration) -> Receiver<Instant> {
    let first = Instant::now().checked_add(duration);
    Receiver { flavor: Flavor::Timer(Arc::new(Timer::new(first, Some(duration), |now| now))) }
}

/// A receiver that never gets a message: Go's nil channel, for switching off a case of a select.
///
/// ```
/// use midge::chan::{never, TryRecvError};
/// assert_eq!(never::<u8>().try_recv(), Err(TryRecvError::Empty));
/// ```
pub fn never<T>() -> Receiver<T> {
    Receiver { flavor: Flavor::Never }
}
