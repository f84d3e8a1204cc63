//! The processor architecture: switching stacks, and nothing else.
//!
//! Each architecture is one file in `asm/` with the same two symbols, `midge_switch` and
//! `midge_entry`, and one small file here that knows the layout of the frame they share
//! ([`init_stack`]), enters it ([`switch`]), and knows the stack of code that a signal interrupted:
//! where it ends ([`stack_pointer_of`]) and what it may have in use beyond ([`RED_ZONE`]). All else
//! in midge is the same everywhere.
//!
//! Guarantees: a switch keeps every register that the C ABI calls callee-saved, and the frame it
//! leaves on the stack is plain bytes without absolute addresses of its own, so it may be copied
//! away and back (frozen and thawed) while the context is parked.
//!
//! Go: `runtime/asm_*.s`, `gosave`/`gogo`/`mcall` and `newproc1`'s fake first frame.

#[cfg(all(target_os = "linux", target_arch = "x86_64", target_pointer_width = "64"))]
#[path = "x86_64.rs"]
mod imp;

#[cfg(all(
    target_os = "linux",
    target_arch = "aarch64",
    target_pointer_width = "64",
    target_endian = "little"
))]
#[path = "aarch64.rs"]
mod imp;

#[cfg(all(target_os = "linux", target_arch = "x86"))]
#[path = "x86.rs"]
mod imp;

// For builds without cargo: with it, build.rs has named the targets that there are.
#[cfg(not(all(
    target_os = "linux",
    any(
        all(any(target_arch = "x86_64", target_arch = "aarch64"), target_pointer_width = "64"),
        target_arch = "x86"
    ),
    target_endian = "little"
)))]
compile_error!(
    "midge does not support this target. It runs on Linux on x86_64, aarch64 (little endian) and \
     x86 (i686), and not on macOS or Windows."
);

#[cfg(test)]
mod tests;

pub(crate) use imp::{init_stack, prefetch, stack_pointer_of, switch, RED_ZONE};

/// The first function of a fresh context. It gets the `arg` of the switch that resumes the context.
pub(crate) type Entry = unsafe extern "C" fn(arg: usize) -> !;
