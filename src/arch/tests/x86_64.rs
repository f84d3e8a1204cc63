//! x86-64: rbp, rbx, r12 to r15.

pub(super) const KEPT: usize = 6;
pub(super) const TGKILL: usize = libc::SYS_tgkill as usize;

std::arch::global_asm!(
    ".text",
    ".hidden midge_test_keep", // values: rdi, seen: rsi, call: rdx, arg: rcx
    ".globl midge_test_keep",
    "midge_test_keep:",
    "push rbp",
    "push rbx",
    "push r12",
    "push r13",
    "push r14",
    "push r15",
    "push rsi", // the seventh word, and the return address: aligned for the call
    "mov rbp, [rdi]",
    "mov rbx, [rdi + 8]",
    "mov r12, [rdi + 16]",
    "mov r13, [rdi + 24]",
    "mov r14, [rdi + 32]",
    "mov r15, [rdi + 40]",
    "mov rdi, rcx",
    "call rdx",
    "pop rsi",
    "mov [rsi], rbp",
    "mov [rsi + 8], rbx",
    "mov [rsi + 16], r12",
    "mov [rsi + 24], r13",
    "mov [rsi + 32], r14",
    "mov [rsi + 40], r15",
    "pop r15",
    "pop r14",
    "pop r13",
    "pop r12",
    "pop rbx",
    "pop rbp",
    "ret",
    ".hidden midge_test_raise", // number: rdi, process: rsi, thread: rdx, signal: rcx
    ".globl midge_test_raise",
    "midge_test_raise:",
    "mov rax, rdi",
    "mov rdi, rsi",
    "mov rsi, rdx",
    "mov rdx, rcx",
    "syscall",
    "mov rax, rsp",
    "ret",
);
