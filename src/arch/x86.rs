//! 32-bit x86: the frame that `asm/x86.s` expects.

use super::Entry;

std::arch::global_asm!(include_str!("../../asm/x86.s"));

extern "C" {
    /// Never called from Rust: the address a fresh context starts at.
    fn midge_entry();
    /// Entered by [`switch`] alone: its arguments are not where the C ABI has them.
    fn midge_switch();
}

/// Saves the running context, stores its stack pointer in `*save`, and resumes the context saved at
/// `to`; that context's own call returns `arg`.
///
/// A call, answered by the `ret` of the resumed context: `asm/x86.s` says why. Its arguments are in
/// registers, so that no parked stack keeps them.
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
    let word;
    // SAFETY: the stack may be pushed to (there is no red zone in this ABI), arguments and result
    // are where `midge_switch` has them, and all registers that it does not keep are declared as
    // changed.
    unsafe {
        std::arch::asm!(
            "call {switch}",
            switch = sym midge_switch,
            inlateout("eax") save => word,
            in("edx") to,
            in("ecx") arg,
            clobber_abi("C"),
        );
    }
    word
}

/// Words of a saved context: edi, esi, ebx, ebp, eip.
const FRAME_WORDS: usize = 5;

/// Lays out a context below `top` that will call `entry` when it is first resumed; returns its
/// stack pointer.
///
/// # Safety
///
/// `top` is 16-byte aligned, and the [`FRAME_WORDS`] words below it are writable and not in use.
pub(crate) unsafe fn init_stack(top: usize, entry: Entry) -> usize {
    debug_assert_eq!(top % 16, 0);
    // After the switch has popped the frame, sp is `top`: midge_entry counts on its alignment.
    let sp = top - FRAME_WORDS * size_of::<usize>();
    let frame = sp as *mut usize;
    // SAFETY: the caller grants these words.
    unsafe {
        frame.write(0); // edi and esi: nothing reads them
        frame.add(1).write(0);
        frame.add(2).write(entry as usize); // ebx, which midge_entry calls
        frame.add(3).write(0); // ebp: the end of the frame-pointer chain
        frame.add(4).write(midge_entry as *const () as usize); // where the switch returns to
    }
    sp
}

/// What the ABI lets a function use below its stack pointer, in bytes.
pub(crate) const RED_ZONE: usize = 0;

/// The stack pointer of the code a signal interrupted.
///
/// # Safety
///
/// `context` is the third argument of a running SA_SIGINFO handler.
pub(crate) unsafe fn stack_pointer_of(context: *const libc::c_void) -> usize {
    // SAFETY: the kernel passes a ucontext_t, by the caller's promise.
    let registers = unsafe { &(*context.cast::<libc::ucontext_t>()).uc_mcontext.gregs };
    registers[libc::REG_ESP as usize] as usize
}

/// Has the processor fetch the cache line of `address`, which may be any, without waiting for it.
///
/// (Not by the intrinsic, which a build for processors without SSE does not inline. Those take the
/// instruction for a no-op.)
#[inline(always)]
pub(crate) fn prefetch(address: *const u8) {
    // SAFETY: a prefetch has no effect on what the program can observe, whatever the address is.
    unsafe {
        std::arch::asm!(
            "prefetcht0 [{address}]",
            address = in(reg) address,
            options(readonly, nostack, preserves_flags),
        );
    }
}
