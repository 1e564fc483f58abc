//! `outpace check`: is the configuration right? All faults, or what it amounts to.

use crate::config::{Action, Config};
use crate::failure::Failure;
use clap::Args;
use std::fmt::Write as _;
use std::path::PathBuf;

/// Validate a configuration and report every fault with its place
#[derive(Args, Clone, Debug)]
#[command(after_help = "Example:\n  outpace check --config outpace.toml\n\n\
    Prints one line per fault, `error: what, file:line:column key, how to mend it`, and exits 2; or a summary and 0.\n\
    Nothing is changed and nothing is started.")]
pub struct CheckArgs {
    /// Configuration to check
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
}

/// Runs the command: the summary on stdout, or all faults but the last on stderr and that one as the failure.
///
/// # Errors
/// A faulty configuration (wrong use); a file or store that cannot be read.
pub fn run(arguments: &CheckArgs) -> Result<(), Failure> {
    let said = arguments.config.display().to_string();
    let config = match Config::load_all(&arguments.config)? {
        Ok(config) => config,
        Err(faults) => {
            let (last, others) = faults.all().split_last().expect("faults are never empty");
            for fault in others {
                eprintln!("error: {fault}");
            }
            return Err(Failure::misuse(last.to_string()));
        }
    };
    let notes = notes(&config)?;
    print!("{}", summary(&said, &config));
    for note in notes {
        println!("note: {note}");
    }
    Ok(())
}

/// What is right as it stands, but will be missed when the configuration is used.
fn notes(config: &Config) -> Result<Vec<String>, Failure> {
    let mut notes = Vec::new();
    let url = config.store_url();
    let lists = store::list_names(&url)?;
    if lists.is_none() {
        notes.push(format!("the store does not exist yet, {url}, outpace import makes it"));
    }
    let lists = lists.unwrap_or_default();
    for campaign in config.campaigns.iter().filter(|campaign| !lists.contains(&campaign.list)) {
        notes.push(format!(
            "list {:?} is not in the store yet, campaign {:?}, load it with outpace import --list {}",
            campaign.list, campaign.name, campaign.list
        ));
    }
    for campaign in config.campaigns.iter().filter(|campaign| campaign.profile == "lab") {
        notes.push(format!(
            "profile \"lab\" keeps no calling hours and no caps, campaign {:?}, use it in closed test networks only",
            campaign.name
        ));
    }
    for (name, sheet) in config.profiles.iter() {
        let open: Vec<&str> = sheet.fields().filter(|field| field.value != field.own).map(|field| field.key).collect();
        if let (Some(file), false) = (&sheet.file, open.is_empty()) {
            notes.push(format!(
                "the strict value holds of {}, profile {name:?} of {file}, confirm them in [[profile]] or verify them there",
                open.join(", ")
            ));
        }
    }
    for route in &config.routes {
        if let Action::Play(file) = &route.action
            && !config.server.data_dir.join(file).is_file()
        {
            notes.push(format!("prompt {file:?} is not there yet, {}, put it there", config.server.data_dir.display()));
        }
    }
    let phones = config.agents.iter().filter(|agent| agent.sip.is_some()).count();
    if phones == 0 && !config.campaigns.is_empty() {
        notes.push("no agent has a phone, [[agent]] sip, campaigns wait until one has".to_owned());
    }
    Ok(notes)
}

fn summary(file: &str, config: &Config) -> String {
    let mut text = format!("{file}: ok\n");
    let mut line = |what: &str, value: String| {
        // Writing into a String cannot fail.
        let _ = writeln!(text, "  {what:<10}{value}");
    };
    line("store", config.store_url());
    line("sip", format!("udp {}", config.sip.udp));
    let (first, last) = (config.media.ports.start(), config.media.ports.end());
    // A leg takes an even port and the next.
    let pairs = (u32::from(*last) + 1).saturating_sub(u32::from(*first).next_multiple_of(2)) / 2;
    line("media", format!("{} ports {first}-{last}, {pairs} legs", config.media.ip));
    for trunk in &config.trunks {
        line(
            "trunk",
            format!("{} to {}, {} channels, {} calls/s", trunk.name, trunk.host, trunk.max_channels, trunk.max_cps),
        );
    }
    line("routes", config.routes.len().to_string());
    line("agents", config.agents.len().to_string());
    for campaign in &config.campaigns {
        line("campaign", format!("{}: list {}, trunk {}", campaign.name, campaign.list, campaign.trunk));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::WallTime;
    use store::{Store, TenantId};

    #[test]
    fn what_will_be_missed_is_noted_until_it_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let text = format!(
            "[server]\ndata_dir = {:?}\n[[trunk]]\nname = \"t\"\nhost = \"h\"\n[[route]]\nto = \"a\"\naction = \"play:a.wav\"\n\
             [[campaign]]\nname = \"c\"\nlist = \"spring\"\ntrunk = \"t\"\ncaller_id = \"+12125550100\"\nprofile = \"lab\"\n",
            folder.path().display().to_string()
        );
        let config = Config::parse(text.as_bytes(), "outpace.toml").unwrap();
        let before = notes(&config).unwrap().join("\n");
        for word in
            ["store does not exist", "list \"spring\"", "prompt \"a.wav\"", "no agent has a phone", "\"lab\" keeps no"]
        {
            assert!(before.contains(word), "{word}: {before}");
        }
        assert!(!folder.path().join("outpace.db").exists());
        let (store, _acks) = Store::open(&config.store_url()).unwrap();
        store.create_list(TenantId::DEFAULT, "spring", WallTime::from_unix_us(0)).unwrap();
        std::fs::write(folder.path().join("a.wav"), "").unwrap();
        let after = notes(&config).unwrap();
        assert_eq!(after.len(), 2, "{after:?}");
        let summary = summary("outpace.toml", &config);
        assert!(summary.contains("20000-29999, 5000 legs") && summary.contains("h:5060"), "{summary}");
    }

    #[test]
    fn a_faulty_file_fails_with_code_2() {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("outpace.toml");
        std::fs::write(&config, "[sip]\nudp = 1\n[media]\nip = 2\n").unwrap();
        let failure = run(&CheckArgs { config }).unwrap_err();
        assert_eq!(failure.code(), 2);
        assert!(failure.to_string().contains(":4:6 media.ip"), "{failure}");
    }
}
