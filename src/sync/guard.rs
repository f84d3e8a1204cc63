//! What all guards of this module have in common.

/// Defines a guard: `lock_api`'s behind a type of our own, with `map` and `try_map`. `mut` in
/// front: one that lets its holder change the data.
///
/// Not `lock_api`'s itself: its `unlocked` and `bump` let go of the lock and take it again, and
/// count on that to succeed. Here a cancelled task unwinds out of a lock that it waits for, and
/// they would leave a guard behind that guards nothing.
macro_rules! guard {
    ($(#[$doc:meta])* $name:ident of $raw:ident, mapped to $mapped:ident) => {
        guard!(@type $(#[$doc])* $name, $raw);
        guard!(@map $name, $mapped, &T, &U);
    };
    (mut $(#[$doc:meta])* $name:ident of $raw:ident, mapped to $mapped:ident) => {
        guard!(@type $(#[$doc])* $name, $raw);
        guard!(@map $name, $mapped, &mut T, &mut U);

        impl<T: ?Sized> std::ops::DerefMut for $name<'_, T> {
            #[inline]
            fn deref_mut(&mut self) -> &mut T {
                &mut self.0
            }
        }
    };
    (@type $(#[$doc:meta])* $name:ident, $raw:ident) => {
        $(#[$doc])*
        #[must_use = "the lock is released at once if the guard is not kept"]
        pub struct $name<'a, T: ?Sized>(pub(super) lock_api::$name<'a, $raw, T>);

        impl<T: ?Sized> std::ops::Deref for $name<'_, T> {
            type Target = T;
            #[inline]
            fn deref(&self) -> &T {
                &self.0
            }
        }

        impl<T: ?Sized + std::fmt::Debug> std::fmt::Debug for $name<'_, T> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                (**self).fmt(f)
            }
        }

        impl<T: ?Sized + std::fmt::Display> std::fmt::Display for $name<'_, T> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                (**self).fmt(f)
            }
        }
    };
    (@map $name:ident, $mapped:ident, $whole:ty, $part:ty) => {
        impl<'a, T: ?Sized> $name<'a, T> {
            /// Narrows the guard to a part of the data. A function and not a method, so that it
            /// hides none of the data's.
            pub fn map<U: ?Sized>(
                guard: Self,
                part: impl FnOnce($whole) -> $part,
            ) -> $mapped<'a, U> {
                $mapped(lock_api::$name::map(guard.0, part))
            }

            /// Narrows the guard to a part of the data, if there is that part.
            ///
            /// # Errors
            ///
            /// The guard as it was, if `part` returns `None`.
            pub fn try_map<U: ?Sized>(
                guard: Self,
                part: impl FnOnce($whole) -> Option<$part>,
            ) -> Result<$mapped<'a, U>, Self> {
                lock_api::$name::try_map(guard.0, part).map($mapped).map_err($name)
            }
        }
    };
}
pub(super) use guard;
