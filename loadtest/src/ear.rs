//! What an actor hears in received audio, by its content alone.

use crate::room::room_of;
use base::{Duration, Instant};
use codecs::energy::mean_absolute;
use codecs::g711::Law;

/// Mean absolute sample from which a frame holds a voice: what answer detection commonly uses, 256 of 32,768.
const VOICE_LEVEL: u32 = 256;
/// Samples up to this are digital silence in either law (A-law's smallest code is ±8).
const SILENCE_PEAK: u16 = 8;
/// Longest packet that is decoded: 60 ms at 8 kHz, more than any G.711 sender uses.
const PACKET_SAMPLES_MAX: usize = 480;
/// Silence that parts two stretches of sound: five frames. A voice over a live line never has it, a lost packet or two
/// are shorter.
const STRETCH_GAP: Duration = Duration::from_ms(100);

/// One frame, by content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sound {
    /// An idle leg of an engine: nothing at all.
    Silence,
    /// A live line on which nobody speaks.
    Noise,
    /// The quiet of an agent's room, see [`crate::room`].
    Room(usize),
    /// Somebody or something speaks.
    Voice,
}

/// Tells one frame of decoded samples.
pub fn listen(frame: &[i16]) -> Sound {
    if frame.iter().all(|sample| sample.unsigned_abs() <= SILENCE_PEAK) {
        return Sound::Silence;
    }
    if mean_absolute(frame) >= VOICE_LEVEL {
        return Sound::Voice;
    }
    room_of(frame).map_or(Sound::Noise, Sound::Room)
}

/// Tells one received packet; of one that is longer than 60 ms the beginning.
pub fn listen_to(law: Law, payload: &[u8]) -> Sound {
    let mut samples = [0_i16; PACKET_SAMPLES_MAX];
    let count = law.decode_slice(payload, &mut samples);
    listen(&samples[..count])
}

/// Follows the stretches of sound of one line.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ear {
    /// First and last packet with any sound of the current stretch.
    stretch: Option<(Instant, Instant)>,
    /// Voice in the current stretch, in frames.
    voice_frames: u32,
    /// The room that the last frame named, to be confirmed by a second one.
    room: Option<usize>,
}

/// What a frame changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Noticed {
    /// Nothing of note.
    Nothing,
    /// A voice frame: the number of them in this stretch.
    Voice(u32),
    /// Two frames in a row named this room.
    Room(usize),
}

impl Ear {
    pub(crate) fn hear(&mut self, at: Instant, sound: Sound) -> Noticed {
        if sound == Sound::Silence {
            self.room = None;
            return Noticed::Nothing;
        }
        match &mut self.stretch {
            Some((_, last)) if at.since(*last) <= STRETCH_GAP => *last = at,
            _ => {
                self.stretch = Some((at, at));
                self.voice_frames = 0;
            }
        }
        let before = self.room.take();
        match sound {
            Sound::Voice => {
                self.voice_frames += 1;
                Noticed::Voice(self.voice_frames)
            }
            Sound::Room(room) => {
                self.room = Some(room);
                if before == Some(room) { Noticed::Room(room) } else { Noticed::Nothing }
            }
            Sound::Noise | Sound::Silence => Noticed::Nothing,
        }
    }

    /// When the first packet of the current (or last) stretch of sound came in.
    pub(crate) fn stretch_began(&self) -> Option<Instant> {
        self.stretch.map(|(first, _)| first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::room::Noise;
    use base::Seed;

    #[test]
    fn frames_are_told_by_content() {
        let mut random = Seed::from_u64(1).stream("ear", 0);
        let home = Noise::home(&mut random);
        let room = Noise::room(5, &mut random);
        assert_eq!(listen(&[0; 160]), Sound::Silence);
        assert_eq!(listen(&[-8; 160]), Sound::Silence);
        assert_eq!(listen(&home.samples()[..160]), Sound::Noise);
        assert_eq!(listen(&room.samples()[80..240]), Sound::Room(5));
        let voice: Vec<i16> = (0..160).map(|n| ((f64::from(n) * 0.3).sin() * 1_500.0) as i16).collect();
        assert_eq!(listen(&room.under(&voice)), Sound::Voice);
    }

    #[test]
    fn a_room_is_confirmed_by_two_frames_and_its_stretch_begins_at_the_first_sound() {
        let at = |frame: u64| Instant::ZERO + Duration::from_ms(20) * frame;
        let mut ear = Ear::default();
        for frame in 0..10 {
            assert_eq!(ear.hear(at(frame), Sound::Silence), Noticed::Nothing);
        }
        assert_eq!(ear.stretch_began(), None);
        assert_eq!(ear.hear(at(10), Sound::Voice), Noticed::Voice(1));
        assert_eq!(ear.hear(at(11), Sound::Room(2)), Noticed::Nothing);
        assert_eq!(ear.hear(at(12), Sound::Silence), Noticed::Nothing);
        assert_eq!(ear.hear(at(13), Sound::Room(2)), Noticed::Nothing);
        assert_eq!(ear.hear(at(14), Sound::Room(3)), Noticed::Nothing, "two different rooms are no room");
        assert_eq!(ear.hear(at(15), Sound::Room(3)), Noticed::Room(3));
        assert_eq!(ear.stretch_began(), Some(at(10)));
        assert_eq!(ear.hear(at(30), Sound::Voice), Noticed::Voice(1), "a new stretch");
        assert_eq!(ear.stretch_began(), Some(at(30)));
    }
}
