//! The parts of all workers that others may touch, by number.
//!
//! A runtime gets more workers while it runs, when tasks hog the ones it has; none goes before the
//! runtime does. So this is a table that only grows: in chunks that stay where they are, so that a
//! look needs no lock.
//!
//! Go: `runtime/proc.go` `allp`, which is replaced by a longer one while the world is stopped.

use super::shared::Remote;
use std::ops::Index;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::OnceLock;

const CHUNK: usize = 64;

/// The most workers there can be: `idle` counts them in 16 bits.
pub(crate) const MOST: usize = CHUNK * CHUNKS - 1;
const CHUNKS: usize = 1024;

type Chunk = [OnceLock<Box<Remote>>; CHUNK];

pub(crate) struct Remotes {
    chunks: Box<[OnceLock<Box<Chunk>>]>,
    count: AtomicUsize,
}

impl Remotes {
    pub(crate) fn new() -> Remotes {
        Remotes {
            chunks: (0..CHUNKS).map(|_| OnceLock::new()).collect(),
            count: AtomicUsize::new(0),
        }
    }

    /// Adds one; returns its number. One caller at a time.
    pub(crate) fn push(&self, remote: Remote) -> usize {
        let number = self.count.load(Ordering::Relaxed); // the caller's own
        let chunk = self.chunks[number / CHUNK]
            .get_or_init(|| Box::new(std::array::from_fn(|_| OnceLock::new())));
        let added = chunk[number % CHUNK].set(Box::new(remote));
        debug_assert!(added.is_ok(), "two callers at a time");
        // Release pairs with the Acquire in `len`.
        self.count.store(number + 1, Ordering::Release);
        number
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        // Acquire pairs with the Release in `push`.
        self.count.load(Ordering::Acquire)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Remote> {
        (0..self.len()).map(|number| &self[number])
    }
}

impl Index<usize> for Remotes {
    type Output = Remote;

    #[inline]
    fn index(&self, number: usize) -> &Remote {
        let remote =
            self.chunks[number / CHUNK].get().and_then(|chunk| chunk[number % CHUNK].get());
        let Some(remote) = remote else { unreachable!("there is no worker {number}") };
        remote
    }
}
