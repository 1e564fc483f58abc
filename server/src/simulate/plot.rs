//! A result as an SVG: panels above each other, one point a part of the day or a value of a sweep. A single run has
//! occupancy, abandon rate and budget over the day; where it has several days, the band that holds 95 of 100 of them.

use dialer::report::{Band, Report};
use std::fmt::Write as _;

const WIDTH: f64 = 800.0;
const PANEL: f64 = 180.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 60.0;
const GAP: f64 = 50.0;
const OCCUPANCY: &str = "#1f6fb2";
const ABANDONED: &str = "#b23a1f";
const BUDGET: &str = "#2e7d32";
/// Words below the axis: more would run into each other.
const LABELS_MAX: usize = 16;

/// One panel: a line of bands between two values.
struct Panel {
    name: &'static str,
    colour: &'static str,
    unit: &'static str,
    points: Vec<Band>,
    /// What it is compared with, in grey.
    before: Vec<Band>,
    least: f64,
    most: f64,
    /// A line that should not be crossed.
    limit: Option<f64>,
}

impl Panel {
    /// Occupancy, always from 0 to 100 %.
    fn occupancy(points: impl Iterator<Item = Band>) -> Panel {
        let points = points.map(percent).collect();
        let before = Vec::new();
        Panel { name: "occupancy", colour: OCCUPANCY, unit: " %", points, before, least: 0.0, most: 100.0, limit: None }
    }

    /// The abandon rate, at least to 5 %, so that 3 % looks the same everywhere.
    fn abandoned(points: impl Iterator<Item = Band>, limit: Option<f64>) -> Panel {
        let points: Vec<Band> = points.map(percent).collect();
        let most = points.iter().map(|band| band.high).fold(5.0, f64::max).ceil();
        let limit = limit.map(|limit| 100.0 * limit);
        let before = Vec::new();
        Panel { name: "abandon rate", colour: ABANDONED, unit: " %", points, before, least: 0.0, most, limit }
    }

    /// Persons who may still be abandoned.
    fn budget(points: Vec<Band>) -> Panel {
        let most = points.iter().map(|band| band.high).fold(4.0, f64::max).ceil();
        let least = points.iter().map(|band| band.low).fold(0.0, f64::min).floor();
        let before = Vec::new();
        Panel { name: "abandon budget left", colour: BUDGET, unit: "", points, before, least, most, limit: Some(0.0) }
    }

    /// Beside the same panel of another run.
    fn beside(self, other: Panel) -> Panel {
        let (least, most) = (self.least.min(other.least), self.most.max(other.most));
        Panel { before: other.points, least, most, ..self }
    }
}

/// The course of the day; in grey the day as it was, when this one is changed.
pub(super) fn day(report: &Report, before: Option<&Report>) -> String {
    let labels: Vec<String> = report.over_day.iter().map(|slot| Short(slot.until_h).to_string()).collect();
    let panels = match before {
        None => course(report),
        Some(before) => {
            let [occupancy, abandoned, budget] = course(report);
            let [was_occupancy, was_abandoned, was_budget] = course(before);
            [occupancy.beside(was_occupancy), abandoned.beside(was_abandoned), budget.beside(was_budget)]
        }
    };
    let beside = if before.is_some() { "; grey: as it was" } else { "" };
    let title = format!("{}: {}, {} day(s), seed {}{beside}", report.scenario, report.policy, report.days, report.seed);
    picture(&title, "hours since the start of the day", &labels, &panels)
}

fn course(report: &Report) -> [Panel; 3] {
    let slots = || report.over_day.iter();
    [
        Panel::occupancy(slots().map(|slot| slot.occupancy)),
        Panel::abandoned(slots().map(|slot| slot.abandon_rate), Some(report.limit)),
        Panel::budget(slots().map(|slot| slot.budget_left).collect()),
    ]
}

/// One point a value: the frontier.
pub(super) fn sweep(key: &str, values: &[&str], reports: &[Report]) -> String {
    let labels: Vec<String> = values.iter().map(|&value| value.to_owned()).collect();
    // A limit that is swept is no line.
    let mut limits: Vec<f64> = reports.iter().map(|report| report.limit).collect();
    limits.dedup();
    let panels = [
        Panel::occupancy(reports.iter().map(|report| Band { mean: report.occupancy, ..report.bands.occupancy })),
        Panel::abandoned(
            reports.iter().map(|report| Band { mean: report.abandon_rate, ..report.bands.abandon_rate }),
            limits.first().copied().filter(|_| limits.len() == 1),
        ),
    ];
    let about = reports
        .first()
        .map_or(String::new(), |report| format!("{}: {}, {} day(s) each", report.scenario, report.policy, report.days));
    picture(&about, key, &labels, &panels)
}

fn percent(band: Band) -> Band {
    Band { mean: 100.0 * band.mean, error: 100.0 * band.error, low: 100.0 * band.low, high: 100.0 * band.high }
}

fn picture(title: &str, axis: &str, labels: &[String], panels: &[Panel]) -> String {
    let height = TOP + panels.len() as f64 * (PANEL + GAP) + 20.0;
    let mut svg = String::new();
    // Writing into a String cannot fail.
    let _ = writeln!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" \
         font-size=\"13\">\n<rect width=\"{WIDTH}\" height=\"{height}\" fill=\"white\"/>\n\
         <text x=\"{LEFT}\" y=\"28\" font-size=\"16\">{}</text>",
        escaped(title)
    );
    for (index, panel) in panels.iter().enumerate() {
        draw(&mut svg, TOP + index as f64 * (PANEL + GAP), panel);
    }
    let bottom = TOP + panels.len() as f64 * (PANEL + GAP) - GAP;
    let step = labels.len().div_ceil(LABELS_MAX).max(1);
    for (index, label) in labels.iter().enumerate().step_by(step) {
        let x = place(index, labels.len());
        let short: String = label.chars().take(12).collect();
        let _ = writeln!(
            svg,
            "<text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            bottom + 20.0,
            escaped(&short)
        );
    }
    let middle = LEFT + (WIDTH - LEFT - RIGHT) / 2.0;
    let _ = writeln!(
        svg,
        "<text x=\"{middle:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>\n</svg>",
        bottom + 42.0,
        escaped(axis)
    );
    svg
}

/// Five grid lines, the limit, the band, a line through the means, the means.
fn draw(svg: &mut String, top: f64, panel: &Panel) {
    let Panel { name, colour, unit, points, before, least, most, limit } = panel;
    let y = |value: f64| top + PANEL * (1.0 - ((value - least) / (most - least)).clamp(0.0, 1.0));
    let _ = writeln!(svg, "<text x=\"{LEFT}\" y=\"{:.1}\" fill=\"{colour}\">{name}</text>", top - 6.0);
    for line in 0..=4 {
        let value = least + (most - least) * f64::from(line) / 4.0;
        let _ = writeln!(
            svg,
            "<line x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{:.1}\" y2=\"{:.1}\" stroke=\"#ddd\"/>\n\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}{unit}</text>",
            WIDTH - RIGHT,
            y(value),
            y(value),
            LEFT - 6.0,
            y(value) + 4.0,
            // Trailing zeros say nothing.
            Short(value)
        );
    }
    if let Some(limit) = limit {
        let _ = writeln!(
            svg,
            "<line x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{:.1}\" y2=\"{:.1}\" stroke=\"#888\" stroke-dasharray=\"5 4\">\
             <title>limit</title></line>",
            WIDTH - RIGHT,
            y(*limit),
            y(*limit)
        );
    }
    let at = |index: usize, value: f64| format!("{:.1},{:.1}", place(index, points.len()), y(value));
    if !before.is_empty() {
        let line: Vec<String> = before.iter().enumerate().map(|(index, band)| at(index, band.mean)).collect();
        let line = line.join(" ");
        let _ = writeln!(
            svg,
            "<polyline points=\"{line}\" fill=\"none\" stroke=\"#888\"><title>as it was</title></polyline>"
        );
    }
    if points.iter().any(|band| band.high > band.low) {
        let upper = points.iter().enumerate().map(|(index, band)| at(index, band.high));
        let lower = points.iter().enumerate().rev().map(|(index, band)| at(index, band.low));
        let outline: Vec<String> = upper.chain(lower).collect();
        let _ = writeln!(svg, "<polygon points=\"{}\" fill=\"{colour}\" fill-opacity=\"0.15\"/>", outline.join(" "));
    }
    let line: Vec<String> = points.iter().enumerate().map(|(index, band)| at(index, band.mean)).collect();
    let _ = writeln!(svg, "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\"/>", line.join(" "));
    for (index, band) in points.iter().enumerate() {
        let _ = writeln!(
            svg,
            "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"3\" fill=\"{colour}\"><title>{:.2}{unit} ({:.2} to {:.2})</title></circle>",
            place(index, points.len()),
            y(band.mean),
            band.mean,
            band.low,
            band.high
        );
    }
}

/// A number without needless digits.
struct Short(f64);

impl std::fmt::Display for Short {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(format!("{:.2}", self.0).trim_end_matches('0').trim_end_matches('.'))
    }
}

/// Where the point of an index stands, from left to right.
fn place(index: usize, count: usize) -> f64 {
    let inner = WIDTH - LEFT - RIGHT;
    LEFT + inner * (index as f64 + 0.5) / count.max(1) as f64
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
