//! Promise: a message that is sent is received once or comes back to its sender; nobody waits for
//! ever for what is there; whoever gave up or was cancelled leaves nothing behind; and nobody is
//! woken who has gone on.

use crate::chan::{bounded, unbounded, Receiver, RecvTimeoutError, Sender};
use crate::waiting::{self, Cancelled};
use crate::{check_bounded, join_all};
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::sync::Arc;
use loom::thread::{self, JoinHandle};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::time::Instant;

/// What is sent: it counts its drops.
struct Message {
    number: usize,
    dropped: Arc<AtomicUsize>,
}

impl Drop for Message {
    fn drop(&mut self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
    }
}

/// Counts the messages that are gone. Relaxed: it is read when all threads have ended.
#[derive(Clone)]
struct Count(Arc<AtomicUsize>);

impl Count {
    fn new() -> Count {
        Count(Arc::new(AtomicUsize::new(0)))
    }

    fn message(&self, number: usize) -> Message {
        Message { number, dropped: Arc::clone(&self.0) }
    }

    fn dropped(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// A thread, as a task that ends.
fn start(f: impl FnOnce() + 'static) -> JoinHandle<()> {
    thread::spawn(move || {
        f();
        waiting::end();
    })
}

fn sender(s: &Sender<Message>, count: &Count, number: usize) -> JoinHandle<()> {
    let (s, message) = (s.clone(), count.message(number));
    start(move || assert!(s.send(message).is_ok()))
}

/// Calls `f`, whose first park unwinds: it returns something only if it comes to none.
fn cancelled<R>(f: impl FnOnce() -> R) -> Option<R> {
    waiting::cancel_me();
    let result = catch_unwind(AssertUnwindSafe(f));
    waiting::cancel_me_no_more();
    result.map_err(|payload| assert!(payload.is::<Cancelled>())).ok()
}

fn passes_a_message((s, r): (Sender<Message>, Receiver<Message>)) {
    let count = Count::new();
    let sending = sender(&s, &count, 1);
    drop(s);
    assert_eq!(r.recv().ok().map(|message| message.number), Some(1));
    assert!(r.recv().is_err());
    sending.join().unwrap();
    assert_eq!(count.dropped(), 1);
}

/// Fails with the DONE of `Node::wake` stored Relaxed; with `unpark` before it and no PASSING phase
/// (`claim` leaving WAITING); without the wake in `finish_send`; with `disconnect` not waking
/// receivers; with the last handle's count Relaxed in `handles` (the channel is freed under its
/// user).
#[test]
fn a_rendezvous() {
    check_bounded(3, || passes_a_message(bounded(0)));
}

/// As above.
#[test]
fn a_buffer() {
    check_bounded(3, || passes_a_message(bounded(1)));
}

/// As above.
#[test]
fn without_bound() {
    check_bounded(3, || passes_a_message(unbounded()));
}

/// Two senders, one place. Fails if `take` does not move the waiting sender up.
#[test]
fn senders_wait_for_room() {
    for capacity in [0, 1] {
        check_bounded(2, move || {
            let count = Count::new();
            let (s, r) = bounded(capacity);
            let senders = [sender(&s, &count, 1), sender(&s, &count, 2)];
            drop(s);
            let sum = r.iter().map(|message| message.number).sum::<usize>();
            assert_eq!(sum, 3);
            join_all(senders);
            assert_eq!(count.dropped(), 2);
        });
    }
}

/// Two receivers. Fails if a message stays in the buffer while a receiver waits (`offer` that looks
/// at room first).
#[test]
fn receivers_wait_for_messages() {
    for capacity in [0, 1] {
        check_bounded(2, move || {
            let count = Count::new();
            let (s, r) = bounded(capacity);
            let receivers = [r.clone(), r].map(|r| start(move || assert!(r.recv().is_ok())));
            assert!(s.send(count.message(1)).is_ok());
            assert!(s.send(count.message(2)).is_ok());
            join_all(receivers);
            assert_eq!(count.dropped(), 2);
        });
    }
}

/// Fails if `disconnect` does not wake senders, or leaves the buffer.
#[test]
fn the_receiver_goes() {
    for capacity in [0, 1] {
        check_bounded(3, move || {
            let count = Count::new();
            let (s, r) = bounded(capacity);
            let (mine, message) = (s.clone(), count.message(1));
            let sending = start(move || drop(mine.send(message)));
            drop(r);
            sending.join().unwrap();
            assert!(s.send(count.message(2)).is_err());
            assert_eq!(count.dropped(), 2, "a message is left in the buffer");
        });
    }
}

/// A receiver whose time is up as soon as it waits. Fails if `leave` says that it has left though
/// it has been claimed.
#[test]
fn a_receiver_gives_up() {
    for capacity in [0, 1] {
        check_bounded(3, move || {
            let count = Count::new();
            let (s, r) = bounded(capacity);
            let mine = r.clone();
            let receiving = start(move || match mine.recv_deadline(Instant::now()) {
                Ok(message) => drop(message),
                Err(RecvTimeoutError::Timeout) => drop(mine.recv().ok().unwrap()),
                Err(RecvTimeoutError::Disconnected) => unreachable!(),
            });
            assert!(s.send(count.message(1)).is_ok());
            receiving.join().unwrap();
            assert_eq!(count.dropped(), 1);
            drop(r);
        });
    }
}

/// Likewise a sender.
#[test]
fn a_sender_gives_up() {
    for capacity in [0, 1] {
        check_bounded(3, move || {
            let count = Count::new();
            let (s, r) = bounded(capacity);
            if capacity == 1 {
                assert!(s.send(count.message(0)).is_ok());
            }
            let (mine, message) = (s, count.message(1));
            let sending = start(move || {
                if let Err(error) = mine.send_deadline(message, Instant::now()) {
                    assert!(mine.send(error.into_inner()).is_ok());
                }
            });
            let numbers: Vec<_> = r.iter().map(|message| message.number).collect();
            assert_eq!(numbers.last(), Some(&1));
            sending.join().unwrap();
            assert_eq!(count.dropped(), 1 + capacity);
        });
    }
}

/// A receiver is cancelled while it waits; what it has got by then, another has. Fails if `abandon`
/// drops the message of a completed receiver, or does not wait for DONE, or leaves a node in the
/// list.
#[test]
fn a_receiver_is_cancelled() {
    for capacity in [0, 1] {
        check_bounded(3, move || {
            let count = Count::new();
            let (s, r) = bounded(capacity);
            let (mine, back) = (r.clone(), s.clone());
            let receiving = start(move || {
                // What it receives in spite of all it sends again.
                if let Some(message) = cancelled(|| mine.recv().ok().unwrap()) {
                    assert!(back.send(message).is_ok());
                }
            });
            let sending = sender(&s, &count, 1);
            assert!(r.recv().is_ok());
            receiving.join().unwrap();
            sending.join().unwrap();
            assert_eq!(count.dropped(), 1);
        });
    }
}

/// A sender is cancelled while it waits: its message is received, or dropped. Fails if `abandon`
/// does not drop it, or drops one that has been taken.
#[test]
fn a_sender_is_cancelled() {
    check_bounded(3, || {
        let count = Count::new();
        let (s, r) = bounded(0);
        let message = count.message(1);
        let sending = start(move || drop(cancelled(|| s.send(message))));
        assert!(r.iter().count() <= 1);
        sending.join().unwrap();
        assert_eq!(count.dropped(), 1);
    });
}
