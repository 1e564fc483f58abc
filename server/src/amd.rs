//! `outpace amd`: examine answer detection on labelled recordings, train it, and see why it decided. The work is done by
//! the crate `school`; here is the command line.

use crate::failure::Failure;
use clap::{Args, Subcommand, ValueEnum};
use detect::ClassicConfig;
use detect::decide::Tuning;
use detect::model::{MEMBERS_MAX, Net, SHARE_DEFAULT};
use detect::train::Recipe;
use school::{exam, labels, lesson, report};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Examine, train and explain answer detection
#[derive(Args, Clone, Debug)]
#[command(after_help = "Example:\n  outpace amd eval LABELS.csv --detector default --json eval.json --plot curve.svg")]
pub struct AmdArgs {
    #[command(subcommand)]
    command: AmdCommand,
}

#[derive(Subcommand, Clone, Debug)]
enum AmdCommand {
    Eval(EvalArgs),
    Train(TrainArgs),
}

/// Verdicts, delays and the operating curve of a detector on labelled recordings
#[derive(Args, Clone, Debug)]
#[command(after_help = "Example:\n  outpace amd eval LABELS.csv --detector classic --json eval.json")]
struct EvalArgs {
    /// Table with at least file,label; paths relative to it, WAV or FLAC from the answer on
    labels: PathBuf,
    /// Which detector listens
    #[arg(long, value_enum, default_value = "default")]
    detector: DetectorName,
    /// Another net than the one inside this program
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// At most this share of live people may be treated as machines
    #[arg(long, default_value_t = SHARE_DEFAULT)]
    max_human_as_machine: f64,
    /// Write the figures as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Draw the operating curve
    #[arg(long, value_name = "FILE.svg")]
    plot: Option<PathBuf>,
}

/// Train a net on labelled recordings and calibrate its thresholds on others
#[derive(Args, Clone, Debug)]
#[command(
    after_help = "Example:\n  outpace amd train train/LABELS.csv --calibrate calibrate/LABELS.csv --out mine.net\n\n\
                  No voice may be in both tables. The net is written, nothing is installed."
)]
struct TrainArgs {
    /// Tables of recordings to learn from
    #[arg(required = true)]
    labels: Vec<PathBuf>,
    /// Table of recordings of other voices, for the thresholds and for when to stop
    #[arg(long, value_name = "LABELS.csv")]
    calibrate: PathBuf,
    /// Nets that are trained, from as many seeds, and heard together
    #[arg(long, default_value_t = MEMBERS_MAX, value_parser = members)]
    members: usize,
    /// Passes over the recordings
    #[arg(long, default_value_t = Recipe::default().epochs)]
    epochs: usize,
    /// Chance's seed, of the first net
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where the net is written
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
enum DetectorName {
    Default,
    Classic,
}

/// Fewest people and fewest machines to learn from: with fewer the share that is promised cannot be shown.
const LEAST_OF_A_LABEL: usize = 300;

/// Runs the command.
pub fn run(arguments: &AmdArgs) -> Result<(), Failure> {
    match &arguments.command {
        AmdCommand::Eval(arguments) => eval(arguments),
        AmdCommand::Train(arguments) => train(arguments),
    }
}

fn fault(fault: school::Fault) -> Failure {
    Failure::failed(fault.to_string())
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    std::fs::write(path, bytes).map_err(|error| Failure::io(&path.display().to_string(), error))
}

fn net_of(path: Option<&Path>) -> Result<Arc<Net>, Failure> {
    let Some(path) = path else { return Ok(detect::shipped()) };
    let place = path.display().to_string();
    let bytes = std::fs::read(path).map_err(|error| Failure::io(&place, error))?;
    Net::from_bytes(&bytes).map(Arc::new).map_err(|reject| Failure::failed(format!("{place} {reject}")))
}

fn members(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|members| (1..=MEMBERS_MAX).contains(members)).ok_or(format!("give 1 to {MEMBERS_MAX}"))
}

fn tuning_of(net: &Net, share: f64) -> Result<Tuning, Failure> {
    let least = net
        .settings()
        .first()
        .map_or("it was never calibrated".to_owned(), |least| format!("use {} or more", least.share));
    net.tuning(share).ok_or_else(|| {
        Failure::usage("--max-human-as-machine", &format!("{share} is less than this net can keep"), &least)
    })
}

fn eval(arguments: &EvalArgs) -> Result<(), Failure> {
    let labelled = labels::read(&arguments.labels).map_err(fault)?;
    let (heard, curve, hash) = match arguments.detector {
        DetectorName::Classic => {
            if arguments.model.is_some() {
                return Err(Failure::usage(
                    "--model",
                    "does not go with rules",
                    "leave --detector classic or --model out",
                ));
            }
            (exam::classic(&labelled, ClassicConfig::default()).map_err(fault)?, Vec::new(), None)
        }
        DetectorName::Default => {
            let net = net_of(arguments.model.as_deref())?;
            let heard =
                exam::neural(&labelled, &net, tuning_of(&net, arguments.max_human_as_machine)?).map_err(fault)?;
            let curve = report::curve(&labelled, &heard, net.settings());
            (heard, curve, Some(net.hash()))
        }
    };
    let object = report::json(&labelled, &heard, &curve, hash.as_deref());
    if let Some(path) = &arguments.json {
        let text = format!("{object:#}\n");
        write(path, text.as_bytes())?;
    }
    if let Some(path) = &arguments.plot {
        if curve.is_empty() {
            return Err(Failure::usage("--plot", "needs a curve, and rules have one point", "use --detector default"));
        }
        write(path, report::svg(&curve, "Answer detection on these recordings").as_bytes())?;
    }
    print!("{}", report::table(&object));
    Ok(())
}

fn train(arguments: &TrainArgs) -> Result<(), Failure> {
    let learn: Result<Vec<_>, _> = arguments.labels.iter().map(|table| labels::read(table)).collect();
    let learn: Vec<labels::Labelled> = learn.map_err(fault)?.into_iter().flatten().collect();
    let check = labels::read(&arguments.calibrate).map_err(fault)?;
    for (name, least) in [("human", LEAST_OF_A_LABEL), ("machine", LEAST_OF_A_LABEL)] {
        let count = learn.iter().filter(|one| one.label.name() == name).count();
        if count < least {
            let place = arguments.labels[0].display();
            let others = if arguments.labels.len() > 1 { " and the others have" } else { " has" };
            return Err(Failure::failed(format!(
                "{place}{others} {count} recordings of {name}, at least {least} are needed, label more"
            )));
        }
    }
    let recipe = Recipe { epochs: arguments.epochs, ..Recipe::default() };
    let (clips, checks) = (lesson::clips(&learn).map_err(fault)?, lesson::clips(&check).map_err(fault)?);
    let seeds = arguments.seed..arguments.seed + arguments.members as u64;
    let mut nets = Vec::new();
    for seed in seeds.clone() {
        let net = lesson::train(&clips, &checks, recipe, seed, |epoch| {
            let lesson::Epoch { number, train_loss, check_loss } = epoch;
            println!("seed {seed}, epoch {number}: loss {train_loss:.4}, on other voices {check_loss:.4}");
        });
        nets.push(net.map_err(fault)?);
    }
    let net = Net::mean_of(&nets).map_err(|reject| Failure::failed(format!("the mean of the nets {reject}")))?;
    let made = format!("trained on {} recordings, seeds {seeds:?}, {recipe:?}", learn.len());
    let net = lesson::calibrated(net, &check, &made).map_err(fault)?;
    write(&arguments.out, &net.to_bytes())?;
    println!("{}\n{} holds net {}", net.card(), arguments.out.display(), net.hash());
    Ok(())
}
