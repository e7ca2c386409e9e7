//! What can be said of a field that the stack and the tap have both written.

/// A verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The same.
    Equal,
    /// One of both could not know it.
    NotObservable(VerdictReason),
    /// Different, by no more than was to be expected.
    Tolerated(VerdictReason),
    /// Different.
    Contradiction(VerdictReason),
}

impl Verdict {
    /// As it stands in the JSON output.
    pub fn name(self) -> &'static str {
        match self {
            Self::Equal => "equal",
            Self::NotObservable(_) => "not_observable",
            Self::Tolerated(_) => "within_tolerance",
            Self::Contradiction(_) => "contradiction",
        }
    }

    /// Why, unless it is equal.
    pub fn why(self) -> Option<VerdictReason> {
        match self {
            Self::Equal => None,
            Self::NotObservable(why) | Self::Tolerated(why) | Self::Contradiction(why) => Some(why),
        }
    }
}

/// The reason of a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum VerdictReason {
    /// The protocol's provider has told the stack.
    Provider,
    /// Only the stack knows it.
    StackOnly,
    /// It is encrypted in TLS 1.3.
    Encrypted,
    /// The tap has Unknown: it is not on the wire, or has no code.
    TapUnknown,
    /// The stack has Unknown.
    StackUnknown,
    /// One record's level has no such field.
    Level,
    /// The tap was not told the job.
    NotConfigured,
    /// The capture lacks a part of the connection.
    Incomplete,
    /// z/OS does not watch for it in the middle of a connection.
    LateHandshake,
    /// z/OS stream observation does not see it, and the record agrees with what that sees.
    NotObserved,
    /// One side has several sessions where the other has one: they are compared by sums.
    Together,
    /// The session or the interval began before the capture.
    Before,
    /// Connections that began within ten seconds before the end of an interval count in it on
    /// one side, and in the next on the other.
    Young,
    /// Within the tolerance.
    Tolerance,
    /// It differs in the same way in all records of its kind.
    Calibrated,
    /// The values differ.
    Different,
    /// What the tap was told differs.
    Configured,
    /// The stack says that it protects, and the wire shows that it does not.
    NotOnTheWire,
    /// The wire shows protection, and the stack says that there is none.
    NotInTheStack,
}

impl VerdictReason {
    /// In words.
    pub fn text(self) -> &'static str {
        match self {
            Self::Provider => "a provider of the protocol told the stack",
            Self::StackOnly => "known inside the stack only",
            Self::Encrypted => "encrypted in TLS 1.3",
            Self::TapUnknown => "not seen on the wire, or without a code",
            Self::StackUnknown => "the stack did not record it",
            Self::Level => "the other record's level has no such field",
            Self::NotConfigured => "not configured here",
            Self::Incomplete => "the capture lacks a part of the connection",
            Self::LateHandshake => "a handshake in the middle of the connection",
            Self::NotObserved => "z/OS stream observation does not see it",
            Self::Together => "sessions that one side cannot tell apart, compared by their sums",
            Self::Before => "began before the capture",
            Self::Young => "connections that began shortly before the interval's end",
            Self::Tolerance => "within the tolerance",
            Self::Calibrated => "differs in the same way everywhere",
            Self::Different => "different",
            Self::Configured => "differs from what is configured here",
            Self::NotOnTheWire => "not on the wire",
            Self::NotInTheStack => "on the wire and not in the stack's record",
        }
    }
}

/// One field of a pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldVerdict {
    /// IBM's field name.
    pub field: &'static str,
    /// The verdict.
    pub verdict: Verdict,
    /// What the stack wrote, as `show` prints it.
    pub stack: String,
    /// What the tap wrote.
    pub tap: String,
}
