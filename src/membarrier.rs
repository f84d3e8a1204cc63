//! A fence of two halves: one that costs nothing, for the frequent side of a protocol, and one that
//! makes up for it.
//!
//! `membarrier(2)` makes every running thread of the process execute a full fence. Where it is
//! missing (old kernels, emulators, seccomp filters) both halves are ordinary fences.
//!
//! Go: `runtime/os_linux.go` has no use for it; compare Linux' `Documentation/membarrier`, and
//! folly's `AsymmetricThreadFence`.

use std::sync::atomic::{compiler_fence, fence, AtomicBool, Ordering};
use std::sync::Once;

const REGISTER: libc::c_int = 1 << 4; // MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED
const EXPEDITED: libc::c_int = 1 << 3; // MEMBARRIER_CMD_PRIVATE_EXPEDITED

/// Whether the system call is there.
static WORKS: AtomicBool = AtomicBool::new(false);

fn membarrier(command: libc::c_int) -> bool {
    // SAFETY: a system call that takes no pointers.
    unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) == 0 }
}

/// To be called before either half is used.
pub(crate) fn prepare() {
    static ONCE: Once = Once::new();
    // Both are tried: emulators are known to accept one and not the other.
    // Relaxed: whoever uses the halves was started after this.
    ONCE.call_once(|| {
        WORKS.store(membarrier(REGISTER) && membarrier(EXPEDITED), Ordering::Relaxed)
    });
}

/// The half that is cheap where `membarrier` is there.
#[inline]
pub(crate) fn light_fence() {
    if WORKS.load(Ordering::Relaxed) {
        compiler_fence(Ordering::SeqCst);
    } else {
        fence(Ordering::SeqCst);
    }
}

/// The other half. False if there was no fence: the system call has worked before and does not any
/// more, since the process has denied it to itself meanwhile (seccomp).
#[cold]
#[must_use]
pub(crate) fn heavy_fence() -> bool {
    fence(Ordering::SeqCst);
    !WORKS.load(Ordering::Relaxed) || membarrier(EXPEDITED)
}
