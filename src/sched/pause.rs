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
use crate::signals::{self, Handler, FAULTS};
use crate::stack::paused::Paused;
use std::io;
use std::mem;
use std::ptr;

/// Go's (`runtime/signal_unix.go` `sigPreempt`, where the reasons are): debuggers pass it through,
/// the C library does not use it, it may come for no reason, and without a handler it is ignored.
pub(crate) const DEFAULT_SIGNAL: libc::c_int = libc::SIGURG;

/// The highest signal of any system this runs on.
const MOST_SIGNALS: usize = 64;

/// By number.
static HANDLERS: [Handler; MOST_SIGNALS + 1] = [const { Handler::new() }; MOST_SIGNALS + 1];

/// Installs the handler for the whole process, once, ahead of the one that is there.
pub(crate) fn install(signal: libc::c_int) -> io::Result<()> {
    let handler = usize::try_from(signal).ok().and_then(|signal| HANDLERS.get(signal));
    match handler {
        Some(handler) if !FAULTS.contains(&signal) => handler.install(signal, handle),
        _ => Err(io::Error::from(io::ErrorKind::InvalidInput)),
    }
}

/// The signals whose handlers are ours alone, so that they wake no task: a bit each, the lowest for
/// signal 1.
pub(crate) fn own_signals() -> u64 {
    let ours = (1..=MOST_SIGNALS).filter(|signal| HANDLERS[*signal].is_alone());
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
    // SAFETY: the arguments are the kernel's own.
    let passed_on = unsafe { HANDLERS[signal as usize].pass_on(signal, info, context) };
    // SAFETY: the kernel passes a valid siginfo.
    if !passed_on && !unsafe { may_be_dropped(signal, info) } {
        signals::set_default(signal);
        // SAFETY: async-signal-safe; the signal comes again when this returns.
        unsafe { libc::raise(signal) };
    }
    // SAFETY: errno is this thread's.
    unsafe { *libc::__errno_location() = errno };
}

/// Pauses the running task, whose code was interrupted at `sp`, if somebody waits for its window.
fn pause(worker: WorkerRef, sp: usize) {
    let Some(task) = worker.current.get() else { return };
    let window = task.header().image.window.get();
    // During a switch `current` is the next one already, and not all is in its place.
    if window.is_null() || worker.previous.get().is_some() {
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

/// Whether a signal without another handler has had its effect: it is one of ours, or its default
/// effect is none.
///
/// # Safety
///
/// `info` is the second argument of the running handler.
unsafe fn may_be_dropped(signal: libc::c_int, info: *const libc::siginfo_t) -> bool {
    // SAFETY: passed on; for a signal that was sent it names the sender.
    let ours = unsafe { (*info).si_code == SENT_TO_THREAD && (*info).si_pid() == libc::getpid() };
    ours || [libc::SIGURG, libc::SIGCHLD, libc::SIGWINCH, libc::SIGCONT].contains(&signal)
}
