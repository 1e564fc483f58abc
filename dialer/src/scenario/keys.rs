//! The names a scenario may use, and the nearest of them to one that it may not.

use toml::de::{DeTable, DeValue};

use super::ScenarioError;

const DIST: &[&str] = &["dist", "mean", "cv", "value", "min", "max", "parts", "weight", "file"];

/// Keys of a table, by its path without indices; `None`: a table whose keys are not fixed.
fn known(path: &str) -> Option<&'static [&'static str]> {
    Some(match path {
        "" => &[
            "name",
            "agents",
            "login_min",
            "shift",
            "day_hours",
            "first_day",
            "timezone",
            "profile",
            "limit",
            "ledger",
            "lead_supply",
            "hopper_answer_known",
            "dial",
            "amd",
            "agent",
            "customer",
            "trunk",
            "change",
            "leave",
            "carrier_failure",
            "clock_step",
            "campaign",
            "inbound",
            "segment",
        ],
        "shift" => &["from_h", "to_h", "agents"],
        "dial" => &[
            "human",
            "hour_shape",
            "day_sd",
            "drift_sd",
            "drift_min",
            "machine",
            "busy",
            "fail",
            "ring_timeout_s",
            "post_dial_s",
            "human_ring_s",
            "machine_ring_s",
            "early_progress",
        ],
        "amd" => {
            &["enabled", "greeting_s", "human_decision_s", "machine_decision_s", "human_as_machine", "machine_as_human"]
        }
        "agent" => &["talk_s", "wrap_s", "machine_talk_s", "machine_wrap_s", "pause_share", "pause_s"],
        "customer" => &["hang_up_rate", "deadline_s"],
        "trunk" => &["max_channels", "max_cps"],
        "change" => &["at_h", "set"],
        "leave" => &["at_h", "share", "minutes", "within_s", "announced"],
        "carrier_failure" => &["from_h", "to_h", "share", "retry_after_s"],
        "clock_step" => &["at_h", "seconds"],
        "campaign" => &["name", "weight", "limit", "dial"],
        "segment" => &["name", "share", "human"],
        "campaign.dial" => return known("dial"),
        "inbound" => {
            &["name", "calls_per_hour", "service_level", "within_s", "reserve", "patience_s", "talk_s", "wrap_s"]
        }
        "change.set" => return None,
        _ => DIST,
    })
}

/// The known name that is the fewest edits away (Levenshtein distance).
pub(crate) fn nearest<'a>(name: &str, names: &[&'a str]) -> &'a str {
    names.iter().copied().min_by_key(|known| edits(name, known)).unwrap_or("")
}

fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, right) in b.iter().enumerate() {
            let substitute = diagonal + usize::from(left != *right);
            diagonal = row[j + 1];
            row[j + 1] = substitute.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

/// Line of a byte offset, from 1.
pub(crate) fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

/// Refuses the first unknown key of a text that is TOML.
pub(super) fn check(text: &str) -> Result<(), ScenarioError> {
    let parsed = DeTable::parse(text).map_err(|error| ScenarioError {
        line: error.span().map(|span| line_of(text, span.start)),
        key: String::new(),
        message: format!("not TOML: {}", error.message()),
    })?;
    check_table(text, "", parsed.get_ref())
}

fn check_table(text: &str, path: &str, table: &DeTable<'_>) -> Result<(), ScenarioError> {
    let Some(names) = known(path) else { return Ok(()) };
    for (key, value) in table.iter() {
        let name: &str = key.get_ref();
        let inner = if path.is_empty() { name.to_string() } else { format!("{path}.{name}") };
        if !names.contains(&name) {
            return Err(ScenarioError {
                line: Some(line_of(text, key.span().start)),
                key: inner,
                message: format!("unknown key; did you mean {:?}?", nearest(name, names)),
            });
        }
        check_value(text, &inner, value.get_ref())?;
    }
    Ok(())
}

fn check_value(text: &str, path: &str, value: &DeValue<'_>) -> Result<(), ScenarioError> {
    match value {
        DeValue::Table(table) => check_table(text, path, table),
        DeValue::Array(items) => items.iter().try_for_each(|item| check_value(text, path, item.get_ref())),
        _ => Ok(()),
    }
}
