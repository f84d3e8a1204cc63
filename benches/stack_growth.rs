//! What it costs to have enough stack: growth strategies side by side on the same recursion.
//!
//! ```text
//! cargo bench --bench stack_growth
//! STACK_GROWTH_PLOTS=docs cargo bench --bench stack_growth
//! ```
//!
//! A time is that of a whole descent and the way back; divide by the depth to compare. The second
//! command also draws the groups and prints their medians in ns per KiB. `docs/stack-growth.md`
//! says what they mean.
//!
//! Go's counterparts: `BenchmarkStackGrowth`, `BenchmarkStackCopy` (`runtime/stack_test.go`).

// `criterion_group!` makes a public function without a comment.
#![allow(missing_docs)]

#[cfg(target_arch = "x86_64")]
#[path = "stack_growth/strategies.rs"]
mod strategies;

#[cfg(target_arch = "x86_64")]
criterion::criterion_main!(strategies::benches);

/// The segments need `psm`, which needs a C compiler for the target.
#[cfg(not(target_arch = "x86_64"))]
fn main() {
    eprintln!("this bench is for x86-64");
}
