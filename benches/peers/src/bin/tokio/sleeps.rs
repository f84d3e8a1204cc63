//! Tasks that each sleep once, for 1 to 100 ms.

use std::time::Instant;

use midge_peers::{job, process::cpu_time, random};

pub async fn run([tasks]: [usize; 1]) {
    let (start, cpu) = (Instant::now(), cpu_time());
    let handles: Vec<_> = random::sleeps()
        .take(tasks)
        .map(|time| {
            tokio::spawn(async move {
                let start = Instant::now();
                tokio::time::sleep(time).await;
                assert!(start.elapsed() >= time, "a sleep was too short");
            })
        })
        .collect();
    for handle in handles {
        handle.await.expect("nobody wakes early");
    }
    job::milliseconds("wall", start.elapsed());
    job::each("cpu", cpu_time() - cpu, tasks);
}
