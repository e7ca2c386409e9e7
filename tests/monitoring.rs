//! The dashboard and the alert rules ask for metrics that there are.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use zerttap::pipeline::Ledger;
use zerttap::sink::metrics::{Interface, Metrics};

fn packaged(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/monitoring").join(name);
    fs::read_to_string(path).expect("it is there")
}

/// Names of metrics in a text, and the values of a label that are asked for.
fn asked(text: &str, label: &str) -> (BTreeSet<String>, BTreeSet<String>) {
    let word = |from: &str| {
        let end = from.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        from[..end.unwrap_or(from.len())].to_owned()
    };
    let names = text.match_indices("zerttap_").map(|(at, _)| word(&text[at..]));
    let mut values = BTreeSet::new();
    for (at, found) in text.match_indices(&format!("{label}=")) {
        let rest = text[at + found.len()..].trim_start_matches(['~', '\\', '"']);
        let end = rest.find(['"', '\\']).unwrap_or(rest.len());
        values.extend(rest[..end].split('|').map(str::to_owned));
    }
    (names.collect(), values)
}

#[test]
fn dashboard_and_alerts_use_metrics_that_are_served() {
    let served = Metrics {
        ledger: serde_json::to_value(Ledger::default().line()).expect("JSON"),
        interfaces: vec![Interface {
            name: "eth1".to_owned(),
            packets: 0,
            dropped: 0,
            interface_dropped: 0,
            up: true,
        }],
        ..Metrics::default()
    }
    .text();
    let there: BTreeSet<&str> = served
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split_whitespace().next())
        .collect();
    for file in ["zerttap-dashboard.json", "zerttap-alerts.yml"] {
        let (names, values) = asked(&packaged(file), "what");
        assert!(names.len() > 4 && values.len() > 2, "{file}: {names:?} {values:?}");
        for name in &names {
            assert!(there.contains(name.as_str()), "{file}: {name} is not served");
        }
        for value in &values {
            let sample = format!("zerttap_connections_total{{what=\"{value}\"}}");
            assert!(served.contains(&sample), "{file}: {sample} is not served");
        }
        // By server and by job, and when certificates end.
        let (names, values) = asked(&packaged(file), "protection");
        let by_server = names.iter().any(|name| name.starts_with("zerttap_server_"));
        assert!(by_server && names.contains("zerttap_certificate_not_after_seconds"), "{file}");
        assert!(values.contains("unprotected"), "{file}: {values:?}");
        for value in &values {
            for label in ["server", "job"] {
                let sample = format!(
                    "zerttap_{label}_connections_ended_total{{{label}=\"other\",protection=\"{value}\"}}"
                );
                assert!(served.contains(&sample), "{file}: {sample} is not served");
            }
        }
    }
}

#[test]
fn the_dashboard_is_one_and_its_panels_do_not_overlap() {
    let dashboard: serde_json::Value =
        serde_json::from_str(&packaged("zerttap-dashboard.json")).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("panels");
    let mut taken = BTreeSet::new();
    for panel in panels {
        let at = |name: &str| panel["gridPos"][name].as_u64().expect("a number");
        assert!(at("x") + at("w") <= 24, "{panel}");
        for x in at("x")..at("x") + at("w") {
            for y in at("y")..at("y") + at("h") {
                assert!(taken.insert((x, y)), "{panel}");
            }
        }
        assert!(!panel["targets"][0]["expr"].as_str().unwrap_or_default().is_empty(), "{panel}");
    }
}

#[test]
fn alert_rules_are_what_prometheus_takes() {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/monitoring/zerttap-alerts.yml");
    match std::process::Command::new("promtool").args(["check", "rules"]).arg(path).output() {
        Ok(output) => {
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(output.status.success(), "{text}");
        }
        Err(_) => eprintln!("no promtool here: the rules are not checked by it"),
    }
}
