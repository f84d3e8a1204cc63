//! Promise: an interval ticks at once and then at multiples of its period, never early, and what
//! happens with missed ticks is as documented.

mod common;

use std::time::{Duration, Instant};

use common::for_each_mode;
use midge::time::{interval, interval_at, sleep, MissedTickBehavior};

const WORKERS: &[usize] = &[1, 2, 8];
const PERIOD: Duration = Duration::from_millis(2);

#[test]
fn ticks_are_never_early_and_none_is_lost() {
    for_each_mode(WORKERS, |rt, _| {
        rt.run(|| {
            let mut every = interval(PERIOD);
            let first = every.tick();
            for n in 1..10 {
                let due = every.tick();
                assert_eq!(due, first + n * PERIOD);
                assert!(Instant::now() >= due);
            }
            sleep(5 * PERIOD);
            for n in 10..15 {
                assert_eq!(every.tick(), first + n * PERIOD, "a burst");
            }
        });
    });
}

#[test]
fn missed_ticks_may_be_left_out() {
    let start = Instant::now();
    let mut every = interval_at(start, PERIOD);
    every.set_missed_tick_behavior(MissedTickBehavior::Skip);
    every.tick();
    sleep(5 * PERIOD);
    let late = Instant::now();
    every.tick(); // the one that came first and was missed
    let due = every.tick();
    assert!(due > late, "missed ones come no more");
    assert_eq!((due - start).as_nanos() % PERIOD.as_nanos(), 0);
}

#[test]
fn missed_ticks_may_delay_the_rest() {
    let mut every = interval(PERIOD);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    every.tick();
    sleep(5 * PERIOD);
    let before = Instant::now();
    every.tick();
    assert!(every.tick() >= before + PERIOD);
    let before = Instant::now();
    every.reset();
    assert!(every.tick() >= before + PERIOD);
}

#[test]
#[should_panic(expected = "above zero")]
fn a_period_of_zero_is_a_mistake() {
    interval(Duration::ZERO);
}

#[test]
fn a_period_beyond_all_time_ticks_once() {
    for_each_mode(&[1], |rt, _| {
        let ticks = rt.spawn(|| {
            let mut never = interval(Duration::MAX);
            never.tick();
            never.tick();
        });
        rt.run(|| sleep(PERIOD));
        assert!(!ticks.is_finished());
        ticks.cancel();
        if cfg!(panic = "unwind") {
            assert!(ticks.join().is_err());
        }
    });
}
