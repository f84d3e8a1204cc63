//! Follows `test/peano.go`, the torture of stack growth: arithmetic by recursion alone, on numbers
//! that are linked lists. Here many tasks do it at the same time and yield at the bottom, so that
//! stacks of all depths are frozen, too.

use crate::common::{join, rounds};
use crate::go;
use midge::{spawn, task};

/// Zero, or one more than another number.
struct Number(Option<Box<Number>>);

impl Number {
    fn of(n: usize) -> Number {
        (0..n).fold(Number(None), |number, _| Number(Some(Box::new(number))))
    }

    /// By recursion as deep as the number is large.
    fn value(&self) -> usize {
        match &self.0 {
            None => {
                task::yield_now();
                0
            }
            Some(less) => less.value() + 1,
        }
    }

    fn plus(&self, other: &Number) -> Number {
        match &other.0 {
            None => Number::of(self.value()),
            Some(less) => Number(Some(Box::new(self.plus(less)))),
        }
    }

    fn times(&self, other: &Number) -> Number {
        match &other.0 {
            None => Number(None),
            Some(less) => self.plus(&self.times(less)),
        }
    }

    fn factorial(&self) -> Number {
        match &self.0 {
            None => Number::of(1),
            Some(less) => self.times(&less.factorial()),
        }
    }
}

#[test]
fn factorials() {
    let largest = rounds(6, 5);
    go(|| {
        let tasks: Vec<_> =
            (0..=largest).map(|n| spawn(move || Number::of(n).factorial().value())).collect();
        let expected = [1, 1, 2, 6, 24, 120, 720];
        assert!(tasks.into_iter().map(join).eq(expected.into_iter().take(largest + 1)));
    });
}
