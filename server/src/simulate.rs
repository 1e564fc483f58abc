//! `outpace simulate`: what would happen if? The dialer's own code under virtual time.
//!
//! ```text
//!  SCENARIO.toml ────────────────┐
//!  --replay STORE: a day's calls ┴─ --set, --sweep ──> dialer::sim::simulate, once per value, on the cores
//!                                                   ──> table | --json | --plot
//! ```
//!
//! A replayed day with changes is run twice, as it was and changed, with the same callees.

mod past;
mod plot;
pub(crate) mod replay;
mod table;

use crate::failure::Failure;
use clap::Args;
use dialer::Profiles;
use dialer::report::Report;
use dialer::scenario::Scenario;
use dialer::sim::{Options, SimError};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use replay::Replay;
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
    outpace simulate base.toml --sweep agents=10,20,40 --plot agents.svg\n  \
    outpace simulate base.toml --sweep limit=0.01,0.02,0.03 --days 10 --plot frontier.svg\n  \
    outpace simulate --replay outpace.toml --campaign spring --day yesterday --days 40 \\\n    \
    --set limit=0.02 --set agents=+5 --set amd.enabled=false --plot whatif.svg\n\n\
    Policies: predictive, progressive, power:R (R lines per agent, under the ledger's guard); to compare with: ratio:R, \
    adapt-hard, adapt-average, adapt-tapered, pid, mean-value, oracle-ring, open-loop:R (R launches a second). An empty scenario file is 20 agents on a \
    normal day.\n\
    --sweep takes any key of the scenario (dial.human=0.15,0.25,0.4), or seed; its runs share the machine's cores.\n\
    --replay makes the scenario from a day's stored calls; a SCENARIO.toml beside it is laid over that day, and with \
    changes the day is run twice, as it was and changed. Persons whom detection lost are not in the records.")]
pub struct SimulateArgs {
    /// Scenario to run
    #[arg(value_name = "SCENARIO.toml", required_unless_present = "replay")]
    pub scenario: Option<PathBuf>,
    /// Days to run
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub days: u32,
    /// Same seed, same run
    #[arg(long, default_value_t = 1, value_name = "K")]
    pub seed: u64,
    /// How to pace; predictive, or as the replayed day was paced
    #[arg(long, value_name = "NAME")]
    pub policy: Option<String>,
    /// Another value for a key of the scenario; may stand more than once (of a replayed day, agents=+5 adds)
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Run once for each value of a key, or of seed
    #[arg(long, value_name = "KEY=a,b,c")]
    pub sweep: Option<String>,
    /// Decide every so many milliseconds instead of at each event
    #[arg(long, value_name = "MS")]
    pub decide_every: Option<u64>,
    /// Make the scenario of a day's stored calls: a configuration (outpace.toml), or a store's address or file
    #[arg(long, value_name = "STORE")]
    pub replay: Option<String>,
    /// Whose calls are replayed; needed when the store has several campaigns
    #[arg(long, value_name = "NAME", requires = "replay")]
    pub campaign: Option<String>,
    /// Which day is replayed: 2026-03-02, yesterday or today; left out: the last 24 hours
    #[arg(long, value_name = "DATE", requires = "replay")]
    pub day: Option<String>,
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

/// A replayed day with changes, beside the day as it was.
#[derive(Serialize)]
struct Compared<'a> {
    #[serde(flatten)]
    after: &'a Report,
    before: &'a Report,
}

/// Where scenarios come from.
enum Source {
    /// A file, its name and its folder.
    File { said: String, folder: PathBuf, text: String },
    /// A day that was, and its name.
    Day { said: String, replay: Box<Replay> },
}

/// Everything that is run.
struct Plan<'a> {
    arguments: &'a SimulateArgs,
    source: Source,
    /// What `profile` may name.
    profiles: Arc<Profiles>,
    policy: String,
    set: Vec<(&'a str, &'a str)>,
}

/// Runs the command and prints its table, unless JSON goes to a file.
///
/// # Errors
/// A faulty scenario, policy or argument (wrong use); files or a store that cannot be read; files that cannot be
/// written.
pub fn run(arguments: &SimulateArgs) -> Result<(), Failure> {
    let sweep = arguments.sweep.as_deref().map(parse_sweep).transpose()?;
    let set = arguments.set.iter().map(|text| parse_set(text)).collect::<Result<Vec<_>, _>>()?;
    // A sweep may take minutes: whether its result can be kept is asked first.
    for path in [&arguments.json, &arguments.plot].into_iter().flatten() {
        writable(path)?;
    }
    let scenario = arguments.scenario.as_deref().map(|path| Ok::<_, Failure>((path, read(path)?))).transpose()?;
    let (plan, as_it_was) = match (&arguments.replay, scenario) {
        (Some(store), over) => replayed(arguments, store, over, set)?,
        (None, Some((path, text))) => {
            let folder = path.parent().unwrap_or(Path::new("")).to_owned();
            let source = Source::File { said: path.display().to_string(), folder, text };
            let policy = arguments.policy.clone().unwrap_or_else(|| "predictive".to_owned());
            (Plan { arguments, source, profiles: Arc::new(Profiles::default()), policy, set }, None)
        }
        (None, None) => {
            let place = "outpace simulate";
            return Err(Failure::usage(place, "has no scenario", "name a SCENARIO.toml, or a store with --replay"));
        }
    };
    let Some((key, values)) = sweep else {
        let before = as_it_was.map(|plan| plan.one(&[])).transpose()?;
        return told(arguments, &plan.one(&[])?, before.as_ref());
    };
    let bar = bar(values.len());
    let reports = side_by_side(values.len(), |index| {
        let report = plan.swept(key, values[index]);
        bar.inc(1);
        report
    })?;
    bar.finish_and_clear();
    if let Some(path) = &arguments.json {
        let runs = values.iter().zip(&reports).map(|(value, report)| SweepRun { value, report }).collect();
        write(path, &json(&SweepResult { key, runs })?)?;
    } else {
        print!("{}", table::sweep(key, &values, &reports));
    }
    arguments.plot.as_ref().map_or(Ok(()), |path| write(path, &plot::sweep(key, &values, &reports)))
}

/// One run's result, beside the day as it was when there is one.
fn told(arguments: &SimulateArgs, after: &Report, before: Option<&Report>) -> Result<(), Failure> {
    match (&arguments.json, before) {
        (Some(path), Some(before)) => write(path, &json(&Compared { after, before })?)?,
        (Some(path), None) => write(path, &json(after)?)?,
        (None, Some(before)) => print!("{}", table::compared(before, after)),
        (None, None) => print!("{}", table::one(after)),
    }
    arguments.plot.as_ref().map_or(Ok(()), |path| write(path, &plot::day(after, before)))
}

fn json(value: &impl Serialize) -> Result<String, Failure> {
    serde_json::to_string_pretty(value).map_err(|e| Failure::failed(format!("{e}, the result, report it")))
}

/// The replayed day with what is to be changed; and, when anything is, as it was.
fn replayed<'a>(
    arguments: &'a SimulateArgs,
    store: &str,
    over: Option<(&Path, String)>,
    set: Vec<(&'a str, &'a str)>,
) -> Result<(Plan<'a>, Option<Plan<'a>>), Failure> {
    let wanted = past::Wanted { store, campaign: arguments.campaign.as_deref(), day: arguments.day.as_deref() };
    let past::Past { replay, profiles, policy } = past::read(&wanted, jiff::Timestamp::now())?;
    let said = format!("--replay {}", store::redact(store));
    let plan = |replay: Replay, policy: &str, set| Plan {
        arguments,
        source: Source::Day { said: said.clone(), replay: Box::new(replay) },
        profiles: Arc::clone(&profiles),
        policy: policy.to_owned(),
        set,
    };
    let paced = arguments.policy.clone().unwrap_or_else(|| policy.clone());
    let as_it_was =
        (over.is_some() || !set.is_empty() || paced != policy).then(|| plan(replay.clone(), &policy, vec![]));
    let changed = match over {
        None => replay,
        Some((path, text)) => {
            replay.under(&text).map_err(|error| Failure::misuse(format!("{}, {}", error.message(), path.display())))?
        }
    };
    Ok((plan(changed, &paced, set), as_it_was))
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

impl Plan<'_> {
    /// One run of a sweep: `seed` is the run's, everything else a key of the scenario.
    fn swept(&self, key: &str, value: &str) -> Result<Report, Failure> {
        if key != "seed" {
            return self.one(&[(key, value)]);
        }
        let seed = value.parse().map_err(|_| {
            Failure::usage(&format!("--sweep seed={value}"), "is no seed", "write whole numbers from 0, as seed=1,2,3")
        })?;
        self.seeded(seed, &[])
    }

    fn one(&self, more: &[(&str, &str)]) -> Result<Report, Failure> {
        self.seeded(self.arguments.seed, more)
    }

    /// One run, with some keys of the scenario set to other values.
    fn seeded(&self, seed: u64, more: &[(&str, &str)]) -> Result<Report, Failure> {
        let set: Vec<(&str, &str)> = self.set.iter().chain(more).copied().collect();
        let (said, scenario) = match &self.source {
            Source::File { said, folder, text } => {
                let mut load = |name: &str| read(&folder.join(name)).map_err(|failure| failure.to_string());
                (said, Scenario::parse_with(text, &set, &self.profiles, &mut load))
            }
            Source::Day { said, replay } => {
                let (replay, set) = peopled(replay, &set)?;
                (said, Scenario::parse_with(&replay.text, &set, &self.profiles, &mut |name| replay.load(name)))
            }
        };
        let scenario = scenario.map_err(|error| {
            let line = error.line.map_or(String::new(), |line| format!(":{line}"));
            let place =
                if set.is_empty() { format!("{said}{line}") } else { format!("--set or --sweep of {said}{line}") };
            let key = if error.key.is_empty() { String::new() } else { format!(" {}", error.key) };
            Failure::misuse(format!("{}, {place}{key}, see the example in outpace simulate --help", error.message))
        })?;
        let began = Instant::now();
        let options = Options {
            days: self.arguments.days,
            seed,
            policy: self.policy.clone(),
            decide_every_ms: self.arguments.decide_every,
            clock: Some(Arc::new(move || u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX))),
            progress: None,
        };
        dialer::sim::simulate(&scenario, &options).map_err(|error| match error {
            SimError::Scenario(error) => Failure::misuse(format!("{error}, {said}, change the scenario")),
            other => Failure::misuse(format!("{other}, command line, see outpace simulate --help")),
        })
    }
}

/// Keys of the scenario and their values.
type Set<'a> = Vec<(&'a str, &'a str)>;

/// Takes `agents` out of what is set: a replayed day has shifts, which grow or shrink alike.
fn peopled<'a>(replay: &Replay, set: &[(&'a str, &'a str)]) -> Result<(Replay, Set<'a>), Failure> {
    let (agents, rest): (Set<'a>, Set<'a>) = set.iter().partition(|(key, _)| *key == "agents");
    let mut replay = replay.clone();
    for (_, value) in agents {
        let fault = || {
            let place = format!("agents={value}");
            Failure::usage(&place, "leaves no agents, or is no number", "write agents=25, agents=+5 or agents=-5")
        };
        let number: i64 = value.parse().map_err(|_| fault())?;
        let more = value.starts_with(['+', '-']);
        let peak = if more { i64::from(replay.agents) + number } else { number };
        let peak = u32::try_from(peak).ok().filter(|peak| *peak > 0).ok_or_else(fault)?;
        replay =
            replay.with_agents(peak).map_err(|error| Failure::failed(format!("{error}, the replay, report it")))?;
    }
    Ok((replay, rest))
}

/// `limit=0.02`.
fn parse_set(text: &str) -> Result<(&str, &str), Failure> {
    match text.split_once('=').map(|(key, value)| (key.trim(), value.trim())) {
        Some((key, value)) if !key.is_empty() && !value.is_empty() => Ok((key, value)),
        _ => Err(Failure::usage(&format!("--set {text:?}"), "is no key with a value", "write KEY=VALUE, limit=0.02")),
    }
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
