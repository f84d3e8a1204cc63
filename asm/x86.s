# The context switch for 32-bit x86, i386 System V ABI (Intel syntax).
#
# Two symbols, the same two for every architecture (src/arch/mod.rs says what they are for):
#
#   midge_switch(save: *mut usize /*eax*/, to: usize /*edx*/, arg: usize /*ecx*/) -> usize /*eax*/
#       Called by src/arch/x86.rs alone, so the arguments are in registers, not on the stack.
#       Saves the running context on its own stack, stores its stack pointer in *save, and resumes
#       the context whose saved stack pointer is `to`. The resumed call of midge_switch returns
#       `arg`.
#
#   midge_entry
#       Where a context that has never run begins: calls the function that src/arch put in the
#       saved ebx with `arg`, and never returns.
#
# What a saved context looks like, at its stack pointer (the lowest address first):
#
#       sp + 0   edi
#       sp + 4   esi
#       sp + 8   ebx         <- a fresh context: the entry function
#       sp + 12  ebp         <- a fresh context: 0, which ends a frame-pointer walk
#       sp + 16  eip         <- a fresh context: midge_entry
#       sp + 20              the stack pointer after the switch has returned
#
# There is no absolute address in here, so the code is position-independent. The x87 and SSE registers
# are all the caller's to save. The x87 control word and MXCSR are not saved, as on x86-64 and
# for the same reasons (asm/x86_64.s).
#
# The predicted return addresses of the processor stay in step, since each call of the switch is
# answered by one `ret`. (To jump in and out, as on x86-64, needs the address of the instruction after
# the switch, and position-independent code has none at hand here.) And it is mostly predicted
# right: tasks suspend in one function, so that the address returned to is the one that was pushed
# last, if on another stack.

        .text

        .globl  midge_switch
        .hidden midge_switch
        .type   midge_switch, @function
        .p2align 4
midge_switch:
        .cfi_startproc
        endbr32                         # an indirect-branch target under CET
        push    ebp                     # the four callee-saved registers; above them the return
        .cfi_adjust_cfa_offset 4        # address, pushed by the call
        .cfi_rel_offset ebp, 0
        push    ebx
        .cfi_adjust_cfa_offset 4
        .cfi_rel_offset ebx, 0
        push    esi
        .cfi_adjust_cfa_offset 4
        .cfi_rel_offset esi, 0
        push    edi
        .cfi_adjust_cfa_offset 4
        .cfi_rel_offset edi, 0
        mov     [eax], esp              # the running context is complete: publish its sp
        mov     esp, edx                # from here on the other stack. Its frame has the same
        pop     edi                     # shape, so the CFI rules above stay true across this line
        .cfi_adjust_cfa_offset -4
        .cfi_restore edi
        pop     esi
        .cfi_adjust_cfa_offset -4
        .cfi_restore esi
        pop     ebx
        .cfi_adjust_cfa_offset -4
        .cfi_restore ebx
        pop     ebp
        .cfi_adjust_cfa_offset -4
        .cfi_restore ebp
        mov     eax, ecx                # the value the resumed call returns
        ret
        .cfi_endproc
        .size   midge_switch, . - midge_switch

        .globl  midge_entry
        .hidden midge_entry
        .type   midge_entry, @function
        .p2align 4
midge_entry:
        .cfi_startproc
        .cfi_undefined eip              # the outermost frame: unwinders and debuggers stop here
        endbr32
        xor     ebp, ebp                # and so do walkers of frame pointers
        sub     esp, 12                 # src/arch left esp 16-byte aligned, and it has to be so
        push    eax                     # again at the call: 12 bytes, and the switch's `arg`, which
        call    ebx                     # is the entry function's argument
        ud2                             # the entry function never returns
        .cfi_endproc
        .size   midge_entry, . - midge_entry
