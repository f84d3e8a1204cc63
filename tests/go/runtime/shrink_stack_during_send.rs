//! Follows `TestShrinkStackDuringBlockedSend` (`src/runtime/chan_test.go`): senders that wait with
//! a message in their hands lose nothing when their stacks shrink meanwhile.
//!
//! Here the senders' stacks, which have been deep, are frozen to their few live bytes; the message
//! is on the heap.

use crate::common::{join, recurse, rounds};
use crate::go;
use midge::chan::bounded;
use midge::{spawn, task};

#[test]
fn a_sender_waits_on_a_stack_that_was_deep() {
    let (count, depth) = (rounds(100, 20), rounds(1_000, 100));
    go(|| {
        let (s, r) = bounded(0);
        let sender = spawn(move || {
            for n in 0..count {
                recurse(depth, &mut || ());
                s.send([n; 16]).unwrap();
            }
        });
        for n in 0..count {
            // Others use the window, and the sender comes to its send.
            let others: Vec<_> =
                (0..3).map(|_| spawn(move || recurse(depth, &mut task::yield_now))).collect();
            others.into_iter().for_each(join);
            assert_eq!(r.recv(), Ok([n; 16]));
        }
        join(sender);
    });
}
