//! Follows `test/stack.go`: a stack that grows at any depth, in whatever happens to be called
//! there: a function with a large frame, a destructor (Go's deferred call), a closure, a spawn, a
//! channel.

use crate::common::{join, rounds};
use crate::go;
use midge::chan::bounded;
use midge::spawn;
use std::hint::black_box;

/// Checks, when it is dropped, that its number is what it was.
struct Deferred(usize, usize);

impl Drop for Deferred {
    fn drop(&mut self) {
        assert_eq!(black_box(self.0), self.1);
        large_frame(self.0 as u8);
    }
}

#[inline(never)]
fn large_frame(byte: u8) {
    let frame = black_box([byte; 2_000]);
    assert!(frame.iter().all(|b| *b == byte));
}

/// Goes down, and in turn does one of these things at each depth.
#[inline(never)]
fn descend(depth: usize, text: &str) {
    assert_eq!(text, "hello");
    let _deferred = Deferred(depth, depth);
    match depth % 100 {
        0 if depth == 0 => return,
        0 => assert_eq!(join(spawn(move || depth + 1)), depth + 1),
        25 => large_frame(depth as u8),
        50 => {
            let (s, r) = bounded(0);
            spawn(move || s.send(depth).unwrap());
            assert_eq!(r.recv(), Ok(depth));
        }
        75 => {
            let closure = |n: usize| large_frame((n + depth) as u8);
            black_box(&closure as &dyn Fn(usize))(1);
        }
        _ => {}
    }
    descend(depth - 1, black_box(text));
    assert_eq!(text, "hello");
}

#[test]
fn a_stack_that_grows_anywhere() {
    let (tasks, depth) = (5, rounds(5_000, 1_000));
    go(|| {
        let tasks: Vec<_> =
            (0..tasks).map(|n| spawn(move || descend(depth + 7 * n, "hello"))).collect();
        tasks.into_iter().for_each(join);
    });
}
