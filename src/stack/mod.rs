//! Stacks: addresses that stay, storage that moves.
//!
//! Code only ever runs in a `window::Window`: a reserved range of addresses whose top is committed
//! and whose committed part grows by guard faults (`fault`). Many parked tasks share a window. The
//! one whose bytes are in it is the *resident*; when another task needs the window, the resident's
//! live bytes are copied out into its `block::Block` (freeze) and, before it runs again, back to
//! the same addresses (thaw): `image` does both. Who may touch a window at all is settled by
//! `ownership`. Blocks and tasks are cut from `slab`s.
//!
//! Go: `runtime/stack.go`, which moves a running stack to another address instead and rewrites the
//! pointers into it; Rust has no map of them, so here the address never changes.

pub(crate) mod addresses;
pub(crate) mod block;
mod copy;
pub(crate) mod fault;
mod frames;
pub(crate) mod image;
pub(crate) mod limits;
pub(crate) mod mapping;
mod overflow;
pub(crate) mod ownership;
pub(crate) mod paused;
pub(crate) mod slab;
pub(crate) mod trim;
pub(crate) mod turns;
pub(crate) mod window;

pub use crate::sched::stack_info::{committed_bytes, live_bytes, max, set_max, SetMaxError};
