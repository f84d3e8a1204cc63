//! Follows `TestSelfSelect` (`src/runtime/chan_test.go`): two tasks which both send and receive on
//! one channel in one select. Each can only meet the other, never itself, and neither gets stuck.

use crate::common::{join, rounds};
use crate::go;
use midge::chan::bounded;
use midge::{select, spawn};

#[test]
fn nobody_receives_from_itself() {
    let count = rounds(5_000, 300);
    go(|| {
        for capacity in [0, 10] {
            let (s, r) = bounded(capacity);
            let tasks = [0, 1].map(|me| {
                let (s, r) = (s.clone(), r.clone());
                spawn(move || {
                    for turn in 0..count {
                        let check = |from: usize| {
                            assert!(capacity > 0 || from != me, "{me} received from itself");
                        };
                        // The order of the cases must make no difference.
                        if me == 0 || turn % 2 == 0 {
                            select! {
                                send(s, me) -> sent => sent.unwrap(),
                                recv(r) -> from => check(from.unwrap()),
                            }
                        } else {
                            select! {
                                recv(r) -> from => check(from.unwrap()),
                                send(s, me) -> sent => sent.unwrap(),
                            }
                        }
                    }
                })
            });
            // Each exchange at a rendezvous is a turn of both, so both come to their end.
            tasks.into_iter().for_each(join);
        }
    });
}
