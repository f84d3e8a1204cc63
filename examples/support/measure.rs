//! The measurements: two descents of one task, and a third one that is frozen and thawed on its
//! way.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::Arc;
use std::time::Instant;

use midge::{runtime, stack, task, BuildError, Runtime};

use crate::descent::{descend, Visitor};
use crate::growth_arguments::{Arguments, Switch};
use crate::memory;

/// What the task saw when it first reached a depth.
#[derive(Clone, Copy, Debug)]
pub struct Reached {
    /// Bytes of stack that were really in use.
    pub depth: usize,
    /// When, in nanoseconds since the descent began.
    nanoseconds: u64,
    /// What the window had committed by then.
    pub committed: usize,
    /// How often it had grown.
    pub growth_events: u64,
}

/// One task that went down twice.
pub struct Descents {
    /// The first descent, by rows: the window grows under it.
    pub first: Vec<Reached>,
    /// The second one, in the same window.
    pub second: Vec<Reached>,
    /// Frames of one descent.
    pub frames: u64,
}

/// Nanoseconds for each KiB between the row before and this one.
pub fn per_kib(rows: &[Reached], row: usize) -> Option<f64> {
    let (above, this) = (rows.get(row.checked_sub(1)?)?, rows.get(row)?);
    // With frames of many KiB one call may pass several rows.
    let kib = this.depth.checked_sub(above.depth).filter(|bytes| *bytes > 0)? as f64 / 1024.0;
    Some((this.nanoseconds - above.nanoseconds) as f64 / kib)
}

struct Clock {
    start: Instant,
    rows: Vec<Reached>,
}

impl Clock {
    /// The rows are allocated beforehand, to be no part of what is timed.
    fn new(rows: usize) -> Clock {
        Clock { start: Instant::now(), rows: Vec::with_capacity(rows) }
    }
}

impl Visitor for Clock {
    fn reached(&mut self, _: usize, depth: usize) {
        self.rows.push(Reached {
            depth,
            nanoseconds: self.start.elapsed().as_nanos() as u64,
            committed: stack::committed_bytes(),
            growth_events: runtime::metrics().growth_events,
        });
    }
}

/// Takes one task down to the last of `depths` twice.
pub fn descents(arguments: &Arguments, depths: &[usize]) -> Result<Descents, BuildError> {
    let frame = arguments.frame;
    let runtime = builder(arguments).build_pinned()?;
    Ok(runtime.run(|| {
        let mut first = Clock::new(depths.len());
        let frames = descend(frame, depths, &mut first);
        let mut second = Clock::new(depths.len());
        descend(frame, depths, &mut second);
        Descents { first: first.rows, second: second.rows, frames }
    }))
}

/// What freezing and thawing a stack of one depth cost, in nanoseconds for each KiB.
#[derive(Clone, Copy, Debug)]
pub struct Copying {
    /// The first freeze at that depth: the block has to be made, and its pages touched.
    pub freeze_first: f64,
    /// A later one, into the block that is there.
    pub freeze: f64,
    /// Copying back.
    pub thaw: f64,
}

/// Takes a task down once more, in a window it shares with another task, and lets the two take
/// turns at each row. A row is `Err` with what it lacked if there was no memory for its block.
pub fn copying(
    arguments: &Arguments,
    depths: &[usize],
) -> Result<Vec<Result<Copying, String>>, BuildError> {
    let frame = arguments.frame;
    let mut builder = builder(arguments);
    // SAFETY: what a task of this runtime has on its stack across a suspension point is used by
    // itself only; the two share an `Arc`, and the visitor is reached through the stack it is on.
    let runtime = unsafe { builder.windows(1).build_copying() }?;
    let depths = depths.to_vec();
    Ok(runtime.run(|| {
        let neighbour = Arc::new(Neighbour::default());
        let start = Instant::now();
        let other = midge::spawn({
            let neighbour = Arc::clone(&neighbour);
            move || neighbour.live(start)
        });
        let deep = midge::spawn(move || {
            let rows = Vec::with_capacity(depths.len());
            let mut visitor = Suspending { neighbour, start, rows };
            descend(frame, &depths, &mut visitor);
            visitor.neighbour.over.store(true, Ordering::Release);
            visitor.rows
        });
        let rows = deep.join().expect("the descent does not panic");
        other.join().expect("the neighbour does not panic");
        rows
    }))
}

fn builder(arguments: &Arguments) -> midge::Builder {
    let mut builder = Runtime::builder();
    builder.workers(1).max_stack(arguments.limit).huge_pages(arguments.huge_pages == Switch::On);
    builder
}

/// The other task of the window: it looks at the clock whenever it has a turn.
#[derive(Default)]
struct Neighbour {
    /// The beginning and the end of its last turn, in nanoseconds since the start.
    began: AtomicU64,
    ended: AtomicU64,
    over: AtomicBool,
}

impl Neighbour {
    fn live(&self, start: Instant) {
        while !self.over.load(Ordering::Acquire) {
            // Relaxed: both tasks are on the one worker there is.
            self.began.store(start.elapsed().as_nanos() as u64, Ordering::Relaxed);
            self.ended.store(start.elapsed().as_nanos() as u64, Ordering::Relaxed);
            task::yield_now();
        }
    }
}

struct Suspending {
    neighbour: Arc<Neighbour>,
    start: Instant,
    rows: Vec<Result<Copying, String>>,
}

impl Suspending {
    /// Gives the neighbour a turn. Nanoseconds for each KiB until it ran, and until we ran again;
    /// `None` if the stack was not frozen meanwhile.
    fn suspend(&self) -> Option<(f64, f64)> {
        let before = runtime::metrics();
        let out = self.start.elapsed().as_nanos() as u64;
        task::yield_now();
        let back = self.start.elapsed().as_nanos() as u64;
        let after = runtime::metrics();
        let bytes = stack::live_bytes() as u64;
        // Both directions, or the neighbour had no turn.
        if after.bytes_frozen - before.bytes_frozen < bytes
            || after.bytes_thawed - before.bytes_thawed < bytes
        {
            return None;
        }
        let kib = bytes as f64 / 1024.0;
        let began = self.neighbour.began.load(Ordering::Relaxed);
        let ended = self.neighbour.ended.load(Ordering::Relaxed);
        Some(((began.checked_sub(out)?) as f64 / kib, (back.checked_sub(ended)?) as f64 / kib))
    }
}

impl Visitor for Suspending {
    fn reached(&mut self, _: usize, depth: usize) {
        if memory::available().is_some_and(|available| available < depth as u64) {
            self.rows.push(Err("no memory for a copy of the stack".to_string()));
            return;
        }
        let first = self.suspend();
        // The block is there by now. The shallow rows are quick and noisy: the best of several.
        let turns = ((16 << 20) / depth).clamp(3, 200);
        let best = (0..turns)
            .filter_map(|_| self.suspend())
            .reduce(|best, turn| (best.0.min(turn.0), best.1.min(turn.1)));
        self.rows.push(match (first, best) {
            (Some((freeze_first, _)), Some((freeze, thaw))) => {
                Ok(Copying { freeze_first, freeze, thaw })
            }
            _ => Err("the stack was not frozen".to_string()),
        });
    }
}
