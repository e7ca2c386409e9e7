//! What the screen looks like: each size, each listing, help, hostile text.

use std::net::IpAddr;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::columns::{columns, count, course};
use super::screen::Screen;
use super::view::{Collector, Listing, Order, View};
use crate::pipeline::Ledger;
use crate::policy::{Policy, Severity};
use crate::sink::metrics::Interface;
use crate::sink::report::Row;
use crate::sink::table::{FAILED, RowKey, RowKind, UNKNOWN};

const SUITE: &str = "TLSv1.2 TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384";
const WEAK_SUITE: &str = "TLSv1.0 TLS_RSA_WITH_3DES_EDE_CBC_SHA";

fn row(server: (&str, u16), client: &str, protection: Option<&str>, bytes: u64) -> Row {
    let policy = Policy::default();
    let weak = (0..).zip(&policy.rules).find(|(_, r)| r.severity == Severity::Weak);
    let address = |text: &str| text.parse::<IpAddr>().expect("an address");
    Row {
        key: RowKey {
            protection: protection.map(str::to_owned),
            server: (address(server.0), server.1),
            kind: RowKind::Tcp,
            severity: None,
            client: address(client),
        },
        from_client: bytes / 10,
        from_server: bytes - bytes / 10,
        start: 0,
        findings: weak
            .map(|(n, _)| n)
            .filter(|_| protection == Some(WEAK_SUITE))
            .into_iter()
            .collect(),
        key_exchange: None,
        certificate: None,
        version: None,
        failure: None,
        dated: true,
        lacking: None,
        job: match server.1 {
            23 => Some("TN3270".to_owned()),
            1414 => Some("MQ1CHIN".to_owned()),
            _ => None,
        },
    }
}

/// A system with all classes, addresses of all lengths and large numbers, after a minute.
fn view() -> View {
    let policy = Policy::default();
    let mut collector = Collector::new();
    let mut ledger = Ledger::default();
    let mut interfaces: Vec<Interface> = ["eth1", "enp175s0f1np1"]
        .map(|name| Interface {
            name: name.to_owned(),
            packets: 0,
            dropped: 0,
            interface_dropped: 0,
            up: true,
        })
        .into();
    let long = "2001:db8:aaaa:bbbb:cccc:dddd:eeee:ff01";
    let mut shown = View::default();
    for second in 0..=60_u64 {
        collector.begin();
        let wave = 1 + (second % 12) * 40;
        for _ in 0..wave / 40 {
            let amount = wave * 1000;
            collector.ended(&row(("192.0.2.10", 23), "198.51.100.77", None, amount), &policy);
            collector.ended(&row((long, 1414), long, Some(SUITE), amount * 100), &policy);
        }
        collector.ended(&row(("192.0.2.10", 992), "198.51.100.80", Some(FAILED), 300), &policy);
        collector.ended(
            &row(("255.255.255.255", 65535), "203.0.113.5", Some(WEAK_SUITE), 1_000),
            &policy,
        );
        let open = row(("192.0.2.11", 443), "203.0.113.6", Some(UNKNOWN), 900_000_000 * second);
        collector.under_way(&open, &policy);
        for (n, i) in (1..).zip(&mut interfaces) {
            i.packets += 1_234_567 * n * wave;
            i.dropped += 7 * (n - 1);
        }
        ledger.total.packets += 3_703_701 * wave;
        ledger.connections.seen += wave;
        ledger.now.connections = 1;
        ledger.handshakes.insert("TLSv1.2", wave);
        ledger.handshakes.insert("SSHv2", 3);
        let seconds = if second == 0 { 0.0 } else { 1.0 };
        collector.interfaces(interfaces.clone(), seconds);
        collector.ledger(&ledger, seconds);
        collector.next.seconds = second;
        shown = collector.view(1_767_225_600_000_000_000 + second as i64 * 1_000_000_000, seconds);
    }
    shown
}

fn messages() -> Vec<String> {
    vec![
        "2026-01-01T00:00:00Z  INFO watching eth1, enp175s0f1np1".to_owned(),
        "2026-01-01T00:00:30Z  WARN interface enp175s0f1np1: 7 packets lost".to_owned(),
    ]
}

fn painted(screen: &mut Screen, view: &View, (width, height): (u16, u16)) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a terminal");
    terminal.draw(|frame| screen.paint(frame, view, &messages())).expect("drawn");
    terminal.backend().to_string()
}

fn press(screen: &mut Screen, code: KeyCode) -> bool {
    screen.key(KeyEvent::new(code, KeyModifiers::NONE))
}

#[test]
fn each_size_and_listing() {
    let view = view();
    for (width, height) in [(80, 24), (120, 30), (200, 40), (60, 20), (40, 10)] {
        for (key, name) in [('s', "servers"), ('c', "clients"), ('j', "jobs"), ('e', "sessions")] {
            let mut screen = Screen::default();
            assert!(!press(&mut screen, KeyCode::Char(key)));
            let text = painted(&mut screen, &view, (width, height));
            insta::assert_snapshot!(format!("{name}_{width}x{height}"), text);
        }
    }
}

#[test]
fn help_and_before_anything_was_seen() {
    let mut screen = Screen::default();
    insta::assert_snapshot!("empty_80x24", painted(&mut screen, &View::default(), (80, 24)));
    press(&mut screen, KeyCode::Char('?'));
    insta::assert_snapshot!("help_80x30", painted(&mut screen, &view(), (80, 30)));
    // Escape leaves the help, and only then the view.
    assert!(!press(&mut screen, KeyCode::Esc));
    assert!(press(&mut screen, KeyCode::Esc));
}

/// Headings and numbers are whole at every width: nothing is cut but names.
#[test]
fn numbers_are_whole_at_every_width() {
    let view = view();
    for width in 40..=220_usize {
        for listing in Listing::ALL {
            let rows = listing.of(&view.rows);
            let columns = columns(listing, rows, width);
            let sum: usize = columns.iter().map(|(_, w)| w).sum::<usize>() + columns.len() - 1;
            assert!(sum <= width, "{listing:?} {width}: {columns:?}");
            for (column, width) in columns {
                let title = column.title(listing);
                assert!(!column.is_number() || title.len() <= width, "{title} in {width}");
                for entry in rows {
                    let cell = column.cell(entry, width);
                    assert!(cell.chars().count() <= width, "{title}: {cell:?} in {width}");
                    assert!(!column.is_number() || !cell.contains('…'), "{cell}");
                }
            }
        }
    }
}

#[test]
fn no_size_panics() {
    let view = view();
    for width in (1..60).chain([79, 80, 81, 300]) {
        for height in (1..16).chain([24, 100]) {
            for key in ['s', 'e', '?'] {
                let mut screen = Screen::default();
                press(&mut screen, KeyCode::Char(key));
                press(&mut screen, KeyCode::End);
                painted(&mut screen, &view, (width, height));
                press(&mut screen, KeyCode::PageDown);
                painted(&mut screen, &view, (width, height));
            }
        }
    }
}

#[test]
fn rows_are_in_the_order_that_is_asked_for() {
    let view = view();
    let first = |order: Order| {
        let mut rows = Listing::Servers.of(&view.rows).clone();
        rows.sort_by(|a, b| order.compare(a, b));
        rows.first().map(|row| row.name.join(" ")).unwrap_or_default()
    };
    assert_eq!(first(Order::Unprotected), "192.0.2.10:23");
    assert_eq!(first(Order::Failed), "192.0.2.10:992");
    assert_eq!(first(Order::Weak), "255.255.255.255:65535");
    assert_eq!(first(Order::Unknown), "192.0.2.11:443");
    assert_eq!(first(Order::Rate), "192.0.2.11:443");
    assert_eq!(first(Order::Name), "192.0.2.10:23");
    let mut screen = Screen::default();
    press(&mut screen, KeyCode::Char('b'));
    let text = painted(&mut screen, &view, (120, 30));
    assert!(text.contains("SERVERS 1 to 5 of 5, most bytes first"), "{text}");
}

#[test]
fn of_many_names_the_first_of_each_order_are_shown() {
    let policy = Policy::default();
    let mut collector = Collector::new();
    for n in 0..5_000_u32 {
        let client = IpAddr::from((0x0A00_0000 + n).to_be_bytes()).to_string();
        let protection = Some(SUITE).filter(|_| n != 4_321);
        collector.ended(&row(("192.0.2.1", 443), &client, protection, n.into()), &policy);
    }
    let view = collector.view(0, 0.0);
    let rows = Listing::Clients.of(&view.rows);
    assert_eq!(*Listing::Clients.of(&view.names), 5_000);
    assert!(rows.len() < 1_800, "{}", rows.len());
    let there = |n: u32| {
        let client = IpAddr::from((0x0A00_0000 + n).to_be_bytes()).to_string();
        rows.iter().any(|row| row.name.first() == Some(&client))
    };
    assert!(there(4_321) && there(4_999) && there(0) && !there(2_500));
    // Moving through them ends at the last.
    let mut screen = Screen::default();
    press(&mut screen, KeyCode::Char('c'));
    painted(&mut screen, &view, (80, 24));
    press(&mut screen, KeyCode::End);
    let text = painted(&mut screen, &view, (80, 24));
    assert!(text.contains(&format!("to {} of 5,000", rows.len())), "{text}");
}

#[test]
fn hostile_text_is_told_and_not_obeyed() {
    let policy = Policy::default();
    let mut collector = Collector::new();
    let hostile = "SSHv2 \u{1B}[31m\u{202E}evil\u{200B} aes";
    collector.ended(&row(("192.0.2.1", 22), "192.0.2.9", Some(hostile), 1), &policy);
    let mut named = row(("192.0.2.1", 23), "192.0.2.9", None, 1);
    named.job = Some("J\u{9B}\u{202E}OB".to_owned());
    collector.ended(&named, &policy);
    let view = collector.view(0, 0.0);
    for key in ['e', 'j'] {
        let mut screen = Screen::default();
        press(&mut screen, KeyCode::Char(key));
        let text = painted(&mut screen, &view, (120, 24));
        assert!(text.contains("\\u{202E}"), "{text}");
        assert!(!text.contains(['\u{1B}', '\u{202E}', '\u{200B}', '\u{9B}']), "{text}");
    }
}

#[test]
fn what_is_there_is_never_as_low_as_nothing() {
    assert_eq!(course([0, 1, 800, 1_000_000].into_iter(), 6), "   ▁▁█");
    assert_eq!(course([1, 2, 3].into_iter(), 2), "▆█");
    assert_eq!(course([u64::MAX, 0].into_iter(), 2), "█ ");
    assert_eq!(
        [999_999, 1_000_000, 999_960_000, 1_000_000_000, u64::MAX].map(count),
        ["999,999", "1.0 M", "1000.0 M", "1.0 G", "18447 P"]
    );
}
