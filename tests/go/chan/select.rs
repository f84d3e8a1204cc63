//! Follows `test/chan/select.go`: a simple select that sends through two channels, each of which is
//! switched off when it has had its message.
//!
//! Go switches a case off by making its channel nil; here, where a sender cannot be nil, the case
//! is left out. Go evaluates the messages of all cases each time (its counter ends at 10); here
//! only the message that is sent is made.

use crate::go;
use midge::chan::{bounded, Select, Sender};

/// Sends once through each of those channels that are there, and says how often.
fn send_through<'a>(
    mut a: Option<&'a Sender<u32>>,
    mut b: Option<&'a Sender<u32>>,
    mut value: impl FnMut() -> u32,
) -> usize {
    let mut sent = 0;
    loop {
        let mut select = Select::new();
        let case_of_a = a.map(|a| select.send(a));
        let case_of_b = b.map(|b| select.send(b));
        let Ok(selected) = select.try_select() else { return sent };
        let end = match Some(selected.index()) {
            case if case == case_of_a => a.take(),
            case if case == case_of_b => b.take(),
            case => panic!("{case:?} is no case of the select"),
        };
        selected.send(end.expect("it is there"), value()).unwrap();
        sent += 1;
    }
}

#[test]
fn each_channel_is_used_once() {
    go(|| {
        let mut made = 0;
        let mut value = || {
            made += 1;
            1 << (made % 2)
        };
        let ((a, of_a), (b, of_b)) = (bounded(1), bounded(1));
        assert_eq!(send_through(Some(&a), Some(&b), &mut value), 2);
        let (from_a, from_b) = (of_a.recv().unwrap(), of_b.recv().unwrap());
        assert_eq!(from_a | from_b, 3);
        assert_eq!(send_through(Some(&a), None, &mut value), 1);
        assert_eq!(send_through(None, Some(&b), &mut value), 1);
        assert_eq!(send_through(None, None, &mut value), 0);
        assert_eq!(send_through(Some(&a), Some(&b), &mut value), 0); // both are full
        assert_eq!(made, 4);
    });
}
