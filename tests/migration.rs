//! Promise: in the migrating mode a started task moves between OS threads, and nothing is lost by
//! 100,000 moves; in the pinned and copying modes a started task never leaves its thread, however
//! busily the other workers steal.

mod common;

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::ThreadId;

use common::{
    build, join, os_thread, recurse, repeated, try_build, Mode, Random, Runtime, Watchdog,
};
use midge::task;

/// These tests want all processors for themselves.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A hundred thousand. Where the environment has the suite done once more, with other workers or under
/// stress, a tenth: these tests say themselves how many workers they want, and whether stress.
fn moves() -> usize {
    let once_more = common::stressed() || std::env::var_os("MIDGE_WORKERS").is_some();
    repeated(if once_more { 10_000 } else { 100_000 })
}

/// For what counts its steps, and takes as long as the machine lets it.
fn feed_now_and_then(watchdog: &Watchdog, steps: usize) {
    if steps % 100 == 0 {
        watchdog.feed();
    }
}

/// Runs a task that calls `suspend` at random depths until it has resumed on another thread than
/// before so many times, and checks its locals after each.
fn move_about(rt: &Runtime, moves: usize, suspend: fn(), watchdog: Watchdog) {
    let handle = rt.spawn(move || {
        let (mut random, mut moved) = (Random::new(5), 0);
        while moved < moves {
            let before = os_thread();
            recurse(random.below(8), &mut || suspend());
            if os_thread() != before {
                moved += 1;
                feed_now_and_then(&watchdog, moved);
            }
        }
        assert_eq!(task::current().name(), None);
        watchdog
    });
    let _watchdog = join(handle);
    assert!(rt.metrics().migrations >= moves as u64);
}

#[test]
fn a_task_moves_100_000_times_under_stress() {
    let _alone = alone();
    let watchdog = Watchdog::new("moves under stress".into());
    let rt = try_build(Mode::Migrating, common::builder().workers(2).stress(11));
    let rt = rt.expect("the runtime is built");
    move_about(&rt, moves(), task::yield_now, watchdog);
}

#[test]
fn a_task_moves_100_000_times_away_from_a_busy_worker() {
    /// Leaves a task behind that keeps this worker busy until the caller has resumed: another
    /// worker has to steal the caller, or the hog.
    fn leave_a_hog_behind() {
        let resumed = Arc::new(AtomicBool::new(false));
        let seen = resumed.clone();
        let hog = midge::spawn(move || {
            let mut spins = 0u32;
            while !seen.load(Ordering::Acquire) {
                spins += 1;
                if spins % 128 == 0 {
                    std::thread::yield_now(); // For machines with fewer cores than workers.
                }
                std::hint::spin_loop();
            }
        });
        task::yield_now();
        resumed.store(true, Ordering::Release);
        join(hog);
    }
    let _alone = alone();
    let watchdog = Watchdog::new("moves away from a hog".into());
    let rt = build(Mode::Migrating, 2);
    if rt.workers() >= 2 {
        move_about(&rt, moves(), leave_a_hog_behind, watchdog);
    }
}

#[test]
fn many_tasks_move_100_000_times_in_total() {
    const TASKS: usize = 8;
    let _alone = alone();
    let watchdog = Arc::new(Watchdog::new("many tasks move".into()));
    let rt = try_build(Mode::Migrating, common::builder().workers(4).windows(4).stress(12));
    let rt = rt.expect("the runtime is built");
    let wanted = moves();
    let total = Arc::new(AtomicUsize::new(0));
    rt.run(|| {
        let handles: Vec<_> = (0..TASKS as u64)
            .map(|seed| {
                let (total, watchdog) = (total.clone(), watchdog.clone());
                midge::spawn(move || {
                    let mut random = Random::new(seed);
                    while total.load(Ordering::Relaxed) < wanted {
                        let before = os_thread();
                        recurse(random.below(16), &mut task::yield_now);
                        if os_thread() != before {
                            let before = total.fetch_add(1, Ordering::Relaxed);
                            feed_now_and_then(&watchdog, before);
                        }
                    }
                })
            })
            .collect();
        handles.into_iter().for_each(join);
    });
}

/// Everything that midge knows by the thread it is on is looked up anew after each move, in one
/// function that the compiler may inline as it likes: who the task is, its own values, its worker's
/// queues, timers and caches. (Go: `TestGetgThreadSwitch`.)
#[test]
fn what_belongs_to_the_task_is_found_on_each_thread() {
    midge::task_local! {
        static OWN: usize = 0;
    }
    const TASKS: usize = 4;
    let _alone = alone();
    let _watchdog = Watchdog::new("look-ups after moves".into());
    let rt = try_build(Mode::Migrating, common::builder().workers(3).windows(3).stress(14));
    let rt = rt.expect("the runtime is built");
    let rounds = repeated(common::rounds(5_000, 1_000));
    let tasks: Vec<_> = (1..=TASKS)
        .map(|number| {
            rt.spawn(move || {
                let (id, (send, receive)) = (task::current().id(), midge::chan::bounded(1));
                for round in 0..rounds {
                    assert_eq!(task::current().id(), id);
                    OWN.with(|own| assert_eq!(*own, 0));
                    task::yield_now();
                    assert_eq!(task::current().id(), id);
                    let child = midge::spawn(|| task::current().id());
                    send.send(round).unwrap();
                    assert_eq!(receive.recv(), Ok(round));
                    assert_ne!(join(child), id);
                    if round % 100 == 0 {
                        task::sleep(std::time::Duration::from_micros(40));
                    }
                    assert!(midge::runtime::metrics().tasks_live >= 1);
                }
                number
            })
        })
        .collect();
    assert_eq!(tasks.into_iter().map(join).sum::<usize>(), (1..=TASKS).sum());
    assert!(rt.metrics().migrations > 0);
}

/// One task suspends 100,000 times, by yielding and by parking, while others start fresh tasks
/// for the other workers to steal. Neither it nor they may ever resume on another thread.
fn stays_at_home(rt: Runtime, watchdog: Watchdog) {
    let threads: Arc<Mutex<HashSet<ThreadId>>> = Arc::default();
    let stop = Arc::new(AtomicBool::new(false));
    // Keep the queues full, so that there is always something to steal.
    let companions: Vec<_> = (0..6u64)
        .map(|seed| {
            let (threads, stop) = (threads.clone(), stop.clone());
            rt.spawn(move || {
                let (home, mut random) = (os_thread(), Random::new(seed));
                while !stop.load(Ordering::Acquire) {
                    let threads = threads.clone();
                    let fresh = midge::spawn(move || {
                        let home = os_thread();
                        threads.lock().unwrap().insert(home);
                        task::yield_now();
                        assert_eq!(os_thread(), home, "a started task was moved");
                    });
                    recurse(random.below(8), &mut task::yield_now);
                    assert_eq!(os_thread(), home, "a companion was moved");
                    join(fresh);
                    assert_eq!(os_thread(), home, "a companion was moved by a join");
                }
            })
        })
        .collect();
    let stopper = stop.clone();
    let watched = rt.spawn(move || {
        let (home, mut random) = (os_thread(), Random::new(99));
        for suspension in 0..moves() {
            if suspension % 50 == 49 {
                common::park_until_woken();
            } else {
                recurse(random.below(8), &mut task::yield_now);
            }
            assert_eq!(os_thread(), home, "moved at suspension {suspension}");
            feed_now_and_then(&watchdog, suspension);
        }
        watchdog
    });
    let result = watched.join();
    let several = rt.workers() > 1;
    let spread = || threads.lock().unwrap().len() > 1;
    common::wait_until(|| result.is_err() || !several || spread());
    stopper.store(true, Ordering::Release);
    let _watchdog = result.unwrap_or_else(|payload| std::panic::resume_unwind(payload));
    companions.into_iter().for_each(join);
    assert_eq!(rt.metrics().migrations, 0);
}

#[test]
fn a_task_of_the_pinned_mode_never_moves() {
    let _alone = alone();
    let watchdog = Watchdog::new("the pinned mode".into());
    stays_at_home(build(Mode::Pinned, 3), watchdog);
}

#[test]
fn a_task_of_the_copying_mode_never_moves() {
    let _alone = alone();
    let watchdog = Watchdog::new("the copying mode".into());
    stays_at_home(build(Mode::Copying, 3), watchdog);
}

#[test]
fn a_task_of_the_copying_mode_never_moves_under_stress() {
    let _alone = alone();
    let watchdog = Watchdog::new("the copying mode under stress".into());
    let rt = try_build(Mode::Copying, common::builder().workers(3).windows(2).stress(13));
    stays_at_home(rt.expect("the runtime is built"), watchdog);
}
