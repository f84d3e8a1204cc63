//! What the results belong to: this machine, and the versions of everything.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde::{Deserialize, Serialize};

/// Where the results were measured.
#[derive(Serialize, Deserialize)]
pub struct Machine {
    pub processor: String,
    pub processors: usize,
    pub virtual_machine: bool,
    pub memory_gib: f64,
    pub kernel: String,
    pub transparent_huge_pages: String,
    pub max_map_count: String,
}

impl Machine {
    pub fn this() -> Self {
        let cpu = file("/proc/cpuinfo");
        let meminfo = file("/proc/meminfo");
        let value = |text: &str, key: &str| {
            let line = text.lines().find(|line| line.starts_with(key));
            let value = line.and_then(|line| line.split_once(':')).map(|(_, value)| value.trim());
            value.unwrap_or("unknown").to_owned()
        };
        let total = value(&meminfo, "MemTotal");
        let kib: f64 = total.trim_end_matches(" kB").parse().unwrap_or(0.0);
        let huge = file("/sys/kernel/mm/transparent_hugepage/enabled");
        let chosen = huge.split_once('[').and_then(|(_, rest)| rest.split_once(']'));
        Self {
            processor: value(&cpu, "model name"),
            processors: std::thread::available_parallelism().map_or(0, usize::from),
            virtual_machine: value(&cpu, "flags").split(' ').any(|flag| flag == "hypervisor"),
            memory_gib: (kib / (1 << 20) as f64 * 10.0).round() / 10.0,
            kernel: file("/proc/sys/kernel/osrelease"),
            transparent_huge_pages: chosen.map_or("unknown", |(word, _)| word).to_owned(),
            max_map_count: file("/proc/sys/vm/max_map_count"),
        }
    }
}

fn file(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_else(|_| "unknown".into()).trim().to_owned()
}

/// The versions of what was measured, and of the compiler.
pub fn versions(go: Option<&Path>) -> BTreeMap<String, String> {
    let mut versions = BTreeMap::new();
    let lock = include_str!("../../../Cargo.lock");
    for package in ["may", "generator", "tokio", "async-channel", "corosensei", "context"] {
        let version = lock
            .split("[[package]]")
            .find(|text| text.contains(&format!("name = \"{package}\"\n")))
            .and_then(|text| text.split("version = \"").nth(1)?.split('"').next());
        versions.insert(package.into(), version.unwrap_or("unknown").into());
    }
    let folder = env!("CARGO_MANIFEST_DIR");
    versions.insert(
        "midge".into(),
        said("git", &["-C", folder, "describe", "--always", "--dirty", "--exclude=*"]),
    );
    versions.insert("rustc".into(), said("rustc", &["--version"]));
    if let Some(go) = go {
        versions.insert("go".into(), said(&go.to_string_lossy(), &["version", "1"]));
    }
    versions
}

/// The day, in UTC.
pub fn today() -> String {
    said("date", &["-u", "+%Y-%m-%d"])
}

fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let text = output.ok().filter(|output| output.status.success()).map(|output| output.stdout);
    text.map_or("unknown".into(), |text| String::from_utf8_lossy(&text).trim().to_owned())
}
