//! Tasks that end at once: batches of them are spawned, then joined. A batch of one is a task that
//! somebody waits for; a large one also fills the queues.

use std::hint::black_box;
use std::time::{Duration, Instant};

use midge_peers::job;

use crate::spawn;

/// After this long the rest is left out: waking another worker takes may 100 us and more.
const LONG_ENOUGH: Duration = Duration::from_secs(1);

/// The time of one task.
fn batches(count: usize, batch: usize) -> Duration {
    let mut handles = Vec::with_capacity(batch);
    let start = Instant::now();
    let mut done = 0;
    while done < count && start.elapsed() < LONG_ENOUGH {
        handles.extend((0..batch).map(|i| spawn(move || black_box(i))));
        for (i, handle) in handles.drain(..).enumerate() {
            assert_eq!(handle.join().expect("a short task does not panic"), i);
        }
        done += 1;
    }
    start.elapsed() / (done * batch) as u32
}

pub fn run([count, batch]: [usize; 2]) {
    batches(count / 10 + 1, batch);
    job::each("time", batches(count, batch), 1);
}
