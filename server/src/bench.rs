//! `outpace bench media` and `outpace bench sip`: the command line and the table of the benches; the measuring itself
//! stands in the crate `measure`, the minimal loop in `floor`.
//!
//! The benches start this binary again for each of their parts, with the hidden command `outpace bench part NAME`.

mod table;

use crate::failure::Failure;
use clap::{Args, Subcommand, ValueEnum};
use floor::Floor;
use indicatif::ProgressBar;
use measure::media::{self, Driver, LEGS_MAX, Listening, MediaSettings, Mode, SECONDS_MAX};
use measure::sip::{self, CALLS_MAX, RATE_MAX, SipSettings};
use measure::{FloorSettings, Loops, Part, Parts};
use serde::Serialize;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

/// Measure what calls cost on this machine, each part in a process of its own
#[derive(Args, Clone, Debug)]
#[command(
    after_help = "Example:\n  outpace bench media --mode play --legs 500 --seconds 10\n  outpace bench sip --calls 5000 --rate 500"
)]
pub struct BenchArgs {
    #[command(subcommand)]
    bench: Bench,
}

#[derive(Subcommand, Clone, Debug)]
enum Bench {
    Media(MediaArgs),
    Sip(SipArgs),
    /// One part of a bench, ordered about by the command that started it
    #[command(hide = true)]
    Part {
        /// Which
        name: String,
    },
}

/// N legs over loopback: processor time, lateness and allocations of the engine alone, next to the least possible
#[derive(Args, Clone, Debug)]
#[command(
    after_help = "Example:\n  outpace bench media --mode bridge --legs 1000 --seconds 20 --driver ring --json bridge.json"
)]
struct MediaArgs {
    /// What the legs do
    #[arg(long, value_enum)]
    mode: ModeName,
    /// Which detector listens in `--mode detect`
    #[arg(long, value_enum, default_value = "classic")]
    detector: DetectorName,
    /// Legs that are up at a time
    #[arg(long)]
    legs: usize,
    /// Length of the window, after the calls have settled
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// How the engine drives its sockets
    #[arg(long, value_enum, default_value = "ring")]
    driver: DriverName,
    /// Shard threads of the engine
    #[arg(long, default_value_t = 1)]
    shards: usize,
    /// Write the figures as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Calls without audio between two engines in two processes: INVITE-180-200-ACK-BYE
#[derive(Args, Clone, Debug)]
#[command(after_help = "Example:\n  outpace bench sip --calls 10000 --rate 500 --json sip.json")]
struct SipArgs {
    /// Calls in all
    #[arg(long)]
    calls: u64,
    /// Calls a second
    #[arg(long)]
    rate: f64,
    /// Write the figures as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

#[derive(ValueEnum, Clone, Copy, Debug)]
enum ModeName {
    Play,
    Echo,
    Bridge,
    Detect,
    Record,
    Mix,
    Transcode,
    Srtp,
}

#[derive(ValueEnum, Clone, Copy, Debug)]
enum DetectorName {
    Classic,
    Default,
}

#[derive(ValueEnum, Clone, Copy, Debug)]
enum DriverName {
    Ring,
    Poll,
}

/// Runs a bench and prints its figures.
pub fn run(arguments: &BenchArgs) -> Result<(), Failure> {
    match &arguments.bench {
        Bench::Media(arguments) => run_media(arguments),
        Bench::Sip(arguments) => run_sip(arguments),
        Bench::Part { name } => {
            let part = Part::parse(name)
                .ok_or_else(|| Failure::usage(name, "is no part of a bench", "use outpace bench media or sip"))?;
            measure::run_part(part, start_floor).map_err(failed)
        }
    }
}

fn run_media(arguments: &MediaArgs) -> Result<(), Failure> {
    let settings = arguments.settings()?;
    claim(arguments.json.as_deref())?;
    let progress = Progress::new();
    let result = media::run(&parts()?, &settings, |what| progress.show(what)).map_err(failed)?;
    progress.end();
    table::media(&result);
    write(arguments.json.as_deref(), &result)?;
    match result.unsound() {
        Some(fault) => Err(Failure::failed(format!("the figures cannot be trusted: {fault}; repeat with fewer legs"))),
        None => Ok(()),
    }
}

fn run_sip(arguments: &SipArgs) -> Result<(), Failure> {
    let within = |place: String, ok: bool, most: String| {
        if ok {
            Ok(())
        } else {
            Err(Failure::usage(&place, "is out of range", &format!("give more than 0, up to {most}")))
        }
    };
    let SipArgs { calls, rate, json } = arguments;
    within(format!("--calls {calls}"), (1..=CALLS_MAX).contains(calls), CALLS_MAX.to_string())?;
    within(format!("--rate {rate}"), *rate > 0.0 && *rate <= RATE_MAX, RATE_MAX.to_string())?;
    claim(json.as_deref())?;
    let progress = Progress::new();
    let settings = SipSettings { calls: *calls, rate: *rate };
    let result = sip::run(&parts()?, &settings, |what| progress.show(what)).map_err(failed)?;
    progress.end();
    table::sip(&result);
    write(json.as_deref(), &result)
}

impl MediaArgs {
    /// Refuses what cannot be measured, with what to write instead.
    fn settings(&self) -> Result<MediaSettings, Failure> {
        let unbuilt = |what: &str, mend: &str| Err(Failure::usage(what, "is not built yet", mend));
        let mode = match self.mode {
            ModeName::Play => Mode::Play,
            ModeName::Echo => Mode::Echo,
            ModeName::Bridge => Mode::Bridge,
            ModeName::Detect => Mode::Detect,
            ModeName::Record | ModeName::Mix | ModeName::Transcode | ModeName::Srtp => {
                let name = format!("{:?}", self.mode).to_lowercase();
                return unbuilt(&format!("--mode {name}"), "use play, echo, bridge or detect");
            }
        };
        let within = |name: &str, value: u64, most: u64| {
            if (1..=most).contains(&value) {
                return Ok(());
            }
            Err(Failure::usage(&format!("--{name} {value}"), "is out of range", &format!("give 1 to {most}")))
        };
        within("legs", self.legs as u64, LEGS_MAX as u64)?;
        within("seconds", self.seconds, SECONDS_MAX)?;
        within("shards", self.shards as u64, net::runtime::SHARDS_MAX.min(self.legs) as u64)?;
        if mode == Mode::Bridge && !self.legs.is_multiple_of(2) {
            let mend = "give an even number: legs are joined in pairs";
            return Err(Failure::usage(&format!("--legs {}", self.legs), "is odd", mend));
        }
        let driver = match self.driver {
            DriverName::Ring => Driver::Ring,
            DriverName::Poll => Driver::Poll,
        };
        let detector = match self.detector {
            DetectorName::Classic => Listening::Classic,
            DetectorName::Default => Listening::Default,
        };
        Ok(MediaSettings { mode, detector, legs: self.legs, seconds: self.seconds, driver, shards: self.shards })
    }
}

/// The minimal loop, for the part "floor".
fn start_floor(settings: &FloorSettings) -> std::io::Result<Loops> {
    let floor = Floor::start(&floor::Config {
        mode: match settings.driver {
            Driver::Poll => floor::Mode::Poll,
            Driver::Ring => floor::Mode::Ring,
        },
        threads: settings.threads,
        streams: settings.streams,
        ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
        to: settings.to.clone(),
        prompt: settings.prompt.clone(),
    })?;
    let ports = floor.ports().to_vec();
    Ok(Loops { ports, counts: Box::new(move || (floor.counts().sent, floor.counts().received)) })
}

fn failed(fault: measure::Fault) -> Failure {
    Failure::failed(fault.to_string())
}

/// How this binary runs a part of itself.
fn parts() -> Result<Parts, Failure> {
    let program = std::env::current_exe().map_err(|e| Failure::io("the path of this program", e))?;
    Ok(Parts { program, arguments: vec!["bench".to_owned(), "part".to_owned()] })
}

/// Finds out now, and not after the run, whether the figures can be written.
fn claim(path: Option<&Path>) -> Result<(), Failure> {
    path.map_or(Ok(()), |path| std::fs::write(path, "").map_err(|e| Failure::io(&path.display().to_string(), e)))
}

fn write(path: Option<&Path>, result: &impl Serialize) -> Result<(), Failure> {
    let Some(path) = path else { return Ok(()) };
    let place = path.display().to_string();
    let text = serde_json::to_string_pretty(result).map_err(|e| Failure::failed(format!("{e}, {place}, report it")))?;
    std::fs::write(path, text + "\n").map_err(|e| Failure::io(&place, e))
}

/// One line that says what is going on; nothing where stderr is no terminal.
struct Progress(ProgressBar);

impl Progress {
    fn new() -> Progress {
        Progress(ProgressBar::new_spinner())
    }
    fn show(&self, what: &str) {
        self.0.set_message(what.to_owned());
        self.0.tick();
    }
    fn end(&self) {
        self.0.finish_and_clear();
    }
}
