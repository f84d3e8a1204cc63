//! A task's memory: the header, and behind it the closure, then the result.
//!
//! Closure and result share their place: the closure is moved out to the task's own stack before
//! the result is moved in. What is too large for a slab slot (or aligned too strictly) is boxed, so
//! that every task is found in the slabs.
//!
//! Go: `runtime/proc.go` `newproc1`; a goroutine's closure is a heap object of its own and it has
//! no result.

use super::header::{Header, Vtable};
use super::reason::WaitReason;
use super::state::State;
use crate::atomic::AtomicU32;
use crate::peek::PeekU32;
use crate::stack::image::Image;
use crate::stack::ownership::Waiter;
use crate::stack::slab::{self, Kind};
use std::cell::{Cell, UnsafeCell};
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::panic::{self, AssertUnwindSafe, Location};
use std::ptr::{self, NonNull};
use std::sync::atomic::AtomicBool;
use std::thread;

/// How a closure and its result are kept in the task.
pub(crate) trait Storage<F, T> {
    type Closure;
    type Output;
    fn pack(closure: F) -> Self::Closure;
    fn call(closure: Self::Closure) -> Self::Output;
    fn unpack(output: Self::Output) -> T;
}

/// In the slot itself.
pub(crate) struct Inline;

impl<F: FnOnce() -> T, T> Storage<F, T> for Inline {
    type Closure = F;
    type Output = T;
    fn pack(closure: F) -> F {
        closure
    }
    #[inline]
    fn call(closure: F) -> T {
        closure()
    }
    fn unpack(output: T) -> T {
        output
    }
}

/// In boxes, for what is large.
pub(crate) struct Boxed;

impl<F: FnOnce() -> T, T> Storage<F, T> for Boxed {
    type Closure = Box<F>;
    type Output = Box<T>;
    fn pack(closure: F) -> Box<F> {
        Box::new(closure)
    }
    fn call(closure: Box<F>) -> Box<T> {
        Box::new((*closure)())
    }
    fn unpack(output: Box<T>) -> T {
        *output
    }
}

union Payload<C, O> {
    closure: ManuallyDrop<C>,
    result: ManuallyDrop<thread::Result<O>>,
}

#[repr(C)]
struct TaskCell<C, O> {
    header: Header,
    payload: UnsafeCell<Payload<C, O>>,
}

/// What a new task is told about itself.
pub(crate) struct Birth {
    pub(crate) runtime: *const (),
    pub(crate) id: u64,
    pub(crate) location: &'static Location<'static>,
    pub(crate) name: Option<Box<Box<str>>>,
    pub(crate) pinned: bool,
}

/// The `unpark` entry of a vtable.
pub(crate) type UnparkFn = unsafe fn(NonNull<Header>);

/// Supplies the constant parts of a vtable that the task layer does not know.
pub(crate) trait Hooks {
    const UNPARK: UnparkFn;
    /// The error of a task that was cancelled before it ran.
    const CANCELLED_PAYLOAD: fn() -> Box<dyn std::any::Any + Send>;
}

struct Table<F, T, S, H>(PhantomData<(F, T, S, H)>);

impl<F: FnOnce() -> T, T, S: Storage<F, T>, H: Hooks> Table<F, T, S, H> {
    const SIZE: usize = size_of::<TaskCell<S::Closure, S::Output>>();
    const CLASS: u8 = match slab::class_of(Kind::Task, Self::SIZE) {
        Some(class) => class,
        None => u8::MAX, // not used: `allocate` boxes such a task
    };
    const VTABLE: Vtable = Vtable {
        run: run::<F, T, S, H>,
        take_result: take_result::<F, T, S>,
        drop_result: drop_result::<F, T, S>,
        unpark: H::UNPARK,
        class: Self::CLASS,
    };
    const FITS: bool =
        Self::CLASS != u8::MAX && align_of::<TaskCell<S::Closure, S::Output>>() <= slab::ALIGN;
}

/// Makes a task of a closure, with two references (the scheduler's and the handle's). None if there
/// is no memory.
///
/// # Safety
///
/// The closure and its result may be used and dropped on any thread, at any time until the task has
/// ended and its handle is gone.
pub(crate) unsafe fn allocate<F: FnOnce() -> T, T, H: Hooks + 'static>(
    cache: Option<&mut slab::Cache>,
    birth: Birth,
    closure: F,
) -> Option<NonNull<Header>> {
    // SAFETY: passed on.
    unsafe {
        if const { Table::<F, T, Inline, H>::FITS } {
            allocate_as::<F, T, Inline, H>(cache, birth, closure)
        } else {
            allocate_as::<F, T, Boxed, H>(cache, birth, closure)
        }
    }
}

unsafe fn allocate_as<F: FnOnce() -> T, T, S: Storage<F, T>, H: Hooks>(
    cache: Option<&mut slab::Cache>,
    birth: Birth,
    closure: F,
) -> Option<NonNull<Header>> {
    let vtable = const { &Table::<F, T, S, H>::VTABLE };
    let slot = match cache {
        Some(cache) => cache.alloc(Kind::Task, vtable.class)?,
        None => slab::alloc_uncached(Kind::Task, vtable.class)?,
    };
    let cell = slot.cast::<TaskCell<S::Closure, S::Output>>();
    // SAFETY: the slot is ours and large enough. `refs` stays zero, as it is in a free slot, until
    // all else is written: a walk may look at it at any time, so it is never written as a plain
    // field.
    unsafe {
        let header = &raw mut (*cell.as_ptr()).header;
        (&raw mut (*header).vtable).write(vtable);
        (&raw mut (*header).state).write(State::new());
        (&raw mut (*header).runtime).write(birth.runtime);
        (&raw mut (*header).id).write(birth.id);
        (&raw mut (*header).location).write(birth.location);
        (&raw mut (*header).image).write(Image::new());
        (&raw mut (*header).waiter).write(Waiter::new());
        (&raw mut (*header).joiner).write(UnsafeCell::new(None));
        (&raw mut (*header).name).write(birth.name);
        (&raw mut (*header).locals).write(Cell::new(ptr::null_mut()));
        (&raw mut (*header).masked).write(Cell::new(false));
        (&raw mut (*header).home).write(PeekU32::new(u32::MAX));
        (&raw mut (*header).started).write(AtomicBool::new(false));
        (&raw mut (*header).thread_locked).write(Cell::new(false));
        (&raw mut (*header).thread_locks).write(Cell::new(0));
        (&raw mut (*header).unwinding).write(Cell::new(false));
        (&raw mut (*header).panicked).write(Cell::new(false));
        (&raw mut (*header).reason).write(WaitReason::new());
        (&raw mut (*header).pinned).write(birth.pinned);
        let payload = Payload { closure: ManuallyDrop::new(S::pack(closure)) };
        (&raw mut (*cell.as_ptr()).payload).write(UnsafeCell::new(payload));
        super::header::publish(cell.cast(), 2);
    }
    Some(cell.cast())
}

/// # Safety
///
/// `header` is a task of this type that has not run; the caller is its own stack.
unsafe fn run<F: FnOnce() -> T, T, S: Storage<F, T>, H: Hooks>(header: NonNull<Header>) {
    let cell = header.cast::<TaskCell<S::Closure, S::Output>>();
    // SAFETY: until DONE the payload belongs to the running task, and it holds the closure.
    let (payload, cancelled) =
        unsafe { ((*cell.as_ptr()).payload.get(), header.as_ref().state.is_cancelled()) };
    // SAFETY: as above; the closure is moved out exactly once.
    let closure = unsafe { ManuallyDrop::take(&mut (*payload).closure) };
    let outcome = panic::catch_unwind(AssertUnwindSafe(|| {
        if cancelled {
            // SAFETY: the running task is alive.
            unsafe { header.as_ref() }.state.begin_unwinding(); // what is dropped may park
            drop(closure);
            None
        } else {
            Some(S::call(closure))
        }
    }));
    let result = match outcome {
        Ok(Some(output)) => Ok(output),
        Ok(None) => Err(H::CANCELLED_PAYLOAD()),
        Err(payload) => Err(payload),
    };
    // SAFETY: as above; the place is empty now.
    unsafe { payload.write(Payload { result: ManuallyDrop::new(result) }) };
}

/// # Safety
///
/// The task is done, the caller owns its result, and `to` is an uninitialised `thread::Result<T>`.
unsafe fn take_result<F, T, S: Storage<F, T>>(header: NonNull<Header>, to: *mut ()) {
    let cell = header.cast::<TaskCell<S::Closure, S::Output>>();
    // SAFETY: the payload holds the result, which the caller owns.
    unsafe {
        let result = ManuallyDrop::take(&mut (*(*cell.as_ptr()).payload.get()).result);
        to.cast::<thread::Result<T>>().write(result.map(S::unpack));
    }
}

/// # Safety
///
/// The task is done and the caller owns its result.
unsafe fn drop_result<F, T, S: Storage<F, T>>(header: NonNull<Header>) {
    let cell = header.cast::<TaskCell<S::Closure, S::Output>>();
    // SAFETY: as in `take_result`.
    unsafe { ManuallyDrop::drop(&mut (*(*cell.as_ptr()).payload.get()).result) };
}

/// A stand-in for an OS thread, so that threads park and are unparked through the same handles.
#[repr(C)]
struct ThreadCell {
    header: Header,
    thread: thread::Thread,
}

static THREAD_VTABLE: Vtable = Vtable {
    run: |_| unreachable!("a thread is not scheduled"),
    take_result: |_, _| unreachable!("a thread has no result here"),
    drop_result: |_| unreachable!("a thread has no result here"),
    unpark: |header| {
        // SAFETY: whoever calls it has a reference.
        unsafe { unpark_thread(header, || ()) }
    },
    class: 0,
};

/// Makes the stand-in for the calling thread, with one reference. It is never freed by the slabs,
/// since it is not in one: `release_thread` does it.
pub(crate) fn allocate_thread(id: u64, location: &'static Location<'static>) -> NonNull<Header> {
    let thread = thread::current();
    let name = thread.name().map(|name| Box::new(name.to_string().into_boxed_str()));
    let header = Header {
        vtable: &THREAD_VTABLE,
        refs: AtomicU32::new(1),
        state: State::new(),
        runtime: ptr::null(),
        id,
        location,
        image: Image::new(),
        waiter: Waiter::new(),
        joiner: UnsafeCell::new(None),
        name,
        locals: Cell::new(ptr::null_mut()),
        masked: Cell::new(false),
        home: PeekU32::new(u32::MAX),
        started: AtomicBool::new(true),
        thread_locked: Cell::new(true),
        thread_locks: Cell::new(0),
        unwinding: Cell::new(false),
        panicked: Cell::new(false),
        reason: WaitReason::new(),
        pinned: true,
    };
    NonNull::from(Box::leak(Box::new(ThreadCell { header, thread }))).cast()
}

/// Frees a stand-in.
///
/// # Safety
///
/// `header` came from [`allocate_thread`] and nobody refers to it any more.
pub(crate) unsafe fn free_thread(header: NonNull<Header>) {
    // SAFETY: made by Box::leak of this type.
    drop(unsafe { Box::from_raw(header.cast::<ThreadCell>().as_ptr()) });
}

/// Wakes a thread, or leaves it a notification. `done` is called when it is certain that it goes
/// on; unless the stand-in is referenced otherwise, it may be gone from then on.
///
/// # Safety
///
/// `header` is a stand-in that is alive until `done` is called.
pub(crate) unsafe fn unpark_thread(header: NonNull<Header>, done: impl FnOnce()) {
    // SAFETY: passed on.
    let cell = unsafe { header.cast::<ThreadCell>().as_ref() };
    let thread = cell.thread.clone();
    let parked = cell.header.state.unpark();
    done();
    if parked {
        thread.unpark();
    }
}
