//! Messages between tasks: one at a time to and fro, and many through a buffer of 128.
//!
//! may's channels have no bound. For ping-pong that makes no difference, as there is never more
//! than one message under way; the buffer of 128 is a semaphore with 128 permits beside the
//! channel.

use std::sync::Arc;
use std::time::{Duration, Instant};

use may::sync::{mpmc, mpsc, Semphore};
use midge_peers::job;

use crate::spawn;

fn rounds(count: usize) -> Duration {
    let (ping, pings) = mpsc::channel::<usize>();
    let (pong, pongs) = mpsc::channel::<usize>();
    let echo = spawn(move || {
        for message in pings.iter() {
            pong.send(message).expect("the other end waits for it");
        }
    });
    let caller = spawn(move || {
        let start = Instant::now();
        for i in 0..count {
            ping.send(i).expect("the echo is there");
            assert_eq!(pongs.recv(), Ok(i));
        }
        start.elapsed()
    });
    let elapsed = caller.join().expect("every ping comes back");
    echo.join().expect("the echo ends when the caller has gone");
    elapsed
}

pub fn ping_pong([count]: [usize; 1]) {
    rounds(count / 10);
    job::each("time", rounds(count), count);
}

fn stream(count: usize, senders: usize, receivers: usize) -> Duration {
    let (sender, receiver) = mpmc::channel::<usize>();
    let room = Arc::new(Semphore::new(128));
    let each = count / senders;
    let start = Instant::now();
    let sums: Vec<_> = (0..receivers)
        .map(|_| {
            let (receiver, room) = (receiver.clone(), Arc::clone(&room));
            spawn(move || receiver.iter().inspect(|_| room.post()).sum::<usize>())
        })
        .collect();
    for _ in 0..senders {
        let (sender, room) = (sender.clone(), Arc::clone(&room));
        spawn(move || {
            for i in 0..each {
                room.wait();
                sender.send(i).expect("the receivers stay until the end");
            }
        });
    }
    // The receivers end when the last sender is gone.
    drop((sender, receiver));
    let sum: usize = sums.into_iter().map(|sum| sum.join().expect("receivers end")).sum();
    let elapsed = start.elapsed();
    assert_eq!(sum, senders * (each * (each - 1) / 2));
    elapsed
}

pub fn bounded([count, senders, receivers]: [usize; 3]) {
    stream(count / 10, senders, receivers);
    job::each("time", stream(count, senders, receivers), count);
}
