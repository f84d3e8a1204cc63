//! Memory that the host has backed.
//!
//! A virtual machine may give free memory back to its host, and what it touches first afterwards
//! costs several times as much. So before each run as much memory as it needs is touched and freed,
//! whoever is measured.

use std::fs;

/// Touches and frees `mib` MiB, or half of what is available if that is less.
pub fn memory(mib: usize) {
    let bytes = mib.min(available_mib() / 2) << 20;
    if bytes == 0 {
        return;
    }
    // SAFETY: a fresh anonymous mapping, used below and nowhere else.
    unsafe {
        let access = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        let start = libc::mmap(std::ptr::null_mut(), bytes, access, flags, -1, 0);
        if start == libc::MAP_FAILED {
            return; // Then the run comes as it is.
        }
        libc::madvise(start, bytes, libc::MADV_HUGEPAGE);
        let page = libc::sysconf(libc::_SC_PAGESIZE) as usize;
        for offset in (0..bytes).step_by(page) {
            start.cast::<u8>().add(offset).write_volatile(1);
        }
        libc::munmap(start, bytes);
    }
}

fn available_mib() -> usize {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<usize>().ok());
    kib.unwrap_or(0) / 1024
}
