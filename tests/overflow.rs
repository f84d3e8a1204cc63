//! Promise: a stack overflow is a clear death, with the task's name and origin, as in Go; and a
//! fault that has nothing to do with stacks goes to the handler that was there before.

mod common;
#[path = "common/foreign.rs"]
mod foreign;

use std::hint::black_box;
use std::os::unix::process::ExitStatusExt;

use common::{child_of, in_child, join, try_build, Mode, Runtime, MODES};
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

fn mode_of(kind: &str) -> Mode {
    MODES.into_iter().find(|mode| format!("{mode:?}") == kind).expect("a mode")
}

#[track_caller]
fn died_of_overflow(test: &str, kind: &str) -> String {
    let output = child_of(test, kind, &[]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.signal(), Some(libc::SIGABRT), "{:?}: {said}", output.status);
    assert!(said.contains("stack exceeds "), "{said}");
    assert!(said.contains("-byte limit"), "{said}");
    assert!(said.contains("fatal error: stack overflow"), "{said}");
    assert!(said.contains("innermost frames:") && said.contains(" frames in all"), "{said}");
    // The walk has gone from end to end, and knows the names of both.
    assert!(said.contains(": 0x") && said.contains("in midge_entry"), "{said}");
    assert!(!said.contains("cannot be walked"), "{said}");
    said
}

#[test]
fn of_a_named_task() {
    const NAME: &str = "of_a_named_task";
    if let Some(kind) = in_child() {
        let rt = limited(mode_of(&kind));
        let builder = task::Builder::new().name("bottomless");
        join(builder.spawn_on(&rt, || black_box(without_end(0))));
        return;
    }
    for mode in MODES {
        let said = died_of_overflow(NAME, &format!("{mode:?}"));
        assert!(said.contains("\"bottomless\""), "{said}");
        assert!(said.contains("overflow.rs:"), "{said}");
    }
}

#[test]
fn of_a_task_with_a_name_longer_than_a_line() {
    const NAME: &str = "of_a_task_with_a_name_longer_than_a_line";
    if let Some(kind) = in_child() {
        let rt = limited(mode_of(&kind));
        let builder = task::Builder::new().name("x".repeat(2000));
        join(builder.spawn_on(&rt, || black_box(without_end(0))));
        return;
    }
    died_of_overflow(NAME, "Copying");
}

#[test]
fn after_a_suspension_while_others_run() {
    const NAME: &str = "after_a_suspension_while_others_run";
    if let Some(kind) = in_child() {
        limited(mode_of(&kind)).run(|| {
            let parked: Vec<_> = (0..100).map(|_| midge::spawn(task::park)).collect();
            let deep = midge::spawn(|| {
                task::yield_now();
                black_box(without_end(0))
            });
            join(deep);
            parked.into_iter().for_each(join);
        });
        return;
    }
    for mode in MODES {
        died_of_overflow(NAME, &format!("{mode:?}"));
    }
}

#[test]
fn of_main() {
    const NAME: &str = "of_main";
    if let Some(kind) = in_child() {
        limited(mode_of(&kind)).run(|| black_box(without_end(0)));
        return;
    }
    died_of_overflow(NAME, "Copying");
}

#[test]
fn of_a_pinned_task() {
    const NAME: &str = "of_a_pinned_task";
    if let Some(kind) = in_child() {
        let rt = limited(mode_of(&kind));
        let builder = task::Builder::new().name("stubborn").pinned(true);
        join(builder.spawn_on(&rt, || black_box(without_end(0))));
        return;
    }
    for mode in MODES {
        let said = died_of_overflow(NAME, &format!("{mode:?}"));
        assert!(said.contains("\"stubborn\"") && said.contains("without_end"), "{said}");
    }
}

struct DropsWithoutEnd;

impl Drop for DropsWithoutEnd {
    fn drop(&mut self) {
        black_box(without_end(0));
    }
}

#[test]
fn in_a_destructor_while_unwinding() {
    const NAME: &str = "in_a_destructor_while_unwinding";
    if let Some(kind) = in_child() {
        let rt = limited(mode_of(&kind));
        let task = rt.spawn(|| {
            let _guard = DropsWithoutEnd;
            panic!("on purpose");
        });
        let _ = task.join();
        return;
    }
    for mode in MODES {
        let said = died_of_overflow(NAME, &format!("{mode:?}"));
        assert!(said.contains("on purpose") && said.contains("without_end"), "{said}");
    }
}

#[test]
fn of_a_cancelled_task_in_a_destructor() {
    const NAME: &str = "of_a_cancelled_task_in_a_destructor";
    if let Some(kind) = in_child() {
        let rt = limited(mode_of(&kind));
        rt.run(|| {
            let task = midge::spawn(|| {
                let _guard = DropsWithoutEnd;
                task::park();
            });
            task::yield_now();
            task.cancel();
            let _ = task.join();
        });
        return;
    }
    for mode in MODES {
        died_of_overflow(NAME, &format!("{mode:?}"));
    }
}

#[test]
fn in_c_code() {
    const NAME: &str = "in_c_code";
    if let Some(kind) = in_child() {
        // SAFETY: it touches nothing but its own stack, without end.
        join(limited(mode_of(&kind)).spawn(|| unsafe { foreign::recurse_without_end() }));
        return;
    }
    for mode in MODES {
        let said = died_of_overflow(NAME, &format!("{mode:?}"));
        assert!(said.contains("recurse_without_end"), "{said}");
    }
}

/// A frame without probes that reaches beyond the limit, and the guard with it, is found out by its
/// lowest word, not taken for a neighbour's memory.
#[test]
fn of_one_huge_frame() {
    const NAME: &str = "of_one_huge_frame";
    if let Some(kind) = in_child() {
        // SAFETY: it uses nothing but its own stack.
        join(limited(mode_of(&kind)).spawn(|| unsafe { foreign::frame_of(4 << 20) }));
        return;
    }
    for mode in MODES {
        died_of_overflow(NAME, &format!("{mode:?}"));
    }
}

#[test]
fn at_a_limit_that_was_changed() {
    const NAME: &str = "at_a_limit_that_was_changed";
    if let Some(kind) = in_child() {
        let rt = try_build(mode_of(&kind), Runtime::builder().workers(1)).expect("a runtime");
        rt.run(|| {
            midge::stack::set_max(1_234_567).expect("within the window");
            join(midge::spawn(|| black_box(without_end(0))));
        });
        return;
    }
    for mode in MODES {
        let said = died_of_overflow(NAME, &format!("{mode:?}"));
        assert!(said.contains("stack exceeds 1234567-byte limit"), "{said}");
    }
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
    let said = died_of_overflow(NAME, "default");
    assert!(said.contains(&format!("stack exceeds {LIMIT}-byte limit")), "{said}");
}

/// Go's, in decimal.
const LIMIT: usize = if cfg!(target_pointer_width = "64") { 1_000_000_000 } else { 250_000_000 };

fn wild_address() -> usize {
    // In the task's own window and above its limit, but a MiB below the stack pointer.
    let here = 0u8;
    black_box(&raw const here) as usize - (1 << 20)
}

/// The same for an address in the task's own window: nobody's stack is there.
#[test]
fn a_wild_pointer_into_the_own_window_is_no_stack_access() {
    const NAME: &str = "a_wild_pointer_into_the_own_window_is_no_stack_access";
    if let Some(kind) = in_child() {
        join(limited(mode_of(&kind)).spawn(|| touch(wild_address())));
        return;
    }
    for mode in MODES {
        let output = child_of(NAME, &format!("{mode:?}"), &[]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.signal(), Some(libc::SIGSEGV), "{:?}: {said}", output.status);
        assert!(!said.contains("stack overflow"), "{said}");
    }
}

#[inline(never)]
fn touch(address: usize) {
    // SAFETY: none: it faults on purpose, in a child process that is to die of it.
    unsafe { std::ptr::write_volatile(black_box(address) as *mut u8, 1) };
}

#[test]
fn another_fault_kills_as_it_would_without_midge() {
    const NAME: &str = "another_fault_kills_as_it_would_without_midge";
    if let Some(kind) = in_child() {
        join(limited(mode_of(&kind)).spawn(|| touch(8)));
        return;
    }
    for mode in MODES {
        let output = child_of(NAME, &format!("{mode:?}"), &[]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.signal(), Some(libc::SIGSEGV), "{:?}: {said}", output.status);
        assert!(!said.contains("stack overflow"), "{said}");
    }
}

extern "C" fn exit_with_77(_signal: libc::c_int) {
    // SAFETY: `_exit` may be called from a signal handler.
    unsafe { libc::_exit(77) };
}

#[test]
fn another_fault_goes_to_the_handler_before() {
    const NAME: &str = "another_fault_goes_to_the_handler_before";
    if let Some(kind) = in_child() {
        // SAFETY: an all-zero sigaction is a valid one, its handler does only what a signal
        // handler may, and the pointers are valid for the length of the call.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = exit_with_77 as extern "C" fn(libc::c_int) as usize;
            action.sa_flags = libc::SA_ONSTACK;
            assert_eq!(libc::sigaction(libc::SIGSEGV, &action, std::ptr::null_mut()), 0);
        }
        let rt = limited(mode_of(&kind));
        // Growth is still ours: this is deep, and not a fault to pass on.
        rt.run(|| common::recurse_frames::<256>(1000, &mut task::yield_now));
        join(rt.spawn(|| touch(8)));
        return;
    }
    for mode in MODES {
        let output = child_of(NAME, &format!("{mode:?}"), &[]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(77), "{:?}: {said}", output.status);
    }
}
