//! Size classes: which sizes of objects there are, and which one a request gets.
//!
//! What for: a span holds objects of one size only, so requests are rounded up to a few sizes,
//! close enough together that little is wasted (a third at most, from the smallest size on).
//!
//! How: a table with one entry for every 16 bytes, made at compile time, so that a look-up is one
//! load, and none where the size is a constant.
//!
//! Go's equivalent: runtime/sizeclasses.go, and `size_to_class8` in it.

/// What an object is for. Objects of two kinds never share a span.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Kind {
    /// A task's header with its closure.
    Task = 0,
    /// A frozen stack's live bytes.
    Block = 1,
}

const TASK_SIZES: [u16; 16] =
    [96, 112, 128, 144, 160, 192, 224, 256, 320, 384, 448, 512, 768, 1024, 1536, 2048];
const BLOCK_SIZES: [u16; 10] = [256, 320, 384, 448, 512, 640, 768, 1024, 1536, 2048];

/// The largest size of either kind.
const LARGEST: usize = 2048;
/// What objects are aligned to.
pub(crate) const ALIGN: usize = 16;
/// Sizes are multiples of this, which keeps objects side by side aligned.
const STEP: usize = ALIGN;
/// Most classes that a kind may have: a power of two.
const CLASSES: usize = 16;

/// Number of pairs of kind and class. Some have no size and are never used.
pub(super) const LISTS: usize = 2 * CLASSES;

/// The size of each pair of kind and class, by [`index`]; 0 where there is none.
const SIZES: [u16; LISTS] = {
    let mut sizes = [0; LISTS];
    let mut class = 0;
    while class < TASK_SIZES.len() {
        sizes[index(Kind::Task, class as u8)] = TASK_SIZES[class];
        class += 1;
    }
    class = 0;
    while class < BLOCK_SIZES.len() {
        sizes[index(Kind::Block, class as u8)] = BLOCK_SIZES[class];
        class += 1;
    }
    sizes
};

/// For each kind, the class of each size in steps of 16 bytes.
const LOOKUP: [[u8; LARGEST / STEP + 1]; 2] = [lookup(Kind::Task), lookup(Kind::Block)];

const fn lookup(kind: Kind) -> [u8; LARGEST / STEP + 1] {
    let mut table = [0; LARGEST / STEP + 1];
    let mut class = 0;
    let mut step = 0;
    while step < table.len() {
        while (SIZES[index(kind, class)] as usize) < step * STEP {
            class += 1;
        }
        table[step] = class;
        step += 1;
    }
    table
}

/// How many objects of each class go between a cache and the central list at once: 32 KiB of them,
/// within reason.
const BATCHES: [u32; LISTS] = {
    let mut batches = [0; LISTS];
    let mut at = 0;
    while at < LISTS {
        if SIZES[at] != 0 {
            let objects = 32 * 1024 / SIZES[at] as u32;
            batches[at] = if objects > 64 { 64 } else { objects };
            assert!(batches[at] >= 8);
        }
        at += 1;
    }
    batches
};

/// Where a pair of kind and class has its entry in an array of [`LISTS`].
#[inline]
pub(super) const fn index(kind: Kind, class: u8) -> usize {
    debug_assert!((class as usize) < CLASSES);
    // The mask changes nothing; it tells the compiler that the index is in bounds.
    (kind as usize) * CLASSES + (class as usize & (CLASSES - 1))
}

/// The batch of the pair of kind and class with this [`index`].
#[inline]
pub(super) const fn batch(index: usize) -> u32 {
    BATCHES[index]
}

/// The smallest class of `kind` with objects of at least `size` bytes; `None` if no class has any.
#[inline]
pub(crate) const fn class_of(kind: Kind, size: usize) -> Option<u8> {
    if size > LARGEST {
        return None;
    }
    Some(LOOKUP[kind as usize][size.div_ceil(STEP)])
}

/// The bytes that an object of this class has.
#[inline]
pub(crate) const fn class_size(kind: Kind, class: u8) -> usize {
    SIZES[index(kind, class)] as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_size_gets_the_smallest_class_that_holds_it() {
        for kind in [Kind::Task, Kind::Block] {
            for size in 0..=LARGEST {
                let class = class_of(kind, size).unwrap();
                assert!(class_size(kind, class) >= size);
                assert!(class == 0 || class_size(kind, class - 1) < size, "{kind:?} {size}");
            }
            assert_eq!(class_of(kind, LARGEST + 1), None);
            assert_eq!(class_of(kind, usize::MAX), None);
        }
    }

    #[test]
    fn sizes_are_multiples_of_the_alignment_and_grow() {
        for sizes in [&TASK_SIZES[..], &BLOCK_SIZES[..]] {
            assert!(sizes.iter().all(|size| usize::from(*size) % STEP == 0));
            assert!(sizes.windows(2).all(|pair| pair[0] < pair[1]));
        }
    }
}
