//! Who may touch a window: FREE, or HELD by one worker, with a list of those who wait.
//!
//! All of it is one word, so that "it is held, I shall wait" and "I leave, who waits?" cannot miss
//! each other: the word is 0 when the window is free, else the HELD bit and, above it, a pointer to
//! the newest waiter; waiters are linked through the tasks themselves. A waiter gets onto the list
//! only by a compare-and-swap that saw HELD, and a release takes the word and the whole list in one
//! swap.
//!
//! Guarantees: one holder at a time; what the holder wrote to the window and to its residents is
//! seen by the next holder; no waiter is lost; waiters come off in the order they went on.
//! `tests/loom/ownership.rs` checks all three.
//!
//! Go has no such thing: a goroutine's stack is its own. The nearest is `runtime/lock_futex.go`.

use crate::atomic::{AtomicPtr, AtomicUsize, Ordering};
use std::ptr::{self, NonNull};

const FREE: usize = 0;
const HELD: usize = 1;

/// The link of a wait list; a task carries one.
#[repr(align(8))]
pub(crate) struct Waiter {
    next: AtomicPtr<Waiter>,
}

impl Waiter {
    pub(crate) fn new() -> Waiter {
        Waiter { next: AtomicPtr::new(ptr::null_mut()) }
    }
}

/// What came of asking for a window.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// The caller holds the window now.
    Acquired,
    /// The waiter is on the list and belongs to whoever releases the window.
    Waiting,
}

/// The ownership word of one window.
pub(crate) struct Ownership {
    word: AtomicUsize,
}

impl Ownership {
    /// A window begins its life held by whoever made it.
    pub(crate) fn new_held() -> Ownership {
        Ownership { word: AtomicUsize::new(HELD) }
    }

    /// Takes the window if it is free.
    pub(crate) fn try_acquire(&self) -> bool {
        // Acquire pairs with the Release half of `release`: the new holder sees all the old one
        // wrote.
        self.word.compare_exchange(FREE, HELD, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    /// Takes the window if it is free, else puts `waiter` on its list.
    ///
    /// # Safety
    ///
    /// `waiter` is on no list, and stays valid until a [`Waiters`] has handed it out.
    pub(crate) unsafe fn acquire_or_wait(&self, waiter: NonNull<Waiter>) -> Asked {
        let mut word = self.word.load(Ordering::Relaxed);
        loop {
            if word == FREE {
                // Acquire: as in `try_acquire`.
                match self.word.compare_exchange_weak(
                    FREE,
                    HELD,
                    Ordering::Acquire,
                    Ordering::Relaxed,
                ) {
                    Ok(_) => return Asked::Acquired,
                    Err(now) => word = now,
                }
                continue;
            }
            let newest = (word & !HELD) as *mut Waiter;
            // SAFETY: the caller grants the waiter, which is on no list yet.
            // Relaxed: published by the Release below.
            unsafe { waiter.as_ref() }.next.store(newest, Ordering::Relaxed);
            // Release pairs with the Acquire half of the swap that takes the list: the taker sees
            // the link and the task behind it.
            match self.word.compare_exchange_weak(
                word,
                waiter.as_ptr() as usize | HELD,
                Ordering::Release,
                Ordering::Relaxed,
            ) {
                Ok(_) => return Asked::Waiting,
                Err(now) => word = now,
            }
        }
    }

    /// Gives the window up and takes over everybody who waited for it. The caller holds it.
    #[must_use = "the waiters must be made ready, or they wait for ever"]
    pub(crate) fn release(&self) -> Waiters {
        // Release pairs with the Acquire of whoever gets the window next; Acquire with the Release
        // of those who put themselves on the list.
        Waiters::new(self.word.swap(FREE, Ordering::AcqRel))
    }

    /// Whether somebody waits. A hint for all but the holder.
    pub(crate) fn anybody_waits(&self) -> bool {
        self.word.load(Ordering::Relaxed) & !HELD != 0 // a hint
    }

    /// Keeps the window but takes over everybody who waits, so that they get a turn. The caller
    /// holds it.
    #[must_use = "the waiters must be made ready, or they wait for ever"]
    pub(crate) fn take_waiters(&self) -> Waiters {
        // Relaxed: a waiter that this misses is seen at the next switch or at the release.
        if self.word.load(Ordering::Relaxed) == HELD {
            return Waiters::new(HELD);
        }
        // Acquire pairs with the Release of those who put themselves on the list.
        Waiters::new(self.word.swap(HELD, Ordering::Acquire))
    }
}

/// The waiters of one window, oldest first, now the caller's.
pub(crate) struct Waiters {
    first: *mut Waiter,
}

impl Waiters {
    /// Nobody.
    pub(crate) fn none() -> Waiters {
        Waiters { first: ptr::null_mut() }
    }

    fn new(word: usize) -> Waiters {
        // The list is newest first: turn it round.
        let mut newest = (word & !HELD) as *mut Waiter;
        let mut first = ptr::null_mut();
        while !newest.is_null() {
            // SAFETY: whoever is on a list stays valid until handed out, and the swap that got us
            // here made the list ours alone. Relaxed: see that swap.
            let next = unsafe { &(*newest).next };
            let older = next.load(Ordering::Relaxed);
            next.store(first, Ordering::Relaxed);
            first = newest;
            newest = older;
        }
        Waiters { first }
    }
}

impl Iterator for Waiters {
    type Item = NonNull<Waiter>;

    fn next(&mut self) -> Option<NonNull<Waiter>> {
        let waiter = NonNull::new(self.first)?;
        // SAFETY: not handed out yet, so still valid and ours. Relaxed: this thread wrote it last.
        self.first = unsafe { waiter.as_ref() }.next.load(Ordering::Relaxed);
        Some(waiter)
    }
}

/// Waiters that were taken off their lists by one who cannot make them ready himself (in a signal
/// handler), for another who can.
pub(crate) struct Handed {
    first: AtomicPtr<Waiter>,
}

impl Handed {
    pub(crate) fn new() -> Handed {
        Handed { first: AtomicPtr::new(ptr::null_mut()) }
    }

    /// Whether nobody is there. A hint.
    pub(crate) fn is_empty(&self) -> bool {
        self.first.load(Ordering::Relaxed).is_null() // a hint
    }

    /// Puts them there. Takes no lock and no memory.
    pub(crate) fn put(&self, waiters: Waiters) {
        let Some(mut last) = NonNull::new(waiters.first) else { return };
        loop {
            // SAFETY: not handed out yet, so valid and the caller's. Relaxed: as in `Waiters::next`.
            let next = unsafe { last.as_ref() }.next.load(Ordering::Relaxed);
            let Some(next) = NonNull::new(next) else { break };
            last = next;
        }
        let mut first = self.first.load(Ordering::Relaxed);
        loop {
            // SAFETY: as above. Relaxed: published by the Release below.
            unsafe { last.as_ref() }.next.store(first, Ordering::Relaxed);
            // Release pairs with the Acquire in `take`: the taker sees the links, and the tasks
            // behind them.
            match self.first.compare_exchange_weak(
                first,
                waiters.first,
                Ordering::Release,
                Ordering::Relaxed,
            ) {
                Ok(_) => return,
                Err(now) => first = now,
            }
        }
    }

    /// Takes all of them.
    #[must_use = "the waiters must be made ready, or they wait for ever"]
    pub(crate) fn take(&self) -> Waiters {
        // Acquire pairs with the Release in `put`.
        Waiters { first: self.first.swap(ptr::null_mut(), Ordering::Acquire) }
    }
}
