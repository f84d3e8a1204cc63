//! What the system says that this process holds, from `/proc/self/status`, and what it may still
//! take.
//!
//! Page tables are counted too: a stack of its own for each task costs more in those than it
//! costs in data, and `VmRSS` alone would hide it.

#![allow(dead_code)] // Each example uses a part of this.

use std::fs;

/// What the rest of the system keeps in any case.
const SPARE: u64 = 256 << 20;

/// The bytes of memory that the process holds now: resident pages (`VmRSS`) and the page tables
/// that map them (`VmPTE`). `None` where the system does not tell.
pub fn held() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    Some(field(&status, "VmRSS:")? + field(&status, "VmPTE:")?)
}

/// The most bytes that were ever resident at one time (`VmHWM`).
pub fn most_resident() -> Option<u64> {
    field(&fs::read_to_string("/proc/self/status").ok()?, "VmHWM:")
}

/// The bytes that this process may still take: what the kernel thinks can be had without swapping,
/// less if a container's limit is nearer. `None` where the system does not tell.
pub fn available() -> Option<u64> {
    let system = field(&fs::read_to_string("/proc/meminfo").ok()?, "MemAvailable:")?;
    Some(in_container().map_or(system, |container| container.min(system)).saturating_sub(SPARE))
}

/// What a container's limit leaves, where there is one (cgroup v2, as a container sees its own).
fn in_container() -> Option<u64> {
    let number = |name: &str| -> Option<u64> {
        fs::read_to_string(format!("/sys/fs/cgroup/{name}")).ok()?.trim().parse().ok()
    };
    Some(number("memory.max")?.saturating_sub(number("memory.current")?))
}

/// One line of such a file, like `VmRSS:     1234 kB`, in bytes.
fn field(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim_end().parse().ok()?;
    Some(kibibytes * 1024)
}
