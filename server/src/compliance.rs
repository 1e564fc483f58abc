//! `outpace compliance`: what the profiles ask, and whether the records bear the figures out.

mod verify;

use crate::config::Config;
use crate::failure::Failure;
use crate::http::ProfileInfo;
use clap::{Args, Subcommand};
use dialer::{Profiles, Sheet};
use std::fmt::Write as _;
use std::path::PathBuf;

/// Show what the law asks, as far as it was read; reckon the figures again from the records
#[derive(Args, Clone, Debug)]
#[command(arg_required_else_help = true)]
#[command(after_help = "Example:\n  outpace compliance show us-ftc\n\nEngineering notes, not legal advice.")]
pub struct ComplianceArgs {
    #[command(subcommand)]
    command: ComplianceCommand,
}

#[derive(Subcommand, Clone, Debug)]
enum ComplianceCommand {
    Show(ShowArgs),
    Verify(verify::VerifyArgs),
}

/// Show a compliance profile: every field, its value in force, its source, and who has verified it
#[derive(Args, Clone, Debug)]
#[command(after_help = "Example:\n  outpace compliance show ca-crtc --config outpace.toml\n\n\
    A field that nobody has verified has the value of the profile strict until [[profile]] in the configuration\n\
    confirms it. Engineering notes, not legal advice.\n\n\
    A profile of your own begins as a copy: outpace compliance show us-ftc --toml >acme.toml")]
struct ShowArgs {
    /// Which profile; without one their names are shown
    #[arg(value_name = "PROFILE")]
    profile: Option<String>,
    /// Configuration whose `[[profile]]` sections hold
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// As JSON, the form of GET /api/v1/profiles
    #[arg(long)]
    json: bool,
    /// As the file that a profile of your own is made of (`[[profile]] file`)
    #[arg(long, requires = "profile", conflicts_with = "json")]
    toml: bool,
}

/// Runs the command.
///
/// # Errors
/// An unknown profile, a faulty configuration (wrong use); a file or store that cannot be read.
pub fn run(arguments: &ComplianceArgs) -> Result<(), Failure> {
    match &arguments.command {
        ComplianceCommand::Show(arguments) => show(arguments),
        ComplianceCommand::Verify(arguments) => verify::verify(arguments),
    }
}

fn show(arguments: &ShowArgs) -> Result<(), Failure> {
    let profiles = match &arguments.config {
        Some(file) => Config::load(file)?.profiles.as_ref().clone(),
        None => Profiles::default(),
    };
    let Some(name) = &arguments.profile else {
        print!("{}", names(&profiles, arguments.json));
        return Ok(());
    };
    let Some(sheet) = profiles.get(name) else {
        let mend = "see outpace compliance show, or name with --config the configuration that has it";
        return Err(Failure::misuse(format!("{}, compliance show, {mend}", profiles.unknown(name))));
    };
    if arguments.toml {
        let what = "is your own, and its file is what you look for";
        let text = Profiles::text(name).ok_or_else(|| Failure::usage(name, what, "name a shipped one"))?;
        print!("{text}");
    } else if arguments.json {
        println!("{}", serde_json::json!(ProfileInfo::of(name, sheet)));
    } else {
        print!("{}", table(name, sheet));
    }
    Ok(())
}

fn names(profiles: &Profiles, json: bool) -> String {
    if json {
        let all: Vec<ProfileInfo> = profiles.iter().map(|(name, sheet)| ProfileInfo::of(name, sheet)).collect();
        return format!("{}\n", serde_json::json!(all));
    }
    let own = |sheet: &Sheet| sheet.file.as_ref().map_or(String::new(), |file| format!(" ({file})"));
    profiles.iter().map(|(name, sheet)| format!("{name:<10} {}{}\n", sheet.title, own(sheet))).collect()
}

/// A profile as people read it.
fn table(name: &str, sheet: &Sheet) -> String {
    let mut text = format!("{name} (version {}): {}\n{}\n", sheet.in_force().version, sheet.title, sheet.notice);
    for field in sheet.fields() {
        // Writing into a String cannot fail.
        let _ = writeln!(text, "\n{}: {}", field.key, field.value);
        let _ = writeln!(text, "  {}", field.doc);
        let said = match (&field.confirmed, field.verified) {
            (Some(word), _) => format!("confirmed by {} on {}", word.by, word.on),
            (None, true) => "verified".to_owned(),
            (None, false) if field.own == field.value => "not verified; the profile strict says the same".to_owned(),
            (None, false) => format!("not verified, so the profile strict holds; its own value: {}", field.own),
        };
        let _ = writeln!(text, "  source: {} ({said})", field.source);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn a_table_says_what_holds_and_what_would() {
        let profiles = Profiles::default();
        let text = table("ca-crtc", profiles.get("ca-crtc").unwrap());
        for words in [
            "ca-crtc (version 2): Canada",
            "not legal advice",
            "hours: mon-fri 10:00-13:00 14:00-20:00",
            "source: CRTC 2007-48 (not verified, so the profile strict holds; its own value: mon-fri 09:00-21:30",
            "source: CRTC 2014-155 (verified)",
        ] {
            assert!(text.contains(words), "{words}: {text}");
        }
        assert_eq!(names(&profiles, false).lines().count(), dialer::Profile::NAMES.len());
        assert!(names(&profiles, true).contains("\"name\":\"au-dncr\""));
    }

    #[test]
    fn the_file_confirms_and_measures() {
        let file = "[[profile]]\nname = \"ca-crtc\"\nconfirm = [\"hours\"]\nby = \"Ann Smith\"\non = \"2026-11-23\"\n\
            amd_false_positive_rate = 0.01\namd_evidence = \"test 7\"\n\
            [[trunk]]\nname = \"t\"\nhost = \"h\"\n[[campaign]]\nname = \"c\"\nlist = \"l\"\ntrunk = \"t\"\n\
            caller_id = \"+12125550100\"\nprofile = \"ca-crtc\"\n";
        let config = Config::parse(file.as_bytes(), "outpace.toml").unwrap();
        let text = table("ca-crtc", config.profiles.get("ca-crtc").unwrap());
        assert!(text.contains("hours: mon-fri 09:00-21:30, sat-sun 10:00-18:00"), "{text}");
        assert!(text.contains("(confirmed by Ann Smith on 2026-11-23)"), "{text}");
        let rules = &config.campaigns[0].rules;
        assert_eq!((rules.denominator.amd_false_positive_rate, rules.hours[6].len()), (Some(0.01), 1));
        // Without its sections the campaign is refused: nobody has measured what its detection loses.
        for (from, to, says) in [
            ("amd_false_positive_rate = 0.01", "", "needs \"amd_false_positive_rate\""),
            ("amd_evidence = \"test 7\"", "", "needs \"amd_evidence\""),
            ("by = \"Ann Smith\"", "", "needs \"by\""),
            ("\"2026-11-23\"", "\"today\"", "is no day"),
            ("confirm = [\"hours\"]", "confirm = [\"hour\"]", "did you mean \"hours\"?"),
            ("confirm = [\"hours\"]", "confirm = [\"deadline_s\"]", "needs no confirmation"),
            ("name = \"ca-crtc\"", "name = \"us-ftc\"", "counts persons whom detection takes for machines"),
        ] {
            let faults = Config::parse(file.replacen(from, to, 1).as_bytes(), "outpace.toml").unwrap_err();
            assert!(faults.all().iter().any(|fault| fault.to_string().contains(says)), "{says}: {faults:?}");
        }
    }
}
