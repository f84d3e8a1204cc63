//! The system calls behind a window: reserving addresses, committing them, giving them back.
//!
//! Go: `runtime/mem_linux.go` `sysReserve`, `sysMap`, `sysUsed`, `sysHugePage`, `sysFault`.

use super::limits;
use std::io;
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The mappings that the windows of this process have, at most.
static TAKEN: AtomicUsize = AtomicUsize::new(0);

/// Takes so many of the mappings that Linux allows a process (`vm.max_map_count`), if they are
/// left. Async-signal-safe once it has been called.
pub(crate) fn take(count: usize) -> bool {
    let most = limits::most_mappings();
    // Relaxed, here and below: the number guards nothing but itself.
    TAKEN
        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |taken| {
            Some(taken + count).filter(|sum| *sum <= most)
        })
        .is_ok()
}

/// Gives them back.
pub(crate) fn give_back(count: usize) {
    TAKEN.fetch_sub(count, Ordering::Relaxed);
}

/// Reserves `size` bytes of addresses aligned to `size`: no memory, no access.
pub(crate) fn reserve_aligned(size: usize) -> io::Result<usize> {
    let first = map_none(size)?;
    if first % size == 0 {
        return Ok(first); // the usual case from the second window on: it lies right below the first
    }
    unmap(first, size);
    let wide = map_none(size.checked_mul(2).ok_or(io::ErrorKind::OutOfMemory)?)?;
    let aligned = wide.next_multiple_of(size);
    unmap(wide, aligned - wide);
    unmap(aligned + size, wide + size - aligned);
    Ok(aligned)
}

/// Reserves `size` bytes of addresses.
pub(crate) fn map_none(size: usize) -> io::Result<usize> {
    // SAFETY: a new anonymous mapping at an address of the kernel's choice disturbs nobody.
    unsafe { map(ptr::null_mut(), size, 0) }
}

/// Maps memory that can be read and written. Async-signal-safe.
pub(crate) fn map_memory(size: usize) -> io::Result<usize> {
    let address = map_none(size)?;
    commit(address, address + size.next_multiple_of(limits::page_size()))
        .inspect_err(|_| unmap(address, size))?;
    Ok(address)
}

/// Maps addresses without memory or access.
///
/// # Safety
///
/// With `MAP_FIXED` in `flags`, nothing in the range is in use.
unsafe fn map(at: *mut libc::c_void, size: usize, flags: libc::c_int) -> io::Result<usize> {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | flags;
    // SAFETY: passed on.
    let address = unsafe { libc::mmap(at, size, libc::PROT_NONE, flags, -1, 0) };
    if address == libc::MAP_FAILED {
        Err(io::Error::last_os_error())
    } else {
        Ok(address as usize)
    }
}

/// Gives addresses back.
pub(crate) fn unmap(address: usize, size: usize) {
    if size > 0 {
        // SAFETY: called for ranges that this file has mapped and that nobody uses any more. A
        // failure could only leak the range.
        unsafe { libc::munmap(address as *mut libc::c_void, size) };
    }
}

/// Makes a reserved range readable and writable. Async-signal-safe.
pub(crate) fn commit(low: usize, high: usize) -> io::Result<()> {
    // SAFETY: called for parts of reserved windows; committing changes no byte.
    let result = unsafe {
        libc::mprotect(low as *mut libc::c_void, high - low, libc::PROT_READ | libc::PROT_WRITE)
    };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Turns a committed range into a merely reserved one. The memory goes back to the system, and so
/// does the promise of it where memory may not be promised twice (`vm.overcommit_memory=2`), which
/// is why it is mapped anew rather than advised away.
///
/// # Safety
///
/// The range is part of a window and nobody uses its bytes.
pub(crate) unsafe fn decommit(low: usize, high: usize) -> io::Result<()> {
    // SAFETY: passed on; the new mapping has the place of the old one.
    unsafe { map(low as *mut libc::c_void, high - low, libc::MAP_FIXED) }.map(drop)
}

/// Asks for huge pages where they fit into the range. Async-signal-safe. A refusal costs nothing
/// but their benefit.
pub(crate) fn prefer_huge_pages(low: usize, high: usize) {
    // SAFETY: called for parts of windows; advice changes no byte.
    unsafe { libc::madvise(low as *mut libc::c_void, high - low, libc::MADV_HUGEPAGE) };
}
