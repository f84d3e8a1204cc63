//! Segmented ("split") stacks, as Go before 1.4, Rust before 1.0 and gcc's `-fsplit-stack` have them: each call checks
//! the room that is left and, without enough of it, makes the call on another segment. On the way
//! back the segment is left again, so a loop that calls across a boundary pays at each turn: the hot split.
//!
//! psm switches the stack here, with its own small assembly. The `stacker` crate does the same where
//! a program asks for it, with segments from the system.

use std::alloc::{alloc, dealloc, handle_alloc_error, Layout};
use std::hint::black_box;
use std::time::{Duration, Instant};

use crate::recursion::timed;

/// One segment (gcc's and stacker's are about as large).
const SEGMENT: usize = 64 << 10;
/// What a call needs to find: a frame, and room to take a new segment.
const RED_ZONE: usize = 1 << 10;
/// stacker's own recommendation, from its documentation.
const STACKER: (usize, usize) = (32 << 10, 1 << 20);

/// Whether segments that were left are kept for the next crossing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Left {
    Kept,
    Freed,
}

/// The segments of one stack.
struct Segments {
    /// The lowest address of the one in use.
    limit: usize,
    left: Left,
    free: Vec<*mut u8>,
}

fn layout() -> Layout {
    Layout::from_size_align(SEGMENT, 16).expect("a constant layout")
}

impl Segments {
    /// The first call crosses a boundary.
    fn new(left: Left) -> Segments {
        Segments { limit: usize::MAX - RED_ZONE, left, free: Vec::with_capacity(4096) }
    }

    /// Calls `f` on a segment of its own.
    #[cold]
    #[inline(never)]
    fn cross<T>(&mut self, f: impl FnOnce(&mut Segments) -> T) -> T {
        let segment = self.free.pop().unwrap_or_else(|| {
            // SAFETY: the layout has a size.
            let segment = unsafe { alloc(layout()) };
            if segment.is_null() {
                handle_alloc_error(layout());
            }
            segment
        });
        let before = std::mem::replace(&mut self.limit, segment.addr());
        // SAFETY: the segment is ours and nobody else's until the call has returned. `f` does not
        // unwind: a recursion only adds up what it finds, and its caller on the first stack checks.
        let value = unsafe { psm::on_stack(segment, SEGMENT, || f(self)) };
        self.limit = before;
        match self.left {
            Left::Kept => self.free.push(segment),
            // SAFETY: from `alloc` with this layout, and left for good.
            Left::Freed => unsafe { dealloc(segment, layout()) },
        }
        value
    }
}

impl Drop for Segments {
    fn drop(&mut self) {
        for segment in self.free.drain(..) {
            // SAFETY: from `alloc` with this layout; nobody is on a free one.
            unsafe { dealloc(segment, layout()) };
        }
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
