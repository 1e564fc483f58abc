//! `docs/pacing.md` and its pictures, from the results.

use super::chart::{Series, draw};
use super::plan::STUDY;
use super::{Check, Measured, Results, Small};
use std::fmt::Write as _;
use std::path::Path;

/// Laws of the picture: the product's, the floor, the ceiling, and the best of the others.
const DRAWN: [&str; 6] = ["oracle-ring", "predictive", "pid", "mean-value", "adapt-average", "progressive"];

/// Talk and wrap-up to talk alone: 120 and 25 s of the scenario `base`.
const PERSON_SHARE: f64 = 145.0 / 120.0;

/// Writes the page, and its pictures into a folder of the page's name.
pub(super) fn write(results: &Results, page: &Path) -> Result<(), String> {
    let folder = page.with_extension("");
    std::fs::create_dir_all(&folder).map_err(|error| format!("{error}, {}", folder.display()))?;
    let name = folder.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    for (file, text) in [("agents.svg", agents(results)), ("limit.svg", limits(results))] {
        let path = folder.join(file);
        std::fs::write(&path, text).map_err(|error| format!("{error}, {}", path.display()))?;
    }
    std::fs::write(page, text(results, &name)).map_err(|error| format!("{error}, {}", page.display()))
}

fn agents(results: &Results) -> String {
    let mut sizes: Vec<u32> = results.laws.iter().map(|row| row.agents).collect();
    sizes.dedup();
    let series = DRAWN.map(|law| {
        let of = |agents: u32| results.laws.iter().find(|row| row.policy == law && row.agents == agents);
        Series { name: law.to_owned(), values: sizes.iter().map(|size| of(*size).map(|row| row.occupancy)).collect() }
    });
    let places: Vec<String> = sizes.iter().map(u32::to_string).collect();
    draw("Occupancy by law and number of agents", "agents", &places, &series, 0.5)
}

fn limits(results: &Results) -> String {
    let places: Vec<String> = results.limits.iter().map(|row| format!("{} %", 100.0 * row.limit)).collect();
    let values = results.limits.iter().map(|row| Some(row.occupancy)).collect();
    let series = [Series { name: "predictive".to_owned(), values }];
    let agents = results.limits.first().map_or(0, |row| row.agents);
    let title = format!("Occupancy against the abandon limit, {agents} agents");
    draw(&title, "abandon limit of each day", &places, &series, 0.5)
}

fn text(results: &Results, folder: &str) -> String {
    let machine = &results.machine;
    let commit = machine.commit.as_str();
    let mut page = format!(
        "# How well it paces\n\n\
         Written by `make pacing` ({} set, seed {}, {}, commit {}): the production dialer in its simulator \
         ([simulation.md](simulation.md)), event-paced, in the scenario `base`: 25 % of calls are answered by persons, 120 s \
         talk, 25 s wrap-up, detection on, days of 8 hours, and at most 3 % of each day's answers abandoned. `make pacing` \
         with another seed is another sample; `make pacing PACING_ARGS=--full` runs the days that 0 days over the limit is \
         promised for. Figures: `bench/results/pacing.json`. Measured on {}, {} cores; times are processor time, {} build. \
         What was measured at another commit says at which.\n\n\
         Occupancy is (talk + wrap-up) ÷ time at work, as the mean of the days ± its standard error. Abandoned is \
         abandoned ÷ (abandoned + connected) of all days.\n\n\
         ## Laws\n\n\
         `predictive` and `progressive` are modes of the product. The others stand here to compare with: a fixed ratio \
         without a limit, the adaptive levels that VICIdial documents, a PID loop, a balance of means; `oracle-ring` is \
         predictive with the ends of ringing calls told to it, the ceiling for better forecasts.\n\n\
         ![Occupancy by law and number of agents]({folder}/agents.svg)\n",
        results.set, results.seed, results.date, machine.commit, machine.cpu, machine.cores, machine.build
    );
    let mut sizes: Vec<u32> = results.laws.iter().map(|row| row.agents).collect();
    sizes.dedup();
    for size in sizes {
        let _ = write!(page, "\n**{size} agents**\n\n{}", head("law"));
        let rows = results.laws.iter().filter(|row| row.agents == size);
        rows.for_each(|row| page.push_str(&line(&row.policy, row, commit)));
    }
    let _ = write!(
        page,
        "\n## What a limit costs\n\n![Occupancy against the abandon limit]({folder}/limit.svg)\n\n{}",
        head("limit")
    );
    let limit = |row: &Measured| format!("{} %", 100.0 * row.limit);
    results.limits.iter().for_each(|row| page.push_str(&line(&limit(row), row, commit)));
    let _ = write!(
        page,
        "\n## Under stress\n\nThe predictive law when the day does not go as it went. In the storm a carrier answers 70 % of \
         calls with 503 for 20 minutes. Agents would stay busy if three times as many calls were launched then; the law \
         launches at most half as many more as before it, so that a carrier in trouble is not pushed further, and pays with \
         the agents' time.\n\n{}",
        head("scenario")
    );
    for row in &results.stress {
        page.push_str(&line(&format!("{}, {} agents", row.scenario, row.agents), row, commit));
    }
    page.push_str(&study(&results.study, commit));
    page.push_str(&checks(&results.queues, commit));
    page.push_str(&small_worlds(&results.small_worlds, commit));
    page
}

fn head(first: &str) -> String {
    format!(
        "| {first} | days | occupancy % | talk min/h | agents wait s | abandoned % | days over | worst day % | day, CPU s | \
         decision p99 µs |\n|---|---|---|---|---|---|---|---|---|---|\n"
    )
}

/// Occupancy with its error; that of a single day is not known.
fn occupancy(row: &Measured) -> String {
    if row.days < 2 {
        return format!("{:.2}", 100.0 * row.occupancy);
    }
    format!("{:.2} ± {:.2}", 100.0 * row.occupancy, 100.0 * row.occupancy_error)
}

/// The commit of a row, if it is not the page's.
fn other(of: &str, page: &str) -> String {
    if of == page { String::new() } else { format!(" ({of})") }
}

fn line(first: &str, row: &Measured, commit: &str) -> String {
    format!(
        "| {first}{} | {} | {} | {:.1} | {:.1} | {:.2} | {} | {:.2} | {:.2} | {:.0} |\n",
        other(&row.commit, commit),
        row.days,
        occupancy(row),
        row.talk_minutes_per_agent_hour,
        row.agent_wait_s,
        100.0 * row.abandon_rate,
        row.days_over_limit,
        100.0 * row.worst_day,
        row.cpu_s_per_day,
        row.decision_p99_us
    )
}

fn study(rows: &[Measured], commit: &str) -> String {
    let mut text = "\n## Beside the study\n\nThe law comes from a study with a simulator of its own, that decided once a second \
                    and counted talk and wrap-up with persons only. The same here (`--decide-every 1000`; a connect is 120 s \
                    of talk and 25 s of wrap-up, so persons only is talk × 145 ÷ 120):\n\n\
                    | law | agents | days | occupancy % | persons only % | study % | abandoned % | study % | day, CPU s |\n\
                    |---|---|---|---|---|---|---|---|---|\n"
        .to_owned();
    for row in rows {
        let studied = STUDY.iter().find(|entry| (entry.policy, entry.agents) == (row.policy.as_str(), row.agents));
        let persons = row.talk_minutes_per_agent_hour / 60.0 * PERSON_SHARE;
        let _ = writeln!(
            text,
            "| {}{} | {} | {} | {} | {:.2} | {:.1} | {:.2} | {:.2} | {:.2} |",
            row.policy,
            other(&row.commit, commit),
            row.agents,
            row.days,
            occupancy(row),
            100.0 * persons,
            100.0 * studied.map_or(0.0, |entry| entry.occupancy),
            100.0 * row.abandon_rate,
            100.0 * studied.map_or(0.0, |entry| entry.abandoned),
            row.cpu_s_per_day
        );
    }
    text
}

fn checks(rows: &[Check], commit: &str) -> String {
    let mut text = "\n## Is the simulator right?\n\nWith calls in a Poisson stream the simulated desk is a queue of the \
                    textbooks: Erlang's loss formula where nobody waits (for any talk, exponential M or lognormal LN), \
                    Baccelli and Hebuterne's where everybody waits 2 s. The row 1:1 is `progressive` in `flat` without pauses \
                    beside renewal theory: an idle agent has one line under way, and a line that ends without a call for an \
                    agent is dialled again at once. The last column should be within 3.\n\n\
                    | queue | days | what | simulated | standard error | theory | errors apart |\n|---|---|---|---|---|---|---|\n"
        .to_owned();
    for row in rows {
        let apart = if row.error > 0.0 { (row.simulated - row.theory) / row.error } else { 0.0 };
        let _ = writeln!(
            text,
            "| {}{} | {} | {} | {:.5} | {:.5} | {:.5} | {apart:+.1} |",
            row.case,
            other(&row.commit, commit),
            row.days,
            row.what,
            row.simulated,
            row.error,
            row.theory
        );
    }
    text
}

fn small_worlds(rows: &[Small], commit: &str) -> String {
    let mut text = "\n## How far from the best possible?\n\nWhere everything is exponential (ring 10 s, three in ten answer, \
                    talk 100 s, wrap-up 25 s, nobody waits) the best pacer is known exactly, by value iteration with a price \
                    on abandonments. The predictive law there, under a window of 30 days at 3 %:\n\n\
                    | agents | days | occupancy % | abandoned % | best possible % | part of it % |\n|---|---|---|---|---|---|\n"
        .to_owned();
    for Small { optimum, measured } in rows {
        let _ = writeln!(
            text,
            "| {}{} | {} | {} | {:.2} | {:.2} | {:.1} |",
            measured.agents,
            other(&measured.commit, commit),
            measured.days,
            occupancy(measured),
            100.0 * measured.abandon_rate,
            100.0 * optimum,
            100.0 * measured.occupancy / optimum
        );
    }
    text
}
