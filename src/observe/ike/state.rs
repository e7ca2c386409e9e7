//! The state of one IKE security association.

use super::facts::Facts;
use super::wire::{self, Header, Payloads};
use crate::observe::Side;

/// Version 1 flag: the payloads are encrypted.
const V1_ENCRYPTED: u8 = 0x01;
/// Version 2 flags: sent by the original initiator; an answer.
const V2_INITIATOR: u8 = 0x08;
const V2_RESPONSE: u8 = 0x20;

const V1_SA: u8 = 1;
const V1_NOTIFY: u8 = 11;
const V2_SA: u8 = 33;
const V2_NOTIFY: u8 = 41;

const MAIN: u8 = 2;
const AGGRESSIVE: u8 = 4;
const QUICK: u8 = 32;
const IKE_SA_INIT: u8 = 34;
const IKE_AUTH: u8 = 35;
const IKE_INTERMEDIATE: u8 = 43;
/// RFC 5723: a ticket stands for the exchange that set up the session.
const IKE_SESSION_RESUME: u8 = 38;
const V2_NONCE: u8 = 40;

/// The observer of one IKE SA.
#[derive(Debug)]
pub struct Ike {
    facts: Facts,
    /// Sides whose encrypted messages after the set-up were seen.
    went_on: [bool; 2],
    /// The responder has accepted a ticket: the algorithms are those of the session
    /// that is resumed, and no message repeats them.
    resumed: bool,
}

impl Ike {
    /// Starts with a message, of which [`wire::spis`] has read the header.
    pub fn new(message: &[u8]) -> Option<Self> {
        let header = wire::header(message)?;
        Some(Self {
            facts: Facts {
                version: header.version,
                initiator: None,
                initiator_spi: header.initiator_spi,
                responder_spi: None,
                exchange: header.exchange,
                choice: None,
                completed: false,
                failure: None,
                messages: 0,
                encrypted: 0,
                nat_traversal: false,
            },
            went_on: [false; 2],
            resumed: false,
        })
    }

    /// What was learned so far.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// ESP or AH flows between the peers: an SA that has its choice is in use.
    pub fn in_use(&mut self) {
        if self.facts.choice.is_some() || self.resumed {
            self.facts.completed = true;
        }
    }

    /// Takes a message of a side.
    pub fn message(&mut self, side: Side, message: &[u8], encapsulated: bool) {
        let Some(header) = wire::header(message) else { return };
        self.facts.messages += 1;
        self.facts.nat_traversal |= encapsulated;
        if header.responder_spi != [0; 8] {
            self.facts.responder_spi = Some(header.responder_spi);
        }
        if header.version >> 4 == 1 {
            self.v1(side, &header, message);
        } else {
            self.v2(side, &header, message);
        }
    }

    fn v1(&mut self, side: Side, header: &Header, message: &[u8]) {
        // The first message has no responder cookie. If the first that was seen
        // has one, its sender is taken for the responder.
        let first = header.responder_spi == [0; 8];
        self.facts.initiator.get_or_insert(if first { side } else { side.other() });
        if matches!(header.exchange, MAIN | AGGRESSIVE) {
            self.facts.exchange = header.exchange;
        }
        if header.flags & V1_ENCRYPTED != 0 {
            self.facts.encrypted += 1;
            // Quick mode needs a phase 1 that both sides have finished.
            if header.exchange == QUICK {
                *side.of_mut(&mut self.went_on) = true;
                self.facts.completed |= self.went_on == [true; 2];
            }
            return;
        }
        for (kind, body) in Payloads::new(header, message) {
            match kind {
                V1_SA if matches!(header.exchange, MAIN | AGGRESSIVE) => {
                    // The responder's SA payload is its choice.
                    let answers = !first && self.facts.initiator != Some(side);
                    if answers && self.facts.choice.is_none() {
                        self.facts.choice = wire::v1_choice(body);
                    }
                }
                V1_NOTIFY => self.notify(false, body),
                _ => {}
            }
        }
    }

    fn v2(&mut self, side: Side, header: &Header, message: &[u8]) {
        let from_initiator = header.flags & V2_INITIATOR != 0;
        self.facts.initiator.get_or_insert(if from_initiator { side } else { side.other() });
        if matches!(header.exchange, IKE_SA_INIT | IKE_SESSION_RESUME) {
            self.facts.exchange = header.exchange;
        }
        // In the first exchange the responder answers, and clears the initiator's flag (RFC
        // 7296 section 3.1).
        let response = header.flags & V2_RESPONSE != 0 && !from_initiator;
        for (kind, body) in Payloads::new(header, message) {
            match kind {
                V2_SA if header.exchange == IKE_SA_INIT && response => {
                    if let Some(choice) = wire::v2_choice(body) {
                        self.facts.choice = Some(choice);
                        self.facts.failure = None;
                    }
                }
                // With TICKET_NACK the answer has no nonce (RFC 5723 section 4.3.2).
                V2_NONCE if header.exchange == IKE_SESSION_RESUME && response => {
                    self.resumed = true;
                    self.facts.failure = None;
                }
                V2_NOTIFY => self.notify(true, body),
                kind if wire::is_encrypted(kind) => {
                    self.facts.encrypted += 1;
                    // Whatever comes after IKE_AUTH shows that it succeeded.
                    let sets_up = matches!(
                        header.exchange,
                        IKE_SA_INIT | IKE_SESSION_RESUME | IKE_AUTH | IKE_INTERMEDIATE
                    );
                    if !sets_up {
                        *side.of_mut(&mut self.went_on) = true;
                        self.facts.completed |= self.went_on == [true; 2];
                    }
                }
                _ => {}
            }
        }
    }

    fn notify(&mut self, version_2: bool, body: &[u8]) {
        if let Some(error) = wire::notify_error(version_2, body)
            && self.facts.choice.is_none()
            && !self.resumed
        {
            self.facts.failure = Some(error);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn v2(exchange: u8, flags: u8, next: u8, payloads: &[u8]) -> Vec<u8> {
        let mut m = vec![1; 8];
        m.extend(if flags & V2_RESPONSE != 0 || exchange != IKE_SA_INIT { [2; 8] } else { [0; 8] });
        m.extend([next, 0x20, exchange, flags, 0, 0, 0, 0]);
        m.extend(u32::try_from(28 + payloads.len()).expect("short").to_be_bytes());
        m.extend(payloads);
        m
    }

    const SA: &[u8] = &[
        0, 0, 0, 40, 0, 0, 0, 36, 1, 1, 0, 3, 3, 0, 0, 12, 1, 0, 0, 20, 0x80, 14, 1, 0, 3, 0, 0, 8,
        2, 0, 0, 6, 0, 0, 0, 8, 4, 0, 0, 20,
    ];
    const I: Side = Side::High;
    const R: Side = Side::Low;

    #[test]
    fn the_choice_is_the_responders_and_retries_are_waited_for() {
        let request = v2(IKE_SA_INIT, V2_INITIATOR, 0, &[]);
        let mut ike = Ike::new(&request).expect("a message");
        ike.message(I, &request, false);
        let invalid_ke =
            v2(IKE_SA_INIT, V2_RESPONSE, V2_NOTIFY, &[0, 0, 0, 10, 0, 0, 0, 17, 0, 19]);
        ike.message(R, &invalid_ke, false);
        assert_eq!(ike.facts().failure, Some(17));
        ike.message(I, &v2(IKE_SA_INIT, V2_INITIATOR, V2_SA, SA), false);
        assert_eq!(ike.facts().choice, None, "an offer is no choice");
        ike.message(R, &v2(IKE_SA_INIT, V2_RESPONSE, V2_SA, SA), false);
        let facts = ike.facts();
        let choice = facts.choice.as_ref().expect("a choice");
        assert_eq!((choice.encryption, choice.prf, choice.group), (Some(20), Some(6), Some(20)));
        assert_eq!((facts.failure, facts.initiator, facts.completed), (None, Some(I), false));
        let sealed = [0, 0, 0, 8, 9, 9, 9, 9];
        ike.message(I, &v2(IKE_AUTH, V2_INITIATOR, 46, &sealed), true);
        ike.message(R, &v2(IKE_AUTH, V2_RESPONSE, 46, &sealed), true);
        assert!(!ike.facts().completed && ike.facts().nat_traversal);
        ike.message(I, &v2(37, V2_INITIATOR, 46, &sealed), true);
        ike.message(R, &v2(37, V2_RESPONSE, 46, &sealed), true);
        assert!(ike.facts().completed);
    }

    #[test]
    fn a_ticket_resumes_a_session_unless_it_is_refused() {
        let nonce = [0, 0, 0, 20, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7];
        // TICKET_NACK is a status and no error.
        let refusal = [0, 0, 0, 8, 0, 0, 0x40, 0x1C];
        for (next, payload, resumed) in [(V2_NONCE, &nonce[..], true), (V2_NOTIFY, &refusal, false)]
        {
            let request = v2(IKE_SESSION_RESUME, V2_INITIATOR, V2_NONCE, &nonce);
            let mut ike = Ike::new(&request).expect("a message");
            ike.message(I, &request, false);
            ike.in_use();
            assert!(!ike.facts().completed, "a request is no answer");
            ike.message(R, &v2(IKE_SESSION_RESUME, V2_RESPONSE, next, payload), false);
            assert_eq!(ike.facts().exchange, IKE_SESSION_RESUME);
            ike.in_use();
            assert_eq!((ike.facts().completed, &ike.facts().choice), (resumed, &None));
        }
    }

    #[test]
    fn noise_does_not_panic() {
        use proptest::prelude::*;
        proptest!(|(noise in prop::collection::vec(any::<u8>(), 0..200))| {
            let mut m = v2(IKE_SA_INIT, V2_RESPONSE, V2_SA, &noise);
            let mut ike = Ike::new(&m).expect("a header");
            ike.message(R, &m, false);
            m[17] = 0x10;
            m[18] = MAIN;
            m[16] = V1_SA;
            ike.message(R, &m, true);
        });
    }
}
