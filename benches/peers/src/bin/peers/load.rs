//! What else the machine did during a run. A core that somebody else takes makes a contended work
//! on two workers look faster, and all else slower.

use std::fs;
use std::time::{Duration, Instant};

/// The kernel counts processor time in hundredths of a second here.
const TICKS_PER_SECOND: f64 = 100.0;

/// The processors' times at one moment, in seconds.
pub struct Moment {
    when: Instant,
    busy: f64,
    stolen: f64,
}

/// What others took from a run.
#[derive(Clone, Copy)]
pub struct Taken {
    /// Processor seconds of other programs, and of the host when this is a virtual machine.
    pub seconds: f64,
    /// That, as a share of what all processors could have given.
    pub share: f64,
}

impl Moment {
    pub fn now() -> Self {
        // The fields of the first line, as proc(5) has them: user, nice, system, idle, iowait,
        // irq, softirq, steal, and two that are part of the first two.
        let text = fs::read_to_string("/proc/stat").unwrap_or_default();
        let line = text.lines().next().unwrap_or_default();
        let ticks: Vec<f64> =
            line.split_whitespace().skip(1).filter_map(|field| field.parse().ok()).collect();
        let field = |index: usize| ticks.get(index).copied().unwrap_or(0.0) / TICKS_PER_SECOND;
        let busy = [0, 1, 2, 5, 6].into_iter().map(field).sum();
        Self { when: Instant::now(), busy, stolen: field(7) }
    }

    /// What others have taken since, when the measured program itself took `own`.
    pub fn taken(&self, own: Duration) -> Taken {
        let now = Self::now();
        let processors = std::thread::available_parallelism().map_or(1, usize::from) as f64;
        let others = (now.busy - self.busy - own.as_secs_f64()).max(0.0);
        let seconds = others + now.stolen - self.stolen;
        let share = seconds / ((now.when - self.when).as_secs_f64() * processors);
        Taken { seconds, share: share.min(1.0) }
    }
}

impl Taken {
    /// Whether the run ought to be repeated: more than 3 % taken, and more than the ticks' error.
    pub fn disturbed(&self) -> bool {
        self.share > 0.03 && self.seconds > 0.03
    }
}
