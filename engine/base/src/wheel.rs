//! A timer wheel: four levels of 256 slots, one millisecond a slot at the lowest. Insert and cancel are O(1); a timer
//! fires never early and at most one millisecond after its moment when polled every millisecond.
//!
//! SIP cancels nearly every timer it sets and RTP sets one per leg every 20 ms, so cancelling must be as cheap as
//! setting. Entries are a slab linked into per-slot lists by index; nothing is allocated after the slab has grown.

use crate::time::{Duration, Instant};
use slotmap::{SlotMap, new_key_type};

new_key_type! {
    /// Names one timer until it fires or is cancelled; stale keys are harmless.
    pub struct TimerKey;
}

const SLOT_NS: u64 = 1_000_000;
const SLOT_BITS: u32 = 8;
const SLOTS: usize = 1 << SLOT_BITS;
/// 4 levels × 8 bits of milliseconds = 49 days; later timers wait in the last slot of the top level and are looked at
/// again when it comes up.
const LEVELS: usize = 4;
const TOP_SHIFT: u32 = SLOT_BITS * (LEVELS as u32 - 1);

struct Entry<T> {
    at: Instant,
    /// Breaks ties of one slot: timers of the same millisecond fire in order of time, then of insertion.
    sequence: u64,
    slot: u16,
    previous: Option<TimerKey>,
    next: Option<TimerKey>,
    value: T,
}

/// Timers carrying a value of type `T`.
pub struct TimerWheel<T> {
    entries: SlotMap<TimerKey, Entry<T>>,
    heads: [Option<TimerKey>; SLOTS * LEVELS],
    /// One bit per slot, four words of 64 per level: finds the next used slot without a walk.
    used: [[u64; SLOTS / 64]; LEVELS],
    /// Every slot before this tick (milliseconds) is empty.
    tick: u64,
    sequence: u64,
    /// Timers that are due, sorted so that the earliest is last; refilled a slot at a time.
    due: Vec<(Instant, u64, TimerKey)>,
}

/// Marks an entry that sits in `due` and not in a slot.
const IN_DUE: u16 = u16::MAX;

impl<T> Default for TimerWheel<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> TimerWheel<T> {
    /// An empty wheel that starts at `Instant::ZERO`.
    pub fn new() -> Self {
        TimerWheel {
            entries: SlotMap::with_key(),
            heads: [None; SLOTS * LEVELS],
            used: [[0; SLOTS / 64]; LEVELS],
            tick: 0,
            sequence: 0,
            due: Vec::new(),
        }
    }

    /// Number of timers set.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True when no timer is set.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Sets a timer for `at`; a moment in the past fires at the next poll.
    pub fn insert(&mut self, at: Instant, value: T) -> TimerKey {
        self.sequence += 1;
        let entry = Entry { at, sequence: self.sequence, slot: IN_DUE, previous: None, next: None, value };
        let key = self.entries.insert(entry);
        self.place(key);
        key
    }

    /// Takes a timer away before it fires; `None` when it has fired or was cancelled.
    pub fn cancel(&mut self, key: TimerKey) -> Option<T> {
        let entry = self.entries.get(key)?;
        if entry.slot != IN_DUE {
            self.unlink(key);
        } else if let Some(position) = self.due.iter().position(|(_, _, due)| *due == key) {
            self.due.remove(position);
        }
        self.entries.remove(key).map(|entry| entry.value)
    }

    /// Takes away every timer whose value `keep` refuses; for clearing up, since it looks at all of them.
    pub fn retain(&mut self, mut keep: impl FnMut(&T) -> bool) {
        let gone: Vec<TimerKey> =
            self.entries.iter().filter(|(_, entry)| !keep(&entry.value)).map(|(key, _)| key).collect();
        for key in gone {
            self.cancel(key);
        }
    }

    /// When to poll again: the exact moment of the earliest timer, or an earlier look at a coarse slot.
    /// `None` when no timer is set.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let due = self.due.last().map(|(at, _, _)| *at);
        let waiting = self.next_tick().map(|tick| Instant::from_ns(tick * SLOT_NS));
        let exact = self.exact_in_lowest_level();
        let waiting = exact.or(waiting);
        match (due, waiting) {
            (Some(due), Some(waiting)) => Some(due.min(waiting)),
            (due, waiting) => due.or(waiting),
        }
    }

    /// The next timer whose moment is not after `now`, in order of moment. Call until `None`.
    pub fn pop_expired(&mut self, now: Instant) -> Option<(Instant, T)> {
        loop {
            if let Some(&(at, _, key)) = self.due.last() {
                if at <= now {
                    self.due.pop();
                    return self.entries.remove(key).map(|entry| (at, entry.value));
                }
                return None;
            }
            if !self.advance(now) {
                return None;
            }
        }
    }

    /// Ends the wheel: every value still set, in no promised order.
    pub fn drain(&mut self) -> Vec<T> {
        self.heads = [None; SLOTS * LEVELS];
        self.used = [[0; SLOTS / 64]; LEVELS];
        self.due.clear();
        self.entries.drain().map(|(_, entry)| entry.value).collect()
    }

    fn place(&mut self, key: TimerKey) {
        let entry = &self.entries[key];
        let at_tick = entry.at.as_ns() / SLOT_NS;
        if at_tick < self.tick {
            let item = (entry.at, entry.sequence, key);
            let position = self.due.partition_point(|other| (other.0, other.1) > (item.0, item.1));
            self.due.insert(position, item);
            self.entries[key].slot = IN_DUE;
            return;
        }
        // One slot short of a whole turn: a full one would come out in the slot at the position itself, which is due now.
        let horizon = ((self.tick >> TOP_SHIFT) + SLOTS as u64 - 1) << TOP_SHIFT;
        let at_tick = at_tick.min(horizon);
        let differing = at_tick ^ self.tick;
        let level = if differing == 0 { 0 } else { ((63 - differing.leading_zeros()) / SLOT_BITS) as usize };
        let level = level.min(LEVELS - 1);
        let index = ((at_tick >> (SLOT_BITS * level as u32)) as usize) & (SLOTS - 1);
        let slot = level * SLOTS + index;
        let head = self.heads[slot];
        let entry = &mut self.entries[key];
        entry.slot = slot as u16;
        entry.previous = None;
        entry.next = head;
        if let Some(head) = head {
            self.entries[head].previous = Some(key);
        }
        self.heads[slot] = Some(key);
        self.used[level][index / 64] |= 1 << (index % 64);
    }

    fn unlink(&mut self, key: TimerKey) {
        let (slot, previous, next) = {
            let entry = &self.entries[key];
            (usize::from(entry.slot), entry.previous, entry.next)
        };
        match previous {
            Some(previous) => self.entries[previous].next = next,
            None => self.heads[slot] = next,
        }
        if let Some(next) = next {
            self.entries[next].previous = previous;
        }
        if self.heads[slot].is_none() {
            self.used[slot / SLOTS][(slot % SLOTS) / 64] &= !(1 << (slot % 64));
        }
    }

    /// First used slot at or after the wheel's position, as the tick at which that slot begins.
    fn next_tick(&self) -> Option<u64> {
        let mut earliest: Option<u64> = None;
        for level in 0..LEVELS {
            let shift = SLOT_BITS * level as u32;
            let position = (self.tick >> shift) as usize & (SLOTS - 1);
            // Above the lowest level the slot at the position itself was already spread out, unless its entries
            // wrapped around (top level only), so it is searched last.
            let Some(distance) = self.next_used(level, position) else {
                continue;
            };
            let base = (self.tick >> shift) + distance as u64;
            let tick = (base << shift).max(self.tick);
            earliest = Some(earliest.map_or(tick, |known| known.min(tick)));
        }
        earliest
    }

    /// Distance in slots from `position` to the next used slot of a level, looking around once.
    fn next_used(&self, level: usize, position: usize) -> Option<usize> {
        let words = &self.used[level];
        if words.iter().all(|word| *word == 0) {
            return None;
        }
        for step in 0..=SLOTS / 64 {
            let word_index = (position / 64 + step) % (SLOTS / 64);
            let mut word = words[word_index];
            if step == 0 {
                word &= u64::MAX << (position % 64);
            } else if step == SLOTS / 64 {
                word &= !(u64::MAX << (position % 64));
            }
            if word != 0 {
                let index = word_index * 64 + word.trailing_zeros() as usize;
                return Some((index + SLOTS - position) % SLOTS);
            }
        }
        None
    }

    /// The exact earliest moment when the next used slot is in the lowest level (lists there are short).
    fn exact_in_lowest_level(&self) -> Option<Instant> {
        let tick = self.next_tick()?;
        if tick >> SLOT_BITS != self.tick >> SLOT_BITS {
            return None;
        }
        let mut key = self.heads[tick as usize & (SLOTS - 1)];
        let mut earliest: Option<Instant> = None;
        while let Some(current) = key {
            let entry = &self.entries[current];
            earliest = Some(earliest.map_or(entry.at, |known| known.min(entry.at)));
            key = entry.next;
        }
        earliest
    }

    /// Moves the next used slot that begins by `now` into `due`, or spreads a coarse slot out. False when there is none.
    fn advance(&mut self, now: Instant) -> bool {
        let now_tick = now.as_ns() / SLOT_NS;
        let Some(tick) = self.next_tick().filter(|tick| *tick <= now_tick) else {
            // Nothing is due: standing at `now` keeps later insertions in fine slots.
            if self.entries.len() == self.due.len() && now_tick > self.tick {
                self.tick = now_tick;
            }
            return false;
        };
        self.tick = tick;
        for level in (1..LEVELS).rev() {
            let index = (tick >> (SLOT_BITS * level as u32)) as usize & (SLOTS - 1);
            self.respread(level, index);
        }
        let slot = tick as usize & (SLOTS - 1);
        let mut key = self.heads[slot].take();
        self.used[0][slot / 64] &= !(1 << (slot % 64));
        while let Some(current) = key {
            let entry = &mut self.entries[current];
            key = entry.next;
            entry.slot = IN_DUE;
            self.due.push((entry.at, entry.sequence, current));
        }
        self.due.sort_unstable_by_key(|due| std::cmp::Reverse((due.0, due.1)));
        self.tick = tick + 1;
        if self.tick & (SLOTS as u64 - 1) == 0 {
            for level in (1..LEVELS).rev() {
                let index = (self.tick >> (SLOT_BITS * level as u32)) as usize & (SLOTS - 1);
                self.respread(level, index);
            }
        }
        true
    }

    fn respread(&mut self, level: usize, index: usize) {
        let slot = level * SLOTS + index;
        let mut key = self.heads[slot].take();
        self.used[level][index / 64] &= !(1 << (index % 64));
        while let Some(current) = key {
            key = self.entries[current].next;
            self.place(current);
        }
    }

    /// How far a `poll_timeout` may lie before the timer itself: a coarse slot's width. For tests and docs.
    pub const ACCURACY: Duration = Duration::from_ns(SLOT_NS);
}

#[cfg(test)]
mod tests;
