//! Where recordings come from: a folder of telephone speech, the prompts of a package, or a synthesiser.

use super::Recording;
use base::{Seed, Stream};
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The folder of telephone speech, if one is set.
const FOLDER_VARIABLE: &str = "OUTPACE_SPEECH_DIR";
/// Where Debian puts the prompts, one folder a voice and language.
const PROMPTS_FOLDER: &str = "/usr/share/asterisk/sounds";

/// Recordings decoded from one source: 120 clips of each of four kinds are kept and about every other recording fits
/// one; 1,000 recordings of 5 s are 80 MB while the bank is built.
const RECORDINGS_MAX: usize = 1_000;

/// A place where voices may be found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A folder with a `speech.csv` (columns `file` and `speaker`, paths relative to it) and WAV or FLAC files.
    Folder(PathBuf),
    /// A folder of WAV prompts of one voice, such as those of the package asterisk-core-sounds-en-wav.
    Prompts(PathBuf),
    /// Syllables of coloured noise: nobody's words, but with the loudness and rhythm of speech. Always there and quickly
    /// made, for tests in virtual time; not among the usual sources.
    Babble,
    /// The program `flite` or `espeak-ng`, run once for each sentence and voice.
    Synthesis,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Folder(path) => write!(f, "{FOLDER_VARIABLE}={}", path.display()),
            Source::Prompts(path) => write!(f, "prompts in {}", path.display()),
            Source::Babble => f.write_str("babble"),
            Source::Synthesis => f.write_str("speech synthesis"),
        }
    }
}

impl Source {
    /// The usual sources in order of preference: the folder that `OUTPACE_SPEECH_DIR` names, English prompts of the
    /// Debian package, synthesis.
    pub fn usual() -> Vec<Source> {
        let folder = std::env::var_os(FOLDER_VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from);
        let english = |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("en"));
        let prompts = sorted_entries(Path::new(PROMPTS_FOLDER)).unwrap_or_default().into_iter().filter(english);
        let mut sources: Vec<Source> = folder.map(Source::Folder).into_iter().collect();
        sources.extend(prompts.map(Source::Prompts));
        sources.push(Source::Synthesis);
        sources
    }

    /// All recordings of the source in a fixed order, or why there are none.
    pub(super) fn recordings(&self) -> Result<Vec<Recording>, String> {
        let recordings = match self {
            Source::Folder(path) => of_folder(path)?,
            Source::Prompts(path) => of_prompts(path)?,
            Source::Babble => babble(),
            Source::Synthesis => of_synthesis()?,
        };
        if recordings.is_empty() { Err("no readable recordings".to_owned()) } else { Ok(recordings) }
    }
}

fn sorted_entries(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let entries = std::fs::read_dir(folder).map_err(|error| error.to_string())?;
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    paths.sort();
    Ok(paths)
}

/// A file that cannot be read or decoded is passed over: one bad file must not silence all voices.
fn recording(path: &Path, speaker: &str) -> Option<Recording> {
    let samples = codecs::file::read(&std::fs::read(path).ok()?).ok()?;
    Some(Recording { speaker: speaker.to_owned(), samples })
}

fn of_folder(folder: &Path) -> Result<Vec<Recording>, String> {
    let list = folder.join("speech.csv");
    let text = std::fs::read_to_string(&list).map_err(|error| format!("{}: {error}", list.display()))?;
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
    let column = |name: &str| {
        header.iter().position(|column| *column == name).ok_or(format!("{}: no column `{name}`", list.display()))
    };
    // Both columns stand before the transcript, the only one that may be quoted, so a plain split reads them.
    let (file, speaker) = (column("file")?, column("speaker")?);
    let rows: Vec<Vec<&str>> = lines.map(|line| line.split(',').collect()).collect();
    // Evenly over the whole list: it is sorted by source and speaker.
    let step = rows.len().div_ceil(RECORDINGS_MAX).max(1);
    let read = |row: &Vec<&str>| recording(&folder.join(row.get(file)?), row.get(speaker)?);
    Ok(rows.iter().step_by(step).filter_map(read).collect())
}

/// Prompts that are tones and not speech.
const TONES: [&str; 5] = ["beep", "beeperr", "ascending-2tone", "descending-2tone", "confbridge-begin-glorious-c"];

fn of_prompts(folder: &Path) -> Result<Vec<Recording>, String> {
    let is_speech = |path: &PathBuf| {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        path.extension().is_some_and(|extension| extension == "wav") && !TONES.contains(&stem.as_str())
    };
    let paths = sorted_entries(folder)?.into_iter().filter(is_speech).take(RECORDINGS_MAX);
    Ok(paths.filter_map(|path| recording(&path, "prompts")).collect())
}

/// Four speakers with six single words and eight sentences each.
fn babble() -> Vec<Recording> {
    let mut random = Seed::from_u64(0).stream("babble", 0);
    let mut recordings = Vec::new();
    for speaker in 0..4 {
        for utterance in 0..14 {
            let syllables = if utterance < 6 { 1 } else { 6 + random.below(5) };
            let mut samples = Vec::new();
            for _ in 0..syllables {
                // Long enough to count as a word of its own, apart from the next by a gap that a listener notices.
                let length = 2_400 + random.below(2_400) as usize;
                syllable(&mut random, length, 0.25 + 0.06 * f64::from(speaker), &mut samples);
                samples.extend([0; 800]);
            }
            recordings.push(Recording { speaker: format!("babbler {speaker}"), samples });
        }
    }
    recordings
}

/// Noise through a resonance (`angle` in radians a sample) that swells and fades.
fn syllable(random: &mut Stream, length: usize, angle: f64, samples: &mut Vec<i16>) {
    const RADIUS: f64 = 0.95; // a formant's width of about 130 Hz
    let (mut last, mut before) = (0.0_f64, 0.0_f64);
    for index in 0..length {
        let next = random.range_f64(-1.0, 1.0) + 2.0 * RADIUS * angle.cos() * last - RADIUS * RADIUS * before;
        (before, last) = (last, next);
        let swell = (std::f64::consts::PI * index as f64 / length as f64).sin().sqrt();
        samples.push((next * swell * 800.0).clamp(-32_000.0, 32_000.0) as i16);
    }
}

const TEXTS: [&str; 26] = [
    "Hello?",
    "Hi.",
    "Yes?",
    "Hello, hello?",
    "Who is it?",
    "Good morning.",
    "Speaking.",
    "You have reached the voice mail of the Miller family.",
    "We are not at home right now, or we cannot come to the telephone.",
    "Please leave your name and your number after the tone, and we will call you back.",
    "Sorry, nobody is available to take your call at the moment.",
    "The person you are calling does not answer the telephone.",
    "Please leave a message after the beep. Thank you and goodbye.",
    "Good afternoon, I am calling about your last order.",
    "May I take a minute of your time?",
    "We would like to know whether everything arrived as you expected.",
    "Yes, the parcel came on Tuesday, thank you.",
    "There was one thing missing from the box.",
    "Could you please tell me the number on the label?",
    "One moment please, I have to look for it.",
    "It is forty two, seventeen, eleven.",
    "Thank you, I have found it in my list.",
    "When will the rest be delivered?",
    "It will leave our warehouse tomorrow morning.",
    "That sounds good to me.",
    "Is there anything else that I can do for you?",
];

/// What speaks one text to one WAV file.
struct Voice {
    program: &'static str,
    name: &'static str,
}

const VOICES: [Voice; 4] = [
    Voice { program: "flite", name: "slt" },
    Voice { program: "flite", name: "rms" },
    Voice { program: "flite", name: "kal" },
    Voice { program: "espeak-ng", name: "en-us" },
];

impl Voice {
    fn speak(&self, text: &str, to: &Path) -> bool {
        let mut command = Command::new(self.program);
        match self.program {
            "flite" => command.args(["-voice", self.name, "-t", text, "-o"]).arg(to),
            _ => command.args(["-v", self.name, "-w"]).arg(to).arg(text),
        };
        let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        quiet.status().is_ok_and(|status| status.success())
    }
}

fn of_synthesis() -> Result<Vec<Recording>, String> {
    let folder = tempfile::tempdir().map_err(|error| format!("temporary folder: {error}"))?;
    let mut recordings = Vec::new();
    for voice in &VOICES {
        for (index, text) in TEXTS.iter().enumerate() {
            let path = folder.path().join(format!("{}-{index}.wav", voice.name));
            if !voice.speak(text, &path) {
                break; // not installed, or without this voice
            }
            recordings.extend(recording(&path, voice.name));
        }
    }
    if recordings.is_empty() { Err("neither flite nor espeak-ng runs".to_owned()) } else { Ok(recordings) }
}
