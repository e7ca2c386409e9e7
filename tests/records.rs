//! Decoding and encoding are inverse to each other on every record: also where
//! it has sections, triplets, gaps or bytes that no table knows.

mod common;

use proptest::prelude::*;
use zerttap::record::{
    Attributes, Common11, Common12, Detail, DistinguishedName, Header, Identification, Ipsec,
    Level, Record, SUBTYPE_DETAIL, SUBTYPE_SUMMARY, Ssh, Summary, TYPE_TCPIP, Tls, Tls12,
};

/// A section as it is put into a record: bytes before it that belong to none, its
/// length beyond the known one (or short of it), how many, and what fills it.
#[derive(Clone, Debug)]
struct Piece {
    gap: usize,
    more: isize,
    number: u16,
    fill: Vec<u8>,
}

fn piece() -> impl Strategy<Value = Piece> {
    (0usize..6, -3isize..40, 0u16..3, prop::collection::vec(any::<u8>(), 1..60))
        .prop_map(|(gap, more, number, fill)| Piece { gap, more, number, fill })
}

/// A record with these sections; the first two have at least their lengths.
fn record(subtype: u16, lengths: &[usize], pieces: &[Piece], reserved: u16) -> Vec<u8> {
    let mut out = vec![0; 28 + 8 * pieces.len()];
    out[4] = 0x5E;
    out[5] = TYPE_TCPIP;
    out[22..24].copy_from_slice(&subtype.to_be_bytes());
    out[24..26].copy_from_slice(&(pieces.len() as u16).to_be_bytes());
    out[26..28].copy_from_slice(&reserved.to_be_bytes());
    for (n, piece) in pieces.iter().enumerate() {
        let needed = n < 2;
        let known = lengths.get(n).copied().unwrap_or(24);
        let more = if needed { piece.more.max(0) } else { piece.more };
        let length = known.saturating_add_signed(more);
        let number = if needed { piece.number.max(1) } else { piece.number };
        out.extend(std::iter::repeat_n(0xEE, piece.gap));
        let (at, triplet) = (out.len() as u32, 28 + 8 * n);
        if number == 0 {
            continue;
        }
        out[triplet..triplet + 4].copy_from_slice(&at.to_be_bytes());
        out[triplet + 4..triplet + 6].copy_from_slice(&(length as u16).to_be_bytes());
        out[triplet + 6..triplet + 8].copy_from_slice(&number.to_be_bytes());
        out.extend(piece.fill.iter().cycle().take(length * usize::from(number)));
    }
    let length = out.len() as u16;
    out[..2].copy_from_slice(&length.to_be_bytes());
    out
}

const LENGTHS_11: [usize; 6] = [64, 128, 100, 168, 284, 236];
const LENGTHS_12: [usize; 5] = [64, 204, 36, 46, 74];

fn detail_again(bytes: &[u8]) -> Vec<u8> {
    let mut again = Vec::new();
    Detail::decode(bytes).expect("a detail record").encode(&mut again);
    again
}

fn summary_again(bytes: &[u8]) -> Vec<u8> {
    let mut again = Vec::new();
    Summary::decode(bytes).expect("a summary record").encode(&mut again);
    again
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_detail_record_is_written_as_it_was_read(
        pieces in prop::collection::vec(piece(), 2..10), reserved: u16,
    ) {
        let bytes = record(SUBTYPE_DETAIL, &LENGTHS_11, &pieces, reserved);
        prop_assert_eq!(detail_again(&bytes), bytes);
    }

    #[test]
    fn a_summary_record_is_written_as_it_was_read(
        pieces in prop::collection::vec(piece(), 2..9), reserved: u16,
    ) {
        let bytes = record(SUBTYPE_SUMMARY, &LENGTHS_12, &pieces, reserved);
        prop_assert_eq!(summary_again(&bytes), bytes);
    }

    /// Triplets that lie, overlap or point nowhere.
    #[test]
    fn hostile_records_are_written_as_they_were_read_or_refused(
        mut bytes in prop::collection::vec(any::<u8>(), 30..900), subtype in 11u8..=12,
    ) {
        let length = bytes.len() as u16;
        bytes[..2].copy_from_slice(&length.to_be_bytes());
        (bytes[4], bytes[5], bytes[22], bytes[23]) = (0x5E, TYPE_TCPIP, 0, subtype);
        bytes[24..26].copy_from_slice(&[0, 7]);
        // Offsets have a chance to lie inside.
        for triplet in bytes[28..].chunks_exact_mut(8).take(7) {
            triplet[..2].fill(0);
            triplet[2] &= 3;
        }
        let record = Record::parse(&bytes).expect("long enough");
        let _ = (Level::of(&record), record.parts(), record.names());
        let mut again = Vec::new();
        if let Some(detail) = Detail::decode(&bytes) {
            detail.encode(&mut again);
        } else if let Some(summary) = Summary::decode(&bytes) {
            summary.encode(&mut again);
        }
        prop_assert!(again.is_empty() || again == bytes);
    }
}

/// A record of a level that is not known yet: longer sections, one section more.
fn later_detail() -> Vec<u8> {
    let piece = |fill: u8, more, number| Piece { gap: 0, more, number, fill: vec![fill] };
    let mut pieces = vec![piece(0xC1, 0, 1), piece(1, 4, 1), piece(0, 0, 0), piece(3, 6, 1)];
    pieces.extend([piece(0, 0, 0), piece(0, 0, 0), piece(0, 0, 0), piece(7, 0, 1)]);
    record(SUBTYPE_DETAIL, &LENGTHS_11, &pieces, 0)
}

#[test]
fn fields_can_be_changed_without_losing_what_is_not_known() {
    let bytes = later_detail();
    let mut detail = Detail::decode(&bytes).expect("a detail record");
    assert_eq!(detail.level, Level::V3r2, "a role is set");
    detail.common.in_bytes = 0x1122_3344_5566_7788;
    let mut changed = Vec::new();
    detail.encode(&mut changed);
    assert_eq!(changed.len(), bytes.len());
    // S1 begins after eight triplets and the identification.
    let at = 28 + 8 * 8 + 64 + 88;
    assert_eq!(changed[at..at + 8], 0x1122_3344_5566_7788u64.to_be_bytes());
    let different = bytes.iter().zip(&changed).filter(|(a, b)| a != b).count();
    assert_eq!(different, 8);
}

#[test]
fn sections_can_come_and_go_without_losing_what_is_not_known() {
    let mut detail = Detail::decode(&later_detail()).expect("a detail record");
    detail.ssh = Some(Ssh::default());
    detail.names = [DistinguishedName { dn_type: 5, name: "CN=a".into() }].into();
    let mut bytes = Vec::new();
    detail.encode(&mut bytes);
    let record = Record::parse(&bytes).expect("a record");
    assert_eq!(record.triplets().len(), 8);
    assert_eq!(record.section(1).map(|s| (s.len(), s[131])), Some((Common11::LEN + 4, 1)));
    assert_eq!(record.section(3).map(|s| (s.len(), s[173])), Some((Tls::LEN + 6, 3)));
    assert_eq!(record.section(4).map(<[u8]>::len), Some(Ssh::LEN));
    assert_eq!(record.section(7), Some(&[7; 24][..]));
    let again = Detail::decode(&bytes).expect("a detail record");
    assert_eq!((again.names, again.ssh.is_some()), (detail.names, true));
}

#[test]
fn levels_are_told_by_triplets_and_lengths() {
    let level = |bytes: &[u8]| Record::parse(bytes).ok().and_then(|r| Level::of(&r));
    for wanted in [Level::V2r3, Level::V2r5] {
        let mut bytes = Vec::new();
        Detail { level: wanted, ipsec: Some(Ipsec::default()), ..Detail::default() }
            .encode(&mut bytes);
        assert_eq!(level(&bytes), Some(wanted));
        let first = 24 + 4 + 8 * if wanted == Level::V2r3 { 7 } else { 8 };
        assert_eq!(bytes[28..36], [0, 0, 0, first, 0, 64, 0, 1]);
    }
    let mut bytes = Vec::new();
    Summary { attributes: Attributes::Tls(Tls12::default()), ..Summary::default() }
        .encode(&mut bytes);
    assert_eq!(level(&bytes), Some(Level::V2r3));
    let pieces = [Header::LEN, Identification::LEN, Common12::LEN];
    assert_eq!(pieces, [24, 64, 204]);
    let plain = |more| Piece { gap: 0, more, number: 1, fill: vec![0] };
    let late = record(SUBTYPE_SUMMARY, &LENGTHS_12, &[plain(0), plain(8)], 0);
    assert_eq!(level(&late), Some(Level::V3r2));
    assert_eq!(level(&record(30, &[], &[plain(0)], 0)), None);
}
