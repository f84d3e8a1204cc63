//! Who searches for work, who sleeps, and how nobody sleeps through work.
//!
//! One word counts the searching and the sleeping workers. Who makes work ready wakes a sleeper,
//! unless somebody searches already: the searcher will find the work, and then wakes the next one.
//! That keeps a burst of wake-ups from waking every worker at once.
//!
//! The race to lose would be: a worker looks, finds nothing and lies down, while somebody else
//! queues a task and sees nobody asleep. So: *submit* is "queue, fence, read the counts"; *lying
//! down* is "count myself asleep, fence, look once more". Of two such sequences at least one sees
//! the other's first half. `tests/loom/idle.rs` checks it, and fails without either fence or the
//! second look.
//!
//! Go: `runtime/proc.go` `wakep`, `findRunnable` ("delicate dance"), `sched.nmspinning`,
//! `sched.midle`.

use crate::atomic::{fence, AtomicUsize, Mutex, Ordering};

const SEARCHING: usize = 1;
const SLEEPING: usize = 1 << 16;

/// The idle workers of a runtime.
pub(crate) struct Idle {
    /// Searching workers in the low half, sleeping ones in the high half.
    counts: AtomicUsize,
    sleepers: Mutex<Vec<usize>>,
    /// How many workers there are seats for.
    workers: AtomicUsize,
}

fn searching(counts: usize) -> usize {
    counts & (SLEEPING - 1)
}

fn sleeping(counts: usize) -> usize {
    counts >> 16
}

impl Idle {
    /// Nobody is idle yet.
    pub(crate) fn new(workers: usize) -> Idle {
        Idle {
            counts: AtomicUsize::new(0),
            sleepers: Mutex::new(Vec::with_capacity(workers)),
            workers: AtomicUsize::new(workers),
        }
    }

    /// The number of seats has changed.
    pub(crate) fn set_workers(&self, workers: usize) {
        self.workers.store(workers, Ordering::Relaxed); // see `begin_search`
    }

    /// How many sleep, for who looks after a fence.
    pub(crate) fn sleepers(&self) -> usize {
        sleeping(self.counts.load(Ordering::Relaxed))
    }

    /// Whether nobody searches or sleeps, so that work has to wait for a busy worker. A hint.
    pub(crate) fn is_nobody(&self) -> bool {
        self.counts.load(Ordering::Relaxed) == 0
    }

    /// After work was queued: the sleeper to wake, if one is needed. It counts as searching from
    /// now on.
    #[must_use]
    pub(crate) fn wake_one(&self) -> Option<usize> {
        // Pairs with the fence in `lie_down`: either that worker's second look sees the work, or we
        // see the worker in the counts.
        fence(Ordering::SeqCst);
        let counts = self.counts.load(Ordering::Relaxed);
        if searching(counts) > 0 || sleeping(counts) == 0 {
            return None;
        }
        let mut sleepers = self.sleepers.lock();
        // Relaxed throughout: the lock orders those who change the sleeping half; see the fence
        // above.
        if searching(self.counts.load(Ordering::Relaxed)) > 0 {
            return None;
        }
        let worker = sleepers.pop()?;
        self.counts.fetch_add(SEARCHING.wrapping_sub(SLEEPING), Ordering::Relaxed);
        Some(worker)
    }

    /// To wake a certain worker, since only it may run the task: true if it slept, and is to be
    /// woken.
    #[must_use]
    pub(crate) fn wake_this(&self, worker: usize) -> bool {
        // Pairs with the fence in `lie_down`, as in `wake_one`.
        fence(Ordering::SeqCst);
        if sleeping(self.counts.load(Ordering::Relaxed)) == 0 {
            return false;
        }
        let mut sleepers = self.sleepers.lock();
        let Some(at) = sleepers.iter().position(|sleeper| *sleeper == worker) else { return false };
        sleepers.swap_remove(at);
        self.counts.fetch_add(SEARCHING.wrapping_sub(SLEEPING), Ordering::Relaxed);
        true
    }

    /// Whether one more worker may search: at most half of those that are awake. It counts as
    /// searching if so. Go: `2*nmspinning < gomaxprocs - npidle`.
    pub(crate) fn begin_search(&self) -> bool {
        let counts = self.counts.load(Ordering::Relaxed);
        // Relaxed: a policy, not a guard.
        let awake = self.workers.load(Ordering::Relaxed).saturating_sub(sleeping(counts));
        if 2 * searching(counts) >= awake {
            return false;
        }
        // Relaxed: from here on submitters leave their work to us, and if our looks at the queues
        // miss it, the second look after `lie_down` does not.
        self.counts.fetch_add(SEARCHING, Ordering::Relaxed);
        true
    }

    /// The searcher has found work. True if it was the last one: it wakes another then, since there
    /// may be more work that nobody looks for.
    #[must_use]
    pub(crate) fn end_search(&self) -> bool {
        // Relaxed: who is told that it was the last calls `wake_one`, with its fence.
        searching(self.counts.fetch_sub(SEARCHING, Ordering::Relaxed)) == 1
    }

    /// The worker lies down. It must look for work once more after this, before it really sleeps.
    pub(crate) fn lie_down(&self, worker: usize, was_searching: bool) {
        let mut sleepers = self.sleepers.lock();
        sleepers.push(worker);
        let change = if was_searching { SLEEPING.wrapping_sub(SEARCHING) } else { SLEEPING };
        self.counts.fetch_add(change, Ordering::Relaxed);
        drop(sleepers);
        // Pairs with the fences in `wake_one` and `wake_this`.
        fence(Ordering::SeqCst);
    }

    /// The second look found something: the worker gets up by itself. False if somebody is waking
    /// it already (the wake-up is on its way, and the worker counts as searching).
    #[must_use]
    pub(crate) fn get_up(&self, worker: usize) -> bool {
        let mut sleepers = self.sleepers.lock();
        let Some(at) = sleepers.iter().position(|sleeper| *sleeper == worker) else { return false };
        sleepers.swap_remove(at);
        self.counts.fetch_sub(SLEEPING, Ordering::Relaxed);
        true
    }

    /// Everybody who sleeps, to be woken: the runtime ends.
    pub(crate) fn wake_all(&self) -> Vec<usize> {
        fence(Ordering::SeqCst); // as in `wake_one`
        let mut sleepers = self.sleepers.lock();
        let change = (SEARCHING.wrapping_sub(SLEEPING)).wrapping_mul(sleepers.len());
        self.counts.fetch_add(change, Ordering::Relaxed);
        std::mem::take(&mut *sleepers)
    }
}
