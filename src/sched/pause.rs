//! The signal handler that pauses a task and lets others have its window.
//!
//! It runs on the worker's alternate signal stack, above a task that was interrupted at any
//! instruction. If that is the task that was meant, and it stands on a shared window that somebody
//! waits for, its live bytes are copied away, the window is given up, and the thread sleeps for a
//! slice; then it waits for its turn, puts the bytes back and returns. [`preempt`](super::preempt)
//! tells the rest.
//!
//! Guarantees: neither lock nor allocator; errno is restored; a handler that was there before is called
//! for each signal, as in Go, since one that we sent and one that somebody else sent may have become
//! one.
//!
//! Go: `runtime/signal_unix.go` `sighandler`, `doSigPreempt`, `sigFwdGo`.

use super::preempt;
use super::sysmon::SLICE;
use super::worker::{self, WorkerRef};
use crate::arch;
use crate::stack::paused::Paused;
use std::io;
use std::mem::{self, MaybeUninit};
use std::ptr;
use std::sync::{Once, OnceLock};

/// Go's (`runtime/signal_unix.go` `sigPreempt`, where the reasons are): debuggers pass it through,
/// the C library does not use it, it may come for no reason, and without a handler it is ignored.
pub(crate) const DEFAULT_SIGNAL: libc::c_int = libc::SIGURG;

/// The highest signal of any system this runs on.
const MOST_SIGNALS: usize = 64;

struct Handler {
    previous: OnceLock<libc::sigaction>,
    active: Once,
}

static HANDLERS: [Handler; MOST_SIGNALS + 1] =
    [const { Handler { previous: OnceLock::new(), active: Once::new() } }; MOST_SIGNALS + 1];

/// Signals that report what a thread itself has done, or that nobody can catch.
const UNFIT: [libc::c_int; 8] = [
    libc::SIGKILL,
    libc::SIGSTOP,
    libc::SIGSEGV,
    libc::SIGBUS,
    libc::SIGFPE,
    libc::SIGILL,
    libc::SIGTRAP,
    libc::SIGABRT,
];

/// Installs the handler for the whole process, once, ahead of the one that is there.
pub(crate) fn install(signal: libc::c_int) -> io::Result<()> {
    let handler = usize::try_from(signal).ok().and_then(|signal| HANDLERS.get(signal));
    let (Some(handler), false) = (handler, UNFIT.contains(&signal)) else {
        return Err(io::Error::from(io::ErrorKind::InvalidInput));
    };
    let mut previous = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: asking for the present handler changes nothing.
    if unsafe { libc::sigaction(signal, ptr::null(), previous.as_mut_ptr()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: filled by the system.
    handler.previous.get_or_init(|| unsafe { previous.assume_init() });
    let mut result = Ok(());
    handler.active.call_once(|| {
        // SAFETY: `handle` keeps the rules of a handler, and the struct is filled as the kernel asks.
        unsafe {
            let mut action: libc::sigaction = mem::zeroed();
            action.sa_sigaction = handle as *const () as usize;
            action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_RESTART;
            libc::sigemptyset(&mut action.sa_mask);
            if libc::sigaction(signal, &action, ptr::null_mut()) != 0 {
                result = Err(io::Error::last_os_error());
            }
        }
    });
    result
}

/// The signals whose handlers are ours alone, so that they wake no task: a bit each, the lowest for
/// signal 1.
pub(crate) fn own_signals() -> u64 {
    let is_ours_alone = |handler: &Handler| {
        let previous = handler.previous.get().map(|previous| previous.sa_sigaction);
        matches!(previous, Some(libc::SIG_DFL | libc::SIG_IGN))
    };
    let ours = (1..=MOST_SIGNALS).filter(|signal| is_ours_alone(&HANDLERS[*signal]));
    ours.fold(0, |mask, signal| mask | 1 << (signal - 1))
}

/// Lets the calling thread get the signal, whatever it has inherited.
pub(crate) fn unblock(signal: libc::c_int) {
    // SAFETY: the set is filled here; this changes the calling thread's mask only.
    unsafe {
        let mut set: libc::sigset_t = mem::zeroed();
        libc::sigemptyset(&mut set);
        libc::sigaddset(&mut set, signal);
        libc::pthread_sigmask(libc::SIG_UNBLOCK, &set, ptr::null_mut());
    }
}

unsafe extern "C" fn handle(
    signal: libc::c_int,
    info: *mut libc::siginfo_t,
    context: *mut libc::c_void,
) {
    // SAFETY: errno is this thread's.
    let errno = unsafe { *libc::__errno_location() };
    if let Some(worker) = worker::current() {
        if worker.remote().requests.take(worker.slice()) {
            // SAFETY: the kernel passed this context to this handler.
            pause(worker, unsafe { arch::stack_pointer_of(context) });
        }
    }
    // SAFETY: errno is this thread's; the arguments are the kernel's own.
    unsafe {
        chain(signal, info, context);
        *libc::__errno_location() = errno;
    }
}

/// Pauses the running task, whose code was interrupted at `sp`, if somebody waits for its window.
fn pause(worker: WorkerRef, sp: usize) {
    let Some(task) = worker.current.get() else { return };
    let window = task.header().image.window.get();
    // During a switch `current` is the next one already, and not all is in its place.
    if window.is_null() || worker.previous.get().is_some() || worker.processor.exclusive() {
        return;
    }
    // SAFETY: a running task's window is alive.
    let window = unsafe { &*window };
    // On another stack: the worker's own, this one (in the handler that grows stacks), or one that the
    // program has made for itself.
    let stands_on_it = window.contains(sp) && sp < window.top();
    if window.private || !stands_on_it || !window.is_wanted() {
        return;
    }
    // SAFETY: the code is interrupted until this returns; a running task's window is held by its
    // worker; we are on the signal stack.
    let Some(stack) = (unsafe { Paused::take_out(window, sp) }) else { return };
    let requests = &worker.remote().requests;
    requests.begin_pause();
    worker.remote().counters.preemptions.add(1);
    let shared = worker.shared();
    let now = preempt::clock();
    window.turns.go_away(&window.ownership, now + SLICE.as_nanos() as u64);
    let waiters = window.turns.give_up(&window.ownership, now);
    shared.preemptor.handed.put(waiters);
    shared.sysmon.wake();
    sleep_a_slice();
    window.turns.come_back(&window.ownership, preempt::clock);
    // SAFETY: held again; who leaves a window somebody was paused in leaves nobody resident, and does
    // not stand on it any more.
    unsafe { stack.put_back() };
    requests.end_pause();
}

fn sleep_a_slice() {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: SLICE.as_nanos() as _ };
    let rest = &raw mut time;
    // SAFETY: async-signal-safe, with valid arguments, which may be the same.
    while unsafe { libc::nanosleep(rest, rest) } != 0 {}
}

/// What `si_code` is for a signal that was sent to a thread (`SI_TKILL`).
const SENT_TO_THREAD: libc::c_int = -6;

/// Passes the signal on to whom it would have reached without us.
///
/// # Safety
///
/// The arguments are those the kernel passed to the running handler.
unsafe fn chain(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    let Some(previous) = HANDLERS[signal as usize].previous.get() else { return };
    match previous.sa_sigaction {
        libc::SIG_IGN => {}
        libc::SIG_DFL => {
            // SAFETY: the kernel passes a valid siginfo, which for such a signal names the sender.
            let ours =
                unsafe { (*info).si_code == SENT_TO_THREAD && (*info).si_pid() == libc::getpid() };
            let ignored = [libc::SIGURG, libc::SIGCHLD, libc::SIGWINCH, libc::SIGCONT];
            if !ours && !ignored.contains(&signal) {
                // SAFETY: both are async-signal-safe; the signal comes again when this returns.
                unsafe {
                    let mut default: libc::sigaction = mem::zeroed();
                    default.sa_sigaction = libc::SIG_DFL;
                    libc::sigaction(signal, &default, ptr::null_mut());
                    libc::raise(signal);
                }
            }
        }
        handler if previous.sa_flags & libc::SA_SIGINFO != 0 => {
            // SAFETY: SA_SIGINFO says that the handler has this type.
            let handler: extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void) =
                unsafe { mem::transmute(handler) };
            handler(signal, info, context);
        }
        handler => {
            // SAFETY: without SA_SIGINFO the handler has this type.
            let handler: extern "C" fn(libc::c_int) = unsafe { mem::transmute(handler) };
            handler(signal);
        }
    }
}
