//! x86-64: the frame that `asm/x86_64.s` expects.

use super::Entry;

std::arch::global_asm!(include_str!("../../asm/x86_64.s"));

extern "C" {
    /// Never called from Rust: the address a fresh context starts at.
    fn midge_entry();
    /// Entered by [`switch`] alone.
    fn midge_switch(save: *mut usize, to: usize, arg: usize) -> usize;
}

/// Saves the running context, stores its stack pointer in `*save`, and resumes the context saved at
/// `to`; that context's own call returns `arg`.
///
/// It pushes the return address and *jumps* to `midge_switch`, which jumps back, so that the
/// processor's stack of predicted return addresses stays in step: the callers that the resumed
/// context now returns to are, as a rule, the same functions that the suspended one came through.
/// With a `call`, each of those returns is mispredicted.
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
    // SAFETY: as a call of `midge_switch` would be: the stack is aligned for one and may be pushed
    // to, arguments and result are where the C ABI has them, and all registers that it lets a
    // function change are declared as changed.
    unsafe {
        std::arch::asm!(
            "lea rax, [rip + 2f]",
            "push rax",
            "jmp {switch}",
            "2:",
            switch = sym midge_switch,
            in("rdi") save,
            in("rsi") to,
            in("rdx") arg,
            lateout("rax") word,
            clobber_abi("C"),
        );
    }
    word
}

/// Words of a saved context: r15, r14, r13, r12, rbx, rbp, rip.
const FRAME_WORDS: usize = 7;

/// Lays out a context below `top` that will call `entry` when it is first resumed; returns its
/// stack pointer.
///
/// # Safety
///
/// `top` is 16-byte aligned, and the [`FRAME_WORDS`] words and 8 bytes below it are writable and
/// not in use.
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

/// What the ABI lets a function use below its stack pointer, in bytes.
pub(crate) const RED_ZONE: usize = 128;

/// The stack pointer of the code a signal interrupted.
///
/// # Safety
///
/// `context` is the third argument of a running SA_SIGINFO handler.
pub(crate) unsafe fn stack_pointer_of(context: *const libc::c_void) -> usize {
    // SAFETY: the kernel passes a ucontext_t, by the caller's promise.
    let registers = unsafe { &(*context.cast::<libc::ucontext_t>()).uc_mcontext.gregs };
    registers[libc::REG_RSP as usize] as usize
}

/// Has the processor fetch the cache line of `address`, which may be any, without waiting for it.
#[inline(always)]
pub(crate) fn prefetch(address: *const u8) {
    // SAFETY: a prefetch has no effect on what the program can observe, whatever the address is.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(address.cast())
    };
}
