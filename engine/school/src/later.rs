//! What comes beside and after the verdict: revisions, the early sign of a person, recordings recognised again.

use crate::exam::FRAME_SAMPLES;
use crate::labels::Labelled;
use crate::report::{is_talking_machine, quantile, ratio};
use crate::{Fault, on_all_cores};
use detect::decide::Tuning;
use detect::model::Net;
use detect::print::{Learner, NUMBERS_LEAST, Opening};
use detect::{Detector, Listener, Neural, Recordings, Sign, Told, Verdict};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A recording must be recognised so soon after its first word.
const RECOGNISED_MS: u32 = 2_000;

/// True where the table says what follows the opening, so that revisions can be judged.
pub fn is_told(labelled: &[Labelled]) -> bool {
    labelled.iter().any(|one| one.person_s.is_some())
}

/// Hears all recordings to their end with the detector `default`, and says how good its revisions are. Only recordings whose
/// first verdict was a machine's count: a machine that was taken for a person is with an agent.
///
/// # Errors
/// The first recording that cannot be read.
pub fn revisions(labelled: &[Labelled], net: &Arc<Net>, tuning: Tuning) -> Result<Value, Fault> {
    let heard = on_all_cores(labelled, |one| {
        let samples = one.answered()?;
        let (mut detector, mut all) = (Neural::new(Arc::clone(net), tuning), Vec::new());
        samples.chunks_exact(FRAME_SAMPLES).for_each(|frame| detector.push_frame(frame, &mut |told| all.push(told)));
        Ok(all)
    });
    let heard: Vec<Vec<Told>> = heard.into_iter().collect::<Result<_, Fault>>()?;
    Ok(judge(labelled, &heard))
}

#[derive(Default)]
struct Tally {
    hits: usize,
    all: usize,
    delays: Vec<(f64, f64)>,
}

impl Tally {
    fn take(&mut self, told_ms: Option<u32>, end_s: f64) {
        self.all += 1;
        if let Some(ms) = told_ms {
            self.hits += 1;
            self.delays.push((f64::from(ms) - end_s * 1_000.0, 1.0));
        }
    }

    fn json(mut self) -> Value {
        let (p50, p95) = (quantile(&mut self.delays, 0.5), quantile(&mut self.delays, 0.95));
        json!({ "recall": ratio(self.hits, self.all), "of": self.all, "delay_ms": { "p50": p50, "p95": p95 } })
    }
}

fn judge(labelled: &[Labelled], heard: &[Vec<Told>]) -> Value {
    let (mut person, mut beep, mut greeting) = (Tally::default(), Tally::default(), Tally::default());
    let (mut false_persons, mut quiet, mut early_ends) = (0, 0, 0);
    for (one, told) in labelled.iter().zip(heard) {
        let verdict =
            told.iter().find_map(|told| if let Told::Verdict(decision) = told { Some(decision) } else { None });
        let Some(verdict) = verdict.filter(|verdict| is_talking_machine(verdict.verdict)) else { continue };
        let first = |wanted: Sign| {
            told.iter().find_map(|told| match told {
                Told::Revision(revision) if revision.sign == wanted => Some(revision.at_ms),
                _ => None,
            })
        };
        let picked_up = first(Sign::Person);
        let begins_ms = one.person_s.map_or(u32::MAX, |(start, _)| (start * 1_000.0) as u32);
        // Before anybody picks up every sign of a person is false, whether somebody does later or not.
        quiet += 1;
        false_persons += usize::from(picked_up.is_some_and(|at_ms| at_ms <= begins_ms));
        if let Some((_, end_s)) = one.person_s {
            let own = picked_up.filter(|at_ms| *at_ms > begins_ms && f64::from(*at_ms) <= end_s * 1_000.0 + 2_000.0);
            person.take(own, end_s);
        }
        if let Some((_, end_s)) = one.beep_s {
            beep.take(first(Sign::Beep).filter(|at_ms| (f64::from(*at_ms) - end_s * 1_000.0).abs() < 350.0), end_s);
        }
        if let Some(end_s) = one.greeting_end_s.filter(|end_s| f64::from(verdict.at_ms) <= end_s * 1_000.0) {
            let ended = first(Sign::GreetingEnd);
            early_ends += usize::from(ended.is_some_and(|at_ms| f64::from(at_ms) < end_s * 1_000.0));
            if one.beep_s.is_none() {
                greeting.take(ended.filter(|at_ms| f64::from(*at_ms) >= end_s * 1_000.0), end_s);
            }
        }
    }
    json!({
        "machines": quiet,
        "person": person.json(),
        "person_false": ratio(false_persons, quiet),
        "beep": beep.json(),
        "greeting_end": greeting.json(),
        "greeting_end_early": ratio(early_ends, quiet),
    })
}

/// How soon and how surely a person becomes likely before the verdict.
pub fn likely(labelled: &[Labelled], heard: &[crate::exam::Heard]) -> Value {
    let (mut people, mut machines, mut lead) = ((0, 0), (0, 0), Vec::new());
    for (one, heard) in labelled.iter().zip(heard) {
        let decided_ms = heard.decision.at_ms;
        let told = heard.looks.iter().find(|look| look.at_ms < decided_ms && look.is_likely_person());
        let count = match one.label {
            Verdict::Human => &mut people,
            label if is_talking_machine(label) => &mut machines,
            _ => continue,
        };
        *count = (count.0 + usize::from(told.is_some()), count.1 + 1);
        if let (Verdict::Human, Some(look)) = (one.label, told) {
            lead.push((f64::from(decided_ms - look.at_ms), one.weight));
        }
    }
    json!({
        "people": ratio(people.0, people.1), "machines": ratio(machines.0, machines.1),
        "lead_ms": { "p50": quantile(&mut lead, 0.5) },
    })
}

/// When a recording was recognised after its first word, and its kind.
type Recognised = Option<(u32, Verdict)>;

/// Learns from three copies of each recording of `copies`, each as if of another number, and looks for what it has learnt in
/// the other copies; then for any of it in the calls of `people`. The same again as where machines are hung up on at their
/// verdict, which `tuning` brings.
///
/// # Errors
/// The first recording that cannot be read; a table that names none.
pub fn fingerprints(copies: &[Labelled], people: &[Labelled], net: &Arc<Net>, tuning: Tuning) -> Result<Value, Fault> {
    let mut whole = learn_and_look(copies, people, net, None)?;
    whole["hung_up"] = learn_and_look(copies, people, net, Some(tuning))?;
    Ok(whole)
}

fn learn_and_look(
    copies: &[Labelled],
    people: &[Labelled],
    net: &Arc<Net>,
    hung_up: Option<Tuning>,
) -> Result<Value, Fault> {
    let mut by_name: BTreeMap<&str, Vec<&Labelled>> = BTreeMap::new();
    for one in copies {
        if let Some(name) = &one.recording {
            by_name.entry(name).or_default().push(one);
        }
    }
    if by_name.values().all(|copies| copies.len() <= NUMBERS_LEAST) {
        return Err(Fault(format!(
            "no recording has more than {NUMBERS_LEAST} copies, name them in the column recording: amd-data --set recordings"
        )));
    }
    // The first three copies teach, each as if it came from another number.
    let teach: Vec<&Labelled> =
        by_name.values().flat_map(|copies| copies.iter().take(NUMBERS_LEAST).copied()).collect();
    let openings =
        on_all_cores(&teach, |one| opening(one, net, hung_up)).into_iter().collect::<Result<Vec<_>, Fault>>()?;
    let (mut learner, mut ask) = (Learner::default(), Vec::new());
    for (number, (one, opening)) in teach.iter().zip(openings).enumerate() {
        let Some(opening) = opening else { continue };
        if learner.heard(&number.to_string(), &opening, Some(one.label))
            && let Some(copies) = one.recording.as_deref().and_then(|name| by_name.get(name))
        {
            ask.extend(copies.iter().skip(NUMBERS_LEAST).copied());
        }
    }
    let known = Arc::new(learner.known().clone());
    let find = |one: &&Labelled| recognise(one, net, &known);
    let asked = on_all_cores(&ask, find).into_iter().collect::<Result<Vec<Recognised>, Fault>>()?;
    let soon = asked.iter().filter(|found| found.is_some_and(|(after_ms, _)| after_ms <= RECOGNISED_MS)).count();
    let wrong = ask.iter().zip(&asked).filter(|(one, found)| found.is_some_and(|(_, kind)| kind != one.label)).count();
    let people: Vec<&Labelled> = people.iter().filter(|one| one.label == Verdict::Human).collect();
    let alarms = on_all_cores(&people, find).into_iter().collect::<Result<Vec<Recognised>, Fault>>()?;
    Ok(json!({
        "recordings": by_name.len(), "learned": known.len(),
        "recall_2000": ratio(soon, ask.len()), "of": ask.len(), "wrong_kind": wrong,
        "false": alarms.iter().flatten().count(), "people": people.len(),
    }))
}

/// What a call hands out to learn from: where it is hung up on a machine's verdict, what was said until then.
fn opening(one: &Labelled, net: &Arc<Net>, hung_up: Option<Tuning>) -> Result<Option<Opening>, Fault> {
    let samples = one.answered()?;
    let Some(tuning) = hung_up else {
        let mut listener = Listener::new(Arc::clone(net));
        listener.push(&samples, |_| {});
        return Ok(listener.opening());
    };
    let (mut detector, mut first) = (Neural::new(Arc::clone(net), tuning), None);
    samples.chunks_exact(FRAME_SAMPLES).for_each(|frame| {
        detector.push_frame(frame, &mut |told| {
            if let (Told::Opening(opening), None) = (told, first) {
                first = Some(opening);
            }
        });
    });
    Ok(first)
}

fn recognise(one: &Labelled, net: &Arc<Net>, known: &Arc<Recordings>) -> Result<Recognised, Fault> {
    let samples = one.answered()?;
    let mut listener = Listener::knowing(Arc::clone(net), Arc::clone(known));
    let (mut begun_ms, mut found) = (None, None);
    listener.push(&samples, |look| {
        if look.speech_ms > 0 {
            begun_ms.get_or_insert(look.at_ms);
        }
        if let (Some(known), Some(gate_ms)) = (look.recording, begun_ms) {
            // Noise opens the gate before anybody speaks; the table knows better where it does.
            let begun_ms = one.greeting_start_s.map_or(gate_ms, |start_s| (start_s * 1_000.0) as u32);
            found.get_or_insert((look.at_ms.saturating_sub(begun_ms), known.verdict));
        }
    });
    Ok(found)
}
