//! Follows `test/chan/select4.go`: what a case would do with its message is evaluated for the
//! chosen case alone.

use crate::go;
use midge::chan::bounded;
use midge::select;

fn must_not_be_called() -> &'static mut i32 {
    panic!("it was evaluated for a case that was not chosen")
}

#[test]
fn only_the_chosen_case_assigns() {
    go(|| {
        let (s, ready) = bounded(1);
        let (_s, empty) = bounded::<i32>(0);
        let (_r, full) = bounded::<i32>(0);
        s.send(42).unwrap();
        let mut point = (0, 0);
        select! {
            recv(empty) -> message => *must_not_be_called() = message.unwrap(),
            recv(full) -> message => *must_not_be_called() = message.unwrap(),
            recv(ready) -> message => point.1 = message.unwrap(),
        }
        assert_eq!(point, (0, 42));
    });
}

#[test]
fn only_the_chosen_case_makes_its_message() {
    go(|| {
        let (ready, r) = bounded(1);
        let (full, _r) = bounded(0);
        select! {
            send(full, *must_not_be_called()) -> _ => unreachable!(),
            send(ready, 42) -> sent => sent.unwrap(),
        }
        assert_eq!(r.recv(), Ok(42));
    });
}
