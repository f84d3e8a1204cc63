//! Promise: a sleeping task sleeps at least as long as it asked for, wakes without anybody's help
//! on any number of workers, and an idle runtime with timers that are far off uses no processor
//! time. A timer ends with what it was set for.

mod common;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

use common::{for_each_mode, join, parked_at_once, rounds, wait_until, Random, Tally};
use midge::task;

const WORKERS: &[usize] = &[1, 2, 8];
const AGES: Duration = Duration::from_secs(1_000_000);

fn milliseconds(count: u64) -> Duration {
    Duration::from_millis(count)
}

#[test]
fn nothing_wakes_early() {
    let tasks = rounds(5_000, 500);
    for_each_mode(WORKERS, |rt, _| {
        rt.run(move || {
            let sleepers: Vec<_> = (0..tasks as u64)
                .map(|seed| {
                    midge::spawn(move || {
                        let mut random = Random::new(seed);
                        for _ in 0..3 {
                            let asked = Duration::from_micros(random.below(30_000) as u64);
                            let deadline = Instant::now() + asked;
                            task::sleep(asked);
                            assert!(Instant::now() >= deadline, "early");
                        }
                    })
                })
                .collect();
            sleepers.into_iter().for_each(join);
        });
        assert!(rt.metrics().timers_fired > 0);
    });
}

#[test]
fn an_earlier_timer_wakes_a_worker_that_sleeps_for_a_later_one() {
    for_each_mode(WORKERS, |rt, _| {
        let ages = rt.spawn(|| task::sleep(AGES));
        for _ in 0..50 {
            std::thread::sleep(Duration::from_micros(300));
            // From outside, so that the workers are asleep, then from inside.
            join(rt.spawn(|| task::sleep(milliseconds(1))));
            join(rt.spawn(|| join(midge::spawn(|| task::sleep(milliseconds(1))))));
        }
        assert!(!ages.is_finished());
        ages.cancel();
        assert!(ages.join().is_err());
    });
}

#[test]
fn timers_fire_while_tasks_are_busy_yielding() {
    for_each_mode(WORKERS, |rt, _| {
        let stop = Arc::new(AtomicBool::new(false));
        let busy: Vec<_> = (0..20)
            .map(|_| {
                let stop = stop.clone();
                rt.spawn(move || {
                    while !stop.load(Ordering::Relaxed) {
                        task::yield_now();
                    }
                })
            })
            .collect();
        let sleepers: Vec<_> =
            (1..20).map(|n| rt.spawn(move || task::sleep(milliseconds(n)))).collect();
        sleepers.into_iter().for_each(join);
        stop.store(true, Ordering::Relaxed);
        busy.into_iter().for_each(join);
    });
}

/// In the migrating mode: the timer of a processor whose worker is busy is another's to fire.
#[test]
fn an_idle_worker_looks_after_the_timers_of_a_busy_one() {
    for_each_mode(&[2, 4], |rt, mode| {
        if mode != common::Mode::Migrating {
            return;
        }
        let woken = Arc::new(AtomicBool::new(false));
        let (sleeping, hog) = (Arc::new(AtomicBool::new(false)), woken.clone());
        let theirs = (sleeping.clone(), woken.clone());
        rt.run(move || {
            let sleeper = midge::spawn(move || {
                theirs.0.store(true, Ordering::Release);
                task::sleep(milliseconds(5));
                theirs.1.store(true, Ordering::Release);
            });
            wait_until(|| sleeping.load(Ordering::Acquire));
            let deadline = Instant::now() + common::PATIENCE;
            while !hog.load(Ordering::Acquire) {
                assert!(Instant::now() < deadline, "nobody fires the timer");
                std::hint::spin_loop(); // no suspension point
            }
            join(sleeper);
        });
    });
}

#[test]
fn park_timeout_ends_by_an_unpark_or_by_the_time() {
    for_each_mode(WORKERS, |rt, _| {
        rt.run(|| {
            let deadline = Instant::now() + milliseconds(3);
            while Instant::now() < deadline {
                task::park_timeout(milliseconds(3));
            }
            let woken = Arc::new(AtomicBool::new(false));
            let seen = woken.clone();
            let parked = midge::spawn(move || {
                while !seen.load(Ordering::Acquire) {
                    task::park_timeout(AGES);
                }
            });
            task::sleep(milliseconds(2));
            woken.store(true, Ordering::Release);
            parked.task().unpark();
            join(parked);
            task::current().unpark();
            task::park_timeout(Duration::MAX); // returns at once
        });
    });
}

#[test]
fn unparks_and_timeouts_race() {
    let turns = rounds(2_000, 300);
    for_each_mode(WORKERS, |rt, _| {
        rt.run(move || {
            let done = Arc::new(AtomicUsize::new(0));
            let parked: Vec<_> = (0..16)
                .map(|seed| {
                    let done = done.clone();
                    midge::spawn(move || {
                        let mut random = Random::new(seed);
                        for _ in 0..turns {
                            task::park_timeout(Duration::from_micros(random.below(100) as u64));
                        }
                        done.fetch_add(1, Ordering::Release);
                    })
                })
                .collect();
            while done.load(Ordering::Acquire) < parked.len() {
                parked.iter().for_each(|handle| handle.task().unpark());
                task::yield_now();
            }
            parked.into_iter().for_each(join);
        });
    });
}

#[test]
fn a_sleep_keeps_the_unpark_for_the_next_park() {
    for_each_mode(WORKERS, |rt, _| {
        rt.run(|| {
            let sleeper = midge::spawn(|| {
                let deadline = Instant::now() + milliseconds(5);
                task::sleep(milliseconds(5));
                assert!(Instant::now() >= deadline, "early");
                task::park();
            });
            task::sleep(milliseconds(1));
            sleeper.task().unpark();
            join(sleeper);
        });
    });
}

#[test]
fn for_ever_is_no_panic() {
    for_each_mode(WORKERS, |rt, _| {
        let tally = Tally::default();
        let sleepers: Vec<_> = [Duration::MAX, AGES * 1_000_000, AGES]
            .into_iter()
            .map(|asked| {
                let guard = tally.guard();
                rt.spawn(move || {
                    let _guard = guard;
                    task::sleep(asked);
                })
            })
            .collect();
        rt.run(|| task::sleep(milliseconds(2)));
        sleepers.iter().for_each(|sleeper| assert!(!sleeper.is_finished()));
        sleepers[0].cancel();
        wait_until(|| tally.count() == 1);
        // The others end with the runtime.
    });
}

#[test]
fn cancelled_sleepers_take_their_timers_along() {
    for_each_mode(WORKERS, |rt, mode| {
        let sleepers = (0..parked_at_once(mode, 1_000)).map(|_| rt.spawn(|| task::sleep(AGES)));
        let sleepers: Vec<_> = sleepers.collect();
        rt.run(|| task::sleep(milliseconds(2)));
        for (n, sleeper) in sleepers.iter().enumerate() {
            if n % 2 == 0 {
                sleeper.cancel();
            }
        }
        for sleeper in sleepers.into_iter().step_by(2) {
            assert!(sleeper.join().unwrap_err().is::<task::Cancelled>());
        }
        let fired = rt.metrics().timers_fired;
        rt.run(|| task::sleep(milliseconds(2)));
        assert!(rt.metrics().timers_fired <= fired + 1);
    });
}

#[test]
fn ordinary_threads_sleep_and_time_out() {
    let start = Instant::now();
    task::sleep(milliseconds(2));
    assert!(Instant::now() >= start + milliseconds(2), "early");
    while Instant::now() < start + milliseconds(5) {
        task::park_timeout(milliseconds(5));
    }
    task::current().unpark();
    task::park_timeout(AGES);
    let sleeper = task::current();
    let waker = std::thread::spawn(move || sleeper.unpark());
    task::park_timeout(AGES);
    waker.join().unwrap();
}

/// The processor time of this process so far.
fn processor_time() -> Duration {
    // SAFETY: the structure is plain numbers, and the pointer valid during the call.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        assert_eq!(libc::getrusage(libc::RUSAGE_SELF, &mut usage), 0);
        usage
    };
    let of = |time: libc::timeval| {
        Duration::from_secs(time.tv_sec as u64) + Duration::from_micros(time.tv_usec as u64)
    };
    of(usage.ru_utime) + of(usage.ru_stime)
}

/// With a timer that is far off, or not so far, the workers sleep.
#[test]
fn an_idle_runtime_uses_no_processor_time() {
    const NAME: &str = "an_idle_runtime_uses_no_processor_time";
    if common::in_child().is_none() {
        let output = common::child_of(NAME, "idle", &[]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        return;
    }
    for_each_mode(&[1, 4], |rt, _| {
        let sleepers = [rt.spawn(|| task::sleep(AGES)), rt.spawn(|| task::sleep(AGES / 1_000_000))];
        rt.run(|| task::sleep(milliseconds(2)));
        // It comes to rest; how soon is the machine's affair.
        wait_until(|| {
            let before = processor_time();
            std::thread::sleep(milliseconds(500));
            processor_time() - before < milliseconds(50)
        });
        sleepers.iter().for_each(|sleeper| sleeper.cancel());
    });
}
