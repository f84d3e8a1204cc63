//! Promise: a task's stack survives its suspensions. After 10,000 of them at random depths every
//! local has its value and its address, in every mode, on one worker and on many.

mod common;

use std::hint::black_box;

use common::{
    expected, for_each_mode, for_each_mode_with, join, park_until_woken, rounds, Random, Runtime,
};
use midge::task;

const WORKERS: &[usize] = &[1, 2, 8];
const TASKS: usize = 40;
const DEEPEST: usize = 60;

/// A random walk up and down a stack that suspends `left` times in all, each time in whichever
/// frame it has come to.
#[inline(never)]
fn wander(depth: usize, random: &mut Random, left: &mut usize) {
    let mark = random.next() as usize & 0xFFFF;
    let mut words = [0u64; 20];
    for (index, word) in words.iter_mut().enumerate() {
        *word = expected(mark ^ depth, index);
    }
    let inner = black_box(&words[7]) as *const u64;
    let fraction = black_box(mark as f64 / 3.0);
    let wide = black_box(u128::from(words[3]) << 64 | u128::from(words[4]));
    let text = format!("frame {depth} of mark {mark}");
    while *left > 0 {
        match random.below(5) {
            0 if depth > 0 => break,
            0..=2 if depth < DEEPEST => wander(depth + 1, random, left),
            3 => {
                *left -= 1;
                task::yield_now();
            }
            _ => {
                *left -= 1;
                park_until_woken();
            }
        }
        let words = black_box(&words);
        for (index, word) in words.iter().enumerate() {
            assert_eq!(*word, expected(mark ^ depth, index), "word {index} at depth {depth}");
        }
        assert!(std::ptr::eq(inner, &words[7]), "the frame at depth {depth} has moved");
        assert_eq!(black_box(fraction), mark as f64 / 3.0);
        assert_eq!(black_box(wide), u128::from(words[3]) << 64 | u128::from(words[4]));
        assert_eq!(text, format!("frame {depth} of mark {mark}"));
    }
}

fn suspend_at_random(rt: &Runtime, seed: u64, suspensions: usize) {
    rt.run(|| {
        let handles: Vec<_> = (0..TASKS as u64)
            .map(|place| {
                midge::spawn(move || {
                    let mut random = Random::new(seed ^ place << 20);
                    let mut left = suspensions / TASKS;
                    wander(0, &mut random, &mut left);
                    assert_eq!(left, 0);
                })
            })
            .collect();
        handles.into_iter().for_each(join);
    });
}

#[test]
fn random_suspensions() {
    for_each_mode(WORKERS, |rt, _| suspend_at_random(rt, 1, 10_000));
}

#[test]
fn random_suspensions_with_one_shared_window() {
    for_each_mode_with(
        WORKERS,
        |builder| builder.windows(1),
        |rt, _| suspend_at_random(rt, 2, 10_000),
    );
}

#[test]
fn random_suspensions_under_stress() {
    for seed in [3, 4] {
        for_each_mode_with(
            WORKERS,
            |builder| builder.stress(seed),
            |rt, _| suspend_at_random(rt, seed, rounds(10_000, 5_000)),
        );
    }
}

#[test]
fn pinned_tasks_among_others_keep_theirs() {
    for_each_mode_with(
        &[1, 2],
        |builder| builder.windows(2),
        |rt, _| {
            rt.run(|| {
                let handles: Vec<_> = (0..30u64)
                    .map(|place| {
                        task::Builder::new().pinned(place % 3 == 0).spawn(move || {
                            let mut random = Random::new(place);
                            wander(0, &mut random, &mut 100);
                        })
                    })
                    .collect();
                handles.into_iter().for_each(join);
            });
        },
    );
}

#[test]
fn a_frame_of_many_pages_survives() {
    #[inline(never)]
    fn wide(seed: u64) {
        let mut bytes = [0u8; 100_000];
        let mut random = Random::new(seed);
        bytes.iter_mut().for_each(|byte| *byte = random.next() as u8);
        for _ in 0..5 {
            task::yield_now();
            park_until_woken();
        }
        let mut random = Random::new(seed);
        assert!(black_box(&bytes).iter().all(|byte| *byte == random.next() as u8));
    }
    for_each_mode_with(
        WORKERS,
        |builder| builder.windows(1),
        |rt, _| {
            rt.run(|| {
                let handles: Vec<_> =
                    (0..20).map(|seed| midge::spawn(move || wide(seed))).collect();
                handles.into_iter().for_each(join);
            });
        },
    );
}
