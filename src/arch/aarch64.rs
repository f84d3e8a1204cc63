//! AArch64: the frame that `asm/aarch64.s` expects.

use super::Entry;

std::arch::global_asm!(include_str!("../../asm/aarch64.s"));

extern "C" {
    /// Never called from Rust: the address a fresh context starts at.
    fn midge_entry();
    fn midge_switch(save: *mut usize, to: usize, arg: usize) -> usize;
}

/// Saves the running context, stores its stack pointer in `*save`, and resumes the context saved at
/// `to`; that context's own call returns `arg`.
///
/// A plain call, answered by the `ret` of the resumed context: `asm/aarch64.s` says why that is
/// right here. (Inline assembly, as on x86-64, would have to declare v8 to v15 as changed, since it
/// cannot say that their lower halves are kept, and the compiler would save them once more in each
/// parked stack.)
///
/// # Safety
///
/// - `to` is a stack pointer that a switch stored or [`init_stack`] made, of a context that has not
///   been resumed since, whose stack bytes are in place, and that no other thread resumes.
/// - `save` stays valid until the store, and nobody resumes the saved context before the resumed
///   one has begun to run (the "finish the previous switch" rule).
/// - The caller holds nothing across the call that is tied to this thread, unless the context is
///   always resumed on it.
#[inline(always)]
pub(crate) unsafe fn switch(save: *mut usize, to: usize, arg: usize) -> usize {
    // SAFETY: the function keeps the C ABI as seen from here, and its own rules are the caller's
    // promise.
    unsafe { midge_switch(save, to, arg) }
}

/// Words of a saved context: x29, x30, x19 to x28, d8 to d15.
const FRAME_WORDS: usize = 20;

/// Lays out a context below `top` that will call `entry` when it is first resumed; returns its
/// stack pointer.
///
/// # Safety
///
/// `top` is 16-byte aligned, and the [`FRAME_WORDS`] words below it are writable and not in use.
pub(crate) unsafe fn init_stack(top: usize, entry: Entry) -> usize {
    debug_assert_eq!(top % 16, 0);
    // After the switch has popped the frame, sp is `top`.
    let sp = top - FRAME_WORDS * size_of::<usize>();
    let frame = sp as *mut usize;
    // SAFETY: the caller grants these words.
    unsafe {
        frame.write(0); // x29: the end of the frame-pointer chain
        frame.add(1).write(midge_entry as *const () as usize); // x30, where the switch returns to
        frame.add(2).write(entry as usize); // x19, which midge_entry calls
        for register in 3..FRAME_WORDS {
            frame.add(register).write(0); // nothing reads the others
        }
    }
    sp
}

/// What the ABI lets a function use below its stack pointer, in bytes. (None on Linux; other systems
/// on this architecture have such a zone.)
pub(crate) const RED_ZONE: usize = 0;

/// The stack pointer of the code a signal interrupted.
///
/// # Safety
///
/// `context` is the third argument of a running SA_SIGINFO handler.
pub(crate) unsafe fn stack_pointer_of(context: *const libc::c_void) -> usize {
    // SAFETY: the kernel passes a ucontext_t, by the caller's promise.
    unsafe { (*context.cast::<libc::ucontext_t>()).uc_mcontext.sp as usize }
}

/// Has the processor fetch the cache line of `address`, which may be any, without waiting for it.
#[inline(always)]
pub(crate) fn prefetch(address: *const u8) {
    // SAFETY: a prefetch has no effect on what the program can observe, whatever the address is.
    unsafe {
        std::arch::asm!(
            "prfm pldl1keep, [{address}]",
            address = in(reg) address,
            options(readonly, nostack, preserves_flags),
        );
    }
}
