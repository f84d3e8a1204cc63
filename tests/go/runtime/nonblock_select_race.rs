//! Follows `TestNonblockSelectRace` and `TestNonblockSelectRace2` (`src/runtime/chan_test.go`): a
//! select sees its channels at one instant. One of two channels is ready at any time, though not
//! always the same; so the default must not be chosen.

use crate::common::{join, rounds};
use crate::go;
use midge::chan::{bounded, Receiver};
use midge::{select, spawn};

fn one_is_ready(a: &Receiver<i32>, b: &Receiver<i32>) {
    select! {
        recv(a) -> _ => (),
        recv(b) -> _ => (),
        default => panic!("neither channel is ready, it seems"),
    }
}

#[test]
fn a_message_moves_from_one_to_the_other() {
    let count = rounds(10_000, 500);
    go(|| {
        for _ in 0..count {
            let ((to_a, a), (to_b, b)) = (bounded(1), bounded(1));
            to_a.send(1).unwrap();
            let (here, there) = (a.clone(), b.clone());
            let select = spawn(move || one_is_ready(&here, &there));
            // The second is made ready before the first ceases to be.
            to_b.send(1).unwrap();
            let _ = a.try_recv();
            join(select);
        }
    });
}

#[test]
fn one_is_closed_before_the_other_is_emptied() {
    let count = rounds(10_000, 500);
    go(|| {
        for _ in 0..count {
            let ((to_a, a), (to_b, b)) = (bounded(1), bounded::<i32>(0));
            to_a.send(1).unwrap();
            let (here, there) = (a.clone(), b);
            let select = spawn(move || one_is_ready(&here, &there));
            drop(to_b);
            let _ = a.try_recv();
            join(select);
        }
    });
}
