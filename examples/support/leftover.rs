//! Whether a program has ended all its tasks.

use std::thread;
use std::time::{Duration, Instant};

use midge::Runtime;

/// How long a task that has been joined may take to be counted as ended. Far more than it needs.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many tasks of this runtime have not ended. Called when all have been joined: the worker of
/// the last one may still be busy clearing up after it, so this waits a little for zero.
pub fn tasks(runtime: &Runtime) -> u64 {
    let start = Instant::now();
    loop {
        let live = runtime.metrics().tasks_live;
        if live == 0 || start.elapsed() > PATIENCE {
            return live;
        }
        thread::sleep(Duration::from_millis(1));
    }
}
