//! The picture: a bar for each ratio and each latency, with its goal as a line. Ratios share a
//! scale; latencies of one scenario do.

use std::fmt::Write;

use super::{Report, table};
use crate::figures::{Figures, Row, Unit};

const WIDTH: f64 = 960.0;
/// Where bars begin, and how long the longest is.
const LEFT: f64 = 480.0;
const LONGEST: f64 = 330.0;
/// Of a line with a bar.
const LINE: f64 = 26.0;
const BAR: f64 = 14.0;
/// A bar that would be longer than this many goals is cut, so that the others stay readable.
const MOST_GOALS: f64 = 4.0;

const STYLE: &str = "text{font:13px system-ui,sans-serif;fill:#1f2328}.head{font-weight:600}.soft{fill:#59636e}\
    .met{fill:#2da44e}.missed{fill:#d1642a}.plain{fill:#8c959f}.goal{stroke:#1f2328;stroke-width:2}.ground{fill:#fff}\
    @media(prefers-color-scheme:dark){text{fill:#e6edf3}.soft{fill:#9198a1}.goal{stroke:#e6edf3}.ground{fill:#0d1117}}";

/// The picture as SVG.
pub fn write(report: &Report<'_>) -> String {
    let mut body = String::new();
    let mut y = 28.0;
    let Report { machine, rounds, seconds, .. } = report;
    label(&mut body, 16.0, y, "soft", &format!("{machine}; medians of {rounds} rounds of {seconds} s"));
    let groups = [("Ratios", ratios(report)), ("Latencies", latencies(report))];
    for (head, lines) in groups.into_iter().filter(|(_, lines)| !lines.is_empty()) {
        y += LINE * 1.4;
        label(&mut body, 16.0, y, "head", head);
        for (row, most) in lines {
            y += LINE;
            bar(&mut body, row, y, LONGEST / most.max(f64::MIN_POSITIVE));
        }
    }
    let height = y + LINE;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\">\
         <style>{STYLE}</style><rect class=\"ground\" width=\"{WIDTH}\" height=\"{height}\"/>{body}</svg>\n"
    )
}

fn rows(figures: &Figures, unit: Unit) -> impl Iterator<Item = &Row> {
    figures.rows.iter().filter(move |row| row.unit == unit && row.figure.median.is_finite())
}

/// All ratios, each with what the longest bar stands for: the same for all.
fn ratios<'a>(report: &Report<'a>) -> Vec<(&'a Row, f64)> {
    let all: Vec<&Row> = report.scenarios.iter().flat_map(|figures| rows(figures, Unit::Ratio)).collect();
    let most = all.iter().map(|row| shown(row)).fold(0.0, f64::max);
    all.into_iter().map(|row| (row, most)).collect()
}

/// All latencies, each with what the longest bar stands for: some goals of its scenario, or its longest latency.
fn latencies<'a>(report: &Report<'a>) -> Vec<(&'a Row, f64)> {
    let of = |figures: &'a Figures| {
        let goal = rows(figures, Unit::Ms).find_map(|row| row.goal).map(|goal| goal.number() * MOST_GOALS);
        let longest = rows(figures, Unit::Ms).map(|row| row.figure.median).fold(0.0, f64::max);
        rows(figures, Unit::Ms).map(move |row| (row, goal.unwrap_or(longest)))
    };
    report.scenarios.iter().flat_map(of).collect()
}

/// How far a row reaches, in its unit: its figure, but at most some goals, and at least its goal.
fn shown(row: &Row) -> f64 {
    match row.goal {
        Some(goal) => row.figure.median.clamp(goal.number(), goal.number() * MOST_GOALS),
        None => row.figure.median,
    }
}

fn bar(body: &mut String, row: &Row, y: f64, scale: f64) {
    let Row { what, figure, unit, goal, .. } = row;
    label(body, 16.0, y, "", what);
    let length = (figure.median * scale).min(LONGEST);
    let class = match row.is_met() {
        Some(true) => "met",
        Some(false) => "missed",
        None => "plain",
    };
    let top = y - BAR + 2.0;
    // Writing to a string does not fail.
    let _ = write!(
        body,
        "<rect class=\"{class}\" x=\"{LEFT}\" y=\"{top:.1}\" width=\"{length:.1}\" height=\"{BAR}\" rx=\"2\"/>"
    );
    // A bar that is cut has an arrow.
    let arrow = if figure.median * scale > LONGEST * 1.01 { "→ " } else { "" };
    let mut words = format!("{arrow}{}", unit.say(figure.median));
    let mut end = LEFT + length;
    if let Some(goal) = goal {
        let x = LEFT + goal.number() * scale;
        let (above, below) = (top - 3.0, top + BAR + 3.0);
        let _ = write!(
            body,
            "<line class=\"goal\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{above:.1}\" y2=\"{below:.1}\"/>"
        );
        words = format!("{words} ({})", table::say(*goal, *unit));
        end = end.max(x);
    }
    label(body, end + 8.0, y, "soft", &words);
}

fn label(body: &mut String, x: f64, y: f64, class: &str, text: &str) {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    let _ = write!(body, "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{text}</text>");
}
