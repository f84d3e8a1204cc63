//! Follows `test/chan/doubleselect.go`: a select that could send through any of four channels sends
//! through exactly one, so what it sends is delivered exactly once.

use crate::common::{join, rounds};
use crate::go;
use midge::chan::{bounded, Receiver, Sender};
use midge::{select, spawn};

fn send_each_once(count: usize, [a, b, c, d]: [Sender<usize>; 4]) {
    for n in 0..count {
        select! {
            send(a, n) -> sent => sent.unwrap(),
            send(b, n) -> sent => sent.unwrap(),
            send(c, n) -> sent => sent.unwrap(),
            send(d, n) -> sent => sent.unwrap(),
        }
    }
}

fn forward(from: Receiver<usize>, to: Sender<usize>) {
    from.iter().for_each(|n| to.send(n).unwrap());
}

#[test]
fn every_message_is_delivered_once() {
    let count = rounds(5_000, 400);
    go(|| {
        let (senders, receivers): (Vec<_>, Vec<_>) = (0..4).map(|_| bounded(0)).unzip();
        let senders = senders.try_into().expect("four");
        let sender = spawn(move || send_each_once(count, senders));
        let (to, merged) = bounded(0);
        for from in receivers {
            let to = to.clone();
            spawn(move || forward(from, to));
        }
        drop(to);
        let mut seen = vec![false; count];
        for n in merged {
            assert!(!std::mem::replace(&mut seen[n], true), "{n} has been delivered twice");
        }
        assert!(seen.into_iter().all(|seen| seen), "a message has been lost");
        join(sender);
    });
}
