//! Tasks that take turns. They start together, once all of them have been spawned and woken, and
//! wait at the end until the clock has stopped, so that the time holds no spawn and no end of a
//! task.
//!
//! A fresh task is in a queue that may's worker only looks at when nobody yields, so nobody may do
//! so before all have started.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::Arc;
use std::time::Instant;

use may::coroutine::{self, Coroutine};
use midge_peers::job;

use crate::{held, spawn};

struct Gate {
    main: Coroutine,
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
        coroutine::park();
        self.woken.fetch_add(1, SeqCst);
        while !self.open.load(SeqCst) {
            coroutine::yield_now();
        }
        for _ in 0..rounds {
            coroutine::yield_now();
        }
        if self.done.fetch_add(1, SeqCst) + 1 == self.tasks {
            self.main.unpark();
        }
        while !self.released.load(SeqCst) {
            coroutine::park();
        }
    }
}

pub fn run([tasks, rounds]: [usize; 2]) {
    let tasks = held(tasks);
    let gate = Arc::new(Gate {
        main: coroutine::current(),
        tasks,
        started: AtomicUsize::new(0),
        woken: AtomicUsize::new(0),
        done: AtomicUsize::new(0),
        open: AtomicBool::new(false),
        released: AtomicBool::new(false),
    });
    let start_one = |_| {
        let gate = Arc::clone(&gate);
        spawn(move || gate.pass(rounds))
    };
    let handles: Vec<_> = (0..tasks).map(start_one).collect();
    while gate.started.load(SeqCst) < tasks {
        coroutine::park();
    }
    for handle in &handles {
        handle.coroutine().unpark();
    }
    while gate.woken.load(SeqCst) < tasks {
        coroutine::yield_now();
    }

    let start = Instant::now();
    gate.open.store(true, SeqCst);
    while gate.done.load(SeqCst) < tasks {
        coroutine::park();
    }
    // The turns at the two ends count as one.
    job::each("time", start.elapsed(), tasks * (rounds + 1));

    gate.released.store(true, SeqCst);
    for handle in handles {
        handle.coroutine().unpark();
        handle.join().expect("a yielding task does not panic");
    }
}
