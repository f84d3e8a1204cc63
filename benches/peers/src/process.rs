//! What the kernel knows of this process.

use std::fs;
use std::time::Duration;

/// Bytes of memory this process holds: resident pages (VmRSS), and the page tables that map them
/// (VmPTE), which are a real cost of stacks that lie far apart.
pub fn held_bytes() -> f64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux has /proc");
    let kib = |name: &str| -> f64 {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let number = line.and_then(|line| line.split_whitespace().next());
        number.and_then(|text| text.parse().ok()).expect("proc(5) describes this line")
    };
    1024.0 * (kib("VmRSS:") + kib("VmPTE:"))
}

/// Processor time that all threads of this process have used.
pub fn cpu_time() -> Duration {
    // SAFETY: all-zero bytes are a valid `rusage`.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: `usage` may be written to. With these arguments getrusage(2) has no way to fail.
    unsafe { libc::getrusage(libc::RUSAGE_SELF, &mut usage) };
    let time = |of: libc::timeval| Duration::new(of.tv_sec as u64, of.tv_usec as u32 * 1000);
    time(usage.ru_utime) + time(usage.ru_stime)
}

/// How many stacks with a mapping and a guard each this process may have: half of
/// `vm.max_map_count`, less some for everything else.
pub fn room_for_stacks() -> usize {
    let limit = fs::read_to_string("/proc/sys/vm/max_map_count").expect("Linux has /proc");
    let limit: usize = limit.trim().parse().expect("a number");
    (limit / 2).saturating_sub(2_700)
}
