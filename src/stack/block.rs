//! Blocks: where the live bytes of a frozen stack are kept.
//!
//! What for: a parked task whose window another one needs has its live bytes copied out. Its block
//! is the heap memory they go to: as small as they are, and larger when they are more.
//!
//! How: up to 2 KiB from the slab's size classes, 256 bytes at least. Beyond that each size is
//! twice the one before (4 KiB, 8 KiB, ...): below 256 KiB from the program's allocator, and from
//! there on in a mapping of its own. Such a mapping takes memory only for pages that are written,
//! so it costs what the live bytes take to the page, although its addresses double.
//!
//! Guarantees: a block of more than 2 KiB that holds less than a quarter of its size is exchanged
//! for a smaller one at the next freeze. Growing doubles and shrinking waits for a quarter, so a
//! stack that is now a little over a size and now a little under it is not moved each time.
//!
//! Go's equivalent: `stackalloc` and `stackfree` in runtime/stack.go, with the `stackpool` and the
//! processor's `stackcache` (filled by `stackcacherefill`) for the small sizes and `stackLarge`
//! for the others. `newstack` doubles, and `shrinkstack` halves when a quarter is used, as here.

use std::alloc::{alloc, dealloc, Layout};
use std::fmt;
use std::ptr::{null_mut, NonNull};

use memmap2::{Advice, MmapMut};

use super::limits::{page_size, LARGEST_MAX_STACK};
use super::slab::{class_of, class_size, Cache, Kind, ALIGN};

/// From this capacity on a block is a mapping of its own.
const MAPPED: usize = 256 << 10;
/// From this capacity on a block is given back as soon as it has been copied back. A smaller one is
/// kept, as its pages would be faulted in again at each freeze, which costs more than the copy.
const LARGE: usize = 1 << 20;
/// From this capacity on a block asks for huge pages.
const HUGE: usize = 4 << 20;
/// What the slab has at most; a block up to here is never exchanged for a smaller one.
const SLAB: usize = 2048;

/// There is no memory for a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OutOfMemory;

impl fmt::Display for OutOfMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no memory for a frozen stack")
    }
}

impl std::error::Error for OutOfMemory {}

/// The memory for one task's live bytes, or none.
///
/// Dropping a block does not free it: that takes a cache. [`release`](Block::release) must be
/// called first, and what is dropped without it is leaked.
pub(crate) struct Block {
    /// Null without memory; from [`MAPPED`] on a `Box<MmapMut>`; else the memory.
    home: *mut u8,
    /// Says where `home` came from, too: see [`Block::release`].
    capacity: usize,
}

// SAFETY: a block owns its memory alone, and any thread may use and free it.
unsafe impl Send for Block {}

impl Block {
    /// A block without memory.
    pub(crate) const EMPTY: Block = Block { home: null_mut(), capacity: 0 };

    /// How many bytes fit.
    #[inline]
    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    /// Whether it is too large to be kept while the stack is in its window.
    #[inline]
    pub(crate) fn is_large(&self) -> bool {
        self.capacity >= LARGE
    }

    /// The memory: [`capacity`](Block::capacity) bytes aligned to 16, null if there is none. It
    /// stays where it is until the next [`reserve`](Block::reserve) or [`release`](Block::release).
    #[inline]
    pub(crate) fn as_ptr(&self) -> *mut u8 {
        if self.capacity < MAPPED {
            return self.home;
        }
        // SAFETY: of this capacity `home` is a `Box<MmapMut>` that this block owns. (The pointer
        // is read from the mapping's handle, so nothing of the mapping itself is borrowed.)
        unsafe { (*self.home.cast::<MmapMut>()).as_ptr().cast_mut() }
    }

    /// Makes room for `len` bytes, in a smaller block if this one is far too large. The contents
    /// are **not** kept when the block changes.
    ///
    /// After an error the block is empty, as the old one is given back before a larger one is
    /// asked for. An exchange for a smaller one that fails is none: the larger one stays.
    #[inline]
    pub(crate) fn reserve(&mut self, cache: &mut Cache, len: usize) -> Result<(), OutOfMemory> {
        let fits = self.capacity >= len;
        if fits && (self.capacity <= SLAB || self.capacity / 4 < len) {
            return Ok(());
        }
        self.exchange(cache, len, fits)
    }

    #[cold]
    fn exchange(
        &mut self,
        cache: &mut Cache,
        len: usize,
        smaller: bool,
    ) -> Result<(), OutOfMemory> {
        if smaller {
            if let Ok(block) = Block::allocate(cache, len) {
                self.release(cache);
                *self = block;
            }
            return Ok(());
        }
        self.release(cache);
        *self = Block::allocate(cache, len)?;
        Ok(())
    }

    /// A block for `len` bytes.
    fn allocate(cache: &mut Cache, len: usize) -> Result<Block, OutOfMemory> {
        if let Some(class) = class_of(Kind::Block, len) {
            let home = cache.alloc(Kind::Block, class).ok_or(OutOfMemory)?.as_ptr();
            return Ok(Block { home, capacity: class_size(Kind::Block, class) });
        }
        if len > LARGEST_MAX_STACK {
            return Err(OutOfMemory);
        }
        let capacity = len.next_power_of_two();
        if capacity < MAPPED {
            // SAFETY: the layout has a size, as it is for more than `SLAB` bytes.
            let home = unsafe { alloc(layout(capacity)) };
            return if home.is_null() { Err(OutOfMemory) } else { Ok(Block { home, capacity }) };
        }
        // Where addresses are scarce (32 bits, a limit on them), for what is needed now. At least
        // `MAPPED`, which is how a mapping is told.
        let mapping = MmapMut::map_anon(capacity)
            .or_else(|_| MmapMut::map_anon(len.next_multiple_of(page_size()).max(MAPPED)))
            .map_err(|_| OutOfMemory)?;
        let capacity = mapping.len();
        if capacity >= HUGE {
            let _ = mapping.advise(Advice::HugePage); // without them it is only slower
        }
        Ok(Block { home: Box::into_raw(Box::new(mapping)).cast(), capacity })
    }

    /// Gives the memory back. The block is empty afterwards.
    pub(crate) fn release(&mut self, cache: &mut Cache) {
        let Block { home, capacity } = std::mem::replace(self, Block::EMPTY);
        let Some(home) = NonNull::new(home) else { return };
        if capacity >= MAPPED {
            // SAFETY: of this capacity `home` is the box that `allocate` made, and `self` has
            // forgotten it.
            drop(unsafe { Box::from_raw(home.as_ptr().cast::<MmapMut>()) });
        } else if let Some(class) = class_of(Kind::Block, capacity) {
            // SAFETY: of this capacity it is an object of this class, since a capacity up to `SLAB`
            // is a class's size; `self` has forgotten it.
            unsafe { cache.free(home, Kind::Block, class) };
        } else {
            // SAFETY: of any other capacity it is from `alloc`, with this layout; `self` has
            // forgotten it.
            unsafe { dealloc(home.as_ptr(), layout(capacity)) };
        }
    }
}

impl fmt::Debug for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Block").field("capacity", &self.capacity).finish_non_exhaustive()
    }
}

/// The layout of a block from the program's allocator.
fn layout(capacity: usize) -> Layout {
    Layout::from_size_align(capacity, ALIGN).expect("a power of two below `MAPPED`")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes the first and last bytes, as a freeze would.
    fn touch(block: &Block, len: usize) {
        assert!(block.capacity() >= len);
        assert_eq!(block.as_ptr().addr() % ALIGN, 0);
        // SAFETY: the block has `capacity` bytes, which is at least `len`.
        unsafe {
            block.as_ptr().write(1);
            block.as_ptr().add(len - 1).write(2);
        }
    }

    #[test]
    fn is_small_and_starts_empty() {
        assert!(size_of::<Block>() <= 16);
        assert_eq!(Block::EMPTY.capacity(), 0);
        assert!(Block::EMPTY.as_ptr().is_null());
        let mut block = Block::EMPTY;
        block.release(&mut Cache::new());
        block.reserve(&mut Cache::new(), 0).unwrap();
        assert!(block.as_ptr().is_null());
    }

    #[test]
    fn capacity_at_each_boundary() {
        let cache = &mut Cache::new();
        for (len, capacity) in [
            (1, 256),
            (256, 256),
            (257, 320),
            (2048, 2048),
            (2049, 4096),
            (4096, 4096),
            (4097, 8192),
            (131_072, 131_072),
            (131_073, 262_144),
            (262_144, 262_144),
            (262_145, 524_288),
        ] {
            let mut block = Block::EMPTY;
            block.reserve(cache, len).unwrap();
            assert_eq!(block.capacity(), capacity, "for {len}");
            touch(&block, len);
            block.release(cache);
            assert_eq!(block.capacity(), 0);
            assert!(block.as_ptr().is_null());
        }
    }

    #[test]
    fn grows_when_too_small_and_shrinks_when_far_too_large() {
        let cache = &mut Cache::new();
        let mut block = Block::EMPTY;
        for (len, capacity) in [
            (300, 320),
            (2000, 2048),
            (1, 2048),
            (3000, 4096),
            (1025, 4096),
            (1024, 1024),
            (1 << 20, 1 << 20),
            ((1 << 18) + 1, 1 << 20),
            (1 << 18, 1 << 18),
            (1 << 16, 1 << 16),
            (0, 256),
        ] {
            block.reserve(cache, len).unwrap();
            assert_eq!(block.capacity(), capacity, "for {len}");
            touch(&block, len.max(1));
        }
        block.release(cache);
    }

    #[test]
    fn every_length_is_held_with_less_than_four_times_as_much() {
        let cache = &mut Cache::new();
        let mut block = Block::EMPTY;
        let mut seed = 1u64;
        for _ in 0..20_000 {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let len = ((seed >> 40) as usize % (600 << 10)) >> (seed >> 33 & 15);
            block.reserve(cache, len).unwrap();
            assert!(block.capacity() >= len);
            assert!(block.capacity() <= SLAB || block.capacity() < 4 * len);
            touch(&block, len.max(1));
        }
        block.release(cache);
    }

    #[test]
    fn holds_the_largest_stack_and_refuses_more() {
        let cache = &mut Cache::new();
        let mut block = Block::EMPTY;
        assert_eq!(block.reserve(cache, LARGEST_MAX_STACK + 1), Err(OutOfMemory));
        assert_eq!(block.capacity(), 0);
        // A 32-bit process may not have as many addresses left: then an error, and no block.
        match block.reserve(cache, LARGEST_MAX_STACK) {
            Ok(()) => touch(&block, LARGEST_MAX_STACK),
            Err(OutOfMemory) if cfg!(target_pointer_width = "32") => {}
            Err(OutOfMemory) => panic!("no memory for the largest stack"),
        }
        block.release(cache);
    }
}
