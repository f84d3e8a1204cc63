//! The live bytes of a task that is paused in the middle of things, while its window is another's.
//!
//! They are kept in a mapping of their own, not in the task's block: all of this happens in a signal
//! handler, which may have interrupted the allocator.
//!
//! Guarantees: what is put back is what was taken, with what the ABI lets a function use below its
//! stack pointer. Nothing here takes a lock, or memory but from the system.
//!
//! Go: nothing; see [`turns`](super::turns).

use super::image::Image;
use super::mapping;
use super::window::{Commit, Window};
use std::ptr;

/// The stack of a task that is away.
pub(crate) struct Paused<'a> {
    window: &'a Window,
    resident: *const Image,
    /// Where the bytes are, where they belong, and how many there are.
    copy: usize,
    low: usize,
    length: usize,
}

impl<'a> Paused<'a> {
    /// Takes the bytes out of the window, in which nobody is resident then. None if the system has
    /// no memory for them.
    ///
    /// # Safety
    ///
    /// The code that stands on the window was interrupted at `sp` and does not go on before
    /// [`put_back`](Paused::put_back); the caller, on another stack of the same thread, holds the
    /// window.
    pub(crate) unsafe fn take_out(window: &'a Window, sp: usize) -> Option<Paused<'a>> {
        let low = window.in_use_from(sp);
        let length = window.top() - low;
        let copy = mapping::map_memory(length).ok()?;
        // SAFETY: from `low` on the window is committed, its code does not run, and the mapping is
        // new.
        unsafe { ptr::copy_nonoverlapping(low as *const u8, copy as *mut u8, length) };
        let resident = window.resident.replace(ptr::null());
        Some(Paused { window, resident, copy, low, length })
    }

    /// Puts them back where they were.
    ///
    /// # Safety
    ///
    /// The caller holds the window again, nobody is resident there, and nobody stands on it.
    pub(crate) unsafe fn put_back(self) {
        if !matches!(self.window.restore_to(self.low), Commit::Done { .. }) {
            crate::raw_print::Line::new()
                .text("midge: out of memory: cannot commit ")
                .decimal(self.length as u64)
                .text(" bytes for the stack of a task that was paused\nfatal error\n")
                .print_and_abort();
        }
        // SAFETY: committed just now, and by the caller's promise nobody's but the task's.
        unsafe {
            ptr::copy_nonoverlapping(self.copy as *const u8, self.low as *mut u8, self.length)
        };
        self.window.resident.set(self.resident);
        mapping::unmap(self.copy, self.length);
    }
}
