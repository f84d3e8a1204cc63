//! The works and their sizes.

/// A piece of work, the same for every system.
pub struct Work {
    pub name: &'static str,
    pub title: &'static str,
    /// What the programs call it, and the numbers they take.
    pub program: &'static str,
    pub numbers: &'static [usize],
    pub quick: &'static [usize],
    pub figures: &'static [Figure],
    pub workers: &'static [usize],
    /// Memory in MiB that is touched beforehand (see `warm`): at least what a run takes.
    pub touches: usize,
}

/// A figure that the programs print for a work.
pub struct Figure {
    pub key: &'static str,
    /// What is added to the work's title.
    pub title: &'static str,
    pub unit: &'static str,
}

const fn figure(key: &'static str, title: &'static str, unit: &'static str) -> Figure {
    Figure { key, title, unit }
}

const BOTH: &[usize] = &[1, 2];
const EACH: &[Figure] = &[figure("time", "", "ns")];
const PARKED: &[Figure] = &[
    figure("park", ": spawn until parked", "ns"),
    figure("bytes", ": memory", "bytes"),
    figure("release", ": wake until joined", "ns"),
];
const SLEEPS: &[Figure] =
    &[figure("wall", ": all of them", "ms"), figure("cpu", ": processor time of one", "ns")];
const DESCENTS: &[Figure] =
    &[figure("first", ", first descent", "ns/KiB"), figure("second", ", second", "ns/KiB")];

/// The works that have no workers.
pub const SWITCH: &str = "switch";

#[rustfmt::skip] // a table
pub const WORKS: &[Work] = &[
    Work { name: SWITCH, title: "bare switch", program: "switch",
        numbers: &[20_000_000], quick: &[3_000_000], figures: EACH, workers: &[1], touches: 0 },
    Work { name: "yield_1", title: "yield, 1 task", program: "yield",
        numbers: &[1, 2_000_000], quick: &[1, 200_000], figures: EACH, workers: BOTH, touches: 0 },
    Work { name: "yield_64", title: "yield, 64 tasks", program: "yield",
        numbers: &[64, 30_000], quick: &[64, 5_000], figures: EACH, workers: BOTH, touches: 0 },
    Work { name: "yield_1k", title: "yield, 1,000 tasks", program: "yield",
        numbers: &[1_000, 2_000], quick: &[1_000, 300], figures: EACH, workers: BOTH, touches: 0 },
    Work { name: "yield_100k", title: "yield, 100,000 tasks", program: "yield",
        numbers: &[100_000, 20], quick: &[100_000, 5], figures: EACH, workers: BOTH, touches: 512 },
    Work { name: "spawn_1", title: "spawn and join, one at a time", program: "spawn",
        numbers: &[300_000, 1], quick: &[30_000, 1], figures: EACH, workers: BOTH, touches: 0 },
    Work { name: "spawn_1k", title: "spawn 1,000, then join", program: "spawn",
        numbers: &[1_000, 1_000], quick: &[100, 1_000], figures: EACH, workers: BOTH, touches: 0 },
    Work { name: "parked_100k", title: "100,000 tasks parked", program: "parked",
        numbers: &[100_000], quick: &[100_000], figures: PARKED, workers: BOTH, touches: 512 },
    Work { name: "parked_1m", title: "1,000,000 tasks parked", program: "parked",
        numbers: &[1_000_000], quick: &[300_000], figures: PARKED, workers: BOTH, touches: 4096 },
    Work { name: "ping_pong", title: "ping-pong, unbuffered", program: "ping_pong",
        numbers: &[500_000], quick: &[50_000], figures: EACH, workers: BOTH, touches: 0 },
    Work { name: "bounded_1_1", title: "channel of 128, one to one", program: "bounded",
        numbers: &[5_000_000, 1, 1], quick: &[500_000, 1, 1],
        figures: EACH, workers: BOTH, touches: 0 },
    Work { name: "bounded_4_4", title: "channel of 128, four to four", program: "bounded",
        numbers: &[5_000_000, 4, 4], quick: &[500_000, 4, 4],
        figures: EACH, workers: BOTH, touches: 0 },
    Work { name: "skynet", title: "skynet, each of 1,000,000 leaves", program: "skynet",
        numbers: &[1_000_000], quick: &[100_000], figures: EACH, workers: BOTH, touches: 2048 },
    Work { name: "fib", title: "fork-join fib(32) above fib(12)", program: "fib",
        numbers: &[32], quick: &[32],
        figures: &[figure("time", "", "ms")], workers: BOTH, touches: 256 },
    Work { name: "mutex_4", title: "mutex, 4 tasks", program: "mutex",
        numbers: &[5_000_000, 4], quick: &[500_000, 4], figures: EACH, workers: BOTH, touches: 0 },
    Work { name: "mutex_64", title: "mutex, 64 tasks", program: "mutex",
        numbers: &[5_000_000, 64], quick: &[500_000, 64],
        figures: EACH, workers: BOTH, touches: 0 },
    Work { name: "sleeps", title: "100,000 sleeps of 1 to 100 ms", program: "sleeps",
        numbers: &[100_000], quick: &[100_000], figures: SLEEPS, workers: BOTH, touches: 512 },
    Work { name: "recursion_64k", title: "recursion to 64 KiB", program: "recursion",
        numbers: &[64 << 10], quick: &[64 << 10],
        figures: DESCENTS, workers: &[1], touches: 64 },
    Work { name: "recursion_1m", title: "recursion to 1 MiB", program: "recursion",
        numbers: &[1 << 20], quick: &[1 << 20], figures: DESCENTS, workers: &[1], touches: 64 },
    Work { name: "recursion_64m", title: "recursion to 64 MiB", program: "recursion",
        numbers: &[64 << 20], quick: &[64 << 20],
        figures: DESCENTS, workers: &[1], touches: 256 },
    Work { name: "recursion_400m", title: "recursion to 400 MiB", program: "recursion",
        numbers: &[400 << 20], quick: &[400 << 20],
        figures: DESCENTS, workers: &[1], touches: 1280 },
];

/// The work of that name.
pub fn by_name(name: &str) -> Option<&'static Work> {
    WORKS.iter().find(|work| work.name == name)
}
