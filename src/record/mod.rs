//! SMF type 119 records as bytes: the layouts, the encoder and the decoder.
//!
//! One list per section ([`field`]) makes the structure, the encoder, the
//! decoder and the field table that `zerttap show` prints from. Integers are
//! big-endian, text is EBCDIC (code page 1047), addresses are 16 bytes with an
//! IPv4 address in the first four.
//!
//! ```
//! use zerttap::record::{Common11, Detail, Header, Identification, Record};
//!
//! let detail = Detail { common: Common11 { event_type: 4, ..Default::default() }, ..Default::default() };
//! let mut bytes = Vec::new();
//! detail.encode(&mut bytes);
//! let record = Record::parse(&bytes).expect("a record");
//! assert_eq!((record.record_type(), record.subtype()), (119, Some(11)));
//! ```

mod assembly;
pub mod detail;
pub mod ebcdic;
pub mod field;
mod image;
mod layout11;
mod layout11_ssh_ipsec;
mod layout12;
mod layout12_late;
mod layout_common;
pub mod level;
mod names;
pub mod summary;
pub mod time;
pub mod value;
pub mod view;

pub use detail::Detail;
pub use image::Image;
pub use layout_common::{Header, Identification};
pub use layout11::{Common11, IpFilter, SelfDefining11, SelfDefining11V2r5, Tls};
pub use layout11_ssh_ipsec::{Ipsec, Ssh, SshV3r2};
pub use layout12::{Common12, Ipsec12, SelfDefining12, Ssh12, Tls12};
pub use layout12_late::{Common12V3r2, Ipsec12V3r2, Tls12V2r4, Tls12V3r2};
pub use level::{Level, Release};
pub use names::{DistinguishedName, Names};
pub use summary::{Attributes, Certificates, Summary};
pub use time::SmfTime;
pub use view::Record;

/// Record type 119.
pub const TYPE_TCPIP: u8 = 119;
/// Subtype 11, zERT connection detail.
pub const SUBTYPE_DETAIL: u16 = 11;
/// Subtype 12, zERT summary.
pub const SUBTYPE_SUMMARY: u16 = 12;
/// System indicator flags of a written record: subtypes used, and the version
/// indicators that SMF sets.
pub const HEADER_FLAGS: u8 = 0x5E;
/// The longest record that may be written unspanned.
pub const MAX_RECORD: usize = 32_756;

/// An address in the 16-byte form of subtypes 11 and 12: IPv6 whole, IPv4 in
/// the first four bytes and zeros after.
pub fn address_field(address: std::net::IpAddr) -> [u8; 16] {
    match address {
        std::net::IpAddr::V4(v4) => {
            let mut out = [0; 16];
            out[..4].copy_from_slice(&v4.octets());
            out
        }
        std::net::IpAddr::V6(v6) => v6.octets(),
    }
}
