//! What the system says that this process holds, from `/proc/self/status`.
//!
//! Page tables are counted too: a stack of its own for each task costs more in those than it
//! costs in data, and `VmRSS` alone would hide it.

/// The bytes of memory that the process holds now: resident pages (`VmRSS`) and the page tables
/// that map them (`VmPTE`). `None` where the system does not tell.
pub fn held() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    Some(field(&status, "VmRSS:")? + field(&status, "VmPTE:")?)
}

/// The most bytes that were ever resident at one time (`VmHWM`).
pub fn most_resident() -> Option<u64> {
    field(&std::fs::read_to_string("/proc/self/status").ok()?, "VmHWM:")
}

/// One line of the status file, such as `VmRSS:     1234 kB`, in bytes.
fn field(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim_end().parse().ok()?;
    Some(kibibytes * 1024)
}
