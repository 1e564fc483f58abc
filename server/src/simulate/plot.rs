//! Occupancy and abandon rate as an SVG: two panels above each other, one point a day or a value.

use dialer::report::Report;
use std::fmt::Write as _;

const WIDTH: f64 = 800.0;
const PANEL: f64 = 220.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 50.0;
const GAP: f64 = 60.0;
const OCCUPANCY: &str = "#1f6fb2";
const ABANDONED: &str = "#b23a1f";
/// Words below the axis: more would run into each other.
const LABELS_MAX: usize = 16;

/// One point a day.
pub(super) fn days(report: &Report) -> String {
    let labels: Vec<String> = report.per_day.iter().map(|day| day.day.to_string()).collect();
    let occupancy: Vec<f64> = report.per_day.iter().map(|day| day.occupancy).collect();
    let abandoned: Vec<f64> = report.per_day.iter().map(|day| day.abandon_rate).collect();
    let title = format!("{}: {}, seed {}", report.scenario, report.policy, report.seed);
    picture(&title, "day", &labels, &occupancy, &abandoned)
}

/// One point a value.
pub(super) fn sweep(key: &str, values: &[&str], reports: &[Report]) -> String {
    let labels: Vec<String> = values.iter().map(|&value| value.to_owned()).collect();
    let occupancy: Vec<f64> = reports.iter().map(|report| report.occupancy).collect();
    let abandoned: Vec<f64> = reports.iter().map(|report| report.abandon_rate).collect();
    let about = reports.first().map_or(String::new(), |report| format!("{}: {}", report.scenario, report.policy));
    picture(&about, key, &labels, &occupancy, &abandoned)
}

fn picture(title: &str, axis: &str, labels: &[String], occupancy: &[f64], abandoned: &[f64]) -> String {
    let height = TOP + 2.0 * PANEL + 2.0 * GAP;
    let mut svg = String::new();
    // Writing into a String cannot fail.
    let _ = writeln!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" \
         font-size=\"13\">\n<rect width=\"{WIDTH}\" height=\"{height}\" fill=\"white\"/>\n\
         <text x=\"{LEFT}\" y=\"28\" font-size=\"16\">{}</text>",
        escaped(title)
    );
    // Occupancy always from 0 to 100 %; the abandon rate at least to 5 %, so that 3 % looks the same everywhere.
    let most = abandoned.iter().copied().fold(0.05, f64::max);
    let most = (most * 100.0).ceil() / 100.0;
    panel(&mut svg, TOP, "occupancy", OCCUPANCY, occupancy, 1.0);
    panel(&mut svg, TOP + PANEL + GAP, "abandon rate", ABANDONED, abandoned, most);
    let bottom = TOP + 2.0 * PANEL + GAP;
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

/// One panel: five grid lines, a line through the points, the points.
fn panel(svg: &mut String, top: f64, name: &str, colour: &str, values: &[f64], most: f64) {
    let _ = writeln!(svg, "<text x=\"{LEFT}\" y=\"{:.1}\" fill=\"{colour}\">{name}</text>", top - 6.0);
    for line in 0..=4 {
        let share = f64::from(line) / 4.0;
        let y = top + PANEL * (1.0 - share);
        let _ = writeln!(
            svg,
            "<line x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\" stroke=\"#ddd\"/>\n\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{} %</text>",
            WIDTH - RIGHT,
            LEFT - 6.0,
            y + 4.0,
            // Trailing zeros say nothing.
            Short(100.0 * most * share)
        );
    }
    let points: Vec<(f64, f64)> = values
        .iter()
        .enumerate()
        .map(|(index, value)| (place(index, values.len()), top + PANEL * (1.0 - (value / most).clamp(0.0, 1.0))))
        .collect();
    let line: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
    let _ = writeln!(svg, "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\"/>", line.join(" "));
    for ((x, y), value) in points.iter().zip(values) {
        let _ = writeln!(
            svg,
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{colour}\"><title>{:.2} %</title></circle>",
            100.0 * value
        );
    }
}

/// A number of percent without needless digits.
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
