//! Follows `test/chan/powser2.go`: the same power series as in [`powser1`](super::powser1), but the
//! channels carry interfaces: each coefficient is on the heap, and changes hands with every step.

use super::power_series::{check, Message, Rational};
use crate::common::rounds;
use crate::go;
use std::any::Any;

type Item = Box<dyn Any + Send>;

impl Message for Item {
    fn wrap(coefficient: Rational) -> Item {
        Box::new(coefficient)
    }
    fn unwrap(self) -> Rational {
        *self.downcast().expect("a rational number")
    }
}

#[test]
fn power_series_of_boxes() {
    let coefficients = rounds(10, 5);
    go(|| check::<Item>(coefficients));
}
