//! Follows `test/chan/powser1.go`: arithmetic with power series, each a network of tasks which
//! grows as it is used, checked to the exact rational coefficient. See
//! [`power_series`](super::power_series).

use super::power_series::{check, Message, Rational};
use crate::common::rounds;
use crate::go;

impl Message for Rational {
    fn wrap(coefficient: Rational) -> Rational {
        coefficient
    }
    fn unwrap(self) -> Rational {
        self
    }
}

#[test]
fn power_series() {
    let coefficients = rounds(10, 5);
    go(|| check::<Rational>(coefficients));
}
