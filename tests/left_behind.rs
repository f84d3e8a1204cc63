//! Promise: what a worker leaves behind when it loses its seat, or when its task hogs it, is taken
//! care of by those who are busy: its timers, and the tasks in its queue.

mod common;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::Duration;

use common::{build, join, stressed, wait_until, Mode, Runtime, Watchdog};
use midge::{spawn, task, JoinHandle};

/// Suspends again and again, and so keeps its worker busy without hogging it.
fn yielding(stop: &Arc<AtomicBool>) -> impl FnOnce() + Send + 'static {
    let stop = stop.clone();
    move || {
        while !stop.load(Ordering::Relaxed) {
            task::yield_now();
        }
    }
}

/// Computes, without ever suspending, until the flag is set.
fn compute_until(flag: &AtomicBool) {
    while !flag.load(Ordering::Relaxed) {
        std::hint::spin_loop();
    }
}

fn set(flag: &Arc<AtomicBool>) -> impl FnOnce() + Send + 'static {
    let flag = flag.clone();
    move || flag.store(true, Ordering::Relaxed)
}

fn set_after(time: Duration, flag: &Arc<AtomicBool>) -> impl FnOnce() + Send + 'static {
    let set = set(flag);
    move || {
        task::sleep(time);
        set();
    }
}

/// One worker, which is alone until it is hogged.
fn alone() -> (Runtime, Watchdog, Arc<AtomicBool>) {
    let watchdog = Watchdog::new("a worker's belongings".into());
    (build(Mode::Migrating, 1), watchdog, Arc::new(AtomicBool::new(false)))
}

fn wait_on_the_thread(flag: &AtomicBool) {
    while !flag.load(Ordering::Relaxed) {
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn hog(rt: &Runtime, until: &Arc<AtomicBool>) -> JoinHandle<()> {
    let (started, until) = (Arc::new(AtomicBool::new(false)), until.clone());
    let hog = rt.spawn({
        let started = started.clone();
        move || {
            started.store(true, Ordering::Relaxed);
            compute_until(&until);
        }
    });
    wait_on_the_thread(&started);
    hog
}

#[test]
fn an_only_worker_that_is_hogged_gets_help_for_a_spawn_from_outside() {
    let (rt, _watchdog, flag) = alone();
    let hog = hog(&rt, &flag);
    join(rt.spawn(set(&flag)));
    join(hog);
}

#[test]
fn an_only_worker_that_is_hogged_gets_help_for_an_unpark_from_outside() {
    let (rt, _watchdog, flag) = alone();
    let set = set(&flag);
    let parked = rt.spawn(move || {
        task::park();
        set();
    });
    wait_until(|| rt.metrics().parks > 0 || stressed());
    let hog = hog(&rt, &flag);
    parked.task().unpark();
    join(parked);
    join(hog);
}

#[test]
fn an_only_worker_that_is_hogged_gets_help_for_a_timer() {
    let (rt, _watchdog, flag) = alone();
    rt.run(|| {
        let sleeper = spawn(set_after(Duration::from_millis(20), &flag));
        task::yield_now(); // it falls asleep
        compute_until(&flag);
        join(sleeper);
    });
}

#[test]
fn a_timer_of_a_reserved_worker_fires_beside_busy_tasks() {
    let (rt, _watchdog, flag) = alone();
    let stop = Arc::new(AtomicBool::new(false));
    let locked = rt.spawn({
        let (stop, set) = (stop.clone(), set(&flag));
        move || {
            let busy: Vec<_> = (0..2).map(|_| spawn(yielding(&stop))).collect();
            let guard = task::lock_thread();
            task::sleep(Duration::from_millis(5));
            drop(guard);
            set();
            busy
        }
    });
    wait_on_the_thread(&flag);
    stop.store(true, Ordering::Relaxed);
    join(locked).into_iter().for_each(join);
}

#[test]
fn a_timer_of_a_spare_worker_fires_beside_busy_tasks() {
    let (rt, _watchdog, flag) = alone();
    let stop = Arc::new(AtomicBool::new(false));
    let sleeper = rt.spawn(set_after(Duration::from_millis(100), &flag));
    wait_until(|| rt.metrics().parks > 0 || stressed());
    let blocks = rt.spawn({
        let stop = stop.clone();
        move || {
            let busy: Vec<_> = (0..3).map(|_| spawn(yielding(&stop))).collect();
            std::thread::sleep(Duration::from_millis(50));
            busy
        }
    });
    wait_on_the_thread(&flag);
    stop.store(true, Ordering::Relaxed);
    join(sleeper);
    join(blocks).into_iter().for_each(join);
}

#[test]
fn timers_of_workers_that_are_too_many_fire_beside_busy_tasks() {
    for mode in [Mode::Pinned, Mode::Copying, Mode::Migrating] {
        let _watchdog = Watchdog::new(format!("{mode:?}"));
        let rt = build(mode, 2);
        // Each on a worker of its own.
        let (meeting, woken) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let sleepers: Vec<_> = (0..2)
            .map(|_| {
                let (meeting, woken) = (meeting.clone(), woken.clone());
                rt.spawn(move || {
                    meeting.fetch_add(1, Ordering::Relaxed);
                    while meeting.load(Ordering::Relaxed) < 2 {
                        std::hint::spin_loop();
                    }
                    task::sleep(Duration::from_millis(100));
                    woken.fetch_add(1, Ordering::Relaxed);
                })
            })
            .collect();
        wait_until(|| meeting.load(Ordering::Relaxed) == 2);
        rt.set_workers(1);
        let stop = Arc::new(AtomicBool::new(false));
        let busy: Vec<_> = (0..2).map(|_| rt.spawn(yielding(&stop))).collect();
        wait_until(|| woken.load(Ordering::Relaxed) == 2);
        stop.store(true, Ordering::Relaxed);
        sleepers.into_iter().chain(busy).for_each(join);
    }
}

#[test]
fn what_a_hog_has_queued_runs_beside_busy_tasks() {
    let (rt, _watchdog, stop) = alone();
    let count = Arc::new(AtomicUsize::new(0));
    let busy: Vec<_> = rt.run(|| {
        let busy: Vec<_> = (0..8).map(|_| spawn(yielding(&stop))).collect();
        let short = || {
            let count = count.clone();
            spawn(move || {
                count.fetch_add(1, Ordering::Relaxed);
            })
        };
        let _before: Vec<_> = (0..8).map(|_| short()).collect();
        // And what it queues later on.
        while count.load(Ordering::Relaxed) < 8 {
            std::hint::spin_loop();
        }
        let _later: Vec<_> = (0..8).map(|_| short()).collect();
        while count.load(Ordering::Relaxed) < 16 {
            std::hint::spin_loop();
        }
        busy
    });
    stop.store(true, Ordering::Relaxed);
    busy.into_iter().for_each(join);
}
