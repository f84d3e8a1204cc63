//! Messages between tasks: one at a time to and fro, and many through a buffer of 128.
//!
//! tokio has no unbuffered channel: ping-pong is through a buffer of one. Its channels have one
//! receiver, so four of them are served by `async-channel`, which tokio's users take for that.

use std::time::{Duration, Instant};

use midge_peers::job;
use tokio::sync::mpsc;

async fn rounds(count: usize) -> Duration {
    let (ping, mut pings) = mpsc::channel::<usize>(1);
    let (pong, mut pongs) = mpsc::channel::<usize>(1);
    let echo = tokio::spawn(async move {
        while let Some(message) = pings.recv().await {
            pong.send(message).await.expect("the other end waits for it");
        }
    });
    let caller = tokio::spawn(async move {
        let start = Instant::now();
        for i in 0..count {
            ping.send(i).await.expect("the echo is there");
            assert_eq!(pongs.recv().await, Some(i));
        }
        start.elapsed()
    });
    let elapsed = caller.await.expect("every ping comes back");
    echo.await.expect("the echo ends when the caller has gone");
    elapsed
}

pub async fn ping_pong([count]: [usize; 1]) {
    rounds(count / 10).await;
    job::each("time", rounds(count).await, count);
}

/// From one task to one.
async fn one_to_one(count: usize) -> (Duration, usize) {
    let (sender, mut receiver) = mpsc::channel::<usize>(128);
    let start = Instant::now();
    let sum = tokio::spawn(async move {
        let mut sum = 0;
        while let Some(message) = receiver.recv().await {
            sum += message;
        }
        sum
    });
    tokio::spawn(async move {
        for i in 0..count {
            sender.send(i).await.expect("the receiver stays until the end");
        }
    });
    let sum = sum.await.expect("the receiver ends");
    (start.elapsed(), sum)
}

/// From several tasks to several.
async fn many_to_many(each: usize, senders: usize, receivers: usize) -> (Duration, usize) {
    let (sender, receiver) = async_channel::bounded::<usize>(128);
    let start = Instant::now();
    let sums: Vec<_> = (0..receivers)
        .map(|_| {
            let receiver = receiver.clone();
            tokio::spawn(async move {
                let mut sum = 0;
                while let Ok(message) = receiver.recv().await {
                    sum += message;
                }
                sum
            })
        })
        .collect();
    for _ in 0..senders {
        let sender = sender.clone();
        tokio::spawn(async move {
            for i in 0..each {
                sender.send(i).await.expect("the receivers stay until the end");
            }
        });
    }
    // The receivers end when the last sender is gone.
    drop((sender, receiver));
    let mut sum = 0;
    for task in sums {
        sum += task.await.expect("receivers end");
    }
    (start.elapsed(), sum)
}

async fn stream(count: usize, senders: usize, receivers: usize) -> Duration {
    let each = count / senders;
    let (elapsed, sum) = match (senders, receivers) {
        (1, 1) => one_to_one(count).await,
        _ => many_to_many(each, senders, receivers).await,
    };
    assert_eq!(sum, senders * (each * (each - 1) / 2));
    elapsed
}

pub async fn bounded([count, senders, receivers]: [usize; 3]) {
    stream(count / 10, senders, receivers).await;
    job::each("time", stream(count, senders, receivers).await, count);
}
