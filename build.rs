//! Says on which targets midge does not work, before the compiler says so in a hundred ways.

use std::env::var;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let is = |name: &str| var(name).unwrap_or_default();
    let supported = is("CARGO_CFG_TARGET_OS") == "linux"
        && is("CARGO_CFG_TARGET_ENDIAN") == "little"
        && matches!(
            (is("CARGO_CFG_TARGET_ARCH").as_str(), is("CARGO_CFG_TARGET_POINTER_WIDTH").as_str()),
            ("x86_64", "64") | ("aarch64", "64") | ("x86", "32")
        );
    if !supported {
        println!(
            "cargo::error=midge does not support {}. It runs on Linux on x86_64, aarch64 (little \
             endian) and x86 (i686); not on macOS or Windows. Another architecture needs asm/<arch>.s and \
             src/arch/<arch>.rs.",
            is("TARGET")
        );
    }
}
