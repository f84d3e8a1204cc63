//! Tasks that take turns. They wait at a gate until all have started, and at the end until the
//! clock has stopped, so that the time holds no spawn and no end of a task.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::Arc;
use std::time::Instant;

use midge_peers::job;
use tokio::sync::{Notify, Semaphore};
use tokio::task::yield_now;

struct Gate {
    tasks: usize,
    started: AtomicUsize,
    done: AtomicUsize,
    open: AtomicBool,
    finished: Notify,
    /// Closed to let all go.
    released: Semaphore,
}

impl Gate {
    async fn pass(&self, rounds: usize) {
        self.started.fetch_add(1, SeqCst);
        while !self.open.load(SeqCst) {
            yield_now().await;
        }
        for _ in 0..rounds {
            yield_now().await;
        }
        if self.done.fetch_add(1, SeqCst) + 1 == self.tasks {
            self.finished.notify_one();
        }
        self.released.acquire().await.expect_err("there are no permits");
    }
}

pub async fn run([tasks, rounds]: [usize; 2]) {
    let gate = Arc::new(Gate {
        tasks,
        started: AtomicUsize::new(0),
        done: AtomicUsize::new(0),
        open: AtomicBool::new(false),
        finished: Notify::new(),
        released: Semaphore::new(0),
    });
    let spawn = |_| {
        let gate = Arc::clone(&gate);
        tokio::spawn(async move { gate.pass(rounds).await })
    };
    let handles: Vec<_> = (0..tasks).map(spawn).collect();
    while gate.started.load(SeqCst) < tasks {
        yield_now().await;
    }

    let start = Instant::now();
    gate.open.store(true, SeqCst);
    gate.finished.notified().await;
    // The turns at the two ends count as one.
    job::each("time", start.elapsed(), tasks * (rounds + 1));

    gate.released.close();
    for handle in handles {
        handle.await.expect("a yielding task does not panic");
    }
}
