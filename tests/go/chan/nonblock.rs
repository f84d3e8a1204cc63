//! Follows `test/chan/nonblock.go`: sends and receives that do not wait, with messages of several
//! types: they fail where the other side is not there, or the buffer is full or empty, and work
//! where they can.
//!
//! Go's versions are selects with a default; here there are `try_send` and `try_recv` too, and both
//! are used.

use crate::common::{join, wait_until};
use crate::go;
use midge::chan::{bounded, Receiver, Sender, TryRecvError, TrySendError};
use midge::{select, spawn};
use std::fmt::Debug;

fn select_recv<T>(r: &Receiver<T>) -> Option<T> {
    select! {
        recv(r) -> message => Some(message.unwrap()),
        default => None,
    }
}

fn select_send<T>(s: &Sender<T>, message: T) -> bool {
    select! {
        send(s, message) -> sent => sent.is_ok(),
        default => false,
    }
}

fn check<T: Clone + PartialEq + Debug + Send + 'static>(value: T) {
    // Nobody is on the other side.
    let (s, r) = bounded::<T>(0);
    assert_eq!(r.try_recv(), Err(TryRecvError::Empty));
    assert_eq!(select_recv(&r), None);
    assert_eq!(s.try_send(value.clone()), Err(TrySendError::Full(value.clone())));
    assert!(!select_send(&s, value.clone()));

    // Somebody comes to the other side and waits there.
    for by_select in [false, true] {
        let (receiver, expected) = (r.clone(), value.clone());
        let receiver = spawn(move || assert_eq!(receiver.recv(), Ok(expected)));
        wait_until(|| {
            if by_select {
                select_send(&s, value.clone())
            } else {
                s.try_send(value.clone()).is_ok()
            }
        });
        join(receiver);

        let (sender, message) = (s.clone(), value.clone());
        let sender = spawn(move || sender.send(message).unwrap());
        let mut got = None;
        wait_until(|| {
            got = if by_select { select_recv(&r) } else { r.try_recv().ok() };
            got.is_some()
        });
        assert_eq!(got, Some(value.clone()));
        join(sender);
    }

    // With a buffer of one.
    let (s, r) = bounded::<T>(1);
    assert_eq!(r.try_recv(), Err(TryRecvError::Empty));
    assert_eq!(s.try_send(value.clone()), Ok(()));
    assert_eq!(s.try_send(value.clone()), Err(TrySendError::Full(value.clone())));
    assert!(!select_send(&s, value.clone()));
    assert_eq!(r.try_recv(), Ok(value.clone()));
    assert_eq!(select_recv(&r), None);
    assert!(select_send(&s, value.clone()));
    assert_eq!(select_recv(&r), Some(value));
    assert_eq!(r.try_recv(), Err(TryRecvError::Empty));
}

#[test]
fn operations_that_do_not_wait() {
    go(|| {
        check(123_i32);
        check(123_456_789_012_i64);
        check(true);
        check("hello".to_string());
        check([0x55_u8; 200]);
    });
}
