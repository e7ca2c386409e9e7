//! What differs, by what it means rather than by field: one cause for each connection, interval
//! or fault, the most serious that it has.

use std::collections::BTreeMap;

use super::observation::{RecordLocation, System};
use super::outcome::{Compared, Reason, Subject};
use super::self_check::SelfCheckFinding;
use super::verdict::{Verdict, VerdictReason};

/// Why records speak against the stack, the most serious first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Cause {
    /// The dump itself is wrong.
    Records,
    /// Protection that the stack claims and the wire does not show.
    NotOnTheWire,
    /// Protection on the wire that the stack has not recorded.
    NotInTheStack,
    /// On the wire, and the stack has written nothing.
    NotRecorded,
    /// Recorded, and nothing on the wire.
    NothingOnTheWire,
    /// Local and remote end are exchanged.
    EndsSwapped,
    /// Version, cipher, keys or certificates are others.
    Attributes,
    /// A record of an event is missing, or of another kind.
    Events,
    /// Connections, bytes or segments are counted otherwise.
    Counters,
    /// Beginning or end is another.
    Times,
    /// What is configured here, such as jobs, is another.
    Configured,
}

impl Cause {
    /// As it stands in the JSON output.
    pub fn name(self) -> &'static str {
        match self {
            Self::Records => "records",
            Self::NotOnTheWire => "not_on_the_wire",
            Self::NotInTheStack => "not_in_the_stack",
            Self::NotRecorded => "not_recorded",
            Self::NothingOnTheWire => "nothing_on_the_wire",
            Self::EndsSwapped => "ends_swapped",
            Self::Attributes => "attributes",
            Self::Events => "events",
            Self::Counters => "counters",
            Self::Times => "times",
            Self::Configured => "configured",
        }
    }

    /// In words.
    pub fn text(self) -> &'static str {
        match self {
            Self::Records => "the dump itself is wrong",
            Self::NotOnTheWire => "the stack claims protection that the wire does not show",
            Self::NotInTheStack => "the wire shows protection that the stack has not recorded",
            Self::NotRecorded => "on the wire, and the stack has written nothing",
            Self::NothingOnTheWire => "recorded, and nothing is on the wire",
            Self::EndsSwapped => "local and remote end are exchanged",
            Self::Attributes => "version, cipher, keys or certificates are others",
            Self::Events => "a record of an event is missing, or of another kind",
            Self::Counters => "connections, bytes or segments are counted otherwise",
            Self::Times => "beginning or end is another",
            Self::Configured => "a job or user is not the one that is configured here",
        }
    }

    /// What to do next.
    pub fn next(self) -> &'static str {
        match self {
            Self::Records => {
                "Dump the records again, with their record descriptor words and in binary; if the \
                 faults stay, look for lost or doubled SMF data sets of the period."
            }
            Self::NotOnTheWire => {
                "Look at the packets by the display filter: if they are clear text, the record \
                 cannot be relied on; ask for the APAR level of the stack and of the provider."
            }
            Self::NotInTheStack => {
                "Look whether the handshake comes in the middle of the connection, where the \
                 application has to announce it (SIOCSHSNOTIFY), or whether zERT was enabled later."
            }
            Self::NotRecorded => {
                "See by server and interval what is missing: an hour is lost SMF data, a server \
                 is a recording that does not cover it (SMFCONFIG, GLOBALCONFIG ZERT)."
            }
            Self::NothingOnTheWire => {
                "See whether the capture point sees these addresses in both directions; if it \
                 does, the records are of connections that were not there."
            }
            Self::EndsSwapped => {
                "Count such sessions by hand: a report by server or client has them on the wrong \
                 side."
            }
            Self::Attributes => {
                "Compare the two records field by field (`zerttap show --hex`); where one value \
                 always differs, it is a table: see the systematic differences."
            }
            Self::Events => {
                "See whether the missing records lie in a gap of the SMF data; a connection \
                 without its end stays open in reports."
            }
            Self::Counters => {
                "Where all connections differ, give the rule of counting by --calibrated; a \
                 single one is a mistake of the record, or packets that the capture lacks."
            }
            Self::Times => {
                "See whether the system's clock was set in the period; a single one is a mistake \
                 of the record."
            }
            Self::Configured => {
                "Compare the jobs in the settings with PORT statements of the profile."
            }
        }
    }

    /// The cause of a field that contradicts.
    fn of(field: &str, why: VerdictReason) -> Self {
        let ends = |part: &str| field.contains(part);
        match why {
            VerdictReason::NotOnTheWire => Self::NotOnTheWire,
            VerdictReason::Configured => Self::Configured,
            _ if ends("SAEvent_Type") => Self::Events,
            VerdictReason::NotInTheStack => Self::NotInTheStack,
            _ if ends("Bytes") || ends("SegDG") || ends("ConnCnt") => Self::Counters,
            _ if ["SASTime", "SASDate", "SAETime", "SAEDate"].iter().any(|f| ends(f)) => {
                Self::Times
            }
            _ => Self::Attributes,
        }
    }
}

/// An example of a cause, down to the two records.
#[derive(Clone, Debug)]
pub struct CauseExample {
    /// Whose record.
    pub system: System,
    /// What it is about; `None` of a fault of the dump.
    pub subject: Option<Subject>,
    /// Fields that differ, with what the stack and the tap wrote; or what is wrong.
    pub fields: Vec<(String, String, String)>,
    /// Where the records are.
    pub places: [Option<RecordLocation>; 2],
    /// The bytes of the stack's record and of the tap's.
    pub records: [Vec<u8>; 2],
}

/// All causes, how often they are met, and an example of each.
#[derive(Clone, Debug, Default)]
pub struct Causes(pub BTreeMap<Cause, (u64, Option<CauseExample>)>);

impl Causes {
    /// Takes a pair; the most serious cause that it has counts.
    pub(super) fn pair(&mut self, system: System, subject: Subject, events: &[Compared<'_>]) {
        let mut worst: Option<(Cause, &Compared<'_>)> = None;
        for event in events {
            for judged in &event.comparison.others {
                let Verdict::Contradiction(why) = judged.verdict else { continue };
                let cause = Cause::of(judged.field, why);
                if worst.is_none_or(|(known, _)| cause < known) {
                    worst = Some((cause, event));
                }
            }
        }
        let Some((cause, event)) = worst else { return };
        let (count, example) = self.0.entry(cause).or_default();
        *count += 1;
        if example.is_none() {
            let fields = event.comparison.others.iter().filter_map(|judged| {
                let wrong = matches!(judged.verdict, Verdict::Contradiction(_));
                let values = || (judged.field.to_owned(), judged.stack.clone(), judged.tap.clone());
                wrong.then(values)
            });
            let bytes = |bytes: Option<&[u8]>| bytes.unwrap_or_default().to_vec();
            *example = Some(CauseExample {
                system,
                subject: Some(subject),
                fields: fields.collect(),
                places: event.places.into(),
                records: [bytes(event.bytes.0), bytes(event.bytes.1)],
            });
        }
    }

    /// Takes what one side has alone.
    pub(super) fn alone(
        &mut self,
        (system, subject): (System, Subject),
        of_stack: bool,
        reason: Reason,
        place: RecordLocation,
    ) {
        let cause = match reason {
            Reason::EndsSwapped => Cause::EndsSwapped,
            Reason::Missing if of_stack => Cause::NothingOnTheWire,
            Reason::Missing => Cause::NotRecorded,
            _ => return,
        };
        let (count, example) = self.0.entry(cause).or_default();
        *count += 1;
        if example.is_none() {
            let places = if of_stack { [Some(place), None] } else { [None, Some(place)] };
            let (fields, records) = (Vec::new(), [Vec::new(), Vec::new()]);
            *example =
                Some(CauseExample { system, subject: Some(subject), fields, places, records });
        }
    }

    /// Takes a fault of the dump.
    pub(super) fn fault(&mut self, found: &SelfCheckFinding, count: u64) {
        if !found.fault.is_wrong() {
            return;
        }
        let (all, example) = self.0.entry(Cause::Records).or_default();
        *all += count;
        if example.is_none() {
            let fields = vec![(found.fault.text().to_owned(), found.what.clone(), String::new())];
            *example = Some(CauseExample {
                system: System::default(),
                subject: None,
                fields,
                places: [Some(found.place), None],
                records: [Vec::new(), Vec::new()],
            });
        }
    }
}
