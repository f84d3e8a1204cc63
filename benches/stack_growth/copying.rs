//! What Go's way would cost, **simulated**: the recursion runs on a fixed stack that was touched
//! beforehand, checks its depth at each call as Go's prologue does, and at each doubling allocates
//! a buffer of twice the size and copies the live part into it (`runtime/stack.go` `newstack`,
//! `copystack`). Nothing moves to the copy, and no pointer is adjusted: so this is what the
//! allocation, the copy and the first touch of fresh pages cost, and Go pays for walking the frames
//! on top.

use std::hint::black_box;
use std::ptr;
use std::time::Duration;

use memmap2::MmapMut;

use super::recursion::timed;

/// Where a goroutine starts (`stackMin`).
const SMALLEST: usize = 2 << 10;

/// The stack that would be there now: the live part is copied into its upper end.
struct Moving {
    /// The end of the real stack.
    top: usize,
    /// Below this address the stack in use is full.
    guard: usize,
    size: usize,
    buffer: Option<MmapMut>,
}

impl Moving {
    fn new() -> Moving {
        let here = 0u8;
        let top = black_box(&raw const here).addr();
        Moving { top, guard: top - SMALLEST, size: SMALLEST, buffer: None }
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self, address: usize) {
        self.size *= 2;
        let mut buffer = MmapMut::map_anon(self.size).expect("there is memory for a copy");
        let live = self.top - address;
        // SAFETY: the live part of the stack we stand on, and a buffer of more than its size. Bytes
        // between the frames may be uninitialised; they are copied without being looked at, as a
        // stack is.
        unsafe {
            let end = buffer.as_mut_ptr().add(self.size);
            ptr::copy_nonoverlapping(address as *const u8, end.sub(live), live);
        }
        // The frames to come would touch the rest, page by page.
        // SAFETY: sysconf only reads.
        let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) } as usize;
        for page in buffer[..self.size - live].iter_mut().step_by(page) {
            *page = 1;
        }
        black_box(&mut buffer);
        self.buffer = Some(buffer); // and the one before is freed
        self.guard = self.top - self.size;
    }
}

/// The first descent of a goroutine, and the second, which finds the stack large enough.
pub fn descents(bytes: usize, levels: usize) -> (Duration, Duration) {
    super::fixed::on_thread(bytes, || {
        // So that only the copies' pages are new.
        let mut warm = Moving { guard: 0, ..Moving::new() };
        timed(levels, |levels| level(levels, &mut warm));
        let mut moving = Moving::new();
        (
            timed(levels, |levels| level(levels, &mut moving)),
            timed(levels, |levels| level(levels, &mut moving)),
        )
    })
}

/// `recursion::plain` with Go's check.
#[inline(never)]
fn level(levels: usize, moving: &mut Moving) -> usize {
    let mut buffer = [0u8; 64];
    let buffer = black_box(&mut buffer);
    if buffer.as_ptr().addr() < moving.guard {
        moving.grow(buffer.as_ptr().addr());
    }
    buffer[levels % 64] = levels as u8;
    let below = if levels == 0 { 0 } else { level(levels - 1, moving) };
    below + usize::from(buffer[levels % 64])
}
