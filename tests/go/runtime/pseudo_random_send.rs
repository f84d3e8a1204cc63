//! Follows `TestPseudoRandomSend` (`src/runtime/chan_test.go`): a select with two cases for the
//! same channel, which sends a zero by one and a one by the other, takes both, with a buffer and
//! without.

use crate::common::{join, rounds};
use crate::go;
use midge::chan::bounded;
use midge::{select, spawn, task};

#[test]
fn both_cases_of_one_channel_are_taken() {
    let count = rounds(2_000, 500);
    go(|| {
        for capacity in [0, count] {
            let (s, r) = bounded(capacity);
            let receiver = spawn(move || {
                let mut got = [0, 0];
                for _ in 0..count {
                    task::yield_now();
                    got[r.recv().unwrap()] += 1;
                }
                got
            });
            for _ in 0..count {
                select! {
                    send(s, 0) -> sent => sent.unwrap(),
                    send(s, 1) -> sent => sent.unwrap(),
                }
            }
            let [zeros, ones] = join(receiver);
            assert!(zeros > count / 10 && ones > count / 10, "{zeros} zeros, {ones} ones");
        }
    });
}
