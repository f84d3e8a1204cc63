//! Work that divides: skynet, whose million leaves report by channels, and fork-join.

use std::future::Future;
use std::hint::black_box;
use std::pin::Pin;
use std::time::Instant;

use midge_peers::{fibonacci, job};
use tokio::sync::mpsc::{self, Sender};

/// What a recursive function returns, since it cannot hold its own state in itself.
type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A tree with ten branches at each node, whose leaves are numbered.
fn node(parent: Sender<usize>, number: usize, leaves: usize) -> Boxed<()> {
    Box::pin(async move {
        let mut sum = number;
        if leaves > 1 {
            let (sender, mut receiver) = mpsc::channel(1);
            for i in 0..10 {
                tokio::spawn(node(sender.clone(), number + i * (leaves / 10), leaves / 10));
            }
            sum = 0;
            for _ in 0..10 {
                sum += receiver.recv().await.expect("each child sends once");
            }
        }
        parent.send(sum).await.expect("the parent waits for it");
    })
}

pub async fn skynet([leaves]: [usize; 1]) {
    let tree = || async {
        let (sender, mut receiver) = mpsc::channel(1);
        tokio::spawn(node(sender, 0, leaves));
        assert_eq!(receiver.recv().await, Some(leaves * (leaves - 1) / 2));
    };
    tree().await;
    let start = Instant::now();
    tree().await;
    job::each("time", start.elapsed(), leaves);
}

fn fork(n: usize) -> Boxed<usize> {
    Box::pin(async move {
        if n <= fibonacci::SERIAL {
            return fibonacci::serial(black_box(n));
        }
        let larger = tokio::spawn(fork(n - 1));
        let smaller = fork(n - 2).await;
        larger.await.expect("adding does not panic") + smaller
    })
}

pub async fn fibonacci([n]: [usize; 1]) {
    let tree = || async { assert_eq!(fork(n).await, fibonacci::expected(n)) };
    tree().await;
    let start = Instant::now();
    tree().await;
    job::milliseconds("time", start.elapsed());
}
