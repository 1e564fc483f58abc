//! Fingerprints of recordings: what is the same on several numbers is no live person.
//!
//! ```text
//!  spectrum every 10 ms ──> 17 bands, 80 ms of them ──> Printer: 16 bits every 20 ms, and whether somebody speaks
//!    ──> from 1.2 s since the first word on ──> Search: a share of the known recordings every 20 ms ──> its kind
//!    ──> 3.2 s of them ──> Opening ──> Learner (control plane): heard on three numbers ──> Recordings, the next table
//! ```
//!
//! A bit says whether the difference of two neighbouring bands rose or fell within 80 ms: levels, coders and handsets move
//! both bands alike, so that most bits survive them; those that moved little are left out. Two openings are the same when
//! their bits agree at some shift far beyond what chance gives ([`SAME`]).
//!
//! **Invariants.** Looking up allocates nothing and costs the same however much is known: `A_FRAME` recordings every 20 ms.
//! A recording never stands for a person. Numbers are known as hashes only, and only until a recording is learnt.

use crate::Verdict;
use codecs::maths::log2;
use codecs::spectrum::{BIN_HZ, Power};
use std::sync::LazyLock;

mod learn;

pub use learn::Learner;

/// Frames (20 ms) of an opening: 3.2 s.
pub const OPENING_FRAMES: usize = 160;
/// Frames of an opening after which a call is looked up: 1.2 s.
const FIRST_LOOK_FRAMES: usize = 60;
/// Frames between two looks at what is known.
const STEP_FRAMES: usize = 5;
/// Two openings of the same recording begin at most so many frames apart: 1 s.
const SHIFT_FRAMES: usize = 50;
/// Of the frames compared at least so many are speech: less is a word, which people say alike.
const SPOKEN_LEAST: usize = 45;
/// And so many where they agree all the better: a halting or quiet recording has spoken less in 2 s.
const SPOKEN_FIRST: usize = 35;
/// Frames before the gate opened that belong to the opening: it opens late.
const BEFORE_FRAMES: usize = 4;
/// [`Opening::likeness`] of the same recording. 340 copies of 68 recordings over other lines were all recognised, and of 774
/// openings by real persons none agrees with any of them by more than 9.4 (voices and phrases for calibration).
pub const SAME: f32 = 12.0;
/// The same where less than [`SPOKEN_LEAST`] is compared.
const SAME_SOON: f32 = 16.0;
/// Frames looked at first, and how they must agree for the rest to be compared.
const PROBE_FRAMES: usize = 20;
const PROBE: f32 = 1.5;
/// Recordings compared every 20 ms: 101 shifts of mostly 20 frames are some 3 us each, all together some 45 us. That lasts
/// for the two seconds in which a call is looked up: at most 5 ms of a core for a call.
const A_FRAME: usize = 16;
/// Most recordings known: a country's networks and assistants have some dozens, and 256 of them are looked through in a
/// third of a second.
pub const RECORDINGS_MAX: usize = 256;
/// Openings that wait for their like, 300 bytes each: with ten greetings a second each is kept for 25 s, and what a campaign
/// hears on every third call comes back long before. Comparing one with all takes some 0.3 ms of the control thread.
pub const CANDIDATES_MAX: usize = 256;
/// Numbers on which an opening must have been heard.
pub const NUMBERS_LEAST: usize = 3;

/// A bit is clear where the difference moved by so many doublings (1.5 dB).
const CLEAR: f32 = 0.5;
const BANDS: usize = 17;
/// The two sums of 80 ms that are compared lie so many frames apart.
const SPAN: usize = 4;

/// First bin of each band, and the end: 300 to 3,100 Hz on the mel scale.
static EDGES: LazyLock<[usize; BANDS + 1]> = LazyLock::new(|| {
    let mel = |hz: f64| 2_595.0 * (1.0 + hz / 700.0).log10();
    let hz = |mel: f64| 700.0 * (10_f64.powf(mel / 2_595.0) - 1.0);
    let (low, high) = (mel(300.0), mel(3_100.0));
    std::array::from_fn(|edge| {
        let hz = hz(low + (high - low) * edge as f64 / BANDS as f64);
        (hz / f64::from(BIN_HZ)).round() as usize
    })
});

/// The first 3.2 s of speech as bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Opening {
    prints: [u16; OPENING_FRAMES],
    /// The bits that were clear; none where nobody spoke.
    clear: [u16; OPENING_FRAMES],
}

/// Four frames' bits side by side.
fn word([first, second, third, fourth]: [u16; 4]) -> u64 {
    u64::from(first) | u64::from(second) << 16 | u64::from(third) << 32 | u64::from(fourth) << 48
}

/// How far from chance the bits of frames side by side agree that are clear in both: bits that have nothing to do with each
/// other agree in one half and give about 0, each 1 is a standard deviation of as many tosses of a coin.
fn beyond_chance(ours: Bits<'_>, theirs: Bits<'_>) -> f32 {
    let (mut differ, mut of) = (0, 0);
    // Four frames at a time: processors count the bits of long words at the price of short ones.
    let (prints, rest) = ours.0.as_chunks::<4>();
    let (clears, clears_rest) = ours.1.as_chunks::<4>();
    let (others, others_rest) = theirs.0.as_chunks::<4>();
    let (others_clear, others_clear_rest) = theirs.1.as_chunks::<4>();
    for ((print, clear), (other, other_clear)) in prints.iter().zip(clears).zip(others.iter().zip(others_clear)) {
        let clear = word(*clear) & word(*other_clear);
        differ += ((word(*print) ^ word(*other)) & clear).count_ones();
        of += clear.count_ones();
    }
    for ((print, clear), (other, other_clear)) in
        rest.iter().zip(clears_rest).zip(others_rest.iter().zip(others_clear_rest))
    {
        let clear = clear & other_clear;
        differ += ((print ^ other) & clear).count_ones();
        of += clear.count_ones();
    }
    (of as f32 - 2.0 * differ as f32) / (of.max(1) as f32).sqrt()
}

/// Bits of some frames, and which of them are clear.
type Bits<'a> = (&'a [u16], &'a [u16]);

impl Opening {
    fn bits(&self, from: usize, count: usize) -> Bits<'_> {
        (&self.prints[from..from + count], &self.clear[from..from + count])
    }

    /// Frames of the first `frames` in which somebody speaks.
    fn spoken(&self, frames: usize) -> usize {
        self.clear[..frames].iter().filter(|clear| **clear != 0).count()
    }

    /// Up to where it was heard: the end of its last speech.
    fn length(&self) -> usize {
        self.clear.iter().rposition(|clear| *clear != 0).map_or(0, |last| last + 1)
    }

    /// What agreement counts, of `count` frames from `from` here and from `at` there: less where little speech is in both, nothing
    /// where it is next to none.
    fn weighed(&self, far: f32, (from, at, count): (usize, usize, usize), other: &Opening) -> f32 {
        if far < SAME {
            return far;
        }
        let pairs = self.clear[from..from + count].iter().zip(&other.clear[at..at + count]);
        match pairs.filter(|(ours, theirs)| **ours != 0 && **theirs != 0).count() {
            SPOKEN_LEAST.. => far,
            SPOKEN_FIRST.. => far * (SAME / SAME_SOON),
            _ => 0.0,
        }
    }

    /// How well the first `frames` agree with the other at the best of all shifts. What the gate opens for is not always
    /// the first word: either may have begun up to a second earlier than the other.
    fn agrees(&self, frames: usize, other: &Opening) -> f32 {
        // Some frames of speech first, which lie in the other at every shift: most shifts end there. Of an opening that was cut
        // short they lie in it at three shifts of four.
        let reach = other.length().saturating_sub(SHIFT_FRAMES / 2);
        let ends = PROBE_FRAMES..=frames.min(OPENING_FRAMES - SHIFT_FRAMES).min(reach);
        let Some(end) = ends.rev().find(|end| self.clear[end - 1] != 0) else { return 0.0 };
        let probe = self.bits(end - PROBE_FRAMES, PROBE_FRAMES);
        let mut best = 0.0_f32;
        for shift in 0..=2 * SHIFT_FRAMES {
            // Frame `from` of ours is frame `at` of theirs.
            let (from, at) = (SHIFT_FRAMES.saturating_sub(shift), shift.saturating_sub(SHIFT_FRAMES));
            let count = (frames - from).min(OPENING_FRAMES - at);
            if count < SPOKEN_LEAST || end < from + PROBE_FRAMES {
                continue;
            }
            if beyond_chance(probe, other.bits(end - PROBE_FRAMES - from + at, PROBE_FRAMES)) >= PROBE {
                let far = beyond_chance(self.bits(from, count), other.bits(at, count));
                best = best.max(self.weighed(far, (from, at, count), other));
            }
        }
        best
    }

    /// How well they agree at the best shift: see [`SAME`].
    pub fn likeness(&self, other: &Opening) -> f32 {
        // Each looks for frames of its own first, and one's may be lost in the other.
        self.agrees(OPENING_FRAMES, other).max(other.agrees(OPENING_FRAMES, self))
    }
}

/// Makes the bits of one call.
#[derive(Clone, Debug)]
pub(crate) struct Printer {
    /// Power of the bands in the last frames, the latest at `frames % 8`.
    powers: [[f32; BANDS]; 2 * SPAN],
    frames: usize,
    opening: Opening,
    /// Bits before anybody spoke: the latest.
    before: [u16; BEFORE_FRAMES],
    length: usize,
}

impl Printer {
    pub(crate) fn new() -> Printer {
        LazyLock::force(&EDGES);
        Printer {
            powers: [[0.0; BANDS]; 2 * SPAN],
            frames: 0,
            opening: Opening { prints: [0; OPENING_FRAMES], clear: [0; OPENING_FRAMES] },
            before: [0; BEFORE_FRAMES],
            length: 0,
        }
    }

    /// The first or second 10 ms of a frame.
    pub(crate) fn hop(&mut self, power: &Power, second: bool) {
        if self.length == OPENING_FRAMES {
            return;
        }
        let sums = &mut self.powers[self.frames % (2 * SPAN)];
        for (sum, edges) in sums.iter_mut().zip(EDGES.windows(2)) {
            let band: f32 = power[edges[0]..edges[1]].iter().sum();
            *sum = if second { *sum + band } else { band };
        }
    }

    /// The end of a frame of which both halves were given. True where it completed the opening.
    pub(crate) fn frame(&mut self, speech: bool) -> bool {
        self.frames += 1;
        if self.length == OPENING_FRAMES {
            return false;
        }
        let (print, clear) = self.bits();
        if self.length == 0 {
            if !speech {
                self.before.rotate_left(1);
                self.before[BEFORE_FRAMES - 1] = print;
                return false;
            }
            self.opening.prints[..BEFORE_FRAMES].copy_from_slice(&self.before);
            self.length = BEFORE_FRAMES;
        }
        (self.opening.prints[self.length], self.opening.clear[self.length]) = (print, if speech { clear } else { 0 });
        self.length += 1;
        self.length == OPENING_FRAMES
    }

    /// The bits, and which of them are clear.
    fn bits(&self) -> (u16, u16) {
        // The older half of the ring begins where the next frame will stand.
        let sum = |first: usize| -> [f32; BANDS] {
            let frames = first..first + SPAN;
            let power = |band: usize| frames.clone().map(|n| self.powers[n % (2 * SPAN)][band]).sum::<f32>();
            std::array::from_fn(|band| log2(power(band) + 1e-9))
        };
        let (older, newer) = (sum(self.frames), sum(self.frames + SPAN));
        let mut both = (0, 0);
        for band in 0..BANDS - 1 {
            let rose = (newer[band] - newer[band + 1]) - (older[band] - older[band + 1]);
            both = (both.0 << 1 | u16::from(rose > 0.0), both.1 << 1 | u16::from(rose.abs() >= CLEAR));
        }
        both
    }

    /// What has been said so far, where the opening is not complete yet and there is speech enough in it.
    pub(crate) fn so_far(&self) -> Option<Opening> {
        let begun = self.length < OPENING_FRAMES && self.opening.spoken(self.length) >= SPOKEN_LEAST;
        begun.then_some(self.opening)
    }

    /// The opening, once it is complete, if there is speech enough in it.
    pub(crate) fn opening(&self) -> Option<Opening> {
        let complete = self.length == OPENING_FRAMES;
        (complete && self.opening.spoken(OPENING_FRAMES) >= SPOKEN_LEAST).then_some(self.opening)
    }
}

/// Looks one call up, a few recordings at a time.
#[derive(Clone, Debug)]
pub(crate) struct Search {
    /// The next recording to compare.
    next: usize,
    /// Frames of the opening up to the last look.
    looked: usize,
    /// The best so far, and its place.
    best: Option<(f32, usize)>,
}

impl Search {
    pub(crate) fn new() -> Search {
        Search { next: usize::MAX, looked: 0, best: None }
    }

    /// After each frame: the recording that speaks, when it is known.
    pub(crate) fn step(&mut self, printer: &Printer, known: &Recordings) -> Option<Met> {
        if known.list.is_empty() {
            return None;
        }
        if self.next >= known.list.len() {
            let due = printer.length >= FIRST_LOOK_FRAMES.max(self.looked + STEP_FRAMES);
            if !due || printer.opening.spoken(printer.length) < SPOKEN_FIRST {
                return None;
            }
            self.looked = printer.length;
            (self.next, self.best) = (0, None);
        }
        let end = (self.next + A_FRAME).min(known.list.len());
        for place in self.next..end {
            let far = printer.opening.agrees(self.looked, &known.list[place].opening);
            if far >= SAME && self.best.is_none_or(|(most, _)| far > most) {
                self.best = Some((far, place));
            }
        }
        self.next = if end == known.list.len() { usize::MAX } else { end };
        self.best.filter(|_| self.next == usize::MAX).map(|(_, place)| known.list[place].met())
    }
}

/// A known recording that speaks in a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Met {
    /// What it is: a machine, a menu, an assistant.
    pub verdict: Verdict,
    hash: u64,
}

impl Met {
    /// Its name, that of [`Recording::id`].
    pub fn id(&self) -> String {
        format!("{:016x}", self.hash)
    }
}

/// A known recording.
#[derive(Clone, PartialEq, Debug)]
pub struct Recording {
    opening: Opening,
    verdict: Verdict,
}

impl Recording {
    /// Its fingerprint.
    pub fn opening(&self) -> &Opening {
        &self.opening
    }

    /// What it is: a machine, a menu, an assistant.
    pub fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// Its name: a hash of its fingerprint (FNV-1a, 64 bits), as sixteen hexadecimal digits.
    pub fn id(&self) -> String {
        self.met().id()
    }

    /// It speaks in a call.
    pub fn met(&self) -> Met {
        Met { verdict: self.verdict, hash: fnv(self.digits()) }
    }

    /// What it is and its fingerprint, as a line of a file whose first line is [`FORMAT`].
    pub fn to_line(&self) -> String {
        format!("{} {}", self.verdict.name(), self.digits().map(char::from).collect::<String>())
    }

    /// Reads such a line; `None`: it is none.
    pub fn from_line(line: &str) -> Option<Recording> {
        recording(line)
    }

    /// The bits as hexadecimal digits: of each frame four of its print, four of what was clear.
    fn digits(&self) -> impl Iterator<Item = u8> + '_ {
        let words = self.opening.prints.iter().zip(&self.opening.clear).flat_map(|(print, clear)| [*print, *clear]);
        let digit = |word: u16, place: u16| b"0123456789abcdef"[usize::from(word >> (12 - 4 * place) & 15)];
        words.flat_map(move |word| (0..4).map(move |place| digit(word, place)))
    }
}

/// The recordings that calls are held against: one table for all of them, swapped whole.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Recordings {
    list: Vec<Recording>,
}

/// First line of a file of recordings, and the format of each of its lines; a change of the bits needs a new one.
pub const FORMAT: &str = "outpace recordings 1";

/// Why a file of recordings was refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refused {
    /// It does not begin as such a file does, or is of another version.
    Kind,
    /// A line is no recording; lines count from 1.
    Line(usize),
    /// It holds more than [`RECORDINGS_MAX`].
    Length,
    /// Its lines do not give the hash that it names.
    Hash,
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Refused::Kind => f.write_str("is no file of recordings of this version, let them be learnt again"),
            Refused::Line(line) => write!(f, "is damaged: line {line} is no recording"),
            Refused::Length => write!(f, "holds more than {RECORDINGS_MAX} recordings, leave some out"),
            Refused::Hash => f.write_str("is damaged: its lines do not match its hash"),
        }
    }
}

impl std::error::Error for Refused {}

impl Recordings {
    /// How many.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// None.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// These recordings, the first [`RECORDINGS_MAX`] of them.
    pub fn of(list: impl IntoIterator<Item = Recording>) -> Recordings {
        Recordings { list: list.into_iter().take(RECORDINGS_MAX).collect() }
    }

    /// The recording that an opening is.
    pub fn find(&self, opening: &Opening) -> Option<&Recording> {
        self.place(opening).map(|place| &self.list[place])
    }

    /// The one that was learnt last.
    pub fn last(&self) -> Option<&Recording> {
        self.list.last()
    }

    fn place(&self, opening: &Opening) -> Option<usize> {
        let far = self.list.iter().map(|known| opening.likeness(&known.opening)).enumerate();
        far.filter(|(_, far)| *far >= SAME).max_by(|a, b| a.1.total_cmp(&b.1)).map(|(place, _)| place)
    }

    fn lines(&self) -> String {
        self.list.iter().map(|known| known.to_line() + "\n").collect()
    }

    /// Hash of the table (FNV-1a, 64 bits), as sixteen hexadecimal digits: which one decided.
    pub fn hash(&self) -> String {
        format!("{:016x}", fnv(self.lines().bytes()))
    }

    /// The file: a line with its kind, one with the hash, then a line for each recording: what it is, spoken frames, bits.
    pub fn to_text(&self) -> String {
        format!("{FORMAT}\n{}\n{}", self.hash(), self.lines())
    }

    /// Reads such a file.
    ///
    /// # Errors
    /// See [`Refused`].
    pub fn from_text(text: &str) -> Result<Recordings, Refused> {
        let mut lines = text.lines();
        if lines.next() != Some(FORMAT) {
            return Err(Refused::Kind);
        }
        let hash = lines.next().ok_or(Refused::Kind)?;
        let mut list = Vec::new();
        for (place, line) in lines.enumerate() {
            if list.len() == RECORDINGS_MAX {
                return Err(Refused::Length);
            }
            list.push(recording(line).ok_or(Refused::Line(place + 3))?);
        }
        let recordings = Recordings { list };
        if recordings.hash() == hash { Ok(recordings) } else { Err(Refused::Hash) }
    }
}

fn recording(line: &str) -> Option<Recording> {
    let mut parts = line.split(' ');
    let verdict = Verdict::named(parts.next()?).filter(|kind| is_recording(*kind))?;
    let digits = parts.next().filter(|digits| digits.len() == 8 * OPENING_FRAMES && digits.is_ascii())?;
    let mut opening = Opening { prints: [0; OPENING_FRAMES], clear: [0; OPENING_FRAMES] };
    for place in 0..OPENING_FRAMES {
        let number = |from: usize| u16::from_str_radix(&digits[from..from + 4], 16).ok();
        opening.prints[place] = number(8 * place)?;
        opening.clear[place] = number(8 * place + 4)?;
    }
    parts.next().is_none().then_some(Recording { opening, verdict })
}

fn fnv(bytes: impl Iterator<Item = u8>) -> u64 {
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

pub(crate) const fn is_recording(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Machine | Verdict::Ivr | Verdict::Screening)
}

#[cfg(test)]
mod tests;
