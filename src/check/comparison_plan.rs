//! Which fields two records are compared by, and how: worked out once for each shape of a
//! section.

use std::ops::Range;

use crate::record::field::{Field, Format, Section};
use crate::record::view::{Part, Shape};
use crate::record::{Common11, Common12, Ipsec, Ipsec12, Ssh, Ssh12, Tls, Tls12};

/// What kind of field it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// Reserved bytes.
    Reserved,
    /// Judged with the events of the connection, or by who is compared with whom.
    Elsewhere,
    Protocols,
    Flags,
    Bits,
    Configured,
    Start,
    End,
    /// A counter of bytes, or of segments; inbound or not.
    Count {
        bytes: bool,
        inbound: bool,
    },
    /// Only the stack knows it.
    StackOnly,
    Source,
    SessionId,
    Certificate,
    Role,
    /// An address, of which the bytes behind an IPv4 address say nothing.
    Address,
    Code,
}

/// The class of a field.
pub(super) fn class(field: &Field) -> Class {
    if field.format == Format::Reserved {
        return Class::Reserved;
    }
    if field.format == Format::Ip {
        return Class::Address;
    }
    let name = short(field.name);
    let has = |part: &str| name.contains(part);
    match name {
        "SAEvent_Type" | "SAIntervalDuration" => Class::Elsewhere,
        "SASecProtos" => Class::Protocols,
        "SAFlags" => Class::Flags,
        "SAJobname" | "SAJobID" | "SAUserID" => Class::Configured,
        "SASTime" | "SASDate" => Class::Start,
        "SAETime" | "SAEDate" => Class::End,
        "SAInBytes" => Class::Count { bytes: true, inbound: true },
        "SAOutBytes" => Class::Count { bytes: true, inbound: false },
        "SAInSegDG" => Class::Count { bytes: false, inbound: true },
        "SAOutSegDG" => Class::Count { bytes: false, inbound: false },
        "SAConnID" | "SASessionID" | "SASecFlags" | "SSH_Comp" => Class::StackOnly,
        "TLS_Handshake_Role" => Class::Role,
        _ if name.starts_with("SAInit") || name.starts_with("SAEnd") => Class::Elsewhere,
        _ if has("FIPS_Mode") || has("Auth_Method") || has("CKey") || has("Key_FP") => {
            Class::StackOnly
        }
        _ if name.ends_with("_Source") || has("Protocol_Provider") => Class::Source,
        _ if has("Session_ID") => Class::SessionId,
        _ if has("Cert_") => Class::Certificate,
        _ if has("CryptoFlags") || has("TunFlags") => Class::Bits,
        _ => Class::Code,
    }
}

/// A field's name without that of its subtype.
pub(super) fn short(name: &'static str) -> &'static str {
    name.strip_prefix("SMF119SC_").or_else(|| name.strip_prefix("SMF119SS_")).unwrap_or(name)
}

/// The sections that are compared.
pub(super) const SECTIONS: [&Section; 8] = [
    Common11::SECTION,
    Tls::SECTION,
    Ssh::SECTION,
    Ipsec::SECTION,
    Common12::SECTION,
    Tls12::SECTION,
    Ssh12::SECTION,
    Ipsec12::SECTION,
];

/// The names of all fields that records may have, without those of their subtypes.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    SECTIONS.into_iter().flat_map(|section| section.fields.iter().map(|field| short(field.name)))
}

/// How the fields of two sections of one shape are compared.
#[derive(Debug)]
pub(super) struct Plan {
    shape: Shape,
    /// The fields that are compared, in their order.
    pub fields: Vec<Planned>,
    /// Their names.
    pub names: Vec<&'static str>,
    /// Whether they are all equal where their bytes are: neither times nor counters, of
    /// which more is asked.
    pub plain: bool,
    /// Where the codes are that tables of ours may have wrong.
    pub coded: Vec<(&'static str, Range<usize>)>,
    /// Where the cipher suite is.
    pub suite: Option<Range<usize>>,
    /// Where time and date are of the beginning and of the end.
    pub moments: [Option<[Range<usize>; 2]>; 2],
    /// Where the segments are counted, inbound and outbound.
    pub segments: [Option<Range<usize>>; 2],
}

/// A field, its class, and where its bytes are.
#[derive(Debug)]
pub(super) struct Planned {
    pub field: &'static Field,
    pub class: Class,
    pub at: Range<usize>,
}

impl Plan {
    /// The plan for sections of the shape of one.
    pub fn of(part: &Part<'_>) -> Self {
        let all = || part.fields().map(|(field, _)| field);
        let place = |f: &Field| f.offset..f.offset + f.length;
        let named = |name: &str| all().find(|f| short(f.name) == name).map(place);
        let moment = |time, date| Some([named(time)?, named(date)?]);
        let planned =
            |field: &'static Field| Planned { field, class: class(field), at: place(field) };
        let is_compared = |p: &Planned| !matches!(p.class, Class::Reserved | Class::Elsewhere);
        let fields: Vec<Planned> = all().map(planned).filter(is_compared).collect();
        let asks_more =
            |p: &Planned| matches!(p.class, Class::Start | Class::End | Class::Count { .. });
        let codes = fields.iter().filter(|p| may_be_coded(p.field, p.class));
        Self {
            shape: part.shape(),
            names: fields.iter().map(|p| p.field.name).collect(),
            plain: !fields.iter().any(asks_more),
            coded: codes.map(|p| (short(p.field.name), p.at.clone())).collect(),
            suite: all().find(|f| is_suite(f)).map(place),
            moments: [moment("SASTime", "SASDate"), moment("SAETime", "SAEDate")],
            segments: [named("SAInSegDG"), named("SAOutSegDG")],
            fields,
        }
    }

    /// Whether it is for two sections: both have its fields in its places.
    pub fn is_for(&self, one: &Part<'_>, other: &Part<'_>) -> bool {
        self.shape == one.shape() && self.shape == other.shape()
    }
}

/// Whether a field is the cipher suite.
pub(super) fn is_suite(field: &Field) -> bool {
    field.length == 6 && field.name.ends_with("TLS_Neg_Cipher")
}

/// Whether a field has codes that a table of ours may have wrong. Versions are what they
/// are.
pub(super) fn may_be_coded(field: &Field, class: Class) -> bool {
    matches!(class, Class::Code | Class::Certificate)
        && field.codes.is_some()
        && field.length == 2
        && !field.name.ends_with("Prot_Ver")
}
