//! The gate of continuous integration. No threshold on time: what is compared is the engine against the minimal loop of
//! the same minute.

use crate::machine::{Machine, load_average, today};
use crate::matrix::{DRIVERS, MODES};
use crate::results::{bench, leaked, media, number, read_json, sip, write_json};
use crate::table::{media_head, media_row};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// Legs and seconds of the short matrix: 8 runs of about 15 s, and signalling with its 32 s of transaction timers, are
/// under three minutes.
const LEGS: usize = 200;
const SECONDS: u64 = 5;
const CALLS: u64 = 500;
const RATE: f64 = 100.0;

/// A key beyond its limit is measured again after all the others, so many runs in all, and judged by the median of its
/// runs. Not at once: a processor shared with others is fast or slow for a minute at a time, and a loop that mostly waits
/// gains more from a fast one than the engine. What passes by with the minute is the machine's; what stays is ours.
const TRIES: usize = 5;

/// Noise of a ratio between machines and days, of 1, which the repeats of one hour on one machine cannot show. The same
/// `echo/ring` of 1.22 gave 0.99 half an hour later, 1.09 to 1.46 in eight runs of another day, and 1.76, 1.88 and 2.38
/// within one minute in which the minimal loop cost 3.8 to 5.2 µs instead of 7.4 to 9.1.
const NOISE_LEAST: f64 = 0.15;

/// `baseline.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Baseline {
    /// How the noise was measured, for who reads the file.
    how: String,
    date: String,
    machine: Machine,
    load_average: [f64; 2],
    legs: usize,
    seconds: u64,
    /// By `mode/driver`.
    ratios: BTreeMap<String, Entry>,
}

/// The ratio to the floor of one run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Entry {
    /// Mean of the repeats.
    ratio: f64,
    /// Their standard deviation.
    noise: f64,
    /// Each of them.
    repeats: Vec<f64>,
}

impl Entry {
    fn of(repeats: Vec<f64>) -> Entry {
        let count = repeats.len() as f64;
        let ratio = repeats.iter().sum::<f64>() / count;
        let squares: f64 = repeats.iter().map(|repeat| (repeat - ratio).powi(2)).sum();
        Entry { ratio, noise: (squares / (count - 1.0).max(1.0)).sqrt(), repeats }
    }

    fn limit(&self) -> f64 {
        self.ratio + 3.0 * self.noise.max(self.ratio * NOISE_LEAST)
    }
}

fn keys() -> impl Iterator<Item = (&'static str, &'static str, String)> {
    MODES.into_iter().flat_map(|mode| DRIVERS.map(|driver| (mode, driver, format!("{mode}/{driver}"))))
}

/// A mode with a driver that is measured against the baseline.
struct Key<'a> {
    mode: &'static str,
    driver: &'static str,
    name: String,
    entry: &'a Entry,
    runs: Vec<Value>,
}

impl Key<'_> {
    fn faults(&self) -> Vec<String> {
        if self.runs.is_empty() { Vec::new() } else { judge(&self.name, self.entry, &self.runs) }
    }
}

pub(crate) fn measure_baseline(binary: &Path, path: &Path, repeats: usize) -> Result<(), String> {
    let before = load_average();
    let mut ratios: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    // Round by round, so that each entry sees the machine at different times.
    for round in 1..=repeats {
        for (mode, driver, key) in keys() {
            let run = bench(binary, &media(mode, driver, LEGS, SECONDS))?;
            println!("round {round}, {key}: {:.2}", number(&run, "ratio"));
            ratios.entry(key).or_default().push(number(&run, "ratio"));
        }
    }
    let baseline = Baseline {
        how: format!(
            "ratio = the engine's processor time a pair of packets / that of the minimal loop in the same run; mean and \
             standard deviation (noise) of {repeats} runs of `outpace bench media` in rounds, {LEGS} legs, {SECONDS} s; \
             written by `outpace-bench baseline`; the gate is ratio + 3 x noise"
        ),
        date: today(),
        machine: Machine::here(),
        load_average: [before, load_average()],
        legs: LEGS,
        seconds: SECONDS,
        ratios: ratios.into_iter().map(|(key, repeats)| (key, Entry::of(repeats))).collect(),
    };
    write_json(path, &baseline)
}

pub(crate) fn check(binary: &Path, path: &Path) -> Result<(), String> {
    let baseline: Baseline = read_json(path)?;
    if (baseline.legs, baseline.seconds) != (LEGS, SECONDS) {
        return Err(format!("{} was measured with other runs; measure it anew: make bench-baseline", path.display()));
    }
    print!("{}", media_head());
    let mut open: Vec<Key> = Vec::new();
    for (mode, driver, key) in keys() {
        let entry = baseline.ratios.get(&key).ok_or_else(|| format!("{} has no {key}", path.display()))?;
        open.push(Key { mode, driver, name: key, entry, runs: Vec::new() });
    }
    let mut measured = 0;
    for _ in 0..TRIES {
        for key in &mut open {
            match bench(binary, &media(key.mode, key.driver, LEGS, SECONDS)) {
                Ok(run) => {
                    print!("{}", media_row(&run));
                    key.runs.push(run);
                    measured += 1;
                }
                // No figure is no figure beyond a limit: a system without io_uring, a part that came too late.
                Err(fault) => println!("no figure for {}: {fault}", key.name),
            }
        }
        open.retain(|key| key.runs.is_empty() || !key.faults().is_empty());
    }
    let mut faults: Vec<String> = open.iter().flat_map(Key::faults).collect();
    if measured == 0 {
        return Err("nothing could be measured; see the lines above".to_owned());
    }
    let run = bench(binary, &sip(CALLS, RATE))?;
    println!(
        "\n{CALLS} calls at {RATE} a second: {:.0} / {:.0} µs a call (caller / called), {} failed",
        number(&run, "cpu_us_per_call_uac"),
        number(&run, "cpu_us_per_call_uas"),
        number(&run, "failed"),
    );
    if leaked(&run) > 0 {
        faults.push(format!("signalling leaks: {}", run["leaked"]));
    }
    if faults.is_empty() { Ok(()) } else { Err(faults.join("; ")) }
}

/// What is wrong with the runs of one key so far, by their median.
fn judge(key: &str, entry: &Entry, runs: &[Value]) -> Vec<String> {
    let median = |value: &dyn Fn(&Value) -> f64| {
        let mut values: Vec<f64> = runs.iter().map(value).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    let mut faults = Vec::new();
    let allocations = median(&|run| number(run, "allocations_per_packet"));
    if allocations > 0.0 {
        faults.push(format!("{key}: {allocations} allocations a packet"));
    }
    // A leak is no noise: one run that leaks is enough.
    if runs.iter().any(|run| leaked(run) > 0) {
        faults.push(format!("{key} leaks: {}", runs.last().map_or(&Value::Null, |run| &run["leaked"])));
    }
    let ratio = median(&|run| number(run, "ratio"));
    if ratio > entry.limit() {
        faults.push(format!(
            "{key}: {ratio:.2} times the floor; the baseline is {:.2} with a noise of {:.2}, so the limit is {:.2}",
            entry.ratio,
            entry.noise,
            entry.limit()
        ));
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn run(ratio: f64, allocations: f64, ports: u64) -> Value {
        json!({ "ratio": ratio, "allocations_per_packet": allocations, "leaked": { "ports": ports } })
    }

    #[test]
    fn noise_is_the_deviation_of_the_repeats() {
        let entry = Entry::of(vec![0.8, 1.0, 1.2, 1.4, 1.6]);
        assert!((entry.ratio - 1.2).abs() < 1e-9 && (entry.noise - 0.1_f64.sqrt()).abs() < 1e-9, "{entry:?}");
        assert!((entry.limit() - (1.2 + 3.0 * 0.1_f64.sqrt())).abs() < 1e-9);
        let calm = Entry::of(vec![1.5, 1.5]);
        assert!((calm.limit() - 1.5 * 1.45).abs() < 1e-9, "two equal runs are luck");
        assert_eq!(Entry::of(vec![1.5]).noise, 0.0);
    }

    #[test]
    fn only_what_repeats_is_a_fault() {
        let entry = Entry::of(vec![1.0, 1.1, 1.2, 1.1, 1.1]); // limit 1.6
        let faults = |runs: &[Value]| judge("play/ring", &entry, runs).len();
        assert_eq!(faults(&[run(1.2, 0.0, 0)]), 0);
        assert_eq!(faults(&[run(1.7, 0.1, 1)]), 3);
        assert_eq!(faults(&[run(1.7, 0.1, 0), run(1.1, 0.0, 0), run(1.2, 0.0, 0)]), 0);
        assert_eq!(faults(&[run(1.2, 0.0, 1), run(1.1, 0.0, 0), run(1.2, 0.0, 0)]), 1);
        assert_eq!(faults(&[run(1.7, 0.0, 0), run(1.7, 0.0, 0), run(1.2, 0.0, 0)]), 1);
        assert_eq!(faults(&[run(1.0, 0.01, 0), run(1.0, 0.0, 0), run(1.0, 0.01, 0)]), 1);
        assert!(judge("echo/poll", &entry, &[run(1.0, 0.0, 7)])[0].contains("\"ports\":7"));
    }
}
