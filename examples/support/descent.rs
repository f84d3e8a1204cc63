//! The recursion: it goes down to the limit, stops for a moment at each doubling of the depth, and
//! on its way back checks that every frame still holds what was written there.
//!
//! How deep it is, it tells by addresses, since a frame is larger than what the source asks for.

use std::hint::black_box;
use std::mem::MaybeUninit;

use crate::growth_arguments::Frame;

/// The depth of the first row.
pub const SHALLOWEST: usize = 2 << 10;

/// Who wants to know when a depth is reached.
pub trait Visitor {
    /// Called at the first frame that is at least so deep; `depth` is how deep it really is.
    fn reached(&mut self, row: usize, depth: usize);
}

/// The depths of the rows: 2 KiB, its doublings, and the last before the limit.
pub fn depths(deepest: usize) -> Vec<usize> {
    let doublings = std::iter::successors(Some(SHALLOWEST), |depth| depth.checked_mul(2));
    doublings.take_while(|depth| *depth < deepest).chain([deepest]).collect()
}

/// Goes down once, to the last of `depths`, and back. Returns how many frames that were. Called in
/// a task.
///
/// # Panics
///
/// When a frame is found changed.
pub fn descend(frame: Frame, depths: &[usize], visitor: &mut dyn Visitor) -> u64 {
    let here = 0u8;
    let top = black_box(&raw const here).addr() + midge::stack::live_bytes();
    let mut state = Descent { top, depths, row: 0, next: top - depths[0], visitor };
    // A frame is the array, what is saved of the caller and the return address: some 64 bytes more.
    match frame {
        Frame::Bytes128 => level::<64>(&mut state, 1),
        Frame::Bytes512 => level::<448>(&mut state, 1),
        Frame::KiB2 => level::<{ 2048 - 64 }>(&mut state, 1),
        Frame::KiB8 => level::<{ 8192 - 64 }>(&mut state, 1),
        Frame::KiB64 => level::<{ 65536 - 64 }>(&mut state, 1),
    }
}

/// What every frame of one descent refers to.
struct Descent<'a> {
    top: usize,
    depths: &'a [usize],
    row: usize,
    /// The address at which the next row is reached.
    next: usize,
    visitor: &'a mut dyn Visitor,
}

impl Descent<'_> {
    /// Tells the visitor of each row that `address` has reached. Whether that was the last one.
    #[cold]
    #[inline(never)]
    fn reach(&mut self, address: usize) -> bool {
        let depth = self.top - address;
        while self.row < self.depths.len() && self.depths[self.row] <= depth {
            self.visitor.reached(self.row, depth);
            self.row += 1;
        }
        self.next = self.depths.get(self.row).map_or(0, |depth| self.top - depth);
        self.row == self.depths.len()
    }
}

/// One frame, the `number`th. Its array stays as it is but for its two ends: filling it would time
/// the filling.
#[inline(never)]
fn level<const ARRAY: usize>(state: &mut Descent, number: u64) -> u64 {
    let mut array = [const { MaybeUninit::<u8>::uninit() }; ARRAY];
    let array = black_box(&mut array);
    let mark = number as u8;
    array[0].write(mark);
    array[ARRAY - 1].write(!mark);
    let address = array.as_ptr().addr();
    let frames = if address <= state.next && state.reach(address) {
        number
    } else {
        level::<ARRAY>(state, number + 1)
    };
    let array = black_box(array);
    // SAFETY: both were written above, and the array is still this frame's.
    let (low, high) = unsafe { (array[0].assume_init(), array[ARRAY - 1].assume_init()) };
    if low != mark || high != !mark {
        changed(number);
    }
    frames
}

#[cold]
#[inline(never)]
fn changed(number: u64) -> ! {
    panic!("frame {number} does not hold what was written there")
}
