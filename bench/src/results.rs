//! Result files: one a day and kind, with the machine's facts.

use crate::machine::{Machine, load_average, today};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// One file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Results {
    pub(crate) date: String,
    /// `media` or `sip`.
    pub(crate) what: String,
    pub(crate) machine: Machine,
    pub(crate) load_average_before: f64,
    pub(crate) load_average_after: f64,
    /// The command's JSON of each run, with `load_average` of the minute before it.
    pub(crate) runs: Vec<Value>,
}

impl Results {
    pub(crate) fn begin(what: &str) -> Results {
        let load = load_average();
        Results {
            date: today(),
            what: what.to_owned(),
            machine: Machine::here(),
            load_average_before: load,
            load_average_after: load,
            runs: Vec::new(),
        }
    }

    /// Writes `DATE-WHAT.json` into `folder`.
    pub(crate) fn keep(mut self, folder: &Path) -> Result<(), String> {
        self.load_average_after = load_average();
        let path = folder.join(format!("{}-{}.json", self.date, self.what));
        write_json(&path, &self)
    }

    /// All files of a folder, the newest first.
    pub(crate) fn all(folder: &Path) -> Result<Vec<Results>, String> {
        let entries = std::fs::read_dir(folder).map_err(|error| format!("{error}, {}", folder.display()))?;
        let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        // Runs begin with their date; pacing.json is of another kind.
        let is_run = |path: &std::path::PathBuf| {
            let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
            name.starts_with(|first: char| first.is_ascii_digit()) && name.ends_with(".json")
        };
        paths.retain(is_run);
        paths.sort();
        paths.reverse();
        paths.iter().map(|path| read_json(path)).collect()
    }
}

pub(crate) fn write_json(path: &Path, value: &impl Serialize) -> Result<(), String> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|error| format!("{error}, {}", folder.display()))?;
    }
    let text = serde_json::to_string_pretty(value).map_err(|error| format!("{error}, {}", path.display()))?;
    std::fs::write(path, text + "\n").map_err(|error| format!("{error}, {}", path.display()))
}

pub(crate) fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{error}, {}", path.display()))?;
    serde_json::from_str(&text).map_err(|error| format!("{error}, {}", path.display()))
}

/// Runs `outpace bench …` and returns its JSON.
pub(crate) fn bench(binary: &Path, arguments: &[String]) -> Result<Value, String> {
    let file = std::env::temp_dir().join(format!("outpace-bench-{}.json", std::process::id()));
    let load = load_average();
    let output = Command::new(binary)
        .arg("bench")
        .args(arguments)
        .arg("--json")
        .arg(&file)
        .output()
        .map_err(|error| format!("{error}, {}", binary.display()))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(format!("outpace bench {}: {said}", arguments.join(" ")));
    }
    let mut value: Value = read_json(&file)?;
    let _ = std::fs::remove_file(&file); // the next run writes it anew anyway
    value["load_average"] = load.into();
    Ok(value)
}

/// Arguments of a media run.
pub(crate) fn media(mode: &str, driver: &str, legs: usize, seconds: u64) -> Vec<String> {
    let words =
        ["media", "--mode", mode, "--driver", driver, "--legs", &legs.to_string(), "--seconds", &seconds.to_string()];
    words.map(str::to_owned).to_vec()
}

/// Arguments of a signalling run.
pub(crate) fn sip(calls: u64, rate: f64) -> Vec<String> {
    ["sip", "--calls", &calls.to_string(), "--rate", &rate.to_string()].map(str::to_owned).to_vec()
}

/// A number in a run; 0 when it is not there.
pub(crate) fn number(run: &Value, key: &str) -> f64 {
    run.pointer(&format!("/{key}")).and_then(Value::as_f64).unwrap_or(0.0)
}

/// A word in a run.
pub(crate) fn word<'a>(run: &'a Value, key: &str) -> &'a str {
    run[key].as_str().unwrap_or("-")
}

/// Everything a run says was not given back.
pub(crate) fn leaked(run: &Value) -> u64 {
    run["leaked"].as_object().into_iter().flatten().filter_map(|(_, count)| count.as_u64()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn results_are_kept_and_found_newest_first() {
        let folder = tempfile::tempdir().expect("a folder");
        for (date, legs) in [("2026-01-02", 1), ("2026-03-01", 2)] {
            let mut results = Results::begin("media");
            results.date = date.to_owned();
            results.runs.push(json!({ "legs": legs, "leaked": { "ports": 2, "timers": 1 }, "lateness": { "p99": 7 } }));
            results.keep(folder.path()).expect("written");
        }
        std::fs::write(folder.path().join("README.md"), "not a result").expect("written");
        std::fs::write(folder.path().join("pacing.json"), "{}").expect("written");
        let all = Results::all(folder.path()).expect("read");
        let dates: Vec<_> = all.iter().map(|results| results.date.as_str()).collect();
        assert_eq!(dates, ["2026-03-01", "2026-01-02"]);
        let run = &all[0].runs[0];
        assert_eq!((number(run, "legs"), number(run, "lateness/p99"), number(run, "absent")), (2.0, 7.0, 0.0));
        assert_eq!((leaked(run), word(run, "mode")), (3, "-"));
    }

    #[test]
    fn a_binary_that_fails_is_told_with_its_words() {
        let fault = bench(Path::new("/bin/false"), &media("play", "poll", 1, 1)).expect_err("it fails");
        assert!(fault.contains("--mode play --driver poll --legs 1 --seconds 1"), "{fault}");
        assert!(bench(Path::new("/no/such/binary"), &sip(1, 1.0)).is_err());
    }
}
