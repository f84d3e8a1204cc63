//! The processor architecture: switching stacks, and nothing else.
//!
//! Each architecture is one file in `asm/` with the same two symbols, `midge_switch` and
//! `midge_entry`, and one small file here that knows the layout of the frame they share
//! ([`init_stack`]), enters it ([`switch`]) and knows where a signal frame keeps the stack pointer. All else in midge is the same
//! everywhere.
//!
//! Guarantees: a switch keeps every register that the C ABI calls callee-saved, and the frame it
//! leaves on the stack is plain bytes without absolute addresses of its own, so it may be copied away
//! and back (frozen and thawed) while the context is parked.
//!
//! Go: `runtime/asm_*.s`, `gosave`/`gogo`/`mcall` and `newproc1`'s fake first frame.

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
#[path = "x86_64.rs"]
mod imp;

#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
compile_error!(
    "midge has no context switch for this target. Supported: x86_64 Linux \
     (asm/x86_64.s; add asm/<arch>.s and src/arch/<arch>.rs for another)."
);

pub(crate) use imp::{init_stack, prefetch, stack_pointer_of, switch};

/// The first function of a fresh context. It gets the `arg` of the switch that resumes the context.
pub(crate) type Entry = unsafe extern "C" fn(arg: usize) -> !;

#[cfg(test)]
mod tests {
    use super::*;

    /// A round trip between the test's stack and a small heap stack, with a value each way.
    #[test]
    fn switches_there_and_back_with_values() {
        struct Pair {
            host: usize,
            guest: usize,
            seen: Vec<usize>,
        }
        unsafe extern "C" fn guest(arg: usize) -> ! {
            let pair = arg as *mut Pair;
            let mut value = 0;
            loop {
                // SAFETY: `pair` outlives the guest, and only one of the two contexts runs at a time.
                value = unsafe {
                    (*pair).seen.push(value);
                    switch(&raw mut (*pair).guest, (*pair).host, value + 1)
                };
            }
        }
        let mut stack = vec![0u128; 4096];
        let top = stack.as_mut_ptr_range().end as usize;
        let mut pair = Pair { host: 0, guest: 0, seen: Vec::new() };
        // SAFETY: `top` is the 16-byte-aligned end of memory that is ours alone.
        pair.guest = unsafe { init_stack(top, guest) };
        let p = &raw mut pair;
        // SAFETY: the guest was just made, and afterwards is resumed where it last switched away.
        unsafe {
            assert_eq!(switch(&raw mut (*p).host, (*p).guest, p as usize), 1);
            for round in 1..1000 {
                let back = switch(&raw mut (*p).host, (*p).guest, round * 10);
                assert_eq!(back, round * 10 + 1);
            }
        }
        assert_eq!(pair.seen.len(), 1000);
        drop(stack);
    }
}
