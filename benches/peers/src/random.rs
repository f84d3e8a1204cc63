//! The same random numbers for everybody: Marsaglia's xorshift64.

use std::time::Duration;

/// Durations of 1 to 100 ms, without end.
pub fn sleeps() -> impl Iterator<Item = Duration> {
    let mut state = 12_345_u64;
    std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        Duration::from_millis(1 + state % 100)
    })
}
