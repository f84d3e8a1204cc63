//! [`Select`]: a select over a set of operations that is made up at run time, as in
//! `crossbeam_channel`.

use super::error::{
    ReadyTimeoutError, RecvError, SelectTimeoutError, SendError, TryReadyError, TrySelectError,
};
use super::operation::{Operation, Selected};
use super::receiver::Receiver;
use super::selection::{self, Entry, Want};
use super::sender::Sender;
use super::until::Until;
use std::fmt;
use std::time::{Duration, Instant};

/// A set of channel operations, of which one is to be done: [`select!`](super::select!) for a set
/// that is known only at run time.
///
/// Add operations with [`send`](Self::send) and [`recv`](Self::recv), wait with
/// [`select`](Self::select), and complete the one that was selected with the methods of
/// [`SelectedOperation`]. Of several that are ready, one is chosen at random, or the first if it
/// was made by [`new_biased`](Self::new_biased). It may be used again and again.
///
/// ```
/// use midge::chan::{unbounded, Select};
///
/// let channels: Vec<_> = (0..5).map(|_| unbounded()).collect();
/// channels[3].0.send("three").unwrap();
///
/// let mut select = Select::new();
/// for (_, r) in &channels {
///     select.recv(r);
/// }
/// let selected = select.select();
/// let index = selected.index();
/// assert_eq!(index, 3);
/// assert_eq!(selected.recv(&channels[index].1), Ok("three"));
/// ```
#[derive(Clone)]
pub struct Select<'a> {
    entries: Vec<Entry<'a>>,
    next_index: usize,
    biased: bool,
}

// SAFETY: it has references to senders and receivers, for operations on them by whoever has it, and
// nothing of a thread's. (crossbeam's can be sent and shared whatever the messages are, too;
// completing takes the handle again, and with it the bound.)
unsafe impl Send for Select<'_> {}
// SAFETY: as above; shared, it can only be cloned.
unsafe impl Sync for Select<'_> {}

impl<'a> Select<'a> {
    /// An empty set.
    pub fn new() -> Select<'a> {
        Select { entries: Vec::with_capacity(4), next_index: 0, biased: false }
    }

    /// An empty set; of several operations that are ready, the one that was added first is chosen.
    pub fn new_biased() -> Select<'a> {
        Select { biased: true, ..Select::new() }
    }

    /// Adds the sending of a message, and returns its index: 0 for the first operation that is
    /// added, then 1, and so on. The message is asked for when the operation has been selected.
    pub fn send<T>(&mut self, s: &'a Sender<T>) -> usize {
        self.add(s)
    }

    /// Adds the receiving of a message, and returns its index.
    pub fn recv<T>(&mut self, r: &'a Receiver<T>) -> usize {
        self.add(r)
    }

    fn add(&mut self, operation: &'a dyn Operation) -> usize {
        let index = self.next_index;
        self.next_index += 1;
        self.entries.push(Entry { operation, index });
        index
    }

    /// Removes an operation. The others keep their indices.
    ///
    /// # Panics
    ///
    /// If no operation has had that index, or it has been removed.
    ///
    /// ```
    /// use midge::chan::{unbounded, Select};
    /// let (_s1, r1) = unbounded::<u8>();
    /// let (s2, r2) = unbounded::<u8>();
    /// let mut select = Select::new();
    /// let (first, second) = (select.recv(&r1), select.recv(&r2));
    /// select.remove(first);
    /// drop(s2);
    /// assert_eq!(select.ready(), second);
    /// ```
    pub fn remove(&mut self, index: usize) {
        assert!(index < self.next_index, "index out of bounds; {index} >= {}", self.next_index);
        let place = self.entries.iter().position(|entry| entry.index == index);
        self.entries.remove(place.expect("no operation with this index"));
    }

    fn run(&mut self, until: Until) -> Option<SelectedOperation<'a>> {
        let (place, selected) = selection::run(&mut self.entries, Want::Done, self.biased, until)?;
        let Entry { operation, index } = self.entries[place];
        Some(SelectedOperation { operation, index, selected, may_leave: false })
    }

    /// Selects an operation that can be done at once.
    ///
    /// # Errors
    ///
    /// [`TrySelectError`] if there is none.
    ///
    /// ```
    /// use midge::chan::{unbounded, Select, TrySelectError};
    /// let (s, r) = unbounded::<u8>();
    /// let mut select = Select::new();
    /// select.recv(&r);
    /// assert_eq!(select.try_select().err(), Some(TrySelectError));
    /// s.send(1).unwrap();
    /// assert_eq!(select.try_select().unwrap().recv(&r), Ok(1));
    /// ```
    pub fn try_select(&mut self) -> Result<SelectedOperation<'a>, TrySelectError> {
        self.run(Until::Now).ok_or(TrySelectError)
    }

    /// Waits until an operation can be done, and selects it. A suspension point.
    ///
    /// # Panics
    ///
    /// If there are no operations.
    pub fn select(&mut self) -> SelectedOperation<'a> {
        assert!(!self.entries.is_empty(), "no operations have been added to `Select`");
        self.run(Until::Forever).expect("it waits for ever")
    }

    /// Waits for so long at most. A suspension point.
    ///
    /// # Errors
    ///
    /// [`SelectTimeoutError`] if the time was up. (Without any operation, that is certain.)
    pub fn select_timeout(
        &mut self,
        timeout: Duration,
    ) -> Result<SelectedOperation<'a>, SelectTimeoutError> {
        self.run(Until::after(timeout)).ok_or(SelectTimeoutError)
    }

    /// Waits until then at most. A suspension point.
    ///
    /// # Errors
    ///
    /// As [`select_timeout`](Self::select_timeout).
    pub fn select_deadline(
        &mut self,
        deadline: Instant,
    ) -> Result<SelectedOperation<'a>, SelectTimeoutError> {
        self.run(Until::Deadline(deadline)).ok_or(SelectTimeoutError)
    }

    fn run_ready(&mut self, until: Until) -> Option<usize> {
        let (place, _) = selection::run(&mut self.entries, Want::Ready, self.biased, until)?;
        Some(self.entries[place].index)
    }

    /// Finds an operation that can be done, without doing it, and returns its index.
    ///
    /// # Errors
    ///
    /// [`TryReadyError`] if there is none.
    pub fn try_ready(&mut self) -> Result<usize, TryReadyError> {
        self.run_ready(Until::Now).ok_or(TryReadyError)
    }

    /// Waits until an operation can be done, and returns its index. Somebody else may do it first,
    /// and it may be wrong for other reasons: use `try_send` or `try_recv` then, and be ready to
    /// begin again. A suspension point.
    ///
    /// # Panics
    ///
    /// If there are no operations.
    pub fn ready(&mut self) -> usize {
        assert!(!self.entries.is_empty(), "no operations have been added to `Select`");
        self.run_ready(Until::Forever).expect("it waits for ever")
    }

    /// Waits likewise, for so long at most. A suspension point.
    ///
    /// # Errors
    ///
    /// [`ReadyTimeoutError`] if the time was up.
    pub fn ready_timeout(&mut self, timeout: Duration) -> Result<usize, ReadyTimeoutError> {
        self.run_ready(Until::after(timeout)).ok_or(ReadyTimeoutError)
    }

    /// Waits likewise, until then at most. A suspension point.
    ///
    /// # Errors
    ///
    /// As [`ready_timeout`](Self::ready_timeout).
    pub fn ready_deadline(&mut self, deadline: Instant) -> Result<usize, ReadyTimeoutError> {
        self.run_ready(Until::Deadline(deadline)).ok_or(ReadyTimeoutError)
    }
}

impl Default for Select<'_> {
    fn default() -> Self {
        Select::new()
    }
}

impl fmt::Debug for Select<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("Select { .. }")
    }
}

/// An operation that has been selected, and has to be completed.
///
/// # Panics
///
/// Dropping it without completing it is a bug and panics (unless a panic is under way); whoever
/// comes next gets what it had got.
#[must_use]
pub struct SelectedOperation<'a> {
    operation: &'a dyn Operation,
    index: usize,
    selected: Option<Selected>,
    /// Made by a macro, which completes it unless the message's expression leaves the `select!`.
    may_leave: bool,
}

impl SelectedOperation<'_> {
    #[doc(hidden)]
    pub fn __that_may_leave(mut self) -> Self {
        self.may_leave = true;
        self
    }

    /// The operation's index.
    pub fn index(&self) -> usize {
        self.index
    }

    fn is_of<H>(&self, handle: &H) -> bool {
        std::ptr::addr_eq(self.operation, handle)
    }

    /// Sends the message.
    ///
    /// It waits only if the capacity is zero and the receiver that was there has been cancelled
    /// meanwhile.
    ///
    /// # Errors
    ///
    /// [`SendError`], with the message, if all receivers are gone.
    ///
    /// # Panics
    ///
    /// If that sender is not the one that was selected.
    pub fn send<T>(mut self, s: &Sender<T>, message: T) -> Result<(), SendError<T>> {
        assert!(self.is_of(s), "passed a sender that wasn't selected");
        match self.selected.take() {
            Some(selected) => s.complete(selected, message),
            None => unreachable!("it is completed once"),
        }
    }

    /// Receives the message.
    ///
    /// # Errors
    ///
    /// [`RecvError`] if the channel is empty and all senders are gone.
    ///
    /// # Panics
    ///
    /// If that receiver is not the one that was selected.
    pub fn recv<T>(mut self, r: &Receiver<T>) -> Result<T, RecvError> {
        assert!(self.is_of(r), "passed a receiver that wasn't selected");
        match self.selected.take() {
            Some(selected) => r.complete(selected),
            None => unreachable!("it is completed once"),
        }
    }
}

impl Drop for SelectedOperation<'_> {
    fn drop(&mut self) {
        if let Some(selected) = self.selected.take() {
            self.operation.give_back(selected);
            if !self.may_leave && !std::thread::panicking() {
                panic!("dropped `SelectedOperation` without completing the operation");
            }
        }
    }
}

impl fmt::Debug for SelectedOperation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("SelectedOperation { .. }")
    }
}
