//! Promise: a stack grows as deep as it needs, and a deep one is frozen and thawed like any other:
//! a task recurses to 64 MiB in each mode, parks there, and finds every local as it left it.

mod common;

use std::hint::black_box;

use common::{
    expected, for_each_mode, for_each_mode_with, join, os_thread, park_until_woken, recurse_frames,
    spawn_parked, try_build, Mode, Runtime, Watchdog, MODES,
};
use midge::{stack, task};

const MIB: usize = 1 << 20;

/// Recurses until the stack is `target` bytes deeper than `base`, calls `innermost` there, and
/// verifies every frame on the way back.
#[inline(never)]
fn descend(base: usize, target: usize, depth: usize, innermost: &mut dyn FnMut()) {
    let mut words = [0u64; 120];
    for (index, word) in words.iter_mut().enumerate() {
        *word = expected(depth, index);
    }
    let here = black_box(words.as_ptr()) as usize;
    if base - here >= target {
        innermost();
    } else {
        descend(base, target, depth + 1, innermost);
    }
    let words = black_box(&words);
    for (index, word) in words.iter().enumerate() {
        if *word != expected(depth, index) {
            panic!("word {index} of the frame at depth {depth} is {word:#x}");
        }
    }
}

fn down_to(bytes: usize, innermost: &mut dyn FnMut()) {
    let top = 0u8;
    descend(black_box(&top) as *const u8 as usize, bytes, 0, innermost);
}

fn deep_task(bytes: usize, suspensions: usize) {
    down_to(bytes, &mut || {
        assert!(stack::live_bytes() >= bytes, "{} live bytes", stack::live_bytes());
        assert!(stack::committed_bytes() >= bytes, "{} committed", stack::committed_bytes());
        assert!(stack::max() >= stack::committed_bytes());
        for _ in 0..suspensions {
            park_until_woken();
            task::yield_now();
        }
        assert!(stack::live_bytes() >= bytes);
    });
}

/// Runs `check` in every mode with a runtime for stacks of a little over `bytes`, and with so many
/// bytes.
///
/// Each pinned task of a 32-bit process takes addresses for a whole stack for itself, so there the
/// pinned mode has to do with less, to have room for hundreds of tasks. The others have two
/// shared windows, so that the pinned tasks of a test beside have room, too.
fn for_each_mode_deep(
    bytes: usize,
    configure: impl Fn(&mut midge::Builder) -> &mut midge::Builder,
    check: impl Fn(&Runtime, Mode, usize),
) {
    for mode in MODES {
        for workers in [1, 2] {
            let _watchdog = Watchdog::new(format!("{bytes} deep, {mode:?}, {workers} workers"));
            let mut builder = common::builder();
            let scarce = cfg!(target_pointer_width = "32");
            let bytes = if scarce && mode == Mode::Pinned { MIB / 2 } else { bytes };
            if scarce && mode != Mode::Pinned {
                common::room_for(2 * bytes, 2, &mut builder); // memory is committed by doubling
            }
            let runtime = try_build(mode, configure(builder.workers(workers)));
            check(&runtime.expect("the runtime is built"), mode, bytes);
        }
    }
}

/// Small neighbours that pass through every window meanwhile and overwrite what they may.
fn with_neighbours(rt: &Runtime, mode: Mode, bytes: usize) {
    rt.run(move || {
        let deep = midge::spawn(move || deep_task(bytes, 3));
        let neighbours: Vec<_> = (0..common::parked_at_once(mode, 200))
            .map(|_| {
                midge::spawn(|| {
                    recurse_frames::<64>(20, &mut || {
                        park_until_woken();
                        black_box(os_thread());
                    })
                })
            })
            .collect();
        join(deep);
        neighbours.into_iter().for_each(join);
    });
    assert!(rt.metrics().growth_events > 0);
}

#[test]
fn to_64_mib() {
    for_each_mode_deep(64 * MIB, |builder| builder, with_neighbours);
}

#[test]
fn to_64_mib_frozen_and_thawed() {
    for_each_mode_deep(
        64 * MIB,
        |builder| builder.stress(1),
        |rt, mode, bytes| {
            with_neighbours(rt, mode, bytes);
            let metrics = rt.metrics();
            if mode == Mode::Pinned {
                assert_eq!(metrics.freezes, 0);
            } else {
                assert!(metrics.bytes_frozen >= bytes as u64, "{metrics:?}");
                assert!(metrics.bytes_thawed >= bytes as u64, "{metrics:?}");
            }
        },
    );
}

#[test]
fn several_deep_tasks_share_a_window() {
    for_each_mode_deep(
        6 * MIB,
        |builder| builder.windows(1),
        |rt, _, bytes| {
            rt.run(|| {
                let handles: Vec<_> = (1..6)
                    .map(|i| midge::spawn(move || deep_task(i * (bytes / 6 + 1000), 20)))
                    .collect();
                handles.into_iter().for_each(join);
            });
        },
    );
}

#[test]
fn up_and_down_again_and_again() {
    for_each_mode(&[1, 2], |rt, _| {
        rt.run(|| {
            let handles: Vec<_> = (0..4usize)
                .map(|i| {
                    midge::spawn(move || {
                        for round in 0..20 {
                            let bytes = (round * 37 + i * 11) % 64 * 16 * 1024;
                            down_to(bytes, &mut task::yield_now);
                            task::yield_now();
                        }
                    })
                })
                .collect();
            handles.into_iter().for_each(join);
        });
    });
}

#[test]
fn main_grows_too() {
    for_each_mode_deep(
        64 * MIB,
        |builder| builder,
        |rt, _, bytes| rt.run(|| down_to(bytes, &mut park_until_woken)),
    );
}

/// The limit to the byte, near enough: almost all of it can be used, and a page more is an
/// overflow. (`overflow.rs` has what that looks like.)
#[test]
fn to_the_default_limit_and_not_beyond() {
    const NAME: &str = "to_the_default_limit_and_not_beyond";
    let limit = stack::max();
    if let Some(kind) = common::in_child() {
        let beyond: usize = kind.parse().expect("a depth");
        // SAFETY: nothing of a stack is lent.
        let rt = unsafe { Runtime::builder().workers(1).build_copying() }.expect("a runtime");
        let live = join(rt.spawn(move || descend_in_mebibytes(beyond)));
        assert!(live >= beyond);
        return;
    }
    let passes = common::child_of(NAME, &(limit / 100 * 99).to_string(), &[]);
    assert!(passes.status.success(), "{}", String::from_utf8_lossy(&passes.stderr));
    let fails = common::child_of(NAME, &(limit + 4096).to_string(), &[]);
    let said = String::from_utf8_lossy(&fails.stderr);
    assert!(said.contains(&format!("stack exceeds {limit}-byte limit")), "{said}");
    assert!(!fails.status.success());
}

/// Goes so deep in frames of a MiB of which two words are touched; returns how deep that was.
#[inline(never)]
fn descend_in_mebibytes(bytes: usize) -> usize {
    let mut words = std::mem::MaybeUninit::<[u64; MIB / 8 - 16]>::uninit();
    let first = words.as_mut_ptr().cast::<u64>();
    // SAFETY: the first word of the array.
    unsafe { black_box(first).write(bytes as u64) };
    let live = stack::live_bytes();
    let deepest = if live >= bytes { live } else { descend_in_mebibytes(bytes).max(live) };
    // SAFETY: written above.
    assert_eq!(unsafe { black_box(first).read() }, bytes as u64);
    deepest
}

#[test]
fn a_random_walk_of_depths_with_every_frame_checked() {
    for_each_mode_with(
        &[1, 2, 8],
        |builder| builder.stress(42).max_stack(8 * MIB), // on 32 bits, room for all the windows
        |rt, _| {
            rt.run(|| {
                let walkers: Vec<_> = (0..8u64)
                    .map(|seed| {
                        midge::spawn(move || {
                            let mut random = common::Random::new(seed);
                            for _ in 0..common::rounds(30, 10) {
                                // Mostly shallow, now and then megabytes.
                                let magnitude = 8 + random.below(15);
                                let bytes = random.below(1 << magnitude);
                                down_to(bytes, &mut || {
                                    if random.below(2) == 0 {
                                        task::yield_now();
                                    } else {
                                        park_until_woken();
                                    }
                                });
                            }
                        })
                    })
                    .collect();
                walkers.into_iter().for_each(join);
            });
        },
    );
}

#[test]
fn while_another_thread_maps_and_unmaps() {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::Arc;
    let done = Arc::new(AtomicBool::new(false));
    let hammers: Vec<_> = (0..2)
        .map(|_| {
            let done = done.clone();
            std::thread::spawn(move || {
                let mut mapped = 0u64;
                loop {
                    // SAFETY: a mapping of its own, written to and given back.
                    unsafe {
                        let address = libc::mmap(
                            std::ptr::null_mut(),
                            1 << 16,
                            libc::PROT_READ | libc::PROT_WRITE,
                            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                            -1,
                            0,
                        );
                        assert_ne!(address, libc::MAP_FAILED);
                        address.cast::<u8>().write(1);
                        assert_eq!(libc::munmap(address, 1 << 16), 0);
                    }
                    mapped += 1;
                    if done.load(Ordering::Relaxed) {
                        return mapped;
                    }
                }
            })
        })
        .collect();
    for_each_mode_with(
        &[2],
        |builder| builder.max_stack(8 * MIB), // as above
        |rt, _| {
            let tasks: Vec<_> = (0..common::rounds(40, 10))
                .map(|i| rt.spawn(move || deep_task((i % 8 + 1) * MIB / 2, 2)))
                .collect();
            tasks.into_iter().for_each(join);
        },
    );
    done.store(true, Ordering::Relaxed);
    assert!(hammers.into_iter().map(|hammer| hammer.join().unwrap()).sum::<u64>() > 0);
}

/// A limit that is lowered holds for growth to come: a deep stack that has been copied out, and
/// whose window has been trimmed, comes back whole.
#[test]
fn a_deep_parked_stack_survives_a_lower_limit() {
    for_each_mode_with(
        &[1],
        |builder| common::room_for(5 * MIB, 1, builder).windows(1),
        |rt, _| {
            rt.run(|| {
                let deep = spawn_parked(|| down_to(5 * MIB, &mut task::park));
                let parked = spawn_parked(task::park); // in the same window, where they are shared
                stack::set_max(1 << 20).expect("within the window");
                parked.task().unpark();
                join(parked);
                deep.task().unpark();
                join(deep);
            });
        },
    );
}
