//! Walking a stack that is about to be given up: its innermost and its outermost frames.
//!
//! The walk is that of the platform's unwinder, from inside the signal handler through the frame
//! the kernel has pushed. An overflown stack may have ten million frames, so all are counted and
//! few are kept.
//!
//! Guarantees: no memory but its own array, and no locks where the unwinder takes none (glibc 2.35
//! and later). Elsewhere it might hang; who calls it sets an alarm (see [`super::overflow`]).
//!
//! Go: `runtime/traceback.go` `traceback`, which prints 50 innermost and 50 outermost frames.

use std::ffi::{c_int, c_void};

/// So many frames are kept at either end.
const KEPT: usize = 16;

/// One frame: where it will go on.
#[derive(Clone, Copy, Default)]
pub(crate) struct Frame {
    pub(crate) address: usize,
    /// Whether that is behind a call; the innermost frame was interrupted instead.
    pub(crate) after_call: bool,
}

/// The two ends of a walked stack.
pub(crate) struct Frames {
    low: usize,
    high: usize,
    count: usize,
    innermost: [Frame; KEPT],
    /// The last ones so far, in a ring.
    outermost: [Frame; KEPT],
}

enum Context {}

extern "C" {
    fn _Unwind_Backtrace(
        each: unsafe extern "C" fn(*mut Context, *mut c_void) -> c_int,
        argument: *mut c_void,
    ) -> c_int;
    fn _Unwind_GetIP(context: *mut Context) -> usize;
    fn _Unwind_GetCFA(context: *mut Context) -> usize;
}

const CONTINUE: c_int = 0;

impl Frames {
    /// Walks from the running function outwards and keeps what lies on the stack `[low, high)`: in
    /// a signal handler on its own stack, the frames of the code that was interrupted.
    #[inline(never)]
    pub(crate) fn walk(low: usize, high: usize) -> Frames {
        let none = [Frame::default(); KEPT];
        let mut frames = Frames { low, high, count: 0, innermost: none, outermost: none };
        // SAFETY: `each` gets the pointer that is passed here, and it is valid during the call.
        unsafe { _Unwind_Backtrace(each, (&raw mut frames).cast()) };
        frames
    }

    /// How many frames there are.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// The innermost frames with their numbers.
    pub(crate) fn innermost(&self) -> impl Iterator<Item = (usize, Frame)> + '_ {
        (0..self.count.min(KEPT)).map(|number| (number, self.innermost[number]))
    }

    /// The outermost frames, without those that are among the innermost.
    pub(crate) fn outermost(&self) -> impl Iterator<Item = (usize, Frame)> + '_ {
        let first = self.count.saturating_sub(KEPT).max(KEPT);
        (first..self.count).map(|number| (number, self.outermost[number % KEPT]))
    }
}

unsafe extern "C" fn each(context: *mut Context, frames: *mut c_void) -> c_int {
    // SAFETY: `walk` passes its own frames, and the unwinder a context that is valid during this
    // call.
    let (frames, address, stack) =
        unsafe { (&mut *frames.cast::<Frames>(), _Unwind_GetIP(context), _Unwind_GetCFA(context)) };
    if (frames.low..=frames.high).contains(&stack) {
        let frame = Frame { address, after_call: frames.count > 0 };
        if frames.count < KEPT {
            frames.innermost[frames.count] = frame;
        }
        frames.outermost[frames.count % KEPT] = frame;
        frames.count += 1;
    }
    CONTINUE
}
