//! Follows `test/chan/select8.go`: leaving a select from within a case, with one, two and three
//! cases (each of which Go compiles differently).
//!
//! Go's `break` leaves the select, and with a label the loop around it. Here it is a labelled block
//! that is left, or the loop, and the macro must not be in the way of either, nor of `continue`,
//! `return` and `?`.

use crate::go;
use midge::chan::{bounded, never, Receiver, RecvError};
use midge::select;

fn one(r: &Receiver<i32>) -> i32 {
    'select: {
        select! {
            recv(r) -> got => {
                if got.is_ok() {
                    break 'select 1;
                }
                unreachable!();
            }
        }
    }
}

fn two(r: &Receiver<i32>) -> i32 {
    'select: {
        select! {
            recv(r) -> got => {
                if got.is_ok() {
                    break 'select 2;
                }
                unreachable!();
            }
            default => unreachable!(),
        }
    }
}

fn three(r: &Receiver<i32>) -> i32 {
    'select: {
        select! {
            recv(r) -> got => {
                if got.is_ok() {
                    break 'select 3;
                }
                unreachable!();
            }
            recv(never::<i32>()) -> _ => unreachable!(),
            default => unreachable!(),
        }
    }
}

#[test]
fn leaving_the_select() {
    go(|| {
        let (s, r) = bounded(3);
        (0..3).for_each(|n| s.send(n).unwrap());
        assert_eq!((one(&r), two(&r), three(&r)), (1, 2, 3));
    });
}

/// The sum of the even messages, up to the first above 100.
fn sum_of_even(r: &Receiver<i32>) -> Result<i32, RecvError> {
    let mut sum = 0;
    loop {
        select! {
            recv(r) -> got => {
                let n = got?;
                if n > 100 {
                    break;
                }
                if n % 2 == 1 {
                    continue;
                }
                sum += n;
            }
            recv(never::<i32>()) -> _ => return Ok(-1),
        }
    }
    Ok(sum)
}

#[test]
fn leaving_the_loop_or_the_function() {
    go(|| {
        let (s, r) = bounded(10);
        [1, 2, 3, 4, 101, 6].into_iter().for_each(|n| s.send(n).unwrap());
        assert_eq!(sum_of_even(&r), Ok(6));
        drop(s);
        assert_eq!(sum_of_even(&r), Err(RecvError));
    });
}
