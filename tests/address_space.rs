//! Promise: where address space is limited (RLIMIT_AS, containers), a runtime makes do with fewer
//! windows and shares them; with room for none, building it is a clear error. It never crashes.
//! 32 bits are such a limit, too.

mod common;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::Duration;

use common::{
    child_of_each_mode, descend, join, recurse, status, succeeds_in_each_mode, try_build,
    wait_until, wait_until_others_sleep, Mode, Runtime,
};
use midge::{task, BuildError};

/// The addresses of a window at the default limit.
const WINDOW: usize = if cfg!(target_pointer_width = "64") { 1 << 30 } else { 1 << 28 };

/// Leaves this process so many bytes of address space more than it has now. False if that has no
/// effect: emulators accept such a limit and ignore it, since they need addresses themselves.
#[must_use]
fn limit_address_space(more: usize) -> bool {
    wait_until_others_sleep();
    set_limit(libc::rlim_t::try_from(status("VmSize") * 1024 + more).expect("a limit"));
    let limited = !can_map(more + (1 << 20), libc::PROT_NONE);
    if !limited {
        eprintln!("left out: RLIMIT_AS has no effect on this system");
    }
    limited
}

fn lift_limit() {
    set_limit(libc::RLIM_INFINITY);
}

fn set_limit(bytes: libc::rlim_t) {
    let limit = libc::rlimit { rlim_cur: bytes, rlim_max: libc::RLIM_INFINITY };
    // SAFETY: the pointer is to a valid rlimit for the length of the call.
    let result = unsafe { libc::setrlimit(libc::RLIMIT_AS, &limit) };
    assert_eq!(result, 0, "{}", std::io::Error::last_os_error());
}

fn can_map(bytes: usize, access: libc::c_int) -> bool {
    // SAFETY: a new mapping that nobody uses disturbs nobody, and goes at once.
    unsafe {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        let address = libc::mmap(std::ptr::null_mut(), bytes, access, flags, -1, 0);
        address != libc::MAP_FAILED && libc::munmap(address, bytes) == 0
    }
}

/// Leaves this process so many bytes of private writable memory more than it has now. It refuses
/// what strict overcommit (`vm.overcommit_memory=2`) refuses, for one process. False where that has
/// no effect.
fn limit_memory(more: usize) -> bool {
    wait_until_others_sleep(); // they have had their allocations
    let current = (status("VmData") * 1024 + more) as libc::rlim_t;
    let limit = libc::rlimit { rlim_cur: current, rlim_max: libc::RLIM_INFINITY };
    // SAFETY: the pointer is to a valid rlimit for the length of the call.
    let result = unsafe { libc::setrlimit(libc::RLIMIT_DATA, &limit) };
    assert_eq!(result, 0, "{}", std::io::Error::last_os_error());
    let limited = !can_map(more + (1 << 20), libc::PROT_READ | libc::PROT_WRITE);
    if !limited {
        eprintln!("left out: RLIMIT_DATA has no effect on this system");
    }
    limited
}

#[test]
fn a_little_room_means_fewer_windows() {
    succeeds_in_each_mode("a_little_room_means_fewer_windows", |mode| {
        if !limit_address_space(6 * WINDOW) {
            return;
        }
        let rt = try_build(mode, Runtime::builder().workers(2)).expect("there is room for some");
        // None of these waits for another, so each finishes as soon as it has had a window,
        // in the pinned mode too, where a window is not shared while its task lives.
        rt.run(|| {
            let handles: Vec<_> = (0..1000)
                .map(|i| {
                    midge::spawn(move || {
                        recurse(i % 20, &mut || {
                            task::yield_now();
                            task::yield_now();
                        });
                        i
                    })
                })
                .collect();
            assert_eq!(handles.into_iter().map(join).sum::<usize>(), 499_500);
        });
        let windows = rt.metrics().windows;
        assert!((1..=6).contains(&windows), "{windows} windows where six fit");
    });
}

#[test]
fn a_little_room_still_holds_many_parked_tasks() {
    const TASKS: usize = 20_000;
    succeeds_in_each_mode("a_little_room_still_holds_many_parked_tasks", |mode| {
        if mode == Mode::Pinned {
            return; // There each parked task needs a window of its own.
        }
        if !limit_address_space(6 * WINDOW) {
            return;
        }
        let rt = try_build(mode, Runtime::builder().workers(2)).expect("there is room for some");
        let parking = Arc::new(AtomicUsize::new(0));
        let handles: Vec<_> = (0..TASKS)
            .map(|i| {
                let parking = parking.clone();
                rt.spawn(move || {
                    recurse(i % 10, &mut || {
                        parking.fetch_add(1, Ordering::SeqCst);
                        task::park();
                    });
                })
            })
            .collect();
        wait_until(|| parking.load(Ordering::SeqCst) == TASKS);
        handles.iter().for_each(|handle| handle.task().unpark());
        handles.into_iter().for_each(join);
        assert!((1..=6).contains(&rt.metrics().windows));
    });
}

#[test]
fn no_room_is_an_error_of_build() {
    succeeds_in_each_mode("no_room_is_an_error_of_build", |mode| {
        if !limit_address_space(WINDOW / 2) {
            return;
        }
        for _ in 0..3 {
            match try_build(mode, Runtime::builder().workers(2)) {
                Err(error @ BuildError::Windows { .. }) => {
                    let text = error.to_string().to_lowercase();
                    assert!(text.contains("window"), "{text}");
                    assert!(text.contains("address space"), "{text}");
                }
                Err(error) => panic!("another error: {error}"),
                Ok(_) => panic!("a runtime was built where no window fits"),
            }
        }
        // What failed has left nothing behind, and with room it works.
        lift_limit();
        let rt = try_build(mode, Runtime::builder().workers(2)).expect("there is room again");
        assert_eq!(rt.run(|| join(midge::spawn(|| 1))), 1);
    });
}

#[test]
fn room_that_ends_while_it_runs() {
    succeeds_in_each_mode("room_that_ends_while_it_runs", |mode| {
        let rt = try_build(mode, Runtime::builder().workers(2)).expect("the runtime is built");
        rt.run(|| join(midge::spawn(|| ())));
        // Block memory still fits; no further window does.
        if !limit_address_space(WINDOW / 8 * 7) {
            return;
        }
        rt.run(|| {
            let handles: Vec<_> = (0..500).map(|_| midge::spawn(task::yield_now)).collect();
            handles.into_iter().for_each(join);
        });
    });
}

/// Spawns a task that sets a flag, and computes until it is set.
fn wait_for_a_child() {
    let flag = Arc::new(AtomicBool::new(false));
    let child = midge::spawn({
        let flag = flag.clone();
        move || flag.store(true, Ordering::Relaxed)
    });
    while !flag.load(Ordering::Relaxed) {
        std::hint::spin_loop();
    }
    join(child);
}

#[test]
fn a_hog_is_relieved_as_soon_as_there_is_room_for_a_thread() {
    succeeds_in_each_mode("a_hog_is_relieved_as_soon_as_there_is_room_for_a_thread", |mode| {
        if mode != Mode::Migrating {
            return; // in the others nobody takes a hog's place
        }
        let rt = try_build(mode, Runtime::builder().workers(1)).expect("a runtime");
        rt.run(|| join(midge::spawn(|| ())));
        if !limit_address_space(WINDOW / 4) {
            return;
        }
        let hog = rt.spawn(wait_for_a_child);
        // The monitor tries again and again, which leaves nothing behind.
        std::thread::sleep(Duration::from_millis(500));
        assert!(rt.metrics().threads <= 2 && rt.metrics().windows <= 4, "{:?}", rt.metrics());
        lift_limit();
        join(hog);
    });
}

#[test]
fn the_seat_of_a_locked_task_is_filled_as_soon_as_there_is_room_for_a_thread() {
    let test = "the_seat_of_a_locked_task_is_filled_as_soon_as_there_is_room_for_a_thread";
    succeeds_in_each_mode(test, |mode| {
        if mode != Mode::Migrating {
            return; // in the others it keeps its seat
        }
        let rt = try_build(mode, Runtime::builder().workers(1)).expect("a runtime");
        rt.run(|| join(midge::spawn(|| ())));
        if !limit_address_space(WINDOW / 4) {
            return;
        }
        let locked = rt.spawn(|| {
            let _guard = task::lock_thread();
            join(midge::spawn(|| ()));
        });
        std::thread::sleep(Duration::from_millis(1000)); // long enough for the monitor to fall asleep
        lift_limit();
        join(locked);
    });
}

#[test]
fn a_little_memory_is_used_to_the_end() {
    succeeds_in_each_mode("a_little_memory_is_used_to_the_end", |mode| {
        let rt = try_build(mode, Runtime::builder().workers(2)).expect("a runtime");
        rt.run(|| join(midge::spawn(|| ())));
        // Doubling 32 MiB would be refused; what the access needs is to be had.
        if !limit_memory(50 << 20) {
            return;
        }
        join(rt.spawn(|| descend(45 << 20)));
        // And those who need less than all get it, one after the other, wherever they run: what one
        // worker has kept from the last time, however patiently, it gives back for another.
        for _ in 0..60 {
            join(rt.spawn(|| descend(20 << 20)));
        }
    });
}

#[test]
fn no_memory_for_a_stack_is_a_clear_death() {
    child_of_each_mode(
        "no_memory_for_a_stack_is_a_clear_death",
        |mode| {
            let rt = try_build(mode, Runtime::builder().workers(1)).expect("a runtime");
            rt.run(|| join(midge::spawn(|| ())));
            // Whoever allocates when nothing is left ends the process as well, in his own words.
            let greedy = task::Builder::new().name("greedy").spawn_on(&rt, || {
                task::park();
                descend(100 << 20);
            });
            let waker = greedy.task().clone();
            let waits = std::thread::spawn(|| join(greedy));
            if limit_memory(20 << 20) {
                waker.unpark();
                waits.join().expect("the process ends first");
            }
        },
        |mode, status, said| {
            if !said.contains("left out: ") {
                assert!(!status.success(), "{mode:?}");
                let clear = said.contains("\"greedy\"") && said.contains("out of memory");
                assert!(clear, "{mode:?}: {said}");
            }
        },
    );
}

/// As everybody builds it: on 32 bits a handful of windows is all there is.
#[test]
fn a_runtime_of_default_windows() {
    const TASKS: usize = 2_000;
    succeeds_in_each_mode("a_runtime_of_default_windows", |mode| {
        for workers in [1, 2, 8] {
            let rt = try_build(mode, Runtime::builder().workers(workers)).expect("a runtime");
            assert!((1..=workers).contains(&rt.workers()));
            rt.run(|| {
                if mode == Mode::Pinned {
                    return (0..100).for_each(|i| assert_eq!(join(midge::spawn(move || i)), i));
                }
                let parking = Arc::new(AtomicUsize::new(0));
                let handles: Vec<_> = (0..TASKS)
                    .map(|i| {
                        let parking = parking.clone();
                        midge::spawn(move || {
                            recurse(i % 10, &mut || {
                                parking.fetch_add(1, Ordering::SeqCst);
                                task::park();
                            });
                        })
                    })
                    .collect();
                wait_until(|| parking.load(Ordering::SeqCst) == TASKS);
                // They have left room for a pinned task, and for another runtime.
                assert_eq!(join(task::Builder::new().pinned(true).spawn(|| 1)), 1);
                let other = try_build(mode, Runtime::builder().workers(2)).expect("another one");
                assert_eq!(other.run(|| join(midge::spawn(|| 2))), 2);
                drop(other);
                handles.iter().for_each(|handle| handle.task().unpark());
                handles.into_iter().for_each(join);
            });
            if cfg!(target_pointer_width = "32") {
                assert!(rt.metrics().windows <= 8, "{:?}", rt.metrics());
            }
        }
    });
}
