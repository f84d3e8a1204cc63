//! Promise: where windows are preempted, a task that computes or blocks keeps nobody waiting for its
//! window, wherever it is interrupted, and goes on as if nothing had been.

mod common;

use common::{wait_until, Watchdog};
use midge::{task, JoinHandle, Runtime};
use std::hint::black_box;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering::*};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A runtime that preempts windows, with one worker and one window to begin with. (A worker that
/// takes over from a hogged one brings a window of its own, for tasks that begin on it.)
fn preempting(configure: impl FnOnce(&mut midge::Builder) -> &mut midge::Builder) -> Runtime {
    let mut builder = common::builder();
    configure(builder.workers(1).windows(1).name_hogs(false));
    // SAFETY: the tasks of this file lend nothing of their stacks.
    unsafe { builder.preempt_windows(true).build_migrating() }.unwrap()
}

/// Tasks that have all begun on one window before any of them does its work.
struct Crowd {
    runtime: Runtime,
    go: Arc<AtomicBool>,
    begun: Arc<AtomicU64>,
    spawned: u64,
    /// How often the neighbours have gone on.
    turns: Arc<AtomicU64>,
    neighbours: Vec<JoinHandle<()>>,
    stop: Arc<AtomicBool>,
    /// How many windows there were before.
    windows: u64,
    _watchdog: Watchdog,
}

impl Crowd {
    fn new(runtime: Runtime, what: &str) -> Crowd {
        Crowd {
            windows: runtime.metrics().windows,
            runtime,
            go: Arc::default(),
            begun: Arc::default(),
            spawned: 0,
            turns: Arc::default(),
            neighbours: Vec::new(),
            stop: Arc::default(),
            _watchdog: Watchdog::new(what.to_string()),
        }
    }

    /// A task that does this once all have begun.
    fn spawn<T: Send + 'static>(
        &mut self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> JoinHandle<T> {
        let (begun, go) = (self.begun.clone(), self.go.clone());
        self.spawned += 1;
        self.runtime.spawn(move || {
            begun.fetch_add(1, Relaxed);
            while !go.load(Acquire) {
                task::park();
            }
            work()
        })
    }

    /// A task that parks again and again.
    fn neighbours(&mut self, count: u64) {
        for _ in 0..count {
            let turns = self.turns.clone();
            let neighbour = self.spawn(move || loop {
                turns.fetch_add(1, Relaxed);
                task::park();
            });
            self.neighbours.push(neighbour);
        }
    }

    /// A task that works without a pause until it is told to stop.
    fn hog(&mut self, mut work: impl FnMut() + Send + 'static) -> JoinHandle<u64> {
        let stop = self.stop.clone();
        self.spawn(move || {
            let mut rounds = 0;
            loop {
                work();
                rounds += 1;
                if stop.load(Relaxed) {
                    return rounds;
                }
            }
        })
    }

    /// Lets them go, and these first.
    fn go<T>(&self, first: &[&JoinHandle<T>]) {
        wait_until(|| self.begun.load(Relaxed) == self.spawned);
        self.go.store(true, Release);
        first.iter().for_each(|task| task.task().unpark());
        self.neighbours.iter().for_each(|task| task.task().unpark());
    }

    /// Waits until the neighbours have had so many turns each, and hogs have been paused.
    fn turns_are_had(&self, rounds: u64) {
        let neighbours = self.neighbours.len() as u64;
        let mut before = self.turns.load(Relaxed);
        for _ in 0..rounds {
            self.neighbours.iter().for_each(|task| task.task().unpark());
            wait_until(|| self.turns.load(Relaxed) >= before + neighbours);
            before += neighbours;
        }
        wait_until(|| {
            self.neighbours.iter().for_each(|task| task.task().unpark());
            self.has_been_preempted()
        });
    }

    /// Whether somebody has been paused. Or may have had no reason to be: on a busy machine another
    /// worker may have come while the tasks began, with a window of its own.
    fn has_been_preempted(&self) -> bool {
        let metrics = self.runtime.metrics();
        metrics.preemptions > 0 || metrics.windows > self.windows
    }

    fn end(self, hogs: Vec<JoinHandle<u64>>) -> u64 {
        self.stop.store(true, Relaxed);
        let rounds = hogs.into_iter().map(common::join).sum();
        for task in &self.neighbours {
            task.cancel();
        }
        for task in self.neighbours {
            assert!(task.join().unwrap_err().is::<task::Cancelled>());
        }
        rounds
    }
}

/// What the hogs of a test do.
type Work = fn() -> Box<dyn FnMut() + Send>;

/// Three hogs and twenty neighbours in one window.
fn neighbours_of_hogs_go_on(what: &str, work: Work) -> u64 {
    let mut crowd = Crowd::new(preempting(|builder| builder), what);
    crowd.neighbours(20);
    let hogs: Vec<_> = (0..3).map(|_| crowd.hog(work())).collect();
    crowd.go(&hogs.iter().collect::<Vec<_>>());
    crowd.turns_are_had(5);
    crowd.end(hogs)
}

#[test]
fn those_who_share_a_window_with_computing_tasks_go_on() {
    assert!(neighbours_of_hogs_go_on("compute", || Box::new(compute)) > 0);
}

/// Some work whose result depends on every register and every byte of its stack.
fn compute() {
    let mut numbers = [0u64; 64];
    let mut float = 1.0f64;
    for round in 0..2_000u64 {
        for (at, number) in numbers.iter_mut().enumerate() {
            *number =
                number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(round ^ at as u64);
        }
        float = (float * 1.000_001).sqrt() + black_box(0.25);
    }
    let mut expected = [0u64; 64];
    for (at, number) in expected.iter_mut().enumerate() {
        for round in 0..2_000u64 {
            *number =
                number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(round ^ at as u64);
        }
    }
    assert_eq!(numbers, expected);
    assert!(float > 1.0 && float < 2.0, "{float}");
}

#[test]
fn tasks_are_interrupted_inside_of_the_allocator() {
    let churn: Work = || {
        Box::new(|| {
            let many: Vec<Vec<u8>> = (1..200).map(|size| vec![size as u8; size * 37]).collect();
            assert!(many.iter().all(|bytes| bytes.iter().all(|byte| *byte == bytes[0])));
        })
    };
    let mut crowd = Crowd::new(preempting(|builder| builder), "allocate");
    // They allocate, too, and their stacks are so deep that their blocks come from the allocator.
    for number in 0..20 {
        let turns = crowd.turns.clone();
        let neighbour = crowd.spawn(move || deep(number, 20 + number as u32 * 3, &turns));
        crowd.neighbours.push(neighbour);
    }
    let hogs: Vec<_> = (0..3).map(|_| crowd.hog(churn())).collect();
    crowd.go(&hogs.iter().collect::<Vec<_>>());
    crowd.turns_are_had(10);
    assert!(crowd.end(hogs) > 0);
}

/// Waits at some depth, and checks that the frames are still what they were.
fn deep(number: u64, depth: u32, turns: &AtomicU64) {
    let frame = [number ^ u64::from(depth); 16];
    black_box(&frame);
    if depth > 0 {
        deep(number, depth - 1, turns);
    } else {
        loop {
            turns.fetch_add(1, Relaxed);
            task::park();
            assert!(black_box(&frame).iter().all(|word| *word == number));
            drop(black_box(vec![0u8; 5_000]));
        }
    }
    assert!(black_box(&frame).iter().all(|word| *word == number ^ u64::from(depth)));
}

#[test]
fn tasks_that_block_are_paused_and_their_calls_go_on() {
    let mut crowd = Crowd::new(preempting(|builder| builder), "block");
    crowd.neighbours(10);
    let (mut here, mut there) = UnixStream::pair().unwrap();
    let lock = Arc::new(Mutex::new(0));
    let guard = lock.lock().unwrap();
    let theirs = lock.clone();
    let reader = crowd.spawn(move || {
        let mut text = [0; 5];
        there.read_exact(&mut text).unwrap();
        assert_eq!(&text, b"hello");
    });
    let locker = crowd.spawn(move || *theirs.lock().unwrap() += 1);
    let sleeper = crowd.spawn(|| std::thread::sleep(Duration::from_millis(300)));
    crowd.go(&[&reader, &locker, &sleeper]);
    crowd.turns_are_had(5);
    here.write_all(b"hello").unwrap();
    common::join(reader);
    drop(guard);
    common::join(locker);
    assert_eq!(*lock.lock().unwrap(), 1);
    common::join(sleeper);
    crowd.end(Vec::new());
}

#[test]
fn a_lock_that_a_paused_task_has_is_given_back() {
    // Whoever waits for the lock stands where the one who has it was.
    let mut crowd = Crowd::new(preempting(|builder| builder), "lock");
    crowd.neighbours(4);
    let lock = Arc::new(Mutex::new(0u64));
    let hogs: Vec<_> = (0..3)
        .map(|_| {
            let lock = lock.clone();
            crowd.hog(move || {
                let mut guard = lock.lock().unwrap();
                for _ in 0..10_000 {
                    *guard = black_box(*guard + 1);
                }
                drop(guard);
                (0..1_000).for_each(|number| _ = black_box(number));
            })
        })
        .collect();
    crowd.go(&hogs.iter().collect::<Vec<_>>());
    crowd.turns_are_had(10);
    let rounds = crowd.end(hogs);
    assert_eq!(*lock.lock().unwrap(), rounds * 10_000);
}

#[test]
fn one_that_is_paused_is_waited_for_by_one_that_yields() {
    // The neighbour never leaves the window of its own accord.
    let mut crowd = Crowd::new(preempting(|builder| builder), "yield");
    let done = Arc::new(AtomicBool::new(false));
    let (theirs, started) = (done.clone(), Arc::new(AtomicBool::new(false)));
    let begun = started.clone();
    let hog = crowd.spawn(move || {
        while !begun.load(Relaxed) {
            std::hint::spin_loop();
        }
        theirs.store(true, Relaxed);
    });
    let neighbour = crowd.spawn(move || {
        started.store(true, Relaxed);
        while !done.load(Relaxed) {
            task::yield_now();
        }
    });
    crowd.go(&[&hog, &neighbour]);
    common::join(hog);
    common::join(neighbour);
}

#[test]
fn a_deep_stack_is_taken_out_and_put_back() {
    fn descend(depth: u64, turns: &AtomicU64) -> u64 {
        let frame = [depth; 128];
        black_box(&frame);
        if depth > 0 {
            return descend(depth - 1, turns) + black_box(&frame)[127];
        }
        let before = turns.load(Relaxed);
        while turns.load(Relaxed) < before + 100 {
            std::hint::spin_loop();
        }
        0
    }
    let deep = preempting(|builder| common::room_for(8 << 20, 1, builder));
    let mut crowd = Crowd::new(deep, "deep");
    crowd.neighbours(10);
    let turns = crowd.turns.clone();
    let hog = crowd.spawn(move || descend(5_000, &turns)); // 5 MB
    crowd.go(&[&hog]);
    wait_until(|| {
        crowd.neighbours.iter().for_each(|task| task.task().unpark());
        hog.is_finished()
    });
    assert_eq!(common::join(hog), (0..=5_000).sum::<u64>());
    assert!(crowd.has_been_preempted());
    crowd.end(Vec::new());
}

/// How often the program's own handler has been called.
static HEARD: AtomicI32 = AtomicI32::new(0);

extern "C" fn hear(_: libc::c_int) {
    HEARD.fetch_add(1, Relaxed);
}

#[test]
fn a_handler_that_was_there_before_is_called_too() {
    let signal = libc::SIGUSR2;
    let handler = hear as extern "C" fn(libc::c_int);
    // SAFETY: the handler adds to an atomic, and has the type that it must have.
    unsafe { libc::signal(signal, handler as *const () as libc::sighandler_t) };
    let mut crowd = Crowd::new(preempting(|builder| builder.preempt_signal(signal)), "signal");
    // SAFETY: the signal is caught.
    unsafe { libc::raise(signal) };
    assert_eq!(HEARD.load(Relaxed), 1);
    crowd.neighbours(4);
    let hog = crowd.hog(compute);
    crowd.go(&[&hog]);
    crowd.turns_are_had(3);
    crowd.end(vec![hog]);
    assert!(HEARD.load(Relaxed) > 1);
}

#[test]
fn signals_that_cannot_be_had_are_refused() {
    for signal in [libc::SIGKILL, libc::SIGSEGV, 0, -1, 65, 1_000] {
        let mut builder = Runtime::builder();
        // SAFETY: as in `preempting`.
        let built =
            unsafe { builder.preempt_windows(true).preempt_signal(signal).build_migrating() };
        let error = built.expect_err("no such runtime").to_string();
        assert!(error.contains("Builder::preempt_signal"), "{error}");
    }
}
