//! What the records of an opaque tunnel say: ESP between two addresses, whose
//! inside encryption hides, is itself reported as a connection under IPSec.

use std::net::IpAddr;

use super::sections::{IPV6, PROTECTED_BY_IPSEC, TUNNEL_ACTIVE, View};
use super::{Event, Kind};
use crate::names::ike_codes as codes;
use crate::observe::{Side, ike};
use crate::record::{Common11, Detail, Ipsec, SmfTime, address_field};

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
        let (out, inward) = (now.local.index(), now.local.other().index());
        let (local, remote) = (now.ends[out], now.ends[inward]);
        let start = SmfTime::utc(now.start);
        let end = match event.kind {
            Kind::Termination | Kind::ShortTermination => SmfTime::utc(event.at),
            Kind::Initiation | Kind::Change => SmfTime::default(),
        };
        detail.common = Common11 {
            event_type: event.kind as u8,
            sec_protos: PROTECTED_BY_IPSEC,
            flags: if local.is_ipv6() { IPV6 } else { 0 },
            ip_proto: IPPROTO_ESP,
            s_time: start.time,
            s_date: start.date,
            e_time: end.time,
            e_date: end.date,
            rip: address_field(remote),
            lip: address_field(local),
            in_bytes: now.bytes[inward],
            out_bytes: now.bytes[out],
            in_seg_dg: now.packets[inward],
            out_seg_dg: now.packets[out],
            ..Common11::default()
        };
        // Mode, algorithms and lifetimes of the tunnel itself are agreed on in
        // encrypted exchanges.
        let mut section = Ipsec {
            ike_tun_lcl_endpt: address_field(local),
            ike_tun_rmt_endpt: address_field(remote),
            tun_flags: if local.is_ipv6() { IPV6 } else { 0 },
            tun_state: TUNNEL_ACTIVE,
            ..Ipsec::default()
        };
        if let Some(facts) = now.ike {
            key_exchange(&mut section, facts, now.local);
        }
        detail.ipsec = Some(section);
        detail
    }
}

/// What an IKE security association showed.
fn key_exchange(section: &mut Ipsec, facts: &ike::Facts, local: Side) {
    section.tun_type = DYNAMIC;
    section.ike_maj_ver = facts.version >> 4;
    section.ike_min_ver = facts.version & 0x0F;
    let Some(choice) = &facts.choice else { return };
    section.ike_tun_dh_group = choice.group.map_or(0, codes::group_code);
    if section.ike_maj_ver >= 2 {
        let encryption = choice.encryption;
        section.ike_tun_enc_alg =
            encryption.map_or(0, |id| codes::v2_encryption_code(id, choice.key_bits));
        section.ike_tun_auth_alg = codes::v2_integrity_code(choice.integrity, encryption);
        section.ike_tun_pseudo_rand_func = choice.prf.map_or(0, codes::v2_prf_code);
        return;
    }
    section.ike_tun_enc_alg =
        choice.encryption.map_or(0, |id| codes::v1_encryption_code(id, choice.key_bits));
    section.ike_tun_auth_alg = choice.integrity.map_or(0, codes::v1_hash_code);
    section.ike_tun_pseudo_rand_func = choice.integrity.map_or(0, codes::v1_prf_code);
    section.ike_tun_lifesize = choice.lifetime_kilobytes.unwrap_or(0);
    section.ike_tun_lifetime = choice.lifetime_seconds.unwrap_or(0) / 60;
    let (initiator, responder) =
        choice.authentication.map_or((0, 0), codes::v1_authentication_codes);
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
