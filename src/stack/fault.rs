//! Growth by guard fault, and stack overflow.
//!
//! A touch below the committed part of the running task's window raises SIGSEGV. The handler runs
//! on the worker's alternate signal stack, commits more of the window and returns; the access is
//! then repeated. An access below the limit is a stack overflow ([`super::overflow`]). Every other
//! fault goes to the handler that was there before, a wild pointer deep below the stack pointer
//! included.
//!
//! Guarantees: growing takes two system calls and nothing else (mprotect, madvise; where memory is
//! refused, a few pauses), errno is restored, and a fault that is not ours reaches the previous
//! handler as if midge were not there.
//!
//! Go: `runtime/stack.go` `newstack` (its prologue check is our guard) and `runtime/signal_unix.go`
//! `sighandler`.

use super::limits::page_size;
use super::mapping;
use super::overflow;
use super::window::{Commit, Window};
use crate::raw_print::Line;
use crate::signals::{self, Handler};
use std::io;
use std::mem;
use std::ptr;
use std::sync::OnceLock;

/// The window a fault lies in, and how to tell whose it is.
pub(crate) struct Faulting {
    pub(crate) window: *const Window,
    /// Writes `task 42 "name" (spawned at ...)` to the line.
    pub(crate) describe: fn(&mut Line),
    /// Called after the window has grown, on the thread that holds it.
    pub(crate) grown: fn(),
}

/// Finds the window of the running thread that contains an address. Async-signal-safe.
pub(crate) type Lookup = fn(address: usize) -> Option<Faulting>;

static HANDLER: Handler = Handler::new();
static LOOKUP: OnceLock<Lookup> = OnceLock::new();

/// Installs the handler for the whole process, once, ahead of the one that is there.
pub(crate) fn install(lookup: Lookup) {
    LOOKUP.get_or_init(|| lookup); // before the handler can run
    if let Err(error) = HANDLER.install(libc::SIGSEGV, handle) {
        panic!("cannot install the handler that grows stacks: {error}");
    }
}

unsafe extern "C" fn handle(
    signal: libc::c_int,
    info: *mut libc::siginfo_t,
    context: *mut libc::c_void,
) {
    let Some(lookup) = LOOKUP.get() else { return };
    // SAFETY: errno is this thread's, and the kernel passes a valid siginfo.
    let (errno, address, code) =
        unsafe { (*libc::__errno_location(), (*info).si_addr() as usize, (*info).si_code) };
    if overflow::is_dying() {
        overflow::give_up();
    }
    // A signal somebody sent (code <= 0) carries no fault address.
    // SAFETY: the kernel passed this context to this handler.
    if code > 0 && unsafe { may_be_stack(address, context) } {
        if let Some(faulting) = lookup(address) {
            // SAFETY: the lookup names a window of this thread, which is alive while it runs there.
            let window = unsafe { &*faulting.window };
            match window.commit_to(address) {
                Commit::Done { grown } => {
                    // Not grown: the page was there, so it is a fault of another kind (a jump to
                    // the stack, say), which repeating the access would not end.
                    if grown {
                        (faulting.grown)();
                        // SAFETY: errno is this thread's.
                        unsafe { *libc::__errno_location() = errno };
                        return;
                    }
                }
                Commit::OverLimit => overflow::die(window, &faulting, context),
                Commit::Refused => out_of_memory(window, &faulting),
            }
        }
    }
    // SAFETY: errno is this thread's; the arguments are the kernel's own.
    let passed_on = unsafe {
        *libc::__errno_location() = errno;
        HANDLER.pass_on(signal, info, context)
    };
    if !passed_on {
        // A fault comes again when the access is repeated after this return: the default effect takes
        // the process (and dumps core).
        signals::set_default(signal);
    }
}

/// How far below the stack pointer an access may be and still be one to the stack, in bytes: what
/// Linux's own stacks allowed until 4.20 (`arch/x86/mm/fault.c`), which covers red zones and
/// compilers that probe ahead.
const BELOW_STACK_POINTER: usize = 65_536 + 32 * size_of::<usize>();

/// Whether an access may have been to the stack of the code that was interrupted: a wild pointer
/// that happens to lie deep below in the same window is none.
///
/// # Safety
///
/// `context` is the third argument of the running handler.
unsafe fn may_be_stack(address: usize, context: *const libc::c_void) -> bool {
    // SAFETY: passed on.
    let sp = unsafe { crate::arch::stack_pointer_of(context) };
    address >= sp.saturating_sub(BELOW_STACK_POINTER)
}

fn out_of_memory(window: &Window, faulting: &Faulting) -> ! {
    let mut line = Line::new();
    line.text("midge: ");
    (faulting.describe)(&mut line);
    line.print();
    line = Line::new();
    line.text(": the system refuses more than ").decimal(window.committed_bytes() as u64);
    line.text(" bytes of stack (no memory left, or vm.max_map_count is reached)\n");
    line.text("fatal error: out of memory\n");
    line.print_and_abort()
}

/// The alternate signal stack of one worker thread, with a guard page below; restores the previous
/// one when dropped.
pub(crate) struct SignalStack {
    base: usize,
    size: usize,
    previous: libc::stack_t,
}

/// Room for the handler, for the handlers it chains to, for wide register files (AVX-512 state
/// alone is 2.5 KiB), and for the recursion that takes a symbol's name apart. Only what is touched
/// takes memory.
const SIGNAL_STACK: usize = 512 << 10;

impl SignalStack {
    /// Gives the calling thread a signal stack large enough for this handler.
    pub(crate) fn install() -> io::Result<SignalStack> {
        let guard = page_size();
        let size = guard + SIGNAL_STACK;
        let base = mapping::map_none(size)?;
        // From here on its drop gives the memory back.
        // SAFETY: all-zero is a valid stack_t.
        let mut stack = SignalStack { base, size, previous: unsafe { mem::zeroed() } };
        stack.previous.ss_flags = libc::SS_DISABLE;
        mapping::commit(base + guard, base + size)?;
        let new = libc::stack_t {
            ss_sp: (base + guard) as *mut libc::c_void,
            ss_flags: 0,
            ss_size: SIGNAL_STACK,
        };
        // SAFETY: the memory lives as long as this value, which restores the old stack when it
        // goes.
        if unsafe { libc::sigaltstack(&new, &mut stack.previous) } != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(stack)
    }
}

impl Drop for SignalStack {
    fn drop(&mut self) {
        // SAFETY: the previous stack is std's, which lives until the thread ends.
        unsafe { libc::sigaltstack(&self.previous, ptr::null_mut()) };
        mapping::unmap(self.base, self.size);
    }
}
