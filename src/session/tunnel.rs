//! What the records of an opaque tunnel say: ESP between two addresses, whose
//! inside encryption hides, is itself reported as a connection under IPSec.

use std::net::IpAddr;

use super::Event;
use super::sections::{PROTECTED_BY_IPSEC, View, event_between, tunnel_between};
use crate::names::overrides::Codes;
use crate::observe::{Side, ike};
use crate::record::{Common11, Detail, Ipsec};

/// `ip_proto`: ESP, also where it is in UDP.
const IPPROTO_ESP: u8 = 0x32;
/// `ipsec_tun_type`: dynamic.
const DYNAMIC: u8 = 0x02;

/// A tunnel at the moment of an event. Pairs are indexed by side.
#[derive(Clone, Copy, Debug)]
pub struct TunnelSnapshot<'a> {
    /// Addresses of its ends.
    pub ends: [IpAddr; 2],
    /// Which of them is the stack's.
    pub local: Side,
    /// The first packet.
    pub start: i64,
    /// Bytes sent, from the ESP header on.
    pub bytes: [u64; 2],
    /// Packets sent.
    pub packets: [u64; 2],
    /// The IKE security association that it belongs to.
    pub ike: Option<&'a ike::Facts>,
}

impl View<'_> {
    /// The record of a tunnel's event. Its connection identifier is left at
    /// zero.
    pub fn tunnel(&self, event: Event, now: &TunnelSnapshot<'_>) -> Detail {
        let mut detail = self.frame(event);
        let (out, inward) = (now.local, now.local.other());
        let (local, remote) = (*out.of(&now.ends), *inward.of(&now.ends));
        detail.common = Common11 {
            sec_protos: PROTECTED_BY_IPSEC,
            ip_proto: IPPROTO_ESP,
            in_bytes: *inward.of(&now.bytes),
            out_bytes: *out.of(&now.bytes),
            in_seg_dg: *inward.of(&now.packets),
            out_seg_dg: *out.of(&now.packets),
            ..event_between(event, now.start, local, remote)
        };
        // Mode, algorithms and lifetimes of the tunnel itself are agreed on in
        // encrypted exchanges.
        let mut section = tunnel_between(local, remote);
        if let Some(facts) = now.ike {
            key_exchange(&mut section, facts, now.local, self.codes);
        }
        detail.ipsec = Some(section);
        detail
    }
}

/// Fills in what an IKE security association showed, seen from the local end.
pub fn key_exchange(section: &mut Ipsec, facts: &ike::Facts, local: Side, codes: &Codes) {
    section.tun_type = DYNAMIC;
    section.ike_maj_ver = facts.version >> 4;
    section.ike_min_ver = facts.version & 0x0F;
    let Some(choice) = &facts.choice else { return };
    section.ike_tun_dh_group = choice.group.map_or(0, |id| codes.ike_group(id));
    if section.ike_maj_ver >= 2 {
        let encryption = choice.encryption;
        section.ike_tun_enc_alg =
            encryption.map_or(0, |id| codes.ikev2_encryption(id, choice.key_bits));
        section.ike_tun_auth_alg = codes.ikev2_integrity(choice.integrity, encryption);
        section.ike_tun_pseudo_rand_func = choice.prf.map_or(0, |id| codes.ikev2_prf(id));
        return;
    }
    section.ike_tun_enc_alg =
        choice.encryption.map_or(0, |id| codes.ikev1_encryption(id, choice.key_bits));
    section.ike_tun_auth_alg = choice.integrity.map_or(0, |id| codes.ikev1_hash(id));
    section.ike_tun_pseudo_rand_func = choice.integrity.map_or(0, |id| codes.ikev1_prf(id));
    section.ike_tun_lifesize = choice.lifetime_kilobytes.unwrap_or(0);
    section.ike_tun_lifetime = choice.lifetime_seconds.unwrap_or(0) / 60;
    let (initiator, responder) =
        choice.authentication.map_or((0, 0), |id| codes.ikev1_authentication(id));
    let (here, there) = match facts.initiator {
        Some(side) if side == local => (initiator, responder),
        Some(_) => (responder, initiator),
        // Who began is not known: said only where both do the same.
        None if initiator == responder => (initiator, responder),
        None => (0, 0),
    };
    section.ike_tun_lcl_auth_meth = here;
    section.ike_tun_rmt_auth_meth = there;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Settings;
    use crate::session::Kind;

    const SECOND: i64 = 1_000_000_000;
    /// Where the common section and S5 begin in a record without other sections.
    const COMMON: usize = 148;
    const S5: usize = 276;

    fn facts(version: u8) -> ike::Facts {
        let choice = ike::Choice {
            encryption: Some(if version == 0x20 { 20 } else { 7 }),
            key_bits: Some(256),
            integrity: if version == 0x20 { None } else { Some(4) },
            prf: Some(6).filter(|_| version == 0x20),
            group: Some(20),
            authentication: Some(64221).filter(|_| version == 0x10),
            lifetime_seconds: Some(28_800).filter(|_| version == 0x10),
            ..ike::Choice::default()
        };
        ike::Facts {
            version,
            initiator: Some(Side::High),
            initiator_spi: [1; 8],
            responder_spi: Some([2; 8]),
            exchange: 34,
            choice: Some(choice),
            completed: true,
            failure: None,
            messages: 4,
            encrypted: 2,
            nat_traversal: false,
        }
    }

    /// The bytes of a record whose local end is the lower address.
    fn record(kind: Kind, ike: Option<&ike::Facts>) -> Vec<u8> {
        let settings = Settings::default();
        let view = View::of(&settings, 0);
        let snapshot = TunnelSnapshot {
            ends: [[192, 0, 2, 1].into(), [192, 0, 2, 2].into()],
            local: Side::Low,
            start: 1_700_000_000 * SECOND,
            bytes: [1000, 500],
            packets: [10, 5],
            ike,
        };
        let event = Event::new(kind, 1_700_000_010 * SECOND);
        let mut bytes = Vec::new();
        view.tunnel(event, &snapshot).encode(&mut bytes);
        bytes
    }

    fn at(bytes: &[u8], section: usize, offset: usize, length: usize) -> u64 {
        bytes[section + offset..][..length].iter().fold(0, |v, &b| v << 8 | u64::from(b))
    }

    /// Offsets are those of the layout tables.
    #[test]
    fn a_tunnel_is_a_connection_under_ipsec() {
        let bytes = record(Kind::Initiation, None);
        assert_eq!(bytes.len(), 512);
        assert_eq!(bytes[COMMON..COMMON + 2], [1, 0x20]);
        assert_eq!(bytes[COMMON + 4], 0x32);
        // Everything of the tunnel but its ends and its being there is unknown.
        let section = &bytes[S5..];
        assert_eq!(section.len(), 236);
        assert_eq!(section[214], 1);
        let known = [8..88, 141..156, 189..204, 214..215];
        let rest = (0..236).filter(|n| !known.iter().any(|k| k.contains(n)));
        assert!(rest.into_iter().all(|n| section[n] == 0));
    }

    #[test]
    fn version_2_gives_what_its_first_exchange_shows() {
        let bytes = record(Kind::Termination, Some(&facts(0x20)));
        let field = |offset, length| at(&bytes, S5, offset, length);
        assert_eq!((field(4, 1), field(5, 1), field(213, 1)), (2, 0, 2));
        // Authentication is encrypted.
        assert_eq!((field(88, 2), field(90, 2)), (0, 0));
        assert_eq!([field(92, 2), field(94, 2), field(96, 2), field(98, 2)], [1, 0x13, 0x14, 3]);
        assert_eq!((field(100, 4), field(104, 4)), (0, 0));
    }

    #[test]
    fn version_1_gives_authentication_and_lifetime_too() {
        let bytes = record(Kind::Initiation, Some(&facts(0x10)));
        let field = |offset, length| at(&bytes, S5, offset, length);
        assert_eq!((field(4, 1), field(5, 1)), (1, 0));
        // Hybrid: only the responder, who is local, has a certificate.
        assert_eq!((field(88, 2), field(90, 2)), (2, 0));
        assert_eq!([field(92, 2), field(94, 2), field(96, 2), field(98, 2)], [6, 0xE, 0x14, 2]);
        assert_eq!(field(104, 4), 480);
    }
}
