//! How many bytes of addresses the windows of this process may take.
//!
//! On 64 bits there is no end to them, and only the system's own limits count. A 32-bit process has
//! 3 or 4 GiB in all, and windows that took every one would leave none for blocks, tasks and the
//! program's heap. So there its windows share half of 4 GiB, for which a place is taken before a
//! window is reserved and given back when it goes.
//!
//! The last part is kept for what must not fail for want of it: shared windows, of which a runtime
//! can do with fewer, leave room for pinned tasks, and those leave room for another runtime to
//! start. At the default limit (windows of 256 MiB) these are 4, 2 and 2 windows.
//!
//! Go: `runtime/malloc.go` (heap arenas are small and reserved one by one on 32-bit, for the same
//! reason).

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Half of the 4 GiB that a 32-bit process has under a 64-bit kernel, two thirds of the 3 GiB that
/// it has under a 32-bit one.
const MOST: usize = if cfg!(target_pointer_width = "64") { usize::MAX } else { 2 << 30 };

/// What a window is wanted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Two that a runtime cannot do without.
    Start,
    /// A pinned task, which will wait if it must.
    Pinned,
    /// One more to share.
    Shared,
}

impl Purpose {
    /// How far windows may go, in bytes.
    fn most(self) -> usize {
        match self {
            Purpose::Start => MOST,
            Purpose::Pinned => MOST / 4 * 3,
            Purpose::Shared => MOST / 2,
        }
    }
}

/// Bytes taken by all windows of the process.
static TAKEN: AtomicUsize = AtomicUsize::new(0);

/// Takes a window's bytes, if they are left for this purpose.
pub(crate) fn take(bytes: usize, purpose: Purpose) -> io::Result<()> {
    // Relaxed, here and below: the number guards nothing but itself.
    let left = |taken: usize| taken.checked_add(bytes).filter(|sum| *sum <= purpose.most());
    match TAKEN.fetch_update(Ordering::Relaxed, Ordering::Relaxed, left) {
        Ok(_) => Ok(()),
        Err(_) => Err(io::Error::new(
            io::ErrorKind::OutOfMemory,
            "the windows of this process have their share of its addresses",
        )),
    }
}

/// Gives back the bytes of windows that are gone.
pub(crate) fn give_back(bytes: usize) {
    TAKEN.fetch_sub(bytes, Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_purpose_leaves_room_for_the_next() {
        assert!(Purpose::Shared.most() < Purpose::Pinned.most());
        assert!(Purpose::Pinned.most() < Purpose::Start.most());
        // Nobody takes so much (and no test that runs meanwhile is disturbed for long).
        assert!(take(Purpose::Pinned.most() + 1, Purpose::Pinned).is_err());
        assert!(take(usize::MAX, Purpose::Shared).is_err());
        take(1, Purpose::Start).unwrap();
        give_back(1);
    }
}
