//! Promise: a stack overflow is a clear death, with the task's name and origin, as in Go; and a
//! fault that has nothing to do with stacks goes to the handler that was there before.

mod common;
#[path = "common/foreign.rs"]
mod foreign;

use std::hint::black_box;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

use common::{child_of, child_of_each_mode, in_child, join, try_build, wait_until, Mode, Runtime};
use midge::task;

#[inline(never)]
#[allow(unconditional_recursion)]
fn without_end(depth: usize) -> usize {
    let words = black_box([depth; 64]);
    without_end(depth + 1) + black_box(words)[depth % 64]
}

fn limited(mode: Mode) -> Runtime {
    let rt = try_build(mode, Runtime::builder().workers(2).max_stack(4 << 20));
    rt.expect("the runtime is built")
}

/// Checks that a child has died of an overflow and has said so as it should.
#[track_caller]
fn died_of_overflow(status: ExitStatus, said: &str) {
    assert_eq!(status.signal(), Some(libc::SIGABRT), "{status:?}: {said}");
    assert!(said.contains("stack exceeds "), "{said}");
    assert!(said.contains("-byte limit"), "{said}");
    assert!(said.contains("fatal error: stack overflow"), "{said}");
    assert!(said.contains("innermost frames:") && said.contains(" frames in all"), "{said}");
    // The walk has gone from end to end, and knows the names of both.
    assert!(said.contains(": 0x") && said.contains("in midge_entry"), "{said}");
    assert!(!said.contains("cannot be walked"), "{said}");
}

/// Runs a test whose child dies of an overflow in each mode, and says all of these.
fn overflows(test: &str, says: &[&str], child: impl FnOnce(Mode)) {
    child_of_each_mode(test, child, |mode, status, said| {
        died_of_overflow(status, said);
        says.iter().for_each(|text| assert!(said.contains(text), "{mode:?}, {text}: {said}"));
    });
}

#[test]
fn of_a_named_task() {
    overflows("of_a_named_task", &["\"bottomless\"", "overflow.rs:"], |mode| {
        let builder = task::Builder::new().name("bottomless");
        join(builder.spawn_on(&limited(mode), || black_box(without_end(0))));
    });
}

#[test]
fn of_a_task_with_a_name_longer_than_a_line() {
    overflows("of_a_task_with_a_name_longer_than_a_line", &[], |mode| {
        let builder = task::Builder::new().name("x".repeat(2000));
        join(builder.spawn_on(&limited(mode), || black_box(without_end(0))));
    });
}

#[test]
fn after_a_suspension_while_others_run() {
    overflows("after_a_suspension_while_others_run", &[], |mode| {
        limited(mode).run(|| {
            let parked: Vec<_> = (0..100).map(|_| midge::spawn(task::park)).collect();
            let deep = midge::spawn(|| {
                task::yield_now();
                black_box(without_end(0))
            });
            join(deep);
            parked.into_iter().for_each(join);
        });
    });
}

#[test]
fn of_main() {
    overflows("of_main", &[], |mode| {
        limited(mode).run(|| black_box(without_end(0)));
    });
}

#[test]
fn of_a_pinned_task() {
    overflows("of_a_pinned_task", &["\"stubborn\"", "without_end"], |mode| {
        let builder = task::Builder::new().name("stubborn").pinned(true);
        join(builder.spawn_on(&limited(mode), || black_box(without_end(0))));
    });
}

struct DropsWithoutEnd;

impl Drop for DropsWithoutEnd {
    fn drop(&mut self) {
        black_box(without_end(0));
    }
}

#[test]
fn in_a_destructor_while_unwinding() {
    overflows("in_a_destructor_while_unwinding", &["on purpose", "without_end"], |mode| {
        let rt = limited(mode);
        let task = rt.spawn(|| {
            let _guard = DropsWithoutEnd;
            panic!("on purpose");
        });
        let _ = task.join();
    });
}

#[test]
fn of_a_cancelled_task_in_a_destructor() {
    overflows("of_a_cancelled_task_in_a_destructor", &[], |mode| {
        limited(mode).run(|| {
            let began = Arc::new(AtomicBool::new(false));
            let flag = began.clone();
            let task = midge::spawn(move || {
                let _guard = DropsWithoutEnd;
                flag.store(true, Ordering::SeqCst);
                task::park();
            });
            wait_until(|| began.load(Ordering::SeqCst)); // or it would be dropped without running
            task.cancel();
            let _ = task.join();
        });
    });
}

#[test]
fn in_c_code() {
    overflows("in_c_code", &["recurse_without_end"], |mode| {
        // SAFETY: it touches nothing but its own stack, without end.
        join(limited(mode).spawn(|| unsafe { foreign::recurse_without_end() }));
    });
}

/// A frame without probes that reaches beyond the limit, and the guard with it, is found out by its
/// lowest word, not taken for a neighbour's memory.
#[test]
fn of_one_huge_frame() {
    overflows("of_one_huge_frame", &[], |mode| {
        // SAFETY: it uses nothing but its own stack.
        join(limited(mode).spawn(|| unsafe { foreign::frame_of(4 << 20) }));
    });
}

#[test]
fn at_a_limit_that_was_changed() {
    overflows("at_a_limit_that_was_changed", &["stack exceeds 1234567-byte limit"], |mode| {
        let rt = try_build(mode, Runtime::builder().workers(1)).expect("a runtime");
        rt.run(|| {
            midge::stack::set_max(1_234_567).expect("within the window");
            join(midge::spawn(|| black_box(without_end(0))));
        });
    });
}

/// The limit of one billion bytes (250 million on 32 bits), as in Go, holds where nothing else is
/// said.
#[test]
fn at_the_default_limit() {
    const NAME: &str = "at_the_default_limit";
    if in_child().is_some() {
        let rt = try_build(Mode::Copying, Runtime::builder().workers(1)).expect("a runtime");
        assert_eq!(rt.run(midge::stack::max), LIMIT);
        join(rt.spawn(|| black_box(without_end(0))));
        return;
    }
    let output = child_of(NAME, "default", &[]);
    let said = String::from_utf8_lossy(&output.stderr);
    died_of_overflow(output.status, &said);
    assert!(said.contains(&format!("stack exceeds {LIMIT}-byte limit")), "{said}");
}

/// Go's, in decimal.
const LIMIT: usize = if cfg!(target_pointer_width = "64") { 1_000_000_000 } else { 250_000_000 };

fn wild_address() -> usize {
    // In the task's own window and above its limit, but a MiB below the stack pointer.
    let here = 0u8;
    black_box(&raw const here) as usize - (1 << 20)
}

/// Runs a test whose child dies of a fault that is no overflow, as it would without midge.
fn faults(test: &str, child: impl FnOnce(Mode)) {
    child_of_each_mode(test, child, |mode, status, said| {
        assert_eq!(status.signal(), Some(libc::SIGSEGV), "{mode:?}: {status:?}: {said}");
        assert!(!said.contains("stack overflow"), "{mode:?}: {said}");
    });
}

/// An address in the task's own window, where nobody's stack is.
#[test]
fn a_wild_pointer_into_the_own_window_is_no_stack_access() {
    faults("a_wild_pointer_into_the_own_window_is_no_stack_access", |mode| {
        join(limited(mode).spawn(|| touch(wild_address())));
    });
}

#[inline(never)]
fn touch(address: usize) {
    // SAFETY: none: it faults on purpose, in a child process that is to die of it.
    unsafe { std::ptr::write_volatile(black_box(address) as *mut u8, 1) };
}

#[test]
fn another_fault_kills_as_it_would_without_midge() {
    faults("another_fault_kills_as_it_would_without_midge", |mode| {
        join(limited(mode).spawn(|| touch(8)));
    });
}

extern "C" fn exit_with_77(_signal: libc::c_int) {
    // SAFETY: `_exit` may be called from a signal handler.
    unsafe { libc::_exit(77) };
}

#[test]
fn another_fault_goes_to_the_handler_before() {
    child_of_each_mode(
        "another_fault_goes_to_the_handler_before",
        |mode| {
            // SAFETY: an all-zero sigaction is a valid one, its handler does only what a signal
            // handler may, and the pointers are valid for the length of the call.
            unsafe {
                let mut action: libc::sigaction = std::mem::zeroed();
                action.sa_sigaction = exit_with_77 as extern "C" fn(libc::c_int) as usize;
                action.sa_flags = libc::SA_ONSTACK;
                assert_eq!(libc::sigaction(libc::SIGSEGV, &action, std::ptr::null_mut()), 0);
            }
            let rt = limited(mode);
            // Growth is still ours: this is deep, and not a fault to pass on.
            rt.run(|| common::recurse_frames::<256>(1000, &mut task::yield_now));
            join(rt.spawn(|| touch(8)));
        },
        |mode, status, said| assert_eq!(status.code(), Some(77), "{mode:?}: {status:?}: {said}"),
    );
}
