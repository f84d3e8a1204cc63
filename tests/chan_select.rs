//! Promise: `select!` does exactly one of its operations, one that is ready; the choice among
//! several is fair, or the first's where that is asked for; and its cases are as free as any
//! expression.

mod common;

use std::time::Duration;

use common::{for_each_mode, join};
use midge::chan::{after, bounded, never, unbounded, RecvError, SendError};
use midge::{select, select_biased, task};

const WORKERS: &[usize] = &[1, 2, 8];

#[test]
fn takes_what_is_ready() {
    let (s1, r1) = unbounded();
    let (s2, r2) = unbounded();
    s1.send(1).unwrap();
    select! {
        recv(r1) -> n => assert_eq!(n, Ok(1)),
        recv(r2) -> _ => unreachable!(),
    }
    s2.send("two").unwrap();
    let got = select! {
        recv(r1) -> _ => unreachable!(),
        recv(r2) -> s => s.unwrap().len(),
    };
    assert_eq!(got, 3);
    drop(s1);
    select! {
        recv(r1) -> n => assert_eq!(n, Err(RecvError)),
        recv(r2) -> _ => unreachable!(),
    }
}

fn panic_instead() -> i32 {
    panic!("the message of a case that was not chosen")
}

#[test]
fn sends_where_there_is_room() {
    let (s1, r1) = bounded(1);
    let (s2, r2) = bounded(1);
    s1.send(0).unwrap();
    select! {
        send(s1, panic_instead()) -> _ => {}
        send(s2, 2) -> result => assert_eq!(result, Ok(())),
    }
    assert_eq!((r1.recv(), r2.recv()), (Ok(0), Ok(2)));
    s2.send(0).unwrap();
    drop(r1);
    select! {
        send(s1, 1) -> result => assert_eq!(result, Err(SendError(1))),
        send(s2, 2) -> _ => unreachable!(),
    }
}

#[test]
fn default_and_timeouts() {
    let (s, r) = bounded::<u8>(0);
    assert_eq!(select! { recv(r) -> _ => 1, default => 2 }, 2);
    assert_eq!(select! { send(s, 1) -> _ => 1, default() => 2 }, 2);
    assert_eq!(select! { default => 3 }, 3);
    assert_eq!(select! { recv(r) -> _ => 1, default(Duration::from_millis(1)) => 2 }, 2);
    assert_eq!(select! { default(Duration::from_millis(1)) => 4 }, 4);
    let timeout = after(Duration::from_millis(1));
    assert_eq!(select! { recv(r) -> _ => 1, send(s, 1) -> _ => 2, recv(timeout) -> _ => 3 }, 3);
    drop(s);
    let got = select! { recv(r) -> m => m, default => Ok(9) };
    assert_eq!(got, Err(RecvError));
}

#[test]
#[allow(clippy::never_loop, unused_assignments)]
fn bodies_may_do_what_bodies_do() {
    fn question_mark() -> Result<u8, RecvError> {
        let (s, r) = unbounded();
        s.send(4).unwrap();
        Ok(select! { recv(r) -> n => n? })
    }
    assert_eq!(question_mark(), Ok(4));
    let (s, mut r) = unbounded::<u8>();
    s.send(1).unwrap();
    let mut count = 0;
    'outer: loop {
        loop {
            select! {
                recv(&r) -> n => match n {
                    Ok(_) => { count += 1; r = never(); continue 'outer }
                    Err(_) => unreachable!(),
                },
                recv(never::<u8>()) -> _ => unreachable!(),
                default => break 'outer,
            }
        }
    }
    assert_eq!(count, 1);
    let senders = [Some(s), None];
    select! {
        send(senders[0].as_ref().unwrap(), 3) -> result => result.unwrap_err(),
        default => unreachable!(),
    };
}

#[test]
fn biased_takes_the_first() {
    let (s1, r1) = unbounded();
    let (s2, r2) = unbounded();
    for n in 0..50 {
        s1.send(n).unwrap();
        s2.send(n).unwrap();
    }
    for n in 0..50 {
        select_biased! {
            recv(r1) -> m => assert_eq!(m, Ok(n)),
            recv(r2) -> _ => unreachable!(),
        }
    }
}

#[test]
fn choices_are_fair() {
    for_each_mode(&[1, 2], |rt, _| {
        let hits = rt.run(|| {
            let (s1, r1) = unbounded();
            let (s2, r2) = unbounded();
            let (s3, r3) = bounded(4000);
            for _ in 0..4000 {
                s1.send(()).unwrap();
                s2.send(()).unwrap();
            }
            let mut hits = [0; 4];
            for _ in 0..4000 {
                select! {
                    recv(r1) -> _ => hits[0] += 1,
                    recv(r2) -> _ => hits[1] += 1,
                    recv(after(Duration::ZERO)) -> _ => hits[2] += 1,
                    send(s3, ()) -> _ => hits[3] += 1,
                }
            }
            drop(r3);
            hits
        });
        assert!(hits.iter().all(|hits| *hits > 700), "{hits:?}");
    });
}

#[test]
fn a_message_is_asked_for_when_it_is_its_turn() {
    for_each_mode(WORKERS, |rt, _| {
        let (s, r) = bounded(0);
        let (_keep, idle) = bounded::<u8>(0);
        let receivers: Vec<_> = (0..4)
            .map(|n| {
                let (r, idle) = (r.clone(), idle.clone());
                rt.spawn(move || match n % 2 {
                    0 => r.recv(),
                    _ => select! { recv(r) -> m => m, recv(idle) -> _ => unreachable!() },
                })
            })
            .collect();
        let sum = rt.run(move || {
            for n in 0..4 {
                select! {
                    // While it is computed, the receiver that it has been promised waits.
                    send(s, { (0..5).for_each(|_| task::yield_now()); n }) -> result => result.unwrap(),
                }
            }
            receivers.into_iter().map(|receiver| join(receiver).unwrap()).sum::<i32>()
        });
        assert_eq!(sum, 6);
    });
}
