//! From a running posterior to one verdict: sequential, and for the person wherever there is doubt.
//!
//! ```text
//!  SIT, fax tone ─────────────────────────────────────────────> sit, fax       (a sure sign)
//!  a known recording ────────────────────────────────────────> its kind        (a sure sign)
//!  beep after 1.5 s of speech ────────────────────────────────> machine        (alone a beep is none)
//!  talk that goes on across the answer for 1 s, while the
//!  three machines are likelier than a person ────────────────> the likeliest of the three, or sit after such tones
//!  p(machine) + p(ivr) + p(screening) ≥ θm for 80 ms ─────────> the likeliest of the three (words weigh in p)
//!  p(human) ≥ θh ─────────────────────────────────────────────> human
//!  after 2 s: p(human) ≥ θh − 0.28 for 1 s, no machine likely,
//!  and then beyond p(nobody, tones) by as much ──────────────> human
//!  1 s after speech ended, or 6 s of talk ────────────────────> human          (the default)
//!  the same after words cut in, or of a lull while something
//!  sounds on, where p(machine) + p(ivr) + p(screening) < 0.3 ─> human
//!  6 s without speech, or with what is likely none ───────────> silence        (never a machine)
//! ```
//!
//! **Invariants.** One verdict; no verdict before evidence: a person needs speech, a machine too. Decisions look only
//! at [`Look`]s, so that thresholds can be tried on kept traces without hearing the audio again.

use crate::early::Across;
use crate::front::FRAME_MS;
use crate::model::Posterior;
use crate::print::Met;
use crate::timing::UTTERANCE_FRAMES;
use crate::vad::HANG_FRAMES;
use crate::words::{Family, Heard};
use crate::{Decision, Verdict};
use codecs::tones::{Signal, SitReason};

/// The thresholds and times of a decision. The two thresholds come from calibration.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Tuning {
    /// θh: probability of a person that is enough.
    pub human: f32,
    /// Probability of a person that is enough after a machine has spoken: see [`Tuning::AGAIN`].
    pub again: f32,
    /// θm: probability of the three talking machines together that is enough.
    pub machine: f32,
    /// How long θm must hold.
    pub machine_hold_ms: u32,
    /// How long a person must have been likely, and no machine, where the call goes on for long: see [`LIKELY_LESS`].
    pub person_hold_ms: u32,
    /// No verdict of the net before this.
    pub earliest_ms: u32,
    /// Rest after speech, as the gate sees it, at which doubt is decided for the person.
    pub rest_ms: u32,
    /// Time since the answer at which it is, while the far end speaks on.
    pub talk_ms: u32,
    /// Time without speech at which nobody is there.
    pub silence_ms: u32,
    /// Speech that must have been heard before a beep means a machine.
    pub speech_before_beep_ms: u32,
}

/// The gate sees the end of speech so late: it holds speech over dips, and its windows smear it.
const GATE_LAG_MS: u32 = 120;

impl Tuning {
    /// A machine's second sentence after a pause often sounds like a person's answer, so more is asked for than at the
    /// beginning.
    pub const AGAIN: f32 = 0.92;
    /// For what follows a verdict by rules, which know no knob.
    pub const LATER: Tuning = Tuning::with(0.8, 0.9);

    /// Everything but the thresholds, which say "at most 1 % of people" only for the net they were calibrated with.
    pub const fn with(human: f32, machine: f32) -> Tuning {
        Tuning {
            human,
            again: Tuning::AGAIN,
            machine,
            machine_hold_ms: 80,
            person_hold_ms: 1_000,
            earliest_ms: 300,
            rest_ms: 1_000 - GATE_LAG_MS,
            talk_ms: 6_000,
            silence_ms: 6_000,
            speech_before_beep_ms: 1_500,
        }
    }
}

/// What the decision sees of 20 ms.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Look {
    /// The latest posterior, smoothed, with what words weigh.
    pub posterior: Posterior,
    /// Phrases of machines in this turn, the highest probability of each family.
    pub heard: Heard,
    /// The posterior without words: who picks up after a machine may begin with "this is", as machines do.
    pub wordless: Posterior,
    /// The family whose phrases say most; `None` where none says anything.
    pub phrase: Option<Family>,
    /// Speech so far in this turn; before the first verdict the call is one turn.
    pub speech_ms: u32,
    /// Rest that lasts until now, since the turn began at most.
    pub rest_ms: u32,
    /// How long nobody has spoken as loud as before; 0 before an utterance.
    pub lull_ms: u32,
    /// Where words ended that had begun before the answer and that the gate did not hear; 0 for none.
    pub cut_in_end_ms: u32,
    /// Where the turn's last speech ended; 0 when there was none.
    pub speech_end_ms: u32,
    /// A tone that was told in these 20 ms.
    pub tone: Option<Signal>,
    /// A known recording that was recognised in these 20 ms.
    pub recording: Option<Met>,
    /// Talk that had begun before the answer and goes on.
    pub across: Option<Across>,
    /// Where that tone ended, or how far it is known; 0 without one.
    pub tone_end_ms: u32,
    /// The end of these 20 ms, since the answer.
    pub at_ms: u32,
}

impl Look {
    /// A person is as likely as not, of what has been said.
    pub fn is_likely_person(&self) -> bool {
        self.posterior[0] >= 0.5 && self.speech_ms >= UTTERANCE_MS
    }

    /// What sounded was as likely as not nobody who speaks: clicks, breath, voices far away.
    pub(crate) fn is_likely_silence(&self) -> bool {
        self.posterior[4] >= 0.5
    }

    /// Probability of the same, or of tones that are not told yet.
    fn nobody(&self) -> f32 {
        let [.., silence, fax, sit] = self.posterior;
        silence + fax + sit
    }
}

/// Talk that goes on across the answer so long was not begun for it, where the net takes it for no person.
const ACROSS_MS: u32 = 1_000;
/// How much less than θh is enough of a person who has been likely for long: somebody behind whom a television speaks on never
/// comes to a rest, and waits for the agent meanwhile. On openings of calibration voices (seeds 208, 210) half of those who
/// waited for more than 2 s no longer do, and no more than half a percent fewer machines are caught. What nobody and tones have
/// of the probability counts against the person when the second is over: a line that rustles before a fax's first tone, or before
/// anybody speaks, is as likely a person's as any at the beginning.
pub const LIKELY_LESS: f32 = 0.28;
/// Before this a person's words or a rest decide.
const LIKELY_EARLIEST_MS: u32 = 2_000;
/// Probability of the three machines that talk together.
fn talking([_, machine, ivr, screening, ..]: &Posterior) -> f32 {
    machine + ivr + screening
}

/// Where the net gives the three machines more than this, signs that are weaker than a rest decide nothing.
const MACHINES_MOST: f32 = 0.3;

/// The gate holds speech so long after its last loud frame; the law's clock starts at that frame.
pub(crate) const HELD_MS: u32 = (HANG_FRAMES - 1) * FRAME_MS;
/// Shortest speech that is an utterance; shorter is a click.
pub(crate) const UTTERANCE_MS: u32 = UTTERANCE_FRAMES * FRAME_MS;

/// Cause of the verdict of a known recording.
pub(crate) const RECORDING: &str = "RECORDING";
/// Causes of [`Verdict::Sit`], by what the tones say.
const SIT_CAUSES: [(SitReason, &str); 7] = [
    (SitReason::Intercept, "SIT-INTERCEPT"),
    (SitReason::VacantCode, "SIT-VACANT"),
    (SitReason::Reorder, "SIT-REORDER"),
    (SitReason::NoCircuit, "SIT-NOCIRCUIT"),
    (SitReason::Ineffective, "SIT-INEFFECTIVE"),
    (SitReason::Reserved, "SIT-RESERVED"),
    (SitReason::Information, "SIT"),
];

fn sit_cause(reason: SitReason) -> &'static str {
    SIT_CAUSES.iter().find(|(known, _)| *known == reason).map_or("SIT", |(_, cause)| cause)
}

/// What the tones have said that are the cause of a verdict; `None`: they are not.
pub fn sit_reason(cause: &str) -> Option<SitReason> {
    SIT_CAUSES.iter().find(|(_, known)| *known == cause).map(|(reason, _)| *reason)
}

/// Decides one call.
#[derive(Clone, Copy, Debug)]
pub struct Decider {
    tuning: Tuning,
    held_ms: u32,
    likely_ms: u32,
}

impl Decider {
    /// At the answer.
    pub const fn new(tuning: Tuning) -> Decider {
        Decider { tuning, held_ms: 0, likely_ms: 0 }
    }

    /// The next 20 ms; the verdict when it falls.
    pub fn look(&mut self, look: &Look) -> Option<Decision> {
        let tuning = &self.tuning;
        let decision = |verdict, cause| {
            let utterance_end_ms = if look.speech_ms >= UTTERANCE_MS {
                Some(look.speech_end_ms.saturating_sub(HELD_MS))
            } else {
                Some(look.cut_in_end_ms).filter(|end_ms| *end_ms > 0)
            };
            Some(Decision { verdict, cause, at_ms: look.at_ms, utterance_end_ms })
        };
        match look.tone {
            Some(Signal::Sit(reason)) => return decision(Verdict::Sit, sit_cause(reason)),
            Some(tone) if tone.is_fax() => return decision(Verdict::Fax, "FAXTONE"),
            Some(Signal::Beep) if look.speech_ms >= tuning.speech_before_beep_ms => {
                return decision(Verdict::Machine, "BEEP");
            }
            _ => {}
        }
        if let Some(known) = look.recording {
            return decision(known.verdict, RECORDING);
        }
        let heard = look.speech_ms >= UTTERANCE_MS;
        let [human, machine, ivr, screening, ..] = look.posterior;
        let machines = talking(&look.posterior);
        self.held_ms = if machines >= tuning.machine { self.held_ms + FRAME_MS } else { 0 };
        let likely = human >= tuning.human - LIKELY_LESS && machines < MACHINES_MOST;
        self.likely_ms = if likely { self.likely_ms + FRAME_MS } else { 0 };
        let talks = |cause| match look.across.and_then(|across| across.sit) {
            Some(reason) => decision(Verdict::Sit, sit_cause(reason)),
            None if machine >= ivr.max(screening) => decision(Verdict::Machine, cause),
            None if ivr >= screening => decision(Verdict::Ivr, cause),
            None => decision(Verdict::Screening, cause),
        };
        if heard && look.at_ms >= tuning.earliest_ms && self.held_ms >= tuning.machine_hold_ms {
            let aided = look.phrase.filter(|_| talking(&look.wordless) < tuning.machine);
            return talks(aided.map_or("NET", Family::cause));
        }
        if let Some(across) = look.across.filter(|_| heard) {
            let long = across.ms >= ACROSS_MS && machines > human || look.at_ms >= tuning.talk_ms;
            return long.then(|| talks("ACROSS")).flatten();
        }
        if heard && look.at_ms >= tuning.earliest_ms && human >= tuning.human {
            return decision(Verdict::Human, "NET");
        }
        let somebody_likely = human - look.nobody() >= tuning.human - LIKELY_LESS;
        let long_likely = self.likely_ms >= tuning.person_hold_ms && somebody_likely;
        if heard && look.at_ms >= LIKELY_EARLIEST_MS && long_likely {
            return decision(Verdict::Human, "LIKELY");
        }
        // Doubt is decided for a person, unless it is about whether anybody spoke at all.
        let somebody = look.nobody() < 0.5;
        if somebody && heard && look.rest_ms >= tuning.rest_ms {
            return decision(Verdict::Human, "REST");
        }
        let lull = heard && look.lull_ms >= tuning.rest_ms;
        let since_cut_in_ms = look.rest_ms.min(look.at_ms.saturating_sub(look.cut_in_end_ms));
        let cut_in = !heard && look.cut_in_end_ms > 0 && since_cut_in_ms >= tuning.rest_ms;
        if somebody && machines < MACHINES_MOST && (lull || cut_in) {
            return decision(Verdict::Human, if lull { "LULL" } else { "CUT-IN" });
        }
        if somebody && heard && look.at_ms >= tuning.talk_ms {
            return decision(Verdict::Human, "DEADLINE");
        }
        let nobody = !heard || !somebody;
        (nobody && look.at_ms >= tuning.silence_ms).then(|| decision(Verdict::Silence, "SILENCE")).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::FAMILIES;

    const TUNING: Tuning = Tuning::with(0.7, 0.9);

    /// A call of 8 s: speech from `from_ms` to `to_ms`, one posterior throughout, a tone at one moment.
    fn call(from_ms: u32, to_ms: u32, human: f32, tone: Option<(u32, Signal)>) -> Option<Decision> {
        let mut decider = Decider::new(TUNING);
        let posterior = [human, 0.5 * (1.0 - human), 0.2 * (1.0 - human), 0.3 * (1.0 - human), 0.0, 0.0, 0.0];
        (1..=400).map(|n| n * FRAME_MS).find_map(|at_ms| {
            let speech_end_ms = if at_ms > from_ms { at_ms.min(to_ms) } else { 0 };
            let speech_ms = speech_end_ms.saturating_sub(from_ms);
            let rest_ms = at_ms - speech_end_ms;
            let tone = tone.filter(|(when, _)| *when == at_ms).map(|(_, signal)| signal);
            decider.look(&Look {
                posterior,
                heard: [0.0; FAMILIES],
                wordless: Posterior::default(),
                phrase: None,
                speech_ms,
                rest_ms,
                lull_ms: 0,
                cut_in_end_ms: 0,
                speech_end_ms,
                tone,
                tone_end_ms: 0,
                recording: None,
                across: None,
                at_ms,
            })
        })
    }

    fn said(decision: Option<Decision>) -> (&'static str, &'static str, u32) {
        decision.map_or(("none", "none", 0), |d| (d.verdict.name(), d.cause, d.at_ms))
    }

    #[test]
    fn doubt_is_decided_for_the_person() {
        assert_eq!(said(call(500, 1_000, 0.5, None)), ("human", "REST", 1_880));
        assert_eq!(said(call(500, 7_900, 0.5, None)), ("human", "DEADLINE", 6_000));
        assert_eq!(said(call(500, 1_000, 0.8, None)), ("human", "NET", 620));
        assert_eq!(said(call(500, 5_000, 0.05, None)), ("machine", "NET", 620));
    }

    #[test]
    fn the_utterance_ends_where_the_gate_last_heard_it() {
        let decision = call(500, 1_000, 0.5, None).unwrap();
        assert_eq!((decision.at_ms, decision.utterance_end_ms), (1_880, Some(940)));
        assert_eq!(call(9_000, 9_000, 0.5, None).unwrap().utterance_end_ms, None);
    }

    /// A call of 8 s in which every look but its time is the same.
    fn steady(look: &Look) -> Option<Decision> {
        let mut decider = Decider::new(TUNING);
        (1..=400).map(|n| n * FRAME_MS).find_map(|at_ms| {
            let mut now = *look;
            now.at_ms = at_ms;
            now.lull_ms = look.lull_ms.min(at_ms / 2);
            if look.speech_ms < UTTERANCE_MS {
                now.rest_ms = at_ms;
            }
            decider.look(&now)
        })
    }

    #[test]
    fn lulls_and_words_cut_in_are_decided_for_the_person_where_no_machine_is_likely() {
        let unsure = |machine| Posterior::from([0.9 - machine, machine, 0.0, 0.0, 0.1, 0.0, 0.0]);
        let look = |machine| Look {
            posterior: unsure(machine).map(|p| p.min(0.6)),
            heard: [0.0; FAMILIES],
            wordless: Posterior::default(),
            phrase: None,
            speech_ms: 400,
            rest_ms: 0,
            lull_ms: 0,
            cut_in_end_ms: 0,
            speech_end_ms: 700,
            tone: None,
            tone_end_ms: 0,
            recording: None,
            across: None,
            at_ms: 0,
        };
        assert_eq!(said(steady(&look(0.2))), ("human", "LIKELY", 2_000));
        assert_eq!(said(steady(&look(0.35))), ("human", "DEADLINE", 6_000));
        let mut rustles = look(0.1);
        rustles.posterior = [0.6, 0.1, 0.0, 0.0, 0.2, 0.0, 0.0];
        assert_eq!(said(steady(&rustles)), ("human", "DEADLINE", 6_000), "a fax's tone may come yet");
        let lull = |machine| steady(&Look { lull_ms: u32::MAX, ..look(machine) });
        assert_eq!(said(lull(0.2)), ("human", "LULL", 1_760));
        assert_eq!(said(lull(0.4)), ("human", "DEADLINE", 6_000));
        let cut_in = |machine| steady(&Look { speech_ms: 0, cut_in_end_ms: 200, ..look(machine) });
        assert_eq!(said(cut_in(0.2)), ("human", "CUT-IN", 1_080));
        assert_eq!(cut_in(0.2).unwrap().utterance_end_ms, Some(200));
        assert_eq!(said(cut_in(0.4)), ("silence", "SILENCE", 6_000));
    }

    #[test]
    fn who_speaks_on_across_the_answer_is_no_person() {
        let across = |human: f32, until_ms: u32, sit| {
            let mut decider = Decider::new(TUNING);
            (1..=400).map(|n| n * FRAME_MS).find_map(|at_ms| {
                let rest_ms = at_ms.saturating_sub(until_ms);
                let goes_on = Some(Across { ms: at_ms, sit }).filter(|_| rest_ms <= 300);
                decider.look(&Look {
                    posterior: [human, 0.3 * (1.0 - human), 0.6 * (1.0 - human), 0.1 * (1.0 - human), 0.0, 0.0, 0.0],
                    heard: [0.0; FAMILIES],
                    wordless: Posterior::default(),
                    phrase: None,
                    speech_ms: at_ms.min(until_ms),
                    rest_ms,
                    lull_ms: 0,
                    cut_in_end_ms: 0,
                    speech_end_ms: at_ms.min(until_ms),
                    tone: None,
                    tone_end_ms: 0,
                    recording: None,
                    across: goes_on,
                    at_ms,
                })
            })
        };
        assert_eq!(said(across(0.4, 7_000, None)), ("ivr", "ACROSS", 1_000));
        assert_eq!(said(across(0.4, 7_000, Some(SitReason::VacantCode))), ("sit", "SIT-VACANT", 1_000));
        assert_eq!(said(across(0.9, 7_000, None)), ("ivr", "ACROSS", 6_000), "even where the net is sure of a person");
        // It ends soon after the answer, as music for the caller does: a person speaks then.
        assert_eq!(said(across(0.4, 500, None)), ("human", "REST", 1_380));
        assert_eq!(said(across(0.9, 500, None)), ("human", "NET", 820));
    }

    #[test]
    fn clicks_and_far_voices_are_nobody() {
        let mut decider = Decider::new(TUNING);
        let decision = (1..=400).map(|n| n * FRAME_MS).find_map(|at_ms| {
            decider.look(&Look {
                posterior: [0.3, 0.1, 0.0, 0.0, 0.6, 0.0, 0.0],
                heard: [0.0; FAMILIES],
                wordless: Posterior::default(),
                phrase: None,
                speech_ms: 300,
                rest_ms: at_ms.saturating_sub(900),
                lull_ms: 0,
                cut_in_end_ms: 0,
                speech_end_ms: 900,
                tone: None,
                tone_end_ms: 0,
                recording: None,
                across: None,
                at_ms,
            })
        });
        assert_eq!(said(decision), ("silence", "SILENCE", 6_000));
    }

    #[test]
    fn silence_is_never_a_machine() {
        for human in [0.0, 0.01, 0.5, 1.0] {
            assert_eq!(said(call(9_000, 9_000, human, None)), ("silence", "SILENCE", 6_000));
        }
        // A click is no speech.
        assert_eq!(said(call(500, 600, 0.0, None)).0, "silence");
    }

    #[test]
    fn tones_are_sure_signs_but_a_beep_alone_is_none() {
        let sit = Signal::Sit(codecs::tones::SitReason::Intercept);
        assert_eq!(said(call(9_000, 9_000, 0.5, Some((800, sit)))), ("sit", "SIT-INTERCEPT", 800));
        assert_eq!(sit_reason("SIT-INTERCEPT"), Some(SitReason::Intercept));
        assert_eq!(sit_reason("NET"), None);
        assert_eq!(said(call(9_000, 9_000, 0.5, Some((900, Signal::FaxCed)))), ("fax", "FAXTONE", 900));
        assert_eq!(said(call(500, 2_500, 0.5, Some((2_800, Signal::Beep)))), ("machine", "BEEP", 2_800));
        assert_eq!(said(call(500, 1_000, 0.5, Some((1_300, Signal::Beep)))).0, "human");
        assert_eq!(said(call(9_000, 9_000, 0.5, Some((1_300, Signal::Beep)))).0, "silence");
        assert_eq!(said(call(500, 1_000, 0.5, Some((1_300, Signal::Ringback)))).0, "human");
    }
}
