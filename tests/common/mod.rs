//! What the integration tests share: runtimes in every mode, bounded waiting, a seeded random
//! source, recursion with verified locals, drop counting and child processes.
//!
//! The tests keep the isolation contract themselves: what a task shares with another it puts
//! into an `Arc` or a `static`, and what belongs to the OS thread is read in functions that are
//! never inlined.

#![allow(dead_code, unused_imports)] // Each test file is a crate of its own and uses a part of this.

mod child;

pub use child::{
    child_of, child_of_each_mode, emulator, in_child, status, succeeds_in_each_mode,
    wait_until_others_sleep,
};

use std::hint::black_box;
use std::io::Write;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::Arc;
use std::thread::ThreadId;
use std::time::{Duration, Instant};

use midge::{task, BuildError, JoinHandle};
pub use midge::{Mode, Runtime};

/// How long a test waits for a condition before it fails. Never a statement about speed: machines
/// are busy with other things, and emulated ones slow.
pub const PATIENCE: Duration = Duration::from_secs(180);

/// The three modes.
pub const MODES: [Mode; 3] = [Mode::Pinned, Mode::Copying, Mode::Migrating];

/// Builds a runtime in `mode` from a configured builder.
pub fn try_build(mode: Mode, builder: &midge::Builder) -> Result<Runtime, BuildError> {
    match mode {
        Mode::Pinned => builder.build_pinned(),
        // SAFETY: promise 1: no test lends a reference into a task's stack to anyone else across
        // a suspension point: what is shared is in an `Arc` or a `static`.
        Mode::Copying => unsafe { builder.build_copying() },
        // SAFETY: promise 1 as above; promise 2: no test holds a thread-bound guard across a
        // suspension point, and thread-locals are read only in `#[inline(never)]` functions.
        Mode::Migrating => unsafe { builder.build_migrating() },
        #[allow(unreachable_patterns)] // `Mode` may be declared non-exhaustive.
        _ => panic!("a mode these tests do not know"),
    }
}

/// The builder of a test that says nothing of stack limits. On 32 bits the default one makes
/// windows so large that a handful fits into the process, and tests run side by side, or have
/// hundreds of pinned tasks: there these windows are of 2 MiB. (`address_space.rs` tests the
/// default.)
pub fn builder() -> midge::Builder {
    let mut builder = Runtime::builder();
    if cfg!(target_pointer_width = "32") {
        builder.max_stack(1 << 20);
    }
    builder
}

/// Makes room for stacks of so many bytes, where `builder()` has made them small: on 32 bits. So
/// that several tests have room side by side, a runtime has no more than so many shared windows.
pub fn room_for(bytes: usize, windows: usize, builder: &mut midge::Builder) -> &mut midge::Builder {
    if cfg!(target_pointer_width = "32") {
        builder.max_stack(bytes + (1 << 20)).windows(windows);
    }
    builder
}

/// How many of so many tasks can be parked at once in `mode`. In the pinned mode each takes
/// addresses for a whole stack, of which a 32-bit process has few.
pub fn parked_at_once(mode: Mode, tasks: usize) -> usize {
    if cfg!(target_pointer_width = "32") && mode == Mode::Pinned {
        tasks.min(150) // two tests run side by side
    } else {
        tasks
    }
}

/// Builds a runtime in `mode` with so many workers.
pub fn build(mode: Mode, workers: usize) -> Runtime {
    try_build(mode, builder().workers(workers)).expect("the runtime is built")
}

/// Runs `check` with a fresh runtime in every mode and with every number of workers.
pub fn for_each_mode(workers: &[usize], check: impl Fn(&Runtime, Mode)) {
    for_each_mode_with(workers, |builder| builder, check);
}

/// The same with a builder that `configure` has changed.
pub fn for_each_mode_with(
    workers: &[usize],
    configure: impl Fn(&mut midge::Builder) -> &mut midge::Builder,
    check: impl Fn(&Runtime, Mode),
) {
    in_each_mode(workers, &configure, &check);
}

/// Not generic: it is compiled once for each test program, not for each test.
fn in_each_mode(
    workers: &[usize],
    configure: &dyn Fn(&mut midge::Builder) -> &mut midge::Builder,
    check: &dyn Fn(&Runtime, Mode),
) {
    for mode in MODES {
        for &count in workers {
            let _watchdog = Watchdog::new(format!("{mode:?} with {count} workers"));
            let mut builder = builder();
            builder.workers(count);
            let runtime = try_build(mode, configure(&mut builder)).expect("the runtime is built");
            check(&runtime, mode);
        }
    }
}

/// Ends the process with a message when what it guards does not end: a lost wake-up would
/// otherwise hang the suite without a word.
pub struct Watchdog {
    alive: mpsc::Sender<()>,
}

impl Watchdog {
    pub fn new(what: String) -> Self {
        let (alive, signs) = mpsc::channel::<()>();
        std::thread::spawn(move || loop {
            match signs.recv_timeout(3 * PATIENCE) {
                Ok(()) => {}
                Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {
                    // Not `eprintln!`: the test harness would capture and lose it.
                    let _ = writeln!(std::io::stderr(), "a test hangs: {what}");
                    std::process::abort();
                }
            }
        });
        Self { alive }
    }

    /// What it guards goes forward, and has all the time once more.
    pub fn feed(&self) {
        let _ = self.alive.send(());
    }
}

/// Waits for a condition: a task yields meanwhile, an ordinary thread sleeps.
#[track_caller]
pub fn wait_until(mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "the condition did not become true in {PATIENCE:?}");
        if task::try_current().is_some() {
            task::yield_now();
        } else {
            std::thread::sleep(Duration::from_micros(200));
        }
    }
}

/// Whether the environment asks every runtime of this process for stress mode. Only statements
/// about the exact order of things depend on it.
pub fn stressed() -> bool {
    std::env::var_os("MIDGE_STRESS").is_some()
}

/// Fewer rounds where a debug build would take more than about ten seconds; and on 32 bits, where all
/// the pinned tasks of some would not fit.
pub fn rounds(release: usize, debug: usize) -> usize {
    if cfg!(any(debug_assertions, target_pointer_width = "32")) {
        debug
    } else {
        release
    }
}

/// A count for whose sake a test takes long, or a tenth of it where an emulator would make minutes
/// of it. The one place in which tests do less under emulation, and say so.
pub fn repeated(count: usize) -> usize {
    if emulator().is_none() {
        return count;
    }
    eprintln!("emulated: {} times instead of {count}", count / 10);
    count / 10
}

/// Joins, and fails with the task's own panic if it panicked.
pub fn join<T>(handle: JoinHandle<T>) -> T {
    handle.join().unwrap_or_else(|payload| std::panic::resume_unwind(payload))
}

/// The OS thread that runs the caller. Never inlined: LLVM may keep the address of a
/// thread-local across a suspension point within one function.
#[inline(never)]
pub fn os_thread() -> ThreadId {
    black_box(std::thread::current().id())
}

/// Spawns a task that comes to wait for something, and returns when it does: it has parked. For a
/// caller that is a task, and when nobody else parks meanwhile.
#[track_caller]
pub fn spawn_parked<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    let parks = midge::runtime::metrics().parks; // before the spawn: the task may be quick
    let parked = midge::spawn(f);
    wait_until(|| midge::runtime::metrics().parks > parks);
    parked
}

/// Parks the current task until a task it spawns unparks it. May leave a token behind.
pub fn park_until_woken() {
    let woken = Arc::new(AtomicBool::new(false));
    let (parked, flag) = (task::current(), woken.clone());
    midge::spawn(move || {
        flag.store(true, Ordering::Release);
        parked.unpark();
    });
    while !woken.load(Ordering::Acquire) {
        task::park();
    }
}

/// xorshift64: the same sequence for the same seed on every machine.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }
}

/// The word that belongs at `index` of the frame at `depth`.
pub fn expected(depth: usize, index: usize) -> u64 {
    ((depth as u64) << 32 ^ index as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// Goes so many bytes deep and comes back.
#[inline(never)]
pub fn descend(bytes: usize) {
    let words = black_box([bytes; 100]);
    if midge::stack::live_bytes() < bytes {
        descend(bytes);
    }
    assert_eq!(black_box(words)[bytes % 100], bytes);
}

/// Recurses through `depth` frames of 16 words, calls `innermost` at the bottom, and verifies
/// every frame on the way back.
pub fn recurse(depth: usize, innermost: &mut dyn FnMut()) {
    recurse_frames::<16>(depth, innermost);
}

/// The same with frames of at least `WORDS` words.
#[inline(never)]
pub fn recurse_frames<const WORDS: usize>(depth: usize, innermost: &mut dyn FnMut()) {
    let mut locals = [0u64; WORDS];
    for (index, word) in locals.iter_mut().enumerate() {
        *word = expected(depth, index);
    }
    let address = black_box(locals.as_ptr()) as usize;
    if depth == 0 {
        innermost();
    } else {
        recurse_frames::<WORDS>(depth - 1, innermost);
    }
    assert_eq!(black_box(locals.as_ptr()) as usize, address, "the frame has moved");
    let locals = black_box(&locals);
    for (index, word) in locals.iter().enumerate() {
        if *word != expected(depth, index) {
            panic!("word {index} of the frame at depth {depth} is {word:#x}");
        }
    }
}

/// Counts how many of its guards have been dropped.
#[derive(Clone, Default)]
pub struct Tally(Arc<AtomicUsize>);

impl Tally {
    pub fn guard(&self) -> Guard {
        Guard(self.0.clone())
    }

    pub fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

/// Adds one to its tally when it is dropped.
#[derive(Clone)]
pub struct Guard(Arc<AtomicUsize>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}
