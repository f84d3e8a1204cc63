//! The death of a task whose stack is over its limit.
//!
//! First comes what is certain: whose stack it is, in Go's words. Then, under an alarm, the frames:
//! if the walk hangs (the fault may have come in the middle of anything) or faults, the process
//! ends all the same.
//!
//! Go: `runtime/stack.go` `newstack`, `runtime/panic.go` `throw`.

use super::fault::Faulting;
use super::frames::Frames;
use super::window::Window;
use crate::raw_print::Line;
use crate::symbols::Symbols;
use std::ptr;
use std::sync::atomic::{AtomicI32, Ordering};

/// How long the frames may take, in seconds. Ten million take about three.
const PATIENCE: u32 = 20;

/// The thread that is dying of an overflow; 0 if there is none.
static DYING: AtomicI32 = AtomicI32::new(0);

/// Says whose stack has overflown and what it was doing, and aborts. `context` is what the signal
/// handler that calls this was given. Async-signal-safe.
pub(super) fn die(window: &Window, faulting: &Faulting, context: *const libc::c_void) -> ! {
    let (low, high) = window.range();
    let mut line = Line::new();
    line.text("midge: ");
    (faulting.describe)(&mut line);
    line.print(); // a name may be as long as the line
    line = Line::new();
    line.text(": stack exceeds ").decimal(window.limit() as u64).text("-byte limit\n");
    // SAFETY: we are in the handler that got this context.
    let sp = unsafe { crate::arch::stack_pointer_of(context) };
    line.text("midge: sp=0x").hex(sp as u64);
    line.text(" stack=[0x").hex(low as u64).text(", 0x").hex(high as u64).text("]\n");
    line.text("fatal error: stack overflow\n");
    line.print();
    // SeqCst: nothing is gained by less.
    if DYING.compare_exchange(0, thread(), Ordering::SeqCst, Ordering::SeqCst).is_err() {
        loop {
            // Another thread is dying already and takes us along.
            // SAFETY: waits for a signal.
            unsafe { libc::pause() };
        }
    }
    set_alarm();
    print_frames(window, sp);
    abort()
}

/// Whether the calling thread is dying already: it has faulted on the way.
pub(super) fn is_dying() -> bool {
    let dying = DYING.load(Ordering::SeqCst);
    dying != 0 && dying == thread()
}

/// Ends a death that does not come to its end.
pub(super) fn give_up() -> ! {
    Line::new().text("midge: the stack cannot be walked any further\n").print_and_abort()
}

fn print_frames(window: &Window, sp: usize) {
    let (low, high) = window.range();
    let frames = Frames::walk(low.min(sp), high);
    let symbols = Symbols::open();
    let print = |(number, frame): (usize, super::frames::Frame)| {
        let mut line = Line::new();
        line.text("  ").decimal(number as u64).text(": ");
        Symbols::describe(symbols.as_ref(), frame.address, frame.after_call, &mut line);
        line.end().print();
    };
    Line::new().text("\ninnermost frames:\n").print();
    frames.innermost().for_each(print);
    if let Some((first, _)) = frames.outermost().next() {
        let between = first - frames.innermost().count();
        let mut line = Line::new();
        line.text("  ... ").decimal(between as u64).text(" frames between\noutermost frames:\n");
        line.print();
        frames.outermost().for_each(print);
    }
    let mut line = Line::new();
    line.decimal(frames.count() as u64).text(" frames in all\n").print();
}

extern "C" fn alarm(_signal: libc::c_int) {
    give_up()
}

fn set_alarm() {
    let handler: extern "C" fn(libc::c_int) = alarm;
    // SAFETY: all of these are async-signal-safe, and an all-zero sigaction or set is a valid one.
    // The process is about to abort, so that nobody misses their own SIGALRM.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler as usize;
        action.sa_flags = libc::SA_ONSTACK;
        libc::sigaction(libc::SIGALRM, &action, ptr::null_mut());
        let mut unblocked: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&mut unblocked);
        libc::sigaddset(&mut unblocked, libc::SIGALRM);
        libc::sigaddset(&mut unblocked, libc::SIGSEGV); // for a fault of the walk: see `is_dying`
        libc::pthread_sigmask(libc::SIG_UNBLOCK, &unblocked, ptr::null_mut());
        libc::alarm(PATIENCE);
    }
}

fn thread() -> i32 {
    // SAFETY: the system call takes nothing and cannot fail.
    unsafe { libc::syscall(libc::SYS_gettid) as i32 }
}

fn abort() -> ! {
    // SAFETY: abort is async-signal-safe and ends the process.
    unsafe { libc::abort() }
}
