//! What a profile says, as settings.

use std::collections::BTreeMap;

use super::{AddressKind, Port, PortUser, Profile, SourceLocation};
use crate::config::{Home, Job, JobRule, Prefix};

impl Profile {
    /// The addresses of the stack.
    pub fn home(&self) -> Home {
        let of = |own: bool| {
            let all = self.home.iter().filter(|h| (h.kind == AddressKind::Own) == own);
            all.map(|h| h.prefix).filter(|p| !is_loopback(p)).collect()
        };
        Home::new(of(true)).with_possible(of(false))
    }

    /// The jobs that own ports. A port that several jobs share, or of which only a
    /// part of the job's name is said, has no job that could be named. What is bound
    /// to an address comes before what is not.
    pub fn jobs(&self) -> Vec<JobRule> {
        let mut users: BTreeMap<_, Vec<&Port>> = BTreeMap::new();
        for port in &self.ports {
            users
                .entry((port.bind.is_none(), port.bind, port.ports, port.ip_proto))
                .or_default()
                .push(port);
        }
        let mut rules: Vec<JobRule> = users
            .values()
            .filter_map(|ports| {
                let (first, others) = ports.split_first()?;
                let job = match &first.user {
                    PortUser::Job(name) if others.iter().all(|p| p.user == first.user) => {
                        Job { name: name.clone(), ..Job::default() }
                    }
                    // Nobody who could be named; no wider range speaks for it.
                    _ => Job::default(),
                };
                Some(JobRule {
                    address: first.bind.map(|a| Prefix::new(a, u8::MAX)),
                    ports: first.ports,
                    ip_proto: Some(first.ip_proto),
                    outbound: None,
                    job,
                })
            })
            .collect();
        // A single port before a range that it lies in.
        rules.sort_by_key(|r| (r.address.is_none(), r.ports.1 - r.ports.0));
        rules
    }

    /// Whether details and summaries go to SMF, where the profile says so.
    pub fn recorded(&self) -> Option<(bool, bool)> {
        let off = self.zert.as_ref().is_some_and(|z| !z.enabled);
        if off {
            return Some((false, false));
        }
        let aggregates = self.no_aggregation().is_none();
        if self.smf.detail.is_none() && self.smf.summary.is_none() && aggregates {
            return None;
        }
        // What is not said is not recorded.
        let summary = self.smf.summary.unwrap_or(false) && aggregates;
        Some((self.smf.detail.unwrap_or(false), summary))
    }

    /// Where the profile switches zERT on without aggregation: the stack has no summaries.
    pub fn no_aggregation(&self) -> Option<&SourceLocation> {
        self.zert.as_ref().filter(|zert| zert.enabled && !zert.aggregation).map(|zert| &zert.place)
    }
}

fn is_loopback(prefix: &Prefix) -> bool {
    prefix.single().is_some_and(|address| address.is_loopback())
}
