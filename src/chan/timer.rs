//! `after`, `at` and `tick`: receivers that compute from the clock what there is to receive. Nobody
//! sends; there is no task, thread or timer behind them, only the deadline of whoever waits.
//!
//! Go: `time/sleep.go` `After`, `time/tick.go` `Tick`, which have a runtime timer that sends.

use super::until::Until;
use crate::atomic::Mutex;
use crate::task::reason::Reason;
use std::time::{Duration, Instant};

/// The state of an `after` or a `tick`.
pub(crate) struct Timer<T> {
    /// When the next message is due; `None` if there is none any more.
    due: Mutex<Option<Instant>>,
    /// From one message to the next; `None` if there is only one.
    period: Option<Duration>,
    message: fn(Instant) -> T,
}

impl<T> Timer<T> {
    /// With a first message at that time (`None`: never).
    pub(crate) fn new(
        first: Option<Instant>,
        period: Option<Duration>,
        message: fn(Instant) -> T,
    ) -> Timer<T> {
        Timer { due: Mutex::new(first), period, message }
    }

    /// When the next message is due.
    pub(crate) fn due(&self) -> Option<Instant> {
        *self.due.lock()
    }

    /// Whether a message is due.
    pub(crate) fn is_ready(&self) -> bool {
        self.due().is_some_and(|due| due <= Instant::now())
    }

    /// Takes the message that is due, if one is.
    pub(crate) fn take(&self) -> Option<T> {
        let mut due = self.due.lock();
        let now = Instant::now();
        let message = due.filter(|due| *due <= now)?;
        // As in crossbeam_channel: a receiver that comes late gets one message, and the next is due
        // a whole period after it came. (Go's ticker, too, drops what nobody takes.)
        *due = self.period.and_then(|period| now.checked_add(period));
        drop(due);
        Some((self.message)(message))
    }

    /// Receives, waiting `until` then. `None` if the time was up.
    pub(crate) fn recv(&self, until: Until) -> Option<T> {
        loop {
            if let Some(message) = self.take() {
                return Some(message);
            }
            let wake = self.due().map_or(until, |due| until.or_at(due));
            if !wake.pause(Reason::ChanReceive) && until.is_over() {
                return self.take(); // a last look
            }
        }
    }
}
