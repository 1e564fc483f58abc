//! The sound of a place: never digital silence, so that a listener can tell a live line from an idle engine leg.
//!
//! An agent's room has a hum of its own under the noise. A callee's ear tells by it that an agent is on the line (and
//! not a played message), which agent, and from which packet on, without asking the engine.
//!
//! Units: samples at 8 kHz, one frame = 160.

use base::Stream;
use codecs::RATE_HZ;
use codecs::tones::tone_share;
use std::f64::consts::TAU;

/// Rooms that can be told apart. Their hums lie 100 Hz apart from 2,000 Hz on: each has whole periods in a 20 ms frame
/// (multiples of 50 Hz), so in one frame none leaks into another, and speech is weak there.
pub const ROOMS: usize = 14;

/// Peak of the hum: its mean absolute value of 102 stays far below the 256 that speech detection calls voice.
const HUM_PEAK: f64 = 160.0;
/// Noise is uniform up to this: six of the smallest steps of G.711, so that no frame of it encodes to silence.
const NOISE_PEAK: f64 = 50.0;
/// Share of a frame's energy at the room's frequency that makes it a room: the hum's power of 12,800 against the
/// noise's 830 gives 0.94; one frame of speech hardly has a tenth of its energy in a band of 50 Hz up there.
const HUM_SHARE_MIN: f64 = 0.7;
/// Two seconds before the noise repeats.
const NOISE_SAMPLES: usize = 2 * RATE_HZ as usize;

/// Two seconds of a place's noise, made to be repeated without a seam.
#[derive(Clone, Debug)]
pub struct Noise {
    samples: Vec<i16>,
}

impl Noise {
    /// The noise of a customer's line: no hum.
    pub fn home(random: &mut Stream) -> Self {
        let noise = |_| random.range_f64(-NOISE_PEAK, NOISE_PEAK) as i16;
        Noise { samples: (0..NOISE_SAMPLES).map(noise).collect() }
    }

    /// The noise of an agent's room; rooms repeat after [`ROOMS`].
    pub fn room(room: usize, random: &mut Stream) -> Self {
        let step = TAU * hum_hz(room) / f64::from(RATE_HZ);
        let mut noise = Noise::home(random);
        for (index, sample) in noise.samples.iter_mut().enumerate() {
            *sample += (HUM_PEAK * (step * index as f64).sin()) as i16;
        }
        noise
    }

    /// One pass, to be repeated.
    pub fn samples(&self) -> &[i16] {
        &self.samples
    }

    /// Speech in this place.
    pub fn under(&self, speech: &[i16]) -> Vec<i16> {
        speech.iter().zip(self.samples.iter().cycle()).map(|(voice, noise)| voice.saturating_add(*noise)).collect()
    }
}

fn hum_hz(room: usize) -> f64 {
    2_000.0 + 100.0 * (room % ROOMS) as f64
}

/// Whose room a received frame comes from, if nobody speaks in it. Needs one whole frame of 160 samples.
pub fn room_of(frame: &[i16]) -> Option<usize> {
    (0..ROOMS).find(|room| tone_share(frame, hum_hz(*room)) >= HUM_SHARE_MIN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::Seed;
    use codecs::energy::mean_absolute;
    use codecs::g711::{pcma, pcmu};
    use codecs::tones;

    fn through_g711(frame: &[i16]) -> [Vec<i16>; 2] {
        [
            frame.iter().map(|sample| pcmu::decode(pcmu::encode(*sample))).collect(),
            frame.iter().map(|sample| pcma::decode(pcma::encode(*sample))).collect(),
        ]
    }

    #[test]
    fn every_frame_of_a_room_names_it_and_is_quiet() {
        let mut random = Seed::from_u64(1).stream("room", 0);
        for room in 0..ROOMS {
            let noise = Noise::room(room, &mut random);
            // From any place: frames of the phone need not begin where ours do.
            for start in (0..noise.samples().len() - 160).step_by(97) {
                for heard in through_g711(&noise.samples()[start..start + 160]) {
                    assert_eq!(room_of(&heard), Some(room));
                    assert!(mean_absolute(&heard) < 200);
                }
            }
        }
    }

    #[test]
    fn nothing_else_is_a_room() {
        let mut random = Seed::from_u64(2).stream("room", 0);
        let home = Noise::home(&mut random);
        for frame in home.samples().chunks_exact(160) {
            for heard in through_g711(frame) {
                assert_eq!(room_of(&heard), None);
                assert!(heard.iter().any(|sample| *sample != heard[0]), "never digital silence");
            }
        }
        assert_eq!(room_of(&[0; 160]), None);
        for script in tones::SIT_ALL.iter().chain(&[tones::RINGBACK_US, tones::VOICEMAIL_BEEP]) {
            assert!(script.render().chunks_exact(160).all(|frame| room_of(frame).is_none()), "{}", script.name);
        }
    }

    #[test]
    fn speech_lies_over_the_noise() {
        let noise = Noise::room(3, &mut Seed::from_u64(3).stream("room", 0));
        assert_eq!(noise.under(&[0; 40_000])[..16_000], *noise.samples());
        assert_eq!(noise.under(&[i16::MAX; 40_000]).len(), 40_000);
    }
}
