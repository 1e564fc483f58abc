//! `outpace amd`: examine answer detection on labelled recordings, train it, and see why it decided. The work is done by
//! the crate `school`; here is the command line.

use super::learn::{self, FromArgs};
use crate::failure::Failure;
use clap::{Args, Subcommand, ValueEnum};
use detect::decide::Tuning;
use detect::model::{MEMBERS_MAX, Net, SHARE_DEFAULT};
use detect::train::{Recipe, WordRecipe};
use detect::words::Family;
use detect::{ClassicConfig, Verdict};
use school::{exam, explain, labels, later, lesson, report, stress, words};
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
    Words(WordsArgs),
    Calibrate(CalibrateArgs),
    Explain(ExplainArgs),
}

/// Verdicts, delays and the operating curve of a detector on labelled recordings
#[derive(Args, Clone, Debug)]
#[command(after_help = "Example:\n  outpace amd eval LABELS.csv --detector classic --json eval.json")]
struct EvalArgs {
    /// Table with at least file,label; paths relative to it, WAV or FLAC from the answer on
    #[arg(required_unless_present = "from", conflicts_with = "from")]
    labels: Option<PathBuf>,
    #[command(flatten)]
    field: FromArgs,
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
    /// Table of copies of fixed recordings (column recording): how soon they are recognised, and in how many of these calls
    #[arg(long, value_name = "LABELS.csv")]
    recordings: Option<PathBuf>,
    /// Hear all of it again louder, quieter, through other coders and with lost packets
    #[arg(long)]
    stress: bool,
}

/// Train a net on labelled recordings and calibrate its thresholds on others
#[derive(Args, Clone, Debug)]
#[command(
    after_help = "Example:\n  outpace amd train train/LABELS.csv --calibrate calibrate/LABELS.csv --out mine.net\n\n\
                  No voice may be in both tables. The net is written, nothing is installed."
)]
struct TrainArgs {
    /// Tables of recordings to learn from
    #[arg(required_unless_present = "from", conflicts_with = "from")]
    labels: Vec<PathBuf>,
    #[command(flatten)]
    field: FromArgs,
    /// With --from: the net to start from, instead of the one inside this program
    #[arg(long, value_name = "FILE", requires = "from")]
    model: Option<PathBuf>,
    /// With --from: the knob at which old and new net are compared
    #[arg(long, default_value_t = SHARE_DEFAULT)]
    max_human_as_machine: f64,
    /// Table of recordings of other voices, for the thresholds and for when to stop
    #[arg(long, value_name = "LABELS.csv", required_unless_present = "from", conflicts_with = "from")]
    calibrate: Option<PathBuf>,
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

/// Teach a net the words that give a machine away, and calibrate it; its members stay
#[derive(Args, Clone, Debug)]
#[command(
    after_help = "Example:\n  outpace amd words words-1/LABELS.csv --stop words-calibrate/LABELS.csv --calibrate calibrate/LABELS.csv \
                  --out mine.net\n\n\
                  The column words says which phrases end when. No voice may be in both. Nothing is installed."
)]
struct WordsArgs {
    /// Tables of recordings of which is known what they say
    #[arg(required = true)]
    labels: Vec<PathBuf>,
    /// Table of recordings of other voices of which is known what they say, for when to stop
    #[arg(long, value_name = "LABELS.csv")]
    stop: PathBuf,
    /// Tables of recordings of other voices, for what phrases weigh and for the thresholds
    #[arg(long, value_name = "LABELS.csv", required = true)]
    calibrate: Vec<PathBuf>,
    /// Another net than the one inside this program
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// Passes over the recordings
    #[arg(long, default_value_t = WordRecipe::default().epochs)]
    epochs: usize,
    /// Chance's seed
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where the net is written
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Find a net's thresholds anew on labelled recordings; its weights stay
#[derive(Args, Clone, Debug)]
#[command(after_help = "Example:\n  outpace amd calibrate LABELS.csv --max-human-as-machine 0.005 --out mine.net\n\n\
                  The recordings must be others than those it was trained on. The net is written, nothing is installed.")]
struct CalibrateArgs {
    /// Table of recordings
    #[arg(required_unless_present = "from", conflicts_with = "from")]
    labels: Option<PathBuf>,
    #[command(flatten)]
    field: FromArgs,
    /// Another net than the one inside this program
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// Leave the net's words out: it goes by its members alone
    #[arg(long)]
    without_words: bool,
    /// At most this share of live people may be treated as machines; fails where that cannot be kept
    #[arg(long, default_value_t = SHARE_DEFAULT)]
    max_human_as_machine: f64,
    /// Where the net is written
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Timeline of one recording: level, speech, tones, probabilities, and why it was decided so
#[derive(Args, Clone, Debug)]
#[command(after_help = "Example:\n  outpace amd explain call.wav --plot call.svg")]
struct ExplainArgs {
    /// WAV or FLAC from the answer on
    recording: PathBuf,
    /// Another net than the one inside this program
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// At most this share of live people may be treated as machines
    #[arg(long, default_value_t = SHARE_DEFAULT)]
    max_human_as_machine: f64,
    /// Draw the timeline
    #[arg(long, value_name = "FILE.svg")]
    plot: Option<PathBuf>,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
enum DetectorName {
    Default,
    Classic,
}

/// Fewest people and fewest machines to learn from: with fewer the share that is promised cannot be shown.
pub(super) const LEAST_OF_A_LABEL: usize = 300;

/// Runs the command.
pub fn run(arguments: &AmdArgs) -> Result<(), Failure> {
    match &arguments.command {
        AmdCommand::Eval(arguments) => eval(arguments),
        AmdCommand::Train(arguments) => train(arguments),
        AmdCommand::Words(arguments) => teach_words(arguments),
        AmdCommand::Calibrate(arguments) => calibrate(arguments),
        AmdCommand::Explain(arguments) => explain(arguments),
    }
}

pub(super) fn fault(fault: school::Fault) -> Failure {
    Failure::failed(fault.to_string())
}

pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    std::fs::write(path, bytes).map_err(|error| Failure::io(&path.display().to_string(), error))
}

pub(super) fn net_of(path: Option<&Path>) -> Result<Arc<Net>, Failure> {
    let Some(path) = path else { return Ok(detect::shipped()) };
    let place = path.display().to_string();
    let bytes = std::fs::read(path).map_err(|error| Failure::io(&place, error))?;
    Net::from_bytes(&bytes).map(Arc::new).map_err(|reject| Failure::failed(format!("{place} {reject}")))
}

fn members(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|members| (1..=MEMBERS_MAX).contains(members)).ok_or(format!("give 1 to {MEMBERS_MAX}"))
}

pub(super) fn tuning_of(net: &Net, share: f64) -> Result<Tuning, Failure> {
    let least = net
        .settings()
        .first()
        .map_or("it was never calibrated".to_owned(), |least| format!("use {} or more", least.share));
    net.tuning(share).ok_or_else(|| {
        Failure::usage("--max-human-as-machine", &format!("{share} is less than this net can keep"), &least)
    })
}

fn eval(arguments: &EvalArgs) -> Result<(), Failure> {
    if let Some(field) = arguments.field.field()? {
        return learn::eval(&field, arguments.model.as_deref(), arguments.max_human_as_machine);
    }
    let labelled = labels::read(arguments.labels.as_deref().unwrap_or(Path::new(""))).map_err(fault)?;
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
    let mut object = report::json(&labelled, &heard, &curve, hash.as_deref());
    if arguments.detector == DetectorName::Default && later::is_told(&labelled) {
        let net = net_of(arguments.model.as_deref())?;
        let tuning = tuning_of(&net, arguments.max_human_as_machine)?;
        object["revision"] = later::revisions(&labelled, &net, tuning).map_err(fault)?;
    }
    if let Some(table) = &arguments.recordings {
        let copies = labels::read(table).map_err(fault)?;
        let net = net_of(arguments.model.as_deref())?;
        let tuning = tuning_of(&net, arguments.max_human_as_machine)?;
        object["fingerprint"] = later::fingerprints(&copies, &labelled, &net, tuning).map_err(fault)?;
    }
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
    if arguments.stress {
        if arguments.detector == DetectorName::Classic {
            return Err(Failure::usage("--stress", "does not go with rules", "use --detector default"));
        }
        let net = net_of(arguments.model.as_deref())?;
        let tuning = tuning_of(&net, arguments.max_human_as_machine)?;
        for change in stress::stress(&labelled, &net, tuning).map_err(fault)? {
            println!(
                "{:<38}{:.2} % of verdicts change, people taken for machines {:.2} %",
                change.name,
                change.verdicts * 100.0,
                change.human_as_machine * 100.0
            );
        }
    }
    Ok(())
}

/// Refuses too few people or machines of a table, or of several of which one is named.
fn enough(labelled: &[labels::Labelled], place: &Path) -> Result<(), Failure> {
    for verdict in [Verdict::Human, Verdict::Machine] {
        let count = labelled.iter().filter(|one| one.label == verdict).count();
        if count < LEAST_OF_A_LABEL {
            return Err(Failure::failed(format!(
                "{} has {count} recordings of {}, at least {LEAST_OF_A_LABEL} are needed, label more",
                place.display(),
                verdict.name()
            )));
        }
    }
    Ok(())
}

fn calibrate(arguments: &CalibrateArgs) -> Result<(), Failure> {
    let mut net = net_of(arguments.model.as_deref())?;
    if arguments.without_words {
        net = Arc::new(Arc::unwrap_or_clone(net).with_words(None));
    }
    if let Some(field) = arguments.field.field()? {
        return learn::calibrate(field, &net, arguments.max_human_as_machine, &arguments.out);
    }
    // The command line lets none pass without one of the two.
    let table = arguments.labels.as_deref().unwrap_or(Path::new(""));
    let labelled = labels::read(table).map_err(fault)?;
    enough(&labelled, table)?;
    let trained = net.made();
    let net = lesson::calibrated(Arc::unwrap_or_clone(net), &labelled, &trained).map_err(fault)?;
    let tuning = tuning_of(&net, arguments.max_human_as_machine)?;
    write(&arguments.out, &net.to_bytes())?;
    println!("{}\n{} holds net {}", net.card(), arguments.out.display(), net.hash());
    println!(
        "with the knob at {}: person from {}, machine from {}",
        arguments.max_human_as_machine, tuning.human, tuning.machine
    );
    Ok(())
}

fn explain(arguments: &ExplainArgs) -> Result<(), Failure> {
    let net = net_of(arguments.model.as_deref())?;
    let tuning = tuning_of(&net, arguments.max_human_as_machine)?;
    let timeline = explain::timeline(&labels::samples(&arguments.recording).map_err(fault)?, &net, tuning);
    if let Some(path) = &arguments.plot {
        write(path, timeline.svg(&arguments.recording.display().to_string()).as_bytes())?;
    }
    print!("{}", timeline.text());
    Ok(())
}

fn train(arguments: &TrainArgs) -> Result<(), Failure> {
    if let Some(field) = arguments.field.field()? {
        let start = net_of(arguments.model.as_deref())?;
        let drawn = (arguments.epochs, arguments.seed);
        return learn::train(field, &start, drawn, arguments.max_human_as_machine, &arguments.out);
    }
    let learn: Result<Vec<_>, _> = arguments.labels.iter().map(|table| labels::read(table)).collect();
    let learn: Vec<labels::Labelled> = learn.map_err(fault)?.into_iter().flatten().collect();
    // The command line lets none pass without one of the two.
    let calibrate = arguments.calibrate.as_deref().unwrap_or(Path::new(""));
    let check = labels::read(calibrate).map_err(fault)?;
    enough(&learn, &arguments.labels[0])?;
    enough(&check, calibrate)?;
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

fn teach_words(arguments: &WordsArgs) -> Result<(), Failure> {
    let read = |tables: &[PathBuf]| -> Result<Vec<labels::Labelled>, Failure> {
        let all: Result<Vec<_>, _> = tables.iter().map(|table| labels::read(table)).collect();
        Ok(all.map_err(fault)?.into_iter().flatten().collect())
    };
    let (learn, check) = (read(&arguments.labels)?, read(&arguments.calibrate)?);
    enough(&check, &arguments.calibrate[0])?;
    let base = net_of(arguments.model.as_deref())?;
    let recipe = WordRecipe { epochs: arguments.epochs, ..WordRecipe::default() };
    let stop = labels::read(&arguments.stop).map_err(fault)?;
    let (clips, checks) = (words::clips(&learn).map_err(fault)?, words::clips(&stop).map_err(fault)?);
    let taught = words::train(&clips, &checks, recipe, arguments.seed, |epoch| {
        let lesson::Epoch { number, train_loss, check_loss } = epoch;
        println!("epoch {number}: loss {train_loss:.4}, on other voices {check_loss:.4}");
    });
    let base = Arc::unwrap_or_clone(base).with_words(None);
    let trained = base.made();
    let net = base.with_words(Some(taught.map_err(fault)?));
    let net = words::weighed(net, &check).map_err(fault)?;
    let weights = net.words().map(detect::words::Words::weights).unwrap_or_default();
    let weights: Vec<String> =
        Family::ALL.iter().zip(weights).map(|(family, weight)| format!("{} {weight}", family.name())).collect();
    let made = format!(
        "{trained}\nwords trained on {} recordings, seed {}, {recipe:?}; they weigh {}",
        clips.len(),
        arguments.seed,
        weights.join(", ")
    );
    let net = lesson::calibrated(net, &check, &made).map_err(fault)?;
    write(&arguments.out, &net.to_bytes())?;
    println!("{}\n{} holds net {}", net.card(), arguments.out.display(), net.hash());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        amd: AmdArgs,
    }

    fn outpace_amd(line: &[&str]) -> Result<(), Failure> {
        run(&Line::parse_from(["amd"].iter().chain(line)).amd)
    }

    #[test]
    fn commands_write_what_they_are_asked_and_refuse_with_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).display().to_string();
        let [wav, table, json, picture, net] = ["a.wav", "LABELS.csv", "e.json", "t.svg", "n.net"].map(at);
        std::fs::write(&wav, codecs::wav::write(&[2; 64_000]).unwrap()).unwrap();
        std::fs::write(&table, "file,label,kind\na.wav,silence,\na.wav,human,slow\n").unwrap();

        for detector in ["default", "classic"] {
            outpace_amd(&["eval", &table, "--detector", detector, "--json", &json]).unwrap();
            let found: serde_json::Value = serde_json::from_slice(&std::fs::read(&json).unwrap()).unwrap();
            // Eight seconds of nothing: the rules call it a machine, which the net never does.
            let lost = if detector == "classic" { 1.0 } else { 0.0 };
            assert_eq!(found["human_as_machine_rate"], lost, "{detector}");
            assert_eq!(found["files"], 2);
        }
        outpace_amd(&["eval", &table, "--stress"]).unwrap();
        outpace_amd(&["explain", &wav, "--plot", &picture]).unwrap();
        assert!(std::fs::read_to_string(&picture).unwrap().ends_with("</svg>\n"));

        let said = |line: &[&str]| outpace_amd(line).unwrap_err().to_string();
        let few = said(&["calibrate", &table, "--out", &net]);
        assert!(few.contains("has 1 recordings of human, at least 300 are needed"), "{few}");
        let low = said(&["eval", &table, "--max-human-as-machine", "0.0001"]);
        assert!(low.contains("0.0001 is less than this net can keep; use 0.0025 or more"), "{low}");
        let flat = said(&["eval", &table, "--detector", "classic", "--plot", &picture]);
        assert!(flat.contains("--plot needs a curve"), "{flat}");
        assert!(said(&["explain", &table]).contains("LABELS.csv cannot be read"));
        assert!(said(&["eval", &table, "--model", &wav]).contains("is no weights file of this version"));
    }
}
