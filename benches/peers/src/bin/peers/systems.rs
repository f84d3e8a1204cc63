//! The systems, and which program does a work in each.

use std::env;
use std::path::{Path, PathBuf};

use crate::works::SWITCH;

/// A system that is measured.
pub struct System {
    pub name: &'static str,
    pub title: &'static str,
    /// The program for the works, and the one for the bare switch.
    works: Option<&'static str>,
    switch: Option<&'static str>,
}

pub const GO: &str = "go";

#[rustfmt::skip] // a table
pub const SYSTEMS: &[System] = &[
    System { name: "midge", title: "midge", works: Some("midge"), switch: Some("midge_switch") },
    System { name: GO, title: "Go", works: Some(GO), switch: Some(GO) },
    System { name: "may", title: "may", works: Some("may"), switch: Some("generator") },
    System { name: "tokio", title: "tokio", works: Some("tokio"), switch: None },
    System { name: "corosensei", title: "corosensei", works: None, switch: Some("corosensei") },
    System { name: "boost", title: "Boost.Context", works: None, switch: Some("boost_context") },
];

impl System {
    /// The program for a work, if this system has it.
    pub fn program(&self, work: &str, go: Option<&Path>) -> Option<PathBuf> {
        let name = if work == SWITCH { self.switch } else { self.works }?;
        if name == GO {
            return go.map(Path::to_path_buf);
        }
        let here = env::current_exe().expect("Linux knows the path of a running program");
        Some(here.with_file_name(name))
    }
}

/// The title of the system of that name.
pub fn title(name: &str) -> &str {
    SYSTEMS.iter().find(|system| system.name == name).map_or(name, |system| system.title)
}
