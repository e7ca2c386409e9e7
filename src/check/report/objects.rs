//! The objects of JSON Lines, from which their JSON Schema is made.

use std::collections::BTreeMap;
use std::net::IpAddr;

use schemars::JsonSchema;
use serde::Serialize;

/// What both sides have.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Pair {
    pub(super) schema: u32,
    pub(super) r#type: &'static str,
    #[serde(flatten)]
    pub(super) about: About,
    /// Its events, or its interval.
    pub(super) events: Vec<Event>,
}

/// What one side has alone.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Alone {
    pub(super) schema: u32,
    /// `only_stack` or `only_wire`.
    pub(super) r#type: &'static str,
    #[serde(flatten)]
    pub(super) about: About,
    /// Why the other has it not.
    pub(super) reason: &'static str,
    /// Whether that speaks against the records.
    pub(super) missing: bool,
    /// Where its record is; null where the capture was read.
    pub(super) record: Option<Place>,
}

/// A connection or a session of a system.
#[derive(Debug, Serialize, JsonSchema)]
pub struct About {
    /// SMF system identifier, system name and stack.
    pub(super) system: String,
    #[serde(flatten)]
    pub(super) subject: AboutSubject,
}

/// A connection or a session.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "about", rename_all = "snake_case")]
pub enum AboutSubject {
    /// A connection.
    Connection {
        /// The stack's end.
        local: Endpoint,
        /// The other end.
        remote: Endpoint,
        /// IP protocol.
        ip_proto: u8,
        /// When it began (UTC).
        start: String,
    },
    /// A security session.
    Session {
        /// The server's address.
        server: IpAddr,
        /// The client's address.
        client: IpAddr,
        /// The server's ports, first and last.
        ports: [u16; 2],
        /// IP protocol.
        ip_proto: u8,
        /// When the interval ended, in local time of the records.
        interval_end: String,
    },
}

/// An end of a connection.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Endpoint {
    pub(super) ip: IpAddr,
    pub(super) port: u16,
}

/// An event of a connection, or an interval, of which there are two records.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Event {
    /// The event's type; null of an interval.
    pub(super) event: Option<u8>,
    pub(super) stack_record: Option<Place>,
    pub(super) wire_record: Option<Place>,
    /// Fields that are equal.
    pub(super) equal: Vec<&'static str>,
    /// The others.
    pub(super) differences: Vec<Difference>,
}

/// A field that is not equal.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Difference {
    pub(super) field: &'static str,
    /// `contradiction`, `within_tolerance` or `not_observable`.
    pub(super) verdict: &'static str,
    /// Why, in words.
    pub(super) why: Option<&'static str>,
    pub(super) stack: String,
    pub(super) wire: String,
}

/// Where a record is.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Place {
    pub(super) file: String,
    /// In bytes, of what the file holds decompressed.
    pub(super) offset: u64,
}

/// A fault of the dump.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FaultObject {
    pub(super) schema: u32,
    pub(super) r#type: &'static str,
    pub(super) fault: &'static str,
    /// Whether it speaks against the dump.
    pub(super) wrong: bool,
    pub(super) what: String,
    pub(super) record: Option<Place>,
}

/// What could be compared of a server in an hour, or in an interval.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CoverageObject {
    pub(super) schema: u32,
    pub(super) r#type: &'static str,
    /// `connection` or `session`.
    pub(super) about: &'static str,
    pub(super) system: String,
    pub(super) server: IpAddr,
    pub(super) port: u16,
    /// Of connections the hour in which they began (UTC), of sessions the end of the interval
    /// (local); null for what is not told apart.
    pub(super) time: Option<String>,
    /// On both sides.
    pub(super) compared: u64,
    /// Of those, such as contradict.
    pub(super) contradicted: u64,
    /// On one side without a reason.
    pub(super) missing: u64,
    /// Not comparable, by reason.
    pub(super) not_comparable: BTreeMap<&'static str, u64>,
    /// The share that could be judged.
    pub(super) percent: f64,
}

/// A cause of what differs.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CauseObject {
    pub(super) schema: u32,
    pub(super) r#type: &'static str,
    pub(super) cause: &'static str,
    /// In words.
    pub(super) what: &'static str,
    /// Connections, intervals or faults.
    pub(super) times: u64,
    /// What to do next.
    pub(super) next: &'static str,
    pub(super) example: Option<ExampleObject>,
}

/// An example of a cause.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ExampleObject {
    pub(super) system: String,
    #[serde(flatten)]
    pub(super) about: Option<AboutSubject>,
    /// A display filter of Wireshark for its packets.
    pub(super) display_filter: Option<String>,
    /// Fields that contradict.
    pub(super) fields: Vec<FieldObject>,
    pub(super) stack_record: Option<Place>,
    pub(super) wire_record: Option<Place>,
    /// The stack's record, hexadecimal.
    pub(super) stack_bytes: Option<String>,
    /// The tap's.
    pub(super) wire_bytes: Option<String>,
}

/// A field with both values.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FieldObject {
    pub(super) field: String,
    pub(super) stack: String,
    pub(super) wire: String,
}

/// The outcome in numbers.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Check {
    pub(super) schema: u32,
    pub(super) r#type: &'static str,
    /// `agree`, `disagree` or `cannot_judge`.
    pub(super) judgement: &'static str,
    pub(super) connections: Sides,
    pub(super) intervals: Sides,
    pub(super) missing: u64,
    /// Such as agree with what z/OS stream observation sees, and not with all of the wire.
    pub(super) beyond_observation: u64,
    /// Pairs that contradict, and faults that speak against the dump.
    pub(super) contradictions: u64,
    /// Systematic differences that were not known.
    pub(super) calibrations: u64,
    /// Fields by verdict.
    pub(super) fields: BTreeMap<&'static str, u64>,
    /// Faults of the dump.
    pub(super) faults: BTreeMap<&'static str, u64>,
    pub(super) bytes: Bytes,
    pub(super) calibration: CalibrationObject,
    /// The stack's files, then the tap's.
    pub(super) files: Vec<String>,
}

/// Connections, or intervals, in numbers.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Sides {
    pub(super) pairs: u64,
    pub(super) contradicted: u64,
    /// The share of the stack's that could be judged.
    pub(super) coverage_percent: Option<f64>,
    /// On one side, by reason.
    pub(super) only_stack: BTreeMap<&'static str, u64>,
    pub(super) only_wire: BTreeMap<&'static str, u64>,
}

/// Bytes of the stack's connections.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Bytes {
    pub(super) stack: u64,
    /// Of those that are on both sides.
    pub(super) paired: u64,
}

/// What is systematic.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CalibrationObject {
    /// How far the stack's clock is ahead at first.
    pub(super) clock_seconds: f64,
    pub(super) clock_seconds_at_the_end: f64,
    /// How far the local time of its summary records is ahead.
    pub(super) interval_clock_seconds: f64,
    pub(super) codes: Vec<CodeObject>,
    pub(super) counters: Vec<CounterObject>,
    pub(super) counting: Option<CountingObject>,
}

/// A code that the stack writes where the wire says another.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CodeObject {
    pub(super) field: &'static str,
    /// For fields that follow from it.
    pub(super) cipher_suite: Option<String>,
    pub(super) stack: String,
    pub(super) wire: String,
    pub(super) times: u64,
    /// The line of a file for `--codes`.
    pub(super) codes_line: Option<String>,
}

/// A counter that differs by a rule.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CounterObject {
    pub(super) field: &'static str,
    /// `constant` or `bytes_a_segment`.
    pub(super) rule: &'static str,
    pub(super) difference: i64,
    pub(super) times: u64,
}

/// Which segments and bytes the stack counts.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CountingObject {
    /// Segments that do not count.
    pub(super) without: Vec<&'static str>,
    /// Whether bytes that are sent again count again.
    pub(super) bytes_again: bool,
    /// In words.
    pub(super) what: String,
    /// Counters that it explains.
    pub(super) times: u64,
}
