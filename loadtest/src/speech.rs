//! Voices for the actors: people's hellos and sentences, answering machines' greetings, agents' lines, announcements.
//!
//! Recordings come from the first source that is there ([`Source::usual`]); each is trimmed to its speech, brought to
//! the level of a telephone line and sorted by length: a short one serves as a hello, a longer one as a sentence,
//! several sentences of one speaker and a beep as a machine's greeting. Prompts are encoded once and shared.
//!
//! Units: samples at 8 kHz.

mod sources;

pub use sources::Source;

use crate::room::Noise;
use base::{Duration, Seed, Stream};
use codecs::energy::{mean_absolute, rms};
use codecs::{RATE_HZ, tones};
use media::FRAME_SAMPLES;
use media::playout::Prompt;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Clips kept of each kind: 120 sentences of at most 9 s = 17 MB as samples and as much again in two laws; 120
/// different voices are more than a listener can tell apart.
pub const CLIPS_PER_KIND_MAX: usize = 120;

/// A hello is at most this long, so that it counts as a short greeting.
pub const HELLO_MAX: Duration = Duration::from_ms(1_200);
/// A hello is at least this long; shorter ones are clicks.
pub const HELLO_MIN: Duration = Duration::from_ms(240);
/// A machine's greeting, without its beep, is at least this long.
pub const GREETING_MIN: Duration = Duration::from_secs(4);
/// A machine's greeting is at most about this long.
pub const GREETING_MAX: Duration = Duration::from_secs(14);

/// Sentences last between a hello and this.
const SENTENCE_MAX: Duration = Duration::from_secs(9);
/// Pause between the sentences of a greeting: shorter than the 800 ms after which a listener thinks it is over.
const SENTENCE_PAUSE: Duration = Duration::from_ms(350);
/// Root mean square of a clip's loud frames after levelling: -26 dB of full scale, the usual active speech level of
/// telephone tests (ITU-T P.56 and P.800), is 32,768 × 10^(-26/20) = 1,642.
const SPEECH_RMS: f64 = 1_642.0;
/// Silence at the end of an announcement before the network ends the call.
const ANNOUNCEMENT_TAIL: Duration = Duration::from_ms(300);

/// A piece of audio ready to be played.
#[derive(Clone)]
pub struct Clip {
    /// Encoded once in each law.
    pub prompt: Arc<Prompt>,
    /// The same as linear samples, for comparisons.
    pub samples: Arc<[i16]>,
}

impl Clip {
    fn new(samples: Vec<i16>) -> Self {
        Clip { prompt: Arc::new(Prompt::from_samples(&samples)), samples: samples.into() }
    }

    /// How long it lasts.
    pub fn duration(&self) -> Duration {
        duration_of(self.samples.len())
    }
}

/// A raw recording of one utterance.
#[derive(Clone, Debug)]
pub(crate) struct Recording {
    pub(crate) speaker: String,
    pub(crate) samples: Vec<i16>,
}

/// Why there are no voices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SpeechError {
    /// Nothing usable in any source; each source with its reason.
    NoSource(Vec<(String, String)>),
}

impl std::fmt::Display for SpeechError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let SpeechError::NoSource(tried) = self;
        f.write_str("no recorded or synthetic speech for the simulated people")?;
        for (source, reason) in tried {
            write!(f, "; {source}: {reason}")?;
        }
        f.write_str(", install one of the packages asterisk-core-sounds-en-wav, flite, espeak-ng")
    }
}

impl std::error::Error for SpeechError {}

/// All voices of a run.
pub struct SpeechBank {
    origin: String,
    hellos: Vec<Clip>,
    sentences: Vec<Clip>,
    agent_lines: Vec<Clip>,
    greetings: Vec<Clip>,
    announcements: Vec<Clip>,
    /// Ringback as the network plays it; one pass, to be repeated.
    pub ringback: Clip,
}

impl SpeechBank {
    /// Loads from the first of `sources` that yields voices of every kind. Reads files and may run the synthesisers, so
    /// it takes a second or two.
    ///
    /// # Errors
    /// [`SpeechError::NoSource`], which names the packages that would help.
    pub fn load(sources: &[Source]) -> Result<SpeechBank, SpeechError> {
        let mut tried = Vec::new();
        for source in sources {
            match source.recordings().and_then(|recordings| SpeechBank::build(source.to_string(), &recordings)) {
                Ok(bank) => return Ok(bank),
                Err(reason) => tried.push((source.to_string(), reason)),
            }
        }
        Err(SpeechError::NoSource(tried))
    }

    /// Sorts recordings into the kinds. The same recordings in the same order make the same bank.
    fn build(origin: String, recordings: &[Recording]) -> Result<SpeechBank, String> {
        let mut random = Seed::from_u64(0).stream("speech bank", 0); // only noise under the voices: no need to vary
        let home = Noise::home(&mut random);
        let mut hellos = Vec::new();
        let mut by_speaker: BTreeMap<&str, Vec<Vec<i16>>> = BTreeMap::new();
        for recording in recordings {
            let Some(speech) = trimmed_and_levelled(&recording.samples) else { continue };
            match duration_of(speech.len()) {
                length if length < HELLO_MIN => {}
                length if length <= HELLO_MAX => hellos.push(speech),
                length if length <= SENTENCE_MAX => by_speaker.entry(&recording.speaker).or_default().push(speech),
                _ => {}
            }
        }
        let greetings = greetings(&by_speaker, &home);
        // Every other sentence goes to the agents, so that the two sides of a talk do not say the same.
        let sentences: Vec<Vec<i16>> = interleaved(by_speaker.into_values().collect());
        let (agents, people): (Vec<_>, Vec<_>) =
            sentences.into_iter().enumerate().partition(|(index, _)| index % 2 == 1);
        let plain = |samples: Vec<Vec<i16>>| samples.into_iter().take(CLIPS_PER_KIND_MAX);
        let with_noise = |samples: Vec<Vec<i16>>, noise: &Noise| -> Vec<Clip> {
            plain(samples).map(|samples| Clip::new(noise.under(&samples))).collect()
        };
        let without_index = |samples: Vec<(usize, Vec<i16>)>| samples.into_iter().map(|(_, samples)| samples).collect();
        let people: Vec<Vec<i16>> = without_index(people);
        let announcements = announcements(&people);
        let bank = SpeechBank {
            origin,
            hellos: with_noise(hellos, &home),
            sentences: with_noise(people, &home),
            agent_lines: plain(without_index(agents)).map(Clip::new).collect(),
            greetings: plain(greetings).map(Clip::new).collect(),
            announcements,
            ringback: Clip::new(tones::RINGBACK_US.render()),
        };
        let kinds = [
            ("hellos", bank.hellos.len()),
            ("sentences", bank.sentences.len()),
            ("agents' lines", bank.agent_lines.len()),
            ("greetings", bank.greetings.len()),
        ];
        match kinds.iter().find(|(_, count)| *count == 0) {
            Some((kind, _)) => Err(format!("no recordings that could serve as {kind}")),
            None => Ok(bank),
        }
    }

    /// Where the voices come from, for reports.
    pub fn origin(&self) -> &str {
        &self.origin
    }
    /// How people answer the telephone: one short utterance. Line noise lies under it.
    pub fn hello(&self, random: &mut Stream) -> &Clip {
        pick(&self.hellos, random)
    }
    /// What people say in a talk. Line noise lies under it.
    pub fn sentence(&self, random: &mut Stream) -> &Clip {
        pick(&self.sentences, random)
    }
    /// What agents say in a talk, without noise: each phone lays it over the noise of its own room.
    pub fn agent_line(&self, random: &mut Stream) -> &Clip {
        pick(&self.agent_lines, random)
    }
    /// What an answering machine says, and its beep. Line noise lies under it.
    pub fn greeting(&self, random: &mut Stream) -> &Clip {
        pick(&self.greetings, random)
    }
    /// A special information tone and a spoken announcement, as the network plays it.
    pub fn announcement(&self, random: &mut Stream) -> &Clip {
        pick(&self.announcements, random)
    }
    /// Number of clips: hellos, sentences, agents' lines, greetings, announcements.
    pub fn counts(&self) -> [usize; 5] {
        [&self.hellos, &self.sentences, &self.agent_lines, &self.greetings, &self.announcements].map(Vec::len)
    }
    #[cfg(test)]
    pub(crate) fn all(&self) -> [&[Clip]; 5] {
        [&self.hellos, &self.sentences, &self.agent_lines, &self.greetings, &self.announcements]
    }
}

fn pick<'a>(clips: &'a [Clip], random: &mut Stream) -> &'a Clip {
    &clips[random.below(clips.len() as u64) as usize]
}

fn duration_of(samples: usize) -> Duration {
    Duration::from_us(samples as u64 * 1_000_000 / u64::from(RATE_HZ))
}

pub(crate) fn samples_of(duration: Duration) -> usize {
    (duration.as_us() * u64::from(RATE_HZ) / 1_000_000) as usize
}

/// Cuts what stands before and after the speech and brings it to the level of a line; `None` for silence.
/// Speech is where a frame has a tenth of the loudest frame: 20 dB below the peak is room, breath or hiss.
fn trimmed_and_levelled(samples: &[i16]) -> Option<Vec<i16>> {
    let loudness: Vec<u32> = samples.chunks(FRAME_SAMPLES).map(mean_absolute).collect();
    let loudest = *loudness.iter().max()?;
    let is_speech = |frame: usize| loudness.get(frame).is_some_and(|level| *level * 10 >= loudest && *level > 0);
    // Two frames in a row: a click is shorter.
    let first = (0..loudness.len()).find(|frame| is_speech(*frame) && is_speech(frame + 1))?;
    let last = (first + 1..loudness.len()).rev().find(|frame| is_speech(*frame) && is_speech(frame - 1))?;
    let end = ((last + 2) * FRAME_SAMPLES).min(samples.len());
    let mut speech = samples[first.saturating_sub(1) * FRAME_SAMPLES..end].to_vec();

    let loud: Vec<i16> =
        speech.chunks(FRAME_SAMPLES).filter(|frame| mean_absolute(frame) * 10 >= loudest).flatten().copied().collect();
    let gain = SPEECH_RMS / rms(&loud).max(1.0);
    let fade = FRAME_SAMPLES / 2; // 10 ms: no click where the recording's own hiss begins and ends
    let length = speech.len();
    for (index, sample) in speech.iter_mut().enumerate() {
        let edge = (index.min(length - 1 - index) as f64 / fade as f64).min(1.0);
        *sample = (f64::from(*sample) * gain * edge).clamp(-32_000.0, 32_000.0) as i16;
    }
    Some(speech)
}

/// Takes one of each speaker in turn, so that few clips still have many voices.
fn interleaved(groups: Vec<Vec<Vec<i16>>>) -> Vec<Vec<i16>> {
    let mut groups: Vec<_> = groups.into_iter().map(Vec::into_iter).collect();
    let mut all = Vec::new();
    loop {
        let before = all.len();
        all.extend(groups.iter_mut().filter_map(Iterator::next));
        if all.len() == before {
            return all;
        }
    }
}

/// For each speaker as many greetings as the sentences give: two or more sentences until it is long enough, a pause, the beep.
fn greetings(by_speaker: &BTreeMap<&str, Vec<Vec<i16>>>, line: &Noise) -> Vec<Vec<i16>> {
    let beep = tones::VOICEMAIL_BEEP.render();
    let pause = vec![0; samples_of(SENTENCE_PAUSE)];
    let of_speaker = |sentences: &Vec<Vec<i16>>| {
        let mut made = Vec::new();
        let (mut greeting, mut parts): (Vec<i16>, usize) = (Vec::new(), 0);
        for sentence in sentences {
            greeting.extend(sentence);
            greeting.extend(&pause);
            parts += 1;
            if parts >= 2 && greeting.len() >= samples_of(GREETING_MIN + SENTENCE_PAUSE) {
                if greeting.len() <= samples_of(GREETING_MAX) {
                    let mut played = line.under(&greeting);
                    played.extend(&beep);
                    made.push(played);
                }
                greeting.clear();
                parts = 0;
            }
        }
        made
    };
    interleaved(by_speaker.values().map(of_speaker).collect())
}

fn announcements(sentences: &[Vec<i16>]) -> Vec<Clip> {
    let tail = vec![0; samples_of(ANNOUNCEMENT_TAIL)];
    let announcement = |(script, speech): (&tones::ToneScript, &Vec<i16>)| {
        let mut samples = script.render();
        samples.extend(&tail);
        samples.extend(speech);
        samples.extend(&tail);
        Clip::new(samples)
    };
    tones::SIT_ALL.iter().zip(sentences.iter().cycle()).map(announcement).collect()
}

#[cfg(test)]
mod tests;
