//! Follows `test/chan/fifo.go`: messages come out in the order in which they went in, with a buffer
//! and without.

use crate::common::{join, rounds};
use crate::go;
use midge::chan::{bounded, Receiver, Sender};
use midge::spawn;

#[test]
fn with_a_buffer() {
    let count = rounds(10_000, 1_000);
    go(|| {
        let (s, r) = bounded(count);
        (0..count).for_each(|n| s.send(n).unwrap());
        (0..count).for_each(|n| assert_eq!(r.recv(), Ok(n)));
    });
}

/// A link of a chain: it sends when the one before it has sent, and lets the one behind it know.
fn link(number: usize, out: Sender<usize>, before: Receiver<()>, behind: Sender<()>) {
    before.recv().unwrap();
    out.send(number).unwrap();
    behind.send(()).unwrap();
}

#[test]
fn without_a_buffer() {
    let count = rounds(500, 100);
    go(|| {
        let (out, r) = bounded(0);
        let (first, mut before) = bounded(0);
        let mut links = Vec::new();
        for number in 0..count {
            let (behind, next) = bounded(0);
            let (out, before) = (out.clone(), std::mem::replace(&mut before, next));
            links.push(spawn(move || link(number, out, before, behind)));
        }
        first.send(()).unwrap();
        (0..count).for_each(|number| assert_eq!(r.recv(), Ok(number)));
        before.recv().unwrap();
        links.into_iter().for_each(join);
    });
}
