//! Follows `test/chan/goroutines.go`: a daisy chain of thousands of tasks, set up, used once and
//! taken down.

use crate::common::{join, parked_at_once, rounds};
use crate::go_in;
use midge::chan::bounded;
use midge::spawn;

#[test]
fn a_long_daisy_chain() {
    go_in(|mode| {
        let length = parked_at_once(mode, rounds(10_000, 1_000));
        let (leftmost, result) = bounded(0);
        let mut left = leftmost;
        let mut links = Vec::new();
        for _ in 0..length {
            let (right, from_right) = bounded(0);
            let left = std::mem::replace(&mut left, right);
            links.push(spawn(move || left.send(from_right.recv().unwrap() + 1).unwrap()));
        }
        left.send(0).unwrap();
        assert_eq!(result.recv(), Ok(length));
        links.into_iter().for_each(join);
    });
}
