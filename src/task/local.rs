//! [`LocalKey`]: a value for each task.
//!
//! Go has none on purpose. The shape is `std::thread_local!`'s.

use super::locals::Found;
use crate::sched::own::with_locals;
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::fmt;

/// Declares values that each task has for itself, as `std::thread_local!` does for threads.
///
/// A value is made when its task first uses it, and dropped when the task ends, before `join`
/// returns: the youngest first. On an ordinary thread it is the thread's. Unlike a `thread_local!`,
/// it may be used before and after a suspension point, since it goes where the task goes. Children
/// do not inherit it.
///
/// ```
/// use std::cell::Cell;
///
/// midge::task_local! {
///     static REQUEST: Cell<u32> = Cell::new(0);
/// }
///
/// let rt = midge::Runtime::pinned().unwrap();
/// rt.run(|| {
///     let tasks: Vec<_> = (1..10)
///         .map(|n| {
///             midge::spawn(move || {
///                 REQUEST.set(n);
///                 midge::task::yield_now();
///                 assert_eq!(REQUEST.get(), n);
///             })
///         })
///         .collect();
///     tasks.into_iter().for_each(|task| task.join().unwrap());
///     assert_eq!(REQUEST.get(), 0);
/// });
/// ```
#[macro_export]
macro_rules! task_local {
    () => {};
    ($(#[$attribute:meta])* $visibility:vis static $name:ident: $type:ty = $init:expr $(; $($rest:tt)*)?) => {
        $(#[$attribute])*
        $visibility static $name: $crate::task::LocalKey<$type> = {
            fn init() -> $type {
                $init
            }
            // SAFETY: it initialises a static.
            unsafe { $crate::task::LocalKey::new(init) }
        };
        $($crate::task_local! { $($rest)* })?
    };
}

/// A value that each task has for itself. Made by [`task_local!`](crate::task_local).
pub struct LocalKey<T: 'static> {
    init: fn() -> T,
}

/// The value has been destroyed: the task (or thread) is ending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct AccessError;

impl fmt::Display for AccessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the task-local value has been destroyed: its task is ending")
    }
}

impl std::error::Error for AccessError {}

impl<T: 'static> LocalKey<T> {
    /// For the macro.
    ///
    /// # Safety
    ///
    /// It initialises a static: the key is known by its address.
    #[doc(hidden)]
    pub const unsafe fn new(init: fn() -> T) -> LocalKey<T> {
        LocalKey { init }
    }

    /// Calls `f` with the task's value, which is made if this is its first use. If the initialiser
    /// uses the same key, its value is replaced by the initialiser's, as in std.
    ///
    /// # Panics
    ///
    /// If the value has been destroyed; with the panic of `f` or of the initialiser.
    ///
    /// ```
    /// midge::task_local! { static NAME: String = "nobody".to_string(); }
    /// assert_eq!(NAME.with(|name| name.len()), 6);
    /// ```
    #[track_caller]
    pub fn with<R>(&'static self, f: impl FnOnce(&T) -> R) -> R {
        match self.try_with(f) {
            Ok(result) => result,
            Err(error) => panic!("{error}"),
        }
    }

    /// As [`with`](Self::with).
    ///
    /// # Errors
    ///
    /// [`AccessError`] if the value has been destroyed.
    ///
    /// ```
    /// midge::task_local! { static NUMBER: u8 = 7; }
    /// assert_eq!(NUMBER.try_with(|number| *number), Ok(7));
    /// ```
    pub fn try_with<R>(&'static self, f: impl FnOnce(&T) -> R) -> Result<R, AccessError> {
        let value = match self.find()? {
            Some(value) => value,
            None => {
                self.put((self.init)())?;
                self.find()?.ok_or(AccessError)?
            }
        };
        // SAFETY: only the task itself uses it, and it stays in its box until the task ends or an
        // initialiser that runs further out on this stack replaces it, neither of which can be
        // while `f` runs. (`T` need not be Sync or Send: nobody else gets at it.)
        Ok(f(unsafe { &*value }))
    }

    fn key(&'static self) -> usize {
        (&raw const *self).addr()
    }

    fn find(&'static self) -> Result<Option<*const T>, AccessError> {
        match with_locals(|locals| locals.find(self.key())) {
            None | Some(Found::Destroyed) => Err(AccessError),
            Some(Found::Uninitialised) => Ok(None),
            Some(Found::Alive(value)) => Ok(Some(value.cast())),
        }
    }

    fn put(&'static self, value: T) -> Result<(), AccessError> {
        let value: Box<dyn Any> = Box::new(value);
        // What was there is dropped after, since that may use this module.
        let before = with_locals(|locals| locals.put(self.key(), value)).ok_or(AccessError)?;
        drop(before);
        Ok(())
    }
}

impl<T: 'static> LocalKey<Cell<T>> {
    /// Sets the value, without running the initialiser.
    ///
    /// # Panics
    ///
    /// If the value has been destroyed, as the other methods here.
    #[track_caller]
    pub fn set(&'static self, value: T) {
        match self.find() {
            Ok(None) => self.put(Cell::new(value)).unwrap_or_else(|error| panic!("{error}")),
            _ => self.with(|cell| cell.set(value)),
        }
    }

    /// A copy of the value.
    #[track_caller]
    pub fn get(&'static self) -> T
    where
        T: Copy,
    {
        self.with(Cell::get)
    }

    /// Takes the value and leaves the default.
    #[track_caller]
    pub fn take(&'static self) -> T
    where
        T: Default,
    {
        self.with(Cell::take)
    }

    /// Puts another value there and returns the one that was.
    #[track_caller]
    pub fn replace(&'static self, value: T) -> T {
        self.with(|cell| cell.replace(value))
    }
}

impl<T: 'static> LocalKey<RefCell<T>> {
    /// Calls `f` with a reference to the value.
    ///
    /// # Panics
    ///
    /// If the value is mutably borrowed or destroyed.
    #[track_caller]
    pub fn with_borrow<R>(&'static self, f: impl FnOnce(&T) -> R) -> R {
        self.with(|cell| f(&cell.borrow()))
    }

    /// Calls `f` with a mutable reference to the value.
    ///
    /// # Panics
    ///
    /// If the value is borrowed or destroyed, as the other methods here.
    ///
    /// ```
    /// use std::cell::RefCell;
    /// midge::task_local! { static LOG: RefCell<Vec<u8>> = RefCell::new(Vec::new()); }
    /// LOG.with_borrow_mut(|log| log.push(1));
    /// assert_eq!(LOG.take(), [1]);
    /// ```
    #[track_caller]
    pub fn with_borrow_mut<R>(&'static self, f: impl FnOnce(&mut T) -> R) -> R {
        self.with(|cell| f(&mut cell.borrow_mut()))
    }

    /// Sets the value, without running the initialiser.
    #[track_caller]
    pub fn set(&'static self, value: T) {
        match self.find() {
            Ok(None) => self.put(RefCell::new(value)).unwrap_or_else(|error| panic!("{error}")),
            _ => drop(self.with(|cell| cell.replace(value))),
        }
    }

    /// Takes the value and leaves the default.
    #[track_caller]
    pub fn take(&'static self) -> T
    where
        T: Default,
    {
        self.with(RefCell::take)
    }

    /// Puts another value there and returns the one that was.
    #[track_caller]
    pub fn replace(&'static self, value: T) -> T {
        self.with(|cell| cell.replace(value))
    }
}

impl<T: 'static> fmt::Debug for LocalKey<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalKey").finish_non_exhaustive()
    }
}
