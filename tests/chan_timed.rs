//! Promise: an operation with a time limit waits at least that long before it gives up, loses
//! nothing when it does, and `after` and `tick` deliver when they are due and not before.

mod common;

use std::time::{Duration, Instant};

use common::{for_each_mode, join, rounds, Tally};
use midge::chan::{
    after, at, bounded, never, tick, unbounded, RecvTimeoutError, SendTimeoutError, TryRecvError,
};
use midge::{select, spawn, task};

const WORKERS: &[usize] = &[1, 2, 8];
const SHORT: Duration = Duration::from_millis(3);

fn takes_at_least<R>(time: Duration, f: impl FnOnce() -> R) -> R {
    let deadline = Instant::now() + time;
    let result = f();
    assert!(Instant::now() >= deadline, "it gave up too early");
    result
}

#[test]
fn operations_give_up() {
    let check = || {
        let (s, r) = bounded::<u8>(1);
        let timeout = Err(RecvTimeoutError::Timeout);
        assert_eq!(takes_at_least(SHORT, || r.recv_timeout(SHORT)), timeout);
        assert_eq!(takes_at_least(SHORT, || r.recv_deadline(Instant::now() + SHORT)), timeout);
        s.send(1).unwrap();
        let error = takes_at_least(SHORT, || s.send_timeout(2, SHORT)).unwrap_err();
        assert_eq!(error, SendTimeoutError::Timeout(2));
        let error = takes_at_least(SHORT, || s.send_deadline(3, Instant::now() + SHORT));
        assert_eq!(error, Err(SendTimeoutError::Timeout(3)));
        assert_eq!(r.recv_timeout(Duration::MAX), Ok(1));
        assert_eq!(s.send_timeout(4, Duration::ZERO), Ok(()));
        drop(s);
        assert_eq!(r.recv_timeout(Duration::ZERO), Ok(4));
        assert_eq!(r.recv_timeout(Duration::MAX), Err(RecvTimeoutError::Disconnected));
        let (s, r) = bounded::<u8>(0);
        assert_eq!(takes_at_least(SHORT, || never::<u8>().recv_timeout(SHORT)), timeout);
        assert_eq!(takes_at_least(SHORT, || r.recv_timeout(SHORT)), timeout);
        drop(r);
        let error = s.send_timeout(1, Duration::MAX);
        assert_eq!(error, Err(SendTimeoutError::Disconnected(1)));
    };
    check();
    for_each_mode(WORKERS, |rt, _| rt.run(check));
}

#[test]
fn a_timed_wait_is_served_in_time() {
    for_each_mode(WORKERS, |rt, _| {
        let (s, r) = bounded(0);
        let receiver = rt.spawn(move || r.recv_timeout(common::PATIENCE));
        let (s2, r2) = bounded(0);
        let sender = rt.spawn(move || s2.send_timeout(2, common::PATIENCE));
        rt.run(move || {
            task::yield_now();
            s.send(1).unwrap();
            assert_eq!(r2.recv(), Ok(2));
        });
        assert_eq!((join(receiver), join(sender)), (Ok(1), Ok(())));
    });
}

#[test]
fn no_time_at_all_is_a_turn_for_the_others() {
    for_each_mode(&[1], |rt, _| {
        rt.spawn(|| {
            let (s, r) = unbounded();
            let sender = spawn(move || s.send(1).unwrap());
            while r.recv_timeout(Duration::ZERO).is_err() {}
            join(sender);
            let polls = spawn(move || while never::<u8>().recv_timeout(Duration::ZERO).is_err() {});
            polls.cancel();
            assert!(polls.join().is_err());
        })
        .join()
        .unwrap()
    });
}

#[test]
fn timeouts_race_with_messages() {
    // Whatever comes first, each message is either received or given back.
    let count = rounds(300, 100);
    for_each_mode(WORKERS, |rt, _| {
        for capacity in [0, 1] {
            let tally = Tally::default();
            let (s, r) = bounded(capacity);
            let (made, ours) = (tally.clone(), tally.clone());
            let sender = rt.spawn(move || {
                let mut given_back = 0;
                for n in 0..count {
                    let time = Duration::from_micros(n as u64 % 50);
                    given_back += usize::from(s.send_timeout(made.guard(), time).is_err());
                }
                given_back
            });
            let received = rt.run(move || {
                let mut received = 0;
                loop {
                    match r.recv_timeout(Duration::from_micros(received as u64 % 50)) {
                        Ok(_) => received += 1,
                        Err(RecvTimeoutError::Timeout) => {}
                        Err(RecvTimeoutError::Disconnected) => return received,
                    }
                }
            });
            assert_eq!(join(sender) + received, count);
            assert_eq!(ours.count(), count);
        }
    });
}

#[test]
fn after_delivers_once() {
    let check = || {
        let start = Instant::now();
        let later = after(common::PATIENCE);
        let figures = (later.capacity(), later.len(), later.is_empty(), later.is_full());
        assert_eq!(figures, (Some(1), 0, true, false));
        assert_eq!(later.recv_timeout(Duration::ZERO), Err(RecvTimeoutError::Timeout));
        let r = after(SHORT);
        let second = r.clone();
        let due = r.recv().unwrap();
        assert!(due >= start + SHORT && Instant::now() >= due);
        assert_eq!((r.len(), second.try_recv()), (0, Err(TryRecvError::Empty)));
        assert!(r.same_channel(&second) && !r.same_channel(&after(SHORT)));
        let past = at(start);
        assert_eq!((past.len(), past.is_full()), (1, true));
        assert_eq!(past.recv(), Ok(start));
        assert!(after(Duration::MAX).recv_timeout(SHORT).is_err());
    };
    check();
    for_each_mode(WORKERS, |rt, _| rt.run(check));
}

#[test]
fn tick_delivers_again_and_again() {
    let check = || {
        let start = Instant::now();
        let r = tick(SHORT);
        for n in 1..=4 {
            assert!(r.recv().unwrap() >= start + n * SHORT);
        }
        std::thread::sleep(5 * SHORT);
        let late = Instant::now();
        assert!(r.try_recv().is_ok());
        assert!(r.recv().unwrap() >= late + SHORT, "those who come late get one message");
    };
    check();
    for_each_mode(&[1, 2], |rt, _| rt.run(check));
}

#[test]
fn each_tick_goes_to_one_receiver() {
    for_each_mode(&[2], |rt, _| {
        let r = tick(Duration::from_millis(1));
        let receivers: Vec<_> = (0..3)
            .map(|_| {
                let r = r.clone();
                rt.spawn(move || r.iter().take(5).collect::<Vec<_>>())
            })
            .collect();
        let mut all: Vec<_> = receivers.into_iter().flat_map(join).collect();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 15);
    });
}

#[test]
fn selects_with_times() {
    let check = || {
        let (s, r) = unbounded();
        let ticks = tick(Duration::from_millis(1));
        let mut end = after(Duration::from_millis(20));
        let task = task::try_current().map(|_| spawn(move || s.send(1).unwrap()));
        let (mut ticked, mut got, mut ended) = (0, 0, false);
        let mut r = r;
        while !ended || ticked == 0 {
            select! {
                recv(ticks) -> _ => ticked += 1,
                recv(r) -> n => match n {
                    Ok(n) => got += n,
                    Err(_) => r = never(),
                },
                recv(end) -> _ => (ended, end) = (true, never()),
            }
        }
        if let Some(task) = task {
            join(task);
            assert!(got == 1 || r.try_recv() == Ok(1));
        }
        let waited = takes_at_least(SHORT, || {
            select! { recv(never::<u8>()) -> _ => false, default(SHORT) => true }
        });
        assert!(waited);
    };
    check();
    for_each_mode(WORKERS, |rt, _| rt.run(check));
}
