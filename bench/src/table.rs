//! `results/README.md`: the result files as one table a person can read.

use crate::results::{Results, leaked, number, word};
use serde_json::Value;
use std::fmt::Write;
use std::path::Path;

const HEAD: &str = "# Results

Written by `make bench` from the JSON files beside it; do not edit. How to read the figures: [docs/benchmarks.md](../../docs/benchmarks.md).
";

const MEDIA_HEAD: &str = "
| mode | driver | legs | µs a pair | floor | ratio | % of a core a leg | sent late p50 / p99 / p99.9 / max µs | sleeper p99 | arrived late p99 | relay p50 / p99 ms | later than 1 / 20 ms | lost | allocations | load |
|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|
";

const SIP_HEAD: &str = "
| program | calls | a second | failed | µs a call, caller | µs a call, called | order to 200 p50 / p99 ms | memory start → end MB | leaked |
|---|---|---|---|---|---|---|---|---|
";

const IMPORTS_HEAD: &str = "
| database | rows | how | rows a second |
|---|---|---|---|
";

/// The table of a kind of results: its head, and what makes a line of a run.
fn kind(what: &str) -> (&'static str, fn(&Value) -> String) {
    match what {
        "sip" => (SIP_HEAD, sip_row),
        "imports" => (IMPORTS_HEAD, imports_row),
        _ => (MEDIA_HEAD, media_row),
    }
}

/// Writes the table of a folder.
pub(crate) fn write(folder: &Path) -> Result<(), String> {
    let text = page(&Results::all(folder)?);
    let path = folder.join("README.md");
    std::fs::write(&path, text).map_err(|error| format!("{error}, {}", path.display()))
}

fn page(all: &[Results]) -> String {
    let mut text = HEAD.to_owned();
    for results in all {
        let machine = &results.machine;
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "\n## {} {}\n\n{}, {} cores, {} MB, Linux {}, governor {}, {} build of {}, load average {} before and {} after.\n",
            results.date,
            results.what,
            machine.cpu,
            machine.cores,
            machine.memory_mb,
            machine.kernel,
            machine.governor,
            machine.build,
            machine.commit,
            results.load_average_before,
            results.load_average_after,
        );
        if let Some(class) = results.runs.iter().find_map(|run| run["sched"].as_str()) {
            let _ = writeln!(text, "Scheduling: {class}.");
        }
        let (head, row) = kind(&results.what);
        text.push_str(head);
        results.runs.iter().for_each(|run| text.push_str(&row(run)));
    }
    text
}

/// One line of the media table.
pub(crate) fn media_row(run: &Value) -> String {
    let whole = |key: &str| format!("{:.0}", number(run, key));
    let relay = if run["relay_delay_us"].is_object() {
        let ms = |key: &str| number(run, &format!("relay_delay_us/{key}")) / 1_000.0;
        format!("{:.0} / {:.0}", ms("p50"), ms("p99"))
    } else {
        "-".to_owned()
    };
    let late: Vec<String> =
        ["p50", "p99", "p999", "max"].iter().map(|key| whole(&format!("send_lateness_us/{key}"))).collect();
    format!(
        "| {} | {} | {} | {:.2} | {:.2} | **{:.2}** | {:.4} | {} | {} | {} | {relay} | {} / {} | {} | {} | {:.1} |\n",
        word(run, "mode"),
        word(run, "driver"),
        whole("legs"),
        number(run, "cpu_us_per_pair"),
        number(run, "floor_us_per_pair"),
        number(run, "ratio"),
        number(run, "cpu_percent_per_leg"),
        late.join(" / "),
        whole("idle_thread_lateness_us/p99"),
        whole("arrival_lateness_us/p99"),
        whole("late_over_1ms"),
        whole("late_over_20ms"),
        whole("packets_lost"),
        whole("allocations"),
        number(run, "load_average"),
    )
}

fn sip_row(run: &Value) -> String {
    let of_sipp = run["program"].is_string();
    let only_ours = |text: String| if of_sipp { "-".to_owned() } else { text };
    let mb = |key: &str| number(run, key) / 1e6;
    format!(
        "| {} | {} | {} | {} | {:.0} | {:.0} | {} | {} | {} |\n",
        if of_sipp { "SIPp" } else { "outpace" },
        number(run, "calls"),
        number(run, "rate"),
        only_ours(number(run, "failed").to_string()),
        number(run, "cpu_us_per_call_uac"),
        number(run, "cpu_us_per_call_uas"),
        only_ours(format!("{:.1} / {:.1}", number(run, "setup_ms/p50"), number(run, "setup_ms/p99"))),
        only_ours(format!("{:.1} → {:.1}", mb("rss_bytes_start"), mb("rss_bytes_end"))),
        only_ours(leaked(run).to_string()),
    )
}

fn imports_row(run: &Value) -> String {
    let (rows, rate) = (number(run, "rows"), number(run, "rows_per_s"));
    format!("| {} | {rows} | {} | {rate} |\n", word(run, "database"), word(run, "what"))
}

/// The head of the media table, for a terminal.
pub(crate) fn media_head() -> &'static str {
    MEDIA_HEAD.trim_start()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_row_has_a_cell_for_each_column() {
        let media = json!({ "mode": "echo", "driver": "ring", "legs": 500, "ratio": 1.234,
            "send_lateness_us": { "p50": 1, "p99": 2, "p999": 3, "max": 4 },
            "relay_delay_us": { "p50": 30_000.0, "p99": 41_000.0 } });
        let ours = json!({ "calls": 10, "rate": 5.0, "failed": 0, "setup_ms": { "p50": 2.5, "p99": 9 }, "leaked": { "ports": 1 } });
        let theirs = json!({ "program": "sipp", "calls": 10, "rate": 5.0 });
        let import = json!({ "database": "sqlite", "what": "into an empty list", "rows": 10, "rows_per_s": 5.0 });
        let runs = [("media", &media), ("sip", &ours), ("sip", &theirs), ("imports", &import)];
        for (head, row) in runs.map(|(what, run)| (kind(what).0, kind(what).1(run))) {
            let columns = head.trim().lines().next().expect("a head").matches('|').count();
            assert_eq!(row.matches('|').count(), columns, "{row}");
        }
        assert!(media_row(&media).contains("| **1.23** |") && media_row(&media).contains("| 30 / 41 |"));
        assert!(sip_row(&ours).contains("| 2.5 / 9.0 |") && sip_row(&ours).ends_with("| 1 |\n"));
    }

    #[test]
    fn a_page_tells_machine_and_load() {
        let mut results = Results::begin("sip");
        (results.load_average_before, results.machine.cpu) = (1.5, "Abacus".to_owned());
        results.runs.push(json!({ "calls": 1, "rate": 1.0 }));
        let page = page(&[results]);
        assert!(page.contains("Abacus") && page.contains("load average 1.5 before"), "{page}");
    }
}
