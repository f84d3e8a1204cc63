//! Follows the empty selects of Go's `test/chan/select3.go` and `select {}`: a select that nothing
//! can ever make ready waits, and lets others work meanwhile; with a default it goes on, with a
//! time limit it goes on then.
//!
//! One without any case does not compile as `select!`, and as a `Select` it panics, as crossbeam's:
//! `select {}` is written with `never()`.

use crate::common::join;
use crate::{end, go, spawn_waiting};
use midge::chan::{after, never, tick, Select};
use midge::{select, spawn};
use std::time::{Duration, Instant};

const SHORT: Duration = Duration::from_millis(1);

#[test]
fn only_never_waits_for_ever() {
    go(|| {
        let one = spawn_waiting(|| select! { recv(never::<i32>()) -> _ => () });
        let two = spawn_waiting(|| {
            select! {
                recv(never::<i32>()) -> _ => (),
                recv(never::<String>()) -> _ => (),
            }
        });
        assert_eq!(join(spawn(|| 1 + 1)), 2);
        [one, two].into_iter().for_each(end);
    });
}

#[cfg(panic = "unwind")]
#[test]
fn without_a_case_it_panics() {
    go(|| assert!(spawn(|| Select::new().select().index()).join().is_err()));
}

#[test]
fn a_default_goes_on() {
    go(|| {
        select! { recv(never::<i32>()) -> _ => unreachable!(), default => () }
        assert!(Select::new().try_select().is_err());
        assert!(Select::new().try_ready().is_err());
    });
}

#[test]
fn a_time_limit_ends_it() {
    go(|| {
        let start = Instant::now();
        select! { recv(never::<i32>()) -> _ => unreachable!(), default(SHORT) => () }
        assert!(Instant::now() >= start + SHORT);
        assert!(Select::new().select_timeout(SHORT).is_err());
        select! {
            recv(never::<i32>()) -> _ => unreachable!(),
            recv(after(SHORT)) -> due => assert!(due.unwrap() <= Instant::now()),
        }
        let ticks = tick(SHORT);
        for _ in 0..3 {
            select! {
                recv(never::<i32>()) -> _ => unreachable!(),
                recv(ticks) -> due => assert!(due.unwrap() <= Instant::now()),
            }
        }
    });
}
