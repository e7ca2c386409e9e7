//! What counts as weak: rules in a table that a site can replace.
//!
//! A rule says what a connection's protection has to be for the rule to apply;
//! every condition that it names must hold. A condition about something that
//! the wire did not show does not hold: nothing is called weak on a guess.

mod profile;
mod rules;

pub use profile::{PROFILES, Policy, PolicyError};
pub use rules::{Rule, Severity, Subject, When};
