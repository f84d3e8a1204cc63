//! The work at the leaves of the fork-join tree, and how large that tree is.

/// Below this the tree does not fork.
pub const SERIAL: usize = 12;

/// The naive recursion.
pub fn serial(n: usize) -> usize {
    if n < 2 {
        n
    } else {
        serial(n - 1) + serial(n - 2)
    }
}

/// The result, by addition.
pub fn expected(n: usize) -> usize {
    (0..n).fold((0, 1), |(a, b), _| (b, a + b)).0
}
