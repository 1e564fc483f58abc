//! Voices, prompts and music, split by voice and phrase, never by file.

use crate::words::{Mark, placed};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Which part of the voices.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Split {
    /// For training.
    Train,
    /// For thresholds and for when to stop.
    Calibrate,
    /// For figures.
    Test,
}

impl std::str::FromStr for Split {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "train" => Ok(Split::Train),
            "calibrate" => Ok(Split::Calibrate),
            "test" => Ok(Split::Test),
            _ => Err(format!("{text} is no split, give train, calibrate or test")),
        }
    }
}

/// An utterance: its speaker, its samples at an active level of -20 dB, and the noise of the line it was said on.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) voice: String,
    pub(crate) samples: Vec<f32>,
    /// Phrases of machines in it, with the samples after which they end; `None` where nobody wrote down what is said.
    pub(crate) words: Option<Vec<Mark<usize>>>,
    /// A quarter of a second of the call's own noise, level 1, and how far it lay under the voice in dB.
    pub(crate) line_noise: Option<(Vec<f32>, f64)>,
}

/// Everything that a split may use.
pub(crate) struct Pools {
    pub(crate) split: Split,
    /// Real voices: one word; a phrase of 1 to 2.3 s; longer sentences by speaker.
    pub(crate) words: Vec<Item>,
    pub(crate) phrases: Vec<Item>,
    pub(crate) sentences: BTreeMap<String, Vec<Item>>,
    /// Synthetic voices by kind of phrase.
    pub(crate) synthetic: BTreeMap<String, Vec<Item>>,
    /// Studio prompts by voice: voicemail, announcements, the rest.
    pub(crate) prompts: BTreeMap<String, Prompts>,
    pub(crate) music: Vec<Vec<f32>>,
}

#[derive(Default)]
pub(crate) struct Prompts {
    pub(crate) voicemail: BTreeMap<String, Item>,
    pub(crate) announcements: Vec<Item>,
    pub(crate) others: Vec<Item>,
}

/// Synthetic voices: program, voice, whether it speaks English, split. Test voices speak nowhere else.
const VOICES: &[(&str, &str, &str, Split)] = &[
    ("flite", "kal16", "en", Split::Train),
    ("flite", "awb", "en", Split::Train),
    ("flite", "rms", "en", Split::Calibrate),
    ("flite", "slt", "en", Split::Test),
    ("espeak-ng", "en-us", "en", Split::Train),
    ("espeak-ng", "en-us+f2", "en", Split::Train),
    ("espeak-ng", "en-us+m3", "en", Split::Calibrate),
    ("espeak-ng", "en-gb", "en", Split::Train),
    ("espeak-ng", "en-gb+f4", "en", Split::Test),
    ("espeak-ng", "en-gb+m7", "en", Split::Train),
    ("espeak-ng", "en-gb-x-rp", "en", Split::Train),
    ("espeak-ng", "en-gb-scotland+f1", "en", Split::Train),
    ("espeak-ng", "en-029+m1", "en", Split::Test),
    ("espeak-ng", "es", "es", Split::Train),
    ("espeak-ng", "de", "de", Split::Train),
    ("espeak-ng", "it+f3", "it", Split::Calibrate),
    ("espeak-ng", "fr-fr", "fr", Split::Test),
    ("espeak-ng", "es-419+f2", "es", Split::Test),
];
/// Further voices, which speak the sentences of words.toml only.
const WORD_VOICES: &[(&str, &str, &str, Split)] = &[
    ("festival", "ked_diphone", "en", Split::Train),
    ("espeak-ng", "en-us+m1", "en", Split::Train),
    ("espeak-ng", "en-us+f5", "en", Split::Train),
    ("espeak-ng", "en-us+klatt2", "en", Split::Train),
    ("espeak-ng", "en-us-nyc+m4", "en", Split::Train),
    ("espeak-ng", "en-gb-x-gbclan+f3", "en", Split::Train),
    ("espeak-ng", "en-gb-x-gbcwmd+m5", "en", Split::Train),
    ("espeak-ng", "en-gb+klatt4", "en", Split::Train),
];
/// Voices that were put into the folder by hand, for example by scripts/amd-neural-voice.
const NEURAL: &[(&str, Split)] =
    &[("hibari-a", Split::Train), ("hibari-c", Split::Calibrate), ("hibari-b", Split::Test)];
/// Of every six phrases one is for calibration and one for tests.
fn split_of_phrase(index: usize) -> Split {
    match index % 6 {
        2 => Split::Calibrate,
        4 => Split::Test,
        _ => Split::Train,
    }
}

const PROMPTS_FOLDER: &str = "/usr/share/asterisk/sounds";
const MUSIC_FOLDER: &str = "/usr/share/asterisk/moh";
const PROMPT_VOICES: &[(&str, Split)] = &[
    ("en_US_f_Allison", Split::Train),
    ("es_MX_f_Allison", Split::Train),
    ("it_IT_m_Carlo", Split::Calibrate),
    ("fr_CA_f_June", Split::Test),
];
/// What some English prompts say.
const PROMPT_TEXTS: [(&str, &str); 5] = [
    ("vm-intro", "Please leave your message after the tone. When done, hang up, or press the pound key."),
    ("vm-isunavail", "is unavailable"),
    ("vm-isonphone", "is on the phone"),
    ("vm-theperson", "the person at extension"),
    ("vm-nobodyavail", "Nobody is available to take your call at the moment."),
];
const ANNOUNCEMENTS: &[&str] = &[
    "all-circuits-busy-now",
    "cannot-complete-as-dialed",
    "check-number-dial-again",
    "number-not-answering",
    "pls-try-call-later",
    "feature-not-avail-line",
    "discon-or-out-of-service",
    "ss-noservice",
    "im-sorry",
    "pbx-invalid",
];

#[derive(Deserialize)]
struct SpeechRow {
    file: String,
    source: String,
    speaker: String,
    split: String,
    kind: String,
}

fn read(path: &Path) -> Option<Vec<f32>> {
    let samples = codecs::file::read(&std::fs::read(path).ok()?).ok()?;
    Some(samples.iter().map(|sample| f32::from(*sample) / 32_768.0).collect())
}

pub(crate) fn rms(samples: &[f32]) -> f32 {
    (samples.iter().map(|sample| sample * sample).sum::<f32>() / samples.len().max(1) as f32).sqrt()
}

/// Where something is said: start and end in samples, by an energy gate between the recording's own floor and peak.
pub(crate) fn segments(samples: &[f32], least_gap_s: f64) -> Vec<(usize, usize)> {
    const STEP: usize = 80;
    let level = |part: &[f32]| 20.0 * (rms(part) + 1e-5).log10();
    let levels: Vec<f32> = samples.chunks_exact(STEP).map(level).collect();
    if levels.len() < 5 {
        return Vec::new();
    }
    let mut sorted = levels.clone();
    sorted.sort_by(f32::total_cmp);
    let (low, high) = (sorted[sorted.len() * 8 / 100], sorted[sorted.len() * 97 / 100]);
    if high - low < 8.0 {
        return if high > -45.0 { vec![(0, samples.len())] } else { Vec::new() };
    }
    let gate = low + (0.38 * (high - low)).max(7.0);
    let mut found: Vec<(usize, usize)> = Vec::new();
    for (index, _) in levels.iter().enumerate().filter(|(_, level)| **level > gate) {
        match found.last_mut() {
            Some((_, end)) if (index - *end) as f64 * 0.01 < least_gap_s => *end = index + 1,
            _ => found.push((index, index + 1)),
        }
    }
    found.retain(|(start, end)| end - start >= 8);
    let pad = |(start, end): (usize, usize)| (start.saturating_sub(5) * STEP, ((end + 5) * STEP).min(samples.len()));
    found.into_iter().map(pad).collect()
}

/// To an active level of -20 dB.
fn levelled(samples: &[f32]) -> Vec<f32> {
    let peak = samples.iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
    let active: Vec<f32> = samples.iter().copied().filter(|sample| sample.abs() > peak * 0.05).collect();
    let gain = 0.1 / (rms(&active) + 1e-9);
    samples.iter().map(|sample| sample * gain).collect()
}

/// The quietest quarter of a second.
fn quiet_part(samples: &[f32]) -> Option<Vec<f32>> {
    let quietest = (0..samples.len().checked_sub(4_000)?)
        .step_by(800)
        .min_by(|a, b| rms(&samples[*a..a + 2_000]).total_cmp(&rms(&samples[*b..b + 2_000])))?;
    Some(samples[quietest..quietest + 2_000].to_vec())
}

/// Of real callers no phrase of a machine is known.
fn said(voice: String, samples: &[f32]) -> Option<(Item, Vec<(usize, usize)>)> {
    let found = segments(samples, 0.12);
    let (start, end) = (found.first()?.0, found.last()?.1);
    let line_noise = quiet_part(samples).map(|noise| {
        let level = rms(&noise) + 1e-6;
        let snr_db = f64::from(20.0 * (rms(&samples[start..end]) / level).log10()).clamp(8.0, 45.0);
        (noise.iter().map(|sample| sample / level).collect(), snr_db)
    });
    let item = Item { voice, samples: levelled(&samples[start..end]), words: Some(Vec::new()), line_noise };
    Some((item, found.into_iter().map(|(from, to)| (from - start, to - start)).collect()))
}

fn sum_of(text: &str) -> u32 {
    text.bytes().fold(7, |sum: u32, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte)))
}

impl Pools {
    pub(crate) fn load(split: Split, speech: Option<&Path>, voices: &Path) -> Result<Pools, Box<dyn Error>> {
        let mut pools = Pools {
            split,
            words: Vec::new(),
            phrases: Vec::new(),
            sentences: BTreeMap::new(),
            synthetic: BTreeMap::new(),
            prompts: BTreeMap::new(),
            music: Vec::new(),
        };
        match speech {
            Some(folder) => pools.load_speech(folder)?,
            None => eprintln!("no --speech and no OUTPACE_SPEECH_DIR: no real voices"),
        }
        pools.load_synthetic(voices)?;
        pools.load_prompts();
        for (index, path) in sorted(Path::new(MUSIC_FOLDER)).iter().enumerate() {
            let own = [Split::Train, Split::Calibrate, Split::Test, Split::Train, Split::Train][index % 5];
            if own == split
                && let Some(music) = read(path)
            {
                pools.music.push(levelled(&music[..music.len().min(120 * 8_000)]));
            }
        }
        if pools.music.is_empty() {
            eprintln!("no music: asterisk-moh-opsound-wav is not installed");
        }
        if pools.words.is_empty() {
            // Without real voices the synthetic ones answer alone.
            pools.words = pools.synthetic.get("hello").cloned().unwrap_or_default();
            pools.phrases = pools.synthetic.get("sentence").cloned().unwrap_or_default();
            let sentences = pools.synthetic.get("sentence").cloned().unwrap_or_default();
            sentences.into_iter().for_each(|item| pools.sentences.entry(item.voice.clone()).or_default().push(item));
        }
        for (what, empty) in [
            ("words", pools.words.is_empty()),
            ("phrases", pools.phrases.is_empty()),
            (
                "synthetic voices",
                ["hello", "machine", "carrier", "ivr", "screening", "announce", "sentence", "leave"]
                    .iter()
                    .any(|kind| !pools.synthetic.contains_key(*kind)),
            ),
        ] {
            if empty {
                return Err(format!("no {what}: install flite and espeak-ng, and set OUTPACE_SPEECH_DIR").into());
            }
        }
        Ok(pools)
    }

    fn load_speech(&mut self, folder: &Path) -> Result<(), Box<dyn Error>> {
        let mut reader = csv::Reader::from_path(folder.join("speech.csv"))?;
        for row in reader.deserialize() {
            let row: SpeechRow = row?;
            let split = match (row.split.as_str(), sum_of(&row.speaker) % 6) {
                ("val", _) => Split::Test,
                (_, 0) => Split::Calibrate,
                _ => Split::Train,
            };
            if split != self.split {
                continue;
            }
            let Some(samples) = read(&folder.join(&row.file)) else { continue };
            let seconds = |samples: usize| samples as f64 / 8_000.0;
            if row.source == "fsdd" {
                if (0.2..=1.2).contains(&seconds(samples.len())) {
                    self.words.push(Item {
                        voice: row.speaker,
                        samples: levelled(&samples),
                        words: Some(Vec::new()),
                        line_noise: None,
                    });
                }
                continue;
            }
            let Some((item, parts)) = said(row.speaker, &samples) else { continue };
            let length = seconds(item.samples.len());
            if row.kind == "word" {
                if (0.2..=1.6).contains(&length) {
                    self.words.push(item);
                }
            } else if (1.0..=2.3).contains(&length) {
                self.phrases.push(item);
            } else if length > 2.3 {
                let (start, end) = parts[0];
                if (1.0..2.3).contains(&seconds(end - start)) {
                    let samples = levelled(&item.samples[start..end.min(item.samples.len())]);
                    self.phrases.push(Item { samples, ..item.clone() });
                }
                self.sentences.entry(item.voice.clone()).or_default().push(item);
            }
        }
        Ok(())
    }

    /// Speaks what the folder does not hold yet, then reads all of it.
    fn load_synthetic(&mut self, folder: &Path) -> Result<(), Box<dyn Error>> {
        let phrases: BTreeMap<String, Vec<String>> = toml::from_str(include_str!("../phrases.toml"))?;
        let of_words: BTreeMap<String, Vec<String>> = toml::from_str(include_str!("../words.toml"))?;
        let wanted = self.split;
        let (all, more) = (VOICES.iter().map(|voice| (voice, true)), WORD_VOICES.iter().map(|voice| (voice, false)));
        for ((program, voice, language, split), all) in all.chain(more).filter(|(voice, _)| voice.3 == wanted) {
            let own = folder.join(format!("{program}-{}", voice.replace('+', "_")));
            std::fs::create_dir_all(&own)?;
            for (kind, index, phrase) in listed(&phrases).filter(|_| all).chain(listed(&of_words)) {
                let (spoken, words) = match phrase.strip_prefix('[').and_then(|rest| rest.split_once("] ")) {
                    Some(pair) => pair,
                    None => ("en", phrase),
                };
                if spoken != *language || split_of_phrase(index) != *split {
                    continue;
                }
                let path = own.join(format!("{kind}-{index:02}.wav"));
                if !path.exists() && !speak(program, voice, words, sum_of(&format!("{voice}{words}")), &path) {
                    eprintln!("{program} is not installed: voice {voice} is missing");
                    break;
                }
                self.take(&own, kind, &path, words);
            }
        }
        for (voice, split) in NEURAL.iter().filter(|(_, split)| *split == wanted) {
            let own = folder.join(voice);
            for (kind, index, words) in listed(&phrases).chain(listed(&of_words)) {
                if split_of_phrase(index) == *split {
                    self.take(&own, kind, &own.join(format!("{kind}-{index:02}.wav")), words);
                }
            }
        }
        Ok(())
    }

    fn take(&mut self, folder: &Path, kind: &str, path: &Path, text: &str) {
        let voice = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if let Some((item, parts)) = read(path).and_then(|samples| said(voice, &samples)) {
            let words = Some(placed(text, &parts));
            self.synthetic.entry(kind.to_owned()).or_default().push(Item { words, line_noise: None, ..item });
        }
    }

    fn load_prompts(&mut self) {
        for (voice, _) in PROMPT_VOICES.iter().filter(|(_, split)| *split == self.split) {
            let paths = sorted(&Path::new(PROMPTS_FOLDER).join(voice));
            if paths.is_empty() {
                eprintln!("no prompts of {voice}: its package asterisk-core-sounds-*-wav is not installed");
                continue;
            }
            let mut own = Prompts::default();
            for path in paths.iter().filter(|path| path.extension().is_some_and(|kind| kind == "wav")) {
                let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                let sounds =
                    ["ascending", "descending", "beep", "tt-", "silence", "confbridge-join", "confbridge-leave"];
                if sounds.iter().any(|sound| name.starts_with(sound)) {
                    continue;
                }
                let Some((item, parts)) = read(path).and_then(|samples| said((*voice).to_owned(), &samples)) else {
                    continue;
                };
                // Other languages hold no English phrase; of the English prompts these are written down.
                let text = PROMPT_TEXTS.iter().find(|(known, _)| *known == name).map(|(_, text)| *text);
                let words = if voice.starts_with("en") { text.map(|text| placed(text, &parts)) } else { item.words };
                let item = Item { words, line_noise: None, ..item };
                if name.starts_with("vm-") {
                    own.voicemail.insert(name, item);
                } else if ANNOUNCEMENTS.contains(&name.as_str()) {
                    own.announcements.push(item);
                } else {
                    own.others.push(item);
                }
            }
            self.prompts.insert((*voice).to_owned(), own);
        }
    }

    pub(crate) fn summary(&self) -> String {
        let synthetic: Vec<String> =
            self.synthetic.iter().map(|(kind, items)| format!("{kind} {}", items.len())).collect();
        format!(
            "{:?}: {} words, {} phrases, {} speakers with sentences; synthetic {}; {} prompt voices; {} pieces of music",
            self.split,
            self.words.len(),
            self.phrases.len(),
            self.sentences.len(),
            synthetic.join(", "),
            self.prompts.len(),
            self.music.len()
        )
    }
}

fn listed(phrases: &BTreeMap<String, Vec<String>>) -> impl Iterator<Item = (&str, usize, &str)> {
    phrases.iter().flat_map(|(kind, list)| {
        list.iter().enumerate().map(move |(index, phrase)| (kind.as_str(), index, phrase.as_str()))
    })
}

fn sorted(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    paths.sort();
    paths
}

/// True when the program wrote the file. The pace varies with `chance`, from 15 % slower to as much faster.
fn speak(program: &str, voice: &str, words: &str, chance: u32, path: &Path) -> bool {
    let pace = 0.85 + 0.3 * f64::from(chance % 101) / 100.0;
    let mut command = Command::new(program);
    match program {
        "flite" => command
            .args(["-voice", voice, "--setf", &format!("duration_stretch={pace:.2}"), "-t", words, "-o"])
            .arg(path),
        "festival" => command
            .args(["-b", &format!("(voice_{voice})")])
            .arg(format!("(utt.save.wave (utt.synth (Utterance Text {words:?})) {:?})", path.display().to_string())),
        _ => command.args(["-v", voice, "-s", &format!("{:.0}", 165.0 / pace), "-w"]).arg(path).arg(words),
    };
    let done = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    done.is_ok_and(|status| status.success()) && path.exists()
}
