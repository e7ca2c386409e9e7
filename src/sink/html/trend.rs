//! Protection over time as columns, with axes that have labels.

use std::fmt::Write;

use super::super::jsonl::time;
use super::super::report::{CLASSES, Report};
use super::super::table::group;
use super::super::timeline::Bin;
use super::markup::{Cell, Kind, class_name, connections, css, table};

/// Labels below the columns, at the most.
const LABELS: usize = 5;

pub(super) fn over_time(out: &mut String, report: &Report) {
    let line = &report.timeline;
    let sum = |bin: &Bin| bin.iter().map(|amount| amount.connections).sum::<u64>();
    let most = line.bins.iter().map(sum).max().unwrap_or(0);
    let Some((first, last)) = line.period().filter(|_| most > 0 && line.bins.len() > 1) else {
        return;
    };
    let top = ceiling(most);
    let step = length(line.width());
    let _ = writeln!(
        out,
        "<section id=\"time\"><h2>Protection over time</h2>\n<figure>\n<div class=\"chart\" role=\"img\" aria-label=\"Connections over time by protection; the numbers are in the table below\">\n\
         <div class=\"y\"><span>{}</span><span>{}</span><span>0</span></div>\n<div class=\"plot\">",
        group(top),
        if top.is_multiple_of(2) { group(top / 2) } else { format!("{:.1}", top as f64 / 2.0) }
    );
    let days = line.width() >= 86_400;
    for (n, bin) in line.bins.iter().enumerate() {
        let told: Vec<String> = CLASSES
            .iter()
            .filter(|class| class.of(bin).connections > 0)
            .map(|class| format!("{} {}", group(class.of(bin).connections), class.name()))
            .collect();
        let told = if told.is_empty() { "none".to_owned() } else { told.join(", ") };
        let _ = write!(out, "<span title=\"{}: {told}\">", label(line.edge(n), days, true));
        for class in CLASSES {
            let count = class.of(bin).connections;
            if count > 0 {
                let height = 100.0 * count as f64 / top as f64;
                let _ = write!(
                    out,
                    "<span class=\"fill {}\" style=\"height:{height:.2}%\"></span>",
                    css(class)
                );
            }
        }
        out.push_str("</span>");
    }
    out.push_str("</div>\n<div class=\"x\">");
    let whole_day = label(first, true, false) == label(last, true, false);
    let step_of_labels = line.bins.len().div_ceil(LABELS).max(1);
    for bin in (0..line.bins.len()).step_by(step_of_labels) {
        // A label has the width of the columns up to the next.
        let columns = step_of_labels.min(line.bins.len() - bin);
        let room = 2 * columns >= step_of_labels;
        let text = if room { label(line.edge(bin), days, !whole_day) } else { String::new() };
        let _ = write!(out, "<span style=\"flex-grow:{columns}\">{text}</span>");
    }
    let _ = writeln!(
        out,
        "</div></div>\n<p class=\"key\">{}</p>\n<figcaption>Connections by when they began, from {} to {} UTC. Each column is {step}; the fullest has {}.</figcaption></figure>",
        CLASSES.map(class_name).concat(),
        label(first, false, true),
        label(last, false, true),
        group(most)
    );
    numbers(out, report, &step, days);
    out.push_str("</section>\n");
}

/// The numbers of the columns, for who cannot see them.
fn numbers(out: &mut String, report: &Report, step: &str, days: bool) {
    let line = &report.timeline;
    let columns: Vec<(&str, Kind)> = std::iter::once(("from (UTC)", Kind::Text))
        .chain(CLASSES.iter().map(|class| (class.name(), Kind::Number)))
        .collect();
    let rows: Vec<Vec<Cell>> = (0..)
        .zip(&line.bins)
        .filter(|(_, bin)| bin.iter().any(|amount| amount.connections > 0))
        .map(|(n, bin)| {
            let start = Cell::text(&label(line.edge(n), days, true)).styled("whole");
            std::iter::once(start)
                .chain(CLASSES.iter().map(|class| connections(bin, *class)))
                .collect()
        })
        .collect();
    out.push_str("<details><summary>The numbers of this chart</summary>\n");
    let caption = format!(
        "Connections that began in each stretch of {step}; stretches without any are left out"
    );
    table(out, "time-numbers", &caption, &columns, &rows);
    out.push_str("</details>\n");
}

/// The least of 1, 2 and 5 times a power of ten that is not below.
fn ceiling(most: u64) -> u64 {
    let mut power: u64 = 1;
    loop {
        for factor in [1, 2, 5] {
            let top = power.saturating_mul(factor);
            if top >= most {
                return top;
            }
        }
        power = power.saturating_mul(10);
    }
}

/// A length in the largest unit in which it is whole.
fn length(seconds: i64) -> String {
    let (n, unit) = match seconds {
        s if s % 86_400 == 0 => (s / 86_400, "day"),
        s if s % 3_600 == 0 => (s / 3_600, "hour"),
        s if s % 60 == 0 => (s / 60, "minute"),
        s => (s, "second"),
    };
    format!("{} {unit}{}", group(n.unsigned_abs()), if n == 1 { "" } else { "s" })
}

/// A time to the second, or its day alone, or without its day.
fn label(nanos: i64, days: bool, date: bool) -> String {
    let text = time(nanos);
    let (day, rest) = text.split_once('T').unwrap_or((&text, ""));
    let clock = rest.get(..8).unwrap_or_default();
    match (days, date) {
        (true, _) => day.to_owned(),
        (false, true) => format!("{day} {clock}"),
        (false, false) => clock.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_end_at_round_numbers() {
        let tops = [1, 2, 3, 5, 6, 11, 860, 1000, 1001].map(ceiling);
        assert_eq!(tops, [1, 2, 5, 5, 10, 20, 1000, 1000, 2000]);
        assert_eq!(ceiling(u64::MAX), u64::MAX);
        let lengths = [1, 15, 60, 900, 3600, 43_200, 86_400, 2_419_200].map(length);
        assert_eq!(
            lengths,
            [
                "1 second",
                "15 seconds",
                "1 minute",
                "15 minutes",
                "1 hour",
                "12 hours",
                "1 day",
                "28 days"
            ]
        );
    }
}
