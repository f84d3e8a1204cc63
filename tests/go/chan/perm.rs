//! Follows `test/chan/perm.go`, whose errors are the compiler's: a channel that is only for sending
//! cannot be received from, closed by its receiver, or the other way round.
//!
//! Here the two directions are two types. That a `Sender` has no `recv` and a `Receiver` no `send`
//! is checked by methods of a trait of the same names, which would be hidden by the types' own.

use crate::go;
use midge::chan::{bounded, never, Receiver, RecvError, SendError, Sender, TryRecvError};

trait WrongDirection {
    fn recv(&self) -> &'static str {
        "cannot receive"
    }
    fn iter(&self) -> &'static str {
        "cannot range over it"
    }
    fn send(&self, _: i32) -> &'static str {
        "cannot send"
    }
    fn close(&self) -> &'static str {
        "cannot close"
    }
}

impl WrongDirection for Sender<i32> {}
impl WrongDirection for Receiver<i32> {}

#[test]
fn no_end_has_the_operations_of_the_other() {
    go(|| {
        let (s, r) = bounded::<i32>(1);
        assert_eq!(s.recv(), "cannot receive");
        assert_eq!(WrongDirection::iter(&s), s.iter());
        assert_eq!(r.send(1), "cannot send");
        // Nobody closes: an end is gone when it is dropped, and a receiver is no sender that could
        // be.
        assert_eq!((s.close(), r.close()), ("cannot close", "cannot close"));
        assert_eq!(s.send(1), Ok(()));
        assert_eq!(r.recv(), Ok(1));
    });
}

#[test]
fn each_end_tells_the_other_that_it_is_gone() {
    go(|| {
        let (s, r) = bounded::<i32>(1);
        drop(r);
        assert_eq!(s.send(1), Err(SendError(1)));
        let (s, r) = bounded::<i32>(1);
        drop(s);
        assert_eq!(r.recv(), Err(RecvError));
    });
}

#[test]
fn a_nil_channel_has_no_sender_that_could_close_it() {
    go(|| {
        let r = never::<i32>();
        assert_eq!(r.try_recv(), Err(TryRecvError::Empty));
        assert_eq!(r.clone().try_recv(), Err(TryRecvError::Empty));
        assert_eq!((r.len(), r.capacity()), (0, Some(0)));
    });
}
