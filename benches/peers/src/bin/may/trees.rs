//! Work that divides: skynet, whose leaves report by channels, and fork-join.

use std::hint::black_box;
use std::time::Instant;

use may::sync::mpsc::{self, Sender};
use midge_peers::process::room_for_stacks;
use midge_peers::{fibonacci, job};

use crate::spawn;

/// A tree with ten branches at each node, whose leaves are numbered.
fn node(parent: Sender<usize>, number: usize, leaves: usize) {
    let sum = if leaves == 1 {
        number
    } else {
        let (sender, receiver) = mpsc::channel();
        for i in 0..10 {
            let sender = sender.clone();
            spawn(move || node(sender, number + i * (leaves / 10), leaves / 10));
        }
        receiver.iter().take(10).sum()
    };
    parent.send(sum).expect("the parent waits for it");
}

pub fn skynet([mut leaves]: [usize; 1]) {
    // Tasks run in the order in which they were made, so all of the tree is there at once.
    while leaves + leaves / 9 > room_for_stacks() {
        leaves /= 10;
        job::note(format_args!("{leaves} leaves: a tree must fit into vm.max_map_count"));
    }
    let tree = || {
        let (sender, receiver) = mpsc::channel();
        spawn(move || node(sender, 0, leaves));
        assert_eq!(receiver.recv(), Ok(leaves * (leaves - 1) / 2));
    };
    tree();
    let start = Instant::now();
    tree();
    job::each("time", start.elapsed(), leaves);
}

fn fork(n: usize) -> usize {
    if n <= fibonacci::SERIAL {
        return fibonacci::serial(black_box(n));
    }
    let larger = spawn(move || fork(n - 1));
    let smaller = fork(n - 2);
    larger.join().expect("adding does not panic") + smaller
}

pub fn fibonacci([n]: [usize; 1]) {
    let tree = || assert_eq!(fork(n), fibonacci::expected(n));
    tree();
    let start = Instant::now();
    tree();
    job::milliseconds("time", start.elapsed());
}
