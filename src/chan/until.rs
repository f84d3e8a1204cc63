//! How long an operation may wait.

use crate::sched::context::park;
use crate::sched::park_until;
use std::time::{Duration, Instant};

/// How long an operation may wait.
#[derive(Clone, Copy)]
pub(crate) enum Until {
    Now,
    Deadline(Instant),
    Forever,
}

impl Until {
    /// After so much time. (Too much for the clock is for ever.)
    pub(crate) fn after(timeout: Duration) -> Until {
        Instant::now().checked_add(timeout).map_or(Until::Forever, Until::Deadline)
    }

    /// At that time, if it comes first.
    pub(crate) fn or_at(self, time: Instant) -> Until {
        match self {
            Until::Now => Until::Now,
            Until::Deadline(deadline) => Until::Deadline(deadline.min(time)),
            Until::Forever => Until::Deadline(time),
        }
    }

    /// Whether the time is up.
    pub(crate) fn is_over(self) -> bool {
        match self {
            Until::Now => true,
            Until::Deadline(deadline) => deadline <= Instant::now(),
            Until::Forever => false,
        }
    }

    /// Parks until somebody unparks the caller, or until then. May return early. False if the time is up.
    #[inline]
    pub(crate) fn pause(self) -> bool {
        if self.is_over() {
            return false;
        }
        match self {
            Until::Deadline(deadline) => park_until(deadline),
            _ => park(),
        }
        true
    }
}
