//! x86-64: the frame that `asm/x86_64.s` expects.

use super::Entry;

std::arch::global_asm!(include_str!("../../asm/x86_64.s"));

extern "C" {
    /// Never called from Rust: the address a fresh context starts at.
    fn midge_entry();
}

/// Words of a saved context: r15, r14, r13, r12, rbx, rbp, rip.
const FRAME_WORDS: usize = 7;

/// Lays out a context below `top` that will call `entry` when it is first resumed; returns its
/// stack pointer.
///
/// # Safety
///
/// `top` is 16-byte aligned, and the [`FRAME_WORDS`] words and 8 bytes below it are writable and not in use.
pub(crate) unsafe fn init_stack(top: usize, entry: Entry) -> usize {
    debug_assert_eq!(top % 16, 0);
    // After the switch has popped the frame, sp is `top`: aligned as the ABI asks before a `call`.
    let sp = top - FRAME_WORDS * size_of::<usize>();
    let frame = sp as *mut usize;
    // SAFETY: the caller grants these words.
    unsafe {
        for register in 0..4 {
            frame.add(register).write(0); // r15 to r12: nothing reads them
        }
        frame.add(4).write(entry as usize); // rbx, which midge_entry calls
        frame.add(5).write(0); // rbp: the end of the frame-pointer chain
        frame.add(6).write(midge_entry as *const () as usize);
    }
    sp
}

/// The stack pointer of the code a signal interrupted.
///
/// # Safety
///
/// `context` is the third argument of a running SA_SIGINFO handler.
pub(crate) unsafe fn stack_pointer_of(context: *const libc::c_void) -> usize {
    // SAFETY: the kernel passes a ucontext_t, by the caller's promise.
    unsafe {
        (*context.cast::<libc::ucontext_t>()).uc_mcontext.gregs[libc::REG_RSP as usize] as usize
    }
}
