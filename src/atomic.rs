//! The atomics of the protocols that have loom models.
//!
//! The models (`tests/loom/`) include those files under a crate root whose `atomic` is loom's.

pub(crate) use std::sync::atomic::{fence, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering};

pub(crate) use parking_lot::Mutex;
