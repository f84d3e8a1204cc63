//! Follows `TestChan` (`src/runtime/chan_test.go`): for each capacity, what waits and what does
//! not, what a closed channel gives, order, and that no message of several senders is lost or
//! doubled.

use crate::common::{join, rounds};
use crate::{go, spawn_waiting};
use midge::chan::{bounded, RecvError, TryRecvError, TrySendError};
use midge::{select, spawn};

fn empty_waits(capacity: usize) {
    let (s, r) = bounded::<usize>(capacity);
    assert_eq!(r.try_recv(), Err(TryRecvError::Empty));
    select! { recv(r) -> _ => panic!("it is empty"), default => () }
    let plain = r.clone();
    let plain = spawn_waiting(move || plain.recv());
    let selecting = spawn_waiting(move || select! { recv(r) -> got => got });
    s.send(1).unwrap();
    s.send(2).unwrap();
    let mut got = [join(plain).unwrap(), join(selecting).unwrap()];
    got.sort_unstable();
    assert_eq!(got, [1, 2]);
}

fn full_waits(capacity: usize) {
    let (s, r) = bounded(capacity);
    (0..capacity).for_each(|n| s.try_send(n).unwrap());
    assert_eq!(s.try_send(0), Err(TrySendError::Full(0)));
    select! { send(s, 0) -> _ => panic!("it is full"), default => () }
    assert_eq!((s.len(), r.len(), s.capacity()), (capacity, capacity, Some(capacity)));
    let plain = s.clone();
    let plain = spawn_waiting(move || plain.send(capacity).unwrap());
    let selecting =
        spawn_waiting(move || select! { send(s, capacity + 1) -> sent => sent.unwrap() });
    let mut got: Vec<_> = r.iter().collect();
    got[capacity..].sort_unstable(); // who of the two waited first is not known
    assert!(got.into_iter().eq(0..capacity + 2));
    join(plain);
    join(selecting);
}

fn closing(capacity: usize) {
    // What is in the channel comes first, then the news.
    let (s, r) = bounded(capacity);
    (0..capacity).for_each(|n| s.send(n).unwrap());
    drop(s);
    (0..capacity).for_each(|n| assert_eq!(r.recv(), Ok(n)));
    assert_eq!((r.recv(), r.recv()), (Err(RecvError), Err(RecvError)));
    // It wakes a receiver that waits.
    let (s, r) = bounded::<usize>(capacity);
    let waiting = spawn_waiting(move || r.recv());
    drop(s);
    assert_eq!(join(waiting), Err(RecvError));
}

fn in_order(capacity: usize) {
    let (s, r) = bounded(capacity);
    let sender = spawn(move || (0..100).for_each(|n| s.send(n).unwrap()));
    assert!(r.iter().eq(0..100));
    join(sender);
}

fn several_senders(capacity: usize, each: usize) {
    const TASKS: usize = 4;
    let (s, r) = bounded(capacity);
    let senders: Vec<_> = (0..TASKS)
        .map(|_| s.clone())
        .map(|s| spawn(move || (0..each).for_each(|n| s.send(n).unwrap())))
        .collect();
    drop(s);
    let receivers: Vec<_> = (0..TASKS)
        .map(|_| r.clone())
        .map(|r| spawn(move || (0..each).map(|_| r.recv().unwrap()).collect::<Vec<_>>()))
        .collect();
    let mut times = vec![0; each];
    receivers.into_iter().flat_map(join).for_each(|n| times[n] += 1);
    assert!(times.iter().all(|&times| times == TASKS), "lost or doubled: {times:?}");
    senders.into_iter().for_each(join);
    assert_eq!(r.recv(), Err(RecvError));
}

#[test]
fn channels_of_every_capacity() {
    let each = rounds(1_000, 30);
    go(|| {
        let capacities = (0..rounds(200, 20)).step_by(rounds(9, 7)).chain([1, 2]);
        for capacity in capacities {
            empty_waits(capacity);
            full_waits(capacity);
            closing(capacity);
            in_order(capacity);
            several_senders(capacity, each);
        }
    });
}
