//! Follows `test/chan/select2.go`: a hundred thousand selects, one case of which is never ready, do
//! not use up memory.
//!
//! It counts the heap of the whole process, so it has a process of its own.

use crate::common::{child_of, in_child, rounds};
use crate::counting::bytes_in_use;
use crate::go;
use midge::chan::{bounded, Receiver};
use midge::{select, spawn};

/// What may be in use more afterwards: Go's bound. A leaked node of each select would be several
/// times that.
const ALLOWED: usize = 110_000;

fn receive(count: usize, r: &Receiver<u8>, dummy: &Receiver<u8>) {
    for _ in 0..count {
        select! {
            recv(r) -> message => assert_eq!(message, Ok(1)),
            recv(dummy) -> _ => panic!("nobody sends this"),
        }
    }
}

fn exchange(count: usize, capacity: usize) {
    let (s, r) = bounded(capacity);
    let (_dummy_s, dummy) = bounded(0);
    let sender = spawn(move || (0..count).for_each(|_| s.send(1).unwrap()));
    receive(count, &r, &dummy);
    sender.join().unwrap();
}

#[test]
fn selects_do_not_use_up_memory() {
    if in_child().is_none() {
        let name = "chan::select2::selects_do_not_use_up_memory";
        let output = child_of(name, "alone", &[]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        return;
    }
    let count = rounds(120_000, 5_000);
    go(|| {
        for capacity in [0, 1] {
            // Workers that take part for the first time keep some memory; a leak is one every time.
            let growth = || {
                let before = bytes_in_use();
                exchange(count, capacity);
                bytes_in_use().saturating_sub(before)
            };
            let growths: Vec<_> =
                std::iter::repeat_with(growth).take(4).take_while(|more| *more > ALLOWED).collect();
            assert!(growths.len() < 4, "{growths:?} bytes more after {count} selects each");
        }
    });
}
