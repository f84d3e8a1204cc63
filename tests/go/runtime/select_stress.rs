//! Follows `TestSelectStress` (`src/runtime/chan_test.go`): four channels, some with a buffer; each
//! has a task that sends and one that receives, and two more tasks send and receive through selects
//! over all four. Nothing is lost and nothing gets stuck.

use crate::common::{join, rounds};
use crate::go;
use midge::chan::{bounded, Receiver, Select, Sender};
use midge::spawn;

/// Sends `each` times through every channel, whichever has room.
fn send_by_select(senders: Vec<Sender<usize>>, each: usize) {
    let mut left = vec![each; senders.len()];
    while left.iter().any(|&left| left > 0) {
        let mut select = Select::new();
        let mut channels = Vec::new();
        for (channel, s) in senders.iter().enumerate() {
            if left[channel] > 0 {
                select.send(s);
                channels.push(channel);
            }
        }
        let selected = select.select();
        let channel = channels[selected.index()];
        selected.send(&senders[channel], channel).unwrap();
        left[channel] -= 1;
    }
}

/// Receives `each` times from every channel, whichever has a message.
fn receive_by_select(receivers: Vec<Receiver<usize>>, each: usize) {
    let mut left = vec![each; receivers.len()];
    let mut select = Select::new();
    for r in &receivers {
        select.recv(r);
    }
    while left.iter().any(|&left| left > 0) {
        let selected = select.select();
        let channel = selected.index();
        assert_eq!(selected.recv(&receivers[channel]), Ok(channel));
        left[channel] -= 1;
        if left[channel] == 0 {
            select.remove(channel);
        }
    }
}

#[test]
fn senders_and_receivers_plain_and_by_select() {
    let each = rounds(5_000, 200);
    go(|| {
        let (senders, receivers): (Vec<_>, Vec<_>) = [0, 0, 2, 3].map(bounded).into_iter().unzip();
        let mut tasks = Vec::new();
        for (channel, (s, r)) in senders.iter().zip(&receivers).enumerate() {
            let (s, r) = (s.clone(), r.clone());
            tasks.push(spawn(move || (0..each).for_each(|_| s.send(channel).unwrap())));
            tasks.push(spawn(move || {
                (0..each).for_each(|_| assert_eq!(r.recv(), Ok(channel)));
            }));
        }
        let (s, r) = (senders.clone(), receivers.clone());
        tasks.push(spawn(move || send_by_select(s, each)));
        tasks.push(spawn(move || receive_by_select(r, each)));
        tasks.into_iter().for_each(join);
        assert!(receivers.iter().all(|r| r.is_empty()));
    });
}
