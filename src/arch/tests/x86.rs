//! 32-bit x86: ebp, ebx, esi, edi. The arguments are on the stack.

pub(super) const KEPT: usize = 4;
pub(super) const TGKILL: usize = libc::SYS_tgkill as usize;

std::arch::global_asm!(
    ".text",
    ".hidden midge_test_keep",
    ".globl midge_test_keep",
    "midge_test_keep:",
    "push ebp",
    "push ebx",
    "push esi",
    "push edi",
    "mov eax, [esp + 20]", // values
    "mov ecx, [esp + 28]", // call
    "mov edx, [esp + 32]", // arg
    "mov ebp, [eax]",
    "mov ebx, [eax + 4]",
    "mov esi, [eax + 8]",
    "mov edi, [eax + 12]",
    "sub esp, 8", // with the argument, four words and the return address: aligned for the call
    "push edx",
    "call ecx",
    "add esp, 12",
    "mov eax, [esp + 24]", // seen
    "mov [eax], ebp",
    "mov [eax + 4], ebx",
    "mov [eax + 8], esi",
    "mov [eax + 12], edi",
    "pop edi",
    "pop esi",
    "pop ebx",
    "pop ebp",
    "ret",
    ".hidden midge_test_raise",
    ".globl midge_test_raise",
    "midge_test_raise:",
    "push ebx",
    "mov eax, [esp + 8]",  // number
    "mov ebx, [esp + 12]", // process
    "mov ecx, [esp + 16]", // thread
    "mov edx, [esp + 20]", // signal
    "int 0x80",
    "mov eax, esp",
    "pop ebx",
    "ret",
);
