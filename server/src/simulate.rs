//! `outpace simulate`: what would happen if? The dialer's own code under virtual time.
//!
//! ```text
//!  SCENARIO.toml, --sweep ──> dialer::sim::simulate, once per value, a thread each ──> table | --json | --plot
//! ```

mod plot;
pub(crate) mod replay;
mod table;

use crate::failure::Failure;
use clap::Args;
use dialer::report::Report;
use dialer::scenario::Scenario;
use dialer::sim::{Options, SimError};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

/// Values of one sweep: beyond it a table helps nobody.
const SWEEP_MAX: usize = 200;
/// Largest scenario or sample file: a million samples of 15 characters.
const FILE_BYTES_MAX: u64 = 16 << 20;

/// Run a scenario through the production dialer code under virtual time
#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:\n  \
    outpace simulate base.toml --days 5 --seed 7\n  \
    outpace simulate base.toml --policy progressive --json progressive.json\n  \
    outpace simulate base.toml --sweep agents=10,20,40 --plot agents.svg\n\n\
    Policies: predictive, progressive, power:R (R lines per agent, under the ledger's guard); to compare with: ratio:R, \
    adapt-hard, adapt-average, adapt-tapered, pid, mean-value, oracle-ring, open-loop:R (R launches a second). An empty scenario file is 20 agents on a \
    normal day.\n\
    --sweep takes any key of the scenario (dial.human=0.15,0.25,0.4), or seed; its runs share the machine's cores.")]
pub struct SimulateArgs {
    /// Scenario to run
    #[arg(value_name = "SCENARIO.toml")]
    pub scenario: PathBuf,
    /// Days to run
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub days: u32,
    /// Same seed, same run
    #[arg(long, default_value_t = 1, value_name = "K")]
    pub seed: u64,
    /// How to pace
    #[arg(long, default_value = "predictive", value_name = "NAME")]
    pub policy: String,
    /// Run once for each value of a key, or of seed
    #[arg(long, value_name = "KEY=a,b,c")]
    pub sweep: Option<String>,
    /// Decide every so many milliseconds instead of at each event
    #[arg(long, value_name = "MS")]
    pub decide_every: Option<u64>,
    /// Take calls from a store (not built yet)
    #[arg(long, value_name = "STORE")]
    pub replay: Option<PathBuf>,
    /// Write the result as JSON
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Draw as SVG: occupancy, abandon rate and budget over the day, or by value of the sweep
    #[arg(long, value_name = "FILE.svg")]
    pub plot: Option<PathBuf>,
}

/// One run of a sweep.
#[derive(Serialize)]
struct SweepRun<'a> {
    value: &'a str,
    report: &'a Report,
}

/// The result of a sweep.
#[derive(Serialize)]
struct SweepResult<'a> {
    key: &'a str,
    runs: Vec<SweepRun<'a>>,
}

/// Runs the command and prints its table, unless JSON goes to a file.
///
/// # Errors
/// A faulty scenario, policy or argument (wrong use); files that cannot be read or written.
pub fn run(arguments: &SimulateArgs) -> Result<(), Failure> {
    if let Some(store) = &arguments.replay {
        let place = format!("--replay {}", store.display());
        return Err(Failure::usage(&place, "is not built yet", "describe the calls in a scenario file instead"));
    }
    let sweep = arguments.sweep.as_deref().map(parse_sweep).transpose()?;
    let said = arguments.scenario.display().to_string();
    let text = read(&arguments.scenario)?;
    // A sweep may take minutes: whether its result can be kept is asked first.
    for path in [&arguments.json, &arguments.plot].into_iter().flatten() {
        writable(path)?;
    }
    let runs = match &sweep {
        None => vec![one(arguments, &said, &text, &[])?],
        Some((key, values)) => {
            let bar = bar(values.len());
            let runs = side_by_side(values.len(), |index| {
                let report = swept(arguments, &said, &text, key, values[index]);
                bar.inc(1);
                report
            })?;
            bar.finish_and_clear();
            runs
        }
    };
    if let Some(path) = &arguments.json {
        let json = match &sweep {
            None => serde_json::to_string_pretty(&runs[0]),
            Some((key, values)) => {
                let runs = values.iter().zip(&runs).map(|(value, report)| SweepRun { value, report }).collect();
                serde_json::to_string_pretty(&SweepResult { key, runs })
            }
        };
        write(path, &json.map_err(|e| Failure::failed(format!("{e}, the result, report it")))?)?;
    } else {
        let table = match &sweep {
            None => table::one(&runs[0]),
            Some((key, values)) => table::sweep(key, values, &runs),
        };
        print!("{table}");
    }
    if let Some(path) = &arguments.plot {
        let picture = match &sweep {
            None => plot::day(&runs[0]),
            Some((key, values)) => plot::sweep(key, values, &runs),
        };
        write(path, &picture)?;
    }
    Ok(())
}

/// Does `count` things on the machine's cores and gives their results in order; the first failure ends it.
fn side_by_side<T: Send>(count: usize, work: impl Fn(usize) -> Result<T, Failure> + Sync) -> Result<Vec<T>, Failure> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from).min(count);
    let (next, failed) = (AtomicUsize::new(0), AtomicBool::new(false));
    let worker = || {
        let mut done = Vec::new();
        while !failed.load(Ordering::Relaxed) {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= count {
                break;
            }
            let result = work(index).inspect_err(|_| failed.store(true, Ordering::Relaxed))?;
            done.push((index, result));
        }
        Ok(done)
    };
    let parts: Result<Vec<Vec<(usize, T)>>, Failure> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(worker)).collect();
        let ended = workers.into_iter().map(|worker| {
            worker.join().unwrap_or_else(|_| Err(Failure::failed("a simulated run panicked, report it".to_owned())))
        });
        ended.collect()
    });
    let mut results: Vec<(usize, T)> = parts?.into_iter().flatten().collect();
    results.sort_by_key(|(index, _)| *index);
    Ok(results.into_iter().map(|(_, result)| result).collect())
}

/// One run of a sweep: `seed` is the run's, everything else a key of the scenario.
fn swept(arguments: &SimulateArgs, said: &str, text: &str, key: &str, value: &str) -> Result<Report, Failure> {
    if key != "seed" {
        return one(arguments, said, text, &[(key, value)]);
    }
    let seed = value.parse().map_err(|_| {
        Failure::usage(&format!("--sweep seed={value}"), "is no seed", "write whole numbers from 0, as seed=1,2,3")
    })?;
    one(&SimulateArgs { seed, ..arguments.clone() }, said, text, &[])
}

/// One run, with some keys of the scenario set to other values.
fn one(arguments: &SimulateArgs, said: &str, text: &str, set: &[(&str, &str)]) -> Result<Report, Failure> {
    let folder = arguments.scenario.parent().unwrap_or(Path::new(""));
    let mut load = |name: &str| read(&folder.join(name)).map_err(|failure| failure.to_string());
    let scenario = Scenario::parse_with(text, set, &mut load).map_err(|error| {
        let line = error.line.map_or(String::new(), |line| format!(":{line}"));
        let place = if set.is_empty() { format!("{said}{line}") } else { format!("--sweep of {said}{line}") };
        let key = if error.key.is_empty() { String::new() } else { format!(" {}", error.key) };
        Failure::misuse(format!("{}, {place}{key}, see the example in outpace simulate --help", error.message))
    })?;
    let began = Instant::now();
    let options = Options {
        days: arguments.days,
        seed: arguments.seed,
        policy: arguments.policy.clone(),
        decide_every_ms: arguments.decide_every,
        clock: Some(Arc::new(move || u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX))),
    };
    dialer::sim::simulate(&scenario, &options).map_err(|error| match error {
        SimError::Scenario(error) => Failure::misuse(format!("{error}, {said}, change the scenario")),
        other => Failure::misuse(format!("{other}, command line, see outpace simulate --help")),
    })
}

/// `agents=10,20,40`; a value in brackets, braces or quotes may hold commas.
fn parse_sweep(text: &str) -> Result<(&str, Vec<&str>), Failure> {
    let fault = |what: &str| Failure::usage(&format!("--sweep {text:?}"), what, "write KEY=a,b,c");
    let (key, list) = text.split_once('=').ok_or_else(|| fault("has no ="))?;
    let (mut values, mut depth, mut quoted, mut start) = (Vec::new(), 0_i32, false, 0);
    for (place, c) in list.char_indices() {
        match c {
            '"' => quoted = !quoted,
            '[' | '{' if !quoted => depth += 1,
            ']' | '}' if !quoted => depth -= 1,
            ',' if !quoted && depth == 0 => {
                values.push(list[start..place].trim());
                start = place + 1;
            }
            _ => {}
        }
    }
    values.push(list[start..].trim());
    if key.trim().is_empty() || values.iter().any(|value| value.is_empty()) {
        return Err(fault("has an empty part"));
    }
    if values.len() > SWEEP_MAX {
        return Err(fault("has more than 200 values"));
    }
    Ok((key.trim(), values))
}

fn read(path: &Path) -> Result<String, Failure> {
    let said = path.display().to_string();
    let size = std::fs::metadata(path).map_err(|e| Failure::io(&said, e))?.len();
    if size > FILE_BYTES_MAX {
        return Err(Failure::usage(&said, &format!("has {size} bytes"), "name the right file"));
    }
    std::fs::read_to_string(path).map_err(|e| Failure::io(&said, e))
}

/// Opens the file as the result will, and leaves what is in it alone.
fn writable(path: &Path) -> Result<(), Failure> {
    let opened = std::fs::OpenOptions::new().append(true).create(true).open(path);
    opened.map(drop).map_err(|e| Failure::io(&path.display().to_string(), e))
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text).map_err(|e| Failure::io(&path.display().to_string(), e))
}

fn bar(runs: usize) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::with_draw_target(Some(runs as u64), ProgressDrawTarget::hidden());
    }
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} runs {eta}");
    ProgressBar::new(runs as u64).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

#[cfg(test)]
mod tests;
