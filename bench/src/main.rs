//! Floor 8: runs the benches of the binary `outpace`, keeps their figures with the facts of the machine, and watches that
//! they do not get worse.
//!
//! ```text
//!  outpace-bench all       matrix of `outpace bench media`, `outpace bench sip`, SIPp beside it -> results/DATE-WHAT.json
//!  outpace-bench table     results/*.json -> results/README.md
//!  outpace-bench baseline  the short matrix, several times -> baseline.json, with its noise
//!  outpace-bench ci        the short matrix against baseline.json
//!  outpace-bench imports   `outpace import` of files, on each database -> results/DATE-imports.json
//!  outpace-bench pacing    laws of pacing in the simulator -> results/pacing.json -> docs/pacing.md; --check: the gate
//! ```
//!
//! **Invariants.** No threshold on time: `ci` fails on allocations per packet, on leaks, and on a ratio to the floor of the
//! same run beyond the baseline and three times its noise, each time only when repetition confirms it. Absent: criterion's
//! own figures, which `cargo bench` keeps.

mod ci;
mod imports;
mod machine;
mod matrix;
mod pacing;
mod results;
mod sipp;
mod table;

use clap::{Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

/// Benches of outpace with machine facts, a table and a gate
#[derive(Parser)]
#[command(name = "outpace-bench", after_help = "Example:\n  outpace-bench ci --baseline bench/baseline.json")]
struct Cli {
    /// The binary to measure; by default the one beside this program
    #[arg(long, global = true, value_name = "FILE")]
    outpace: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// The whole matrix, kept with date and machine
    All {
        /// Folder of the results
        #[arg(long, default_value = "bench/results")]
        results: PathBuf,
        /// Legs of the media runs
        #[arg(long, value_delimiter = ',', default_values_t = [500, 1000, 2000])]
        legs: Vec<usize>,
        /// Window of each media run in seconds
        #[arg(long, default_value_t = 10)]
        seconds: u64,
    },
    /// Only the table, from the results that are there
    Table {
        /// Folder of the results
        #[arg(long, default_value = "bench/results")]
        results: PathBuf,
    },
    /// Measures baseline and noise
    Baseline {
        /// Where to write it
        #[arg(long, default_value = "bench/baseline.json")]
        baseline: PathBuf,
        /// How often each run is repeated; at least 5
        #[arg(long, default_value_t = 5)]
        repeats: usize,
    },
    /// Fails on allocations per packet, leaks, and ratios beyond the baseline
    Ci {
        /// What to compare with
        #[arg(long, default_value = "bench/baseline.json")]
        baseline: PathBuf,
    },
    /// Rows a second from CSV files onto lists
    Imports {
        /// Folder of the results
        #[arg(long, default_value = "bench/results")]
        results: PathBuf,
        /// An empty database beside the default file, such as postgres://USER@HOST/DATABASE
        #[arg(long, value_name = "URL")]
        store: Vec<String>,
        /// Rows of a measured file
        #[arg(long, default_value_t = 200_000)]
        rows: u64,
        /// Leads beside which the last file comes in; at most 39 million
        #[arg(long, default_value_t = 1_000_000)]
        beside: u64,
    },
    /// Laws of pacing in the simulator, and what the simulator is checked by
    Pacing {
        /// Where the figures are kept
        #[arg(long, default_value = "bench/results/pacing.json")]
        json: PathBuf,
        /// The page that is written from them; its pictures go into a folder beside it
        #[arg(long, default_value = "docs/pacing.md")]
        page: PathBuf,
        /// Seed of all days; by default the date
        #[arg(long)]
        seed: Option<u64>,
        /// The days that the page's promises need: hours
        #[arg(long)]
        full: bool,
        /// Runs at once
        #[arg(long, default_value_t = 1)]
        threads: usize,
        /// Only compare a short run with the kept figures
        #[arg(long, conflicts_with = "redraw")]
        check: bool,
        /// Measure only these anew, and leave the other kept figures
        #[arg(long, value_delimiter = ',')]
        part: Vec<pacing::Part>,
        /// Of laws and stress only these groups
        #[arg(long, value_delimiter = ',')]
        agents: Vec<u32>,
        /// Of laws only these; of stress only these scenarios, of queues only these cases
        #[arg(long, value_delimiter = ',')]
        law: Vec<String>,
        /// Only write the page from the kept figures
        #[arg(long)]
        redraw: bool,
    },
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    if let Command::Pacing { json, page, seed, full, threads, check, part, agents, law, redraw } = &cli.command {
        let done = match (check, redraw) {
            (true, _) => pacing::check(json, *threads),
            (_, true) => pacing::redraw(json, page),
            _ => {
                let (parts, laws, seed, full, threads) = (part, law, *seed, *full, *threads);
                pacing::run(&pacing::Wanted { json, page, seed, full, threads, parts, agents, laws })
            }
        };
        return done.map_or_else(|fault| refuse(&fault), |()| ExitCode::SUCCESS);
    }
    let binary = match cli.outpace.map_or_else(beside, Ok) {
        Ok(binary) => binary,
        Err(fault) => return refuse(&fault),
    };
    let done = match cli.command {
        Command::All { results, legs, seconds } => matrix::all(&binary, &results, &legs, seconds),
        Command::Table { results } => table::write(&results),
        Command::Baseline { baseline, repeats } => ci::measure_baseline(&binary, &baseline, repeats.max(5)),
        Command::Imports { results, store, rows, beside } => {
            imports::run(&binary, &imports::Wanted { results: &results, stores: &store, rows, beside })
        }
        Command::Ci { baseline } => ci::check(&binary, &baseline),
        // It needs no binary and is done above.
        Command::Pacing { .. } => Ok(()),
    };
    done.map_or_else(|fault| refuse(&fault), |()| ExitCode::SUCCESS)
}

fn refuse(fault: &str) -> ExitCode {
    eprintln!("error: {fault}");
    ExitCode::FAILURE
}

/// The binary that was built together with this one.
fn beside() -> Result<PathBuf, String> {
    let own = std::env::current_exe().map_err(|error| format!("{error}, the path of this program"))?;
    let binary = own.with_file_name("outpace");
    if binary.exists() { Ok(binary) } else { Err(format!("{} is not there; build it: cargo build", binary.display())) }
}
