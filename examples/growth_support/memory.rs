//! How much memory there is left, so that a deep row is left out rather than the process killed.

use std::fs;

/// What the rest of the system keeps in any case.
const SPARE: u64 = 256 << 20;

/// The bytes that this process may still take: what the kernel thinks can be had without swapping,
/// less if a container's limit is nearer. `None` where the system does not tell.
pub fn available() -> Option<u64> {
    let meminfo = fs::read_to_string("/proc/meminfo").ok()?;
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim_end().parse().ok()?;
    let system = kibibytes * 1024;
    Some(in_container().map_or(system, |container| container.min(system)).saturating_sub(SPARE))
}

/// What a container's limit leaves, where there is one (cgroup v2, as a container sees its own).
fn in_container() -> Option<u64> {
    let number = |name: &str| -> Option<u64> {
        fs::read_to_string(format!("/sys/fs/cgroup/{name}")).ok()?.trim().parse().ok()
    };
    Some(number("memory.max")?.saturating_sub(number("memory.current")?))
}
