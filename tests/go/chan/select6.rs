//! Follows `test/chan/select6.go` (Go's issue 2075): a select that is the last in a channel's queue
//! and succeeds elsewhere leaves that queue whole, so that those who wait there later are woken.

use crate::common::join;
use crate::{go, spawn_waiting};
use midge::chan::bounded;
use midge::{select, spawn};

#[test]
fn later_waiters_still_wake() {
    go(|| {
        let (c1, from_c1) = bounded(0);
        let (c2, from_c2) = bounded(0);
        let (c3, from_c3) = bounded(0);
        // The first in the queue.
        let first_r = from_c1.clone();
        let first = spawn_waiting(move || assert!(first_r.recv().is_ok()));
        // The select, in the queue behind it. It leaves in favour of c2, and comes back as a plain
        // receiver.
        let select_r = from_c1.clone();
        let select = spawn_waiting(move || {
            select! {
                recv(select_r) -> _ => panic!("nobody has sent this"),
                recv(from_c2) -> got => got.unwrap(),
            }
            c3.send(()).unwrap();
            select_r.recv().unwrap();
        });
        join(spawn(move || c2.send(()).unwrap()));
        from_c3.recv().unwrap();
        c1.send(()).unwrap();
        c1.send(()).unwrap();
        join(first);
        join(select);
        // And in the other direction.
        let receiver = spawn(move || from_c1.iter().count());
        c1.send(()).unwrap();
        drop(c1);
        assert_eq!(join(receiver), 1);
    });
}

#[test]
fn the_same_for_senders() {
    go(|| {
        let (c1, from_c1) = bounded(0);
        let (c2, from_c2) = bounded(0);
        let first_s = c1.clone();
        let first = spawn_waiting(move || first_s.send(1).unwrap());
        let select_s = c1.clone();
        let select = spawn_waiting(move || {
            select! {
                send(select_s, 0) -> _ => panic!("nobody has received this"),
                send(c2, 3) -> sent => sent.unwrap(),
            }
            select_s.send(2).unwrap();
        });
        drop(c1);
        assert_eq!(from_c2.recv(), Ok(3));
        assert_eq!(from_c1.iter().sum::<i32>(), 1 + 2);
        join(first);
        join(select);
    });
}
