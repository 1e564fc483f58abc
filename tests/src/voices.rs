//! Speech for the tests, and the question whether a clip was heard.

use base::{Duration, Seed};
use loadtest::correlate::{self, SCORE_SAME};
use loadtest::speech::{Clip, Source, SpeechBank};
use std::sync::OnceLock;

/// A clip must have scored so many times what another voice scores in the same audio.
const CLEARER_THAN_ANOTHER: f64 = 2.0;

/// Three people who say different things for one and a half to four seconds: more than the second that is compared, and
/// short enough for quick tests.
pub struct Voices {
    /// Whom the engine plays, or the party on the customer's side.
    pub customer: Clip,
    /// The agent.
    pub agent: Clip,
    /// Nobody plays this one: its score is what chance gives.
    pub stranger: Clip,
}

/// The voices of this process, loaded once.
///
/// # Panics
/// When the machine has neither recordings nor a synthesiser; the message names the packages.
pub fn voices() -> &'static Voices {
    static VOICES: OnceLock<Voices> = OnceLock::new();
    VOICES.get_or_init(|| {
        let bank = SpeechBank::load(&Source::usual()).unwrap_or_else(|error| panic!("{error} (scripts/setup does)"));
        println!("voices: {}", bank.origin());
        let mut random = Seed::from_u64(2).stream("interop voices", 0);
        let mut chosen: Vec<Clip> = Vec::new();
        for _ in 0..10_000 {
            let clip = if chosen.len() == 1 { bank.agent_line(&mut random) } else { bank.sentence(&mut random) };
            let fits = (Duration::from_ms(1_500)..=Duration::from_ms(4_000)).contains(&clip.duration());
            // The same sentence twice would be found in itself.
            if fits && chosen.iter().all(|other| score(&clip.samples, &other.samples) < SCORE_SAME / 2.0) {
                chosen.push(clip.clone());
            }
            if let [customer, agent, stranger] = &chosen[..] {
                let [customer, agent, stranger] = [customer, agent, stranger].map(Clip::clone);
                return Voices { customer, agent, stranger };
            }
        }
        panic!("{} has no three different sentences of 1.5 to 4 s", bank.origin());
    })
}

/// Asserts that `clip` is in `received` and says how clearly. The measure of "clearly" is taken from the same audio: what a
/// voice that nobody played scores there by chance.
///
/// # Panics
/// When the clip was not heard.
#[track_caller]
pub fn assert_heard(place: &str, clip: &Clip, received: &[i16]) {
    let (right, wrong) = (score(&clip.samples, received), score(&voices().stranger.samples, received));
    println!("{place}: score {right:.3}, of a voice that was not there {wrong:.3}, in {} samples", received.len());
    assert!(right >= SCORE_SAME, "{place}: not heard (score {right:.3}) in {} samples", received.len());
    assert!(right >= CLEARER_THAN_ANOTHER * wrong, "{place}: score {right:.3} is no clearer than chance ({wrong:.3})");
}

/// The opposite: nothing of `clip` is in `received`.
///
/// # Panics
/// When the clip was heard.
#[track_caller]
pub fn assert_not_heard(place: &str, clip: &Clip, received: &[i16]) {
    let found = score(&clip.samples, received);
    assert!(found < SCORE_SAME, "{place}: heard what it must not hear (score {found:.3})");
}

/// 0 for what is too short or silent to be compared.
fn score(known: &[i16], received: &[i16]) -> f64 {
    correlate::find(known, received).map_or(0.0, |found| found.score)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clip_is_heard_where_it_is_and_nowhere_else() {
        let voices = voices();
        let mut received = vec![0; 3_333];
        received.extend(voices.agent.samples.iter());
        assert_heard("made up", &voices.agent, &received);
        assert_not_heard("made up", &voices.customer, &received);
    }

    #[test]
    #[should_panic(expected = "not heard")]
    fn another_voice_does_not_pass_for_the_clip() {
        assert_heard("made up", &voices().agent, &voices().customer.samples);
    }

    #[test]
    #[should_panic(expected = "must not hear")]
    fn a_clip_that_is_there_is_not_missed() {
        assert_not_heard("made up", &voices().agent, &voices().agent.samples);
    }
}
