//! Is somebody speaking? An energy gate between a floor and a peak that both follow the line.
//!
//! The floor is the lowest smoothed level of the last two seconds, so it is right as soon as there was a tenth of a
//! second of quiet; a floor that only creeps up from a fixed start takes noise for speech for seconds, and people in
//! noise for machines. The bar lies between the floor and the recent peak, so it needs no setting for loud or quiet
//! lines.
//!
//! Two more things follow from the same levels. A *lull*: nobody speaks as loud as the line's peak any more, which a
//! television behind somebody's word cannot hide as it hides a rest from the gate. And *words cut in*: where a call begins
//! in the midst of a word, that word is the lowest level so far and the gate stays shut; once the level has fallen, the
//! levels before it were speech after all.

use crate::front::FRAME_MS;

/// Frames (20 ms) over which the floor is the minimum: 2 s.
const FLOOR_FRAMES: usize = 100;
/// The floor is never taken lower than so far under the peak, held between two levels: digital silence must not make the
/// smallest noise speech, and on a quiet line what is small is smaller.
const FLOOR_UNDER_PEAK_DB: f32 = 50.0;
const FLOOR_LEAST_DB: (f32, f32) = (-90.0, -74.0);
/// Speech is never quieter than so far under the peak, held between two levels.
const SPEECH_UNDER_PEAK_DB: f32 = 38.0;
const SPEECH_LEAST_DB: (f32, f32) = (-72.0, -58.0);
/// Speech stands at least this far above the floor, and this share of the way to the peak.
const ABOVE_FLOOR_DB: f32 = 8.0;
const SHARE_TO_PEAK: f32 = 0.4;
/// How fast the peak is forgotten: 4 dB a second.
const PEAK_FALL_DB: f32 = 0.08;
/// Frames that speech is held over a dip, the last one included.
pub(crate) const HANG_FRAMES: u32 = 4;

/// Speech comes so near to the peak again and again; what stays below it for a second is behind the one who spoke.
const LULL_DB: f32 = 8.0;
/// Words that were cut in are known within so many frames (1.5 s), are so many frames long at least (0.1 s, of which windows
/// and smoothing add some 40 ms), and are over when the level has been under the bar for so many.
const CUT_IN_FRAMES: usize = 75;
const CUT_IN_LEAST: usize = 5;
const CUT_IN_REST: u32 = 3;

/// What the gate says of 20 ms.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Gate {
    /// Somebody speaks.
    pub(crate) speech: bool,
    /// It is not as loud as who spoke before.
    pub(crate) lull: bool,
    /// It has just become known that the first sounds were words; they ended [`CUT_IN_REST_MS`] ago. Once a call.
    pub(crate) cut_in: bool,
}

/// See [`Gate::cut_in`].
pub(crate) const CUT_IN_REST_MS: u32 = CUT_IN_REST * FRAME_MS;

/// The gate's state.
#[derive(Clone, Debug)]
pub(crate) struct Vad {
    smoothed: [f32; FLOOR_FRAMES],
    frames: usize,
    last: [f32; 2],
    peak_db: f32,
    hang: u32,
    /// Frames under the bar in a row.
    under: u32,
    cut_in: bool,
}

impl Vad {
    pub(crate) const fn new() -> Vad {
        Vad {
            smoothed: [0.0; FLOOR_FRAMES],
            frames: 0,
            last: [0.0; 2],
            peak_db: FLOOR_LEAST_DB.1,
            hang: 0,
            under: 0,
            cut_in: false,
        }
    }

    /// The level of the next frame.
    pub(crate) fn frame(&mut self, level_db: f32) -> Gate {
        let least = |peak_db: f32, under_db: f32, (from, to): (f32, f32)| (peak_db - under_db).clamp(from, to);
        let level_db = level_db.max(least(self.peak_db, FLOOR_UNDER_PEAK_DB, FLOOR_LEAST_DB));
        let smooth = match self.frames {
            0 | 1 => level_db,
            _ => (level_db + self.last[0] + self.last[1]) / 3.0,
        };
        self.last = [self.last[1], level_db];
        self.smoothed[self.frames % FLOOR_FRAMES] = smooth;
        self.frames += 1;
        let known = &self.smoothed[..self.frames.min(FLOOR_FRAMES)];
        let floor = known.iter().fold(f32::MAX, |least, level| least.min(*level));
        self.peak_db = smooth.max(self.peak_db - PEAK_FALL_DB);
        let quietest_db = least(self.peak_db, SPEECH_UNDER_PEAK_DB, SPEECH_LEAST_DB);
        let bar = (floor + ABOVE_FLOOR_DB).max(floor + SHARE_TO_PEAK * (self.peak_db - floor)).max(quietest_db);
        self.hang = if smooth > bar { HANG_FRAMES } else { self.hang.saturating_sub(1) };
        self.under = if smooth > bar { 0 } else { self.under + 1 };
        let begins = self.frames <= CUT_IN_FRAMES && !self.cut_in && self.under >= CUT_IN_REST;
        let loud = || self.smoothed[..self.frames].iter().filter(|level| **level > bar).count();
        let cut_in = begins && loud() >= CUT_IN_LEAST;
        self.cut_in |= cut_in;
        Gate { speech: self.hang > 0, lull: smooth <= self.peak_db - LULL_DB, cut_in }
    }

    /// The recent peak, which stands for how loud the line is.
    pub(crate) fn peak_db(&self) -> f32 {
        self.peak_db
    }
}
