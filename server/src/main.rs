//! The binary `outpace`: reads the command line and ends with 0, 1 (failed) or 2 (used wrongly).

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand};
use server::failure::Failure;
use server::logging::LogFormat;
use server::{account, amd, bench, check, compliance, demo, import, logging, manual, serve, simulate, token};
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: count::Counting<mimalloc::MiMalloc> = count::Counting(mimalloc::MiMalloc);

/// A media and predictive-dialer engine: dials campaigns, tells people from machines, gives people to agents in time
#[derive(Parser)]
#[command(name = "outpace", version, arg_required_else_help = true)]
#[command(
    after_help = "Example:\n  outpace demo --leads 100 --agents 5\n\nEvery command explains itself: outpace COMMAND --help"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// What is logged on stderr: a level, or a list such as info,store=debug
    #[arg(long, global = true, default_value = "warn", value_name = "FILTER")]
    log: String,
    /// How log lines look
    #[arg(long, global = true, value_enum, default_value_t)]
    log_format: LogFormat,
}

#[derive(Subcommand)]
enum Command {
    Demo(demo::DemoArgs),
    Serve(serve::ServeArgs),
    Check(check::CheckArgs),
    Import(import::ImportArgs),
    Simulate(simulate::SimulateArgs),
    Compliance(compliance::ComplianceArgs),
    Token(token::TokenArgs),
    Account(account::AccountArgs),
    Amd(amd::AmdArgs),
    Bench(bench::BenchArgs),
    Completions(manual::CompletionsArgs),
    Man(manual::ManArgs),
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return refuse(&error),
    };
    // Whoever reads our output may stop (`| head`): that ends a command which only reports. These three carry calls.
    if !matches!(cli.command, Command::Serve(_) | Command::Demo(_) | Command::Bench(_)) {
        sigpipe::reset();
    }
    match logging::init(cli.log_format, &cli.log).and_then(|()| run(&cli.command)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::from(failure.code())
        }
    }
}

fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Demo(arguments) => demo::run(arguments),
        Command::Serve(arguments) => serve::run(arguments),
        Command::Check(arguments) => check::run(arguments),
        Command::Import(arguments) => import::run(arguments),
        Command::Simulate(arguments) => simulate::run(arguments),
        Command::Compliance(arguments) => compliance::run(arguments),
        Command::Token(arguments) => token::run(arguments),
        Command::Account(arguments) => account::run(arguments),
        Command::Amd(arguments) => amd::run(arguments),
        Command::Bench(arguments) => bench::run(arguments),
        Command::Completions(arguments) => manual::completions(arguments, Cli::command()),
        Command::Man(_) => manual::man(Cli::command()),
    }
}

/// Help and version as clap writes them; faults of the command line on one line.
fn refuse(error: &clap::Error) -> ExitCode {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            sigpipe::reset();
            print!("{error}");
            ExitCode::SUCCESS
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            eprint!("{error}");
            ExitCode::from(2)
        }
        _ => {
            eprintln!("{}", Failure::misuse(one_line(&error.to_string())));
            ExitCode::from(2)
        }
    }
}

/// clap's paragraphs without the usage: the fault, then its tip.
fn one_line(text: &str) -> String {
    let words = text.split("\nUsage:").next().unwrap_or(text);
    let words = words.split("\nFor more information").next().unwrap_or(words);
    let parts: Vec<String> = words
        .split("\n\n")
        .map(|part| part.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|part| !part.is_empty())
        .collect();
    let fault = parts.join(", ");
    format!("{}, command line, see outpace --help", fault.strip_prefix("error: ").unwrap_or(&fault))
}
