//! Follows `test/chan/sendstmt.go`, which is about parsing: a channel can be sent through a
//! channel, and the message of a send may be any expression, also as a case of a select.

use crate::go;
use midge::chan::{bounded, Receiver, Sender};
use midge::select;

#[test]
fn channels_through_channels() {
    go(|| {
        let (s, r) = bounded::<(Sender<i32>, Receiver<i32>)>(1);
        s.send(bounded(1)).unwrap();
        let (inner_s, inner_r) = r.recv().unwrap();
        inner_s.send(2).unwrap();
        assert_eq!(inner_r.recv(), Ok(2));
        // And itself, which keeps it alive until it is received.
        let (s, r) = bounded::<Box<dyn std::any::Any + Send>>(1);
        s.send(Box::new(s.clone())).unwrap();
        assert!(r.recv().unwrap().is::<Sender<Box<dyn std::any::Any + Send>>>());
    });
}

#[test]
fn any_expression_is_a_message() {
    go(|| {
        let (s, r) = bounded(1);
        let (a, b) = (false, true);
        s.send(a || b).unwrap();
        assert_eq!(r.recv(), Ok(true));
        select! {
            send(s, a || b) -> sent => sent.unwrap(),
            default => unreachable!(),
        }
        assert_eq!(r.recv(), Ok(true));
        select! { send({ &s }, if a { a } else { 1 + 1 == 2 }) -> sent => sent.unwrap() }
        assert_eq!(r.recv(), Ok(true));
        select! { send(s, [a, b].iter().any(|x| { *x })) -> (Ok(()) | Err(_)) => {} }
        assert_eq!(r.recv(), Ok(true));
    });
}
