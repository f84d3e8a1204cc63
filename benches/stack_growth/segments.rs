//! Segmented ("split") stacks, as Go before 1.4, Rust before 1.0 and gcc's `-fsplit-stack` have
//! them: each call checks the room that is left and, without enough of it, makes the call on
//! another segment. On the way back the segment is left again, so a loop that calls across a
//! boundary pays at each turn: the hot split.
//!
//! psm switches the stack here, with its own small assembly. The `stacker` crate does the same
//! where a program asks for it, with segments from the system.

use std::hint::black_box;
use std::time::{Duration, Instant};

use memmap2::MmapMut;

use super::recursion::timed;

/// One segment (gcc's and stacker's are about as large).
const SEGMENT: usize = 64 << 10;
/// What a call needs to find: a frame, and room to take a new segment.
const RED_ZONE: usize = 1 << 10;
/// stacker's own recommendation, from its documentation.
const STACKER: (usize, usize) = (32 << 10, 1 << 20);

/// What becomes of a segment that was left.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// Kept for the next crossing; it came from the system, so its pages are new at the first one.
    Kept,
    /// Given back to the program's allocator, which often has its pages at hand again.
    Freed,
}

/// The memory of one segment.
enum Segment {
    Mapped(MmapMut),
    Allocated(Vec<u8>),
}

impl Segment {
    fn new(left: Left) -> Segment {
        match left {
            Left::Kept => {
                Segment::Mapped(MmapMut::map_anon(SEGMENT).expect("there is memory for a segment"))
            }
            Left::Freed => Segment::Allocated(Vec::with_capacity(SEGMENT)),
        }
    }

    fn base(&mut self) -> *mut u8 {
        match self {
            Segment::Mapped(mapping) => mapping.as_mut_ptr(),
            Segment::Allocated(memory) => memory.as_mut_ptr(),
        }
    }
}

/// The segments of one stack.
struct Segments {
    /// The lowest address of the one in use.
    limit: usize,
    left: Left,
    free: Vec<Segment>,
}

impl Segments {
    /// The first call crosses a boundary.
    fn new(left: Left) -> Segments {
        Segments { limit: usize::MAX - RED_ZONE, left, free: Vec::with_capacity(2048) }
    }

    /// Calls `f` on a segment of its own.
    #[cold]
    #[inline(never)]
    fn cross<T>(&mut self, f: impl FnOnce(&mut Segments) -> T) -> T {
        let mut segment = self.free.pop().unwrap_or_else(|| Segment::new(self.left));
        let base = segment.base();
        let before = std::mem::replace(&mut self.limit, base.addr());
        // SAFETY: the segment is ours and nobody else's until the call has returned. `f` does not
        // unwind: a recursion only adds up what it finds, and its caller on the first stack checks.
        let value = unsafe { psm::on_stack(base, SEGMENT, || f(self)) };
        self.limit = before;
        if self.left == Left::Kept {
            self.free.push(segment);
        }
        value
    }
}

/// A first and a second descent; the segments stay, as far as `left` says.
pub fn descents(left: Left, levels: usize) -> (Duration, Duration) {
    let mut segments = Segments::new(left);
    (
        timed(levels, |levels| checked(levels, &mut segments)),
        timed(levels, |levels| checked(levels, &mut segments)),
    )
}

fn checked(levels: usize, segments: &mut Segments) -> usize {
    let here = 0u8;
    if black_box(&raw const here).addr() < segments.limit + RED_ZONE {
        return segments.cross(|segments| level(levels, segments));
    }
    level(levels, segments)
}

/// `recursion::plain` with the check.
#[inline(never)]
fn level(levels: usize, segments: &mut Segments) -> usize {
    let mut buffer = [0u8; 64];
    let buffer = black_box(&mut buffer);
    buffer[levels % 64] = levels as u8;
    let below = if levels == 0 {
        0
    } else if buffer.as_ptr().addr() < segments.limit + RED_ZONE {
        segments.cross(|segments| level(levels - 1, segments))
    } else {
        level(levels - 1, segments)
    };
    below + usize::from(buffer[levels % 64])
}

/// The same with the `stacker` crate.
pub fn stacker_descents(levels: usize) -> (Duration, Duration) {
    (timed(levels, stacker_level), timed(levels, stacker_level))
}

fn stacker_level(levels: usize) -> usize {
    let (red_zone, segment) = STACKER;
    stacker::maybe_grow(red_zone, segment, || stacker_frame(levels))
}

#[inline(never)]
fn stacker_frame(levels: usize) -> usize {
    let mut buffer = [0u8; 64];
    let buffer = black_box(&mut buffer);
    buffer[levels % 64] = levels as u8;
    let below = if levels == 0 { 0 } else { stacker_level(levels - 1) };
    below + usize::from(buffer[levels % 64])
}

/// A leaf that is called in a loop.
#[inline(never)]
fn leaf(number: u64) -> u64 {
    let mut buffer = [0u8; 64];
    let buffer = black_box(&mut buffer);
    buffer[number as usize % 64] = number as u8;
    u64::from(buffer[number as usize % 64])
}

/// What so many leaves must add up to.
fn leaves(calls: u64) -> u64 {
    (0..calls).map(|number| number & 0xff).sum()
}

/// `calls` of the leaf without any boundary.
pub fn no_split(calls: u64) -> Duration {
    let start = Instant::now();
    let sum: u64 = (0..calls).map(|number| leaf(black_box(number))).sum();
    let elapsed = start.elapsed();
    assert_eq!(sum, leaves(calls));
    elapsed
}

/// `calls` of the leaf, each across a boundary.
pub fn hot_split(left: Left, calls: u64) -> Duration {
    let mut segments = Segments::new(left);
    let start = Instant::now();
    let sum: u64 = (0..calls).map(|number| segments.cross(|_| leaf(black_box(number)))).sum();
    let elapsed = start.elapsed();
    assert_eq!(sum, leaves(calls));
    elapsed
}

/// The same with `stacker`, whose every crossing maps a segment.
pub fn stacker_hot_split(calls: u64) -> Duration {
    let start = Instant::now();
    let sum: u64 =
        (0..calls).map(|number| stacker::grow(STACKER.1, || leaf(black_box(number)))).sum();
    let elapsed = start.elapsed();
    assert_eq!(sum, leaves(calls));
    elapsed
}
