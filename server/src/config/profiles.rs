//! `[[profile]]`: what an operator answers for in a compliance profile.

use super::cross::{Noted, goes_with};
use super::read::Found;
use dialer::{Confirmation, Profiles};

/// The shipped profiles with what the file confirms and measures; everything wrong is noted.
pub(super) fn profiles<'d>(sections: impl Iterator<Item = &'d Found>, noted: &mut Noted) -> Profiles {
    let mut profiles = Profiles::default();
    for found in sections {
        let Some(name) = found.maybe::<String>("name") else { continue };
        let fields: Vec<String> = found.maybe("confirm").unwrap_or_default();
        if !fields.is_empty() {
            goes_with(found, "confirm", "by", noted);
            goes_with(found, "confirm", "on", noted);
        }
        if let (Some(by), Some(on)) = (found.maybe::<String>("by"), found.maybe::<String>("on")) {
            let confirmation = Confirmation { by, on };
            for field in fields {
                if let Err(why) = profiles.confirm(&name, &field, &confirmation) {
                    note(found, "confirm", why, noted);
                }
            }
        }
        goes_with(found, "amd_false_positive_rate", "amd_evidence", noted);
        goes_with(found, "amd_evidence", "amd_false_positive_rate", noted);
        let measured = (found.maybe::<f64>("amd_false_positive_rate"), found.maybe::<String>("amd_evidence"));
        if let (Some(rate), Some(evidence)) = measured
            && let Err(why) = profiles.estimate(&name, rate, &evidence)
        {
            note(found, "amd_false_positive_rate", why, noted);
        }
    }
    profiles
}

fn note(found: &Found, key: &str, why: String, noted: &mut Noted) {
    let place = found.place(key).unwrap_or_else(|| found.span.clone());
    noted.push((place, found.path(key), why, "see outpace compliance show".to_owned()));
}
