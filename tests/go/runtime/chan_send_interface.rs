//! Follows `TestChanSendInterface` (`src/runtime/chan_test.go`): interfaces, here boxed trait
//! objects, go through a channel by a plain send and by selects with one and with two sending
//! cases.

use crate::go;
use midge::chan::bounded;
use midge::select;
use std::fmt::Display;

type Interface = Box<dyn Display + Send>;

#[test]
fn interfaces_are_messages() {
    go(|| {
        let (s, r) = bounded::<Interface>(1);
        let (full, _full) = bounded::<Interface>(0);
        let next = || r.recv().unwrap().to_string();
        s.send(Box::new(7)).unwrap();
        assert_eq!(next(), "7");
        select! { send(s, Box::new("text")) -> sent => sent.unwrap(), default => unreachable!() }
        assert_eq!(next(), "text");
        select! {
            send(s, Box::new('c')) -> sent => sent.unwrap(),
            send(full, Box::new(1.5)) -> _ => unreachable!(),
        }
        assert_eq!(next(), "c");
    });
}
