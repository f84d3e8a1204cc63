//! Promise: a mutex lets one task or thread in at a time, wherever its holder suspends and goes on;
//! who waits is woken, and nobody is kept out for ever.

mod common;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

use common::{
    for_each_mode, join, os_thread, parked_at_once, rounds, stressed, wait_until, Mode, Random,
};
use midge::sync::{MappedMutexGuard, Mutex, MutexGuard};
use midge::task;

const WORKERS: &[usize] = &[1, 2, 8];

/// Counts with a plain load and store, so that two at once would lose a count, and notices two at
/// once.
#[derive(Default)]
struct Careful {
    count: u64,
    inside: bool,
}

impl Careful {
    fn enter(&mut self) {
        assert!(!std::mem::replace(&mut self.inside, true), "two inside");
    }

    fn leave(&mut self) {
        assert!(std::mem::replace(&mut self.inside, false));
        self.count += 1;
    }
}

#[test]
fn one_at_a_time_among_tasks_and_threads() {
    let each = rounds(2000, 300);
    for_each_mode(WORKERS, |rt, _| {
        let mutex = Arc::new(Mutex::new(Careful::default()));
        let work = |seed: u64| {
            let mutex = mutex.clone();
            move || {
                let mut random = Random::new(seed);
                for _ in 0..each {
                    let mut guard = mutex.lock();
                    guard.enter();
                    if random.below(8) == 0 {
                        task::yield_now();
                    }
                    guard.leave();
                    drop(guard);
                    if random.below(16) == 0 {
                        task::yield_now();
                    }
                }
            }
        };
        let tasks: Vec<_> = (0..10).map(|seed| rt.spawn(work(seed))).collect();
        let threads: Vec<_> = (10..13).map(|seed| std::thread::spawn(work(seed))).collect();
        tasks.into_iter().for_each(join);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(mutex.lock().count, 13 * each as u64);
        assert!(!mutex.is_locked());
    });
}

#[test]
fn tasks_of_two_runtimes() {
    let each = rounds(1000, 200);
    for_each_mode(&[1, 2], |one, mode| {
        let other = common::build(mode, 2);
        let mutex = Arc::new(Mutex::new(Careful::default()));
        let tasks: Vec<_> = (0..8)
            .map(|number| {
                let mutex = mutex.clone();
                [one, &other][number % 2].spawn(move || {
                    for _ in 0..each {
                        let mut guard = mutex.lock();
                        guard.enter();
                        task::yield_now();
                        guard.leave();
                    }
                })
            })
            .collect();
        tasks.into_iter().for_each(join);
        assert_eq!(mutex.lock().count, 8 * each as u64);
    });
}

#[test]
fn a_guard_survives_suspensions_and_is_released_on_another_worker() {
    for_each_mode(&[2, 4], |rt, mode| {
        let mutex = Arc::new(Mutex::new(0));
        let moved = Arc::new(AtomicUsize::new(0));
        let deadline = Instant::now() + Duration::from_secs(5);
        // Where tasks stay at home there is nothing to wait for.
        let enough = |moved: &AtomicUsize| {
            mode != Mode::Migrating
                || moved.load(Ordering::Relaxed) > 0
                || Instant::now() > deadline
        };
        let mut total = 0;
        loop {
            let tasks: Vec<_> = (0..16)
                .map(|_| {
                    let (mutex, moved) = (mutex.clone(), moved.clone());
                    rt.spawn(move || {
                        for _ in 0..20 {
                            let mut guard = mutex.lock();
                            let (count, thread) = (*guard, os_thread());
                            for _ in 0..5 {
                                task::yield_now();
                            }
                            *guard = count + 1;
                            if os_thread() != thread {
                                moved.fetch_add(1, Ordering::Relaxed);
                            }
                            drop(guard);
                            task::yield_now();
                        }
                    })
                })
                .collect();
            tasks.into_iter().for_each(join);
            total += 16 * 20;
            assert_eq!(*mutex.lock(), total);
            if enough(&moved) {
                break;
            }
        }
        if mode != Mode::Migrating {
            assert_eq!(moved.load(Ordering::Relaxed), 0);
        } else if stressed() {
            assert!(moved.load(Ordering::Relaxed) > 0, "stress mode moves tasks at each resume");
        }
    });
}

#[test]
fn a_guard_can_be_dropped_by_another() {
    static MUTEX: Mutex<usize> = Mutex::new(0);
    for_each_mode(WORKERS, |rt, _| {
        for _ in 0..50 {
            let guard = MUTEX.lock();
            let waiting = rt.spawn(|| *MUTEX.lock() += 1);
            rt.run(task::yield_now);
            join(rt.spawn(move || drop(guard)));
            join(waiting);
        }
        assert!(!MUTEX.is_locked());
    });
}

#[test]
fn many_waiters_all_get_in() {
    for_each_mode(WORKERS, |rt, mode| {
        let tasks = parked_at_once(mode, rounds(5000, 1000));
        let mutex = Arc::new(Mutex::new(0));
        let guard = mutex.lock();
        let waiting: Vec<_> = (0..tasks)
            .map(|_| {
                let mutex = mutex.clone();
                rt.spawn(move || {
                    let mut count = mutex.lock();
                    *count += 1;
                })
            })
            .collect();
        rt.run(|| (0..20).for_each(|_| task::yield_now()));
        assert_eq!(*guard, 0);
        drop(guard);
        waiting.into_iter().for_each(join);
        assert_eq!(*mutex.lock(), tasks);
    });
}

/// Without starving mode the patient one would find the mutex locked at each of its turns, for
/// ever.
#[test]
fn a_hot_locker_that_yields_while_it_holds_does_not_starve_a_patient_one() {
    for_each_mode(WORKERS, |rt, _| {
        for hot in [1, 3] {
            let mutex = Arc::new(Mutex::new(()));
            let stop = Arc::new(AtomicBool::new(false));
            let busy = Arc::new(AtomicUsize::new(0));
            let hot: Vec<_> = (0..hot)
                .map(|_| {
                    let (mutex, stop, busy) = (mutex.clone(), stop.clone(), busy.clone());
                    rt.spawn(move || {
                        while !stop.load(Ordering::Relaxed) {
                            let _guard = mutex.lock();
                            busy.fetch_add(1, Ordering::Relaxed);
                            task::yield_now();
                        }
                    })
                })
                .collect();
            wait_until(|| busy.load(Ordering::Relaxed) > 10);
            let patient = {
                let mutex = mutex.clone();
                rt.spawn(move || (0..10).for_each(|_| drop(mutex.lock())))
            };
            let thread = {
                let mutex = mutex.clone();
                std::thread::spawn(move || (0..3).for_each(|_| drop(mutex.lock())))
            };
            wait_until(|| patient.is_finished() && thread.is_finished());
            stop.store(true, Ordering::Relaxed);
            hot.into_iter().for_each(join);
            join(patient);
            thread.join().unwrap();
        }
    });
}

#[test]
fn try_lock_never_waits() {
    for_each_mode(WORKERS, |rt, _| {
        let mutex = Arc::new(Mutex::new(5));
        let guard = mutex.try_lock().expect("it is free");
        assert!(mutex.is_locked());
        let theirs = mutex.clone();
        assert!(join(rt.spawn(move || theirs.try_lock().is_none())));
        drop(guard);
        let theirs = mutex.clone();
        assert_eq!(join(rt.spawn(move || *theirs.try_lock().unwrap())), 5);
    });
}

#[test]
fn a_limit_of_time() {
    let brief = Duration::from_millis(2);
    for_each_mode(WORKERS, |rt, _| {
        let mutex = Arc::new(Mutex::new(0));
        let guard = mutex.lock();
        for _ in 0..3 {
            let theirs = mutex.clone();
            assert!(join(rt.spawn(move || theirs.try_lock_for(brief).is_none())));
            let theirs = mutex.clone();
            let thread =
                std::thread::spawn(move || theirs.try_lock_until(Instant::now() + brief).is_none());
            assert!(thread.join().unwrap());
        }
        assert!(mutex.try_lock_until(Instant::now()).is_none());
        let theirs = mutex.clone();
        let waits =
            rt.spawn(move || theirs.try_lock_for(Duration::MAX).map(|mut guard| *guard = 1));
        rt.run(task::yield_now);
        drop(guard);
        assert!(join(waits).is_some());
        assert_eq!(mutex.try_lock_for(brief).map(|guard| *guard), Some(1));
    });
}

#[test]
fn limits_of_time_lose_no_wake_up() {
    let each = rounds(300, 50);
    for_each_mode(WORKERS, |rt, _| {
        let mutex = Arc::new(Mutex::new(Careful::default()));
        let tasks: Vec<_> = (0..12)
            .map(|seed| {
                let mutex = mutex.clone();
                rt.spawn(move || {
                    let mut random = Random::new(seed);
                    let mut entered = 0;
                    for _ in 0..each {
                        let limit = Duration::from_micros(random.below(200) as u64);
                        let guard = if random.below(3) == 0 {
                            Some(mutex.lock())
                        } else {
                            mutex.try_lock_for(limit)
                        };
                        if let Some(mut guard) = guard {
                            guard.enter();
                            task::yield_now();
                            guard.leave();
                            entered += 1;
                        }
                    }
                    entered
                })
            })
            .collect();
        let entered: u64 = tasks.into_iter().map(join).sum();
        assert_eq!(mutex.lock().count, entered);
        assert!(!mutex.is_locked());
    });
}

#[test]
#[cfg(panic = "unwind")]
fn a_panic_unlocks_and_does_not_poison() {
    for_each_mode(WORKERS, |rt, _| {
        let mutex = Arc::new(Mutex::new(1));
        let theirs = mutex.clone();
        let panicked = rt.spawn(move || {
            let mut guard = theirs.lock();
            *guard = 2;
            task::yield_now();
            panic!("with the lock");
        });
        assert!(panicked.join().is_err());
        assert_eq!(*mutex.lock(), 2);
    });
}

#[test]
fn guards_of_parts() {
    let mutex = Mutex::new((1, vec![1, 2, 3]));
    {
        let list = MutexGuard::map(mutex.lock(), |pair| &mut pair.1);
        assert!(mutex.try_lock().is_none());
        let Ok(mut last) = MappedMutexGuard::try_map(list, |list| list.last_mut()) else {
            panic!("the list has a last one")
        };
        *last = 7;
    }
    let whole = MutexGuard::try_map(mutex.lock(), |pair| pair.1.get_mut(9)).unwrap_err();
    assert_eq!(whole.1, [1, 2, 7]);
    drop(whole);
    assert_eq!(format!("{mutex:?}"), "Mutex { data: (1, [1, 2, 7]) }");
    assert_eq!(mutex.into_inner().0, 1);
    assert_eq!(*Mutex::from(3).get_mut(), 3);
    assert!(std::mem::size_of::<Mutex<()>>() <= 24);
}
