//! `docs/records.md` is made from the field tables; this test holds it equal.
//!
//! `UPDATE_DOCS=1 cargo test --test docs` writes it anew.

use std::io;
use std::path::Path;

use zerttap::dump::{DumpError, Translation, Wrong};
use zerttap::record::{
    Common11, Common12, Header, Identification, IpFilter, Ipsec, Ipsec12, SelfDefining11,
    SelfDefining12, Ssh, Ssh12, Tls, Tls12,
};
use zerttap::sink::layout;

const HEAD: &str = "# Records

SMF type 119, subtypes 11 (zERT connection detail) and 12 (zERT summary), as they
are written. Offsets count from the start of a section, lengths
are bytes, integers are big-endian and unsigned, text is EBCDIC (code page 1047).
Sections follow the self-defining section in the order of their triplets without
padding.

A field that the wire does not show has its fill: X'00', or blanks (X'40') where
the table says so. The header's time and date are in the zone of `--tz`.

# Levels

`--level` says which release's layout is written; the tables below name the release
of a field where it is not V2R3.

| level | release | what it adds |
| --- | --- | --- |
| `v2r3` | V2R3, V2R4 | the default: every later program can read it |
| `v2r5` | V2R5, 3.1 | an eighth triplet in subtype 11, always empty |
| `v3r2` | 3.2 | which end of the connection is the server, in both subtypes; handshakes that failed; certificates in subtype 12 |

Reading takes all of them, and longer sections and more triplets too: what is not known
is shown as bytes, and copied unchanged by `zerttap show -w`.

With `--level v3r2` a connection whose TLS or SSH handshake failed has the protocol's
flag and a section that says so, with the cipher if one was chosen; it belongs to a
security session of failed handshakes, and is counted there. What fails after another
handshake completed is a change. Certificates of the TLS handshake (serial numbers, and
distinguished names, with `--strict` neither) are part of the identity of a session.

# Subtype 11

Seven triplets; S2 (IP filter) is read and
never written. S5 (IPSec) is there while the connection's packets come under AH or
unencrypted ESP, and in the records of an opaque ESP tunnel: IP protocol X'32',
ports zero, bytes from the ESP header on, packets as segments. S6 holds distinguished names: entries of
a 2-byte length (counting itself), a 2-byte type and the name, all of one length,
padded with blanks.

The header's time and date are those of the event; start and end of a connection
are UTC. The end is zero except in events 3 and 4. With `--strict` all certificate
fields are zero and S6 is absent. Events 5 and 6, at the first and the last packet,
have the identification and an empty common section.
";

const SUMMARY: &str = "
# Subtype 12

Six triplets. A connection belongs to one security session for each protocol that
protects it, or to a clear-text session. A session is told apart by the addresses
of server and client, the server's ports, IP protocol, the role of the stack's end,
job, user, and every attribute of its section; with `--strict` no certificates are
among them.

- A connection enters its sessions when it has settled (`--settle`, 10 s), with all
  that it has sent until then, or when it ends before. It is counted once in each;
  as a part of those that it enters later or leaves before its end; as short if it
  lasted less than ten seconds (TCP only).
  A short one is wholly in the sessions of the protection that was found in its life,
  also where that had ended before.
- Bytes and segments count in every session that the connection is in.
- A connection whose TLS session (up to 1.2) was resumed has the certificates of the full
  handshake in which the identifier or the ticket was issued, where that was seen, in
  both subtypes, so that both are in one session; not with `--strict`.
- At the end of an interval there is one record for each session that had a
  connection in it, in the order of addresses, ports and attributes. Counters are
  cumulative: the end of one interval is the beginning of the next. A session
  without connections is forgotten after its record; if it comes back its counters
  begin at zero, and a connection that had left it and enters it again counts anew, as
  a part. So no session has more active connections than connections. Of an interval
  without any session nothing is written.
- Intervals end by packet time at multiples of their length after midnight plus
  `--sync`, in the zone of `--tz`. The first begins with the first packet, the last
  ends with the last one. Of a silence of more than 48 intervals the rest is one
  interval (`intervals_joined` in the ledger).
- The server's ports are the port that was called; 12000 to 12004 for Enterprise
  Extender and zero for tunnels, where the stack's end stands in the server's place;
  20 for connections that come from port 20 (IPv4), with the caller as server; the
  range of `--passive-data-ports`; and where a readable FTP control connection has
  announced the connection, 1024 to 65535 (passive, or IPv6) or the port below that
  of the control connection. The same range stands for connections from 1024 on between
  a client with an encrypted FTP control connection (AUTH TLS) and its server, while that
  is open, if the server has announced passive ports to anybody in clear, and the port is
  that of no job. At the server such sessions have the user *FTPUSR*.
- The session identifier is the protocol's letter, a hyphen and a SHA-1 in upper-case
  hexadecimal over: the text `zerttap security session 1` and a zero byte; the stack's
  name (eight EBCDIC characters); S1 with duration, event type, session identifier
  and counters zero; the protocol's section; of each distinguished name its type and
  its length (two bytes each, big-endian) and the name in UTF-8. It does not equal
  the one that z/OS computes, whose rule is not published.
- The reason in the identification section is X'C0' for the records of an interval
  and X'80' for the last of them; at the end of the input X'50' and X'10'; X'08' in
  the event records at the first and the last packet (aggregation enabled,
  disabled).
";

fn document() -> String {
    let mut out = HEAD.to_owned();
    out += &layout::markdown(&[
        Header::SECTION,
        SelfDefining11::SECTION,
        Identification::SECTION,
        Common11::SECTION,
        IpFilter::SECTION,
        Tls::SECTION,
        Ssh::SECTION,
        Ipsec::SECTION,
    ]);
    out += SUMMARY;
    // Header and identification are those of subtype 11.
    out += &layout::markdown(&[
        SelfDefining12::SECTION,
        Common12::SECTION,
        Tls12::SECTION,
        Ssh12::SECTION,
        Ipsec12::SECTION,
    ]);
    out
}

#[test]
fn the_description_of_the_records_is_that_of_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/records.md");
    let now = document();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &now).expect("written");
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        there == now,
        "docs/records.md is not what the field tables say; UPDATE_DOCS=1 writes it"
    );
}

/// What the readers of dumps may say: every error and every kind of damage.
fn messages() -> Vec<String> {
    let translations = [
        Translation::ToAscii,
        Translation::ToUtf8,
        Translation::ToEbcdic,
        Translation::AsUtf8,
        Translation::SevenBits,
        Translation::Swapped2,
        Translation::Swapped4,
    ];
    let wrong = [
        Wrong::Descriptor(1),
        Wrong::Block(1),
        Wrong::BeyondBlock { record: 100, left: 9 },
        Wrong::BlockLength,
        Wrong::Overlaps(100),
        Wrong::TooShort(100),
        Wrong::Truncated { there: 1, expected: 2 },
        Wrong::NoFirstSegment,
        Wrong::NoLastSegment,
        Wrong::LacksSegment,
        Wrong::TooLong,
        Wrong::Netdata(1),
        Wrong::NoLength(30),
        Wrong::NoRecord,
    ];
    let errors = [
        DumpError::NoDescriptors { offset: 0 },
        DumpError::EmptyArchive(String::new()),
        DumpError::Filler { bytes: 1 },
        DumpError::NoRecords { bytes: 1 },
        DumpError::Unknown { found: "X'00'".to_owned(), hint: "" },
    ];
    // A variant more does not compile before it is in the lists above.
    for one in &wrong {
        match one {
            Wrong::Descriptor(_)
            | Wrong::Block(_)
            | Wrong::BeyondBlock { .. }
            | Wrong::BlockLength
            | Wrong::Overlaps(_)
            | Wrong::TooShort(_)
            | Wrong::Truncated { .. }
            | Wrong::NoFirstSegment
            | Wrong::NoLastSegment
            | Wrong::LacksSegment
            | Wrong::TooLong
            | Wrong::Netdata(_)
            | Wrong::NoLength(_)
            | Wrong::NoRecord => {}
        }
    }
    for one in &errors {
        match one {
            DumpError::Open(_)
            | DumpError::Io { .. }
            | DumpError::NoDescriptors { .. }
            | DumpError::EmptyArchive(_)
            | DumpError::Translated(_)
            | DumpError::Filler { .. }
            | DumpError::NoRecords { .. }
            | DumpError::Unknown { .. } => {}
        }
    }
    let mut all: Vec<String> = translations.iter().map(ToString::to_string).collect();
    all.extend(wrong.iter().map(ToString::to_string));
    all.extend(errors.iter().map(ToString::to_string));
    let packed = [unpacked(&[0x82, 0x83], 1), unpacked(&[0x82, 0xFFF], 0)];
    all.extend(packed.iter().map(ToString::to_string));
    all
}

/// What is wrong with a packed file of these codes, without so many bytes of its end.
fn unpacked(codes: &[u16], cut: usize) -> io::Error {
    use std::io::Read;
    let mut file = vec![2, 1, 0, 80, 0x0C, 0, 0x6D, 0x5E, 0, 0, 0, 0];
    for pair in codes.chunks(2) {
        let (one, two) = (pair[0], pair.get(1).copied().unwrap_or(0));
        file.extend([(one >> 4) as u8, (one << 4) as u8 | (two >> 8) as u8, two as u8]);
    }
    file.truncate(file.len() - cut);
    let input = zerttap::input::Input::new(Path::new("a file"), Box::new(io::Cursor::new(file)));
    match input.look_through() {
        Ok(mut input) => input.read_to_end(&mut Vec::new()).expect_err("damaged"),
        Err(error) => error,
    }
}

/// `docs/zos.md` says of every message what happened and what to do.
#[test]
fn every_message_of_dumps_has_a_row() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/zos.md");
    let text = std::fs::read_to_string(path).expect("the document");
    let rows = text.lines().filter(|line| line.starts_with("| \""));
    let quoted: Vec<&str> = rows
        .filter_map(|row| row.split(" | ").next())
        .flat_map(|cell| cell.split('"').skip(1).step_by(2))
        .collect();
    assert!(quoted.len() > 40, "{quoted:?}");
    for message in messages() {
        let said = |phrase: &&&str| {
            let mut rest = message.as_str();
            phrase.split("...").map(str::trim).all(|piece| {
                let Some(at) = rest.find(piece) else { return false };
                rest = &rest[at + piece.len()..];
                true
            })
        };
        assert!(quoted.iter().any(|phrase| said(&phrase)), "docs/zos.md has no row for: {message}");
    }
}
