//! Follows `test/chan/select7.go`: each way of receiving meets each way of sending, at a rendezvous
//! whose receiver comes first.

use crate::common::{join, wait_until};
use crate::{go, spawn_waiting};
use midge::chan::{bounded, never, Receiver, Sender};
use midge::{select, spawn};

type Receive = fn(Receiver<i32>);
type Send = fn(Sender<i32>);

const RECEIVE: [Receive; 4] = [
    |r| assert_eq!(r.recv(), Ok(1)),
    |r| select! { recv(r) -> _ => () },
    |r| {
        select! {
            recv(never::<i32>()) -> _ => unreachable!(),
            recv(r) -> got => assert_eq!(got, Ok(1)),
        }
    },
    |r| assert_eq!(r.iter().next(), Some(1)),
];

const SEND: [Send; 4] = [
    |s| s.send(1).unwrap(),
    |s| select! { send(s, 1) -> sent => sent.unwrap() },
    |s| {
        select! {
            recv(never::<i32>()) -> _ => unreachable!(),
            send(s, 1) -> sent => sent.unwrap(),
        }
    },
    // Without waiting: the receiver is there.
    |s| wait_until(|| select! { send(s, 1) -> sent => sent.is_ok(), default => false }),
];

#[test]
fn every_receive_meets_every_send() {
    go(|| {
        for receive in RECEIVE {
            for send in SEND {
                let (s, r) = bounded(0);
                let receiver = spawn_waiting(move || receive(r));
                send(s);
                join(receiver);

                let (s, r) = bounded(0);
                let sender = spawn(move || send(s));
                receive(r);
                join(sender);
            }
        }
    });
}
