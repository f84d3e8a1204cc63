//! What C compilers make and rustc does not: frames larger than a page that nobody probes.

#![allow(dead_code)] // Each test file that has this uses a part of it.

use std::arch::global_asm;

extern "C" {
    /// Calls itself with frames of 10,000 bytes that it does not touch, but for the return addresses.
    pub fn recurse_without_end();
    /// Makes a frame of `size` bytes as `alloca` does, in one step, then calls a function (whose return
    /// address is the first touch), then writes the frame's lowest and highest words. Returns
    /// `size`.
    pub fn frame_of(size: usize) -> usize;
    /// `read(descriptor, buffer, size)` with a buffer of `size` bytes in its own frame that nothing has
    /// touched before the call. Returns what `read` returns, or -1 if the buffer's last byte is not 7.
    pub fn read_into_frame(descriptor: i32, size: usize) -> isize;
}

#[cfg(target_arch = "x86_64")]
global_asm!(
    ".globl recurse_without_end",
    ".type recurse_without_end, @function",
    "recurse_without_end:",
    ".cfi_startproc",
    "sub rsp, 10008",
    ".cfi_adjust_cfa_offset 10008",
    "call recurse_without_end",
    "add rsp, 10008",
    ".cfi_adjust_cfa_offset -10008",
    "ret",
    ".cfi_endproc",
    ".size recurse_without_end, . - recurse_without_end",
    ".type foreign_return, @function",
    "foreign_return:",
    ".cfi_startproc",
    "ret",
    ".cfi_endproc",
    ".size foreign_return, . - foreign_return",
    ".globl frame_of",
    ".type frame_of, @function",
    "frame_of:",
    ".cfi_startproc",
    "push rbp",
    ".cfi_adjust_cfa_offset 8",
    ".cfi_rel_offset rbp, 0",
    "mov rbp, rsp",
    ".cfi_def_cfa_register rbp",
    "sub rsp, rdi",
    "and rsp, -16",
    "call foreign_return",
    "mov qword ptr [rsp], 1",
    "mov qword ptr [rbp - 16], 2",
    "mov rax, rdi",
    "leave",
    ".cfi_def_cfa rsp, 8",
    "ret",
    ".cfi_endproc",
    ".size frame_of, . - frame_of",
    ".globl read_into_frame",
    ".type read_into_frame, @function",
    "read_into_frame:",
    ".cfi_startproc",
    "push rbp",
    ".cfi_adjust_cfa_offset 8",
    ".cfi_rel_offset rbp, 0",
    "mov rbp, rsp",
    ".cfi_def_cfa_register rbp",
    "push rbx",
    "push r12",
    "mov rbx, rsi",
    "sub rsp, rsi",
    "and rsp, -16",
    "mov r12, rsp",
    "mov rdx, rsi",
    "mov rsi, rsp",
    "call {read}",
    "cmp byte ptr [r12 + rbx - 1], 7",
    "je 2f",
    "mov rax, -1",
    "2:",
    "lea rsp, [rbp - 16]",
    "pop r12",
    "pop rbx",
    "pop rbp",
    ".cfi_def_cfa rsp, 8",
    "ret",
    ".cfi_endproc",
    ".size read_into_frame, . - read_into_frame",
    read = sym libc::read,
);
