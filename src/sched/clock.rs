//! The runtime's clock: ticks of 2^15 ns (about 33 us) since it was built.
//!
//! A deadline is rounded up to a tick and the present down, so nothing is ever early; and late by
//! up to a tick.
//!
//! Go: `runtime/time_nofake.go` `nanotime`; its timers have no ticks.

use super::wheel::END;
use std::time::{Duration, Instant};

const TICK_BITS: u32 = 15;

pub(crate) struct Clock {
    start: Instant,
}

impl Clock {
    pub(crate) fn new() -> Clock {
        Clock { start: Instant::now() }
    }

    /// The last tick that has passed.
    #[inline]
    pub(crate) fn now(&self) -> u64 {
        (self.start.elapsed().as_nanos() >> TICK_BITS) as u64
    }

    /// The first tick at or after a deadline. None if that is in 290 years or more: never.
    pub(crate) fn tick_of(&self, deadline: Instant) -> Option<u64> {
        let nanoseconds = deadline.saturating_duration_since(self.start).as_nanos();
        let tick = nanoseconds.div_ceil(1 << TICK_BITS);
        (tick < u128::from(END - 1)).then_some(tick as u64)
    }

    /// When a tick passes. None if that is too far off.
    pub(crate) fn instant_of(&self, tick: u64) -> Option<Instant> {
        if tick >= END {
            return None;
        }
        self.start.checked_add(Duration::from_nanos(tick << TICK_BITS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_early_and_late_by_less_than_a_tick() {
        let clock = Clock::new();
        for nanoseconds in [0u64, 1, 32_767, 32_768, 32_769, 1_000_000_007, 1 << 60] {
            let deadline = clock.start + Duration::from_nanos(nanoseconds);
            let passes = clock.instant_of(clock.tick_of(deadline).unwrap()).unwrap();
            assert!(passes >= deadline);
            assert!(passes - deadline < Duration::from_nanos(1 << TICK_BITS));
        }
    }

    #[test]
    fn what_is_too_far_off_is_never() {
        let clock = Clock::new();
        if let Some(far) = clock.start.checked_add(Duration::from_secs(300 * 365 * 86_400)) {
            assert_eq!(clock.tick_of(far), None);
        }
        assert!(clock.tick_of(clock.start + Duration::from_secs(100 * 365 * 86_400)).is_some());
    }
}
