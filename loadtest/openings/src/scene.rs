//! What is said when: the structure of each label's openings.

mod later;
mod words;

pub(crate) use later::{copy_of, later, recordings};
pub(crate) use words::{SHARES as WORD_SHARES, words};

use crate::CLIP_SAMPLES;
use crate::sources::{Item, Pools, Split, segments};
use crate::words::Mark;
use base::Stream;
use rand_distr::Normal;
use std::f64::consts::TAU;

/// Kinds of each label and their shares among calls to consumers; the clips as made have more of the hard ones.
pub(crate) const KINDS: &[(&str, &[(&str, f64)])] = &[
    ("human", &[("word", 0.76), ("double", 0.10), ("phrase", 0.07), ("sentence", 0.04), ("slow", 0.03)]),
    ("machine", &[("plain", 0.70), ("pause", 0.10), ("short", 0.05), ("system", 0.15)]),
];

/// A clip as it is said, before the line.
pub(crate) struct Clip {
    pub(crate) samples: Vec<f32>,
    /// Where the next piece begins, in samples.
    at: usize,
    pub(crate) kind: &'static str,
    pub(crate) voice: String,
    pub(crate) first_utterance_end_s: Option<f64>,
    pub(crate) greeting_start_s: Option<f64>,
    pub(crate) greeting_end_s: Option<f64>,
    pub(crate) beep_s: Option<(f64, f64)>,
    /// A person who picks up after a machine: from when, and where the first words end.
    pub(crate) person_s: Option<(f64, f64)>,
    /// The name of the fixed recording that speaks, where it is one of several copies.
    pub(crate) recording: Option<String>,
    /// Phrases that are said, with the seconds at which they end; `None` where nobody wrote down what is said.
    pub(crate) words: Option<Vec<Mark<f64>>>,
    /// The noise of the line that the first voice was recorded on.
    pub(crate) line_noise: Option<(Vec<f32>, f64)>,
}

impl Clip {
    fn new(kind: &'static str) -> Clip {
        Clip::of(kind, CLIP_SAMPLES)
    }
    fn of(kind: &'static str, length: usize) -> Clip {
        Clip {
            samples: vec![0.0; length],
            at: 0,
            kind,
            voice: "none".to_owned(),
            first_utterance_end_s: None,
            greeting_start_s: None,
            greeting_end_s: None,
            beep_s: None,
            person_s: None,
            recording: None,
            words: Some(Vec::new()),
            line_noise: None,
        }
    }
    fn now_s(&self) -> f64 {
        self.at as f64 / 8_000.0
    }
    fn full(&self) -> bool {
        self.at >= self.samples.len()
    }
    fn put(&mut self, samples: &[f32], gain: f32) {
        for (sample, more) in self.samples.iter_mut().skip(self.at).zip(samples) {
            *sample += more * gain;
        }
        self.at += samples.len();
    }
    fn say(&mut self, item: &Item, from: usize, to: usize) {
        if self.voice == "none" {
            self.voice = item.voice.clone();
            self.line_noise = item.line_noise.clone();
        }
        let to = to.min(item.samples.len());
        let from = from.min(to);
        self.words = self.words.take().zip(item.words.as_ref()).map(|(mut words, more)| {
            let here = more.iter().filter(|mark| mark.end > from && mark.end <= to);
            words.extend(
                here.map(|mark| Mark { family: mark.family, end: (self.at + mark.end - from) as f64 / 8_000.0 }),
            );
            words
        });
        self.put(&item.samples[from..to], 1.0);
    }
    /// What was prepared does not hesitate: pauses inside are cut to at most `longest_s`.
    fn read_out(&mut self, item: &Item, longest_s: f64) {
        let parts = segments(&item.samples, 0.2);
        let Some(first) = parts.first() else { return self.say(item, 0, usize::MAX) };
        self.say(item, first.0, first.1);
        for pair in parts.windows(2) {
            let pause = (pair[1].0 - pair[0].1).min((longest_s * 8_000.0) as usize);
            self.say(item, pair[0].1, pair[0].1 + pause);
            self.say(item, pair[1].0, pair[1].1);
        }
    }
    fn wait(&mut self, seconds: f64) {
        self.at += (seconds * 8_000.0) as usize;
    }
}

fn pick<'a, T>(from: &'a [T], random: &mut Stream) -> &'a T {
    &from[random.below(from.len() as u64) as usize]
}

/// Log-normal by its median, held between two bounds.
fn about(median: f64, sigma: f64, low: f64, high: f64, random: &mut Stream) -> f64 {
    let normal = Normal::new(median.ln(), sigma).expect("a positive deviation");
    random.sample::<f64, _>(&normal).exp().clamp(low, high)
}

/// A sum of sines at equal level with ramps of 4 ms.
fn tone(frequencies_hz: &[f64], seconds: f64) -> Vec<f32> {
    let count = (seconds * 8_000.0) as usize;
    (0..count)
        .map(|n| {
            let t = n as f64 / 8_000.0;
            let sum: f64 = frequencies_hz.iter().map(|hz| (TAU * hz * t).sin()).sum();
            let ramp = (n.min(count - 1 - n) as f64 / 32.0).min(1.0);
            (0.14 * ramp * sum / frequencies_hz.len() as f64) as f32
        })
        .collect()
}

pub(crate) fn make(label: &str, pools: &Pools, random: &mut Stream) -> Clip {
    match label {
        "human" => human(pools, random),
        "machine" => machine(pools, random),
        "ivr" => ivr(pools, random),
        "screening" => screening(pools, random),
        "silence" => silence(pools, random),
        "fax" => fax(random),
        _ => sit(pools, random),
    }
}

/// Speaks first, then waits for the caller; asks again when nobody answers.
fn human(pools: &Pools, random: &mut Stream) -> Clip {
    let chance = random.unit();
    let (lead, slow) = match chance {
        c if c < 0.08 => (random.range_f64(2.0, 4.5), true),
        c if c < 0.18 => (0.0, false), // cut in: the first moments are lost
        _ => (about(0.55, 0.6, 0.05, 2.4, random), false),
    };
    let what = match random.unit() {
        c if c < 0.58 => "word",
        c if c < 0.70 => "double",
        c if c < 0.84 => "phrase",
        _ => "sentence",
    };
    let mut clip = Clip::new(if slow { "slow" } else { what });
    clip.wait(lead);
    let synthetic = random.chance(0.28);
    let long = matches!(what, "phrase" | "sentence");
    let first = match (synthetic, what) {
        (true, _) => pick(&pools.synthetic[if long { "sentence" } else { "hello" }], random),
        (false, "phrase") => pick(&pools.phrases, random),
        (false, "sentence") => {
            let speakers: Vec<&Vec<Item>> = pools.sentences.values().collect();
            pick(pick::<&Vec<Item>>(&speakers, random), random)
        }
        (false, _) => pick(&pools.words, random),
    };
    let words = if synthetic { &pools.synthetic["hello"] } else { &pools.words };
    let same: Vec<&Item> = words.iter().filter(|word| word.voice == first.voice).collect();
    let again = |random: &mut Stream| if same.is_empty() { pick(words, random) } else { *pick(&same, random) };
    let from = if chance >= 0.08 && lead == 0.0 { (random.range_f64(0.02, 0.25) * 8_000.0) as usize } else { 0 };
    // One sentence of at most 4.2 s, ended where it rests.
    let to = if what == "sentence" {
        let ends = segments(&first.samples, 0.2).into_iter().map(|(_, end)| end);
        ends.filter(|end| *end < (4.2 * 8_000.0) as usize).max().unwrap_or((3.2 * 8_000.0) as usize)
    } else {
        usize::MAX
    };
    clip.say(first, from, to);
    if what == "double" {
        clip.wait(random.range_f64(0.1, 0.5));
        clip.say(again(random), 0, usize::MAX);
    }
    clip.first_utterance_end_s = Some(clip.now_s());
    for _ in 0..3 {
        clip.wait(about(1.5, 0.35, 0.85, 3.5, random));
        if clip.full() || !random.chance(0.8) {
            break;
        }
        clip.say(again(random), 0, (1.6 * 8_000.0) as usize);
    }
    clip
}

/// Speaks on without waiting. Real voices too, so that a real voice is no sign of a person.
fn greeting(clip: &mut Clip, pools: &Pools, random: &mut Stream) {
    let chance = random.unit();
    if chance < 0.40 {
        let speakers: Vec<&Vec<Item>> = pools.sentences.values().collect();
        let items: &Vec<Item> = pick::<&Vec<Item>>(&speakers, random);
        for _ in 0..6 {
            let item = pick(items, random);
            clip.read_out(item, random.range_f64(0.15, 0.5));
            if clip.full() || (item.samples.len() > 24_000 && random.chance(0.25)) {
                return;
            }
            clip.wait(random.range_f64(0.12, 0.5));
        }
    } else if chance < 0.82 {
        let kind = if random.chance(0.62) { "machine" } else { "carrier" };
        clip.read_out(pick(&pools.synthetic[kind], random), 0.5);
    } else {
        system(clip, pools, random);
    }
}

/// A telephone system's greeting, put together from prompts.
fn system(clip: &mut Clip, pools: &Pools, random: &mut Stream) {
    let voices: Vec<_> = pools.prompts.values().filter(|prompts| !prompts.voicemail.is_empty()).collect();
    if voices.is_empty() {
        return clip.read_out(pick(&pools.synthetic["carrier"], random), 0.4);
    }
    let prompts = *pick(&voices, random);
    let named = |name: &str| prompts.voicemail.get(name);
    if let (Some(person), true) = (named("vm-theperson"), random.chance(0.6)) {
        clip.read_out(person, 0.4);
        let digits: Vec<&Item> = prompts.others.iter().filter(|item| item.samples.len() < 6_400).collect();
        for _ in 0..2 + random.below(3) {
            clip.wait(random.range_f64(0.02, 0.2));
            if !digits.is_empty() {
                clip.say(pick::<&Item>(&digits, random), 0, usize::MAX);
            }
        }
        clip.wait(random.range_f64(0.05, 0.3));
        if let Some(away) = named("vm-isunavail").or(named("vm-isonphone")) {
            clip.read_out(away, 0.4);
        }
        clip.wait(random.range_f64(0.1, 0.5));
    }
    match named("vm-intro") {
        Some(intro) => clip.read_out(intro, 0.5),
        None => {
            let all: Vec<&Item> = prompts.voicemail.values().collect();
            while !clip.full() {
                clip.read_out(pick::<&Item>(&all, random), 0.5);
                clip.wait(random.range_f64(0.1, 0.4));
            }
        }
    }
}

fn beep(clip: &mut Clip, random: &mut Stream) {
    const PITCHES_HZ: [f64; 23] = [
        425.0, 440.0, 500.0, 620.0, 700.0, 800.0, 850.0, 900.0, 950.0, 980.0, 1_000.0, 1_000.0, 1_000.0, 1_020.0,
        1_050.0, 1_100.0, 1_200.0, 1_330.0, 1_400.0, 1_450.0, 1_600.0, 1_800.0, 2_000.0,
    ];
    clip.wait(about(0.5, 0.6, 0.1, 2.0, random));
    let hz = pick(&PITCHES_HZ, random) * random.range_f64(0.985, 1.015);
    let seconds = about(0.42, 0.45, 0.12, 1.4, random);
    let sound = match random.unit() {
        c if c < 0.85 => tone(&[hz], seconds),
        c if c < 0.93 => tone(&[hz, hz * random.range_f64(1.2, 1.5)], seconds),
        _ => [tone(&[hz * 1.25], seconds / 2.0), tone(&[hz], seconds / 2.0)].concat(),
    };
    let start = clip.now_s();
    clip.put(&sound, random.range_f64(0.4, 1.6) as f32);
    let last_s = clip.samples.len() as f64 / 8_000.0 - 0.2;
    clip.beep_s = Some((start, clip.now_s())).filter(|(_, end)| *end < last_s);
}

fn machine(pools: &Pools, random: &mut Stream) -> Clip {
    let kind = match random.unit() {
        c if c < 0.20 => "pause",
        c if c < 0.28 => "short",
        c if c < 0.42 => "system",
        _ => "plain",
    };
    let mut clip = Clip::new(kind);
    clip.wait(about(0.45, 0.7, 0.02, 2.2, random));
    match kind {
        "pause" => {
            let head =
                if random.chance(0.5) { pick(&pools.words, random) } else { pick(&pools.synthetic["hello"], random) };
            clip.say(head, 0, 8_000);
            clip.wait(random.range_f64(0.3, 1.25));
            greeting(&mut clip, pools, random);
        }
        "short" => {
            let item = pick(&pools.phrases, random);
            clip.read_out(item, 0.3);
        }
        "system" => system(&mut clip, pools, random),
        _ => greeting(&mut clip, pools, random),
    }
    clip.greeting_end_s = Some(clip.now_s()).filter(|end| *end < 8.0);
    if clip.now_s() < 7.6 {
        beep(&mut clip, random);
    }
    if kind != "short" && random.chance(0.07) {
        music(&mut clip, pools, random, 0.08, 0.35);
    }
    clip
}

/// Lays music under the whole clip.
fn music(clip: &mut Clip, pools: &Pools, random: &mut Stream, low: f64, high: f64) {
    if let Some(piece) = (!pools.music.is_empty()).then(|| pick(&pools.music, random)) {
        let from = random.below((piece.len() - CLIP_SAMPLES) as u64) as usize;
        let gain = random.range_f64(low, high) as f32;
        clip.samples.iter_mut().zip(&piece[from..]).for_each(|(sample, more)| *sample += more * gain);
    }
}

fn ivr(pools: &Pools, random: &mut Stream) -> Clip {
    let mut clip = Clip::new("menu");
    let chance = random.unit();
    if chance < 0.15 {
        clip.put(&tone(&[440.0, 480.0], random.range_f64(0.4, 2.0)), 0.6);
    } else if chance < 0.25
        && let Some(piece) = (!pools.music.is_empty()).then(|| pick(&pools.music, random))
    {
        clip.kind = "music";
        let from = random.below((piece.len() - CLIP_SAMPLES) as u64) as usize;
        let count = (random.range_f64(0.8, 8.0) * 8_000.0) as usize;
        clip.put(&piece[from..from + count], 0.8);
    }
    clip.wait(about(0.4, 0.6, 0.02, 2.0, random));
    let voices: Vec<_> = pools.prompts.values().filter(|prompts| !prompts.others.is_empty()).collect();
    if random.chance(0.5) || voices.is_empty() {
        let kind = if random.chance(0.75) { "ivr" } else { "announce" };
        let item = pick(&pools.synthetic[kind], random);
        clip.read_out(item, 0.6);
        while !clip.full() && random.chance(0.5) {
            clip.wait(random.range_f64(0.3, 1.2));
            clip.read_out(item, 0.6);
        }
    } else {
        let prompts = *pick(&voices, random);
        let menu = random.chance(0.7) || prompts.announcements.is_empty();
        let items = if menu { &prompts.others } else { &prompts.announcements };
        while !clip.full() {
            clip.read_out(pick(items, random), 0.6);
            clip.wait(random.range_f64(0.1, 0.7));
        }
    }
    clip
}

fn screening(pools: &Pools, random: &mut Stream) -> Clip {
    let mut clip = Clip::new("assistant");
    clip.wait(about(0.6, 0.6, 0.05, 2.0, random));
    clip.read_out(pick(&pools.synthetic["screening"], random), 0.6);
    clip.greeting_end_s = Some(clip.now_s()).filter(|end| *end < 8.0);
    if random.chance(0.25) {
        clip.wait(random.range_f64(0.1, 0.6));
        clip.put(&tone(&[random.range_f64(600.0, 1_400.0)], random.range_f64(0.12, 0.3)), 0.6);
    }
    clip
}

/// Nobody speaks: a dead line, handling and breath, a room with a television far away.
fn silence(pools: &Pools, random: &mut Stream) -> Clip {
    let chance = random.unit();
    let mut clip = Clip::new(if chance < 0.3 {
        "room"
    } else if chance < 0.45 {
        "clicks"
    } else {
        "dead"
    });
    match clip.kind {
        "room" => {
            let speakers: Vec<&Vec<Item>> = pools.sentences.values().collect();
            let item = pick(pick::<&Vec<Item>>(&speakers, random), random);
            let gain = random.range_f64(0.01, 0.05) as f32;
            while !clip.full() {
                clip.put(&item.samples, gain);
            }
        }
        "clicks" => {
            for _ in 0..1 + random.below(4) {
                clip.at = random.below((CLIP_SAMPLES - 4_000) as u64) as usize;
                let count = 40 + random.below(2_360) as usize;
                let swell = |n: usize| (std::f64::consts::PI * n as f64 / count as f64).sin().powi(2);
                let breath: Vec<f32> =
                    (0..count).map(|n| (0.035 * swell(n) * random.range_f64(-1.0, 1.0)) as f32).collect();
                clip.put(&breath, 1.0);
            }
        }
        _ => {}
    }
    clip
}

fn fax(random: &mut Stream) -> Clip {
    let mut clip = Clip::new("ced");
    clip.wait(random.range_f64(0.1, 2.5));
    let chance = random.unit();
    if chance < 0.6 {
        let hz = 2_100.0 * random.range_f64(0.995, 1.005);
        let mut sound = tone(&[hz], random.range_f64(2.6, 4.0));
        if random.chance(0.4) {
            clip.kind = "ansam";
            let moved = |(n, sample): (usize, &mut f32)| {
                *sample *= (1.0 + 0.2 * (TAU * 15.0 * n as f64 / 8_000.0).sin()) as f32
            };
            sound.iter_mut().enumerate().for_each(moved);
        }
        if clip.kind == "ansam" || random.chance(0.3) {
            sound
                .iter_mut()
                .enumerate()
                .filter(|(n, _)| (n / 3_600) % 2 == 1)
                .for_each(|(_, sample)| *sample = -*sample);
        }
        clip.put(&sound, 1.0);
        clip.wait(0.075);
        if !clip.full() {
            let rest = 8.0 - clip.now_s();
            clip.put(&v21(rest, random), 1.0);
        }
    } else if chance < 0.82 {
        clip.kind = "cng";
        while !clip.full() {
            clip.put(&tone(&[1_100.0 * random.range_f64(0.99, 1.01)], 0.5), 1.0);
            clip.wait(3.0);
        }
    } else {
        clip.kind = "v21";
        let seconds = random.range_f64(1.0, 4.0);
        clip.put(&v21(seconds, random), 1.0);
    }
    clip
}

/// A second of flags, then bits.
fn v21(seconds: f64, random: &mut Stream) -> Vec<f32> {
    let (mut phase, mut bit, mut one) = (0.0_f64, usize::MAX, true);
    (0..(seconds * 8_000.0) as usize)
        .map(|n| {
            if n * 300 / 8_000 != bit {
                bit = n * 300 / 8_000;
                one = if bit < 300 { !matches!(bit % 8, 0 | 7) } else { random.chance(0.5) };
            }
            phase += TAU * if one { 1_650.0 } else { 1_850.0 } / 8_000.0;
            (0.14 * phase.sin()) as f32
        })
        .collect()
}

fn sit(pools: &Pools, random: &mut Stream) -> Clip {
    let mut clip = Clip::new("sit");
    clip.wait(about(0.3, 0.7, 0.0, 2.0, random));
    let scripts = codecs::tones::SIT_ALL;
    let script = pick(&scripts, random);
    let shift = if random.chance(0.2) { random.range_f64(0.985, 1.015) } else { 1.0 };
    for segment in script.segments.iter() {
        clip.put(&tone(&[segment.frequencies_hz[0] * shift], f64::from(segment.duration_ms) / 1_000.0), 0.7);
        clip.wait(random.range_f64(0.0, 0.03));
    }
    clip.greeting_end_s = None;
    clip.wait(random.range_f64(0.1, 0.5));
    let spoken = pools.prompts.values().find(|prompts| !prompts.announcements.is_empty());
    match spoken.filter(|_| random.chance(0.4) && pools.split != Split::Calibrate) {
        Some(prompts) => clip.read_out(pick(&prompts.announcements, random), 0.5),
        None => clip.read_out(pick(&pools.synthetic["announce"], random), 0.5),
    }
    clip
}
