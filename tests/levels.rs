//! Records of later levels, by the offsets of the layouts.

mod common;
#[path = "common/packets.rs"]
mod packets;

use std::path::Path;

use common::{Run, records_of};

const V2R5: [&str; 5] = ["--level", "v2r5", "--detail", "--no-tool-events", "-q"];
const V3R2: [&str; 5] = ["--level", "v3r2", "--detail", "--no-tool-events", "-q"];

fn read(options: &[&str], case: &str) -> Run {
    common::read_all(options, &[&common::case(case).join("capture.pcap")])
}

/// The section of a triplet; triplet 0 is the identification.
fn section(record: &[u8], triplet: usize) -> Option<&[u8]> {
    let t = &record[28 + 8 * triplet..][..8];
    let offset = u32::from_be_bytes([t[0], t[1], t[2], t[3]]) as usize;
    let length = usize::from(u16::from_be_bytes([t[4], t[5]]));
    (t[7] == 1).then(|| &record[offset..offset + length])
}

fn of_subtype(run: &Run, subtype: u8) -> Vec<&[u8]> {
    records_of(&run.records).into_iter().filter(|r| r[23] == subtype).collect()
}

fn number(bytes: &[u8]) -> u32 {
    u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}

/// An EBCDIC blank.
const BLANK: u8 = 0x40;

#[test]
fn v2r5_has_an_eighth_triplet_and_nothing_else() {
    let (early, late) =
        (read(&["--detail", "--no-tool-events", "-q"], "tls12-full"), read(&V2R5, "tls12-full"));
    let (early_detail, late_detail) = (of_subtype(&early, 11)[0], of_subtype(&late, 11)[0]);
    assert_eq!(late_detail.len(), early_detail.len() + 8);
    assert_eq!((early_detail[25], late_detail[25]), (7, 8));
    assert_eq!(late_detail[84..92], [0; 8]);
    for triplet in 0..7 {
        assert_eq!(section(late_detail, triplet), section(early_detail, triplet));
    }
    assert_eq!(of_subtype(&early, 12), of_subtype(&late, 12));
}

#[test]
fn v3r2_tells_the_role_and_the_certificates() {
    let run = read(&V3R2, "tls12-client-certificate");
    let (detail, summary) = (of_subtype(&run, 11)[0], of_subtype(&run, 12)[0]);
    let common = section(detail, 1).expect("S1");
    assert_eq!(common[2], 0x10, "the local socket is the server");
    let (tls, session) = (section(detail, 3).expect("S3"), section(summary, 2).expect("S2"));
    assert_eq!((section(summary, 1).map(<[u8]>::len), session.len()), (Some(212), 116));
    assert_eq!(session[36..42], [0; 6]);
    // Serial number, form and end of validity of the server's certificate.
    assert_eq!(session[42..79], tls[79..116]);
    assert!(session[42] > 0 && session[63] > 0);
    // And of the client's.
    assert_eq!(session[79..116], tls[127..164]);
    let client = common::read_all(
        &[&V3R2[..], &["--home", "192.0.2.0/24"]].concat(),
        &[&common::case("tls12-client-certificate").join("capture.pcap")],
    );
    assert!(client.records.is_empty(), "neither end is the stack's");
}

#[test]
fn v3r2_tells_of_failed_handshakes() {
    let run = read(&V3R2, "tls12-no-shared-cipher");
    let detail = of_subtype(&run, 11)[0];
    let common = section(detail, 1).expect("S1");
    assert_eq!((common[0], common[1]), (4, 0x80));
    let mut tls = section(detail, 3).expect("S3").to_vec();
    // Source, kind of handshake, provider, FFFFFF in the place of the suite.
    assert_eq!((tls[2], tls[3]), (1, 3));
    assert_eq!(
        tls[40..56][..11],
        [0xD6, 0x82, 0xA2, 0x85, 0x99, 0xA5, 0x81, 0xA3, 0x89, 0x96, 0x95]
    );
    assert_eq!(tls[56..62], [0xC6; 6]);
    tls[2..4].fill(0);
    tls[40..62].fill(0);
    assert!(tls.iter().all(|b| *b == 0), "{tls:02X?}");
    let summary = of_subtype(&run, 12)[0];
    let common = section(summary, 1).expect("S1");
    assert_eq!((number(&common[156..]), number(&common[204..]), number(&common[208..])), (1, 0, 1));
    let session = section(summary, 2).expect("S2");
    assert_eq!((session[0], &session[4..10]), (1, &[0xC6; 6][..]));
    assert!(session[10..].iter().all(|b| *b == 0) && session[1..4] == [0; 3]);

    let run = read(&V3R2, "ssh-no-common-cipher");
    let detail = of_subtype(&run, 11)[0];
    assert_eq!(section(detail, 1).map(|s| s[1]), Some(0x40));
    let ssh = section(detail, 4).expect("S4");
    assert_eq!((ssh[0], ssh[1], ssh[4]), (0, 1, 0x80));
    assert!(ssh[8..16].iter().all(|b| *b == BLANK || *b == 0));
    assert!(ssh[32..].iter().all(|b| *b == 0 || *b == BLANK));
    let summary = of_subtype(&run, 12)[0];
    assert_eq!(section(summary, 1).map(|s| number(&s[208..])), Some(1));

    // Where bytes are missing nothing is claimed; earlier levels have no word.
    assert!(read(&V3R2, "cut-frames").records.is_empty());
    let run = read(&V2R5, "tls12-no-shared-cipher");
    assert_eq!(section(of_subtype(&run, 11)[0], 1).map(|s| s[1]), Some(0));
}

/// A capture whose packets from the `first` on come so many seconds later.
fn later(case: &str, first: usize, seconds: i64, to: &Path) {
    let file = std::fs::read(common::case(case).join("capture.pcap")).expect("the capture");
    let mut packets = packets::read(&file).expect("a capture");
    for packet in &mut packets[first..] {
        packet.ts += seconds * 1_000_000_000;
    }
    std::fs::write(to, packets::to_pcap(&packets)).expect("written");
}

#[test]
fn from_v3r2_on_the_initiation_waits_for_a_handshake() {
    let dir = tempfile::tempdir().expect("a directory");
    let capture = dir.path().join("late.pcap");
    // After the ClientHello, which is the fourth packet.
    later("tls12-full", 4, 15, &capture);
    let kinds = |level: &str| -> Vec<(u8, u8)> {
        let run = common::read(&["--level", level, "-q"], &[&capture]);
        run.events.iter().map(|e| (e.kind, e.protocols)).collect()
    };
    assert_eq!(kinds("v2r3"), [(1, 0), (2, 0x80), (3, 0x80)]);
    assert_eq!(kinds("v3r2"), [(1, 0x80), (3, 0x80)]);
    later("tls12-no-shared-cipher", 4, 15, &capture);
    assert_eq!(kinds("v2r3"), [(1, 0), (3, 0)]);
    assert_eq!(kinds("v3r2"), [(1, 0x80), (3, 0x80)]);
}
