//! A window: the range of addresses that code runs in.
//!
//! A window is reserved whole (no memory, no access), aligned to its size. Its top is committed at first;
//! a touch below the committed part faults, and the handler ([`super::fault`]) commits twice as much, up
//! to the limit. The low end is never committed: that is the guard. Tops are "coloured": moved down
//! by a different amount in each window, since at equal offsets from a 1 GiB boundary they
//! would all fall into the same few cache sets.
//!
//! Guarantees: the memory of a window, its resident and its count of bound tasks are touched by nobody but
//! its holder ([`super::ownership`]), which is what makes the `Cell`s sound.
//!
//! Go: `runtime/stack.go` `stackalloc` (a stack of its own for each goroutine) and `newstack` (growth).

use super::image::Image;
use super::limits::{page_size, window_size, COLOUR_SPAN, FIRST_COMMIT};
use super::ownership::Ownership;
use std::cell::Cell;
use std::io;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// What came of asking for more committed stack.
#[derive(Debug)]
pub(crate) enum Commit {
    /// The address is committed; `grown` says whether this call did it.
    Done { grown: bool },
    /// The address is below the limit.
    OverLimit,
    /// The system refused the memory.
    Refused,
}

/// A reserved range of addresses, and what its holder knows of it.
pub(crate) struct Window {
    pub(crate) ownership: Ownership,
    /// The task whose bytes are in the window. Only the holder touches it.
    pub(crate) resident: Cell<*const Image>,
    /// How many started tasks must run here. Only the holder touches it.
    pub(crate) bound: Cell<u32>,
    /// Whether this window is on a processor's list of free ones; a hint.
    pub(crate) listed: AtomicBool,
    /// Whether this window is for one pinned task at a time and never shared.
    pub(crate) private: bool,
    base: usize,
    size: usize,
    top: usize,
    limit: usize,
    /// The lowest committed address. Only the holder writes it (from its fault handler, too).
    committed: AtomicUsize,
}

// SAFETY: the Cells are touched only by the holder, and ownership passes from one to the next with
// Release and Acquire (see `ownership`).
unsafe impl Sync for Window {}
// SAFETY: as above; nothing in a window belongs to the thread that made it.
unsafe impl Send for Window {}

impl Window {
    /// Reserves a window for stacks of up to `limit` bytes and commits its top. The caller holds it.
    /// `number` chooses the colour.
    pub(crate) fn reserve(limit: usize, number: usize, private: bool) -> io::Result<Window> {
        let size = window_size(limit);
        let base = reserve_aligned(size)?;
        let end = base + size;
        let page = page_size();
        // 16 steps of a page and, within a page, 32 of a cache line. The line steps stay in the upper
        // half of the page, so that a shallow stack does not straddle two pages.
        let lines = (number.wrapping_mul(5) % 32) * 64;
        let pages = (number % 16) * page.min(COLOUR_SPAN / 16);
        let top = end - pages - lines;
        let low = (top - FIRST_COMMIT) & !(page - 1);
        let window = Window {
            ownership: Ownership::new_held(),
            resident: Cell::new(ptr::null()),
            bound: Cell::new(0),
            listed: AtomicBool::new(false),
            private,
            base,
            size,
            top,
            limit,
            committed: AtomicUsize::new(end),
        };
        // On an error here the window's Drop gives the range back.
        window.protect(low, end)?;
        window.committed.store(low, Ordering::Relaxed);
        Ok(window)
    }

    /// The highest address: where stacks in this window begin.
    pub(crate) fn top(&self) -> usize {
        self.top
    }

    /// The limit of a stack in this window, in bytes.
    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// The range `[low, high)` that a stack may use, the guard excluded.
    pub(crate) fn range(&self) -> (usize, usize) {
        (self.top - self.limit, self.top)
    }

    /// Whether `address` lies in the reserved range, guard included.
    pub(crate) fn contains(&self, address: usize) -> bool {
        address.wrapping_sub(self.base) < self.size
    }

    /// Bytes committed below the top.
    pub(crate) fn committed_bytes(&self) -> usize {
        // Relaxed: a figure for people, or read by the holder itself.
        self.top.saturating_sub(self.committed.load(Ordering::Relaxed))
    }

    /// Makes the window writable down to `address`, and by twice what it was if it has to grow.
    /// The caller holds the window. Async-signal-safe.
    pub(crate) fn commit_to(&self, address: usize) -> Commit {
        // Relaxed: written only by the holder.
        let low = self.committed.load(Ordering::Relaxed);
        if address >= low {
            return Commit::Done { grown: false };
        }
        let mask = !(page_size() - 1);
        let lowest = (self.top - self.limit) & mask;
        if address < self.top - self.limit {
            return Commit::OverLimit;
        }
        let doubled = self.top.saturating_sub((self.top - low) * 2);
        let wanted = (address & mask).min(doubled & mask).max(lowest);
        // When twice as much is not to be had, what the access needs may be.
        for target in [wanted, address & mask] {
            if self.protect(target, low).is_ok() {
                self.committed.store(target, Ordering::Relaxed);
                return Commit::Done { grown: true };
            }
        }
        Commit::Refused
    }

    fn protect(&self, low: usize, high: usize) -> io::Result<()> {
        debug_assert!(self.base < low && high <= self.base + self.size);
        // SAFETY: the range is inside this window, which is ours; committing changes no byte.
        let result = unsafe {
            libc::mprotect(low as *mut libc::c_void, high - low, libc::PROT_READ | libc::PROT_WRITE)
        };
        if result == 0 {
            Ok(())
        } else {
            Err(io::Error::last_os_error())
        }
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        // SAFETY: the range was reserved by `reserve`, and who drops a window has made sure that
        // no stack is in use there. A failure could only leak the range.
        unsafe { libc::munmap(self.base as *mut libc::c_void, self.size) };
    }
}

/// Reserves `size` bytes of addresses aligned to `size`.
fn reserve_aligned(size: usize) -> io::Result<usize> {
    let first = map_none(size)?;
    if first % size == 0 {
        return Ok(first); // the usual case from the second window on: it lies right below the first
    }
    unmap(first, size);
    let wide = map_none(size.checked_mul(2).ok_or(io::ErrorKind::OutOfMemory)?)?;
    let aligned = wide.next_multiple_of(size);
    unmap(wide, aligned - wide);
    unmap(aligned + size, wide + size - aligned);
    Ok(aligned)
}

fn map_none(size: usize) -> io::Result<usize> {
    // SAFETY: a new anonymous mapping at an address of the kernel's choice disturbs nobody.
    let address = unsafe {
        libc::mmap(
            ptr::null_mut(),
            size,
            libc::PROT_NONE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
            -1,
            0,
        )
    };
    if address == libc::MAP_FAILED {
        Err(io::Error::last_os_error())
    } else {
        Ok(address as usize)
    }
}

fn unmap(address: usize, size: usize) {
    if size > 0 {
        // SAFETY: a part of a mapping that this file has just made and nobody uses.
        unsafe { libc::munmap(address as *mut libc::c_void, size) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_by_doubling_up_to_the_limit() {
        let limit = 1_000_000;
        let window = Window::reserve(limit, 3, false).unwrap();
        assert_eq!(window.base % window.size, 0);
        let (low, top) = window.range();
        assert!(window.committed_bytes() >= FIRST_COMMIT);
        assert!(matches!(window.commit_to(top - 8), Commit::Done { grown: false }));
        assert!(matches!(
            window.commit_to(top - FIRST_COMMIT - 2 * page_size()),
            Commit::Done { grown: true }
        ));
        assert!(window.committed_bytes() >= 2 * FIRST_COMMIT);
        assert!(matches!(window.commit_to(low), Commit::Done { grown: true }));
        assert!(
            window.committed_bytes() >= limit && window.committed_bytes() < limit + page_size()
        );
        let below = (low & !(page_size() - 1)) - 1;
        assert!(matches!(window.commit_to(below), Commit::OverLimit));
        // SAFETY: just committed, and nobody else has the window.
        unsafe { (low as *mut u8).write(1) };
    }

    #[test]
    fn colours_differ_and_stay_in_the_upper_half_of_a_page() {
        let tops: Vec<_> = (0..64).map(|n| Window::reserve(1 << 20, n, false).unwrap()).collect();
        let mut colours: Vec<usize> = tops.iter().map(|w| w.top % w.size).collect();
        colours.sort_unstable();
        colours.dedup();
        assert!(colours.len() >= 32, "{}", colours.len());
        for window in &tops {
            let in_page = window.top % page_size();
            assert!(in_page == 0 || in_page >= 2048, "{in_page}");
            assert_eq!(window.top % 16, 0);
        }
    }
}
