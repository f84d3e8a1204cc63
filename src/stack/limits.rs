//! The numbers a stack is bounded by, and what the machine says of itself.
//!
//! Go: `runtime/proc.go` `main` (maxstacksize) and `runtime/stack.go` (stackMin).

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::OnceLock;

/// The default limit of one task's stack, in bytes: Go's, decimal because it reads better in the
/// overflow message (`runtime/proc.go`, `main`).
pub(crate) const DEFAULT_MAX_STACK: usize =
    if cfg!(target_pointer_width = "64") { 1_000_000_000 } else { 250_000_000 };

/// The largest window, in bytes: the power of two above the default limit.
pub(crate) const MAX_WINDOW: usize =
    if cfg!(target_pointer_width = "64") { 1 << 30 } else { 1 << 28 };

/// The smallest limit that can be asked for, in bytes: below this not even a panic message fits.
pub(crate) const MIN_MAX_STACK: usize = 64 << 10;

/// What a window has committed at first, in bytes. Committing is not touching: a task that needs 1
/// KiB makes one page of it real.
pub(crate) const FIRST_COMMIT: usize = 64 << 10;

/// The part of a window above every top: tops are spread over it ("coloured"), so that those of
/// different windows do not fall into the same cache sets.
pub(crate) const COLOUR_SPAN: usize = 64 << 10;

/// At least so many bytes at the low end of a window are never committed: as much as Linux keeps
/// below its own stacks (`stack_guard_gap`, 256 pages), so that a frame of C code that skips pages
/// without touching them lands here and not in a neighbour.
pub(crate) const GUARD: usize = 1 << 20;

/// Below this depth, in bytes, a stack asks for huge pages (the size of one on x86-64).
pub(crate) const HUGE_DEPTH: usize = 2 << 20;

/// The largest limit a window of the largest size can hold.
pub(crate) const LARGEST_MAX_STACK: usize = MAX_WINDOW - COLOUR_SPAN - GUARD;

/// The limit that runtimes get which are not told another; `stack::set_max` changes it.
static DEFAULT: AtomicUsize = AtomicUsize::new(DEFAULT_MAX_STACK);

/// The limit of runtimes to come, in bytes.
pub(crate) fn default_max_stack() -> usize {
    DEFAULT.load(Ordering::Relaxed) // guards nothing
}

/// Changes it; returns the one before.
pub(crate) fn set_default_max_stack(limit: usize) -> usize {
    DEFAULT.swap(limit, Ordering::Relaxed) // guards nothing
}

/// How large a window is for stacks of up to `limit` bytes: with room for colours and guard, and a
/// power of two.
pub(crate) fn window_size(limit: usize) -> usize {
    (limit + COLOUR_SPAN + GUARD).next_power_of_two()
}

/// The page size in bytes, read once.
pub(crate) fn page_size() -> usize {
    static PAGE: OnceLock<usize> = OnceLock::new();
    *PAGE.get_or_init(|| {
        // SAFETY: sysconf only reads.
        let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
        usize::try_from(size).expect("the system names its page size")
    })
}

/// How many mappings the windows of this process may have without crowding out everybody else's, of
/// the `vm.max_map_count` that Linux allows (65,530 by default): a twentieth is left for the
/// program.
pub(crate) fn most_mappings() -> usize {
    static MOST: OnceLock<usize> = OnceLock::new();
    *MOST.get_or_init(|| {
        let maps = std::fs::read_to_string("/proc/sys/vm/max_map_count")
            .ok()
            .and_then(|text| text.trim().parse::<usize>().ok())
            .unwrap_or(65_530);
        maps - maps / 20
    })
}
