//! The recursion that every strategy runs: each call has a buffer of 64 bytes, which it writes to
//! and checks on the way back. What a strategy does at each call, it does in `step`.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// The depths in bytes, with how many samples to take of each.
pub const DEPTHS: [(usize, usize); 4] =
    [(64 << 10, 20), (1 << 20, 20), (16 << 20, 10), (64 << 20, 10)];

/// Bytes of one frame of [`plain`], by its addresses.
pub fn frame_bytes() -> usize {
    let mut low = [0; 2];
    plain(0, &mut |address| low[0] = address);
    plain(1024, &mut |address| low[1] = address);
    (low[0] - low[1]) / 1024
}

/// Calls that make a stack of so many bytes.
pub fn levels(bytes: usize) -> usize {
    bytes / frame_bytes()
}

/// Goes `level` calls deeper, calls `bottom` with the address there, and comes back with the sum of
/// what the frames held.
#[inline(never)]
pub fn plain(level: usize, bottom: &mut dyn FnMut(usize)) -> usize {
    let mut buffer = [0u8; 64];
    let buffer = black_box(&mut buffer);
    buffer[level % 64] = level as u8;
    let below = if level == 0 {
        bottom(buffer.as_ptr().addr());
        0
    } else {
        plain(level - 1, bottom)
    };
    below + usize::from(buffer[level % 64])
}

/// What a descent of so many levels must return.
pub fn expected(levels: usize) -> usize {
    (0..=levels).map(|level| usize::from(level as u8)).sum()
}

/// The time of one descent and the way back, checked.
pub fn timed(levels: usize, descent: impl FnOnce(usize) -> usize) -> Duration {
    let start = Instant::now();
    let sum = descent(black_box(levels));
    let elapsed = start.elapsed();
    assert_eq!(sum, expected(levels), "a frame was changed");
    elapsed
}

/// A plain descent, timed.
pub fn timed_plain(levels: usize) -> Duration {
    timed(levels, |levels| plain(levels, &mut |_| ()))
}
