//! What the shards emit, in one order that depends on the input alone.
//!
//! The order is (packet clock, ordinal of the connection's first packet,
//! number within the connection). A batch releases what lies before its
//! watermark; later batches cannot emit anything earlier.

use std::sync::Arc;

use hashbrown::HashMap;

use super::address_pair::Pair;
use super::ftp::{Control, EncryptedControl, Expected, Rendezvous};
use super::ledger::Ledger;
use super::resumption::{CompletedSession, IssuedSessions};
use super::sessions::IntervalEnd;
use super::shard::RequestedOutputs;
use super::summaries::{MergedFacts, Summaries, Write};
use crate::config::{Settings, StackView, Views};
use crate::names::overrides::Codes;
use crate::observe::Side;
use crate::observe::ike::Facts;
use crate::record::Detail;
use crate::session::key_exchange;
use crate::sink::jsonl;
use crate::sink::report::Row;
use crate::summary::IntervalCounts;

/// Something to be written.
#[derive(Debug)]
pub(super) struct Emission {
    pub clock: i64,
    pub ordinal: u64,
    pub number: u32,
    pub payload: Payload,
}

/// What is written.
#[derive(Debug)]
pub(super) enum Payload {
    /// An SMF record of a stack, its connection identifier still to be filled in.
    Record(usize, Vec<u8>),
    /// The record of a connection under AH or ESP, which lacks what IKE has
    /// shown of the pair of addresses that carry it.
    IpsecEncapsulation(usize, Box<Detail>, Pair, Side),
    /// The record of a connection whose TLS session was resumed, which lacks the
    /// certificates, and under AH or ESP what IKE has shown.
    Resumed(usize, Box<Detail>, Option<(Pair, Side)>),
    /// A TLS handshake has issued or resumed a session.
    TlsSession(Box<CompletedSession>),
    /// What IKE has shown of a pair; `None` where nothing is sure.
    KeyExchange(Pair, Option<Box<Facts>>),
    /// What one shard has counted in an interval of a stack.
    Sessions(usize, IntervalCounts),
    /// A JSON object of its own.
    Line(Vec<u8>),
    /// An FTP control connection announces a data connection.
    Announcement(Rendezvous, Arc<Control>),
    /// An FTP control connection is encrypted from now on, or is over.
    EncryptedControl(EncryptedControl),
    /// The end of a connection: its JSON object and its row, where wanted; for
    /// TCP also the place and the clock of its first packet; who has seen it.
    Connection {
        line: Option<Vec<u8>>,
        row: Option<Box<Row>>,
        opened: Option<(Rendezvous, i64)>,
        views: Views,
    },
}

/// Where the merged output goes.
pub trait Output {
    /// Why it cannot be written.
    type Error;

    /// An SMF record of a stack, RDW included.
    ///
    /// # Errors
    /// If it cannot be written.
    fn record(&mut self, stack: usize, bytes: &[u8]) -> Result<(), Self::Error>;

    /// A connection's JSON object, line feed included.
    ///
    /// # Errors
    /// If it cannot be written.
    fn line(&mut self, line: &[u8]) -> Result<(), Self::Error>;

    /// What people are told of a connection.
    fn row(&mut self, row: Row);

    /// Everything up to this packet clock has been written.
    ///
    /// # Errors
    /// If what was written cannot be kept.
    fn tick(&mut self, clock: i64) -> Result<(), Self::Error> {
        let _ = clock;
        Ok(())
    }

    /// What is asked of the engine now.
    fn asks(&mut self) -> LiveQueries {
        LiveQueries::default()
    }

    /// The ledger as it stands.
    ///
    /// # Errors
    /// If it cannot be told.
    fn ledger(&mut self, ledger: &Ledger) -> Result<(), Self::Error> {
        let _ = ledger;
        Ok(())
    }

    /// An established connection as a record of its initiation, because a list was
    /// asked for.
    fn listed(&mut self, stack: usize, bytes: &[u8]) {
        let _ = (stack, bytes);
    }

    /// The list is complete.
    fn list_ends(&mut self) {}

    /// A connection under way, because a glance was asked for.
    fn glance(&mut self, row: Row) {
        let _ = row;
    }

    /// The glance is complete.
    fn glance_ends(&mut self) {}
}

/// What is asked of the engine between two batches.
#[derive(Clone, Debug, Default)]
pub struct LiveQueries {
    /// The ledger as it stands.
    pub ledger: bool,
    /// Established connections, as records.
    pub list: bool,
    /// Connections under way, as rows.
    pub glance: bool,
    /// Settings for connections that begin from now on. The stacks have to be the
    /// same but for their addresses and ports.
    pub settings: Option<Arc<Settings>>,
}

/// Merges emissions and gives connections their identifiers.
#[derive(Debug, Default)]
pub(super) struct Merger {
    pending: Vec<Emission>,
    /// Identifiers of connections that have a record and are not over, by stack.
    identifiers: HashMap<(u64, usize), u32>,
    live: hashbrown::HashSet<(u32, usize)>,
    last_identifiers: HashMap<usize, u32>,
    /// Announced FTP data connections.
    expected: Expected,
    /// What IKE has shown, by pair; as many as the shards follow.
    key_exchanges: HashMap<Pair, Box<Facts>>,
    /// TLS sessions that were issued.
    tls_sessions: IssuedSessions,
    codes: Codes,
    /// Names of the stacks, where there are several.
    stacks: Vec<String>,
    summaries: Option<Summaries>,
    /// Up to where everything is written.
    released: Option<i64>,
    pub records: u64,
    pub record_bytes: u64,
}

impl Merger {
    /// A merger for what is wanted.
    pub fn new(settings: &Arc<Settings>, wants: RequestedOutputs) -> Self {
        let summaries = wants.records().then(|| Summaries::new(Arc::clone(settings), wants));
        let all = settings.stacks.list();
        let stacks = all.iter().map(|s| s.identity.stack.clone());
        let stacks = if all.len() > 1 { stacks.collect() } else { Vec::new() };
        Self { codes: settings.codes.clone(), stacks, summaries, ..Self::default() }
    }

    pub fn push(&mut self, emissions: &mut Vec<Emission>) {
        debug_assert!(
            emissions.iter().all(|e| self.released.is_none_or(|clock| e.clock >= clock)),
            "something comes before what is written: it would depend on batches"
        );
        self.pending.append(emissions);
    }

    /// Begins with the clock of the first packet.
    pub fn begin<O: Output>(&mut self, clock: i64, output: &mut O) -> Result<(), O::Error> {
        self.records_of_the_tool(output, |summaries, write| summaries.begin(clock, write))
    }

    /// Writes everything before the watermark, and the summaries of intervals
    /// that end before it.
    pub fn release<O: Output>(&mut self, watermark: i64, output: &mut O) -> Result<(), O::Error> {
        while let Some(end) = self.interval_end().filter(|end| end.clock < watermark) {
            self.close(end, output)?;
        }
        self.released = self.released.max(Some(watermark));
        self.release_if(|e| e.clock < watermark, output)
    }

    /// Ends the intervals up to the last packet, when everything up to it is there.
    pub fn end_intervals<O: Output>(
        &mut self,
        clock: Option<i64>,
        output: &mut O,
    ) -> Result<(), O::Error> {
        while let Some(end) = self.interval_end().filter(|end| Some(end.clock) <= clock) {
            self.close(end, output)?;
        }
        Ok(())
    }

    /// Writes what is left at the end of connections that began before a packet.
    pub fn release_left<O: Output>(
        &mut self,
        ordinal: u64,
        output: &mut O,
    ) -> Result<(), O::Error> {
        self.release_if(|e| e.clock < i64::MAX || e.ordinal < ordinal, output)
    }

    /// Writes everything that is left; `clock` is that of the last packet.
    pub fn finish<O: Output>(
        &mut self,
        clock: Option<i64>,
        output: &mut O,
    ) -> Result<(), O::Error> {
        self.release_if(|_| true, output)?;
        let Some(clock) = clock else { return Ok(()) };
        self.records_of_the_tool(output, |summaries, write| summaries.shut_down(clock, write))
    }

    /// Recording intervals end at these packet clocks, too.
    pub fn end_at(&mut self, ends: &[IntervalEnd]) {
        if let Some(summaries) = &mut self.summaries {
            summaries.end_at(ends);
        }
    }

    fn interval_end(&self) -> Option<IntervalEnd> {
        self.summaries.as_ref().and_then(Summaries::interval_end)
    }

    /// Ends an interval: what was counted up to it is all there.
    fn close<O: Output>(&mut self, end: IntervalEnd, output: &mut O) -> Result<(), O::Error> {
        let counted = |e: &Emission| matches!(e.payload, Payload::Sessions(s, _) if s <= end.stack);
        self.release_if(|e| e.clock < end.clock || e.clock == end.clock && counted(e), output)?;
        self.records_of_the_tool(output, |summaries, write| summaries.close(end, write))
    }

    fn records_of_the_tool<O: Output>(
        &mut self,
        output: &mut O,
        tell: impl FnOnce(&mut Summaries, &mut Write<'_>),
    ) -> Result<(), O::Error> {
        let Some(summaries) = &mut self.summaries else { return Ok(()) };
        let (records, record_bytes) = (&mut self.records, &mut self.record_bytes);
        let mut result = Ok(());
        tell(summaries, &mut |stack, bytes| {
            if result.is_ok() {
                *records += 1;
                *record_bytes += bytes.len() as u64;
                result = output.record(stack, bytes);
            }
        });
        result
    }

    fn release_if<O: Output>(
        &mut self,
        ready: impl Fn(&Emission) -> bool,
        output: &mut O,
    ) -> Result<(), O::Error> {
        if self.pending.is_empty() {
            return Ok(());
        }
        // What was counted in an interval comes before what happens at its end.
        self.pending.sort_unstable_by_key(|e| {
            (e.clock, !matches!(e.payload, Payload::Sessions(..)), e.ordinal, e.number)
        });
        let count = self.pending.partition_point(ready);
        let rest = self.pending.split_off(count);
        for emission in std::mem::replace(&mut self.pending, rest) {
            self.write(emission, output)?;
        }
        Ok(())
    }

    fn write<O: Output>(&mut self, emission: Emission, output: &mut O) -> Result<(), O::Error> {
        match emission.payload {
            Payload::Record(stack, bytes) => self.record((emission.ordinal, stack), bytes, output),
            Payload::IpsecEncapsulation(stack, detail, pair, local) => {
                let bytes = self.ipsec_packet(*detail, pair, local);
                self.record((emission.ordinal, stack), bytes, output)
            }
            Payload::Resumed(stack, mut detail, pair) => {
                self.tls_sessions.complete(emission.ordinal, &mut detail, &self.codes);
                let bytes = self.completed(*detail, pair);
                self.record((emission.ordinal, stack), bytes, output)
            }
            Payload::TlsSession(session) => {
                self.tls_sessions.take(emission.ordinal, *session);
                Ok(())
            }
            Payload::Sessions(stack, counted) => {
                let shown = MergedFacts {
                    tls_sessions: &self.tls_sessions,
                    expected: &self.expected,
                    key_exchanges: &self.key_exchanges,
                    codes: &self.codes,
                };
                if let Some(summaries) = &mut self.summaries {
                    summaries.add(stack, &counted, &shown);
                }
                Ok(())
            }
            Payload::KeyExchange(pair, facts) => {
                match facts {
                    Some(facts) => self.key_exchanges.insert(pair, facts),
                    None => self.key_exchanges.remove(&pair),
                };
                Ok(())
            }
            Payload::Line(mut line) => {
                line.push(b'\n');
                output.line(&line)
            }
            Payload::Announcement(place, control) => {
                self.expected.announce(place, emission.clock, control);
                Ok(())
            }
            Payload::EncryptedControl(change) => {
                self.expected.encrypted(change, emission.clock);
                Ok(())
            }
            Payload::Connection { line, row, opened, views } => {
                let identifiers = views.map(|seen| self.over(emission.ordinal, seen?.stack));
                if let Some(row) = row {
                    output.row(*row);
                }
                let Some(mut line) = line else {
                    self.tls_sessions.over(emission.ordinal);
                    return Ok(());
                };
                if let Some(certificates) = self.tls_sessions.of_connection(emission.ordinal) {
                    let certificates = jsonl::SessionCertificates::new(certificates);
                    append(&mut line, "session_certificates", &certificates);
                }
                self.tls_sessions.over(emission.ordinal);
                let control = opened.and_then(|(place, clock)| self.expected.find(&place, clock));
                if let Some(control) = control {
                    append(&mut line, "ftp_data", control);
                }
                if let Some(identifier) = identifiers[0] {
                    append(&mut line, "connection_id", &identifier);
                }
                if !self.stacks.is_empty() {
                    append(&mut line, "views", &self.views(views, identifiers));
                }
                line.push(b'\n');
                output.line(&line)
            }
        }
    }

    fn record<O: Output>(
        &mut self,
        connection: (u64, usize),
        mut bytes: Vec<u8>,
        output: &mut O,
    ) -> Result<(), O::Error> {
        let identifier = self.identifier(connection);
        Detail::set_connection(&mut bytes, identifier);
        self.records += 1;
        self.record_bytes += bytes.len() as u64;
        output.record(connection.1, &bytes)
    }

    /// The bytes of a record that was completed but for what IKE has shown.
    fn completed(&self, detail: Detail, pair: Option<(Pair, Side)>) -> Vec<u8> {
        if let Some((pair, local)) = pair {
            return self.ipsec_packet(detail, pair, local);
        }
        let mut bytes = Vec::with_capacity(512);
        detail.encode(&mut bytes);
        bytes
    }

    /// Identifiers and tickets of TLS sessions that were forgotten because there were too
    /// many.
    pub fn tls_sessions_forgotten(&self) -> u64 {
        self.tls_sessions.forgotten
    }

    /// The record of a connection under AH or ESP, with what IKE has shown.
    fn ipsec_packet(&self, mut detail: Detail, pair: Pair, local: Side) -> Vec<u8> {
        if let (Some(facts), Some(section)) = (self.key_exchanges.get(&pair), &mut detail.ipsec) {
            key_exchange(section, facts, local, &self.codes);
        }
        let mut bytes = Vec::with_capacity(512);
        detail.encode(&mut bytes);
        bytes
    }

    /// Passes on connections that were listed, by the order of their beginnings.
    pub fn list<O: Output>(&mut self, mut listed: Vec<Emission>, output: &mut O) {
        listed.sort_unstable_by_key(|e| (e.ordinal, e.number));
        for emission in listed {
            let (stack, mut bytes) = match emission.payload {
                Payload::Record(stack, bytes) => (stack, bytes),
                Payload::IpsecEncapsulation(stack, detail, pair, local) => {
                    (stack, self.ipsec_packet(*detail, pair, local))
                }
                Payload::Resumed(stack, mut detail, pair) => {
                    self.tls_sessions.complete(emission.ordinal, &mut detail, &self.codes);
                    (stack, self.completed(*detail, pair))
                }
                _ => continue,
            };
            let identifier = self.identifier((emission.ordinal, stack));
            Detail::set_connection(&mut bytes, identifier);
            output.listed(stack, &bytes);
        }
        output.list_ends();
    }

    /// Security sessions of the intervals under way.
    pub fn sessions(&self) -> u64 {
        self.summaries.as_ref().map_or(0, Summaries::sessions)
    }

    /// Takes other settings from now on.
    pub fn renew(&mut self, settings: &Arc<Settings>) {
        self.codes = settings.codes.clone();
    }

    /// The identifier of a connection, given with a stack that sees it: the next
    /// number that no connection of the stack with records has at this time.
    fn identifier(&mut self, connection: (u64, usize)) -> u32 {
        if let Some(&known) = self.identifiers.get(&connection) {
            return known;
        }
        let last = self.last_identifiers.entry(connection.1).or_default();
        loop {
            *last = last.wrapping_add(1).max(1);
            if self.live.insert((*last, connection.1)) {
                self.identifiers.insert(connection, *last);
                return *last;
            }
        }
    }

    /// A connection is over; returns the identifier that it had.
    fn over(&mut self, ordinal: u64, stack: usize) -> Option<u32> {
        let identifier = self.identifiers.remove(&(ordinal, stack))?;
        self.live.remove(&(identifier, stack));
        Some(identifier)
    }

    /// Who has seen a connection.
    fn views(&self, views: Views, identifiers: [Option<u32>; 2]) -> Vec<jsonl::SeenBy<'_>> {
        let views = views.into_iter().zip(identifiers);
        let line = |(seen, connection_id): (Option<StackView>, _)| {
            let seen = seen?;
            Some(jsonl::SeenBy {
                stack: self.stacks.get(seen.stack)?,
                local: if seen.server { "server" } else { "client" },
                connection_id,
            })
        };
        views.filter_map(line).collect()
    }
}

/// Adds a key to a JSON object.
fn append(object: &mut Vec<u8>, key: &str, value: &impl serde::Serialize) {
    if object.last() == Some(&b'}')
        && let Ok(value) = serde_json::to_string(value)
    {
        object.pop();
        object.extend_from_slice(format!(",\"{key}\":{value}}}").as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Collected(Vec<u32>, Vec<String>);

    impl Output for Collected {
        type Error = std::convert::Infallible;
        fn record(&mut self, _: usize, bytes: &[u8]) -> Result<(), Self::Error> {
            self.0.extend(Detail::connection(bytes));
            Ok(())
        }
        fn line(&mut self, line: &[u8]) -> Result<(), Self::Error> {
            self.1.push(String::from_utf8_lossy(line).into_owned());
            Ok(())
        }
        fn row(&mut self, _: Row) {}
    }

    fn record(clock: i64, ordinal: u64, number: u32) -> Emission {
        Emission { clock, ordinal, number, payload: Payload::Record(0, vec![0; 300]) }
    }

    fn last(clock: i64, ordinal: u64, number: u32) -> Emission {
        let views = [Some(StackView { stack: 0, server: true }), None];
        let line = Some(b"{\"a\":1}".to_vec());
        let payload = Payload::Connection { line, row: None, opened: None, views };
        Emission { clock, ordinal, number, payload }
    }

    #[test]
    fn what_is_at_the_watermark_waits_for_its_equals() {
        let (mut merger, mut out) = (Merger::default(), Collected::default());
        merger.push(&mut vec![record(5, 9, 0), record(3, 1, 0), last(6, 9, 1)]);
        merger.release(5, &mut out).expect("infallible");
        assert_eq!(out.0, [1]);
        merger.push(&mut vec![record(5, 2, 0)]);
        merger.finish(None, &mut out).expect("infallible");
        assert_eq!(out.0, [1, 2, 3]);
        assert_eq!(out.1, ["{\"a\":1,\"connection_id\":3}\n"]);
    }

    #[test]
    fn identifiers_wrap_around_the_live_ones() {
        let (mut merger, mut out) = (Merger::default(), Collected::default());
        merger.push(&mut vec![record(1, 1, 0)]);
        merger.finish(None, &mut out).expect("infallible");
        merger.last_identifiers.insert(0, u32::MAX - 1);
        merger.push(&mut vec![record(2, 2, 0), record(2, 3, 0)]);
        merger.finish(None, &mut out).expect("infallible");
        assert_eq!(out.0, [1, u32::MAX, 2]);
    }
}
