//! LABELS.csv: which recordings there are, and what answered in each.

use crate::Fault;
use codecs::file::Recording;
use detect::words::Family;
use detect::{RATE_HZ, Verdict};
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// Most rows of one file: a million clips of 8 s are 90 days of audio.
pub const ROWS_MAX: usize = 1_000_000;

/// Samples a second of wideband telephony.
pub(crate) const WIDE_HZ: u32 = 2 * RATE_HZ;
/// Longest early media: callers give up before, and networks after three minutes.
const ANSWER_MAX_S: f64 = 300.0;

/// One labelled recording. Its times are seconds since the answer.
#[derive(Clone, PartialEq, Debug)]
pub struct Labelled {
    /// Where the recording is.
    pub path: PathBuf,
    /// How long it had run when the call was answered; 0 where it begins with the answer.
    pub answer_s: f64,
    /// What answered.
    pub label: Verdict,
    /// Sort of that, such as `word` or `sentence`; empty when not said.
    pub kind: String,
    /// Where a person's first utterance ends.
    pub first_utterance_end_s: Option<f64>,
    /// Where a beep begins and ends.
    pub beep_s: Option<(f64, f64)>,
    /// Where a machine's greeting begins and ends.
    pub greeting_start_s: Option<f64>,
    /// See above.
    pub greeting_end_s: Option<f64>,
    /// A person who picks up after a machine: from when, and where the first words end.
    pub person_s: Option<(f64, f64)>,
    /// The name of the fixed recording that speaks, of which there are several copies.
    pub recording: Option<String>,
    /// Phrases of machines that are said, with the seconds at which they end; `None` where nobody wrote down what is said.
    pub words: Option<Vec<(Family, f64)>>,
    /// Who speaks; `None` where nobody wrote it down, and each recording is somebody's of its own.
    pub voice: Option<String>,
    /// How much it counts.
    pub weight: f64,
}

#[derive(Deserialize)]
struct Row {
    file: PathBuf,
    #[serde(default)]
    answer_s: Option<f64>,
    label: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    first_utterance_end_s: Option<f64>,
    #[serde(default)]
    beep_start_s: Option<f64>,
    #[serde(default)]
    beep_end_s: Option<f64>,
    #[serde(default)]
    greeting_start_s: Option<f64>,
    #[serde(default)]
    greeting_end_s: Option<f64>,
    #[serde(default)]
    person_start_s: Option<f64>,
    #[serde(default)]
    person_end_s: Option<f64>,
    #[serde(default)]
    recording: Option<String>,
    /// `FAMILY@SECONDS`, apart by spaces; `?`, as without the column: not known.
    #[serde(default = "unknown")]
    words: String,
    #[serde(default)]
    voice: Option<String>,
    #[serde(default)]
    weight: Option<f64>,
}

fn unknown() -> String {
    "?".to_owned()
}

/// The column `words`; `None` for what it cannot hold.
fn words(text: &str) -> Option<Option<Vec<(Family, f64)>>> {
    let phrase = |word: &str| {
        let (family, end_s) = word.split_once('@')?;
        let end_s = end_s.parse().ok().filter(|end_s: &f64| *end_s >= 0.0)?;
        Some((Family::named(family)?, end_s))
    };
    if text == "?" { Some(None) } else { text.split_whitespace().map(phrase).collect::<Option<Vec<_>>>().map(Some) }
}

/// Reads the table; paths are relative to it.
///
/// # Errors
/// What cannot be read or is no label, with its line.
pub fn read(table: &Path) -> Result<Vec<Labelled>, Fault> {
    let place = table.display();
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_path(table)
        .map_err(|error| Fault(format!("{place} cannot be read: {error}")))?;
    let folder = table.parent().unwrap_or(Path::new(""));
    let mut labelled = Vec::new();
    for (index, row) in reader.deserialize().enumerate() {
        let line = index + 2;
        let row: Row = row.map_err(|error| Fault(format!("{place}, line {line}: {error}")))?;
        let names = "human, machine, ivr, screening, silence, fax, sit";
        let label = Verdict::named(&row.label)
            .ok_or_else(|| Fault(format!("{place}, line {line}: \"{}\" is no label, use {names}", row.label)))?;
        let weight = row.weight.unwrap_or(1.0);
        if !(weight > 0.0 && weight.is_finite()) {
            return Err(Fault(format!("{place}, line {line}: weight {weight} counts nothing, give more than 0")));
        }
        let answer_s = row.answer_s.unwrap_or(0.0);
        if !(0.0..=ANSWER_MAX_S).contains(&answer_s) {
            return Err(Fault(format!(
                "{place}, line {line}: answer_s is {answer_s}, give 0 to {ANSWER_MAX_S} seconds"
            )));
        }
        let words = words(&row.words).ok_or_else(|| {
            let names = Family::ALL.map(Family::name).join(", ");
            Fault(format!("{place}, line {line}: words are written as FAMILY@SECONDS or ?, with a family of {names}"))
        })?;
        if index == ROWS_MAX {
            return Err(Fault(format!("{place} has more than {ROWS_MAX} rows, split it")));
        }
        labelled.push(Labelled {
            path: folder.join(row.file),
            answer_s,
            label,
            kind: row.kind,
            first_utterance_end_s: row.first_utterance_end_s,
            beep_s: row.beep_start_s.zip(row.beep_end_s),
            greeting_start_s: row.greeting_start_s,
            greeting_end_s: row.greeting_end_s,
            person_s: row.person_start_s.zip(row.person_end_s),
            recording: row.recording.filter(|name| !name.is_empty()),
            words,
            voice: row.voice.filter(|name| !name.is_empty()),
            weight,
        });
    }
    if labelled.is_empty() {
        return Err(Fault(format!("{place} has no rows, label some recordings")));
    }
    Ok(labelled)
}

/// A call as it was recorded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Call {
    /// Samples before the answer.
    pub before: Vec<i16>,
    /// Samples from the answer on.
    pub after: Vec<i16>,
    /// They are 16,000 a second; otherwise 8,000.
    pub wide: bool,
}

impl Labelled {
    /// The recording at the rate that the front end hears it at.
    ///
    /// # Errors
    /// What cannot be read, or ends before the answer, with its name.
    pub fn call(&self) -> Result<Call, Fault> {
        let (mut before, wide) = voice(&self.path)?;
        let answer = (self.answer_s * f64::from(if wide { WIDE_HZ } else { RATE_HZ })).round() as usize;
        if answer > before.len() {
            return Err(Fault(format!(
                "{} ends before its answer_s of {} s, mend the table",
                self.path.display(),
                self.answer_s
            )));
        }
        let after = before.split_off(answer);
        Ok(Call { before, after, wide })
    }

    /// The samples from the answer on, at 8 kHz.
    ///
    /// # Errors
    /// See [`Labelled::call`].
    pub fn answered(&self) -> Result<Vec<i16>, Fault> {
        let call = self.call()?;
        Ok(if call.wide { codecs::halve::halve(&call.after) } else { call.after })
    }
}

/// The samples of a recording at 8 kHz.
///
/// # Errors
/// What cannot be read, with its name.
pub fn samples(path: &Path) -> Result<Vec<i16>, Fault> {
    voice(path).map(|(samples, wide)| if wide { codecs::halve::halve(&samples) } else { samples })
}

/// The samples of a recording: where it has 16 kHz as they are, which is told; others at 8 kHz.
fn voice(path: &Path) -> Result<(Vec<i16>, bool), Fault> {
    let bytes = std::fs::read(path).map_err(|error| Fault(format!("{} cannot be read: {error}", path.display())))?;
    let read = |recording: Recording| {
        let wide = recording.rate_hz == WIDE_HZ;
        let samples = if wide { recording.to_mono() } else { recording.to_mono_8khz() };
        samples.map(|samples| (samples, wide))
    };
    codecs::file::decode(&bytes).and_then(read).map_err(|reject| {
        Fault(format!("{} cannot be read: {reject:?}, give WAV or FLAC with one to eight channels", path.display()))
    })
}
