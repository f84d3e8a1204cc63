//! A window: the range of addresses that code runs in.
//!
//! A window is reserved whole (no memory, no access), aligned to its size. Its top is committed at
//! first; a touch below the committed part faults, and the handler ([`super::fault`]) commits twice
//! as much, up to the limit. The low end is never committed: that is the guard. Tops are
//! "coloured": moved down by a different amount in each window, since at equal offsets from a 1 GiB
//! boundary they would all fall into the same few cache sets.
//!
//! Guarantees: the memory of a window, its resident and its count of bound tasks are touched by
//! nobody but its holder ([`super::ownership`]), which is what makes the `Cell`s sound.
//!
//! Go: `runtime/stack.go` `stackalloc` (a stack of its own for each goroutine) and `newstack`
//! (growth).

use super::image::Image;
use super::limits::{page_size, window_size, COLOUR_SPAN, FIRST_COMMIT, GUARD, HUGE_DEPTH};
use super::mapping;
use super::ownership::Ownership;
use super::trim::History;
use super::turns::Turns;
use crate::arch::RED_ZONE;
use std::cell::Cell;
use std::io;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::Arc;

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

/// The mappings of a window: the reserved part and the committed one.
const MAPPINGS: usize = 2;

/// What the windows of one runtime have in common.
#[derive(Debug)]
pub(crate) struct Shape {
    /// Bytes of addresses of each: a power of two.
    size: usize,
    /// The limit of a stack, in bytes. It may change while stacks grow.
    limit: AtomicUsize,
    huge_pages: bool,
}

impl Shape {
    /// Windows that hold stacks of `limit` bytes.
    pub(crate) fn new(limit: usize, huge_pages: bool) -> Shape {
        Shape { size: window_size(limit), limit: AtomicUsize::new(limit), huge_pages }
    }

    /// Bytes of addresses that each window takes.
    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// The largest limit these windows can hold, in bytes.
    pub(crate) fn capacity(&self) -> usize {
        self.size - COLOUR_SPAN - GUARD
    }

    /// The limit of a stack, in bytes.
    pub(crate) fn limit(&self) -> usize {
        // Relaxed: it guards nothing; whoever changes it does so for growth to come.
        self.limit.load(Ordering::Relaxed)
    }

    /// Changes the limit; returns the one before. The caller has compared it with `capacity`.
    pub(crate) fn set_limit(&self, limit: usize) -> usize {
        debug_assert!(limit <= self.capacity());
        self.limit.swap(limit, Ordering::Relaxed) // as in `limit`
    }
}

/// A reserved range of addresses, and what its holder knows of it.
pub(crate) struct Window {
    pub(crate) ownership: Ownership,
    /// For those who were paused here.
    pub(crate) turns: Turns,
    /// The task whose bytes are in the window. Only the holder touches it.
    pub(crate) resident: Cell<*const Image>,
    /// How many started tasks must run here. Only the holder touches it.
    pub(crate) bound: Cell<u32>,
    /// Whether this window is on a processor's list of free ones; a hint.
    pub(crate) listed: AtomicBool,
    /// Whether this window is for one pinned task at a time and never shared.
    pub(crate) private: bool,
    /// For [`trim`](super::trim).
    pub(crate) history: History,
    /// Whether the part below the first 2 MiB is a mapping of its own. Only the holder touches it.
    advised: Cell<bool>,
    shape: Arc<Shape>,
    base: usize,
    top: usize,
    /// The lowest committed address. Only the holder writes it (from its fault handler, too).
    committed: AtomicUsize,
}

// SAFETY: the Cells are touched only by the holder, and ownership passes from one to the next with
// Release and Acquire (see `ownership`).
unsafe impl Sync for Window {}
// SAFETY: as above; nothing in a window belongs to the thread that made it.
unsafe impl Send for Window {}

impl Window {
    /// Reserves a window and commits its top. The caller holds it. `number` chooses the colour.
    pub(crate) fn reserve(shape: &Arc<Shape>, number: usize, private: bool) -> io::Result<Window> {
        if !mapping::take(MAPPINGS) {
            return Err(io::Error::new(io::ErrorKind::OutOfMemory, "vm.max_map_count is reached"));
        }
        let base =
            mapping::reserve_aligned(shape.size).inspect_err(|_| mapping::give_back(MAPPINGS))?;
        let end = base + shape.size;
        let page = page_size();
        // 16 steps of a page and, within a page, 32 of a cache line. The line steps stay in the
        // upper half of the page, so that a shallow stack does not straddle two pages.
        let lines = (number.wrapping_mul(5) % 32) * 64;
        let pages = (number % 16) * page.min(COLOUR_SPAN / 16);
        let top = end - pages - lines;
        let low = (top - FIRST_COMMIT) & !(page - 1);
        let window = Window {
            ownership: Ownership::new_held(),
            turns: Turns::new(),
            resident: Cell::new(ptr::null()),
            bound: Cell::new(0),
            listed: AtomicBool::new(false),
            private,
            history: History::new(),
            advised: Cell::new(false),
            shape: shape.clone(),
            base,
            top,
            committed: AtomicUsize::new(end),
        };
        // On an error here the window's Drop gives the range back.
        mapping::commit(low, end)?;
        window.committed.store(low, Ordering::Relaxed); // nobody else has it yet
        Ok(window)
    }

    /// The highest address: where stacks in this window begin.
    pub(crate) fn top(&self) -> usize {
        self.top
    }

    /// The limit of a stack in this window, in bytes.
    pub(crate) fn limit(&self) -> usize {
        self.shape.limit()
    }

    /// The range `[low, high)` that a stack may use, the guard excluded.
    pub(crate) fn range(&self) -> (usize, usize) {
        (self.top - self.limit(), self.top)
    }

    /// Whether `address` lies in the reserved range, guard included.
    pub(crate) fn contains(&self, address: usize) -> bool {
        address.wrapping_sub(self.base) < self.shape.size
    }

    /// Whether somebody waits for the window, or wants it back. A hint for all but the holder.
    pub(crate) fn is_wanted(&self) -> bool {
        self.ownership.anybody_waits() || self.turns.anybody_claims()
    }

    /// The lowest address that code which is at `sp` here has in use. The caller holds the window.
    pub(crate) fn in_use_from(&self, sp: usize) -> usize {
        // Relaxed: written only by the holder.
        (sp - RED_ZONE).max(self.committed.load(Ordering::Relaxed))
    }

    /// Bytes committed below the top.
    pub(crate) fn committed_bytes(&self) -> usize {
        // Relaxed: a figure for people, or read by the holder itself.
        self.top.saturating_sub(self.committed.load(Ordering::Relaxed))
    }

    /// Makes the window writable down to `address`, and by twice what it was if it has to grow, up
    /// to the limit. The caller holds the window. Async-signal-safe.
    pub(crate) fn commit_to(&self, address: usize) -> Commit {
        self.commit_patiently(address, self.limit())
    }

    /// The same for bytes that come back to where they were, whatever the limit is now.
    pub(crate) fn restore_to(&self, address: usize) -> Commit {
        self.commit_patiently(address, self.shape.capacity())
    }

    /// Where the system has no memory left, others are asked to give back what they can spare.
    fn commit_patiently(&self, address: usize, limit: usize) -> Commit {
        match self.commit_within(address, limit) {
            Commit::Refused => {}
            done => return done,
        }
        WAITING_FOR_MEMORY.fetch_add(1, Ordering::Relaxed); // see `memory_is_short`
        let mut commit = Commit::Refused;
        for _ in 0..TRIES {
            let pause = libc::timespec { tv_sec: 0, tv_nsec: PAUSE_MS * 1_000_000 };
            // SAFETY: async-signal-safe, with a valid argument.
            unsafe { libc::nanosleep(&pause, ptr::null_mut()) };
            commit = self.commit_within(address, limit);
            if !matches!(commit, Commit::Refused) {
                break;
            }
        }
        WAITING_FOR_MEMORY.fetch_sub(1, Ordering::Relaxed);
        commit
    }

    fn commit_within(&self, address: usize, limit: usize) -> Commit {
        // Relaxed: written only by the holder.
        let low = self.committed.load(Ordering::Relaxed);
        if address >= low {
            return Commit::Done { grown: false };
        }
        let mask = !(page_size() - 1);
        let lowest = self.top - limit;
        if address < lowest {
            return Commit::OverLimit;
        }
        let doubled = self.top.saturating_sub((self.top - low) * 2);
        let mut wanted = (address & mask).min(doubled & mask).max(lowest & mask);
        // The top of a stack is for the many small ones. Deeper, a huge page costs a third of the
        // small ones it stands for.
        let deep = self.base + self.shape.size - HUGE_DEPTH;
        if self.shape.huge_pages && wanted < deep {
            wanted = (wanted & !(HUGE_DEPTH - 1)).max(lowest & mask); // whole ones
        }
        let needed = address & mask;
        let mut target = wanted;
        // When twice as much is not to be had, less may be, down to what the access needs.
        while mapping::commit(target, low).is_err() {
            if target == needed {
                return Commit::Refused;
            }
            let halfway = (target + (needed - target) / 2) & mask;
            target = if halfway > target { halfway } else { needed };
        }
        let deep = deep.min(low);
        if self.shape.huge_pages && target < deep && self.may_be_advised() {
            mapping::prefer_huge_pages(target, deep);
        }
        self.committed.store(target, Ordering::Relaxed); // read by the holder
        Commit::Done { grown: true }
    }

    /// How many bytes are committed below the resident's stack and below the topmost `keep` bytes.
    /// The caller holds the window and does not run on it.
    pub(crate) fn slack(&self, keep: usize) -> usize {
        // Relaxed: written only by the holder.
        self.lowest_needed(keep).saturating_sub(self.committed.load(Ordering::Relaxed))
    }

    /// Gives that back; returns how many bytes it was. The caller holds the window and does not run
    /// on it.
    pub(crate) fn trim(&self, keep: usize) -> usize {
        let slack = self.slack(keep);
        if slack == 0 {
            return 0;
        }
        let wanted = self.lowest_needed(keep);
        // SAFETY: below the stack of a parked resident nothing is in use.
        match unsafe { mapping::decommit(wanted - slack, wanted) } {
            Ok(()) => {
                self.committed.store(wanted, Ordering::Relaxed); // read by the holder
                if self.base + self.shape.size - HUGE_DEPTH <= wanted && self.advised.replace(false)
                {
                    mapping::give_back(1);
                }
                slack
            }
            Err(_) => 0, // too many mappings for one more: it stays committed
        }
    }

    /// Whether the part for huge pages may be a mapping of its own.
    fn may_be_advised(&self) -> bool {
        if !self.advised.get() {
            self.advised.set(mapping::take(1));
        }
        self.advised.get()
    }

    fn lowest_needed(&self, keep: usize) -> usize {
        let resident = self.resident.get();
        let live = if resident.is_null() {
            0
        } else {
            // SAFETY: a resident outlives its residence, and the caller holds the window.
            unsafe { (*resident).live_bytes() + RED_ZONE }
        };
        (self.top - live.max(keep).max(FIRST_COMMIT)) & !(page_size() - 1)
    }
}

/// How many threads wait for memory that the system has refused.
static WAITING_FOR_MEMORY: AtomicUsize = AtomicUsize::new(0);

/// Whether a stack cannot grow for want of memory, so that windows are to be cut at once.
#[inline]
pub(crate) fn memory_is_short() -> bool {
    WAITING_FOR_MEMORY.load(Ordering::Relaxed) > 0 // a hint: it guards nothing
}

/// How often refused memory is asked for again, and how long to wait between, in milliseconds.
/// Meanwhile others give back what their windows do not need (see [`super::trim`]).
const TRIES: u32 = 30;
const PAUSE_MS: libc::c_long = 100;

impl Drop for Window {
    fn drop(&mut self) {
        // Who drops a window has made sure that no stack is in use there.
        mapping::unmap(self.base, self.shape.size);
        mapping::give_back(MAPPINGS + usize::from(self.advised.get()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(limit: usize) -> Arc<Shape> {
        Arc::new(Shape::new(limit, true))
    }

    /// Writes a byte at each of the given depths.
    fn touch(window: &Window, depths: &[usize]) {
        for depth in depths {
            // SAFETY: the test has committed down to there, and nobody else has the window.
            unsafe { ((window.top - depth) as *mut u8).write(1) };
        }
    }

    #[test]
    fn a_changed_limit_holds_for_growth_to_come() {
        let shape = shape(1 << 20);
        let window = Window::reserve(&shape, 0, false).unwrap();
        assert!(matches!(window.commit_to(window.top - (1 << 20) - 8), Commit::OverLimit));
        assert!(shape.capacity() > 1 << 20);
        assert_eq!(shape.set_limit(shape.capacity()), 1 << 20);
        assert!(matches!(
            window.commit_to(window.top - (1 << 20) - 8),
            Commit::Done { grown: true }
        ));
        shape.set_limit(1 << 16);
        assert!(matches!(window.commit_to(window.base), Commit::OverLimit));
    }

    #[test]
    fn a_trimmed_window_grows_again_and_is_empty_there() {
        let window = Window::reserve(&shape(64 << 20), 5, false).unwrap();
        let deep = window.top - (20 << 20);
        assert!(matches!(window.commit_to(deep), Commit::Done { grown: true }));
        touch(&window, &[64, 100_000, 20 << 20]);
        let committed = window.committed_bytes();
        assert_eq!(window.trim(1 << 20), committed - window.committed_bytes());
        assert!(window.committed_bytes() >= 1 << 20);
        assert!(window.committed_bytes() < (1 << 20) + page_size());
        assert_eq!(window.trim(1 << 20), 0);
        assert!(matches!(window.commit_to(deep), Commit::Done { grown: true }));
        // SAFETY: committed, and nobody else has the window.
        let bytes = unsafe { [*((window.top - 100_000) as *const u8), *(deep as *const u8)] };
        assert_eq!(bytes, [1, 0]);
    }

    #[test]
    fn grows_by_doubling_up_to_the_limit() {
        let limit = 1_000_000;
        let window = Window::reserve(&shape(limit), 3, false).unwrap();
        assert_eq!(window.base % window.shape.size, 0);
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
        let tops: Vec<_> = {
            let shape = shape(1 << 20);
            (0..64).map(|n| Window::reserve(&shape, n, false).unwrap()).collect()
        };
        let mut colours: Vec<usize> = tops.iter().map(|w| w.top % w.shape.size).collect();
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
