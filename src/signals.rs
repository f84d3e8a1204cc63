//! Handlers of signals: installed for the whole process, ahead of those that are there.
//!
//! Guarantees: a handler never runs before it is known whom it has to pass signals on to; and whom it
//! passes one on to gets it as if midge were not there.
//!
//! Go: `runtime/signal_unix.go` `initsig`, `setsig`, `sigFwdGo`.

use crate::lock::Mutex;
use std::io;
use std::mem::{self, MaybeUninit};
use std::ptr;
use std::sync::OnceLock;

/// What handles a signal.
pub(crate) type Function =
    unsafe extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void);

/// The signals that report what the thread itself has done.
pub(crate) const FAULTS: [libc::c_int; 7] = [
    libc::SIGSEGV,
    libc::SIGBUS,
    libc::SIGFPE,
    libc::SIGILL,
    libc::SIGTRAP,
    libc::SIGABRT,
    libc::SIGSYS,
];

/// Our handler of one signal.
pub(crate) struct Handler {
    previous: OnceLock<libc::sigaction>,
    active: Mutex<bool>,
}

impl Handler {
    pub(crate) const fn new() -> Handler {
        Handler { previous: OnceLock::new(), active: Mutex::new(false) }
    }

    /// Installs `function` for the whole process, once. It runs on the alternate stack of its thread,
    /// and interrupts no system call that can be begun anew.
    pub(crate) fn install(&self, signal: libc::c_int, function: Function) -> io::Result<()> {
        let mut active = self.active.lock();
        if *active {
            return Ok(());
        }
        let mut previous = MaybeUninit::<libc::sigaction>::zeroed();
        // SAFETY: asking for the present handler changes nothing.
        check(unsafe { libc::sigaction(signal, ptr::null(), previous.as_mut_ptr()) })?;
        // SAFETY: filled by the system.
        self.previous.get_or_init(|| unsafe { previous.assume_init() });
        // SAFETY: `function` is a handler, and the struct is filled as the kernel asks.
        unsafe {
            let mut action: libc::sigaction = mem::zeroed();
            action.sa_sigaction = function as usize;
            action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_RESTART;
            libc::sigemptyset(&mut action.sa_mask);
            check(libc::sigaction(signal, &action, ptr::null_mut()))?;
        }
        *active = true;
        Ok(())
    }

    /// Whether it has been installed where no other handler was.
    pub(crate) fn is_alone(&self) -> bool {
        let previous = self.previous.get().map(|previous| previous.sa_sigaction);
        matches!(previous, Some(libc::SIG_DFL | libc::SIG_IGN))
    }

    /// Calls the handler that was there before. False if there was none, and the signal had its default
    /// effect; true also if it was ignored.
    ///
    /// # Safety
    ///
    /// The arguments are those the kernel passed to the running handler.
    pub(crate) unsafe fn pass_on(
        &self,
        signal: libc::c_int,
        info: *mut libc::siginfo_t,
        context: *mut libc::c_void,
    ) -> bool {
        let Some(previous) = self.previous.get() else { return true };
        match previous.sa_sigaction {
            libc::SIG_DFL => return false,
            libc::SIG_IGN => {}
            handler if previous.sa_flags & libc::SA_SIGINFO != 0 => {
                // SAFETY: SA_SIGINFO says that the handler has this type.
                let handler: Function = unsafe { mem::transmute(handler) };
                // SAFETY: passed on.
                unsafe { handler(signal, info, context) };
            }
            handler => {
                // SAFETY: without SA_SIGINFO the handler has this type.
                let handler: extern "C" fn(libc::c_int) = unsafe { mem::transmute(handler) };
                handler(signal);
            }
        }
        true
    }
}

/// Gives a signal its default effect from now on. Async-signal-safe.
pub(crate) fn set_default(signal: libc::c_int) {
    // SAFETY: all-zero but for the disposition is a valid sigaction, and restoring the default is
    // async-signal-safe.
    unsafe {
        let mut default: libc::sigaction = mem::zeroed();
        default.sa_sigaction = libc::SIG_DFL;
        libc::sigaction(signal, &default, ptr::null_mut());
    }
}

fn check(result: libc::c_int) -> io::Result<()> {
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}
