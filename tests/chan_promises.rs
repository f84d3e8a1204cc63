//! Promise: a select that has been chosen to send and is still computing what holds its place, and
//! nothing but its place.
#![cfg(panic = "unwind")]

mod common;

use common::{for_each_mode, PATIENCE};
use midge::chan::{bounded, Select, Sender};
use midge::{select, spawn, task, time};

#[test]
fn a_promised_place_in_a_buffer_is_kept() {
    for_each_mode(&[1], |rt, _| {
        rt.spawn(|| {
            let (s, r) = bounded(1);
            loop {
                let mine = r.clone();
                let receiver = spawn(move || mine.recv());
                (0..4).for_each(|_| task::yield_now());
                s.send(1).unwrap(); // to the receiver, which does not run yet
                let mut select = Select::new();
                select.send(&s);
                let Ok(selected) = select.try_select() else {
                    receiver.cancel(); // it did not wait yet
                    let _ = (receiver.join(), r.try_recv());
                    continue;
                };
                receiver.cancel(); // gives it back, into the buffer
                if receiver.join().is_ok() {
                    selected.send(&s, 2).unwrap(); // it was quicker
                    continue;
                }
                let sent = time::timeout(PATIENCE, || selected.send(&s, 2));
                assert!(matches!(sent, Ok(Ok(()))), "had a place, and waits for one");
                assert_eq!(r.try_iter().collect::<Vec<_>>(), [1, 2]);
                return;
            }
        })
        .join()
        .unwrap()
    });
}

#[test]
fn a_broken_promise_breaks_no_other() {
    for_each_mode(&[1], |rt, _| {
        rt.spawn(|| {
            let (s, r) = bounded(0);
            let (_other, idle) = bounded::<u8>(0);
            let (mut first, mut second) = (Select::new(), Select::new());
            first.send(&s);
            second.send(&s);
            let mine = r.clone();
            let receiver = spawn(move || mine.recv());
            let first = loop {
                match first.try_select() {
                    Ok(selected) => break selected,
                    Err(_) => task::yield_now(),
                }
            };
            receiver.cancel();
            assert!(receiver.join().is_err());
            let mine = r.clone();
            let receiver =
                spawn(move || select! { recv(mine) -> m => m.unwrap(), recv(idle) -> _ => 0 });
            let second = loop {
                match second.try_select() {
                    Ok(selected) => break selected,
                    Err(_) => task::yield_now(),
                }
            };
            let sent = time::timeout(PATIENCE, || second.send(&s, 2));
            assert!(matches!(sent, Ok(Ok(()))), "its receiver is there, and it waits");
            assert_eq!(receiver.join().unwrap(), 2);
            let receiver = spawn(move || r.recv());
            first.send(&s, 1).unwrap();
            assert_eq!(receiver.join().unwrap(), Ok(1));
        })
        .join()
        .unwrap()
    });
}

#[test]
fn a_waiting_sender_is_served_while_a_select_computes() {
    for_each_mode(&[1], |rt, _| {
        rt.spawn(|| {
            let (s, r) = bounded(1);
            let mut select = Select::new();
            select.send(&s);
            let selected = select.try_select().unwrap();
            let mine = s.clone();
            let sender = spawn(move || mine.send(1).unwrap());
            (0..4).for_each(|_| task::yield_now());
            assert_eq!(r.recv_timeout(PATIENCE), Ok(1), "a sender waits");
            sender.join().unwrap();
            selected.send(&s, 2).unwrap();
            assert_eq!(r.recv(), Ok(2));
        })
        .join()
        .unwrap()
    });
}

#[test]
fn a_message_may_leave_the_select() {
    fn f(s: &Sender<i32>, m: Option<i32>) -> Option<()> {
        select! { send(s, m?) -> r => r.unwrap() }
        Some(())
    }
    let (s, r) = bounded(1);
    assert_eq!(f(&s, None), None);
    assert_eq!(f(&s, Some(1)), Some(()));
    assert_eq!(r.recv(), Ok(1));
}
