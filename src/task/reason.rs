//! What a task waits for, in a byte of its header.
//!
//! The task writes it with a plain store before it suspends, and again when it goes on; whoever
//! lists the tasks (`sched::dump`) reads it at any time. The words are Go's where Go has
//! one for the same thing.
//!
//! Go: `runtime/runtime2.go` `waitReason`, `waitReasonStrings`.

use std::sync::atomic::{AtomicU8, Ordering};

macro_rules! reasons {
    ($($name:ident $text:literal,)*) => {
        /// What a task is up to.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(u8)]
        pub(crate) enum Reason {
            $($name,)*
        }

        impl Reason {
            const ALL: &'static [Reason] = &[$(Reason::$name,)*];

            /// In words.
            pub(crate) fn text(self) -> &'static str {
                match self {
                    $(Reason::$name => $text,)*
                }
            }
        }
    };
}

reasons! {
    Running "running",
    Yield "runnable",
    Park "park",
    Sleep "sleep",
    Join "join",
    Scope "scope",
    Blocking "blocking",
    Context "context wait",
    ChanReceive "chan receive",
    ChanReceiveNever "chan receive (never)",
    ChanSend "chan send",
    Select "select",
    SelectNoCases "select (no cases)",
    MutexLock "sync.Mutex.Lock",
    RwLockRead "sync.RWMutex.RLock",
    RwLockWrite "sync.RWMutex.Lock",
    CondvarWait "sync.Cond.Wait",
    WaitGroupWait "sync.WaitGroup.Wait",
    SemaphoreAcquire "sync.Semaphore.acquire",
    BarrierWait "sync.Barrier.wait",
    Once "sync.Once",
}

/// The byte.
pub(crate) struct WaitReason(AtomicU8);

impl WaitReason {
    pub(crate) const fn new() -> WaitReason {
        WaitReason(AtomicU8::new(Reason::Running as u8))
    }

    /// For the task itself.
    #[inline]
    pub(crate) fn set(&self, reason: Reason) {
        // Relaxed: of a task that is seen parked, PARKED was published after it; else it is a
        // figure.
        self.0.store(reason as u8, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> Reason {
        Reason::ALL[usize::from(self.0.load(Ordering::Relaxed))]
    }
}
