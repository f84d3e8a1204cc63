//! A recursion of a given depth in bytes. Each call has a buffer of 64 bytes, which it writes to
//! and checks on the way back.
//!
//! Frames differ from compiler to compiler, so depth is measured: by the addresses of the buffers.

use std::hint::black_box;
use std::time::Instant;

use crate::job::figure;

/// Where and when the innermost call was reached.
struct Bottom {
    address: usize,
    when: Instant,
}

#[inline(never)]
fn descend(level: usize, bottom: &mut Option<Bottom>) -> usize {
    let mut buffer = [0_u8; 64];
    let buffer = black_box(&mut buffer);
    buffer[level % 64] = level as u8;
    let below = if level == 0 {
        *bottom = Some(Bottom { address: buffer.as_ptr().addr(), when: Instant::now() });
        0
    } else {
        descend(level - 1, bottom)
    };
    below + usize::from(buffer[level % 64])
}

/// The bottom of one descent, whose result is checked.
fn checked(levels: usize) -> Bottom {
    let mut bottom = None;
    let sum = descend(black_box(levels), &mut bottom);
    let expected = (0..=levels).map(|level| usize::from(level as u8)).sum();
    assert_eq!(sum, expected, "a frame was changed");
    bottom.expect("every descent has a bottom")
}

/// Bytes of one frame. It uses 64 of them, so it hardly goes deeper than where it is called.
fn frame_bytes() -> f64 {
    (checked(0).address - checked(64).address) as f64 / 64.0
}

/// Goes `bytes` deep, twice, and prints how long the way down took: ns for each KiB.
/// To be called in a task that has not been deep before.
pub fn two_descents(bytes: usize) {
    let frame = frame_bytes();
    let levels = (bytes as f64 / frame) as usize;
    let kib = levels as f64 * frame / 1024.0;
    for name in ["first", "second"] {
        let start = Instant::now();
        let bottom = checked(levels);
        figure(name, (bottom.when - start).as_nanos() as f64 / kib);
    }
}
