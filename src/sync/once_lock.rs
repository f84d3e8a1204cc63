//! [`OnceLock`] and [`LazyLock`]: values that are made once.
//!
//! Go: `sync/oncefunc.go` (`sync.OnceValue`). The shapes are std's.

use super::once::Once;
use std::cell::UnsafeCell;
use std::fmt;
use std::ops::Deref;
use std::panic::{RefUnwindSafe, UnwindSafe};

/// A value that is set once. Who wants it while another task is making it waits; an ordinary thread
/// is blocked.
///
/// ```
/// use midge::sync::OnceLock;
/// static NAME: OnceLock<String> = OnceLock::new();
///
/// assert!(NAME.get().is_none());
/// assert_eq!(NAME.get_or_init(|| "midge".to_string()), "midge");
/// assert_eq!(NAME.set("gnat".to_string()), Err("gnat".to_string()));
/// ```
///
/// It may be shared if its value may be sent and shared:
///
/// ```compile_fail,E0277
/// fn shared<T: Sync>() {}
/// shared::<midge::sync::OnceLock<std::cell::Cell<u8>>>();
/// ```
pub struct OnceLock<T> {
    once: Once,
    /// Written by who runs in `once`, read by all once that is done.
    value: UnsafeCell<Option<T>>,
}

// SAFETY: shared, it gives out `&T`, and what one thread sets another may take out and drop.
unsafe impl<T: Send + Sync> Sync for OnceLock<T> {}
impl<T: UnwindSafe> UnwindSafe for OnceLock<T> {}
impl<T: RefUnwindSafe + UnwindSafe> RefUnwindSafe for OnceLock<T> {}

impl<T> OnceLock<T> {
    /// Without a value.
    pub const fn new() -> OnceLock<T> {
        OnceLock { once: Once::new(), value: UnsafeCell::new(None) }
    }

    /// The value, if it has been set. Does not wait.
    #[inline]
    pub fn get(&self) -> Option<&T> {
        if !self.once.is_completed() {
            return None;
        }
        // SAFETY: it was written before `once` was done, and is not changed while it is shared.
        unsafe { (*self.value.get()).as_ref() }
    }

    /// The value, if it has been set.
    pub fn get_mut(&mut self) -> Option<&mut T> {
        self.value.get_mut().as_mut()
    }

    /// Sets the value. If another is making it, waits for the outcome. A suspension point then.
    ///
    /// # Errors
    ///
    /// `value`, if there is one already.
    pub fn set(&self, value: T) -> Result<(), T> {
        let mut value = Some(value);
        self.get_or_init(|| value.take().expect("is called once"));
        match value {
            None => Ok(()),
            Some(value) => Err(value),
        }
    }

    /// The value; if there is none yet, `make`'s. If another is making it, waits for that. A
    /// suspension point then, and wherever `make` has one.
    ///
    /// If `make` panics or its task is cancelled, there is still no value, and the next who asks,
    /// or has been waiting, makes it (as in std). A `make` that asks for the value itself waits for
    /// ever. If the task is cancelled while it waits, it unwinds from here.
    #[inline]
    pub fn get_or_init(&self, make: impl FnOnce() -> T) -> &T {
        self.once.call_once(|| {
            let value = make();
            // SAFETY: one at a time runs in `once`, and nobody reads before that is done.
            unsafe { *self.value.get() = Some(value) };
        });
        self.get().expect("made")
    }

    /// The value, if there is one.
    pub fn into_inner(self) -> Option<T> {
        self.value.into_inner()
    }

    /// Takes the value out; it can be set again.
    pub fn take(&mut self) -> Option<T> {
        std::mem::take(self).into_inner()
    }
}

impl<T> Default for OnceLock<T> {
    fn default() -> OnceLock<T> {
        OnceLock::new()
    }
}

impl<T> From<T> for OnceLock<T> {
    fn from(value: T) -> OnceLock<T> {
        let lock = OnceLock::new();
        let _ = lock.set(value); // there was none
        lock
    }
}

impl<T: Clone> Clone for OnceLock<T> {
    fn clone(&self) -> OnceLock<T> {
        self.get().cloned().map_or_else(OnceLock::new, OnceLock::from)
    }
}

impl<T: PartialEq> PartialEq for OnceLock<T> {
    fn eq(&self, other: &OnceLock<T>) -> bool {
        self.get() == other.get()
    }
}

impl<T: Eq> Eq for OnceLock<T> {}

impl<T: fmt::Debug> fmt::Debug for OnceLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OnceLock").field(&self.get()).finish()
    }
}

/// A value that is made when it is used for the first time.
///
/// ```
/// use midge::sync::LazyLock;
/// static SQUARES: LazyLock<Vec<u32>> = LazyLock::new(|| (0..5).map(|n| n * n).collect());
///
/// assert_eq!(SQUARES[3], 9);
/// ```
///
/// # Panics
///
/// Using the value panics if the closure that makes it panicked (or its task was cancelled), then
/// or earlier: it can be called but once. This is the poisoning of std's `LazyLock`.
pub struct LazyLock<T, F = fn() -> T> {
    value: OnceLock<T>,
    make: crate::lock::Mutex<Option<F>>,
}

impl<T: UnwindSafe, F: UnwindSafe> UnwindSafe for LazyLock<T, F> {}
impl<T: RefUnwindSafe + UnwindSafe, F: UnwindSafe> RefUnwindSafe for LazyLock<T, F> {}

impl<T, F: FnOnce() -> T> LazyLock<T, F> {
    /// A value that `make` will make.
    pub const fn new(make: F) -> LazyLock<T, F> {
        LazyLock { value: OnceLock::new(), make: crate::lock::Mutex::new(Some(make)) }
    }

    /// The value; makes it if need be. The same as dereferencing.
    pub fn force(this: &LazyLock<T, F>) -> &T {
        this.value.get_or_init(|| {
            // The lock is let go of before `make` runs, which may suspend.
            let make = this.make.lock().take();
            let make = make.unwrap_or_else(|| {
                panic!("LazyLock has been poisoned: the closure that makes its value panicked")
            });
            make()
        })
    }
}

impl<T, F: FnOnce() -> T> Deref for LazyLock<T, F> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        LazyLock::force(self)
    }
}

impl<T: Default> Default for LazyLock<T> {
    fn default() -> LazyLock<T> {
        LazyLock::new(T::default)
    }
}

impl<T: fmt::Debug, F> fmt::Debug for LazyLock<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LazyLock").field(&self.value.get()).finish()
    }
}
