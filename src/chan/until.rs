//! How long an operation may wait.

use crate::sched::context::{park_for, yield_now};
use crate::sched::park_until;
use crate::task::reason::Reason;
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

    /// Parks until somebody unparks the caller, or until then. May return early. False if the time
    /// is up: then, unless it is `Now`, others have had their turn, since a loop over waits without
    /// time would starve those it waits for.
    #[inline]
    pub(crate) fn pause(self, reason: Reason) -> bool {
        match self {
            Until::Now => return false,
            Until::Deadline(deadline) if deadline <= Instant::now() => {
                yield_now();
                return false;
            }
            Until::Deadline(deadline) => park_until(deadline, reason),
            Until::Forever => park_for(reason),
        }
        true
    }
}
