//! The central list of one kind and class: its spans that have a free object.
//!
//! What for: caches take objects here in batches and give them back in batches, also those that
//! another processor's cache allocated.
//!
//! How: spans with room are in a doubly linked list through their headers, under one lock. A span
//! that is used up is in no list; the first object freed in it brings it back. A span whose last
//! live object is freed leaves the list and goes back to the heap.
//!
//! Guarantees: the heap is called without the lock, so that a thread in the heap delays no one
//! here, and no lock is taken under another. A span that comes from the heap, or goes there, is in
//! no list and has no object outside it, so the thread that has it has it alone.
//!
//! Go's equivalent: runtime/mcentral.go (`cacheSpan`, `uncacheSpan`), and for stacks the
//! `stackpool` with `stackpoolalloc` and `stackpoolfree` in runtime/stack.go.

use std::ptr::{null_mut, NonNull};
use std::sync::atomic::Ordering;

use crate::lock::Mutex;

use super::chunk::{Heap, Span};
use super::class::Kind;

/// A free object: its first word is the link, and nothing else of it is ever written.
#[repr(C)]
pub(super) struct FreeObject {
    pub(super) next: *mut FreeObject,
}

/// Aligned so that two classes' locks share no cache line, nor a pair of them.
#[repr(align(128))]
pub(super) struct Central {
    partial: Mutex<Partial>,
}

/// The list of spans with room. Its lock guards `next`, `previous`, `free` and `live` of every span
/// of the kind and class, in the list or not, and the writing of `carved`.
struct Partial {
    head: Option<NonNull<Span>>,
}

// SAFETY: the spans of the list belong to whoever holds its lock, on any thread.
unsafe impl Send for Partial {}

impl Central {
    pub(super) const fn new() -> Central {
        Central { partial: Mutex::new(Partial { head: None }) }
    }

    /// Takes up to `want` objects, and at least one if there is memory, from the spans with room,
    /// or else from a new one. Returns a chain that ends in null, and how many are in it.
    pub(super) fn take(
        &self,
        heap: &Heap,
        kind: Kind,
        class: u8,
        want: u32,
    ) -> (*mut FreeObject, u32) {
        let mut chain = Chain { head: null_mut(), count: 0 };
        {
            let mut partial = self.partial.lock();
            while let Some(span) = partial.head.filter(|_| chain.count < want) {
                // SAFETY: a span of the list is this lock's, which is held.
                unsafe {
                    pull(span, &mut chain, want);
                    if is_used_up(span) {
                        partial.remove(span);
                    }
                }
            }
        }
        if chain.count == 0 {
            if let Some(span) = heap.take(kind, class) {
                // SAFETY: the heap hands the span to this thread alone.
                let used_up = unsafe {
                    pull(span, &mut chain, want);
                    is_used_up(span)
                };
                if !used_up {
                    // SAFETY: the span is in no list, and still this thread's: its objects are
                    // all in `chain`, which nobody has seen.
                    unsafe { self.partial.lock().insert(span) };
                }
            }
        }
        (chain.head, chain.count)
    }

    /// Gives a chain of objects (which ends in null, and may be empty) back to their spans.
    ///
    /// # Safety
    /// The objects are of this list's kind and class and of `heap`, and nobody uses them.
    pub(super) unsafe fn put(&self, heap: &Heap, chain: *mut FreeObject) {
        if chain.is_null() {
            return;
        }
        // Spans without a live object, linked by `next`.
        let mut unused: Option<NonNull<Span>> = None;
        {
            let mut partial = self.partial.lock();
            let mut rest = chain;
            while let Some(object) = NonNull::new(rest) {
                // SAFETY: the caller owns the chain, so its links are ours to read and write. The
                // object is of a span of this kind and class, which this lock guards and which
                // lives as long as it counts this object among the live ones.
                unsafe {
                    rest = (*object.as_ptr()).next;
                    let span = Span::of(object.cast());
                    let was_used_up = is_used_up(span);
                    let span_ptr = span.as_ptr();
                    (*object.as_ptr()).next = (*span_ptr).free;
                    (*span_ptr).free = object.as_ptr();
                    (*span_ptr).live -= 1;
                    if was_used_up {
                        partial.insert(span);
                    }
                    if (*span_ptr).live == 0 {
                        partial.remove(span);
                        (*span_ptr).next = unused;
                        unused = Some(span);
                    }
                }
            }
        }
        while let Some(span) = unused {
            // SAFETY: the span left the list under the lock and none of its objects is out, so this
            // thread has it alone, until the heap does.
            unsafe {
                unused = (*span.as_ptr()).next;
                heap.release(span);
            }
        }
    }
}

struct Chain {
    head: *mut FreeObject,
    count: u32,
}

impl Chain {
    /// # Safety
    /// The object is free and in no other list.
    unsafe fn push(&mut self, object: *mut FreeObject) {
        // SAFETY: the first word of a free object is its link.
        unsafe { (*object).next = self.head };
        self.head = object;
        self.count += 1;
    }
}

/// Moves free objects from the span to the chain, until it has `want`: those that were freed
/// before, then new ones from the part that was never used.
///
/// # Safety
/// The calling thread has the span: it holds its list's lock, or nobody else knows the span.
unsafe fn pull(span: NonNull<Span>, chain: &mut Chain, want: u32) {
    let before = chain.count;
    let span_ptr = span.as_ptr();
    // SAFETY: the thread has the span, so it may use the fields that its lock guards, and the free
    // objects in it. Indices below `slots` are within the span.
    unsafe {
        while chain.count < want && !(*span_ptr).free.is_null() {
            let object = (*span_ptr).free;
            (*span_ptr).free = (*object).next;
            chain.push(object);
        }
        // Relaxed: only this thread writes it now; see `Span::carved` for the one that reads it.
        let carved = (*span_ptr).carved.load(Ordering::Relaxed);
        let more = (want - chain.count).min((*span_ptr).slots - carved);
        // Downwards, so that the chain hands them out in ascending order, as prefetchers like it.
        for slot in (carved..carved + more).rev() {
            chain.push(Span::slot(span, slot).as_ptr().cast());
        }
        (*span_ptr).carved.store(carved + more, Ordering::Relaxed);
        (*span_ptr).live += chain.count - before;
    }
}

/// Whether the span has no object left to give.
///
/// # Safety
/// As for [`pull`].
unsafe fn is_used_up(span: NonNull<Span>) -> bool {
    let span = span.as_ptr();
    // SAFETY: the thread has the span. Relaxed: as in `pull`.
    unsafe { (*span).free.is_null() && (*span).carved.load(Ordering::Relaxed) == (*span).slots }
}

impl Partial {
    /// # Safety
    /// The span is of this list's kind and class, and in no list.
    unsafe fn insert(&mut self, span: NonNull<Span>) {
        // SAFETY: `&mut self` means the lock is held, which guards the links of this kind and
        // class's spans; what is in the list is a live span.
        unsafe {
            (*span.as_ptr()).previous = None;
            (*span.as_ptr()).next = self.head;
            if let Some(head) = self.head {
                (*head.as_ptr()).previous = Some(span);
            }
        }
        self.head = Some(span);
    }

    /// # Safety
    /// The span is in this list.
    unsafe fn remove(&mut self, span: NonNull<Span>) {
        // SAFETY: as in `insert`.
        unsafe {
            let (previous, next) = ((*span.as_ptr()).previous, (*span.as_ptr()).next);
            match previous {
                Some(previous) => (*previous.as_ptr()).next = next,
                None => self.head = next,
            }
            if let Some(next) = next {
                (*next.as_ptr()).previous = previous;
            }
            (*span.as_ptr()).next = None;
            (*span.as_ptr()).previous = None;
        }
    }
}
