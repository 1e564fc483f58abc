//! The bank: hears every tone of the telephone network in one stream of spectra, 10 ms at a time.
//!
//! ```text
//!  spectrum ──> Lines ──> tonal? ──> Run (one frequency, gaps of 40 ms bridged) ──> Burst ──> what it is:
//!                └─> share of V.21's band ──> FaxV21
//!    while it sounds: CED, ANSam, long ringback, the third part of a SIT
//!    when it has ended: a rhythm of PLANS with the burst before it, CNG, beep
//! ```
//!
//! **Invariants.** No allocation, no float function of the platform: the same spectra give the same events everywhere.
//! A tone is told once; a ringback once a burst. A lost packet inside a tone is bridged, a phase reversal too.
//! What stands here is about sound only: whether a beep means a machine is for the listener to say.
//!
//! **Units.** Times are milliseconds since the bank was made; levels dB where a full-scale sine is -3.

use super::lines::Lines;
use super::{PLANS, Plan, Segment, Signal, SitReason};
use crate::spectrum::{HOP_SAMPLES, Power, WINDOW_SAMPLES};

/// One hop in milliseconds.
const HOP_MS: u32 = HOP_SAMPLES as u32 / 8;
/// The middle of a window lies this long before its end: an edge of a tone is where a window is half full.
const HALF_WINDOW_MS: u32 = WINDOW_SAMPLES as u32 / 16;
/// Hops of a run whose pitch and level are kept: 1.6 s, longer than any beep; 3 bytes each.
const KEPT_HOPS: usize = 160;
/// Hops without the tone that are bridged: a lost packet of 20 ms spoils the windows of 50 ms, of which the last is weak.
const BRIDGED_HOPS: u8 = 4;
/// What is so far under the loudest moment of a tone is its tail: a burst's edges lie there too.
const TAIL_DB: f32 = 12.0;
/// A spectrum is a tone when one line holds this share of it, or two together do and the second is no shadow.
const ONE_LINE: f32 = 0.80;
const TWO_LINES: f32 = 0.88;
const SECOND_LINE: f32 = 0.12;
/// Quietest tone: 50 dB under full scale, 25 dB below a quiet talker.
const QUIETEST_DB: f32 = -52.0;

/// A tone that was heard.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct ToneEvent {
    /// What it says.
    pub signal: Signal,
    /// Where it began; for rhythms the last burst, for special information tones the first.
    pub start_ms: u32,
    /// Where it ended, or how far it is known.
    pub end_ms: u32,
    /// When this was told.
    pub at_ms: u32,
    /// Its pitch in Hz, of two lines the lower.
    pub frequency_hz: f32,
    /// The other pitch, 0 when there is none.
    pub second_hz: f32,
    /// Its level.
    pub level_db: f32,
    /// The plan of the table, by name, where one fits.
    pub plan: Option<&'static str>,
}

/// One sounding of a tone from edge to edge.
#[derive(Clone, Copy, Default, Debug)]
struct Burst {
    start_ms: u32,
    end_ms: u32,
    hz: f32,
    second_hz: f32,
    level_db: f32,
    /// Mean deviation of the level and of the pitch over its body.
    level_deviation_db: f32,
    hz_deviation: f32,
    /// Mean share of its lines.
    share: f32,
}

impl Burst {
    fn length_ms(&self) -> u32 {
        self.end_ms.saturating_sub(self.start_ms)
    }

    fn is(&self, lowest_hz: f32, highest_hz: f32, shortest_ms: u32, longest_ms: u32) -> bool {
        (lowest_hz..=highest_hz).contains(&self.hz) && (shortest_ms..=longest_ms).contains(&self.length_ms())
    }

    /// Two tones too close for the window show as one line that swells: 40 Hz apart 40 times a second.
    fn swells(&self) -> bool {
        self.level_deviation_db > 0.9
    }

    fn sounds_like(&self, segment: &Segment) -> bool {
        let [low, high] = segment.frequencies_hz.map(|hz| hz as f32);
        let near = |heard: f32, meant: f32| (heard - meant).abs() <= 6.0 + 0.01 * meant;
        if high == 0.0 {
            self.second_hz == 0.0 && near(self.hz, low) && !self.swells()
        } else if high - low >= 110.0 {
            near(self.hz, low) && near(self.second_hz, high)
        } else {
            // 50 Hz apart they swell once in two hops, which no hop sees: a swell is no condition.
            self.second_hz == 0.0 && near(self.hz, (low + high) / 2.0)
        }
    }
}

/// A tone that is sounding, or was until less than `BRIDGED_HOPS` ago.
#[derive(Clone, Debug)]
struct Run {
    first_hop: u32,
    /// Hops since the first one, gaps included.
    hops: u32,
    /// The last hop that held the tone, counted from the first.
    last: u32,
    gap: u8,
    /// Hops in a row that held another tone.
    other: u8,
    hz: f32,
    /// Half decibels, and quarters of a hertz; a gap is `i8::MIN`.
    levels: [i8; KEPT_HOPS],
    pitches: [i16; KEPT_HOPS],
    two_lines: u32,
    second_sum_hz: f32,
    share_sum: f32,
    heard: u32,
    /// The loudest hop's level in dB.
    loudest_db: f32,
    told_ced: bool,
    told_ansam: bool,
    told: bool,
}

/// A spectrum as a candidate of a tone: the lower line leads.
#[derive(Clone, Copy)]
struct Candidate {
    hz: f32,
    second_hz: f32,
    level_db: f32,
    share: f32,
}

impl Candidate {
    fn of(lines: &Lines) -> Option<Candidate> {
        let both = lines.first_share + lines.second_share;
        let two = both >= TWO_LINES && lines.second_share >= SECOND_LINE;
        if lines.level_db < QUIETEST_DB || !(two || lines.first_share >= ONE_LINE) {
            return None;
        }
        let (hz, second_hz, share) = match (two, lines.first_hz < lines.second_hz) {
            (false, _) => (lines.first_hz, 0.0, lines.first_share),
            (true, true) => (lines.first_hz, lines.second_hz, both),
            (true, false) => (lines.second_hz, lines.first_hz, both),
        };
        Some(Candidate { hz, second_hz, level_db: lines.level_db, share })
    }
}

impl Run {
    fn new(hop: u32, candidate: Candidate) -> Run {
        let mut run = Run {
            first_hop: hop,
            hops: 0,
            last: 0,
            gap: 0,
            other: 0,
            hz: candidate.hz,
            levels: [i8::MIN; KEPT_HOPS],
            pitches: [0; KEPT_HOPS],
            two_lines: 0,
            second_sum_hz: 0.0,
            share_sum: 0.0,
            heard: 0,
            loudest_db: candidate.level_db,
            told_ced: false,
            told_ansam: false,
            told: false,
        };
        run.push(candidate);
        run
    }

    fn fits(&self, candidate: Candidate) -> bool {
        // Lines that swell wander a little; high tones are sharp.
        let tolerance = if self.hz < 520.0 { 28.0 } else { 20.0 };
        (candidate.hz - self.hz).abs() <= tolerance
    }

    /// A room's or a coder's tail of this tone, which is over.
    fn trails(&self, candidate: Candidate) -> bool {
        candidate.level_db < self.loudest_db - TAIL_DB
    }

    fn push(&mut self, candidate: Candidate) {
        if let (Some(level), Some(pitch)) =
            (self.levels.get_mut(self.hops as usize), self.pitches.get_mut(self.hops as usize))
        {
            *level = (candidate.level_db * 2.0) as i8;
            *pitch = (candidate.hz * 4.0) as i16;
        }
        let weight = if self.heard < 4 { 1.0 / (self.heard + 1) as f32 } else { 0.2 };
        self.hz += weight * (candidate.hz - self.hz);
        if candidate.second_hz > 0.0 {
            self.two_lines += 1;
            self.second_sum_hz += candidate.second_hz;
        }
        self.share_sum += candidate.share;
        self.heard += 1;
        self.loudest_db = self.loudest_db.max(candidate.level_db);
        self.last = self.hops;
        self.hops += 1;
        (self.gap, self.other) = (0, 0);
    }

    fn miss(&mut self) {
        self.hops += 1;
        self.gap += 1;
    }

    /// The burst as it is so far.
    fn burst(&self) -> Burst {
        let kept = (self.last as usize + 1).min(KEPT_HOPS);
        let levels = &self.levels[..kept];
        let mean_of = |least: f32| {
            let (sum, count) = levels
                .iter()
                .filter(|level| **level != i8::MIN && f32::from(**level) >= least)
                .fold((0.0, 0_u32), |(sum, count), level| (sum + f32::from(*level), count + 1));
            sum / count.max(1) as f32
        };
        // Half decibels: the body is what lies within 3 dB of the mean of the louder half, an edge is 6 dB down.
        let body = mean_of(mean_of(-127.0));
        let loud = |level: i8, below: f32| level != i8::MIN && f32::from(level) >= body - below;
        let first = levels.iter().position(|level| loud(*level, 12.0)).unwrap_or(0);
        let last = levels.iter().rposition(|level| loud(*level, 12.0)).unwrap_or(kept - 1);
        let last = if self.last as usize >= KEPT_HOPS { self.last as usize } else { last };
        let (mut count, mut pitch_sum) = (0_u32, 0.0);
        for (_, pitch) in levels.iter().zip(&self.pitches).filter(|(level, _)| loud(**level, 6.0)) {
            count += 1;
            pitch_sum += f32::from(*pitch);
        }
        let count_f = count.max(1) as f32;
        let pitch = pitch_sum / count_f;
        let pitch_deviation: f32 = levels
            .iter()
            .zip(&self.pitches)
            .filter(|(level, _)| loud(**level, 6.0))
            .map(|(_, p)| (f32::from(*p) - pitch).abs())
            .sum();
        // Where two tones swell, the deep moments count too.
        let swell: (f32, u32) = levels[first.min(kept - 1)..=last.min(kept - 1)]
            .iter()
            .filter(|level| **level != i8::MIN)
            .fold((0.0, 0), |(sum, n), level| (sum + (f32::from(*level) - body).abs(), n + 1));
        let edge_ms = |hop: usize| ((self.first_hop + hop as u32 + 1) * HOP_MS).saturating_sub(HALF_WINDOW_MS);
        Burst {
            start_ms: edge_ms(first),
            end_ms: edge_ms(last + 1).saturating_sub(HOP_MS / 2),
            hz: pitch / 4.0,
            second_hz: if self.two_lines * 2 > self.heard { self.second_sum_hz / self.two_lines as f32 } else { 0.0 },
            level_db: body / 2.0,
            level_deviation_db: swell.0 / swell.1.max(1) as f32 / 2.0,
            hz_deviation: pitch_deviation / count_f / 4.0,
            share: self.share_sum / self.heard as f32,
        }
    }

    /// How far the level of the last 400 ms kept moves 15 times a second, in dB: 1.7 for V.8's 20 %.
    fn moved_at_15_hz_db(&self) -> f32 {
        /// sin(2π · 0.15 · n) over one common period of 20 hops.
        const SINE: [f32; 20] = [
            0.0, 0.809_017, 0.951_057, 0.309_017, -0.587_785, -1.0, -0.587_785, 0.309_017, 0.951_057, 0.809_017, 0.0,
            -0.809_017, -0.951_057, -0.309_017, 0.587_785, 1.0, 0.587_785, -0.309_017, -0.951_057, -0.809_017,
        ];
        let kept = (self.last as usize + 1).min(KEPT_HOPS);
        let Some(window) = kept.checked_sub(40).map(|from| &self.levels[from..kept]) else { return 0.0 };
        let (sum, count) = window
            .iter()
            .filter(|level| **level != i8::MIN)
            .fold((0.0, 0_u32), |(sum, count), level| (sum + f32::from(*level), count + 1));
        let mean = sum / count.max(1) as f32;
        let (mut sine, mut cosine) = (0.0, 0.0);
        for (n, level) in window.iter().enumerate().filter(|(_, level)| **level != i8::MIN) {
            // A phase reversal is a deep short dip: it must not count for more than the modulation does.
            let value = (f32::from(*level) - mean).clamp(-5.0, 5.0);
            sine += value * SINE[n % 20];
            cosine += value * SINE[(n + 5) % 20];
        }
        (sine * sine + cosine * cosine).sqrt() / 20.0 / 2.0
    }
}

/// V.21: two tones that change 300 times a second fill a band and nothing else.
#[derive(Clone, Debug, Default)]
struct Fsk {
    /// The last 64 hops, the newest lowest: 1 where the band held nearly all.
    hops: u64,
    low: f32,
    high: f32,
    told: bool,
}

impl Fsk {
    const BAND: f32 = 0.85;
    const EACH: f32 = 0.12;
    /// 30 of the last 40 hops: 300 of 400 ms; the preamble of flags lasts a second.
    const NEEDED: u32 = 30;

    /// True once, when it is sure.
    fn hop(&mut self, lines: &Lines) -> bool {
        let [low, high] = lines.v21_shares;
        let inside = lines.level_db > QUIETEST_DB && low + high >= Self::BAND && lines.first_share < 0.97;
        self.hops = self.hops << 1 | u64::from(inside);
        self.low += 0.05 * (low - self.low);
        self.high += 0.05 * (high - self.high);
        let heard = (self.hops & ((1 << 40) - 1)).count_ones() >= Self::NEEDED;
        let now = heard && self.low > Self::EACH && self.high > Self::EACH && !self.told;
        self.told |= now;
        now
    }
}

/// Hops that were no tone, a voice, music, noise, counted by their level in steps of 4 dB from 0 dB down to -64.
#[derive(Clone, Debug, Default)]
struct Others {
    counts: [u16; 16],
}

impl Others {
    const STEP_DB: f32 = 4.0;

    fn place(level_db: f32) -> usize {
        ((-level_db / Self::STEP_DB) as usize).min(15)
    }

    fn hop(&mut self, level_db: f32) {
        let count = &mut self.counts[Self::place(level_db)];
        *count = count.saturating_add(1);
    }

    /// How many were at least as loud, to a step.
    fn as_loud_as(&self, level_db: f32) -> u32 {
        self.counts[..=Self::place(level_db)].iter().map(|count| u32::from(*count)).sum()
    }
}

/// Hears all tones of one stream.
#[derive(Clone, Debug, Default)]
pub struct ToneBank {
    hop: u32,
    run: Option<Run>,
    /// The two bursts before the run, the later one last.
    before: [Option<Burst>; 2],
    fsk: Fsk,
    others: Others,
    /// Share of the strongest line or two of the last spectrum, and its level.
    purity: f32,
    level_db: f32,
}

/// Voice before a single burst of 1,100 Hz or 425 Hz, in hops: with half a second of it the burst is a beep, no calling
/// fax and no ringback.
const VOICE_BEFORE_BEEP_HOPS: u32 = 50;
/// A voice before a beep lies at most so far under it in its loud moments.
const VOICE_UNDER_TONE_DB: f32 = 6.0;
/// A beep lies at most so far under the loud moments of the voice before it, of which there are so many hops.
const FAR_DB: f32 = 20.0;
const FAR_HOPS: u32 = 20;
/// Longest silence between two parts of a special information tone: the ITU allows 30 ms, old plant and edges add.
const SIT_GAP_MS: u32 = 120;

impl ToneBank {
    /// Nothing heard.
    pub fn new() -> ToneBank {
        ToneBank::default()
    }

    /// Share of the energy that one or two lines hold in the last spectrum, 0 to 1.
    pub fn purity(&self) -> f32 {
        self.purity
    }

    /// Level of the last spectrum between 281 and 3,750 Hz.
    pub fn level_db(&self) -> f32 {
        self.level_db
    }

    /// How long the tone that sounds has been sounding; 0 when none is.
    pub fn sounding_ms(&self) -> u32 {
        self.run.as_ref().map_or(0, |run| (run.last + 1) * HOP_MS)
    }

    /// The next 10 ms; at most one tone is told.
    pub fn hop(&mut self, power: &Power) -> Option<ToneEvent> {
        let lines = Lines::of(power);
        self.hop += 1;
        self.level_db = lines.level_db;
        self.purity = lines.first_share + if lines.second_share >= SECOND_LINE { lines.second_share } else { 0.0 };
        let candidate = Candidate::of(&lines);
        if candidate.is_none() {
            self.others.hop(lines.level_db);
        }
        let fsk = self.fsk.hop(&lines);
        let told = self.follow(candidate);
        if fsk && told.is_none() {
            let at_ms = self.hop * HOP_MS;
            return Some(ToneEvent {
                signal: Signal::FaxV21,
                start_ms: at_ms.saturating_sub(400),
                end_ms: at_ms,
                at_ms,
                frequency_hz: 1_650.0,
                second_hz: 1_850.0,
                level_db: lines.level_db,
                plan: None,
            });
        }
        told
    }

    fn follow(&mut self, candidate: Option<Candidate>) -> Option<ToneEvent> {
        let hop = self.hop - 1;
        let Some(run) = &mut self.run else {
            self.run = candidate.map(|candidate| Run::new(hop, candidate));
            return None;
        };
        match candidate {
            Some(candidate) if run.fits(candidate) && !run.trails(candidate) => {
                run.push(candidate);
                self.while_it_sounds()
            }
            Some(candidate) if run.fits(candidate) => {
                run.miss();
                (run.gap > BRIDGED_HOPS).then(|| self.turn(None)).flatten()
            }
            Some(candidate) => {
                run.miss();
                run.other += 1;
                // The second hop of another tone: the first one was its beginning.
                (run.other == 2).then(|| self.turn(Some(Run::new(hop, candidate)))).flatten()
            }
            None => {
                run.miss();
                run.other = 0;
                (run.gap > BRIDGED_HOPS).then(|| self.turn(None)).flatten()
            }
        }
    }

    /// The run is over; another may have begun.
    fn turn(&mut self, next: Option<Run>) -> Option<ToneEvent> {
        let run = std::mem::replace(&mut self.run, next)?;
        let burst = run.burst();
        // Shorter than two hops: a click, and nothing that a rhythm is made of.
        if run.heard < 3 {
            return None;
        }
        let event = if run.told { None } else { self.ended(&burst) };
        self.before = [self.before[1], Some(burst)];
        event
    }

    /// Half a second of voice that was about as loud as the tone went before it.
    fn voice_before(&self, burst: &Burst) -> bool {
        self.others.as_loud_as(burst.level_db - VOICE_UNDER_TONE_DB) >= VOICE_BEFORE_BEEP_HOPS
    }

    fn event(&self, signal: Signal, burst: &Burst, plan: Option<&'static str>) -> ToneEvent {
        ToneEvent {
            signal,
            start_ms: burst.start_ms,
            end_ms: burst.end_ms,
            at_ms: self.hop * HOP_MS,
            frequency_hz: burst.hz,
            second_hz: burst.second_hz,
            level_db: burst.level_db,
            plan,
        }
    }

    /// What can be said before it ends; looked at every 50 ms.
    fn while_it_sounds(&mut self) -> Option<ToneEvent> {
        let run = self.run.as_ref()?;
        if run.hops < 5 || !run.hops.is_multiple_of(5) {
            return None;
        }
        let burst = run.burst();
        let (mut signal, mut plan, mut start_ms) = (None, None, burst.start_ms);
        if (burst.hz - 2_100.0).abs() <= 25.0 && burst.second_hz == 0.0 {
            let moved = run.hops >= 60 && run.moved_at_15_hz_db() >= 0.7;
            if moved && !run.told_ansam {
                signal = Some(Signal::FaxAnsam);
            } else if run.hops >= 40 && !run.told_ced && burst.hz_deviation < 6.0 {
                (signal, plan) = (Some(Signal::FaxCed), Some("fax-ced"));
            }
        } else if !run.told && run.hops >= 70 && burst.length_ms() >= 680 {
            let long = |plan: &&Plan| {
                plan.signal == Signal::Ringback
                    && plan.script.segments[0].duration_ms >= 700
                    && burst.sounds_like(&plan.script.segments[0])
            };
            // One pitch after a voice is a beep as likely: the rhythm will tell.
            let beep = burst.second_hz == 0.0 && !burst.swells() && self.voice_before(&burst);
            if let Some(found) = PLANS.iter().find(long).filter(|_| !beep) {
                (signal, plan) = (Some(found.signal), Some(found.script.name));
            }
        } else if !run.told
            && (1_700.0..=1_875.0).contains(&burst.hz)
            && run.heard >= 6
            && let Some((reason, name, first_ms)) = self.special_information(&burst)
        {
            (signal, plan, start_ms) = (Some(Signal::Sit(reason)), Some(name), first_ms);
        }
        let signal = signal?;
        let event = ToneEvent { start_ms, ..self.event(signal, &burst, plan) };
        let run = self.run.as_mut()?;
        run.told = true;
        run.told_ced |= signal.is_fax();
        run.told_ansam |= signal == Signal::FaxAnsam;
        Some(event)
    }

    /// The third part sounds: do the two before it fit, and which of the table comes nearest?
    fn special_information(&self, third: &Burst) -> Option<(SitReason, &'static str, u32)> {
        let second = self.before[1].filter(|second| {
            second.is(1_320.0, 1_480.0, 150, 480) && third.start_ms.saturating_sub(second.end_ms) <= SIT_GAP_MS
        })?;
        let first = self.before[0].filter(|first| {
            first.is(870.0, 1_040.0, 120, 480) && second.start_ms.saturating_sub(first.end_ms) <= SIT_GAP_MS
        });
        // Who picks up in the middle of it hears two parts; without either the melody is no proof.
        if first.is_none() && second.start_ms > 500 {
            return None;
        }
        let heard = [first, Some(second), Some(*third)];
        let mut best: Option<(f32, SitReason, &'static str)> = None;
        for plan in PLANS {
            let Signal::Sit(reason) = plan.signal else { continue };
            let mut distance = 0.0;
            for (index, (burst, segment)) in heard.iter().zip(plan.script.segments.iter()).enumerate() {
                let Some(burst) = burst else { continue };
                distance += (burst.hz - segment.frequencies_hz[0] as f32).abs() / 12.0;
                if index < 2 {
                    distance += (burst.length_ms() as f32 - segment.duration_ms as f32).abs() / 25.0;
                }
            }
            if best.is_none_or(|(least, ..)| distance < least) {
                best = Some((distance, reason, plan.script.name));
            }
        }
        best.map(|(_, reason, name)| (reason, name, first.unwrap_or(second).start_ms))
    }

    /// What a burst was, now that it is over.
    fn ended(&self, burst: &Burst) -> Option<ToneEvent> {
        if let Some(plan) = self.before[1].and_then(|before| rhythm(&before, burst)) {
            return Some(self.event(plan.signal, burst, Some(plan.script.name)));
        }
        let steady = burst.hz_deviation < 5.0 && burst.level_deviation_db < 2.0;
        // GSM makes the level of a tone swell; where the pitch stands this firm it is one all the same.
        let firm = burst.hz_deviation < 2.0 && burst.level_deviation_db < 5.0;
        if (steady || firm) && burst.second_hz == 0.0 && burst.is(1_062.0, 1_138.0, 425, 575) {
            // A calling fax sounds again every 3.5 s (ITU-T T.30); once it is a beep when a voice went before. Noise is no
            // voice: it lies under the tone.
            let again = self.before[1].is_some_and(|before| {
                before.is(1_062.0, 1_138.0, 425, 575)
                    && (2_700..=3_300).contains(&burst.start_ms.saturating_sub(before.end_ms))
            });
            let beep = !again && self.voice_before(burst);
            let (signal, plan) = if beep { (Signal::Beep, None) } else { (Signal::FaxCng, Some("fax-cng")) };
            return Some(self.event(signal, burst, plan));
        }
        let pure = if burst.length_ms() >= 120 { 0.90 } else { 0.95 };
        // The second harmonic of a voice passes here, and a long vowel is nearly steady: a machine's tone is quite so.
        let voicelike = burst.hz < 520.0
            && (burst.hz_deviation > 1.2
                || burst.level_deviation_db > 1.0
                || burst.second_hz > 0.0
                || burst.share < 0.94);
        let beep =
            burst.is(390.0, 2_250.0, 60, 1_700) && steady && burst.share >= pure && !voicelike && !is_digit(burst);
        // Far under the voice before it, it is music somewhere in the room.
        let far = self.others.as_loud_as(burst.level_db + FAR_DB) >= FAR_HOPS;
        // Followed at once by another tone it is part of a melody: of that only the end is told. What is far under it is
        // the background that was there before.
        let alone = self.run.as_ref().is_none_or(|next| next.loudest_db < burst.level_db - TAIL_DB);
        (beep && alone && !far).then(|| self.event(Signal::Beep, burst, None))
    }
}

/// True for the two tones of a pressed key (ITU-T Q.23); on many lines a stump of the key is heard before the digit
/// receiver cuts it.
fn is_digit(burst: &Burst) -> bool {
    let near = |hz: f32, of: [f32; 4]| of.iter().any(|key| (hz - key).abs() < 0.018 * key);
    near(burst.hz, [697.0, 770.0, 852.0, 941.0]) && near(burst.second_hz, [1_209.0, 1_336.0, 1_477.0, 1_633.0])
}

/// The plan whose rhythm two bursts and the silence between them fit, at any place of its round.
fn rhythm(first: &Burst, second: &Burst) -> Option<&'static Plan> {
    let heard_ms = [first.length_ms(), second.start_ms.saturating_sub(first.end_ms), second.length_ms()];
    let fits = |plan: &&Plan| {
        let segments = &plan.script.segments;
        plan.script.repeats
            && (0..segments.len()).step_by(2).any(|at| {
                let meant = [0, 1, 2].map(|n| segments[(at + n) % segments.len()]);
                let times = heard_ms
                    .iter()
                    .zip(meant)
                    .all(|(heard, meant)| heard.abs_diff(meant.duration_ms) <= (meant.duration_ms / 8).clamp(30, 150));
                times && first.sounds_like(&meant[0]) && second.sounds_like(&meant[2])
            })
    };
    PLANS.iter().find(fits)
}

#[cfg(test)]
mod tests;
