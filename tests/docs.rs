//! `docs/records.md` is made from the field tables; this test holds it equal.
//!
//! `UPDATE_DOCS=1 cargo test --test docs` writes it anew.

use std::fmt::Write;
use std::path::Path;

use zerttap::record::field::{Format, Section, Significance};
use zerttap::record::{
    Common11, Header, Identification, IpFilter, Ipsec, SelfDefining11, Ssh, Tls,
};

const HEAD: &str = "# Subtype 11 records

zERT connection detail, as it is written: z/OS V2R3 level, seven triplets.
Offsets count from the start of a section, lengths are bytes, integers are
big-endian and unsigned, text is EBCDIC (code page 1047). Sections follow the
self-defining section in this order without padding; S2 (IP filter) is read and
never written. S5 (IPSec) is there while the connection's packets come under AH or
unencrypted ESP, and in the records of an opaque ESP tunnel: IP protocol X'32',
ports zero, bytes from the ESP header on, packets as segments. S6 holds distinguished names: entries of
a 2-byte length (counting itself), a 2-byte type and the name, all of one length,
padded with blanks.

A field that the wire does not show has its fill: X'00', or blanks (X'40') where
the table says so. The header's time and date are those of the event in the zone
of `--tz`; start and end of a connection are UTC. The end is zero except in
events 3 and 4. With `--strict` all certificate fields are zero and S6 is absent.
";

fn document() -> String {
    let mut out = HEAD.to_owned();
    let sections: [&Section; 8] = [
        Header::SECTION,
        SelfDefining11::SECTION,
        Identification::SECTION,
        Common11::SECTION,
        IpFilter::SECTION,
        Tls::SECTION,
        Ssh::SECTION,
        Ipsec::SECTION,
    ];
    for section in sections {
        writeln!(out, "\n## {}: {} ({} bytes)\n", section.id, section.title, section.length)
            .expect("text");
        out.push_str(
            "| offset | length | name | format | meaning |\n| --- | --- | --- | --- | --- |\n",
        );
        for field in section.fields {
            let format = match field.format {
                Format::Binary => "binary",
                Format::Ebcdic => "EBCDIC",
                Format::Packed => "packed date",
                Format::Flags => "flags",
                Format::Ip => "address",
                Format::Bytes => "bytes",
                Format::Reserved => "reserved",
            };
            let fill = if field.fill == 0 { "" } else { ", blanks" };
            let codes = field.codes.map(|c| format!(" Codes: `{}`.", c.id)).unwrap_or_default();
            let significant = match field.significance {
                Significance::Significant => " Significant.",
                Significance::Informational | Significance::None => "",
            };
            writeln!(
                out,
                "| {} | {} | `{}` | {format}{fill} | {}{codes}{significant} |",
                field.offset,
                field.length,
                field.name,
                field.meaning.concat().trim().replace('|', "\\|")
            )
            .expect("text");
        }
    }
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
