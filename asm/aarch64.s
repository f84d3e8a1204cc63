// The context switch for AArch64 (AAPCS64), little endian.
//
// Two symbols, the same two for every architecture (src/arch/mod.rs says what they are for):
//
//   midge_switch(save: *mut usize /*x0*/, to: usize /*x1*/, arg: usize /*x2*/) -> usize /*x0*/
//       Called. Saves the running context on its own stack, stores its stack pointer in *save,
//       and resumes the context whose saved stack pointer is `to`. The resumed call of
//       midge_switch returns `arg`.
//
//   midge_entry
//       Where a context that has never run begins: calls the function that src/arch put in the
//       saved x19 with `arg`, and never returns.
//
// What a saved context looks like, at its stack pointer (the lowest address first):
//
//       sp + 0    x29        <- a fresh context: 0, which ends a frame-pointer walk
//       sp + 8    x30        <- a fresh context: midge_entry
//       sp + 16   x19        <- a fresh context: the entry function
//       sp + 24   x20, and so on up to
//       sp + 88   x28
//       sp + 96   d8, and so on up to
//       sp + 152  d15        (of v8 to v15 a function has to keep the lower half alone)
//       sp + 160             the stack pointer after the switch has returned
//
// The first two words are a frame record as the ABI has it, so that a parked stack can be walked
// from its saved stack pointer. It is always a multiple of 16, as the processor insists.
//
// x18 belongs to the platform, and nothing here reads or writes it. FPCR is not saved, like MXCSR
// on x86-64 and for the same reasons (asm/x86_64.s).
//
// Branch protection: `bti c` marks what is called (a no-op where there is no BTI). The switch ends in
// `ret`, which BTI leaves alone, so neither midge_entry nor the code after a call of the switch
// needs a mark. Return addresses are not signed here: a caller that signs its own has done so before
// and checks it afterwards with the same sp, as a stack always comes back to its addresses.
//
// The predicted return addresses of the processor stay in step, since each call of the switch is
// answered by one `ret`. And it is mostly predicted right: tasks suspend in one function, so that
// the address returned to is the one that was pushed last, if on another stack.

        .text

        .globl  midge_switch
        .hidden midge_switch
        .type   midge_switch, %function
        .p2align 4
midge_switch:
        .cfi_startproc
        hint    #34                     // bti c
        stp     x29, x30, [sp, #-160]!
        .cfi_def_cfa_offset 160
        .cfi_offset x29, -160
        .cfi_offset x30, -152
        stp     x19, x20, [sp, #16]
        .cfi_offset x19, -144
        .cfi_offset x20, -136
        stp     x21, x22, [sp, #32]
        .cfi_offset x21, -128
        .cfi_offset x22, -120
        stp     x23, x24, [sp, #48]
        .cfi_offset x23, -112
        .cfi_offset x24, -104
        stp     x25, x26, [sp, #64]
        .cfi_offset x25, -96
        .cfi_offset x26, -88
        stp     x27, x28, [sp, #80]
        .cfi_offset x27, -80
        .cfi_offset x28, -72
        stp     d8, d9, [sp, #96]
        .cfi_offset b8, -64
        .cfi_offset b9, -56
        stp     d10, d11, [sp, #112]
        .cfi_offset b10, -48
        .cfi_offset b11, -40
        stp     d12, d13, [sp, #128]
        .cfi_offset b12, -32
        .cfi_offset b13, -24
        stp     d14, d15, [sp, #144]
        .cfi_offset b14, -16
        .cfi_offset b15, -8
        mov     x9, sp
        str     x9, [x0]                // the running context is complete: publish its sp
        mov     sp, x1                  // from here on the other stack. Its frame has the same
        mov     x0, x2                  // shape, so the CFI rules above stay true across this line
        ldp     d14, d15, [sp, #144]    // (x0: the value the resumed call returns)
        .cfi_restore b14
        .cfi_restore b15
        ldp     d12, d13, [sp, #128]
        .cfi_restore b12
        .cfi_restore b13
        ldp     d10, d11, [sp, #112]
        .cfi_restore b10
        .cfi_restore b11
        ldp     d8, d9, [sp, #96]
        .cfi_restore b8
        .cfi_restore b9
        ldp     x27, x28, [sp, #80]
        .cfi_restore x27
        .cfi_restore x28
        ldp     x25, x26, [sp, #64]
        .cfi_restore x25
        .cfi_restore x26
        ldp     x23, x24, [sp, #48]
        .cfi_restore x23
        .cfi_restore x24
        ldp     x21, x22, [sp, #32]
        .cfi_restore x21
        .cfi_restore x22
        ldp     x19, x20, [sp, #16]
        .cfi_restore x19
        .cfi_restore x20
        ldp     x29, x30, [sp], #160
        .cfi_restore x29
        .cfi_restore x30
        .cfi_def_cfa_offset 0
        ret
        .cfi_endproc
        .size   midge_switch, . - midge_switch

        .globl  midge_entry
        .hidden midge_entry
        .type   midge_entry, %function
        .p2align 4
midge_entry:
        .cfi_startproc
        .cfi_undefined x30              // the outermost frame: unwinders and debuggers stop here
        hint    #38                     // bti jc, should anything but the switch ever lead here
        mov     x29, xzr                // and so do walkers of frame pointers
        mov     x30, xzr
        blr     x19                     // x0 is the switch's `arg`: the entry function's argument
        brk     #1                      // the entry function never returns
        .cfi_endproc
        .size   midge_entry, . - midge_entry
