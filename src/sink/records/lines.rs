//! One line a record, in columns.

use std::io::Write;

use anstyle::{AnsiColor, Style};

use super::cache::TextCache;
use super::columns::{Column, What};
use super::plain::{address, integer};
use super::session::{End, Ends, IPSEC, Layouts, Role, SSH, Session, TLS, meaning, number};
use crate::names::smf;
use crate::printable::printable;
use crate::record::field::{Field, Format};
use crate::record::value::{self, Value};
use crate::record::{Record, SUBTYPE_DETAIL, ebcdic};
use crate::sink::table::{bytes, fit, fit_middle};

/// What a column says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cell {
    Time,
    System,
    Stack,
    Event,
    Local,
    /// Which end is the server.
    Direction,
    Remote,
    Job,
    Protection,
    Bytes,
    /// A field, by its place among those that were asked for.
    Field(usize),
}

/// How wide a column is.
#[derive(Clone, Copy, Debug)]
struct Width {
    cell: Cell,
    title: &'static str,
    /// At least, in a terminal; whole of nearly all values; and as much as it ever needs.
    least: usize,
    usual: usize,
    most: usize,
}

const fn width(cell: Cell, title: &'static str, [least, usual, most]: [usize; 3]) -> Width {
    Width { cell, title, least, usual, most }
}

/// All columns. Without `T` a time is as in other tables; the date without its year is 14 wide.
const COLUMNS: [Width; 10] = [
    width(Cell::Time, "TIME", [14, 22, 22]),
    width(Cell::System, "SYSTEM", [8, 8, 8]),
    width(Cell::Stack, "STACK", [8, 8, 8]),
    width(Cell::Event, "EVENT", [8, 8, 8]),
    width(Cell::Local, "LOCAL", [15, 21, 47]),
    width(Cell::Direction, "TO", [2, 2, 2]),
    width(Cell::Remote, "REMOTE", [15, 21, 47]),
    width(Cell::Job, "JOB", [8, 8, 8]),
    width(Cell::Protection, "PROTECTION", [10, 20, 40]),
    width(Cell::Bytes, "BYTES", [8, 14, 14]),
];

/// Columns that a narrow terminal does not have, the first to go first.
const DROPPED: [Cell; 3] = [Cell::System, Cell::Stack, Cell::Job];

/// Blanks between columns.
const GAP: usize = 1;

/// Writes records as lines.
#[derive(Debug)]
pub struct Lines {
    layouts: Layouts,
    fields: Vec<Column>,
    /// The columns, and how wide each is; nothing is cut where there is no terminal.
    columns: Vec<(Cell, &'static str, usize)>,
    terminal: Option<usize>,
    /// What sections of TLS, SSH and IPSec of both subtypes are as protection.
    protection: [[TextCache; 3]; 2],
    cell: Vec<u8>,
}

impl Lines {
    /// Writes the usual columns, or these fields, so that they fit a terminal of so many
    /// columns; as wide as they are where there is none.
    pub fn new(fields: Option<Vec<Column>>, terminal: Option<usize>) -> Self {
        let fields = fields.unwrap_or_default();
        let columns = if fields.is_empty() {
            usual_columns(terminal)
        } else {
            let width = |column: &Column| field_width(column).max(column.name.len());
            let column = |(n, c): (usize, &Column)| (Cell::Field(n), c.name, width(c));
            fields.iter().enumerate().map(column).collect()
        };
        let (layouts, protection) = (Layouts::default(), Default::default());
        Self { layouts, fields, columns, terminal, protection, cell: Vec::new() }
    }

    /// The line of titles.
    pub fn head(&self) -> Vec<u8> {
        let bold = Style::new().bold();
        let mut out = Vec::new();
        let _ = write!(out, "{bold}");
        let begin = out.len();
        for (n, (cell, title, width)) in self.columns.iter().enumerate() {
            self.pad(&mut out, n, *cell, *width, title.as_bytes());
        }
        self.end(&mut out, begin);
        let _ = writeln!(out, "{bold:#}");
        out
    }

    /// Appends the line of a record.
    pub fn line(&mut self, out: &mut Vec<u8>, record: &Record<'_>) {
        let style = self.style(record);
        let _ = write!(out, "{style}");
        let begin = out.len();
        for n in 0..self.columns.len() {
            let Some(&(cell, _, width)) = self.columns.get(n) else { break };
            let mut text = std::mem::take(&mut self.cell);
            text.clear();
            self.cell(&mut text, cell, width, record);
            if text.is_empty() {
                text.push(b'-');
            }
            self.pad(out, n, cell, width, &text);
            self.cell = text;
        }
        self.end(out, begin);
        let _ = writeln!(out, "{style:#}");
    }

    /// Connections and sessions without protection stand out, as in other tables.
    fn style(&self, record: &Record<'_>) -> Style {
        let session = Session::of(record, &self.layouts);
        let unprotected = session.is_some_and(|s| {
            s.has_ends() && s.protocols() == 0 && s.number(&s.places.protocols).is_some()
        });
        if unprotected { AnsiColor::Red.on_default() } else { Style::new() }
    }

    /// Appends a cell in its width; longer ones are cut in a terminal, and push others aside
    /// elsewhere.
    fn pad(&self, out: &mut Vec<u8>, n: usize, cell: Cell, width: usize, text: &[u8]) {
        if n > 0 {
            out.extend(std::iter::repeat_n(b' ', GAP));
        }
        let (short, text) = (text.is_ascii() && text.len() <= width, String::from_utf8_lossy(text));
        let text = match self.terminal {
            Some(_) if !short && matches!(cell, Cell::Local | Cell::Remote) => {
                fit_middle(&text, width).into()
            }
            Some(_) if !short => fit(&text, width).into(),
            _ => text,
        };
        let blanks = width.saturating_sub(if short { text.len() } else { text.chars().count() });
        let right = cell == Cell::Bytes;
        if right {
            out.extend(std::iter::repeat_n(b' ', blanks));
        }
        out.extend_from_slice(text.as_bytes());
        if !right {
            out.extend(std::iter::repeat_n(b' ', blanks));
        }
    }

    /// Takes blanks from the end, and what does not fit the terminal.
    fn end(&self, out: &mut Vec<u8>, begin: usize) {
        let line = out.get(begin..).unwrap_or_default();
        let used = line.iter().rposition(|b| *b != b' ').map_or(0, |last| last + 1);
        out.truncate(begin + used);
        if let Some(limit) = self.terminal.filter(|limit| used > *limit) {
            let line = String::from_utf8_lossy(out.get(begin..).unwrap_or_default()).into_owned();
            out.truncate(begin);
            out.extend_from_slice(fit(&line, limit).as_bytes());
        }
    }

    fn cell(&mut self, out: &mut Vec<u8>, cell: Cell, width: usize, record: &Record<'_>) {
        let ident = |range| record.section(0).and_then(|section| section.get(range));
        match cell {
            Cell::Time => return time(out, record, width),
            Cell::System => {
                let system = ident(0..8).filter(|name| !is_padding(name));
                return name(out, system.or_else(|| record.bytes().get(14..18)));
            }
            Cell::Stack => return name(out, ident(16..24)),
            Cell::Field(n) => {
                if let Some(column) = self.fields.get(n) {
                    field(out, column, record);
                }
                return;
            }
            _ => {}
        }
        let Some(session) = Session::of(record, &self.layouts) else { return };
        match cell {
            Cell::Event => event(out, &session),
            Cell::Job => name(out, session.bytes(&session.places.job)),
            _ if !session.has_ends() => {}
            Cell::Protection => protection(out, &session, &mut self.protection),
            Cell::Bytes => {
                if let Some([received, sent, ..]) = session.traffic() {
                    let all = received.saturating_add(sent);
                    let most = Cell::Bytes.most();
                    if width < most {
                        out.extend_from_slice(bytes(all).as_bytes());
                    } else {
                        integer(out, all);
                    }
                }
            }
            Cell::Local | Cell::Remote | Cell::Direction => {
                if let Some(ends) = session.ends() {
                    of_ends(out, cell, ends);
                }
            }
            _ => {}
        }
    }
}

impl Cell {
    fn most(self) -> usize {
        COLUMNS.iter().find(|column| column.cell == self).map_or(0, |column| column.most)
    }
}

/// The usual columns as wide as a terminal allows: what is least needed goes, then times are
/// short and addresses are cut; what room is left goes to protection and to addresses.
fn usual_columns(terminal: Option<usize>) -> Vec<(Cell, &'static str, usize)> {
    let mut columns: Vec<(Width, usize)> = COLUMNS.iter().map(|c| (*c, c.usual)).collect();
    let total = |columns: &[(Width, usize)]| {
        columns.iter().map(|(_, width)| width).sum::<usize>()
            + GAP * columns.len().saturating_sub(1)
    };
    if let Some(limit) = terminal {
        for (column, width) in &mut columns {
            *width = column.least;
        }
        for cell in DROPPED {
            if total(&columns) > limit {
                columns.retain(|(column, _)| column.cell != cell);
            }
        }
        // What is whole is better than what is wide.
        let order = [Cell::Local, Cell::Remote, Cell::Protection, Cell::Time, Cell::Bytes];
        let usual: fn(&Width) -> usize = |column| column.usual;
        let most: fn(&Width) -> usize = |column| column.most;
        for goal in [usual, most] {
            for cell in order {
                let left = limit.saturating_sub(total(&columns));
                let found = columns.iter_mut().find(|(column, _)| column.cell == cell);
                let Some((column, width)) = found else { continue };
                let more = goal(column).saturating_sub(*width).min(left);
                // A time has its year or not.
                if cell != Cell::Time || *width + more == goal(column) {
                    *width += more;
                }
            }
        }
    }
    columns.into_iter().map(|(column, width)| (column.cell, column.title, width)).collect()
}

/// Appends when the record was written, without the year and parts of the second where it has
/// to be short.
fn time(out: &mut Vec<u8>, record: &Record<'_>, width: usize) {
    let Some(text) = record.written().and_then(|written| written.to_text()) else { return };
    let text = text.replace(' ', "T");
    let text = match width < Cell::Time.most() {
        true => text.get(5..text.len().saturating_sub(3)).unwrap_or(&text),
        false => &text,
    };
    out.extend_from_slice(text.as_bytes());
}

fn is_padding(bytes: &[u8]) -> bool {
    bytes.iter().all(|b| matches!(b, 0 | &ebcdic::BLANK))
}

/// Appends a name without its padding.
fn name(out: &mut Vec<u8>, bytes: Option<&[u8]>) {
    let Some(bytes) = bytes else { return };
    if ebcdic::is_plain(bytes) {
        ebcdic::decode_to(out, bytes);
    } else {
        let text = ebcdic::decode(bytes);
        out.extend_from_slice(printable(text.trim_end_matches([' ', '\0'])).as_bytes());
    }
}

/// Appends the event as one word.
fn event(out: &mut Vec<u8>, session: &Session<'_>) {
    let word = match (session.subtype, session.event()) {
        (SUBTYPE_DETAIL, 1) => "init",
        (SUBTYPE_DETAIL, 2) => "change",
        (SUBTYPE_DETAIL, 3) => "term",
        (SUBTYPE_DETAIL, 4) => "short",
        (SUBTYPE_DETAIL, 5) | (_, 2) => "enabled",
        (SUBTYPE_DETAIL, 6) | (_, 3) => "disabled",
        (SUBTYPE_DETAIL, 7) => "policy",
        (_, 1) => "interval",
        (_, other) => return integer(out, other),
    };
    out.extend_from_slice(word.as_bytes());
}

/// Appends an end, or the arrow between both: it comes from the client.
fn of_ends(out: &mut Vec<u8>, cell: Cell, ends: Ends) {
    let end = match cell {
        Cell::Local => ends.local,
        Cell::Remote => ends.remote,
        _ => {
            let arrow: &[u8] = match ends.role {
                Role::Server => b"<-",
                Role::Client => b"->",
                Role::Unknown => b"--",
            };
            return out.extend_from_slice(arrow);
        }
    };
    let End { address: ip, ports } = end;
    let bracket = ip.is_ipv6() && ports.is_some();
    if bracket {
        out.push(b'[');
    }
    address(out, ip);
    if bracket {
        out.push(b']');
    }
    if let Some((from, to)) = ports {
        out.push(b':');
        integer(out, u64::from(from));
        if from != to {
            out.push(b'-');
            integer(out, u64::from(to));
        }
    }
}

/// Appends what protects: `TLSv1.3/AES-GCM-256`, several with a plus between, or `none`.
fn protection(out: &mut Vec<u8>, session: &Session<'_>, caches: &mut [[TextCache; 3]; 2]) {
    let flags = session.protocols();
    let [of_detail, of_summary] = caches;
    let caches = if session.subtype == SUBTYPE_DETAIL { of_detail } else { of_summary };
    let mut first = true;
    for (flag, cache) in [TLS, SSH, IPSEC].into_iter().zip(caches) {
        if flags & flag == 0 {
            continue;
        }
        if !std::mem::take(&mut first) {
            out.push(b'+');
        }
        let section = session.section(flag).unwrap_or_default();
        if let Some(text) = cache.text(section) {
            out.extend_from_slice(text);
            continue;
        }
        let begin = out.len();
        let text = of_protocol(flag, session, section);
        out.extend_from_slice(text.as_bytes());
        cache.keep(section, out.get(begin..).unwrap_or_default());
    }
    if first {
        out.extend_from_slice(b"none");
    }
}

/// A protocol with its version and cipher, as far as its section has them.
fn of_protocol(flag: u8, session: &Session<'_>, section: &[u8]) -> String {
    /// `tls_handshake_type` and `ssh_flags`: the handshake failed.
    const FAILED: u64 = 3;
    const SSH_FAILED: u64 = 0x80;
    let places = session.places;
    let (name, cipher, failed) = match flag {
        TLS => {
            let suite = section.get(places.tls.suite.clone()).map(ebcdic::decode);
            let failed = number(section, &places.tls.handshake) == Some(FAILED)
                || suite.is_some_and(|suite| suite == smf::FAILED_CIPHER);
            let version = meaning(section, &places.tls.version, &smf::TLS_VERSION);
            (version.unwrap_or_else(|| "TLS".to_owned()), &places.tls.cipher, failed)
        }
        SSH => {
            let version = number(section, &places.ssh_version).filter(|version| *version > 0);
            let flags = number(section, &places.ssh_flags).unwrap_or(0);
            let name = version.map_or_else(|| "SSH".to_owned(), |version| format!("SSHv{version}"));
            (name, &places.ssh_cipher, flags & SSH_FAILED != 0)
        }
        _ => ("IPSec".to_owned(), &places.ipsec_cipher, false),
    };
    let mut cipher = meaning(section, cipher, &smf::ENC_ALG);
    if flag == IPSEC && cipher.as_deref().is_none_or(|cipher| cipher == "None") {
        // Without encryption the check value protects.
        cipher = meaning(section, &places.ipsec_authentication, &smf::MSG_AUTH);
    }
    match cipher {
        _ if failed => name + "/failed",
        Some(cipher) => format!("{name}/{}", cipher.replace(' ', "-")),
        None => name,
    }
}

/// The width of nearly all values of a field.
fn field_width(column: &Column) -> usize {
    let widths = column.places.iter().map(|place| match place.what {
        What::Names => 40,
        What::Field(_, field) => match (field.format, field.codes) {
            (_, Some(_)) => 14,
            (Format::Ip, _) => 15,
            (Format::Packed, _) => 10,
            (Format::Binary, _) if value::is_clock(field) => 11,
            // Decimal digits of so many bytes.
            (Format::Binary, _) => (field.length * 12).div_ceil(5).min(14),
            (Format::Ebcdic, _) => field.length,
            _ => 2 * field.length,
        },
    });
    widths.max().unwrap_or(0).min(40)
}

/// Appends what a column that was asked for says of a record: codes by their names.
fn field(out: &mut Vec<u8>, column: &Column, record: &Record<'_>) {
    let place = column.places.iter().find(|place| place.is_of(record.subtype()));
    match place.map(|place| place.what) {
        None => {}
        Some(What::Names) => {
            let names = record.names();
            let texts: Vec<String> = names
                .iter()
                .map(|(kind, name)| format!("{kind:04X} {}", ebcdic::decode(name).trim_end()))
                .collect();
            out.extend_from_slice(printable(&texts.join(" | ")).as_bytes());
        }
        Some(What::Field(section, field)) => {
            let parts = record.parts();
            let part = parts.iter().find(|p| p.section.is_some_and(|s| s.id == section.id));
            let Some(part) = part else { return };
            let bytes = part.bytes.get(field.offset..field.offset + field.length);
            if let Some(bytes) = bytes {
                let text = value_text(field, &value::read(part, field, bytes));
                out.extend_from_slice(printable(&text).as_bytes());
            }
        }
    }
}

fn value_text(field: &Field, value: &Value) -> String {
    if let Some(time) = value::time_of_day(field, value) {
        return time;
    }
    match value {
        Value::Number(n) => n.to_string(),
        Value::Code { code, name } => {
            name.as_deref().map_or_else(|| format!("X'{code}'"), str::to_owned)
        }
        Value::Text { text, .. } => text.clone(),
        Value::Date(digits) => value::date(*digits).unwrap_or_default(),
        Value::Address(address) => address.to_string(),
        Value::Bytes(bytes) => value::upper_hex(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Common11, Common12, Detail, Identification, Summary, address_field};
    use crate::sink::records::{FieldNames, named_columns};

    fn records() -> Vec<Vec<u8>> {
        let v6 = std::net::Ipv6Addr::new(0x2001, 0xdb8, 0xaaaa, 0xbbbb, 0xcccc, 0xdddd, 0xeeee, 1);
        let mut all = vec![Vec::new(); 4];
        let mut detail = Detail {
            common: Common11 {
                event_type: 4,
                sec_protos: TLS | IPSEC,
                flags: 0x10,
                jobname: ebcdic::field("TN3270"),
                lip: address_field([203, 0, 113, 210].into()),
                rip: address_field([198, 51, 100, 177].into()),
                l_port: 23,
                r_port: 50_123,
                in_bytes: 123_456_789,
                out_bytes: 1,
                ..Common11::default()
            },
            ident: Identification {
                sys_name: ebcdic::field("PROD1"),
                stack: ebcdic::field("TCPIP"),
                ..Identification::default()
            },
            tls: Some(crate::record::Tls {
                prot_ver: 0x0303,
                cs_enc_alg: 0x0013,
                ..crate::record::Tls::default()
            }),
            ..Detail::default()
        };
        detail.header.date = 0x0125_326F;
        detail.header.time = 0x004F_AC95;
        detail.encode(&mut all[0]);
        detail.common.sec_protos = 0;
        detail.common.flags = 0x88;
        (detail.common.lip, detail.common.rip) = (v6.octets(), v6.octets());
        detail.tls = None;
        detail.encode(&mut all[1]);
        detail.common = Common11 { event_type: 5, ..Common11::default() };
        detail.encode(&mut all[2]);
        let common = Common12 {
            event_type: 1,
            flags: 0x20,
            sec_protos: SSH,
            srv_ip: address_field([203, 0, 113, 210].into()),
            clt_ip: address_field([198, 51, 100, 177].into()),
            srv_port_start: 1024,
            srv_port_end: 65535,
            ..Common12::default()
        };
        Summary { common, ..Summary::default() }.encode(&mut all[3]);
        all
    }

    fn text(fields: Option<&[&str]>, terminal: Option<usize>) -> String {
        let columns = fields.map(|fields| {
            let fields: Vec<String> = fields.iter().map(|f| (*f).to_owned()).collect();
            named_columns(&fields, FieldNames::Ibm).expect("columns")
        });
        let mut lines = Lines::new(columns, terminal);
        let mut out = lines.head();
        for bytes in records() {
            lines.line(&mut out, &Record::parse(&bytes).expect("a record"));
        }
        anstream::adapter::strip_str(&String::from_utf8(out).expect("text")).to_string()
    }

    #[test]
    fn lines_fit_the_terminal() {
        for terminal in [20, 40, 79, 80, 100, 119, 120, 132, 160, 200, 300] {
            for fields in [None, Some(&["SMF119SC_SALIP", "SMF119SC_SARIP", "SMF119SC_DN"][..])] {
                let text = text(fields, Some(terminal));
                let widest = text.lines().map(|line| line.chars().count()).max();
                assert!(widest <= Some(terminal), "{terminal}: {text}");
                assert_eq!(text.lines().count(), 5);
            }
        }
        assert!(!text(None, Some(80)).contains("PROD1"));
        assert!(text(None, Some(120)).contains("PROD1"));
    }

    #[test]
    fn nothing_is_cut_without_a_terminal() {
        let text = text(None, None);
        let rows: Vec<Vec<&str>> =
            text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert!(rows.iter().all(|row| row.len() == COLUMNS.len()), "{text}");
        assert_eq!(
            rows[1].join(" "),
            "2025-11-22T14:30:15.25 PROD1 TCPIP short 203.0.113.210:23 <- 198.51.100.177:50123 \
             TN3270 TLSv1.2/AES-GCM-256+IPSec 123456790"
        );
        assert_eq!(
            rows[2][4..8],
            [
                "[2001:db8:aaaa:bbbb:cccc:dddd:eeee:1]:23",
                "->",
                "[2001:db8:aaaa:bbbb:cccc:dddd:eeee:1]:50123",
                "TN3270"
            ]
        );
        assert_eq!(rows[3][3..], ["enabled", "-", "-", "-", "-", "-", "-"]);
        assert_eq!(rows[4][4..7], ["198.51.100.177", "->", "203.0.113.210:1024-65535"]);
        // Columns of lines without long values are under their titles.
        let at = |line: &str, word: &str| line.find(word).expect("there");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(at(lines[0], "REMOTE"), at(lines[1], "198.51.100.177"));
    }

    #[test]
    fn fields_are_columns() {
        let fields = ["SMF119SC_SALIP", "SMF119HDTime", "SMF119SC_SAEvent_Type"];
        let text = text(Some(&fields), None);
        let lines: Vec<&str> = text.lines().collect();
        let head = "SMF119SC_SALIP  SMF119HDTime SMF119SC_SAEvent_Type";
        assert_eq!(lines[0], head);
        assert!(lines[1].starts_with("203.0.113.210   14:30:15.25  short connection termination"));
        assert_eq!(lines[4], "-               00:00:00.00  -");
    }
}
