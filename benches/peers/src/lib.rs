//! What the measured programs share: the job they are given, the lines they print, and the parts of
//! the work that have nothing to do with tasks.
//!
//! A program does one piece of work and prints each figure as a line of JSON. The runner
//! (`src/bin/peers`) names the work and its sizes on the command line, the same ones for every
//! system, so that they are written down in one place.
//!
//! ```text
//! midge <work> <workers> [number ...]
//! {"figure":"time","value":41.5}
//! {"note":"30,000 tasks"}
//! ```

pub mod fibonacci;
pub mod job;
pub mod process;
pub mod random;
pub mod recursion;
