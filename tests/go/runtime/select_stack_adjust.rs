//! Follows `TestSelectStackAdjust` (`src/runtime/chan_test.go`): a select that waits, with
//! variables for its messages on a stack which was deep and is small again, gets its message
//! although the stack is elsewhere meanwhile.
//!
//! Go shrinks and moves the stack of the waiting goroutine. Here it is frozen: other tasks use the
//! window, deep, while the select waits, and under stress it is always so.

use crate::common::{join, recurse, rounds};
use crate::{go, spawn_waiting};
use midge::chan::bounded;
use midge::{select, spawn, task};

#[test]
fn a_select_whose_stack_is_away() {
    let depth = rounds(2_000, 200);
    go(|| {
        let ((to_a, a), (to_b, b)) = (bounded::<[u64; 8]>(0), bounded::<Vec<u64>>(0));
        let selecting = spawn_waiting(move || {
            let (mut of_a, mut of_b) = ([0; 8], Vec::new());
            for _ in 0..2 {
                recurse(depth, &mut task::yield_now);
                select! {
                    recv(a) -> got => of_a = got.unwrap(),
                    recv(b) -> got => of_b = got.unwrap(),
                }
            }
            (of_a, of_b)
        });
        let others = |count| {
            let others: Vec<_> =
                (0..count).map(|_| spawn(move || recurse(depth, &mut task::yield_now))).collect();
            others.into_iter().for_each(join);
        };
        others(20);
        to_a.send([7; 8]).unwrap();
        others(20);
        to_b.send(vec![8; 8]).unwrap();
        assert_eq!(join(selecting), ([7; 8], vec![8; 8]));
    });
}
