//! Promise: a task that computes without a pause, or sits in a system call, does not starve others.

mod common;

use std::io::Read;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::Arc;

use common::{
    build, builder, child_of, in_child, join, os_thread, try_build, wait_until, Mode, Runtime,
    Watchdog, MODES,
};
use midge::{spawn, task};

/// Computes until it is told to stop.
fn compute(stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        std::hint::spin_loop();
    }
}

/// A pair of tasks that hand a token to and fro so often.
fn ping_pong(rounds: usize) {
    let (s1, r1) = midge::chan::bounded(0);
    let (s2, r2) = midge::chan::bounded(0);
    let other = spawn(move || r1.iter().for_each(|n: usize| s2.send(n).unwrap()));
    for n in 0..rounds {
        s1.send(n).unwrap();
        assert_eq!(r2.recv(), Ok(n));
        if n % 64 == 0 {
            task::sleep(std::time::Duration::from_micros(100));
        }
    }
    drop(s1);
    join(other);
}

fn migrating(workers: usize) -> Runtime {
    build(Mode::Migrating, workers)
}

#[test]
fn computing_tasks_on_all_workers_stop_nobody() {
    for workers in [1, 2] {
        let _watchdog = Watchdog::new(format!("{workers} workers"));
        let rt = migrating(workers);
        let stop = Arc::new(AtomicBool::new(false));
        let hogs: Vec<_> = (0..4)
            .map(|_| {
                let stop = stop.clone();
                rt.spawn(move || compute(&stop))
            })
            .collect();
        let others: Vec<_> = (0..20).map(|_| rt.spawn(|| ping_pong(300))).collect();
        others.into_iter().for_each(join);
        assert!(hogs.iter().all(|hog| !hog.is_finished()));
        stop.store(true, Ordering::Relaxed);
        hogs.into_iter().for_each(join);
        assert!(rt.metrics().retakes >= 1);
    }
}

#[test]
fn blocked_tasks_on_all_workers_stop_nobody() {
    for workers in [1, 2] {
        let _watchdog = Watchdog::new(format!("{workers} workers"));
        let rt = migrating(workers);
        let (streams, ends): (Vec<_>, Vec<_>) = (0..4).map(|_| UnixStream::pair().unwrap()).unzip();
        let hogs: Vec<_> = streams
            .into_iter()
            .map(|mut stream| {
                rt.spawn(move || {
                    let mut byte = [0];
                    stream.read(&mut byte).unwrap()
                })
            })
            .collect();
        let others: Vec<_> = (0..20).map(|_| rt.spawn(|| ping_pong(300))).collect();
        others.into_iter().for_each(join);
        assert!(hogs.iter().all(|hog| !hog.is_finished()));
        drop(ends);
        for hog in hogs {
            assert_eq!(join(hog), 0);
        }
    }
}

#[test]
fn tasks_that_were_ready_before_the_hog_go_on() {
    for workers in [1, 2] {
        let _watchdog = Watchdog::new(format!("{workers} workers"));
        let rt = migrating(workers);
        let stop = Arc::new(AtomicBool::new(false));
        let done = Arc::new(AtomicUsize::new(0));
        rt.run(|| {
            // Fewer than a worker has windows: nobody shares one with a hog.
            for _ in 0..100 {
                let done = done.clone();
                spawn(move || {
                    for _ in 0..10 {
                        task::yield_now();
                    }
                    done.fetch_add(1, Ordering::Relaxed);
                });
            }
            task::yield_now(); // some have begun
        });
        let hogs: Vec<_> = (0..workers)
            .map(|_| {
                let stop = stop.clone();
                rt.spawn(move || compute(&stop))
            })
            .collect();
        wait_until(|| done.load(Ordering::Relaxed) == 100);
        stop.store(true, Ordering::Relaxed);
        hogs.into_iter().for_each(join);
    }
}

#[test]
fn a_hog_that_suspends_goes_on_elsewhere_or_here() {
    let _watchdog = Watchdog::new("hogs that suspend".to_string());
    let rt = migrating(2);
    let tasks: Vec<_> = (0..8)
        .map(|n| {
            rt.spawn(move || {
                let mut threads = vec![os_thread()];
                for _ in 0..5 {
                    std::thread::sleep(std::time::Duration::from_millis(15 + n));
                    task::yield_now();
                    threads.push(os_thread());
                }
                threads.len()
            })
        })
        .collect();
    let others: Vec<_> = (0..4).map(|_| rt.spawn(|| ping_pong(200))).collect();
    others.into_iter().for_each(join);
    assert!(tasks.into_iter().map(join).all(|threads| threads == 6));
}

#[test]
fn tasks_that_have_not_begun_flow_to_free_workers() {
    for mode in [Mode::Pinned, Mode::Copying] {
        let _watchdog = Watchdog::new(format!("{mode:?}"));
        let rt = build(mode, 2);
        if rt.workers() < 2 {
            continue; // there is no free one
        }
        let stop = Arc::new(AtomicBool::new(false));
        let running = Arc::new(AtomicBool::new(false));
        let hog = {
            let (stop, running) = (stop.clone(), running.clone());
            rt.spawn(move || {
                running.store(true, Ordering::Relaxed);
                compute(&stop);
            })
        };
        // Or tasks would begin on the thread that is hogged later, and that keeps them.
        wait_until(|| running.load(Ordering::Relaxed));
        let others: Vec<_> = (0..100).map(|_| rt.spawn(|| ping_pong(10))).collect();
        others.into_iter().for_each(join);
        stop.store(true, Ordering::Relaxed);
        join(hog);
    }
}

#[test]
fn hogs_are_named_once() {
    const NAME: &str = "hogs_are_named_once";
    let Some(kind) = in_child() else {
        for mode in MODES {
            let output = child_of(NAME, &format!("{mode:?}"), &[]);
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{mode:?}: {:?} {said}", output.status);
            let named: Vec<_> =
                said.lines().filter(|line| line.starts_with("midge: task")).collect();
            assert_eq!(named.len(), 1, "{mode:?}: {said}");
            let line = named[0];
            assert!(line.contains("\"greedy\" (spawned at tests/hogs.rs:"), "{line}");
            assert!(line.contains(" ms without suspending, and "), "{line}");
            assert!(line.contains("for it; use midge::blocking"), "{line}");
        }
        return;
    };
    let _watchdog = Watchdog::new(NAME.to_string());
    let mode = MODES.into_iter().find(|mode| format!("{mode:?}") == kind).expect("a mode");
    // One window, so that in the migrating mode, too, somebody has to wait.
    let rt = try_build(mode, builder().workers(1).windows(1)).expect("a runtime");
    let stop = Arc::new(AtomicBool::new(false));
    let running = Arc::new(AtomicBool::new(false));
    let waiting = rt.spawn(task::park);
    wait_until(|| rt.metrics().parks == 1);
    let hog = {
        let (stop, running) = (stop.clone(), running.clone());
        let greedy = task::Builder::new().name("greedy");
        greedy.spawn_on(&rt, move || {
            running.store(true, Ordering::Relaxed);
            compute(&stop);
        })
    };
    wait_until(|| running.load(Ordering::Relaxed));
    waiting.task().unpark();
    wait_until(|| rt.metrics().hogs == 1);
    std::thread::sleep(std::time::Duration::from_millis(300)); // time for a second message
    stop.store(true, Ordering::Relaxed);
    join(hog);
    join(waiting);
    assert_eq!(rt.metrics().hogs, 1);
}
