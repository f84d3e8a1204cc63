//! Tasks that all add to the same number behind a mutex, with nothing in between.

use std::sync::Arc;
use std::time::{Duration, Instant};

use midge_peers::job;
use tokio::sync::Mutex;

async fn additions(count: usize, tasks: usize) -> Duration {
    let total = Arc::new(Mutex::new(0));
    let each = count / tasks;
    let start = Instant::now();
    let add = |_| {
        let total = Arc::clone(&total);
        tokio::spawn(async move {
            for _ in 0..each {
                *total.lock().await += 1;
            }
        })
    };
    let handles: Vec<_> = (0..tasks).map(add).collect();
    for handle in handles {
        handle.await.expect("adding does not panic");
    }
    let elapsed = start.elapsed();
    assert_eq!(*total.lock().await, each * tasks);
    elapsed
}

pub async fn run([count, tasks]: [usize; 2]) {
    additions(count / 10, tasks).await;
    job::each("time", additions(count, tasks).await, count);
}
