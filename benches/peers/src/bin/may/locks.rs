//! Tasks that all add to the same number behind a mutex, with nothing in between.

use std::sync::Arc;
use std::time::{Duration, Instant};

use may::sync::Mutex;
use midge_peers::job;

use crate::spawn;

fn additions(count: usize, tasks: usize) -> Duration {
    let total = Arc::new(Mutex::new(0));
    let each = count / tasks;
    let start = Instant::now();
    let add = |_| {
        let total = Arc::clone(&total);
        spawn(move || {
            for _ in 0..each {
                *total.lock().expect("nobody panics") += 1;
            }
        })
    };
    let handles: Vec<_> = (0..tasks).map(add).collect();
    for handle in handles {
        handle.join().expect("adding does not panic");
    }
    let elapsed = start.elapsed();
    assert_eq!(*total.lock().expect("nobody panics"), each * tasks);
    elapsed
}

pub fn run([count, tasks]: [usize; 2]) {
    additions(count / 10, tasks);
    job::each("time", additions(count, tasks), count);
}
