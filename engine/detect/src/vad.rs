//! Is somebody speaking? An energy gate between a floor and a peak that both follow the line.
//!
//! The floor is the lowest smoothed level of the last two seconds, so it is right as soon as there was a tenth of a
//! second of quiet; a floor that only creeps up from a fixed start takes noise for speech for seconds, and people in
//! noise for machines. The bar lies between the floor and the recent peak, so it needs no setting for loud or quiet
//! lines.

/// Frames (20 ms) over which the floor is the minimum: 2 s.
const FLOOR_FRAMES: usize = 100;
/// The floor is never taken lower: digital silence must not make the smallest noise speech.
const FLOOR_LEAST_DB: f32 = -78.0;
/// Speech is never quieter than this.
const SPEECH_LEAST_DB: f32 = -58.0;
/// Speech stands at least this far above the floor, and this share of the way to the peak.
const ABOVE_FLOOR_DB: f32 = 8.0;
const SHARE_TO_PEAK: f32 = 0.4;
/// How fast the peak is forgotten: 4 dB a second.
const PEAK_FALL_DB: f32 = 0.08;
/// Frames that speech is held over a dip, the last one included.
pub(crate) const HANG_FRAMES: u32 = 4;

/// The gate's state.
#[derive(Clone, Debug)]
pub(crate) struct Vad {
    smoothed: [f32; FLOOR_FRAMES],
    frames: usize,
    last: [f32; 2],
    peak_db: f32,
    hang: u32,
}

impl Vad {
    pub(crate) const fn new() -> Vad {
        Vad { smoothed: [0.0; FLOOR_FRAMES], frames: 0, last: [0.0; 2], peak_db: FLOOR_LEAST_DB, hang: 0 }
    }

    /// The level of the next frame; true while somebody speaks.
    pub(crate) fn frame(&mut self, level_db: f32) -> bool {
        let level_db = level_db.max(FLOOR_LEAST_DB);
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
        let bar = (floor + ABOVE_FLOOR_DB).max(floor + SHARE_TO_PEAK * (self.peak_db - floor)).max(SPEECH_LEAST_DB);
        self.hang = if smooth > bar { HANG_FRAMES } else { self.hang.saturating_sub(1) };
        self.hang > 0
    }

    /// The recent peak, which stands for how loud the line is.
    pub(crate) fn peak_db(&self) -> f32 {
        self.peak_db
    }
}
