//! Tasks that take turns. They start together, once all of them have been spawned and woken, and
//! wait at the end until the clock has stopped, so that the time holds no spawn and no end of a
//! task.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::Arc;
use std::time::Instant;

use midge_peers::job;
use tokio::sync::{Notify, Semaphore};
use tokio::task::yield_now;

struct Gate {
    tasks: usize,
    started: AtomicUsize,
    woken: AtomicUsize,
    done: AtomicUsize,
    open: AtomicBool,
    /// Tells the main task that all have started, and that all are done.
    main: Notify,
    /// Without permits. They are closed to let all go.
    wake: Semaphore,
    release: Semaphore,
}

impl Gate {
    async fn pass(&self, rounds: usize) {
        if self.started.fetch_add(1, SeqCst) + 1 == self.tasks {
            self.main.notify_one();
        }
        self.wake.acquire().await.expect_err("there are no permits");
        self.woken.fetch_add(1, SeqCst);
        while !self.open.load(SeqCst) {
            yield_now().await;
        }
        for _ in 0..rounds {
            yield_now().await;
        }
        if self.done.fetch_add(1, SeqCst) + 1 == self.tasks {
            self.main.notify_one();
        }
        self.release.acquire().await.expect_err("there are no permits");
    }
}

pub async fn run([tasks, rounds]: [usize; 2]) {
    let gate = Arc::new(Gate {
        tasks,
        started: AtomicUsize::new(0),
        woken: AtomicUsize::new(0),
        done: AtomicUsize::new(0),
        open: AtomicBool::new(false),
        main: Notify::new(),
        wake: Semaphore::new(0),
        release: Semaphore::new(0),
    });
    let spawn = |_| {
        let gate = Arc::clone(&gate);
        tokio::spawn(async move { gate.pass(rounds).await })
    };
    let handles: Vec<_> = (0..tasks).map(spawn).collect();
    gate.main.notified().await;
    gate.wake.close();
    while gate.woken.load(SeqCst) < tasks {
        yield_now().await;
    }

    let start = Instant::now();
    gate.open.store(true, SeqCst);
    gate.main.notified().await;
    // The turns at the two ends count as one.
    job::each("time", start.elapsed(), tasks * (rounds + 1));

    gate.release.close();
    for handle in handles {
        handle.await.expect("a yielding task does not panic");
    }
}
