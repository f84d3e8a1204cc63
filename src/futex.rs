//! Waiting until a word changes: `futex(2)`.
//!
//! Guarantees: no call takes a lock or memory, so all may be made in a signal handler (which
//! has to put errno back).
//!
//! Go: `runtime/os_linux.go` `futexsleep`, `futexwakeup`.

use std::ptr;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

/// Sleeps while the word is `expected`, at most so long. It may return for no reason.
pub(crate) fn futex_wait(word: &AtomicU32, expected: u32, most: Option<Duration>) {
    let time = most.map(|most| libc::timespec {
        tv_sec: most.as_secs().try_into().unwrap_or(libc::time_t::MAX),
        tv_nsec: most.subsec_nanos() as _,
    });
    let time = time.as_ref().map_or(ptr::null(), ptr::from_ref);
    let operation = libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG;
    // SAFETY: the word and the time are there during the call.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), operation, expected, time) };
}

/// Wakes one of those who sleep, if there is one. The word may be gone by now.
pub(crate) fn futex_wake(word: *const AtomicU32) {
    wake(word, 1);
}

/// Wakes all who sleep.
pub(crate) fn futex_wake_all(word: *const AtomicU32) {
    wake(word, libc::c_int::MAX);
}

fn wake(word: *const AtomicU32, most: libc::c_int) {
    let operation = libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG;
    // SAFETY: the system only compares the address with those it knows of sleepers.
    unsafe { libc::syscall(libc::SYS_futex, word, operation, most) };
}
