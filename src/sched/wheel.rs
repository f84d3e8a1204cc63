//! A hierarchical timing wheel: what is to happen at which tick, for any number of entries.
//!
//! Eight levels of 64 slots. An entry lies on the level of the highest digit (of 6 bits) in which
//! its tick differs from the present one, in the slot of that digit: so all of a lower level comes
//! before all of a higher one, and the next event is found by two bit scans. When the present
//! reaches a slot of a higher level, its entries move down; each moves at most seven times, and one
//! of less than 64 ticks never. Adding and removing take the same few steps whether there are ten
//! entries or a million, where a heap's path through the caches grows.
//!
//! Entries lie in a vector and are linked by number, so that adding allocates nothing but when that
//! grows; who added one has its number and generation, with which it is removed at once.
//!
//! Go: `runtime/time.go` has a heap of four branches for each P (`timers`), and lets removed timers
//! lie in it until they come up.

#[cfg(test)]
#[path = "wheel/tests.rs"] // said, since the loom models include this file by its path
mod tests;

const DIGIT_BITS: u32 = 6;
const SLOTS: usize = 1 << DIGIT_BITS;
const LEVELS: usize = 8;

/// The first tick that a wheel cannot hold.
pub(crate) const END: u64 = 1 << (DIGIT_BITS * LEVELS as u32);

/// No entry.
const NONE: u32 = u32::MAX;

/// A vector of more entries than this is given back when the last one goes.
const KEPT: usize = 1024;

struct Entry<T> {
    tick: u64,
    /// None: the entry is free.
    target: Option<T>,
    /// The next one in the same slot, in a ring; or the next free one.
    next: u32,
    previous: u32,
    /// Counts the uses of this place, so that an old key does not fit a new entry.
    generation: u32,
    level: u8,
    slot: u8,
}

/// What identifies an entry, also after it is gone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct EntryKey {
    index: u32,
    generation: u32,
}

/// The wheel.
pub(crate) struct Wheel<T> {
    /// Everything before this tick has happened. (What is at it may still be under way.)
    present: u64,
    /// A bit for each slot that has entries.
    occupied: [u64; LEVELS],
    /// The first entry of each slot.
    first: [[u32; SLOTS]; LEVELS],
    /// A slot that the present has reached and whose entries have not all moved down.
    moving: Option<(usize, usize)>,
    entries: Vec<Entry<T>>,
    free: u32,
    count: usize,
    /// So that keys of a vector that was given back do not fit the next one.
    first_generation: u32,
}

impl<T> Wheel<T> {
    /// An empty wheel at tick 0.
    pub(crate) fn new() -> Wheel<T> {
        Wheel {
            present: 0,
            occupied: [0; LEVELS],
            first: [[NONE; SLOTS]; LEVELS],
            moving: None,
            entries: Vec::new(),
            free: NONE,
            count: 0,
            first_generation: 0,
        }
    }

    /// Adds an entry for a tick below [`END`]; for one that has passed, at the next.
    pub(crate) fn add(&mut self, tick: u64, target: T) -> EntryKey {
        debug_assert!(tick < END);
        let tick = tick.max(self.present + 1);
        let index = match self.free {
            NONE => {
                let index = self.entries.len() as u32;
                // The tasks that wait would have used up the memory long before.
                assert!(index != NONE, "more than four thousand million timers");
                self.entries.push(Entry {
                    tick,
                    target: Some(target),
                    next: NONE,
                    previous: NONE,
                    generation: self.first_generation,
                    level: 0,
                    slot: 0,
                });
                index
            }
            index => {
                let entry = &mut self.entries[index as usize];
                self.free = entry.next;
                entry.tick = tick;
                entry.target = Some(target);
                index
            }
        };
        self.count += 1;
        self.link(index);
        EntryKey { index, generation: self.entries[index as usize].generation }
    }

    /// Removes an entry, unless it has happened.
    pub(crate) fn remove(&mut self, key: EntryKey) -> Option<T> {
        let entry = self.entries.get(key.index as usize)?;
        if entry.generation != key.generation || entry.target.is_none() {
            return None;
        }
        self.unlink(key.index);
        self.free(key.index)
    }

    /// The tick at which there is something to do; or to move, so nothing happens before it.
    pub(crate) fn next(&self) -> Option<u64> {
        if self.moving.is_some() {
            return Some(self.present);
        }
        self.next_slot().map(|(_, _, tick)| tick)
    }

    /// Goes on to the tick `now` and tells `happens` what is due, in the order of the ticks. Stops
    /// after so many `steps` (an entry that happens, or moves) and then returns false: it is to be
    /// called again.
    pub(crate) fn advance(
        &mut self,
        now: u64,
        mut steps: usize,
        mut happens: impl FnMut(T),
    ) -> bool {
        loop {
            if self.moving.is_none() {
                match self.next_slot() {
                    Some((level, slot, tick)) if tick <= now => {
                        self.present = tick;
                        self.moving = Some((level, slot));
                    }
                    _ => break,
                }
            }
            let Some((level, slot)) = self.moving else { unreachable!("set above") };
            while self.first[level][slot] != NONE {
                if steps == 0 {
                    return false;
                }
                steps -= 1;
                let index = self.first[level][slot];
                self.unlink(index);
                if self.entries[index as usize].tick <= self.present {
                    self.free(index).into_iter().for_each(&mut happens);
                } else {
                    self.link(index);
                }
            }
            self.moving = None;
        }
        self.present = self.present.max(now);
        true
    }

    fn next_slot(&self) -> Option<(usize, usize, u64)> {
        let level = self.occupied.iter().position(|slots| *slots != 0)?;
        let slot = self.occupied[level].trailing_zeros() as usize;
        let shift = DIGIT_BITS * level as u32;
        // Its higher digits are the present's; in its own it is ahead.
        let higher = self.present >> (shift + DIGIT_BITS) << DIGIT_BITS;
        Some((level, slot, (higher | slot as u64) << shift))
    }

    /// Puts an entry at the end of the slot where it belongs now.
    fn link(&mut self, index: u32) {
        let tick = self.entries[index as usize].tick;
        let differ = tick ^ self.present;
        debug_assert!(tick > self.present);
        let level = ((63 - differ.leading_zeros()) / DIGIT_BITS) as usize;
        let slot = (tick >> (DIGIT_BITS * level as u32)) as usize % SLOTS;
        let first = self.first[level][slot];
        let last = if first == NONE {
            self.first[level][slot] = index;
            self.occupied[level] |= 1 << slot;
            index
        } else {
            std::mem::replace(&mut self.entries[first as usize].previous, index)
        };
        self.entries[last as usize].next = index;
        let entry = &mut self.entries[index as usize];
        entry.next = if first == NONE { index } else { first };
        entry.previous = last;
        entry.level = level as u8;
        entry.slot = slot as u8;
    }

    fn unlink(&mut self, index: u32) {
        let entry = &self.entries[index as usize];
        let (next, previous) = (entry.next, entry.previous);
        let (level, slot) = (entry.level as usize, entry.slot as usize);
        if next == index {
            self.first[level][slot] = NONE;
            self.occupied[level] &= !(1 << slot);
            return;
        }
        self.entries[next as usize].previous = previous;
        self.entries[previous as usize].next = next;
        if self.first[level][slot] == index {
            self.first[level][slot] = next;
        }
    }

    /// Frees an entry that is in no slot.
    fn free(&mut self, index: u32) -> Option<T> {
        let entry = &mut self.entries[index as usize];
        entry.generation = entry.generation.wrapping_add(1);
        entry.next = self.free;
        let target = entry.target.take();
        self.free = index;
        self.count -= 1;
        if self.count == 0 && self.entries.len() > KEPT {
            // A burst is over. Old keys must not fit what comes.
            let newest = self.entries.iter().map(|entry| entry.generation).max();
            self.first_generation = newest.unwrap_or(0).wrapping_add(1);
            self.entries = Vec::new();
            self.free = NONE;
        }
        target
    }
}
