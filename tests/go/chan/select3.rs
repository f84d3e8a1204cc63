//! Follows `test/chan/select3.go`: which operations wait and which do not, plain and in selects,
//! for channels that are nil, closed, empty, full, and both.
//!
//! A nil channel is `never()`; sending to one has no counterpart. Sending on a closed channel (all
//! receivers gone) does not wait and is an error, where Go panics.

use crate::common::join;
use crate::{end, go, spawn_waiting};
use midge::chan::{bounded, never, Receiver, RecvError, SendError, Sender, TrySendError};
use midge::{select, spawn};

/// Runs it as a task, which must end.
fn goes_on(f: impl FnOnce() + Send + 'static) {
    join(spawn(f));
}

/// Runs it as a task, which must wait for ever.
fn waits(f: impl FnOnce() + Send + 'static) {
    end(spawn_waiting(f));
}

fn closed_for_sending(capacity: usize) -> Sender<i32> {
    bounded(capacity).0
}

fn closed_for_receiving(capacity: usize) -> Receiver<i32> {
    bounded(capacity).1
}

#[test]
fn nil() {
    go(|| {
        waits(|| assert!(never::<i32>().recv().is_ok()));
        waits(|| select! { recv(never::<i32>()) -> _ => unreachable!() });
        waits(|| {
            select! {
                recv(never::<i32>()) -> _ => unreachable!(),
                recv(never::<String>()) -> _ => unreachable!(),
            }
        });
        goes_on(|| select! { recv(never::<i32>()) -> _ => unreachable!(), default => () });
    });
}

#[test]
fn closed() {
    go(|| {
        for capacity in [0, 10] {
            goes_on(move || assert_eq!(closed_for_sending(capacity).send(7), Err(SendError(7))));
            goes_on(move || {
                let error = TrySendError::Disconnected(7);
                assert_eq!(closed_for_sending(capacity).try_send(7), Err(error));
            });
            goes_on(move || assert_eq!(closed_for_receiving(capacity).recv(), Err(RecvError)));
            goes_on(move || {
                select! {
                    send(closed_for_sending(capacity), 7) -> sent => {
                        assert_eq!(sent, Err(SendError(7)));
                    }
                }
            });
            goes_on(move || {
                select! {
                    recv(closed_for_receiving(capacity)) -> got => assert_eq!(got, Err(RecvError)),
                    recv(never::<u8>()) -> _ => unreachable!(),
                }
            });
            // A closed channel is ready, so the default is not taken.
            goes_on(move || {
                select! {
                    recv(closed_for_receiving(capacity)) -> got => assert_eq!(got, Err(RecvError)),
                    default => unreachable!(),
                }
                select! {
                    send(closed_for_sending(capacity), 7) -> sent => assert!(sent.is_err()),
                    default => unreachable!(),
                }
            });
        }
    });
}

#[test]
fn open_without_a_buffer() {
    go(|| {
        waits(|| {
            let (_s, r) = bounded::<i32>(0);
            let _ = r.recv();
        });
        waits(|| {
            let (s, _r) = bounded(0);
            let _ = s.send(7);
        });
        waits(|| {
            let (_s, r) = bounded::<i32>(0);
            select! { recv(r) -> _ => unreachable!() }
        });
        waits(|| {
            let (s, _r) = bounded(0);
            select! { send(s, 7) -> _ => unreachable!() }
        });
        goes_on(|| {
            let (s, r) = bounded(0);
            select! { recv(r) -> _ => unreachable!(), default => () }
            select! { send(s, 7) -> _ => unreachable!(), default => () }
            select! {
                recv(r) -> _ => unreachable!(),
                send(s, 7) -> _ => unreachable!(),
                default => ()
            }
        });
    });
}

#[test]
fn open_with_a_buffer() {
    go(|| {
        // Empty: a receive waits, a send does not.
        waits(|| {
            let (_s, r) = bounded::<i32>(10);
            let _ = r.recv();
        });
        waits(|| {
            let (_s, r) = bounded::<i32>(10);
            select! { recv(r) -> _ => unreachable!() }
        });
        goes_on(|| {
            let (s, r) = bounded(10);
            select! { recv(r) -> _ => unreachable!(), default => () }
            select! { send(s, 7) -> sent => sent.unwrap() }
            select! { send(s, 7) -> sent => sent.unwrap(), default => unreachable!() }
            s.send(7).unwrap();
            assert_eq!(r.try_iter().collect::<Vec<_>>(), [7, 7, 7]);
        });
        // Full: the other way round.
        waits(|| {
            let (s, _r) = bounded(1);
            s.send(1).unwrap();
            let _ = s.send(7);
        });
        waits(|| {
            let (s, _r) = bounded(1);
            s.send(1).unwrap();
            select! { send(s, 7) -> _ => unreachable!() }
        });
        goes_on(|| {
            let (s, r) = bounded(1);
            s.send(1).unwrap();
            select! { send(s, 7) -> _ => unreachable!(), default => () }
            select! { recv(r) -> got => assert_eq!(got, Ok(1)) }
            s.send(2).unwrap();
            select! { recv(r) -> got => assert_eq!(got, Ok(2)), default => unreachable!() }
        });
    });
}

#[test]
fn a_select_does_not_meet_itself() {
    go(|| {
        waits(|| {
            let (s, r) = bounded(0);
            select! {
                send(s, 7) -> _ => unreachable!(),
                recv(r) -> _ => unreachable!(),
            }
        });
        goes_on(|| {
            let (s, r) = bounded(10);
            select! {
                send(s, 7) -> sent => sent.unwrap(),
                recv(r) -> _ => unreachable!(),
            }
            s.send(8).unwrap();
            assert_eq!(r.try_iter().collect::<Vec<_>>(), [7, 8]);
        });
    });
}
