//! Tasks that end at once: batches of them are spawned, then joined. A batch of one is a task that
//! somebody waits for; a large one also fills the queues.

use std::hint::black_box;
use std::time::{Duration, Instant};

use midge_peers::job;

fn batches(count: usize, batch: usize) -> Duration {
    let mut handles = Vec::with_capacity(batch);
    let start = Instant::now();
    for _ in 0..count {
        handles.extend((0..batch).map(|i| midge::spawn(move || black_box(i))));
        for (i, handle) in handles.drain(..).enumerate() {
            assert_eq!(handle.join().expect("a short task does not panic"), i);
        }
    }
    start.elapsed()
}

pub fn run([count, batch]: [usize; 2]) {
    batches(count / 10 + 1, batch);
    job::each("time", batches(count, batch), count * batch);
}
