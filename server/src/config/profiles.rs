//! `[[profile]]`: an operator's own compliance profiles, and what the operator answers for in any.
//!
//! ```text
//!  sections with `file` ──read, parsed──> Profiles::add ──> all sections: confirmed, measured
//! ```

use super::cross::{Noted, goes_with};
use super::read::Found;
use dialer::{Confirmation, Profiles};
use std::collections::BTreeSet;
use std::path::Path;

/// Largest file of a profile: 27 fields of 200 bytes of value, as many of source, and comments, ten times over.
const FILE_BYTES_MAX: u64 = 128 << 10;

/// The profiles with what the sections add, confirm and measure, and the names of own ones that cannot be had; everything
/// wrong is noted. Files stand in `folder`.
pub(super) fn profiles(sections: &[&Found], folder: &Path, noted: &mut Noted) -> (Profiles, BTreeSet<String>) {
    let mut profiles = Profiles::default();
    let mut unread = BTreeSet::new();
    // What is confirmed may stand before the file's own section.
    for found in sections {
        let (Some(name), Some(file)) = (found.maybe::<String>("name"), found.maybe::<String>("file")) else { continue };
        if !own(found, &name, &file, folder, &mut profiles, noted) {
            unread.insert(name);
        }
    }
    for found in sections {
        let Some(name) = found.maybe::<String>("name") else { continue };
        if profiles.get(&name).is_none() {
            if !unread.contains(&name) {
                let mend = "correct it, or say with file where your own profile stands";
                note(found, "name", profiles.unknown(&name), mend, noted);
            }
            continue;
        }
        answered_for(found, &name, &mut profiles, noted);
    }
    (profiles, unread)
}

/// Adds an own profile. False: it cannot be had, and why is noted.
fn own(found: &Found, name: &str, file: &str, folder: &Path, profiles: &mut Profiles, noted: &mut Noted) -> bool {
    const MEND: &str = "correct the file; outpace compliance show strict --toml prints a whole one";
    let path = folder.join(file);
    let said = path.display();
    let text = match read(&path) {
        Ok(text) => text,
        Err(why) => {
            note(found, "file", format!("{said} {why}"), "name the file of a profile", noted);
            return false;
        }
    };
    match profiles.add(file, &text) {
        Ok(added) if added == name => true,
        Ok(added) => {
            let what = format!("the profile in {said} is named {added:?}, and not {name:?}");
            note(found, "file", what, "write the same name in both", noted);
            false
        }
        Err(wrong) => {
            for fault in wrong {
                note(found, "file", format!("{said}: {fault}"), MEND, noted);
            }
            false
        }
    }
}

fn read(path: &Path) -> Result<String, String> {
    let said = |error: std::io::Error| format!("cannot be read: {error}");
    let size = std::fs::metadata(path).map_err(said)?.len();
    if size > FILE_BYTES_MAX {
        return Err(format!("has {size} bytes and is no profile"));
    }
    std::fs::read_to_string(path).map_err(said)
}

/// What the operator has read at the source, and what was measured.
fn answered_for(found: &Found, name: &str, profiles: &mut Profiles, noted: &mut Noted) {
    const MEND: &str = "see outpace compliance show";
    let fields: Vec<String> = found.maybe("confirm").unwrap_or_default();
    if !fields.is_empty() {
        goes_with(found, "confirm", "by", noted);
        goes_with(found, "confirm", "on", noted);
    }
    if let (Some(by), Some(on)) = (found.maybe::<String>("by"), found.maybe::<String>("on")) {
        let confirmation = Confirmation { by, on };
        for field in fields {
            if let Err(why) = profiles.confirm(name, &field, &confirmation) {
                note(found, "confirm", why, MEND, noted);
            }
        }
    }
    goes_with(found, "amd_false_positive_rate", "amd_evidence", noted);
    goes_with(found, "amd_evidence", "amd_false_positive_rate", noted);
    let measured = (found.maybe::<f64>("amd_false_positive_rate"), found.maybe::<String>("amd_evidence"));
    if let (Some(rate), Some(evidence)) = measured
        && let Err(why) = profiles.estimate(name, rate, &evidence)
    {
        note(found, "amd_false_positive_rate", why, MEND, noted);
    }
}

fn note(found: &Found, key: &str, why: String, mend: &str, noted: &mut Noted) {
    let place = found.place(key).unwrap_or_else(|| found.span.clone());
    noted.push((place, found.path(key), why, mend.to_owned()));
}

#[cfg(test)]
mod tests {
    use crate::config::{Config, Fault};
    use dialer::Profiles;
    use std::path::{Path, PathBuf};

    /// The lab's rules under another name, on workdays, with a lower limit, and one field that nobody has verified.
    fn acme() -> String {
        let text = Profiles::text("lab").unwrap().replace("name = \"lab\"", "name = \"acme\"");
        let text = text.replace("{ mon-sun = [\"00:00-24:00\"] }", "{ mon-fri = [\"09:00-18:00\"] }");
        let text = text.replacen("value = 0.03", "value = 0.015", 1);
        let at = text.find("[recall_after_machine_h]").unwrap();
        text[..at].to_owned() + &text[at..].replacen("verified = true", "verified = false", 1)
    }

    const PROFILE: &str = "[[profile]]\nname = \"acme\"\nfile = \"rules/acme.toml\"\n";
    const CAMPAIGN: &str = "[[trunk]]\nname = \"t\"\nhost = \"h\"\n[[campaign]]\nname = \"c\"\nlist = \"l\"\ntrunk = \"t\"\n\
        caller_id = \"+12125550100\"\nprofile = \"acme\"\n";

    fn read(folder: &Path, profile: &str, config: &str) -> Result<Config, Vec<Fault>> {
        std::fs::create_dir_all(folder.join("rules")).unwrap();
        std::fs::write(folder.join("rules/acme.toml"), profile).unwrap();
        let file: PathBuf = folder.join("outpace.toml");
        std::fs::write(&file, config).unwrap();
        Config::load_all(&file).unwrap().map_err(|faults| faults.all().to_vec())
    }

    #[test]
    fn a_campaign_dials_by_the_operators_own_rules() {
        let folder = tempfile::tempdir().unwrap();
        let config = read(folder.path(), &acme(), &format!("{CAMPAIGN}{PROFILE}")).unwrap();
        let rules = &config.campaigns[0].rules;
        assert_eq!((rules.name.as_str(), rules.abandon_limit, rules.recall_after_machine_h), ("acme", 0.015, 24));
        assert_eq!((rules.hours[0].as_slice(), rules.hours[6].is_empty()), ([(540, 1_080)].as_slice(), true));
        assert_eq!(config.shown["profile"][0]["file"], "rules/acme.toml");
        // Somebody answers for the field that nobody has verified, in a section that stands before the file's own.
        let word =
            "[[profile]]\nname = \"acme\"\nconfirm = [\"recall_after_machine_h\"]\nby = \"Ann\"\non = \"2026-11-23\"\n";
        let config = read(folder.path(), &acme(), &format!("{word}{PROFILE}{CAMPAIGN}")).unwrap();
        assert_eq!(config.campaigns[0].rules.recall_after_machine_h, 0);
        // The settings that the API keeps find it as well, and a name of nothing is refused by all names.
        let mut settings = config.campaigns[0].to_json();
        let known = |config: &Config| crate::config::Known {
            trunks: ["t".to_owned()].into(),
            profiles: config.profiles.clone(),
            ..crate::config::Known::default()
        };
        let again = crate::config::Campaign::from_json(&settings, &known(&config)).unwrap();
        assert_eq!(again.rules, config.campaigns[0].rules);
        settings.insert("profile".to_owned(), "acne".into());
        let faults = crate::config::Campaign::from_json(&settings, &known(&config)).unwrap_err();
        assert_eq!((faults.len(), faults[0].mend.as_str()), (1, "did you mean \"acme\"?"), "{faults:?}");
    }

    #[test]
    fn every_fault_of_an_own_profile_has_its_file_and_key() {
        let folder = tempfile::tempdir().unwrap();
        let good = acme();
        let config = format!("{PROFILE}{CAMPAIGN}");
        let says = |profile: &str, config: &str, wanted: &[&str]| {
            let faults = read(folder.path(), profile, config).unwrap_err();
            let said: Vec<String> = faults.iter().map(ToString::to_string).collect();
            assert_eq!(said.len(), wanted.len(), "{said:?}");
            for words in wanted {
                assert!(said.iter().any(|line| line.contains(words)), "{words}: {said:?}");
            }
        };
        // Nothing is said twice: that the campaign's profile is not there follows from the file.
        says(&good.replace("[hours]\nvalue", "[hours]\nvalve"), &config, &["hours: unknown key \"valve\""]);
        says(
            &good.replace("version = 2", "version = 0").replace("[optout]", "[opt_out]"),
            &config,
            &[
                "version: write a whole number",
                "opt_out: unknown field; did you mean \"optout\"?",
                "optout: the field is missing",
            ],
        );
        says("hours = ", &config, &["acme.toml: line 1, not TOML"]);
        says(&good.replace("name = \"acme\"", "name = \"axme\""), &config, &["is named \"axme\", and not \"acme\""]);
        says(&good.replace("name = \"acme\"", "name = \"fr\""), &config, &["name: \"fr\" is a shipped profile"]);
        says(&good, &config.replace("rules/acme.toml", "rules/none.toml"), &["none.toml cannot be read: "]);
        says(&good, &format!("{PROFILE}{config}"), &["is the profile of rules/acme.toml already"]);
        says(&good, &CAMPAIGN.replace("\"acme\"", "\"us-ftx\""), &["\"us-ftx\" is no profile"]);
        says(
            &good,
            &format!("[[profile]]\nname = \"acme\"\n{CAMPAIGN}"),
            &["no profile \"acme\"", "\"acme\" is no profile"],
        );
        says(&"#".repeat(200_000), &config, &["has 200000 bytes and is no profile"]);
    }
}
