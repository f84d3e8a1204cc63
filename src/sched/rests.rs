//! Who rests, and whether anybody has got up in between: what the deadlock report
//! ([`deadlock`](super::deadlock)) needs to look at many things as if at one moment.
//!
//! A worker that begins a rest counts itself; one that gets up takes itself off the count *and
//! then* changes the *epoch*. Who looks reads the epoch, then the count. If all rested then, and the
//! epoch is the same after the look, no worker has run anything from the one to the other: one that
//! was counted and got up has changed the epoch before it runs anything. `tests/loom/rests.rs` checks it, and
//! fails with those two the other way round.
//!
//! Go: `checkdead` runs under `sched.lock`, which nobody becomes idle without.

use crate::atomic::{AtomicUsize, Ordering};

pub(crate) struct Rests {
    /// Workers that rest.
    resting: AtomicUsize,
    /// Rests that have ended.
    epoch: AtomicUsize,
}

impl Rests {
    pub(crate) fn new() -> Rests {
        Rests { resting: AtomicUsize::new(0), epoch: AtomicUsize::new(0) }
    }

    /// A rest begins.
    pub(crate) fn begin(&self) {
        // SeqCst, here and below: this is rare, and the argument is about one order of all that
        // happens.
        self.resting.fetch_add(1, Ordering::SeqCst);
    }

    /// A rest ends. The worker runs tasks only after this.
    pub(crate) fn end(&self) {
        self.resting.fetch_sub(1, Ordering::SeqCst);
        self.epoch.fetch_add(1, Ordering::SeqCst);
    }

    /// If so many workers rest, all there are: the epoch.
    pub(crate) fn all_rest(&self, workers: usize) -> Option<usize> {
        let epoch = self.epoch.load(Ordering::SeqCst);
        (self.resting.load(Ordering::SeqCst) == workers).then_some(epoch)
    }

    /// Whether nobody has got up since [`all_rest`](Self::all_rest).
    pub(crate) fn nobody_got_up(&self, epoch: usize) -> bool {
        self.epoch.load(Ordering::SeqCst) == epoch
    }
}
