//! Chunks and spans: where the slab's memory comes from, and where it goes back to.
//!
//! What for: memory is taken from the system 2 MiB at a time, in the size and at the alignment of
//! a huge page, and given out as spans of 64 KiB.
//!
//! How: the headers of a chunk's 32 spans stand together at its start, one cache line each. The
//! header of any object is found by masking its address. (At the start of each span they would all
//! fall into one set of the processor's caches, and each object that is freed needs one.) The first
//! span is shorter by the headers' 2 KiB.
//!
//! Guarantees: a free span goes to the lowest chunk that has one, so that the others can become
//! empty. At most one chunk without a span in use is kept; further ones are unmapped at once. The
//! first chunk is in ordinary pages, so that a small program pays for what it touches; later ones
//! ask for huge pages, which cost a third for each byte. A span that becomes one of tasks is zero.
//!
//! Go's equivalent: runtime/mheap.go (`allocSpan`, `freeSpan`), with arenas in place of chunks; Go
//! gives memory back in the background (runtime/mgcscavenge.go).

use std::ptr::{null_mut, NonNull};
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use crate::lock::Mutex;

use super::central::FreeObject;
use super::class::{class_size, Kind};

const CHUNK: usize = 2 << 20;
const SPAN: usize = 64 << 10;
const SPANS: usize = CHUNK / SPAN;
/// The headers of all spans of a chunk, at its start.
const HEADERS: usize = SPANS * size_of::<Span>();

/// A span's header.
#[repr(C, align(64))]
pub(super) struct Span {
    /// Links of the central list. Guarded, as `free` and `live` are, by that list's lock.
    pub(super) next: Option<NonNull<Span>>,
    pub(super) previous: Option<NonNull<Span>>,
    /// Objects that were handed out and came back.
    pub(super) free: *mut FreeObject,
    /// Objects handed out, and not come back.
    pub(super) live: u32,
    /// Slots below this were handed out at some time; the rest is untouched. Written under the
    /// central list's lock. Read without it by `for_each_task_slot`, where any value it ever had
    /// will do, but for those older than allocations that happened before the walk, which
    /// coherence of the one atomic rules out. So all of its accesses are relaxed.
    pub(super) carved: AtomicU32,
    /// How many objects fit, and of which size. These and `owner` are written under the heap's
    /// lock, while the span is in no use, and constant while it is.
    pub(super) slots: u32,
    size: u32,
    owner: Option<Kind>,
    /// Bytes from the first slot on that may not be zero, from earlier uses. The heap's.
    dirty: u32,
    /// The chunk's place in the heap's table. The heap's.
    chunk: u32,
}

const _: () = assert!(size_of::<Span>() == 64);

impl Span {
    /// The span that an object lies in.
    ///
    /// # Safety
    /// The object is one of a span in use, with the provenance it was allocated with.
    pub(super) unsafe fn of(object: NonNull<u8>) -> NonNull<Span> {
        let within = object.as_ptr().addr() % CHUNK;
        // SAFETY: the object is in a chunk, which begins at a multiple of its size with the headers
        // of its spans in order, and is not null.
        unsafe { object.byte_sub(within).cast::<Span>().add(within / SPAN) }
    }

    /// The object with this number.
    ///
    /// # Safety
    /// The span is in use, and `slot` is below its `slots`.
    pub(super) unsafe fn slot(span: NonNull<Span>, slot: u32) -> NonNull<u8> {
        // SAFETY: a header that exists, whose size is constant while the span is in use.
        let size = unsafe { (*span.as_ptr()).size };
        // SAFETY: `assign` made sure that `slots` of this size fit into the span.
        unsafe { Span::first_slot(span).add(slot as usize * size as usize) }
    }

    /// Where the span's objects begin.
    ///
    /// # Safety
    /// The header is one of a mapped chunk.
    unsafe fn first_slot(span: NonNull<Span>) -> NonNull<u8> {
        let within = span.as_ptr().addr() % CHUNK;
        let number = within / size_of::<Span>();
        // SAFETY: the header's chunk begins `within` bytes before it, and the span with this number
        // is in the same chunk; the first one begins with the headers.
        unsafe {
            span.cast::<u8>().sub(within).add(number * SPAN + if number == 0 { HEADERS } else { 0 })
        }
    }

    /// Makes a span that is in no use one of this kind and class.
    ///
    /// # Safety
    /// The calling thread holds the heap's lock, and the span is in no use.
    unsafe fn assign(span: NonNull<Span>, kind: Kind, class: u8) {
        let size = class_size(kind, class);
        let ptr = span.as_ptr();
        // SAFETY: nobody else knows a span in no use; its header and memory are the heap's.
        unsafe {
            let first = Span::first_slot(span);
            if kind == Kind::Task && (*ptr).dirty != 0 {
                first.write_bytes(0, (*ptr).dirty as usize);
                (*ptr).dirty = 0;
            }
            let room = SPAN - first.as_ptr().addr() % SPAN;
            (*ptr).next = None;
            (*ptr).previous = None;
            (*ptr).free = null_mut();
            (*ptr).live = 0;
            (*ptr).carved.store(0, Ordering::Relaxed);
            (*ptr).slots = (room / size) as u32;
            (*ptr).size = size as u32;
            (*ptr).owner = Some(kind);
        }
    }
}

/// All chunks.
pub(super) struct Heap {
    chunks: Mutex<Chunks>,
    /// For `stats`: bytes in chunks, and in spans of each kind. Written under the lock; relaxed, as
    /// nothing is read on their account.
    mapped: AtomicUsize,
    in_spans: [AtomicUsize; 2],
}

/// The table of chunks, in which unmapped ones leave gaps.
struct Chunks {
    table: Vec<Option<Chunk>>,
    /// No chunk before this place has a free span.
    lowest: usize,
    /// Chunks of which all spans are free: one at most between two calls.
    spares: usize,
}

struct Chunk {
    base: NonNull<Span>,
    /// A bit for each span that is in no use.
    free: u32,
}

// SAFETY: chunks are plain memory, reached through the table only under its lock.
unsafe impl Send for Chunk {}

impl Heap {
    pub(super) const fn new() -> Heap {
        Heap {
            chunks: Mutex::new(Chunks { table: Vec::new(), lowest: 0, spares: 0 }),
            mapped: AtomicUsize::new(0),
            in_spans: [const { AtomicUsize::new(0) }; 2],
        }
    }

    /// A span for objects of this kind and class, which the caller has alone; `None` when the
    /// system gives no more memory.
    pub(super) fn take(&self, kind: Kind, class: u8) -> Option<NonNull<Span>> {
        let mut chunks = self.chunks.lock();
        let span = match chunks.take() {
            Some(span) => span,
            None => {
                // Without the lock, since the first touch of a huge page takes long. Two threads
                // may both bring a chunk then; both are used in the end.
                drop(chunks);
                // Relaxed: where two threads both make the first chunk, both are in small pages.
                let huge = self.mapped.load(Ordering::Relaxed) != 0;
                let base = map_chunk(huge)?;
                chunks = self.chunks.lock();
                // SAFETY: a fresh chunk.
                if unsafe { !chunks.add(base) } {
                    drop(chunks);
                    // SAFETY: the chunk got into no table, so nobody knows it.
                    unsafe { unmap_chunk(base) };
                    return None;
                }
                self.mapped.fetch_add(CHUNK, Ordering::Relaxed);
                chunks.take().expect("the chunk just added has free spans")
            }
        };
        // SAFETY: under the lock, a span that `take` just found in no use. The walk cannot see it
        // before the lock is released.
        unsafe { Span::assign(span, kind, class) };
        self.in_spans[kind as usize].fetch_add(SPAN, Ordering::Relaxed);
        Some(span)
    }

    /// Takes a span back.
    ///
    /// # Safety
    /// The span is in use, the caller has it alone, and none of its objects is in use.
    pub(super) unsafe fn release(&self, span: NonNull<Span>) {
        let mut chunks = self.chunks.lock();
        let ptr = span.as_ptr();
        // SAFETY: the caller hands the span over, and the lock makes the heap's fields ours.
        let (kind, place) = unsafe {
            // Relaxed: whoever wrote it last had the span before the caller did.
            let used = (*ptr).carved.load(Ordering::Relaxed) * (*ptr).size;
            (*ptr).dirty = (*ptr).dirty.max(used);
            ((*ptr).owner.take().expect("a span in use has a kind"), (*ptr).chunk as usize)
        };
        self.in_spans[kind as usize].fetch_sub(SPAN, Ordering::Relaxed);
        let number = ptr.addr() % CHUNK / size_of::<Span>();
        let unused = chunks.give(place, number);
        if unused.is_some() {
            self.mapped.fetch_sub(CHUNK, Ordering::Relaxed);
        }
        // Unmapping takes long, and the table has forgotten the chunk already.
        drop(chunks);
        if let Some(base) = unused {
            // SAFETY: all spans of the chunk are free, and the table does not have it any more.
            unsafe { unmap_chunk(base) };
        }
    }

    pub(super) fn for_each_task_slot(&self, f: &mut dyn FnMut(NonNull<u8>)) {
        // Held throughout: spans are assigned and released under this lock only.
        let chunks = self.chunks.lock();
        for chunk in chunks.table.iter().flatten() {
            for number in (0..SPANS).filter(|number| chunk.free & (1 << number) == 0) {
                // SAFETY: a chunk of the table is mapped, and has a header for each of its spans.
                // `owner` is the heap's field, so under its lock it does not change.
                let (span, owner) = unsafe {
                    let span = chunk.base.add(number);
                    (span, (*span.as_ptr()).owner)
                };
                if owner != Some(Kind::Task) {
                    continue;
                }
                // SAFETY: as above; `carved` is an atomic, so it may change meanwhile.
                let carved = unsafe { (*span.as_ptr()).carved.load(Ordering::Relaxed) };
                for slot in 0..carved {
                    // SAFETY: in use as long as the lock is held; `carved` is at most `slots`.
                    f(unsafe { Span::slot(span, slot) });
                }
            }
        }
    }

    pub(super) fn stats(&self) -> (usize, usize, usize) {
        (
            self.mapped.load(Ordering::Relaxed),
            self.in_spans[Kind::Task as usize].load(Ordering::Relaxed),
            self.in_spans[Kind::Block as usize].load(Ordering::Relaxed),
        )
    }
}

impl Chunks {
    /// Takes a free span from the first chunk that has one.
    fn take(&mut self) -> Option<NonNull<Span>> {
        while let Some(place) = self.table.get_mut(self.lowest) {
            if let Some(chunk) = place.as_mut().filter(|chunk| chunk.free != 0) {
                if chunk.free == u32::MAX {
                    self.spares -= 1;
                }
                let number = chunk.free.trailing_zeros();
                chunk.free &= chunk.free - 1;
                // SAFETY: a mapped chunk, which has a header for each bit.
                return Some(unsafe { chunk.base.add(number as usize) });
            }
            self.lowest += 1;
        }
        None
    }

    /// Puts a span back. Returns its chunk if that is to be unmapped, and is out of the table.
    fn give(&mut self, place: usize, number: usize) -> Option<NonNull<Span>> {
        let chunk = self.table[place].as_mut().expect("a span's chunk is in the table");
        debug_assert!(chunk.free & (1 << number) == 0, "a span is given back once");
        chunk.free |= 1 << number;
        if chunk.free == u32::MAX {
            if self.spares > 0 {
                return self.table[place].take().map(|chunk| chunk.base);
            }
            self.spares = 1;
        }
        self.lowest = self.lowest.min(place);
        None
    }

    /// Puts a new chunk into the table; `false` if there is no memory for its entry.
    ///
    /// # Safety
    /// The chunk is mapped, zero, and nobody else's.
    unsafe fn add(&mut self, base: NonNull<Span>) -> bool {
        let place = match self.table.iter().position(Option::is_none) {
            Some(place) => place,
            None if self.table.try_reserve(1).is_err() => return false,
            None => {
                self.table.push(None);
                self.table.len() - 1
            }
        };
        for number in 0..SPANS {
            // SAFETY: within the chunk, aligned, and nobody else looks at it yet.
            unsafe {
                base.add(number).write(Span {
                    next: None,
                    previous: None,
                    free: null_mut(),
                    live: 0,
                    carved: AtomicU32::new(0),
                    slots: 0,
                    size: 0,
                    owner: None,
                    dirty: 0,
                    chunk: place as u32,
                });
            }
        }
        self.table[place] = Some(Chunk { base, free: u32::MAX });
        self.spares += 1;
        self.lowest = self.lowest.min(place);
        true
    }
}

/// Maps a chunk: zero, at a multiple of its size, its first page touched.
fn map_chunk(huge: bool) -> Option<NonNull<Span>> {
    // The kernel puts mappings of 2 MiB side by side, or aligns them by itself, so one attempt
    // without waste mostly succeeds. Else: twice as much, and what is outside goes back.
    let mut base = map(CHUNK)?;
    if base.addr().get() % CHUNK != 0 {
        // SAFETY: the mapping just made, which nobody else knows.
        unsafe { unmap(base, CHUNK) };
        let start = map(2 * CHUNK)?;
        let before = start.addr().get().next_multiple_of(CHUNK) - start.addr().get();
        // SAFETY: three parts of the mapping just made, which is of two chunks; each is of whole
        // pages, as a chunk is a multiple of any page's size.
        unsafe {
            base = start.add(before);
            unmap(start, before);
            unmap(base.add(CHUNK), CHUNK - before);
        }
    }
    if huge {
        // SAFETY: advice about our own mapping, which changes nothing of its contents. If the
        // kernel has no huge pages, then it has none.
        unsafe { libc::madvise(base.as_ptr().cast(), CHUNK, libc::MADV_HUGEPAGE) };
    }
    // SAFETY: mapped for writing. This is the touch that takes long.
    unsafe { base.write_volatile(0) };
    Some(base.cast())
}

/// # Safety
/// `base` is a chunk from [`map_chunk`], which nobody uses.
unsafe fn unmap_chunk(base: NonNull<Span>) {
    // SAFETY: the caller's promise.
    unsafe { unmap(base.cast(), CHUNK) };
}

fn map(length: usize) -> Option<NonNull<u8>> {
    let access = libc::PROT_READ | libc::PROT_WRITE;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    // SAFETY: a new mapping at an address of the kernel's choice touches no memory in use.
    let base = unsafe { libc::mmap(null_mut(), length, access, flags, -1, 0) };
    if base == libc::MAP_FAILED {
        return None;
    }
    NonNull::new(base.cast())
}

/// # Safety
/// The pages are mapped, by this module, and nobody uses them.
unsafe fn unmap(base: NonNull<u8>, length: usize) {
    // SAFETY: the caller's promise. When a process has too many mappings, one cannot be cut in
    // two: then the addresses are lost, but the memory still goes back.
    unsafe {
        if length != 0 && libc::munmap(base.as_ptr().cast(), length) != 0 {
            libc::madvise(base.as_ptr().cast(), length, libc::MADV_DONTNEED);
        }
    }
}
