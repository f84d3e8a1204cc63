//! [`Interval`]: something again and again.
//!
//! Go: `time.Ticker`, which drops ticks that nobody takes (here: [`MissedTickBehavior::Skip`]). The
//! shape and the default are tokio's.

use super::sleep_until;
use crate::task::sleep;
use std::time::{Duration, Instant};

/// What happens when [`Interval::tick`] is called later than the next tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MissedTickBehavior {
    /// All that were missed follow at once, until the original times are met again: none is lost.
    #[default]
    Burst,
    /// The next one comes a period after the late one.
    Delay,
    /// Those that were missed are left out; the next one comes at a multiple of the period from the
    /// start. As Go does it.
    Skip,
}

/// Ticks at regular times. Made by [`interval`].
#[derive(Debug)]
pub struct Interval {
    /// None: beyond what `Instant` can hold, so never.
    next: Option<Instant>,
    period: Duration,
    behavior: MissedTickBehavior,
}

/// Ticks at once, and then whenever a period has passed. Missed ticks follow in a
/// [burst](MissedTickBehavior::Burst) unless told otherwise.
///
/// # Panics
///
/// If the period is zero.
///
/// ```
/// use midge::time::{interval, Duration, Instant};
/// let rt = midge::Runtime::pinned().unwrap();
/// rt.run(|| {
///     let start = Instant::now();
///     let mut every = interval(Duration::from_millis(2));
///     every.tick(); // at once
///     every.tick();
///     every.tick();
///     assert!(Instant::now() >= start + Duration::from_millis(4));
/// });
/// ```
#[track_caller]
pub fn interval(period: Duration) -> Interval {
    interval_at(Instant::now(), period)
}

/// As [`interval`], with the time of the first tick.
///
/// # Panics
///
/// If the period is zero.
#[track_caller]
pub fn interval_at(start: Instant, period: Duration) -> Interval {
    assert!(!period.is_zero(), "an interval needs a period above zero");
    Interval { next: Some(start), period, behavior: MissedTickBehavior::default() }
}

impl Interval {
    /// Waits for the next tick and returns its time. A suspension point. If it is late already, it
    /// returns at once.
    ///
    /// If the task is cancelled while it waits, the tick is not lost.
    pub fn tick(&mut self) -> Instant {
        let Some(due) = self.next else {
            loop {
                sleep(Duration::MAX);
            }
        };
        sleep_until(due);
        self.next = self.after(due, Instant::now());
        due
    }

    /// The tick that follows the one of `due`, which was taken at `now`.
    fn after(&self, due: Instant, now: Instant) -> Option<Instant> {
        let on_time = due.checked_add(self.period);
        match self.behavior {
            MissedTickBehavior::Burst => on_time,
            _ if on_time.is_none_or(|next| next > now) => on_time,
            MissedTickBehavior::Delay => now.checked_add(self.period),
            MissedTickBehavior::Skip => {
                let into = (now - due).as_nanos() % self.period.as_nanos();
                // The remainder is less than the period, so if it does not fit a u64 it is
                // centuries.
                let left = self.period - Duration::from_nanos(u64::try_from(into).ok()?);
                now.checked_add(left)
            }
        }
    }

    /// The time of the next tick starts anew: a period from now.
    pub fn reset(&mut self) {
        self.next = Instant::now().checked_add(self.period);
    }

    /// The period.
    pub fn period(&self) -> Duration {
        self.period
    }

    /// What happens with missed ticks.
    pub fn missed_tick_behavior(&self) -> MissedTickBehavior {
        self.behavior
    }

    /// Sets what happens with missed ticks.
    ///
    /// ```
    /// use midge::time::{interval, Duration, MissedTickBehavior};
    /// let mut every = interval(Duration::from_secs(1));
    /// every.set_missed_tick_behavior(MissedTickBehavior::Skip);
    /// ```
    pub fn set_missed_tick_behavior(&mut self, behavior: MissedTickBehavior) {
        self.behavior = behavior;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tick_after_a_late_one() {
        let start = Instant::now();
        let at = |milliseconds| start + Duration::from_millis(milliseconds);
        let mut every = interval_at(start, Duration::from_millis(10));
        let mut next = |behavior, due, now| {
            every.set_missed_tick_behavior(behavior);
            every.after(at(due), at(now)).unwrap()
        };
        for behavior in
            [MissedTickBehavior::Burst, MissedTickBehavior::Delay, MissedTickBehavior::Skip]
        {
            assert_eq!(next(behavior, 50, 54), at(60), "on time, {behavior:?}");
        }
        assert_eq!(next(MissedTickBehavior::Burst, 50, 83), at(60));
        assert_eq!(next(MissedTickBehavior::Delay, 50, 83), at(93));
        assert_eq!(next(MissedTickBehavior::Skip, 50, 83), at(90));
        assert_eq!(next(MissedTickBehavior::Skip, 50, 80), at(90));
    }
}
