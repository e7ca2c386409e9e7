//! What makes a security session the same one.

use std::hash::{BuildHasher, Hash, Hasher};
use std::net::IpAddr;
use std::sync::LazyLock;

use data_encoding::HEXUPPER;
use sha1::{Digest, Sha1};

use crate::names::smf::FAILED_CIPHER;
use crate::record::{Attributes, Certificates, Common12, Names, address_field, ebcdic};
use crate::session::ResumedSession;

/// `ss_flags`: IPv6; the local socket is the server, the client.
const IPV6: u8 = 0x80;
const LOCAL_IS_SERVER: u8 = 0x40;
const LOCAL_IS_CLIENT: u8 = 0x20;
/// `ss_sec_protos`.
const TLS: u8 = 0x80;
const SSH: u8 = 0x40;
const IPSEC: u8 = 0x20;

/// What the session identifier is computed over begins with this. Another way
/// to compute it gets another number.
const VERSION: &[u8] = b"zerttap security session 1\0";

/// Which end of a connection is the stack's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// The server.
    Server,
    /// The client.
    Client,
    /// Neither: Enterprise Extender and tunnels have peers. The stack's end
    /// stands in the place of the server.
    Peer,
}

/// A security session's identity.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Identity {
    /// Address of the server.
    pub server: IpAddr,
    /// Address of the client.
    pub client: IpAddr,
    /// Ports of the server, first and last.
    pub ports: (u16, u16),
    /// IP protocol.
    pub ip_proto: u8,
    /// Which end is the stack's.
    pub role: Role,
    /// Job name, EBCDIC.
    pub jobname: [u8; 8],
    /// User identifier, EBCDIC.
    pub user_id: [u8; 8],
    /// The attributes of its protocol.
    pub attributes: Attributes,
    /// What the section says of its certificates from 3.2 on.
    pub certificates: Option<Certificates>,
    /// Distinguished names of its certificates.
    pub names: Names,
}

/// What a shard counts by. The merge may know more of it: what IKE showed of
/// the ends, or that it is FTP's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Compared first, and all that tables hash: a connection's key is looked up several
    /// times.
    hash: u64,
    identity: Identity,
    carrier: Option<(IpAddr, IpAddr)>,
    resumed: Option<ResumedSession>,
}

/// Parts of the identity are the peer's to choose, so that it must not know the hash.
static SEED: LazyLock<foldhash::quality::RandomState> = LazyLock::new(Default::default);

impl Key {
    /// The key of an identity, as far as a shard knows it, and of the stack's and the
    /// other end of the tunnel that carries an IPSec session.
    pub fn new(identity: Identity, carrier: Option<(IpAddr, IpAddr)>) -> Self {
        let hash = SEED.hash_one((&identity, carrier));
        Self { hash, identity, carrier, resumed: None }
    }

    /// The key of a TLS session that was resumed, without its certificates.
    pub fn resumed(identity: Identity, resumed: ResumedSession) -> Self {
        let hash = SEED.hash_one((&identity, resumed));
        Self { hash, identity, carrier: None, resumed: Some(resumed) }
    }

    /// The identity.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// What the session was resumed by.
    pub fn resumed_session(&self) -> Option<ResumedSession> {
        self.resumed
    }

    /// Whether sessions are told apart by the identity alone.
    pub(super) fn is_plain(&self) -> bool {
        self.carrier.is_none() && self.resumed.is_none()
    }

    /// The stack's and the other end of the tunnel.
    pub fn carrier(&self) -> Option<(IpAddr, IpAddr)> {
        self.carrier
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

impl Identity {
    /// The protocol's letter in the session identifier.
    pub fn letter(&self) -> char {
        match self.attributes {
            Attributes::None => 'C',
            Attributes::Tls(_) => 'T',
            Attributes::Ssh(_) => 'S',
            Attributes::Ipsec(_) => 'I',
        }
    }

    /// Whether it is that of handshakes that failed, which has nothing in its
    /// section but where it comes from.
    pub fn is_failed(&self) -> bool {
        match &self.attributes {
            Attributes::Tls(section) => section.neg_cipher == ebcdic::field(FAILED_CIPHER),
            Attributes::Ssh(section) => section.prot_ver == 0,
            Attributes::None | Attributes::Ipsec(_) => false,
        }
    }

    /// The common section with the identity and without counters.
    pub fn common(&self, stack: &str) -> Common12 {
        let mut common = self.bare();
        common.session_id = self.session_id(stack);
        common
    }

    fn bare(&self) -> Common12 {
        let family = if self.server.is_ipv6() { IPV6 } else { 0 };
        let role = match self.role {
            Role::Server => LOCAL_IS_SERVER,
            Role::Client => LOCAL_IS_CLIENT,
            Role::Peer => 0,
        };
        Common12 {
            flags: family | role,
            sec_protos: match self.attributes {
                Attributes::None => 0,
                Attributes::Tls(_) => TLS,
                Attributes::Ssh(_) => SSH,
                Attributes::Ipsec(_) => IPSEC,
            },
            jobname: self.jobname,
            user_id: self.user_id,
            ip_proto: self.ip_proto,
            srv_ip: address_field(self.server),
            clt_ip: address_field(self.client),
            srv_port_start: self.ports.0,
            srv_port_end: self.ports.1,
            ..Common12::default()
        }
    }

    /// The session identifier: the letter, a hyphen, and in upper-case
    /// hexadecimal the SHA-1 of
    ///
    /// 1. the text `zerttap security session 1` and a zero byte,
    /// 2. the stack's name, eight EBCDIC characters,
    /// 3. the common section (204 bytes) with interval duration, event type,
    ///    session identifier and counters zero,
    /// 4. the protocol's section, if there is one, as long as the level has it,
    /// 5. each distinguished name: its type (two bytes, big-endian), its length
    ///    in bytes (two), the name in UTF-8.
    pub fn session_id(&self, stack: &str) -> [u8; 42] {
        let mut bytes = Vec::with_capacity(1024);
        bytes.extend_from_slice(VERSION);
        bytes.extend_from_slice(&ebcdic::field::<8>(stack));
        self.bare().encode(&mut bytes);
        match &self.attributes {
            Attributes::None => {}
            Attributes::Tls(section) => section.encode(&mut bytes),
            Attributes::Ssh(section) => section.encode(&mut bytes),
            Attributes::Ipsec(section) => section.encode(&mut bytes),
        }
        if let Some(certificates) = &self.certificates {
            certificates.encode(&mut bytes);
        }
        for name in self.names.iter() {
            bytes.extend_from_slice(&name.dn_type.to_be_bytes());
            let length = u16::try_from(name.name.len()).unwrap_or(u16::MAX);
            bytes.extend_from_slice(&length.to_be_bytes());
            bytes.extend_from_slice(name.name.as_bytes());
        }
        let mut digits = [0; 40];
        HEXUPPER.encode_mut(&Sha1::digest(&bytes), &mut digits);
        let text = [self.letter(), '-'].into_iter().chain(digits.into_iter().map(char::from));
        let mut id = [ebcdic::BLANK; 42];
        for (slot, byte) in id.iter_mut().zip(text.filter_map(ebcdic::encode_char)) {
            *slot = byte;
        }
        id
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::record::{DistinguishedName, Tls12};

    pub fn identity(port: u16, attributes: Attributes) -> Identity {
        Identity {
            server: [192, 0, 2, 10].into(),
            client: [198, 51, 100, 7].into(),
            ports: (port, port),
            ip_proto: 6,
            role: Role::Server,
            jobname: [0x40; 8],
            user_id: [0x40; 8],
            attributes,
            certificates: None,
            names: Names::default(),
        }
    }

    fn text(id: [u8; 42]) -> String {
        ebcdic::decode(&id)
    }

    #[test]
    fn identifiers_differ_where_anything_significant_does() {
        let clear = identity(23, Attributes::None);
        let id = text(clear.session_id("TCPIP"));
        assert_eq!(id.len(), 42);
        assert!(id.starts_with("C-") && id[2..].bytes().all(|b| b.is_ascii_hexdigit()), "{id}");
        assert_eq!(id, text(clear.session_id("TCPIP")));
        let tls = |prot_ver| Attributes::Tls(Tls12 { prot_ver, ..Tls12::default() });
        let name = DistinguishedName { dn_type: 5, name: "CN=a".into() };
        let others = [
            text(clear.session_id("TCPIP2")),
            text(identity(24, Attributes::None).session_id("TCPIP")),
            text(identity(23, tls(0x0303)).session_id("TCPIP")),
            text(identity(23, tls(0x0304)).session_id("TCPIP")),
            text(Identity { role: Role::Client, ..clear.clone() }.session_id("TCPIP")),
            text(Identity { names: [name].into(), ..clear.clone() }.session_id("TCPIP")),
        ];
        for (n, other) in others.iter().enumerate() {
            assert!(*other != id && !others[n + 1..].contains(other));
        }
    }

    /// The digest by an independent route: the bytes written out.
    #[test]
    fn an_identifier_is_the_digest_of_the_documented_bytes() {
        let mut bytes = b"zerttap security session 1\0".to_vec();
        bytes.extend([0xE3, 0xC3, 0xD7, 0xC9, 0xD7, 0x40, 0x40, 0x40]);
        let mut common = [0u8; 204];
        common[9] = 0x40;
        common[11..27].fill(0x40);
        common[27] = 6;
        common[28..32].copy_from_slice(&[192, 0, 2, 10]);
        common[44..48].copy_from_slice(&[198, 51, 100, 7]);
        common[60..64].copy_from_slice(&[0, 23, 0, 23]);
        bytes.extend(common);
        let digest = Sha1::digest(&bytes);
        let hex: String = digest.iter().map(|b| format!("{b:02X}")).collect();
        let id = text(identity(23, Attributes::None).session_id("TCPIP"));
        assert_eq!(id, format!("C-{hex}"));
    }
}
