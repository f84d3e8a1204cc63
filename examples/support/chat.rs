//! The tasks of the `chat_sim` example: a room, and a user.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use midge::chan::{self, Receiver, SendTimeoutError, Sender};
use midge::select;

use crate::latency::Latencies;

// Relaxed everywhere: they are counts, and the last look at them is after all tasks were joined.
/// Messages that users sent to their room.
pub static SAID: AtomicU64 = AtomicU64::new(0);
/// Messages that a room took.
pub static HEARD: AtomicU64 = AtomicU64::new(0);
/// Copies of them that a room put into inboxes.
pub static DELIVERED: AtomicU64 = AtomicU64::new(0);
/// Copies that users took out of their inboxes.
pub static READ: AtomicU64 = AtomicU64::new(0);
/// Users that a room dropped.
pub static DROPPED: AtomicU64 = AtomicU64::new(0);
/// From a message's sending until it is read.
pub static LATENCIES: Latencies = Latencies::new();

/// What users say to each other is of no importance; when is.
#[derive(Clone, Copy)]
pub struct Message {
    said: Instant,
}

/// A room gives each message to all its members, until the last user has left it. A member whose
/// inbox stays full for longer than `patience` is dropped: nobody may hold up all others.
pub fn room(hears: Receiver<Message>, mut members: Vec<Sender<Message>>, patience: Duration) {
    for message in hears {
        HEARD.fetch_add(1, Relaxed);
        members.retain(|inbox| match inbox.send_timeout(message, patience) {
            Ok(()) => {
                DELIVERED.fetch_add(1, Relaxed);
                true
            }
            Err(SendTimeoutError::Timeout(_)) => {
                DROPPED.fetch_add(1, Relaxed);
                false // its sender goes, and so it learns
            }
            Err(SendTimeoutError::Disconnected(_)) => false, // has left
        });
    }
}

/// A member of a room.
pub struct User {
    /// Messages of the room.
    pub inbox: Receiver<Message>,
    /// The room's ear.
    pub room: Sender<Message>,
    /// Gets disconnected when it is time to go.
    pub quit: Receiver<()>,
    /// When it says something for the first time,
    pub first: Duration,
    /// and the time from then on between two messages.
    pub pause: Duration,
    /// How long it thinks about each message.
    pub thinks: Duration,
}

/// What a user meets next.
enum Event {
    Read(Message),
    Tick,
    Leave,
}

impl User {
    /// Reads what comes and says something at each tick, until it shall quit or has been dropped.
    pub fn chat(self) {
        let mut typing = chan::after(self.first);
        let mut first = true;
        loop {
            let event = select! {
                recv(self.inbox) -> message => message.map_or(Event::Leave, Event::Read),
                recv(typing) -> _ => Event::Tick,
                recv(self.quit) -> _ => Event::Leave,
            };
            let stays = match event {
                Event::Read(message) => self.read(message),
                Event::Tick => {
                    if first {
                        typing = chan::tick(self.pause);
                        first = false;
                    }
                    self.say()
                }
                Event::Leave => false,
            };
            if !stays {
                return;
            }
        }
    }

    /// Says something. While the room is busy it goes on reading: if it did not, the room might
    /// wait for this inbox and this user for the room. Returns whether it stays.
    fn say(&self) -> bool {
        let message = Message { said: Instant::now() };
        loop {
            select! {
                send(self.room, message) -> sent => {
                    SAID.fetch_add(u64::from(sent.is_ok()), Relaxed);
                    return sent.is_ok();
                }
                recv(self.inbox) -> message => match message {
                    Ok(message) if self.read(message) => {}
                    _ => return false,
                },
                recv(self.quit) -> _ => return false,
            }
        }
    }

    /// Reads a message, and thinks about it unless it is time to go. Returns whether it stays.
    fn read(&self, message: Message) -> bool {
        LATENCIES.add(message.said.elapsed());
        READ.fetch_add(1, Relaxed);
        if self.thinks.is_zero() {
            return true;
        }
        select! {
            recv(self.quit) -> _ => false,
            default(self.thinks) => true,
        }
    }
}
