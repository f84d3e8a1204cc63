//! The reader-writer lock's protocol: a mutex for the writers, and one word and a queue for the
//! readers.
//!
//! A writer first locks the writers' mutex, so that there is one at a time, and then *announces*
//! itself by setting WRITER in the word. From then on no reader comes in; the writer waits until
//! those who are in have left. When it goes, all readers that queued up meanwhile come in, and only
//! then is the mutex passed to the next writer, which waits for them. So a stream of readers cannot
//! keep a writer out, nor a stream of writers the readers.
//!
//! Under the queue's lock happens what needs the queue and the word together: a reader queues if it
//! sees WRITER there; a writer that goes clears WRITER and counts the queued readers as present, in
//! one exchange; the last reader that leaves finds the writer in the queue, or that one, which
//! looks at the count under the lock before it waits, finds no reader.
//!
//! Loads are Relaxed if nothing else is said: each is a guess that the exchange after it checks, a
//! hint for the caller, or is made under the queue's lock, under which what it looks for does not
//! change. Exchanges that fail are Relaxed, too: they are such loads.
//!
//! Guarantees: readers exclude writers and writers everybody; one who waits and leaves undoes what
//! it had announced and passes on what it had been given.
//!
//! Go: `sync/rwmutex.go`.

use super::parking::{Handle, Reason};
use super::raw_mutex::RawMutex;
use super::wait_queue::{Queue, WaitQueue};
use crate::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// A writer is in, or waits for the readers to leave.
const WRITER: usize = 1;
/// Readers are queued; only with WRITER.
const QUEUED: usize = 1 << 1;
/// One reader that is in.
const READER: usize = 1 << 2;

/// What waits in the queue: readers, and before all of them the writer that has announced itself.
const AS_READER: usize = 0;
const AS_WRITER: usize = 1;

/// The one token: you are in.
const ADMITTED: usize = 0;

/// A reader-writer lock without its data.
pub(crate) struct RawRwLock {
    writers: RawMutex,
    state: AtomicUsize,
    queue: WaitQueue<()>,
}

impl RawRwLock {
    /// An unlocked lock, of an unlocked mutex, a state of 0 and an empty queue.
    pub(crate) const fn from_parts(
        writers: RawMutex,
        state: AtomicUsize,
        queue: WaitQueue<()>,
    ) -> RawRwLock {
        RawRwLock { writers, state, queue }
    }

    /// Comes in as a reader if no writer is announced.
    #[inline]
    pub(crate) fn try_lock_shared(&self) -> bool {
        let mut now = self.state.load(Ordering::Relaxed);
        while now & WRITER == 0 {
            let then = now.checked_add(READER).expect("too many readers of one RwLock");
            // Acquire pairs with the Release of the writer that went.
            match self.state.compare_exchange_weak(now, then, Ordering::Acquire, Ordering::Relaxed)
            {
                Ok(_) => return true,
                Err(other) => now = other,
            }
        }
        false
    }

    /// Comes in as a reader. False if the deadline came first.
    #[inline]
    pub(crate) fn lock_shared_until(&self, deadline: Option<Instant>) -> bool {
        self.try_lock_shared() || self.lock_shared_slow(deadline)
    }

    #[cold]
    fn lock_shared_slow(&self, deadline: Option<Instant>) -> bool {
        let mut queue = self.queue.lock();
        loop {
            let now = self.state.load(Ordering::Relaxed);
            if now & WRITER == 0 {
                if self.try_lock_shared() {
                    return true;
                }
            } else if self
                .state
                // Relaxed: whoever sees QUEUED goes through the queue's lock.
                .compare_exchange(now, now | QUEUED, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
            {
                break;
            }
        }
        let key = queue.push_back(AS_READER);
        drop(queue);
        // The writer that admits has released its data through the queue's lock.
        let give_up = |queue: &mut Queue<()>, token: Option<usize>| match token {
            Some(_) => self.leave(queue).into_iter().collect(),
            None => Vec::new(), // QUEUED may stay: the writer then looks in vain
        };
        self.queue.wait(key, Reason::RwLockRead, deadline, give_up).is_some()
    }

    /// A reader leaves.
    #[inline]
    pub(crate) fn unlock_shared(&self) {
        // Release pairs with the Acquire of the writer that comes in.
        let before = self.state.fetch_sub(READER, Ordering::Release);
        if before & WRITER != 0 && before / READER == 1 {
            self.admit_writer_slow();
        }
    }

    #[cold]
    fn admit_writer_slow(&self) {
        let mut queue = self.queue.lock();
        let writer = self.admit_writer(&mut queue);
        drop(queue);
        if let Some(writer) = writer {
            writer.unpark();
        }
    }

    /// With the queue locked: a reader leaves.
    fn leave(&self, queue: &mut Queue<()>) -> Option<Handle> {
        self.state.fetch_sub(READER, Ordering::Release); // as in `unlock_shared`
        self.admit_writer(queue)
    }

    /// With the queue locked: the writer that waits for the readers to leave comes in, if they
    /// have.
    #[must_use]
    fn admit_writer(&self, queue: &mut Queue<()>) -> Option<Handle> {
        // Relaxed: the writer itself acquires what the readers did. No reader can come in while a
        // writer waits.
        if self.state.load(Ordering::Relaxed) >= READER || queue.front() != Some(AS_WRITER) {
            return None;
        }
        queue.wake_front(ADMITTED)
    }

    /// Comes in as the writer if nobody is in.
    #[inline]
    pub(crate) fn try_lock_exclusive(&self) -> bool {
        if !self.writers.try_lock() {
            return false;
        }
        // Acquire pairs with the Release of the readers that left (and of the writer before).
        if self.state.compare_exchange(0, WRITER, Ordering::Acquire, Ordering::Relaxed).is_ok() {
            return true;
        }
        self.writers.unlock();
        false
    }

    /// Comes in as the writer. False if the deadline came first.
    #[inline]
    pub(crate) fn lock_exclusive_until(&self, deadline: Option<Instant>) -> bool {
        if !self.writers.lock_until(deadline) {
            return false;
        }
        // Acquire: as in `try_lock_exclusive`.
        let before = self.state.fetch_or(WRITER, Ordering::Acquire);
        before < READER || self.wait_for_readers(deadline)
    }

    #[cold]
    fn wait_for_readers(&self, deadline: Option<Instant>) -> bool {
        let mut queue = self.queue.lock();
        // Acquire: as in `try_lock_exclusive`.
        if self.state.load(Ordering::Acquire) < READER {
            return true;
        }
        let key = queue.push_front(AS_WRITER);
        drop(queue);
        let admitted = self.queue.wait(key, Reason::RwLockWrite, deadline, |queue, _| {
            let readers = self.admit_readers(queue, 0);
            self.writers.unlock();
            readers
        });
        // Acquire: as in `try_lock_exclusive`.
        self.state.load(Ordering::Acquire);
        admitted.is_some()
    }

    /// The writer leaves.
    #[inline]
    pub(crate) fn unlock_exclusive(&self) {
        // Release pairs with the Acquire of whoever comes in next.
        if self.state.compare_exchange(WRITER, 0, Ordering::Release, Ordering::Relaxed).is_err() {
            self.leave_to_readers(0);
        }
        self.writers.unlock();
    }

    /// The writer becomes a reader.
    pub(crate) fn downgrade(&self) {
        self.leave_to_readers(1);
        self.writers.unlock();
    }

    #[cold]
    fn leave_to_readers(&self, remaining: usize) {
        let mut queue = self.queue.lock();
        let readers = self.admit_readers(&mut queue, remaining);
        drop(queue);
        readers.iter().for_each(Handle::unpark);
    }

    /// With the queue locked, by the writer, which is not in it: it leaves, and the readers that
    /// wait come in. It counts as so many readers itself.
    #[must_use]
    fn admit_readers(&self, queue: &mut Queue<()>, remaining: usize) -> Vec<Handle> {
        let readers = queue.wake_all(ADMITTED);
        let come_in = (readers.len() + remaining) * READER;
        let mut now = self.state.load(Ordering::Relaxed);
        // Release pairs with the Acquire of whoever comes in next. A writer that gives up may be
        // leaving readers behind who are in.
        while let Err(other) = self.state.compare_exchange_weak(
            now,
            (now & !(WRITER | QUEUED)) + come_in,
            Ordering::Release,
            Ordering::Relaxed,
        ) {
            now = other;
        }
        readers
    }

    /// Whether somebody is in.
    pub(crate) fn is_locked(&self) -> bool {
        self.state.load(Ordering::Relaxed) & !QUEUED != 0
    }

    /// Whether a writer is in.
    pub(crate) fn is_locked_exclusive(&self) -> bool {
        let now = self.state.load(Ordering::Relaxed);
        now & WRITER != 0 && now < READER
    }
}
