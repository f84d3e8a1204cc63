//! Tasks that take turns. They start together, once all of them have been spawned and woken, and
//! wait at the end until the clock has stopped, so that the time holds no spawn and no end of a
//! task.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::Arc;
use std::time::Instant;

use midge::task::{self, Task};
use midge_peers::job;

struct Gate {
    main: Task,
    tasks: usize,
    started: AtomicUsize,
    woken: AtomicUsize,
    done: AtomicUsize,
    open: AtomicBool,
    released: AtomicBool,
}

impl Gate {
    fn pass(&self, rounds: usize) {
        if self.started.fetch_add(1, SeqCst) + 1 == self.tasks {
            self.main.unpark();
        }
        task::park();
        self.woken.fetch_add(1, SeqCst);
        while !self.open.load(SeqCst) {
            task::yield_now();
        }
        for _ in 0..rounds {
            task::yield_now();
        }
        if self.done.fetch_add(1, SeqCst) + 1 == self.tasks {
            self.main.unpark();
        }
        while !self.released.load(SeqCst) {
            task::park();
        }
    }
}

pub fn run([tasks, rounds]: [usize; 2]) {
    let gate = Arc::new(Gate {
        main: task::current(),
        tasks,
        started: AtomicUsize::new(0),
        woken: AtomicUsize::new(0),
        done: AtomicUsize::new(0),
        open: AtomicBool::new(false),
        released: AtomicBool::new(false),
    });
    let spawn = |_| {
        let gate = Arc::clone(&gate);
        midge::spawn(move || gate.pass(rounds))
    };
    let handles: Vec<_> = (0..tasks).map(spawn).collect();
    while gate.started.load(SeqCst) < tasks {
        task::park();
    }
    for handle in &handles {
        handle.task().unpark();
    }
    while gate.woken.load(SeqCst) < tasks {
        task::yield_now();
    }

    let start = Instant::now();
    gate.open.store(true, SeqCst);
    while gate.done.load(SeqCst) < tasks {
        task::park();
    }
    // The turns at the two ends count as one.
    job::each("time", start.elapsed(), tasks * (rounds + 1));

    gate.released.store(true, SeqCst);
    for handle in handles {
        handle.task().unpark();
        handle.join().expect("a yielding task does not panic");
    }
}
