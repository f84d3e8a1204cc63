//! Follows `TestSelectFairness` (`src/runtime/chan_test.go`): of two channels that are always ready
//! a select chooses each about as often as the other; others that are never ready make no
//! difference.

use crate::common::{join, rounds};
use crate::go;
use midge::chan::{bounded, never, Receiver};
use midge::{select, spawn};

/// The chance to see less than a quarter of one kind in 500 fair throws is far below one in 10^20.
fn is_fair(a: usize, b: usize) {
    assert!(a > (a + b) / 4 && b > (a + b) / 4, "{a} and {b} times");
}

fn count_each(count: usize, a: &Receiver<i32>, b: &Receiver<i32>) -> (usize, usize) {
    let (_s, empty) = bounded::<i32>(0);
    let mut times = (0, 0);
    for _ in 0..count {
        select! {
            recv(empty) -> _ => unreachable!(),
            recv(a) -> got => times.0 += usize::from(got.is_ok()),
            recv(never::<i32>()) -> _ => unreachable!(),
            recv(b) -> got => times.1 += usize::from(got.is_ok()),
        }
    }
    times
}

#[test]
fn two_channels_with_messages() {
    let count = rounds(5_000, 500);
    go(|| {
        let ((to_a, a), (to_b, b)) = (bounded(count), bounded(count));
        (0..count).for_each(|_| to_a.send(0).unwrap());
        (0..count).for_each(|_| to_b.send(0).unwrap());
        let (of_a, of_b) = count_each(count, &a, &b);
        assert_eq!(of_a + of_b, count);
        is_fair(of_a, of_b);
    });
}

#[test]
fn two_closed_channels() {
    let count = rounds(5_000, 500);
    go(|| {
        let (a, b) = (bounded::<i32>(0).1, bounded::<i32>(0).1);
        let mut times = (0, 0);
        for _ in 0..count {
            select! {
                recv(a) -> got => times.0 += usize::from(got.is_err()),
                recv(b) -> got => times.1 += usize::from(got.is_err()),
            }
        }
        is_fair(times.0, times.1);
    });
}

/// Go's test: the senders wait at channels without a buffer, so that both are nearly always ready.
#[test]
fn two_senders_that_wait() {
    let count = rounds(5_000, 500);
    go(|| {
        let ((to_a, a), (to_b, b)) = (bounded(0), bounded(0));
        let (stop, stopped) = bounded::<i32>(0);
        let senders = [to_a, to_b].map(|s| {
            let stopped = stopped.clone();
            spawn(move || loop {
                select! {
                    send(s, 0) -> sent => sent.unwrap(),
                    recv(stopped) -> _ => return,
                }
            })
        });
        // The system may let one of them wait for as long as the other sends all that.
        let mut times = (0, 0);
        while times.0 == 0 || times.1 == 0 {
            let (of_a, of_b) = count_each(count, &a, &b);
            assert_eq!(of_a + of_b, count);
            times = (times.0 + of_a, times.1 + of_b);
        }
        drop(stop);
        senders.into_iter().for_each(join);
    });
}
