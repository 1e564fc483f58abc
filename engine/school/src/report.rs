//! Figures of an exam: rates with Wilson's intervals, delays, the operating curve.

use crate::exam::{Heard, decide};
use crate::labels::Labelled;
use crate::later;
use crate::on_all_cores;
use codecs::tones::Signal;
use detect::decide::Tuning;
use detect::model::Setting;
use detect::{Decision, Verdict};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Two-sided 95 % interval of a share by Wilson: `hits` of `trials`, which may be effective numbers of weighted ones.
pub fn wilson(hits: f64, trials: f64) -> (f64, f64) {
    interval(hits, trials, 1.96)
}

/// The same, `z` deviations to either side.
fn interval(hits: f64, trials: f64, z: f64) -> (f64, f64) {
    if trials <= 0.0 {
        return (0.0, 1.0);
    }
    let p = hits / trials;
    let scale = 1.0 + z * z / trials;
    let centre = p + z * z / (2.0 * trials);
    let half = z * (p * (1.0 - p) / trials + z * z / (4.0 * trials * trials)).sqrt();
    (((centre - half) / scale).max(0.0), ((centre + half) / scale).min(1.0))
}

pub(crate) fn is_talking_machine(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Machine | Verdict::Ivr | Verdict::Screening)
}

/// True for a verdict that takes a call away from an agent.
fn takes_away(verdict: Verdict) -> bool {
    !matches!(verdict, Verdict::Human | Verdict::Silence)
}

/// Value at `share` of the sorted, weighted values; 0 for none.
pub(crate) fn quantile(values: &mut [(f64, f64)], share: f64) -> f64 {
    values.sort_by(|a, b| a.0.total_cmp(&b.0));
    let all: f64 = values.iter().map(|value| value.1).sum();
    let mut sum = 0.0;
    values
        .iter()
        .find(|value| {
            sum += value.1;
            sum >= share * all
        })
        .map_or(0.0, |value| value.0)
}

/// What four of five samples of other voices stay below: 0.84 deviations above the middle.
const KEPT_Z: f64 = 0.8416;

/// The share that four of five samples of other voices stay below. Voices are what is drawn: recordings of one voice err alike,
/// so that a share of them varies more than as many recordings of as many voices would. From voices' `(hit, all)` weights,
/// where they say little Wilson's way with as many trials as vary so much (Cochran 1977, 6.3: the ratio's variance over
/// clusters), at most `trials`, the effective number of recordings.
fn most(voices: impl Iterator<Item = (f64, f64)> + Clone, trials: f64) -> f64 {
    let (hits, all) = voices.clone().fold((0.0, 0.0), |sum, (hit, of)| (sum.0 + hit, sum.1 + of));
    let count = voices.clone().count() as f64;
    if count < 2.0 {
        return 1.0;
    }
    let share = hits / all;
    let squares: f64 = voices.map(|(hit, of)| (hit - share * of).powi(2)).sum();
    let variance = count / (count - 1.0) * squares / (all * all);
    let trials = if variance > 0.0 { trials.min(share * (1.0 - share) / variance) } else { trials };
    interval(share * trials, trials, KEPT_Z).1
}

/// What calibration and the curve look at.
#[derive(Clone, Debug)]
pub struct Figures {
    /// Share of people with a verdict that takes them away from an agent.
    pub human_as_machine: f64,
    /// Its interval.
    pub human_as_machine_95: (f64, f64),
    /// The share that four of five samples of other voices stay below; 1 where fewer than two people speak.
    pub human_as_machine_most: f64,
    /// Share of the talking machines that are caught, by when.
    caught_by_ms: Vec<(u32, f64)>,
    /// Share of the talking machines with the verdict human.
    pub machine_as_human: f64,
    /// People's verdicts after the end of their first utterance.
    pub after_utterance_p50_ms: f64,
    /// See above.
    pub after_utterance_p95_ms: f64,
    /// Share of people whose verdict comes more than 2 s after it.
    pub over_2000_share: f64,
}

impl Figures {
    /// Share of talking machines caught by then; one of 2, 4, 6 and 8 s.
    pub fn caught(&self, by_ms: u32) -> f64 {
        self.caught_by_ms.iter().find(|(ms, _)| *ms == by_ms).map_or(0.0, |(_, share)| *share)
    }
}

/// Weighted figures of decisions.
pub fn figures(labelled: &[Labelled], decisions: &[Decision]) -> Figures {
    let pairs = || labelled.iter().zip(decisions);
    let share = |of: &dyn Fn(&Labelled) -> bool, hit: &dyn Fn(&Decision) -> bool| {
        let (mut sum, mut all, mut squares) = (0.0, 0.0, 0.0);
        for (one, decision) in pairs().filter(|(one, _)| of(one)) {
            all += one.weight;
            squares += one.weight * one.weight;
            sum += if hit(decision) { one.weight } else { 0.0 };
        }
        let share = if all > 0.0 { sum / all } else { 0.0 };
        // As many unweighted trials as would be as sure.
        let trials = if squares > 0.0 { all * all / squares } else { 0.0 };
        (share, wilson(share * trials, trials))
    };
    let human = |one: &Labelled| one.label == Verdict::Human;
    let machine = |one: &Labelled| is_talking_machine(one.label);
    let (human_as_machine, human_as_machine_95) = share(&human, &|decision| takes_away(decision.verdict));
    let (mut voices, mut weights) = (BTreeMap::<(usize, &str), (f64, f64)>::new(), (0.0, 0.0));
    for (place, (one, decision)) in pairs().enumerate().filter(|(_, (one, _))| human(one)) {
        let voice = one.voice.as_deref().map_or((place, ""), |voice| (usize::MAX, voice));
        let (hits, all) = voices.entry(voice).or_default();
        *hits += if takes_away(decision.verdict) { one.weight } else { 0.0 };
        *all += one.weight;
        weights = (weights.0 + one.weight, weights.1 + one.weight * one.weight);
    }
    let human_as_machine_most = most(voices.values().copied(), weights.0 * weights.0 / weights.1);
    let caught_by_ms = [2_000, 4_000, 6_000, 8_000]
        .map(|by_ms| (by_ms, share(&machine, &|d| is_talking_machine(d.verdict) && d.at_ms <= by_ms).0))
        .to_vec();
    let mut delays: Vec<(f64, f64)> = pairs()
        .filter(|(one, decision)| human(one) && decision.verdict == Verdict::Human)
        .filter_map(|(one, decision)| {
            Some((f64::from(decision.at_ms) - one.first_utterance_end_s? * 1_000.0, one.weight))
        })
        .collect();
    let all: f64 = delays.iter().map(|delay| delay.1).sum();
    let late: f64 = delays.iter().filter(|delay| delay.0 > 2_000.0).map(|delay| delay.1).sum();
    Figures {
        human_as_machine,
        human_as_machine_95,
        human_as_machine_most,
        caught_by_ms,
        machine_as_human: share(&machine, &|decision| decision.verdict == Verdict::Human).0,
        after_utterance_p50_ms: quantile(&mut delays, 0.5),
        after_utterance_p95_ms: quantile(&mut delays, 0.95),
        over_2000_share: if all > 0.0 { late / all } else { 0.0 },
    }
}

/// One point of the operating curve.
#[derive(Clone, Copy, Debug)]
pub struct Point {
    /// Where the operator's knob stood: the share of people promised.
    pub share: f64,
    /// Share of people taken away.
    pub human_as_machine: f64,
    /// The share that four of five samples of other voices stay below.
    pub human_as_machine_most: f64,
    /// Share of talking machines caught within 4, 6 and 8 s.
    pub caught: [f64; 3],
}

/// The curve over the operator's knob, each point with the thresholds that calibration found on other recordings.
pub fn curve(labelled: &[Labelled], heard: &[Heard], settings: &[Setting]) -> Vec<Point> {
    on_all_cores(settings, |setting| {
        let tuning = Tuning::with(setting.human, setting.machine);
        let decisions: Vec<Decision> = heard.iter().map(|one| decide(&one.looks, tuning)).collect();
        let figures = figures(labelled, &decisions);
        Point {
            share: setting.share,
            human_as_machine: figures.human_as_machine,
            human_as_machine_most: figures.human_as_machine_most,
            caught: [4_000, 6_000, 8_000].map(|ms| figures.caught(ms)),
        }
    })
}

/// The JSON object of the contract. Counts are of files, rates are weighted.
pub fn json(labelled: &[Labelled], heard: &[Heard], curve: &[Point], model_hash: Option<&str>) -> Value {
    let decisions: Vec<Decision> = heard.iter().map(|one| one.decision).collect();
    let figures = figures(labelled, &decisions);
    let mut confusion: BTreeMap<&str, BTreeMap<&str, u32>> = BTreeMap::new();
    let mut times: BTreeMap<&str, Vec<(f64, f64)>> = BTreeMap::new();
    let mut kinds: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
    for (one, decision) in labelled.iter().zip(&decisions) {
        *confusion.entry(one.label.name()).or_default().entry(decision.verdict.name()).or_default() += 1;
        times.entry(one.label.name()).or_default().push((f64::from(decision.at_ms), one.weight));
        if one.label == Verdict::Human && !one.kind.is_empty() {
            let (hits, all) = kinds.entry(&one.kind).or_default();
            *hits += f64::from(u8::from(takes_away(decision.verdict)));
            *all += 1.0;
        }
    }
    let decision_ms: Map<String, Value> = times
        .into_iter()
        .map(|(label, mut times)| {
            let (p50, p95) = (quantile(&mut times, 0.5), quantile(&mut times, 0.95));
            (label.to_owned(), json!({ "p50": p50, "p95": p95 }))
        })
        .collect();
    let kinds: Map<String, Value> =
        kinds.into_iter().map(|(kind, (hits, all))| (kind.to_owned(), json!(hits / all))).collect();
    let (frames, cost) = heard.iter().fold((0, 0.0), |sum, one| (sum.0 + one.cost.0, sum.1 + one.cost.1));
    let (lower, upper) = figures.human_as_machine_95;
    json!({
        "files": labelled.len(),
        "confusion": confusion,
        "human_as_machine_rate": figures.human_as_machine,
        "human_as_machine_lower95": lower,
        "human_as_machine_upper95": upper,
        "human_as_machine_by_kind": kinds,
        "machines_caught_within": {
            "2000": figures.caught(2_000), "4000": figures.caught(4_000),
            "6000": figures.caught(6_000), "8000": figures.caught(8_000),
        },
        "machine_as_human_rate": figures.machine_as_human,
        "human_verdict_after_utterance_ms": {
            "p50": figures.after_utterance_p50_ms, "p95": figures.after_utterance_p95_ms,
        },
        "human_verdict_over_2000_share": figures.over_2000_share,
        "decision_ms": decision_ms,
        "likely": later::likely(labelled, heard),
        "beep": beeps(labelled, heard),
        "sit": tones(labelled, heard, |one| one.label == Verdict::Sit, |tone| matches!(tone, Signal::Sit(_))),
        "fax": {
            "ced": fax(labelled, heard, "ced", Signal::FaxCed),
            "ansam": fax(labelled, heard, "ansam", Signal::FaxAnsam),
            "cng": fax(labelled, heard, "cng", Signal::FaxCng),
            "v21": fax(labelled, heard, "v21", Signal::FaxV21),
        },
        "curve": curve.iter().map(|point| json!({
            "share": point.share, "human_as_machine": point.human_as_machine,
            "caught_4000": point.caught[0], "caught_6000": point.caught[1], "caught_8000": point.caught[2],
        })).collect::<Vec<_>>(),
        "cpu_us_per_frame": cost / f64::from(frames.max(1)),
        "model_hash": model_hash,
    })
}

/// The same for a person.
pub fn table(json: &Value) -> String {
    let percent = |value: &Value| value.as_f64().map_or("-".to_owned(), |share| format!("{:.2} %", share * 100.0));
    let caught = &json["machines_caught_within"];
    let delay = &json["human_verdict_after_utterance_ms"];
    let mut rows = vec![
        ("recordings".to_owned(), json["files"].to_string()),
        (
            "people taken for machines".to_owned(),
            format!(
                "{} (at most {})",
                percent(&json["human_as_machine_rate"]),
                percent(&json["human_as_machine_upper95"])
            ),
        ),
    ];
    for (kind, share) in json["human_as_machine_by_kind"].as_object().into_iter().flatten() {
        rows.push((format!("  {kind}"), percent(share)));
    }
    for ms in ["2000", "4000", "6000", "8000"] {
        rows.push((format!("machines caught within {} s", &ms[..1]), percent(&caught[ms])));
    }
    rows.push(("machines taken for people".to_owned(), percent(&json["machine_as_human_rate"])));
    rows.push((
        "verdict after a person's first words".to_owned(),
        format!(
            "p50 {} ms, p95 {} ms, more than 2 s in {}",
            delay["p50"],
            delay["p95"],
            percent(&json["human_verdict_over_2000_share"])
        ),
    ));
    let likely = &json["likely"];
    rows.push((
        "a person likely before the verdict".to_owned(),
        format!(
            "people {}, p50 {} ms before; machines {}",
            percent(&likely["people"]),
            likely["lead_ms"]["p50"],
            percent(&likely["machines"])
        ),
    ));
    let (beep, sit, fax) = (&json["beep"], &json["sit"], &json["fax"]);
    rows.push((
        "beeps heard".to_owned(),
        format!(
            "{}, in people {} alone and {} behind speech",
            percent(&beep["recall"]),
            percent(&beep["false_alone"]),
            percent(&beep["false_gated"])
        ),
    ));
    rows.push((
        "special information tones".to_owned(),
        format!("{}, false {}", percent(&sit["recall"]), percent(&sit["false"])),
    ));
    for kind in ["ced", "ansam", "cng", "v21"] {
        rows.push((
            format!("fax, {kind}"),
            format!("{}, false {}", percent(&fax[kind]["recall"]), percent(&fax[kind]["false"])),
        ));
    }
    if let Some(revision) = json["revision"].as_object() {
        for (name, key) in [
            ("picks up after a machine", "person"),
            ("beep after it", "beep"),
            ("greeting's end, no beep", "greeting_end"),
        ] {
            let figures = &revision[key];
            let delay = &figures["delay_ms"];
            rows.push((
                name.to_owned(),
                format!(
                    "{} of {}, told p50 {} ms, p95 {} ms later",
                    percent(&figures["recall"]),
                    figures["of"],
                    delay["p50"],
                    delay["p95"]
                ),
            ));
        }
        let wrong = ["person_false", "greeting_end_early"].map(|key| percent(&revision[key]));
        rows.push((
            format!("told wrongly, of {} machines", revision["machines"]),
            format!("a person {}, the greeting's end too early {}", wrong[0], wrong[1]),
        ));
    }
    let prints = &json["fingerprint"];
    let learnt =
        [("recordings recognised within 2 s", prints), ("  learnt up to the verdict only", &prints["hung_up"])];
    for (name, prints) in learnt.into_iter().filter(|(_, prints)| prints.is_object()) {
        rows.push((
            name.to_owned(),
            format!(
                "{} of {}, {} of {} learnt, {} of another kind; in {} people {}",
                percent(&prints["recall_2000"]),
                prints["of"],
                prints["learned"],
                prints["recordings"],
                prints["wrong_kind"],
                prints["people"],
                prints["false"]
            ),
        ));
    }
    for point in json["curve"].as_array().into_iter().flatten() {
        let shares = ["caught_4000", "caught_6000", "caught_8000"].map(|key| percent(&point[key]));
        rows.push((
            format!("knob at {}: people {}", percent(&point["share"]), percent(&point["human_as_machine"])),
            format!("machines {} / {} / {} within 4 / 6 / 8 s", shares[0], shares[1], shares[2]),
        ));
    }
    rows.push((
        "processor time a frame".to_owned(),
        format!("{:.1} us", json["cpu_us_per_frame"].as_f64().unwrap_or(0.0)),
    ));
    if let Some(hash) = json["model_hash"].as_str() {
        rows.push(("net".to_owned(), hash.to_owned()));
    }
    rows.into_iter().map(|(name, value)| format!("{name:<38}{value}\n")).collect()
}

pub(crate) fn ratio(hits: usize, all: usize) -> Value {
    if all == 0 { Value::Null } else { json!(hits as f64 / all as f64) }
}

/// Recall among the recordings that hold a tone, false alarms among those that do not.
fn tones(
    labelled: &[Labelled],
    heard: &[Heard],
    holds: impl Fn(&Labelled) -> bool,
    is: impl Fn(Signal) -> bool,
) -> Value {
    let (mut hits, mut all, mut false_hits, mut others) = (0, 0, 0, 0);
    for (one, heard) in labelled.iter().zip(heard) {
        let hit = usize::from(heard.tones.iter().any(|(tone, _)| is(*tone)));
        if holds(one) {
            (hits, all) = (hits + hit, all + 1);
        } else {
            (false_hits, others) = (false_hits + hit, others + 1);
        }
    }
    json!({ "recall": ratio(hits, all), "false": ratio(false_hits, others) })
}

/// A fax is recognised by any of its tones; a false alarm is that very tone where no fax is.
fn fax(labelled: &[Labelled], heard: &[Heard], kind: &str, signal: Signal) -> Value {
    let known = labelled.iter().zip(heard).filter(|(one, _)| one.label == Verdict::Fax && one.kind == kind);
    let recognised = |heard: &Heard| heard.tones.iter().any(|(tone, _)| tone.is_fax());
    let (hits, all) = known.fold((0, 0), |sum, (_, heard)| (sum.0 + usize::from(recognised(heard)), sum.1 + 1));
    let others = tones(labelled, heard, |one| one.label == Verdict::Fax, |tone| tone == signal);
    json!({ "recall": ratio(hits, all), "false": others["false"] })
}

/// Beeps within 350 ms of where one ends; in people a beep is false alone, and behind the gate where the verdict is
/// machine because of it.
fn beeps(labelled: &[Labelled], heard: &[Heard]) -> Value {
    let (mut hits, mut all, mut alone, mut gated, mut people) = (0, 0, 0, 0, 0);
    let mut delays = Vec::new();
    for (one, heard) in labelled.iter().zip(heard) {
        let mut beeps =
            heard.tones.iter().filter(|(tone, _)| *tone == Signal::Beep).map(|(_, at_ms)| f64::from(*at_ms));
        if let Some((_, end_s)) = one.beep_s {
            all += 1;
            if let Some(at_ms) = beeps.find(|at_ms| (at_ms - end_s * 1_000.0).abs() < 350.0) {
                hits += 1;
                delays.push((at_ms - end_s * 1_000.0, 1.0));
            }
        } else if one.label == Verdict::Human {
            people += 1;
            alone += usize::from(beeps.next().is_some());
            gated += usize::from(heard.decision.cause == "BEEP");
        }
    }
    json!({
        "recall": ratio(hits, all),
        "false_alone": ratio(alone, people),
        "false_gated": ratio(gated, people),
        "delay_ms": { "p50": quantile(&mut delays, 0.5), "p95": quantile(&mut delays, 0.95) },
    })
}

/// The curve as a picture: people taken for machines to the right on a logarithmic scale, machines caught upwards.
pub fn svg(curve: &[Point], title: &str) -> String {
    const WIDTH: f64 = 640.0;
    const HEIGHT: f64 = 400.0;
    let x = |share: f64| 60.0 + (share.max(0.001).log10() + 3.0) / 2.7 * (WIDTH - 80.0);
    let y = |share: f64| HEIGHT - 50.0 - share * (HEIGHT - 90.0);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n<text x=\"60\" y=\"24\" font-size=\"14\">{title}</text>\n"
    );
    for share in [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5] {
        let (at, label) = (x(share), share * 100.0);
        out += &format!(
            "<line x1=\"{at:.1}\" y1=\"{:.1}\" x2=\"{at:.1}\" y2=\"{:.1}\" stroke=\"#ddd\"/>\
             <text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{label} %</text>\n",
            y(0.0),
            y(1.0),
            y(0.0) + 18.0
        );
    }
    for tenth in (0..=10).step_by(2) {
        let share = f64::from(tenth) / 10.0;
        out += &format!(
            "<line x1=\"{:.1}\" y1=\"{1:.1}\" x2=\"{2:.1}\" y2=\"{1:.1}\" stroke=\"#ddd\"/>\
             <text x=\"52\" y=\"{3:.1}\" text-anchor=\"end\">{4} %</text>\n",
            x(0.001),
            y(share),
            x(0.5),
            y(share) + 4.0,
            tenth * 10
        );
    }
    for (index, (name, colour)) in [("4 s", "#c33"), ("6 s", "#36c"), ("8 s", "#393")].into_iter().enumerate() {
        let points: Vec<String> = curve
            .iter()
            .map(|point| format!("{:.1},{:.1}", x(point.human_as_machine), y(point.caught[index])))
            .collect();
        out += &format!(
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>\
             <text x=\"{}\" y=\"24\" fill=\"{colour}\">within {name}</text>\n",
            points.join(" "),
            380 + index * 80
        );
    }
    out + &format!(
        "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">people taken for machines</text>\n</svg>\n",
        WIDTH / 2.0,
        HEIGHT - 10.0
    )
}

#[cfg(test)]
mod tests;
