//! Promise: channels join tasks and ordinary threads in every combination; where a task parks, a
//! thread blocks.

mod common;

use std::time::Duration;

use common::{for_each_mode, join, rounds};
use midge::chan::{bounded, never, RecvError, SendError};
use midge::select;

const WORKERS: &[usize] = &[1, 2, 8];

#[test]
fn threads_alone() {
    for capacity in [0, 1, 100] {
        let (s, r) = bounded(capacity);
        let (back, answers) = bounded(capacity);
        let thread =
            std::thread::spawn(move || r.iter().for_each(|n: u64| back.send(n + 1).unwrap()));
        for n in 0..rounds(2_000, 500) as u64 {
            s.send(n).unwrap();
            assert_eq!(answers.recv(), Ok(n + 1));
        }
        drop(s);
        thread.join().unwrap();
    }
}

#[test]
fn a_thread_and_a_task() {
    let count = rounds(2_000, 500);
    for_each_mode(WORKERS, |rt, _| {
        for capacity in [0, 1, 100] {
            let (s, r) = bounded(capacity);
            let (back, answers) = bounded(capacity);
            let task = rt.spawn(move || r.iter().for_each(|n: usize| back.send(n + 1).unwrap()));
            for n in 0..count {
                s.send(n).unwrap();
                assert_eq!(answers.recv(), Ok(n + 1));
            }
            drop(s);
            join(task);
        }
    });
}

#[test]
fn two_runtimes() {
    let count = rounds(2_000, 500);
    for_each_mode(&[1, 2], |rt, mode| {
        let other = common::build(mode, 2);
        let (s, r) = bounded(0);
        let (back, answers) = bounded(1);
        let task = other.spawn(move || r.iter().for_each(|n: usize| back.send(n + 1).unwrap()));
        rt.run(move || {
            for n in 0..count {
                s.send(n).unwrap();
                assert_eq!(answers.recv(), Ok(n + 1));
            }
        });
        join(task);
    });
}

#[test]
fn threads_select() {
    for_each_mode(WORKERS, |rt, _| {
        let (s1, r1) = bounded(0);
        let (s2, r2) = bounded(0);
        let tasks = [s1, s2].map(|s| rt.spawn(move || (0..200).for_each(|n| s.send(n).unwrap())));
        let threads: Vec<_> = (0..2)
            .map(|_| {
                let (mut r1, mut r2) = (r1.clone(), r2.clone());
                std::thread::spawn(move || {
                    let (mut sum, mut open) = (0, 2);
                    while open > 0 {
                        select! {
                            recv(r1) -> n => match n {
                                Ok(n) => sum += n,
                                Err(_) => { r1 = midge::chan::never(); open -= 1 }
                            },
                            recv(r2) -> n => match n {
                                Ok(n) => sum += n,
                                Err(_) => { r2 = midge::chan::never(); open -= 1 }
                            },
                        }
                    }
                    sum
                })
            })
            .collect();
        tasks.into_iter().for_each(join);
        let sum: i32 = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
        assert_eq!(sum, 2 * 199 * 100);
    });
}

#[test]
fn the_end_wakes_threads() {
    let (s, r) = bounded::<u8>(0);
    let (s2, r2) = bounded::<u8>(0);
    let receiver = std::thread::spawn(move || r.recv());
    let sender = std::thread::spawn(move || s2.send(1));
    std::thread::sleep(Duration::from_millis(5));
    drop(s);
    drop(r2);
    assert_eq!(receiver.join().unwrap(), Err(RecvError));
    assert_eq!(sender.join().unwrap(), Err(SendError(1)));
}

#[test]
fn a_thread_that_is_ending() {
    // Its thread-locals are gone, the handle by which others wake it among them.
    struct AtExit(midge::chan::Sender<u8>, midge::chan::Receiver<u8>);
    impl Drop for AtExit {
        fn drop(&mut self) {
            self.0.send(1).unwrap();
            assert_eq!(self.1.recv(), Ok(2));
            select! { recv(self.1) -> end => assert_eq!(end, Err(RecvError)) }
        }
    }
    thread_local! {
        static LAST: std::cell::RefCell<Option<AtExit>> = const { std::cell::RefCell::new(None) };
    }
    let (s, r) = bounded(0);
    let (s2, r2) = bounded(0);
    let thread = std::thread::spawn(move || {
        LAST.with(|last| *last.borrow_mut() = Some(AtExit(s, r2)));
        // Waits once, so that what waiting takes is made after `LAST`, and gone before it.
        never::<u8>().recv_timeout(Duration::from_millis(1)).unwrap_err();
    });
    assert_eq!(r.recv(), Ok(1));
    std::thread::sleep(Duration::from_millis(20)); // it waits, most probably
    s2.send(2).unwrap();
    std::thread::sleep(Duration::from_millis(20));
    drop(s2);
    thread.join().unwrap();
}
