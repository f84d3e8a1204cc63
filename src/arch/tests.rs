//! What every architecture promises, tested by code in assembly that knows its registers.

use super::*;
use std::sync::atomic::{AtomicUsize, Ordering};

#[cfg(target_arch = "x86_64")]
#[path = "tests/x86_64.rs"]
mod imp;
#[cfg(target_arch = "aarch64")]
#[path = "tests/aarch64.rs"]
mod imp;
#[cfg(target_arch = "x86")]
#[path = "tests/x86.rs"]
mod imp;

use imp::{KEPT, TGKILL};

extern "C" {
    /// Gives all [`KEPT`] callee-saved registers the values at `values`, calls `call(arg)`, and
    /// stores what the registers are then at `seen`.
    fn midge_test_keep(
        values: *const usize,
        seen: *mut usize,
        call: unsafe extern "C" fn(usize),
        arg: usize,
    );

    /// Makes the system call `number(process, thread, signal)`. Returns the stack pointer during the
    /// call.
    fn midge_test_raise(number: usize, process: usize, thread: usize, signal: usize) -> usize;
}

/// Two contexts that switch to each other.
struct Pair {
    host: usize,
    guest: usize,
    /// What the switches returned in the guest.
    passed: Vec<usize>,
    /// What was in the guest's registers after each round.
    seen: Vec<[usize; KEPT]>,
}

/// A pair whose guest runs `entry` on `stack`.
fn pair(stack: &mut [u128], entry: Entry) -> Pair {
    let top = stack.as_mut_ptr_range().end as usize;
    // SAFETY: `top` is the 16-byte-aligned end of memory that is the guest's alone.
    let guest = unsafe { init_stack(top, entry) };
    Pair { host: 0, guest, passed: Vec::new(), seen: Vec::new() }
}

/// A round trip between the test's stack and a small heap stack, with a value each way.
#[test]
fn switches_there_and_back_with_values() {
    unsafe extern "C" fn guest(arg: usize) -> ! {
        let pair = arg as *mut Pair;
        let mut value = 0;
        loop {
            // SAFETY: `pair` outlives the guest, and only one of the two contexts runs at a time.
            value = unsafe {
                (*pair).passed.push(value);
                switch(&raw mut (*pair).guest, (*pair).host, value + 1)
            };
        }
    }
    let mut stack = vec![0u128; 4096];
    let mut pair = pair(&mut stack, guest);
    let p = &raw mut pair;
    // SAFETY: the guest was just made, and afterwards is resumed where it last switched away.
    unsafe {
        assert_eq!(switch(&raw mut (*p).host, (*p).guest, p as usize), 1);
        for round in 1..1000 {
            let back = switch(&raw mut (*p).host, (*p).guest, round * 10);
            assert_eq!(back, round * 10 + 1);
        }
    }
    let passed: Vec<usize> = (0..1000).map(|round| round * 10).collect();
    assert_eq!(pair.passed, passed);
    drop(stack);
}

/// A value of its own for each register, round and context.
fn values(context: usize, round: usize) -> [usize; KEPT] {
    std::array::from_fn(|register| {
        let number = (round * 2 + context) * KEPT + register + 1;
        number.wrapping_mul(0x9E37_79B9_7F4A_7C15_u64 as usize)
    })
}

const ROUNDS: usize = 1000;

#[test]
fn every_callee_saved_register_survives() {
    unsafe extern "C" fn to_guest(arg: usize) {
        let pair = arg as *mut Pair;
        // SAFETY: the guest is where it last switched away, or fresh.
        unsafe { switch(&raw mut (*pair).host, (*pair).guest, arg) };
    }
    unsafe extern "C" fn to_host(arg: usize) {
        let pair = arg as *mut Pair;
        // SAFETY: the host is where it last switched away.
        unsafe { switch(&raw mut (*pair).guest, (*pair).host, 0) };
    }
    unsafe extern "C" fn guest(arg: usize) -> ! {
        let pair = arg as *mut Pair;
        for round in 0.. {
            let mut seen = [0; KEPT];
            // SAFETY: the arrays have a word for each register; `pair` outlives the guest, and only
            // one of the two contexts runs at a time.
            unsafe {
                midge_test_keep(values(1, round).as_ptr(), seen.as_mut_ptr(), to_host, arg);
                (*pair).seen.push(seen);
            }
        }
        unreachable!("the host stops first")
    }
    let mut stack = vec![0u128; 4096];
    let mut pair = pair(&mut stack, guest);
    let p = &raw mut pair;
    for round in 0..=ROUNDS {
        let mut seen = [0; KEPT];
        // SAFETY: as in the guest.
        unsafe {
            midge_test_keep(values(0, round).as_ptr(), seen.as_mut_ptr(), to_guest, p as usize)
        };
        assert_eq!(seen, values(0, round), "round {round}");
    }
    // In the last round the guest is still away.
    assert_eq!(pair.seen.len(), ROUNDS);
    for (round, seen) in pair.seen.iter().enumerate() {
        assert_eq!(*seen, values(1, round), "the guest's, round {round}");
    }
    drop(stack);
}

/// A fresh context is entered with the alignment that the ABI gives every function, which
/// vector code counts on.
#[test]
fn a_fresh_context_is_aligned() {
    #[repr(align(16))]
    struct Aligned(u128);
    unsafe extern "C" fn guest(arg: usize) -> ! {
        let pair = arg as *mut Pair;
        let aligned = std::hint::black_box(Aligned(1));
        let misaligned = (&raw const aligned).addr() % 16 + (aligned.0 as usize - 1);
        // SAFETY: `pair` outlives the guest, and only one of the two contexts runs at a time.
        unsafe { switch(&raw mut (*pair).guest, (*pair).host, misaligned) };
        unreachable!("nobody resumes the guest")
    }
    let mut stack = vec![0u128; 4096];
    let mut pair = pair(&mut stack, guest);
    let p = &raw mut pair;
    // SAFETY: the guest was just made.
    assert_eq!(unsafe { switch(&raw mut (*p).host, (*p).guest, p as usize) }, 0);
    drop(stack);
}

static SEEN: AtomicUsize = AtomicUsize::new(0);

/// The stack pointer that the handlers of faults and of preemption go by is that of the interrupted
/// code.
#[test]
fn a_signal_handler_sees_the_interrupted_stack_pointer() {
    extern "C" fn handle(_: libc::c_int, _: *mut libc::siginfo_t, context: *mut libc::c_void) {
        // SAFETY: this is a handler with SA_SIGINFO.
        SEEN.store(unsafe { stack_pointer_of(context) }, Ordering::SeqCst);
    }
    // SAFETY: the handler does only what one may; nobody else in this process uses the signal;
    // tgkill to the calling thread returns after the handler has.
    let expected = unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handle as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO;
        assert_eq!(libc::sigaction(libc::SIGUSR2, &action, std::ptr::null_mut()), 0);
        let (process, thread) = (libc::getpid(), libc::syscall(libc::SYS_gettid));
        midge_test_raise(TGKILL, process as usize, thread as usize, libc::SIGUSR2 as usize)
    };
    assert_eq!(SEEN.load(Ordering::SeqCst), expected);
}
