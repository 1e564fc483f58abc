//! The jitter buffer: takes frames as the network brings them, gives one back each ptime.
//!
//! ```text
//!  insert(timestamp) ──> ring of cells, one frame each ──> pop() every PTIME
//!            lateness ──> target depth (1..=DEPTH_MAX frames) ──> skip or hold one frame now and then
//! ```
//!
//! Frames lie in the ring by their RTP timestamp, so that a lost packet and a pause of the sender (DTX) are told
//! apart only by the sequence number: a pause comes out as [`Pop::Empty`], a loss as [`Pop::Missing`].
//!
//! When nothing is there to play, the play point **stands still** instead of running on: a stall of the network then
//! delays the talk and loses nothing, and the delay is worked off a frame at a time once the minimum level shows it
//! is not needed. That also absorbs two clocks that drift apart: the fast sender gets a frame skipped now and then,
//! the slow one a frame held.
//!
//! **Invariants.** Memory is taken in `new` and never again. Any sequence, timestamp and order of calls is safe. A frame
//! is given at most once.

use crate::{CLOCK_HZ, FRAME_SAMPLES};
use base::Instant;

mod depth;
use depth::Depth;

/// Deepest target: 10 frames = 200 ms; more delay than that and people talk over each other (ITU-T G.114).
pub const DEPTH_MAX: usize = 10;

/// Depth before anything is known: 2 frames = 40 ms.
pub const DEPTH_START: usize = 2;

/// Cells of the ring: 32 frames = 640 ms. A burst after a stall fits (what lies above `DEPTH_MAX` is skipped at the
/// next pop); 32 × 176 bytes = 5.6 kB a buffer, 46 MB for 8,192 legs.
pub const CELLS: usize = 32;

/// A timestamp this far from the expected one (3 s) that does not follow the sequence is not believed until the next
/// packet confirms it: RFC 3550 A.1 asks two packets of a restarted sender.
const WILD_SAMPLES: i64 = 3 * CLOCK_HZ as i64;

/// Packets in a row that come too late, after which the play point, and not the packets, is taken to be wrong: 200 ms.
const LATE_IN_A_ROW_MAX: u32 = 10;

/// Pops over which the level is watched before a frame is skipped or held: 1 s.
const WATCH_POPS: u32 = 50;
/// The same when the buffer is at least two frames too deep: 200 ms.
const WATCH_POPS_DEEP: u32 = 10;

const FRAME: i64 = FRAME_SAMPLES as i64;

/// What became of a packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Insert {
    /// Stored; it will be played.
    Ok,
    /// Its moment has passed; dropped.
    Late,
    /// Already there; dropped.
    Duplicate,
    /// Far from the expected timestamp, or no frame at all (empty, or longer than `FRAME_SAMPLES`); dropped.
    TooFar,
    /// Stored, and everything before it was thrown away: the sender has started over.
    Reset,
}

/// What to play now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pop<'a> {
    /// A frame.
    Frame {
        /// The payload as it was inserted.
        payload: &'a [u8],
        /// Its RTP payload type.
        payload_type: u8,
        /// Its marker bit.
        marker: bool,
        /// Its sequence number.
        sequence: u16,
        /// Its timestamp.
        timestamp: u32,
    },
    /// A frame was lost, or must be stretched by one: conceal it.
    Missing,
    /// The sender is silent, has not begun, or the network has stalled: play silence.
    Empty,
}

/// What the buffer has done since it was made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct JitterStats {
    /// Frames given to play.
    pub played: u64,
    /// Frames that had not come when they were due although later ones had.
    pub missing: u64,
    /// Packets dropped because their moment had passed.
    pub late: u64,
    /// Packets dropped because they were there already.
    pub duplicates: u64,
    /// Packets dropped as `TooFar`.
    pub too_far: u64,
    /// Frames thrown away to shorten the delay.
    pub skipped: u64,
    /// Pops answered without a frame to lengthen the delay.
    pub held: u64,
    /// Times the sender was found to have started over.
    pub resets: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Free,
    Frame,
    /// Part of a pause of the sender.
    Pause,
}

#[derive(Clone)]
struct Cell {
    /// Frame number of what lies here; another number means that the cell is free for it.
    index: i64,
    kind: Kind,
    marker: bool,
    payload_type: u8,
    length: u8,
    sequence: u16,
    timestamp: u32,
    payload: [u8; FRAME_SAMPLES],
}

/// The buffer of one stream.
pub struct JitterBuffer {
    cells: Box<[Cell]>,
    started: bool,
    /// Frame number to be played next, and the timestamp that stands for it.
    next: i64,
    next_timestamp: u32,
    /// One past the highest frame number stored.
    end: i64,
    highest_sequence: u16,
    /// Pops still answered `Empty` before a talkspurt begins to play.
    wait: usize,
    /// Pops answered `Empty` since the ring ran dry.
    dry_pops: i64,
    /// Sequence number that would confirm a wild jump.
    confirms_jump: Option<u16>,
    late_in_a_row: u32,
    depth: Depth,
    /// Level (frames left after a pop) over the last pops: lowest, highest, and how many pops.
    level_low: i64,
    level_high: i64,
    watched: u32,
    stats: JitterStats,
}

impl Default for JitterBuffer {
    fn default() -> Self {
        Self::new()
    }
}

impl JitterBuffer {
    /// An empty buffer of target depth `DEPTH_START`; takes all the memory it will ever use.
    pub fn new() -> JitterBuffer {
        let free = Cell {
            index: -1,
            kind: Kind::Free,
            marker: false,
            payload_type: 0,
            length: 0,
            sequence: 0,
            timestamp: 0,
            payload: [0; FRAME_SAMPLES],
        };
        JitterBuffer {
            cells: vec![free; CELLS].into(),
            started: false,
            next: 0,
            next_timestamp: 0,
            end: 0,
            highest_sequence: 0,
            wait: 0,
            dry_pops: 0,
            confirms_jump: None,
            late_in_a_row: 0,
            depth: Depth::new(),
            level_low: i64::MAX,
            level_high: 0,
            watched: 0,
            stats: JitterStats::default(),
        }
    }

    /// Takes one packet: at most one frame of G.711. `now` is when it was read from the network.
    pub fn insert(
        &mut self,
        now: Instant,
        sequence: u16,
        timestamp: u32,
        marker: bool,
        payload_type: u8,
        payload: &[u8],
    ) -> Insert {
        if payload.is_empty() || payload.len() > FRAME_SAMPLES {
            self.stats.too_far += 1;
            return Insert::TooFar;
        }
        let verdict = self.place(now, sequence, timestamp, marker);
        match verdict {
            Insert::Ok | Insert::Reset => {
                self.late_in_a_row = 0;
                let cell = &mut self.cells[slot(self.index_of(timestamp))];
                *cell = Cell {
                    index: cell.index,
                    kind: Kind::Frame,
                    marker,
                    payload_type,
                    length: payload.len() as u8,
                    sequence,
                    timestamp,
                    payload: cell.payload,
                };
                cell.payload[..payload.len()].copy_from_slice(payload);
            }
            Insert::Late => self.stats.late += 1,
            Insert::Duplicate => self.stats.duplicates += 1,
            Insert::TooFar => self.stats.too_far += 1,
        }
        verdict
    }

    /// What to play now; to be called once every ptime.
    pub fn pop(&mut self) -> Pop<'_> {
        if !self.started {
            return Pop::Empty;
        }
        if self.wait > 0 {
            self.wait -= 1;
            return Pop::Empty;
        }
        let level = self.end - self.next;
        if level <= 0 {
            self.dry_pops = self.dry_pops.saturating_add(1);
            return Pop::Empty;
        }
        self.dry_pops = 0;
        let target = self.depth.target() as i64;
        if level > DEPTH_MAX as i64 + 2 {
            // A burst after a stall: all at once, or the talk stays delayed for as long as it was cut off.
            self.skip(level - target);
        } else {
            match self.watch(target) {
                Adjust::Keep => {}
                // Level 1 would leave nothing to play after the skip.
                Adjust::Skip if level > 1 => self.skip(1),
                Adjust::Skip => {}
                Adjust::Hold => {
                    self.stats.held += 1;
                    return Pop::Missing;
                }
            }
        }
        let index = self.next;
        self.advance(1);
        let left = self.end - self.next;
        self.level_low = self.level_low.min(left);
        self.level_high = self.level_high.max(left);
        self.watched += 1;
        let cell = &self.cells[slot(index)];
        match if cell.index == index { cell.kind } else { Kind::Free } {
            Kind::Frame => {
                self.stats.played += 1;
                Pop::Frame {
                    payload: &cell.payload[..usize::from(cell.length)],
                    payload_type: cell.payload_type,
                    marker: cell.marker,
                    sequence: cell.sequence,
                    timestamp: cell.timestamp,
                }
            }
            Kind::Pause => Pop::Empty,
            Kind::Free => {
                self.stats.missing += 1;
                Pop::Missing
            }
        }
    }

    /// Forgets the stream (a new SSRC, a new far end) but not the counts; the next packet starts afresh.
    pub fn reset(&mut self) {
        self.started = false;
        self.confirms_jump = None;
        self.depth.forget_timing();
    }

    /// Depth aimed at, in frames.
    pub fn target_depth(&self) -> usize {
        self.depth.target()
    }

    /// Frames between the play point and the newest packet.
    pub fn level(&self) -> usize {
        if self.started { (self.end - self.next).max(0) as usize } else { 0 }
    }

    /// What has happened so far.
    pub fn stats(&self) -> JitterStats {
        self.stats
    }

    /// Finds out what a packet is and makes its cell ready (`Ok` and `Reset`).
    fn place(&mut self, now: Instant, sequence: u16, timestamp: u32, marker: bool) -> Insert {
        if !self.started {
            self.begin_at(now, sequence, timestamp);
            return Insert::Ok;
        }
        let offset = i64::from(timestamp.wrapping_sub(self.next_timestamp) as i32);
        let follows = sequence == self.highest_sequence.wrapping_add(1);
        // A pause of any length is believed when the sequence goes on; anything else far away needs a second packet.
        if offset.abs() > WILD_SAMPLES && !(follows && offset > 0) {
            if self.confirms_jump != Some(sequence) {
                self.confirms_jump = Some(sequence.wrapping_add(1));
                return Insert::TooFar;
            }
            return self.start_over(now, sequence, timestamp);
        }
        self.confirms_jump = None;
        self.depth.observe(now, timestamp);
        let mut index = self.index_of(timestamp);
        if index < self.next && self.next - index <= self.wait as i64 {
            // Overtaken by the first packet of its talkspurt, and nothing has been played yet.
            self.next_timestamp = self.next_timestamp.wrapping_sub(((self.next - index) * FRAME) as u32);
            self.next = index;
        }
        if index < self.next {
            // What was played already is no sign of a wrong play point: only what never came in time is.
            let played = self.cells[slot(index)].index == index && self.cells[slot(index)].kind == Kind::Frame;
            if played && self.cells[slot(index)].sequence == sequence {
                return Insert::Duplicate;
            }
            self.late_in_a_row += 1;
            if self.late_in_a_row >= LATE_IN_A_ROW_MAX {
                return self.start_over(now, sequence, timestamp);
            }
            return Insert::Late;
        }
        let gap = index - self.end;
        if self.end <= self.next && (gap > 0 || marker) {
            // The ring is dry and this does not simply go on from what was played last.
            if marker || follows || gap > DEPTH_MAX as i64 {
                // A pause has ended: the new talkspurt gets the whole target depth.
                self.move_to(timestamp);
                self.wait = self.depth.target() - 1;
            } else if gap <= self.dry_pops {
                // Lost while the ring was dry: those frames had their moment, in silence.
                self.move_to(timestamp);
            } else {
                self.advance(self.dry_pops);
            }
            index = self.index_of(timestamp);
        } else if index >= self.next + CELLS as i64 {
            // Nobody pops, or a long gap in the midst of talk: the oldest frames make room.
            self.skip(index + 1 - self.next - self.depth.target() as i64);
        }
        if follows {
            // What lies between is a pause of the sender and no loss.
            for pause in self.end.max(self.next)..index {
                let cell = &mut self.cells[slot(pause)];
                (cell.index, cell.kind) = (pause, Kind::Pause);
            }
        }
        let cell = &mut self.cells[slot(index)];
        if cell.index == index && cell.kind == Kind::Frame {
            return Insert::Duplicate;
        }
        cell.index = index;
        self.end = self.end.max(index + 1);
        if sequence.wrapping_sub(self.highest_sequence) < 0x8000 {
            self.highest_sequence = sequence;
        }
        Insert::Ok
    }

    /// Frame number of a timestamp; one that lies between two frames belongs to the nearer.
    fn index_of(&self, timestamp: u32) -> i64 {
        let offset = i64::from(timestamp.wrapping_sub(self.next_timestamp) as i32);
        self.next + (offset + FRAME / 2).div_euclid(FRAME)
    }

    fn begin_at(&mut self, now: Instant, sequence: u16, timestamp: u32) {
        self.started = true;
        self.depth.forget_timing();
        self.depth.observe(now, timestamp);
        self.move_to(timestamp);
        self.wait = self.depth.target() - 1;
        self.late_in_a_row = 0;
        self.highest_sequence = sequence;
        self.cells[slot(self.next)].index = self.next;
        self.end = self.next + 1;
    }

    fn start_over(&mut self, now: Instant, sequence: u16, timestamp: u32) -> Insert {
        self.stats.resets += 1;
        self.confirms_jump = None;
        self.begin_at(now, sequence, timestamp);
        Insert::Reset
    }

    /// Puts the play point at `timestamp`, under a frame number that no cell carries yet.
    fn move_to(&mut self, timestamp: u32) {
        self.next = self.end.max(self.next) + CELLS as i64;
        self.end = self.next;
        self.next_timestamp = timestamp;
        self.dry_pops = 0;
        self.forget_levels();
    }

    fn skip(&mut self, frames: i64) {
        self.advance(frames);
        self.stats.skipped += frames as u64;
        self.forget_levels();
    }

    fn advance(&mut self, frames: i64) {
        self.next += frames;
        self.next_timestamp = self.next_timestamp.wrapping_add((frames * FRAME) as u32);
    }

    fn forget_levels(&mut self) {
        (self.level_low, self.level_high, self.watched) = (i64::MAX, 0, 0);
    }

    /// Steady play at a depth of T leaves T - 1 frames after each pop. When even the lowest level of the last second
    /// was more, a frame is too many; when even the highest was less, one is missing.
    fn watch(&mut self, target: i64) -> Adjust {
        let adjust = if self.watched >= WATCH_POPS_DEEP && self.level_low > target {
            Adjust::Skip
        } else if self.watched < WATCH_POPS {
            return Adjust::Keep;
        } else if self.level_low >= target {
            Adjust::Skip
        } else if self.level_high < target - 1 {
            Adjust::Hold
        } else {
            Adjust::Keep
        };
        if adjust != Adjust::Keep || self.watched >= WATCH_POPS {
            self.forget_levels();
        }
        adjust
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Adjust {
    Keep,
    Skip,
    Hold,
}

/// The cell of a frame number.
fn slot(index: i64) -> usize {
    index.rem_euclid(CELLS as i64) as usize
}

#[cfg(test)]
mod tests;
