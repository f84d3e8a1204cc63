//! A task's stack as the stack layer sees it: where it lives, and how it moves in and out.
//!
//! An [`Image`] is the part of a task that knows its window, its saved stack pointer and its block.
//! It is *resident* when its bytes are in the window, else *frozen*: they are in the block.
//! Freezing is lazy: [`mount`] copies the resident out only when somebody else needs the window.
//!
//! Guarantees: an image's cells are touched only by the holder of its window (before it has one: by
//! the worker that starts it), so they need no atomics.
//!
//! Go: `runtime/stack.go` `copystack`, which copies `[sp, hi)` once per growth; here the same bytes
//! are copied when a window changes hands, and growth copies nothing.

use super::block::Block;
use super::copy::copy;
use super::slab::Cache;
use super::window::{Commit, Window};
use crate::arch;
use crate::peek::PeekPtr;
use std::cell::Cell;
use std::ptr;

/// Cache lines of a block that are fetched ahead: those of the smallest size class.
const PREFETCHED_LINES: usize = 4;

/// The stack of one task.
pub(crate) struct Image {
    /// The saved stack pointer of a parked task; 0 before the first run.
    pub(crate) sp: Cell<usize>,
    /// The window this task is bound to; null before the first run.
    pub(crate) window: PeekPtr<Window>,
    block: Cell<Block>,
}

/// What copying cost, for the metrics.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Copied {
    /// Bytes copied out.
    pub(crate) frozen: Option<usize>,
    /// Bytes copied back.
    pub(crate) thawed: Option<usize>,
    /// How much larger the blocks of both have become (or smaller: it wraps).
    pub(crate) block_growth: u64,
}

impl Image {
    pub(crate) const fn new() -> Image {
        Image {
            sp: Cell::new(0),
            window: PeekPtr::new(ptr::null()),
            block: Cell::new(Block::EMPTY),
        }
    }

    /// Whether it has been given a window.
    pub(crate) fn has_window(&self) -> bool {
        !self.window.get().is_null()
    }

    /// The bytes between a parked task's stack pointer and the top of its window.
    ///
    /// # Safety
    ///
    /// The image is bound, and the caller holds its window.
    pub(crate) unsafe fn live_bytes(&self) -> usize {
        // SAFETY: a bound image's window outlives it.
        unsafe { (*self.window.get()).top() - self.sp.get() }
    }

    /// Bytes of the block, for the metrics.
    pub(crate) fn block_capacity(&self) -> usize {
        let block = self.block.replace(Block::EMPTY);
        let capacity = block.capacity();
        self.block.set(block);
        capacity
    }

    /// Has the processor fetch what a thaw would copy. The caller holds the window, or no other
    /// worker can.
    #[inline]
    pub(crate) fn prefetch_block(&self) {
        let block = self.block.replace(Block::EMPTY);
        if block.capacity() > 0 {
            for line in 0..PREFETCHED_LINES {
                arch::prefetch(block.as_ptr().wrapping_add(64 * line));
            }
        }
        self.block.set(block);
    }

    /// Gives the block back; the image's bytes are gone if it was frozen.
    pub(crate) fn release_block(&self, cache: &mut Cache) {
        let mut block = self.block.replace(Block::EMPTY);
        block.release(cache);
    }

    /// Makes the block large enough for the stack down to `sp`, while the task is still there, so
    /// that to freeze it takes no memory. Returns how much larger the block has become.
    ///
    /// # Safety
    ///
    /// The image is bound, and the caller stands on its window.
    pub(crate) unsafe fn lay_in(&self, cache: &mut Cache, sp: usize) -> u64 {
        // SAFETY: a bound image's window outlives it.
        let length = unsafe { (*self.window.get()).top() } - sp;
        let mut block = self.block.replace(Block::EMPTY);
        let before = block.capacity();
        reserve(&mut block, cache, length);
        let growth = (block.capacity() as u64).wrapping_sub(before as u64);
        self.block.set(block);
        growth
    }

    /// Copies the live bytes out of the window. If the block has been [laid in](Image::lay_in), that
    /// takes no memory.
    ///
    /// # Safety
    ///
    /// The image is parked and resident; the caller holds its window and does not run on it.
    unsafe fn freeze(&self, cache: &mut Cache, laid_in: bool, copied: &mut Copied) {
        // SAFETY: passed on.
        let length = unsafe { self.live_bytes() };
        let mut block = self.block.replace(Block::EMPTY);
        let before = block.capacity();
        if laid_in {
            assert!(before >= length, "no block was laid in for a parked stack");
        } else {
            reserve(&mut block, cache, length);
        }
        // SAFETY: `[sp, top)` holds the live bytes of a parked stack in a window the caller holds,
        // and the block was just made large enough. Heap and window never overlap.
        unsafe { copy(self.sp.get() as *const u8, block.as_ptr(), length) };
        copied.frozen = Some(length);
        copied.block_growth = (block.capacity() as u64).wrapping_sub(before as u64);
        self.block.set(block);
    }

    /// Copies the live bytes back to where they were.
    ///
    /// # Safety
    ///
    /// The image is frozen; the caller holds its window, has frozen the resident, and does not run
    /// on it.
    unsafe fn thaw(&self, cache: &mut Cache, laid_in: bool, copied: &mut Copied) {
        // SAFETY: passed on.
        let length = unsafe { self.live_bytes() };
        // SAFETY: a bound image's window outlives it.
        let window = unsafe { &*self.window.get() };
        if !matches!(window.restore_to(self.sp.get()), Commit::Done { .. }) {
            crate::fatal(format_args!("out of memory: cannot commit {length} bytes for a stack"));
        }
        let mut block = self.block.replace(Block::EMPTY);
        // SAFETY: the block holds the `length` bytes that `freeze` copied there, and the window
        // is committed down to sp and nobody's bytes are in it.
        unsafe { copy(block.as_ptr(), self.sp.get() as *mut u8, length) };
        copied.thawed = Some(length);
        if block.is_large() && !laid_in {
            // So many bytes are not kept twice; a small block saves the next freeze a malloc.
            copied.block_growth = copied.block_growth.wrapping_sub(block.capacity() as u64);
            block.release(cache);
        }
        self.block.set(block);
    }
}

#[inline]
fn reserve(block: &mut Block, cache: &mut Cache, length: usize) {
    if block.reserve(cache, length).is_err() {
        crate::fatal(format_args!("out of memory: no block of {length} bytes for a parked stack"));
    }
}

/// Makes `image` the resident of its window: freezes who is there, and thaws `image` if it has run
/// before. With blocks that have been [laid in](Image::lay_in), it neither takes memory nor gives any
/// back.
///
/// # Safety
///
/// `image` is bound to a window, the caller holds that window and does not run on it, and both it
/// and the resident are parked (or fresh, for `image`).
pub(crate) unsafe fn mount(image: &Image, cache: &mut Cache, laid_in: bool) -> Copied {
    let mut copied = Copied::default();
    // SAFETY: a bound image's window outlives it.
    let window = unsafe { &*image.window.get() };
    let resident = window.resident.get();
    if ptr::eq(resident, image) {
        return copied;
    }
    if !resident.is_null() {
        // SAFETY: a resident outlives its residence; the caller holds the window.
        unsafe { (*resident).freeze(cache, laid_in, &mut copied) };
    }
    if image.sp.get() != 0 {
        // SAFETY: not resident, so frozen; the window is vacant now.
        unsafe { image.thaw(cache, laid_in, &mut copied) };
    }
    window.resident.set(image);
    copied
}

/// Freezes the resident at once: for one who was paused there and comes back, and, with what it
/// vacated poisoned, as stress mode's answer to "would anybody notice?" (Go: `stackPoisonCopy`).
///
/// # Safety
///
/// As [`mount`]: the caller holds `window`, does not run on it, and its resident is parked.
pub(crate) unsafe fn evict(
    window: &Window,
    cache: &mut Cache,
    laid_in: bool,
    poison: bool,
) -> Copied {
    let mut copied = Copied::default();
    let resident = window.resident.replace(ptr::null());
    if resident.is_null() {
        return copied;
    }
    // SAFETY: a resident outlives its residence; the caller holds the window.
    let resident = unsafe { &*resident };
    // SAFETY: passed on.
    unsafe { resident.freeze(cache, laid_in, &mut copied) };
    if !poison {
        return copied;
    }
    // SAFETY: the bytes just copied out are nobody's now.
    unsafe { ptr::write_bytes(resident.sp.get() as *mut u8, 0xfc, resident.live_bytes()) };
    copied
}
