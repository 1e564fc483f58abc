//! How sure verdicts are: the same recordings louder, quieter, through other coders and with losses.

use crate::exam::{FRAME_SAMPLES, decide, listener};
use crate::labels::{Labelled, WIDE_HZ};
use crate::report::figures;
use crate::{Fault, on_all_cores};
use base::Seed;
use codecs::energy::rms;
use codecs::g711::Law;
use detect::decide::Tuning;
use detect::model::Net;
use detect::{Decision, RATE_HZ};
use std::sync::Arc;

/// What is done to a recording.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Trouble {
    /// Its loud frames are brought to this level, in dB of full scale.
    Level(f64),
    /// Coded and decoded once more.
    Law(Law),
    /// Heard at 16 kHz.
    Wideband,
    /// This share of packets of 20 ms is lost; the engine fades the last frame over the gap.
    Loss(f64),
}

const TROUBLES: [(&str, Trouble); 6] = [
    ("level -10 dBov", Trouble::Level(-10.0)),
    ("level -35 dBov", Trouble::Level(-35.0)),
    ("A-law once more", Trouble::Law(Law::A)),
    ("u-law once more", Trouble::Law(Law::Mu)),
    ("heard at 16 kHz", Trouble::Wideband),
    ("5 % of packets lost", Trouble::Loss(0.05)),
];

/// What one trouble changed.
#[derive(Clone, Copy, Debug)]
pub struct Change {
    /// What was done.
    pub name: &'static str,
    /// Share of the recordings with another verdict.
    pub verdicts: f64,
    /// Share of people taken for machines, as weighted as in the report.
    pub human_as_machine: f64,
}

/// The level of the loud fifth of the frames in dB of full scale.
fn level_db(samples: &[i16]) -> f64 {
    let mut levels: Vec<f64> = samples.chunks_exact(FRAME_SAMPLES).map(rms).collect();
    levels.sort_by(f64::total_cmp);
    let loud = &levels[levels.len() * 4 / 5..];
    let mean = loud.iter().map(|level| level * level).sum::<f64>() / loud.len().max(1) as f64;
    10.0 * (mean / (32_768.0 * 32_768.0)).max(1e-9).log10()
}

fn disturbed(samples: &[i16], trouble: Trouble, index: usize) -> Vec<i16> {
    match trouble {
        Trouble::Level(db) => {
            let gain = 10_f64.powf((db - level_db(samples)) / 20.0);
            samples.iter().map(|sample| (f64::from(*sample) * gain) as i16).collect()
        }
        Trouble::Law(law) => samples.iter().map(|sample| law.decode(law.encode(*sample))).collect(),
        Trouble::Wideband => codecs::resample::resample(samples, RATE_HZ, WIDE_HZ).unwrap_or_default(),
        Trouble::Loss(share) => {
            let mut random = Seed::from_u64(1).stream("lost packets", index as u64);
            let mut samples = samples.to_vec();
            for at in (FRAME_SAMPLES..samples.len() / FRAME_SAMPLES * FRAME_SAMPLES).step_by(FRAME_SAMPLES) {
                if random.chance(share) {
                    for n in at..at + FRAME_SAMPLES {
                        samples[n] = samples[n - FRAME_SAMPLES] / 2;
                    }
                }
            }
            samples
        }
    }
}

fn verdict(samples: &[i16], wide: bool, net: &Arc<Net>, tuning: Tuning) -> Decision {
    let ((mut listener, frame_samples), mut looks) = (listener(net, wide), Vec::new());
    samples.chunks_exact(frame_samples).for_each(|frame| listener.push(frame, |look| looks.push(*look)));
    decide(&looks, tuning)
}

/// What each trouble changes.
///
/// # Errors
/// The first recording that cannot be read.
pub fn stress(labelled: &[Labelled], net: &Arc<Net>, tuning: Tuning) -> Result<Vec<Change>, Fault> {
    let indices: Vec<usize> = (0..labelled.len()).collect();
    let heard = on_all_cores(&indices, |index| {
        let samples = labelled[*index].answered()?;
        let troubled = TROUBLES.map(|(_, trouble)| {
            let wide = matches!(trouble, Trouble::Wideband);
            verdict(&disturbed(&samples, trouble, *index), wide, net, tuning)
        });
        Ok((verdict(&samples, false, net, tuning), troubled))
    });
    let heard: Vec<(Decision, [Decision; 6])> = heard.into_iter().collect::<Result<_, Fault>>()?;
    let change = |(place, (name, _)): (usize, (&'static str, Trouble))| {
        let other = heard.iter().filter(|(plain, troubled)| plain.verdict != troubled[place].verdict).count();
        let decisions: Vec<Decision> = heard.iter().map(|(_, troubled)| troubled[place]).collect();
        Change {
            name,
            verdicts: other as f64 / heard.len().max(1) as f64,
            human_as_machine: figures(labelled, &decisions).human_as_machine,
        }
    };
    Ok(TROUBLES.into_iter().enumerate().map(change).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn troubles_do_what_they_say() {
        let voice: Vec<i16> =
            (0..16_000).map(|n| if n % 4_000 < 2_000 { (n % 80 * 100) as i16 - 4_000 } else { 0 }).collect();
        for db in [-10.0, -35.0] {
            assert!((level_db(&disturbed(&voice, Trouble::Level(db), 0)) - db).abs() < 0.5);
        }
        let lost = disturbed(&voice, Trouble::Loss(0.05), 3);
        let changed = lost.chunks(160).zip(voice.chunks(160)).filter(|(a, b)| a != b).count();
        assert!((1..=12).contains(&changed), "{changed} of 100");
        assert_ne!(lost, disturbed(&voice, Trouble::Loss(0.05), 4), "each recording loses others");
        assert_eq!(disturbed(&voice, Trouble::Wideband, 0).len(), 2 * voice.len());
        let law = disturbed(&voice, Trouble::Law(Law::A), 0);
        assert_eq!(disturbed(&law, Trouble::Law(Law::A), 0), law, "once coded, coded for good");
    }
}
