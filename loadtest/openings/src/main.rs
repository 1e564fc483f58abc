//! Floor 6: openings of answered calls for answer detection: 8 s of 8 kHz from the answer on, each with its label.
//!
//! ```text
//!  telephone-speech, prompts, synthesisers ──> sources::Pools (split by voice and phrase) ──> scene: what is said when
//!    ──> channel: level, room, noise, handset, DTX, coder, loss, G.711 ──> WAV files and LABELS.csv
//! ```
//!
//! **Invariants.** The same sources, split, count and seed make the same files. No speaker, phrase, prompt voice or
//! piece of music is in two splits; of the neural voice each split has another pitch, which is less. What is not installed makes its pool smaller and is named on stderr. Pauses, shares and
//! lead times are choices (docs/answer-detection.md): figures from these files order designs, they promise nothing.
//!
//! **Units.** Samples are f32, full scale 1, at 8 kHz; times seconds.
#![allow(clippy::disallowed_methods)] // a program of its own: it reads and writes files

mod channel;
mod scene;
mod sources;
mod words;

use base::{Seed, Stream};
use clap::Parser;
use scene::{Clip, KINDS};
use serde::Serialize;
use sources::{Pools, Split};
use std::error::Error;
use std::path::{Path, PathBuf};

/// Length of a clip: the longest that a decision takes.
const CLIP_SAMPLES: usize = 8 * 8_000;

/// Make labelled openings of answered calls
#[derive(Parser)]
#[command(after_help = "Example:\n  amd-data --out /tmp/amd --split test --scale 25")]
struct Arguments {
    /// Folder for the files and LABELS.csv
    #[arg(long)]
    out: PathBuf,
    /// Which voices and phrases: train, calibrate or test
    #[arg(long)]
    split: Split,
    /// Clips: SCALE × (human 24, machine 12, ivr 3, screening 2, silence 2, fax 2, sit 2); later: SCALE × (screening 6,
    /// machine 6); words: SCALE × (human 16, machine 16, ivr 5, screening 5); recordings: SCALE of each
    #[arg(long, default_value_t = 10)]
    scale: usize,
    /// What is made
    #[arg(long, value_enum, default_value = "openings")]
    set: Set,
    /// Chance's seed
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Real telephone voices: a folder with speech.csv; OUTPACE_SPEECH_DIR where it is not given
    #[arg(long)]
    speech: Option<PathBuf>,
    /// Where synthetic voices are kept between runs, as VOICE/KIND-NN.wav; what lies there is used too
    #[arg(long)]
    voices: PathBuf,
}

/// What is made.
#[derive(clap::ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
enum Set {
    /// 8 s from the answer
    Openings,
    /// 24 s: mailboxes to their beep, assistants with and without a person who picks up
    Later,
    /// The same recordings over many lines, 8 s from the answer
    Recordings,
    /// 8 s from the answer: machines that say what gives them away, people who say the same words otherwise
    Words,
}

/// One row of LABELS.csv.
#[derive(Serialize)]
struct Row {
    file: String,
    label: &'static str,
    kind: &'static str,
    first_utterance_end_s: Option<f64>,
    greeting_start_s: Option<f64>,
    greeting_end_s: Option<f64>,
    beep_start_s: Option<f64>,
    beep_end_s: Option<f64>,
    person_start_s: Option<f64>,
    person_end_s: Option<f64>,
    recording: Option<String>,
    words: String,
    weight: f64,
    voice: String,
    coder: &'static str,
    level_dbov: f64,
    loss_percent: f64,
}

/// Clips of each label at scale 1.
const SHARES: [(&str, usize); 7] =
    [("human", 24), ("machine", 12), ("ivr", 3), ("screening", 2), ("silence", 2), ("fax", 2), ("sit", 2)];

fn main() {
    if let Err(error) = run(&Arguments::parse()) {
        eprintln!("error: {error}");
        std::process::exit(1);
    }
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let usual = std::env::var_os("OUTPACE_SPEECH_DIR").filter(|folder| !folder.is_empty()).map(PathBuf::from);
    let speech = arguments.speech.clone().or(usual);
    let pools = Pools::load(arguments.split, speech.as_deref(), &arguments.voices)?;
    eprintln!("{}", pools.summary());
    let seed = Seed::from_u64(arguments.seed);
    let (mut rows, mut batch) = (Vec::new(), Vec::new());
    std::fs::create_dir_all(&arguments.out)?;
    let mut take = |label: &'static str, index: usize, make: &dyn Fn(&mut Stream) -> Clip| {
        let mut random = seed.stream(label, index as u64);
        let mut clip = make(&mut random);
        let mut line = channel::line(&mut clip, label, &pools, &mut random);
        if arguments.set == Set::Recordings {
            // What is learnt and recognised is promised up to 3 % of loss.
            line.loss_percent = line.loss_percent.min(3.0);
        }
        rows.push(row(format!("{label}-{index:05}.wav"), label, &clip, &line));
        batch.push((clip, line, random));
    };
    match arguments.set {
        Set::Openings => {
            for (label, share) in SHARES {
                (0..share * arguments.scale).for_each(|n| take(label, n, &|random| scene::make(label, &pools, random)));
            }
        }
        Set::Words => {
            for (label, share) in scene::WORD_SHARES {
                (0..share * arguments.scale)
                    .for_each(|n| take(label, n, &|random| scene::words(label, &pools, random)));
            }
        }
        Set::Later => {
            for label in ["screening", "machine"] {
                (0..6 * arguments.scale).for_each(|n| take(label, n, &|random| scene::later(label, &pools, random)));
            }
        }
        Set::Recordings => {
            for (place, (label, item)) in scene::recordings(&pools).into_iter().enumerate() {
                for copy in 0..arguments.scale {
                    let name = format!("{label}-{place}");
                    let make = |random: &mut Stream| scene::copy_of(item, name.clone(), random);
                    take(label, place * arguments.scale + copy, &make);
                }
            }
        }
    }
    // A coder starts once for all its clips: starting it for each would take an hour.
    channel::code(&mut batch)?;
    for ((clip, line, mut random), row) in batch.into_iter().zip(&rows) {
        let samples = channel::arrive(&clip, &line, &mut random);
        std::fs::write(arguments.out.join(&row.file), codecs::wav::write(&samples).map_err(|e| format!("{e:?}"))?)?;
    }
    if arguments.set == Set::Openings {
        weigh(&mut rows);
    }
    write(&arguments.out.join("LABELS.csv"), &rows)?;
    eprintln!("{} clips in {}", rows.len(), arguments.out.display());
    Ok(())
}

fn row(file: String, label: &'static str, clip: &Clip, line: &channel::Line) -> Row {
    Row {
        file,
        label,
        kind: clip.kind,
        first_utterance_end_s: clip.first_utterance_end_s,
        greeting_start_s: clip.greeting_start_s,
        greeting_end_s: clip.greeting_end_s,
        beep_start_s: clip.beep_s.map(|(start, _)| start),
        beep_end_s: clip.beep_s.map(|(_, end)| end),
        person_start_s: clip.person_s.map(|(start, _)| start),
        person_end_s: clip.person_s.map(|(_, end)| end),
        recording: clip.recording.clone(),
        words: words::column(clip.words.as_deref()),
        weight: 1.0,
        voice: clip.voice.clone(),
        coder: line.coder.name(),
        level_dbov: line.level_dbov,
        loss_percent: line.loss_percent,
    }
}

/// Weights that turn the mix as made, which has many hard kinds, into that of calls to consumers.
fn weigh(rows: &mut [Row]) {
    for (label, kinds) in KINDS {
        let all = rows.iter().filter(|row| row.label == *label).count() as f64;
        for (kind, share) in *kinds {
            let is = |row: &Row| row.label == *label && row.kind == *kind;
            let count = rows.iter().filter(|row| is(row)).count() as f64;
            for row in rows.iter_mut().filter(|row| is(row)) {
                row.weight = (share * all / count * 1e4).round() / 1e4;
            }
        }
    }
}

fn write(path: &Path, rows: &[Row]) -> Result<(), Box<dyn Error>> {
    let mut writer = csv::Writer::from_path(path)?;
    rows.iter().try_for_each(|row| writer.serialize(row))?;
    writer.flush()?;
    Ok(())
}
