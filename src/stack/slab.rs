//! The slab allocator: small objects of a few fixed sizes, by the million.
//!
//! What for: a task costs one header with its closure ([`Kind::Task`]) and, once frozen, one block
//! of live bytes ([`Kind::Block`]). Both are of a few hundred bytes, there may be millions, they
//! are made and dropped all the time, and after a burst their memory has to go back to the system.
//! A general allocator adds a header to each object and keeps what it once had.
//!
//! How: three layers, each touched some fifty times less often than the one above it.
//!
//! 1. [`Cache`], one for each processor: a free list for each kind and class, last in first out.
//!    No lock and no atomic; an allocation is a pop.
//! 2. `central`, one lock for each kind and class: the list of spans with room. Caches take from
//!    it and give back to it in batches of up to 64 objects.
//! 3. `chunk`, one lock for all: 2 MiB chunks of memory from the system, in huge pages, divided
//!    into spans of 64 KiB. A span holds objects of one kind and class; a span without a live
//!    object returns to its chunk, and a chunk without a span in use returns to the system.
//!
//! Guarantees:
//!
//! - Objects are aligned to [`ALIGN`] (16 bytes). There is nothing between them: no
//!   header, no padding.
//! - While an object is free, its first word holds the free list, and **no other byte of it is
//!   written**. A slot for a task that never was one is zero but for that word. So a word of a task
//!   header beyond the first (a count of references, say) stays as its last owner left it, and
//!   [`for_each_task_slot`] may look at it whether the slot is in use or not.
//! - A span's memory is touched only as far as objects were handed out from it.
//! - No memory is an ordinary result (`None`), never an abort.
//! - No two locks are ever held together, so there is no order between them to get wrong.
//!
//! Go's equivalents: `mcache`, `mcentral` and `mheap` (runtime/mcache.go, mcentral.go, mheap.go)
//! are the same three layers for all objects, and runtime/stack.go has them once more for stacks:
//! `stackalloc` and `stackfree` are [`Cache::alloc`] and [`Cache::free`], `stackcacherefill` and
//! `stackcacherelease` (batches of 16 KiB) the refill and the return of one batch,
//! `stackcache_clear` is [`Cache::flush`], and `stackpool` with `stackpoolalloc` and
//! `stackpoolfree` is `central`. `stackLarge` is left to `block`. Go frees spans of stacks only
//! in the garbage collector (`freeStackSpans`); here a span goes back with its last object.

mod central;
mod chunk;
mod class;
#[cfg(test)]
mod tests;

use std::ptr::NonNull;

use central::{Central, FreeObject};
use chunk::Heap;
use class::{batch, index, LISTS};

pub(crate) use class::{class_of, class_size, Kind, ALIGN};

/// The slab that the whole process shares; tests make others, to be alone in them.
static SHARED: Slab = Slab::new();

/// The layers below the caches: one central list for each kind and class, over one heap of chunks.
struct Slab {
    central: [Central; LISTS],
    heap: Heap,
}

impl Slab {
    const fn new() -> Slab {
        Slab { central: [const { Central::new() }; LISTS], heap: Heap::new() }
    }

    fn alloc_uncached(&self, kind: Kind, class: u8) -> Option<NonNull<u8>> {
        let (object, count) = self.central[index(kind, class)].take(&self.heap, kind, class, 1);
        debug_assert!(count <= 1);
        NonNull::new(object.cast())
    }

    /// # Safety
    /// As for [`free_uncached`], with an object of this slab.
    unsafe fn free_uncached(&self, object: NonNull<u8>, kind: Kind, class: u8) {
        let object: *mut FreeObject = object.as_ptr().cast();
        // SAFETY: the caller gives the object up, so its first word is ours: a chain of one.
        unsafe { (*object).next = std::ptr::null_mut() };
        // SAFETY: a chain of one object of this kind and class, which nobody else uses.
        unsafe { self.central[index(kind, class)].put(&self.heap, object) };
    }
}

/// A processor's own free lists. Owned by one thread at a time; dropping it gives everything back.
///
/// A cache on an ordinary thread need not live long: `&mut Cache::new()` is a fine argument for
/// one call.
pub(crate) struct Cache {
    lists: [List; LISTS],
    slab: &'static Slab,
}

// SAFETY: a cache owns the free objects in its lists alone, and they are plain memory that any
// thread may use. (It is not `Sync`, as its pointers see to.)
unsafe impl Send for Cache {}

/// The free objects of one kind and class: a chain that ends in null.
#[derive(Clone, Copy)]
struct List {
    head: *mut FreeObject,
    count: u32,
    /// With more objects than this, one batch goes back.
    limit: u32,
}

impl Cache {
    /// An empty cache: it takes no memory from the slab before its first allocation.
    pub(crate) const fn new() -> Cache {
        Cache::of(&SHARED)
    }

    const fn of(slab: &'static Slab) -> Cache {
        let empty = List { head: std::ptr::null_mut(), count: 0, limit: 0 };
        let mut lists = [empty; LISTS];
        let mut at = 0;
        while at < LISTS {
            lists[at].limit = 2 * batch(at);
            at += 1;
        }
        Cache { lists, slab }
    }

    /// An object of `class_size(kind, class)` bytes, or `None` when the system has no more memory.
    ///
    /// `class` must be one that [`class_of`] gave for this kind.
    #[inline]
    pub(crate) fn alloc(&mut self, kind: Kind, class: u8) -> Option<NonNull<u8>> {
        let list = &mut self.lists[index(kind, class)];
        let Some(object) = NonNull::new(list.head) else { return self.refill(kind, class) };
        // SAFETY: the objects of a cache's list are free, mapped, and this cache's alone; the first
        // word of a free object is its link.
        list.head = unsafe { (*object.as_ptr()).next };
        list.count -= 1;
        Some(object.cast())
    }

    /// Gives an object back: to this cache, whichever cache (or none) it came from.
    ///
    /// # Safety
    /// `object` came from an allocation of this slab with the same `kind` and `class`, is given
    /// back once, and is not used afterwards, but for what [`for_each_task_slot`] allows.
    #[inline]
    pub(crate) unsafe fn free(&mut self, object: NonNull<u8>, kind: Kind, class: u8) {
        let list = &mut self.lists[index(kind, class)];
        let object: *mut FreeObject = object.as_ptr().cast();
        // SAFETY: the caller gives up an object of at least 96 bytes, aligned to 16; its first word
        // becomes the link.
        unsafe { (*object).next = list.head };
        list.head = object;
        list.count += 1;
        if list.count > list.limit {
            self.give_back(kind, class);
        }
    }

    /// Gives all free objects back to the spans they are of.
    pub(crate) fn flush(&mut self) {
        for (list, central) in self.lists.iter_mut().zip(&self.slab.central) {
            let head = std::mem::replace(&mut list.head, std::ptr::null_mut());
            list.count = 0;
            // SAFETY: the whole chain, no longer this cache's, of the kind and class of `central`,
            // since both are found by the same index.
            unsafe { central.put(&self.slab.heap, head) };
        }
    }

    /// Takes one batch, keeps all of it but the first object.
    #[cold]
    #[inline(never)]
    fn refill(&mut self, kind: Kind, class: u8) -> Option<NonNull<u8>> {
        let at = index(kind, class);
        let (head, count) = self.slab.central[at].take(&self.slab.heap, kind, class, batch(at));
        let object = NonNull::new(head)?;
        // SAFETY: `take` hands over a chain of `count` free objects.
        self.lists[at].head = unsafe { (*object.as_ptr()).next };
        self.lists[at].count = count - 1;
        Some(object.cast())
    }

    /// Gives one batch back: the end of the list, since what was freed last is still in the
    /// processor's cache lines.
    #[cold]
    #[inline(never)]
    fn give_back(&mut self, kind: Kind, class: u8) {
        let at = index(kind, class);
        let list = &mut self.lists[at];
        let keep = list.count - batch(at);
        let mut last = list.head;
        for _ in 1..keep {
            // SAFETY: the list has `count` objects, and `keep` is fewer.
            last = unsafe { (*last).next };
        }
        // SAFETY: `last` is the `keep`th object of the list, free and this cache's.
        let rest = unsafe { std::mem::replace(&mut (*last).next, std::ptr::null_mut()) };
        list.count = keep;
        // SAFETY: the chain was cut off this list, and its objects are of this kind and class.
        unsafe { self.slab.central[at].put(&self.slab.heap, rest) };
    }
}

impl Drop for Cache {
    fn drop(&mut self) {
        self.flush();
    }
}

/// [`Cache::alloc`] for a thread without a cache. Takes a lock.
pub(crate) fn alloc_uncached(kind: Kind, class: u8) -> Option<NonNull<u8>> {
    SHARED.alloc_uncached(kind, class)
}

/// [`Cache::free`] for a thread without a cache. Takes a lock.
///
/// # Safety
/// As for [`Cache::free`].
pub(crate) unsafe fn free_uncached(object: NonNull<u8>, kind: Kind, class: u8) {
    // SAFETY: the caller's promise, word for word.
    unsafe { SHARED.free_uncached(object, kind, class) }
}

/// Calls `f` with every slot of every task span, in use or free.
///
/// Every slot whose allocation happened before this call is among them; of those that other
/// threads allocate meanwhile, some may be. While `f` runs, no span of tasks is given back or gets
/// another kind or class, so the slot stays mapped and a slot for tasks. Nothing stops its owner,
/// though: other threads may allocate and free it meanwhile. `f` may therefore touch a slot only
/// with atomic operations, on words that all owners use as atomics from the first write on, and
/// never the first word, which is the free list's.
///
/// `f` runs under the chunk lock. It must not allocate or free in the slab, nor wait for a thread
/// that may be doing so: that would block for ever. Other threads go on meanwhile, and wait only
/// where they need a new span or give one back. They hold no other lock while they wait for this
/// one, and this holds no other, so the walk itself cannot deadlock.
pub(crate) fn for_each_task_slot(f: &mut dyn FnMut(NonNull<u8>)) {
    SHARED.heap.for_each_task_slot(f);
}

/// What the slab holds: bytes mapped from the system, bytes of them in spans of tasks, and bytes in
/// spans of blocks. Reads three counters and takes no lock; they are not of one instant.
pub(crate) fn stats() -> (usize, usize, usize) {
    SHARED.heap.stats()
}
