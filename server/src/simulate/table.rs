//! A report as a person reads it.

use dialer::report::{Band, Report};
use std::fmt::Write as _;

/// One run.
pub(super) fn one(report: &Report) -> String {
    let r = report;
    let percent = |share: f64| format!("{:.2} %", 100.0 * share);
    let lines = [
        ("attempts", r.attempts.to_string()),
        ("answered by a person", r.answered_by_human.to_string()),
        ("connected", r.connected.to_string()),
        ("abandoned", r.abandoned.to_string()),
        ("abandon rate", percent(r.abandon_rate)),
        ("  with persons lost to detection", percent(r.strict_rate)),
        ("hung up while waiting", r.hung_up_waiting.to_string()),
        ("occupancy of agents", percent(r.occupancy)),
        ("talk per agent and hour", format!("{:.1} min", r.talk_minutes_per_agent_hour)),
        ("agents' wait for a call", format!("{:.1} s mean, {:.1} s p90", r.agent_wait_s.mean, r.agent_wait_s.p90)),
        ("days over the limit", format!("{} of {}", r.days_over_limit, r.days)),
        ("windows over the limit", format!("{}, worst {}", r.windows_over_limit, percent(r.worst_window_rate))),
        ("decisions", format!("{}, {:.1} us p50, {:.1} us p99", r.decisions, r.decision_us.p50, r.decision_us.p99)),
        ("run", format!("{} events in {:.2} s, trace {}", r.events, r.wall_s, r.trace_hash)),
    ];
    let mut text = format!("{}: {}, {} day(s), seed {}\n", r.scenario, r.policy, r.days, r.seed);
    // Writing into a String cannot fail.
    for (what, value) in lines {
        let _ = writeln!(text, "  {what:<34}{value}");
    }
    for inbound in &r.inbound {
        let _ = writeln!(
            text,
            "  inbound {:<26}{} of {} answered, {} in time (aim {}), {:.1} s mean wait, {:.1} s p90",
            inbound.name,
            inbound.answered,
            inbound.calls,
            percent(inbound.service_level),
            percent(inbound.target),
            inbound.wait_s.mean,
            inbound.wait_s.p90
        );
    }
    if r.per_day.len() > 1 {
        let (occupancy, rate) = (&r.bands.occupancy, &r.bands.abandon_rate);
        let _ = writeln!(
            text,
            "  95 of 100 days: occupancy {} to {} (mean ± {}), abandon rate {} to {}",
            percent(occupancy.low),
            percent(occupancy.high),
            percent(occupancy.error),
            percent(rate.low),
            percent(rate.high)
        );
        let _ = writeln!(
            text,
            "\n  {:>4}{:>12}{:>12}{:>11}{:>11}",
            "day", "occupancy", "abandoned", "connected", "attempts"
        );
        for day in &r.per_day {
            let (occupancy, rate) = (percent(day.occupancy), percent(day.abandon_rate));
            let _ =
                writeln!(text, "  {:>4}{occupancy:>12}{rate:>12}{:>11}{:>11}", day.day, day.connected, day.attempts);
        }
    }
    text
}

/// A day as it was, and changed.
pub(super) fn compared(before: &Report, after: &Report) -> String {
    let percent =
        |band: Band| format!("{:.2} % ({:.2} to {:.2})", 100.0 * band.mean, 100.0 * band.low, 100.0 * band.high);
    let a_day = |count: u64, report: &Report| format!("{:.1}", count as f64 / f64::from(report.days.max(1)));
    let side = |report: &Report| {
        let bands = &report.bands;
        [
            report.policy.clone(),
            format!("{:.2} %", 100.0 * report.limit),
            percent(bands.occupancy),
            percent(bands.abandon_rate),
            format!("{} of {}", report.days_over_limit, report.days),
            a_day(report.attempts, report),
            a_day(report.connected, report),
            a_day(report.abandoned, report),
            format!("{:.1} min", report.talk_minutes_per_agent_hour),
            format!("{:.1} s", report.agent_wait_s.mean),
        ]
    };
    let names = [
        "paced by",
        "abandon limit",
        "occupancy (95 of 100 days)",
        "abandon rate (95 of 100 days)",
        "days over the limit",
        "attempts a day",
        "connected a day",
        "abandoned a day",
        "talk per agent and hour",
        "agents' wait for a call",
    ];
    let mut text = format!("{}: {} day(s), seed {}\n", after.scenario, after.days, after.seed);
    let _ = writeln!(text, "  {:<32}{:<28}changed", "", "as it was");
    for ((name, before), after) in names.iter().zip(side(before)).zip(side(after)) {
        let _ = writeln!(text, "  {name:<32}{before:<28}{after}");
    }
    text
}

/// Runs side by side.
pub(super) fn sweep(key: &str, values: &[&str], reports: &[Report]) -> String {
    let width = values.iter().map(|value| value.chars().count()).chain([key.chars().count()]).max().unwrap_or(0);
    let mut text = String::new();
    let _ = writeln!(
        text,
        "{key:>width$}{:>12}{:>12}{:>11}{:>11}{:>12}{:>12}",
        "occupancy", "abandoned", "connected", "attempts", "talk min/h", "days over"
    );
    for (value, report) in values.iter().zip(reports) {
        let _ = writeln!(
            text,
            "{value:>width$}{:>10.2} %{:>10.2} %{:>11}{:>11}{:>12.1}{:>12}",
            100.0 * report.occupancy,
            100.0 * report.abandon_rate,
            report.connected,
            report.attempts,
            report.talk_minutes_per_agent_hour,
            report.days_over_limit
        );
    }
    text
}
