# The context switch for x86-64, System V ABI (Intel syntax).
#
# Two symbols, the same two for every architecture (src/arch/mod.rs says what they are for):
#
#   midge_switch(save: *mut usize /*rdi*/, to: usize /*rsi*/, arg: usize /*rdx*/) -> usize /*rax*/
#       Entered by a jump, with the return address pushed as a call would (src/arch/x86_64.rs says why).
#       Saves the running context on its own stack, stores its stack pointer in *save, and resumes
#       the context whose saved stack pointer is `to`. The resumed call of midge_switch returns `arg`.
#
#   midge_entry
#       Where a context that has never run begins: calls the function that src/arch put in the
#       saved rbx with `arg`, and never returns.
#
# What a saved context looks like, at its stack pointer (the lowest address first):
#
#       sp + 0   r15
#       sp + 8   r14
#       sp + 16  r13
#       sp + 24  r12
#       sp + 32  rbx         <- a fresh context: the entry function
#       sp + 40  rbp         <- a fresh context: 0, which ends a frame-pointer walk
#       sp + 48  rip         <- a fresh context: midge_entry
#       sp + 56              the stack pointer after the switch has returned
#
# The ABI also names the x87 control word and the control bits of MXCSR as callee-saved. They are
# not saved: saving and restoring both costs 5 to 7 ns on top of a 3 to 4 ns switch on the machine this was
# written on (ldmxcsr and fldcw serialise), and Rust code may not change them at all (its reference
# calls a changed floating-point environment undefined behaviour). C code that changes them has to put
# them back before it comes to a suspension point, as between any two calls into Rust.

        .text

        .globl  midge_switch
        .hidden midge_switch
        .type   midge_switch, @function
        .p2align 4
midge_switch:
        .cfi_startproc
        endbr64                         # an indirect-branch target under CET
        push    rbp                     # the six callee-saved registers, the return address
        .cfi_adjust_cfa_offset 8        # (pushed by the call) above them
        .cfi_rel_offset rbp, 0
        push    rbx
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset rbx, 0
        push    r12
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset r12, 0
        push    r13
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset r13, 0
        push    r14
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset r14, 0
        push    r15
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset r15, 0
        mov     [rdi], rsp              # the running context is complete: publish its sp
        mov     rsp, rsi                # from here on the other stack. Its frame has the same
        pop     r15                     # shape, so the CFI rules above stay true across this line
        .cfi_adjust_cfa_offset -8
        .cfi_restore r15
        pop     r14
        .cfi_adjust_cfa_offset -8
        .cfi_restore r14
        pop     r13
        .cfi_adjust_cfa_offset -8
        .cfi_restore r13
        pop     r12
        .cfi_adjust_cfa_offset -8
        .cfi_restore r12
        pop     rbx
        .cfi_adjust_cfa_offset -8
        .cfi_restore rbx
        pop     rbp
        .cfi_adjust_cfa_offset -8
        .cfi_restore rbp
        mov     rax, rdx                # the value the resumed call returns
        pop     rcx                     # its return address, and then an indirect jump, not `ret`:
        .cfi_adjust_cfa_offset -8       # the processor predicts `ret` from the calls it has seen on
        .cfi_register rip, rcx          # this thread, which is wrong at each switch (12 ns; this: 3)
        jmp     rcx
        .cfi_endproc
        .size   midge_switch, . - midge_switch

        .globl  midge_entry
        .hidden midge_entry
        .type   midge_entry, @function
        .p2align 4
midge_entry:
        .cfi_startproc
        .cfi_undefined rip              # the outermost frame: unwinders and debuggers stop here
        endbr64
        xor     ebp, ebp                # and so do walkers of frame pointers
        mov     rdi, rax                # the switch's `arg` is the entry function's argument
        call    rbx                     # src/arch left sp 16-byte aligned here, as a call needs
        ud2                             # the entry function never returns
        .cfi_endproc
        .size   midge_entry, . - midge_entry
