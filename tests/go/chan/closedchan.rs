//! Follows `test/closedchan.go`: every form of every operation on a closed channel, with and
//! without messages left in it.
//!
//! Closing twice and closing nil do not compile; sending on a closed channel gives the message
//! back.

use crate::common::join;
use crate::{go, spawn_waiting};
use midge::chan::{bounded, unbounded, Receiver, RecvError, SendError, Sender};
use midge::chan::{TryRecvError, TrySendError};
use midge::{select, spawn};

fn channels() -> [(Sender<i32>, Receiver<i32>); 4] {
    [bounded(0), bounded(1), bounded(10), unbounded()]
}

#[test]
fn receiving_in_every_form() {
    go(|| {
        for (s, r) in channels() {
            let left = i32::from(s.try_send(1).is_ok());
            drop(s);
            assert_eq!(r.len(), left as usize);
            if left == 1 {
                assert_eq!(r.recv(), Ok(1)); // what was sent is still there
            }
            // More than once each: a closed channel stays so.
            for _ in 0..3 {
                assert_eq!(r.recv(), Err(RecvError));
                assert_eq!(r.try_recv(), Err(TryRecvError::Disconnected));
                assert_eq!((r.iter().next(), r.try_iter().next()), (None, None));
                select! { recv(r) -> got => assert_eq!(got, Err(RecvError)) }
                select! { recv(r) -> got => assert_eq!(got, Err(RecvError)), default => panic!() }
            }
        }
    });
}

#[test]
fn sending_in_every_form() {
    go(|| {
        for (s, r) in channels() {
            drop(r);
            for _ in 0..3 {
                assert_eq!(s.send(1), Err(SendError(1)));
                assert_eq!(s.try_send(1), Err(TrySendError::Disconnected(1)));
                select! { send(s, 1) -> sent => assert_eq!(sent, Err(SendError(1))) }
                select! { send(s, 1) -> sent => assert!(sent.is_err()), default => panic!() }
            }
        }
    });
}

#[test]
fn closing_wakes_all_who_wait() {
    go(|| {
        for (s, r) in channels() {
            let receivers: Vec<_> = [
                |r: Receiver<i32>| r.recv(),
                |r: Receiver<i32>| {
                    select! { recv(r) -> got => got }
                },
            ]
            .into_iter()
            .map(|receive| {
                let r = r.clone();
                spawn_waiting(move || receive(r))
            })
            .collect();
            drop(s);
            receivers.into_iter().for_each(|receiver| assert_eq!(join(receiver), Err(RecvError)));
        }
        for (s, r) in channels().into_iter().take(3) {
            while s.try_send(0).is_ok() {}
            let sender = s.clone();
            let sender = spawn_waiting(move || sender.send(1));
            let selecting = s.clone();
            let selecting = spawn_waiting(move || select! { send(selecting, 2) -> sent => sent });
            drop(r);
            assert_eq!(join(sender), Err(SendError(1)));
            assert_eq!(join(selecting), Err(SendError(2)));
        }
    });
}

#[test]
fn the_last_of_several_closes() {
    go(|| {
        let (s, r) = bounded(0);
        let senders: Vec<_> = (0..10).map(|n| (n, s.clone())).collect();
        drop(s);
        for (n, s) in senders {
            spawn(move || s.send(n).unwrap());
        }
        assert_eq!(r.iter().sum::<i32>(), 45);
    });
}
