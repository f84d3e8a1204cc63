//! Follows `TestChanSendSelectBarrier` and `TestChanSendBarrier`
//! (`src/runtime/chanbarrier_test.go`): what a task hands over is whole when its receiver has it,
//! even if the sender has ended at once and the heap is busy.
//!
//! Go checks its collector's write barrier there; here it is the publication of a message between
//! workers, plain and by a select, from a sender whose stack is gone (or is another task's) when
//! the message is read.

use crate::common::{join, rounds};
use crate::go;
use midge::chan::{bounded, unbounded};
use midge::{select, spawn};
use std::hint::black_box;

/// A message in several pieces of the heap, which belongs to `n`.
fn message(n: usize) -> Vec<String> {
    (0..4).map(|part| format!("part {part} of {n}")).collect()
}

/// Sends in many short-lived tasks, each of which receives an answer from another.
fn churn(by_select: bool, tasks: usize, each: usize) {
    let workers: Vec<_> = (0..tasks)
        .map(|seed| {
            spawn(move || {
                for n in 0..each {
                    let number = seed * each + n;
                    let (s, r) = bounded(0);
                    let (_s, other) = bounded::<u8>(0);
                    spawn(move || s.send(message(number)).unwrap());
                    let got = if by_select {
                        select! {
                            recv(r) -> got => got,
                            recv(other) -> _ => unreachable!(),
                        }
                    } else {
                        r.recv()
                    };
                    drop(black_box(vec![number; 100])); // keeps the heap busy
                    assert_eq!(got, Ok(message(number)));
                }
            })
        })
        .collect();
    workers.into_iter().for_each(join);
}

#[test]
fn messages_arrive_whole() {
    let each = rounds(500, 20);
    go(|| {
        churn(false, 10, each);
        churn(true, 10, each);
    });
}

#[test]
fn messages_outlive_their_sender() {
    go(|| {
        let (s, r) = unbounded();
        for n in 0..100 {
            let s = s.clone();
            join(spawn(move || s.send(message(n)).unwrap()));
        }
        drop(s);
        assert!(r.iter().eq((0..100).map(message)));
    });
}
