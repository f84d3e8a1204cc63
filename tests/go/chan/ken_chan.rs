//! Follows `test/ken/chan.go`: several channels, with a buffer and without, whose senders and
//! receivers work plainly (a task for each channel) or by selects (one task for all channels), in
//! all combinations. The messages of each channel are counted through, and come in that order.

use crate::common::{join, rounds};
use crate::go;
use midge::chan::{bounded, Receiver, Select, Sender};
use midge::{spawn, JoinHandle};

const CHANNELS: usize = 4;

type Tasks = Vec<JoinHandle<()>>;

fn send_plainly(senders: Vec<Sender<usize>>, each: usize) -> Tasks {
    let send = |s: Sender<usize>| spawn(move || (0..each).for_each(|n| s.send(n).unwrap()));
    senders.into_iter().map(send).collect()
}

/// One task, whose select has all channels that are not finished. `messages` are the next ones.
fn send_by_select(senders: Vec<Sender<usize>>, each: usize) -> Tasks {
    vec![spawn(move || {
        let mut messages = vec![0; senders.len()];
        let mut select = Select::new();
        senders.iter().for_each(|s| assert!(select.send(s) < CHANNELS));
        for _ in 0..each * senders.len() {
            let selected = select.select();
            let channel = selected.index();
            selected.send(&senders[channel], messages[channel]).unwrap();
            messages[channel] += 1;
            if messages[channel] == each {
                select.remove(channel);
            }
        }
    })]
}

fn receive_plainly(receivers: Vec<Receiver<usize>>, each: usize) -> Tasks {
    let receive = |r: Receiver<usize>| spawn(move || assert!(r.iter().eq(0..each)));
    receivers.into_iter().map(receive).collect()
}

fn receive_by_select(receivers: Vec<Receiver<usize>>, each: usize) -> Tasks {
    vec![spawn(move || {
        let mut expected = vec![0; receivers.len()];
        let mut select = Select::new();
        receivers.iter().for_each(|r| assert!(select.recv(r) < CHANNELS));
        let mut open = receivers.len();
        while open > 0 {
            let selected = select.select();
            let channel = selected.index();
            match selected.recv(&receivers[channel]) {
                Ok(message) => {
                    assert_eq!(message, expected[channel]);
                    expected[channel] += 1;
                }
                Err(_) => {
                    select.remove(channel);
                    open -= 1;
                }
            }
        }
        assert_eq!(expected, vec![each; receivers.len()]);
    })]
}

#[test]
fn every_combination_of_plain_and_select() {
    let each = rounds(1_000, 100);
    go(|| {
        for send in [send_plainly, send_by_select] {
            for receive in [receive_plainly, receive_by_select] {
                for capacity in [0, 1, 10] {
                    let (senders, receivers) = (0..CHANNELS).map(|_| bounded(capacity)).unzip();
                    let receiving = receive(receivers, each);
                    send(senders, each).into_iter().chain(receiving).for_each(join);
                }
            }
        }
    });
}
