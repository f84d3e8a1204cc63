//! Promise: a backtrace taken in a task ends cleanly at the task's entry, before and after it has
//! been suspended.

mod common;

use std::backtrace::Backtrace;
use std::hint::black_box;

use common::{for_each_mode, join};
use midge::task;

#[inline(never)]
fn taken_at_depth(depth: u32) -> String {
    if depth == 0 {
        return Backtrace::force_capture().to_string();
    }
    black_box(taken_at_depth(depth - 1))
}

#[test]
fn ends_at_the_entry() {
    for_each_mode(&[1, 2], |rt, _| {
        let traces = rt.run(|| {
            join(midge::spawn(|| {
                let before = taken_at_depth(3);
                task::yield_now();
                [before, taken_at_depth(3)]
            }))
        });
        for trace in traces {
            // Frames are numbered; the lines between them say where they are.
            let frames: Vec<_> = trace
                .lines()
                .filter(|line| line.trim_start().starts_with(|c: char| c.is_ascii_digit()))
                .collect();
            assert!(frames.iter().any(|frame| frame.contains("taken_at_depth")), "{trace}");
            assert!(frames.last().is_some_and(|frame| frame.contains("midge_entry")), "{trace}");
        }
    });
}
