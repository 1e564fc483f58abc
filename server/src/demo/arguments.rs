//! What `outpace demo` may be told.

use super::CONSOLE;
use crate::failure::Failure;
use clap::Args;
use dialer::sim::callee::CalleeModel;
use net::DriverChoice;
use std::net::SocketAddr;
use std::path::PathBuf;

const OWN_SCENARIO: &str = include_str!("scenario.toml");

/// Leads that a demo may have: 100,000 at the demo's pace are 12 hours.
const LEADS_MAX: usize = 100_000;
/// Agents that a demo may have: each is a phone that sends 50 packets a second on the same machine.
const AGENTS_MAX: usize = 500;

/// Dial a list over real SIP and RTP on loopback, with simulated people, machines and agents that speak.
#[derive(Args, Clone, Debug)]
#[command(after_help = "Example:\n  outpace demo --leads 200 --agents 8 --json demo.json")]
pub struct DemoArgs {
    /// Leads to dial
    #[arg(long, default_value_t = 500)]
    pub leads: usize,
    /// Agents who take the calls
    #[arg(long, default_value_t = 10)]
    pub agents: usize,
    /// Stop dialling after so many seconds
    #[arg(long, default_value_t = 360)]
    pub seconds: u64,
    /// Repeat a run: the same seed makes the same leads and callees
    #[arg(long)]
    pub seed: Option<u64>,
    /// How sockets are driven: ring (io_uring), poll (epoll), or auto: ring where the system allows it
    #[arg(long, default_value = "auto")]
    pub driver: DriverChoice,
    /// Shard threads of the engine
    #[arg(long, default_value_t = 1)]
    pub shards: usize,
    /// Who tells people from machines; default keeps probabilities to look at, and knows machines by more than their pauses
    #[arg(long, default_value = "classic", value_parser = ["classic", "default"])]
    pub detector: String,
    /// A scenario file instead of the demo's own: shares of persons, machines and so on, and times
    #[arg(long, value_name = "FILE")]
    pub scenario: Option<PathBuf>,
    /// Print no progress and only the summary; no console unless --http is given
    #[arg(long)]
    pub headless: bool,
    /// Where the console is served; port 0 takes a free one [default: 127.0.0.1:8080, or a free port]
    #[arg(long, value_name = "ADDR")]
    pub http: Option<SocketAddr>,
    /// Stay up when the list is dialled, until Ctrl-C; the summary follows
    #[arg(long)]
    pub stay: bool,
    /// Write the summary as JSON
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Drawn when `--seed` is absent, once for the whole run
    #[arg(skip = drawn_seed())]
    drawn: u64,
}

fn drawn_seed() -> u64 {
    net::entropy::seed().map_or(1, |seed| seed.stream("demo-seed", 0).below(1_000_000))
}

impl DemoArgs {
    /// The seed of this run.
    pub fn seed(&self) -> u64 {
        self.seed.unwrap_or(self.drawn)
    }

    /// The addresses that the console may have, best first; `None`: it is not served.
    pub(super) fn console(&self) -> Option<Vec<SocketAddr>> {
        match (self.http, self.headless) {
            (Some(address), _) => Some(vec![address]),
            (None, true) => None,
            (None, false) => Some(vec![CONSOLE, SocketAddr::new(CONSOLE.ip(), 0)]),
        }
    }

    /// Refuses what cannot be run, with what to write instead.
    pub fn check(&self) -> Result<(), Failure> {
        let within = |name: &str, value: usize, max: usize| {
            if (1..=max).contains(&value) {
                return Ok(());
            }
            Err(Failure::usage(&format!("--{name} {value}"), "is out of range", &format!("give 1 to {max}")))
        };
        within("leads", self.leads, LEADS_MAX)?;
        within("agents", self.agents, AGENTS_MAX)?;
        within("shards", self.shards, net::runtime::SHARDS_MAX)?;
        within("seconds", usize::try_from(self.seconds).unwrap_or(usize::MAX), 86_400)
    }

    /// Who is called and how long everything takes: the demo's own scenario, or the file's.
    pub fn callees(&self) -> Result<CalleeModel, Failure> {
        let Some(path) = &self.scenario else {
            return CalleeModel::parse(OWN_SCENARIO).map_err(|e| Failure::failed(e.to_string()));
        };
        let text = std::fs::read_to_string(path).map_err(|e| Failure::io(&path.display().to_string(), e))?;
        CalleeModel::parse(&text)
            .map_err(|e| Failure::usage(&path.display().to_string(), &e.to_string(), "see docs/simulation.md"))
    }
}
