//! HOME, INTERFACE, IPCONFIG DYNAMICXCF, VIPADYNAMIC: the addresses of the stack.

use std::net::{IpAddr, Ipv6Addr};

use super::cursor::{Cursor, mask_bits};
use super::statements::begins;
use super::words::Word;
use super::{AddressKind, HomeAddress, Note, Profile, ProfileError, SourceLocation};
use crate::config::Prefix;

const IPV4: &str = "an IPv4 address like 10.1.1.1";
const LINK: &str = "the name of a link";
const VIPA: &str = "a subnet mask or an address";
const VIPA_STATEMENT: &str = "VIPADEFINE, VIPABACKUP, VIPARANGE, VIPADELETE, VIPADISTRIBUTE, \
                              VIPAROUTE, VIPASMPARMS or ENDVIPADYNAMIC";

fn add(
    profile: &mut Profile,
    prefix: Prefix,
    kind: AddressKind,
    statement: &'static str,
    (link, place): (&str, &SourceLocation),
) {
    let (link, place) = (link.to_owned(), place.clone());
    profile.home.push(HomeAddress { prefix, kind, statement, link, place });
}

fn single(address: IpAddr) -> Prefix {
    Prefix::new(address, u8::MAX)
}

/// `HOME address link ...`
pub(super) fn home(cursor: &mut Cursor<'_>, profile: &mut Profile) -> Result<(), ProfileError> {
    // The statement replaces an earlier one.
    profile.home.retain(|h| h.statement != "HOME");
    while let Some(word) = cursor.peek().filter(|w| !begins(w)) {
        let (address, _) = cursor.need_address(IPV4)?;
        if address.is_ipv6() {
            return Err(cursor.wrong(word, IPV4));
        }
        let link = cursor.need(LINK)?;
        add(profile, single(address), AddressKind::Own, "HOME", (&link.text, &word.place));
    }
    Ok(())
}

/// `INTERFACE name DEFINE type ... IPADDR address ...`, ADDADDR, DELADDR, DELETE.
pub(super) fn interface(
    cursor: &mut Cursor<'_>,
    profile: &mut Profile,
) -> Result<(), ProfileError> {
    let name = cursor.need("the name of an interface")?;
    let action = cursor.need("DEFINE, ADDADDR, DELADDR or DELETE")?;
    let of_it =
        |h: &HomeAddress| h.statement == "INTERFACE" && h.link.eq_ignore_ascii_case(&name.text);
    if action.is("DELETE") {
        profile.home.retain(|h| !of_it(h));
        return Ok(());
    }
    if action.is("DELADDR") {
        while let Some((address, _)) = cursor.address() {
            profile.home.retain(|h| !(of_it(h) && h.prefix == single(address)));
        }
    } else if action.is("ADDADDR") {
        let mut addresses = Addresses::default();
        addresses.take(cursor);
        addresses.add(name, profile);
    } else if action.is("DEFINE") {
        let kind = cursor.need("the type of the interface, like IPAQENET")?;
        profile.home.retain(|h| !of_it(h));
        let mut addresses = Addresses::default();
        while let Some(word) = cursor.peek().filter(|w| !begins(w)) {
            cursor.next();
            if word.is("IPADDR") {
                let at = cursor.peek();
                addresses.take(cursor);
                if addresses.given.is_empty() {
                    let expected = "an address, or an IPv6 prefix with its length";
                    return Err(match at {
                        Some(at) => cursor.wrong(at, expected),
                        None => {
                            cursor.need(expected).map_or_else(|e| e, |w| cursor.wrong(w, expected))
                        }
                    });
                }
            } else if word.is("INTFID") {
                let expected = "an interface identifier like 0:0:0:1";
                let id = cursor.need(expected)?;
                addresses.interface =
                    Some(interface_id(&id.text).ok_or_else(|| cursor.wrong(id, expected))?);
            }
        }
        if addresses.given.is_empty() && kind.text.ends_with('6') && !kind.is("VIRTUAL6") {
            note_generated(profile, &name.place, &name.text);
        }
        addresses.add(name, profile);
    }
    while cursor.peek().is_some_and(|w| !begins(w)) {
        cursor.next();
    }
    Ok(())
}

/// The addresses of an interface.
#[derive(Default)]
struct Addresses {
    given: Vec<(IpAddr, Option<u8>, SourceLocation)>,
    /// INTFID, in the low half of an address.
    interface: Option<u64>,
}

impl Addresses {
    fn take(&mut self, cursor: &mut Cursor<'_>) {
        while let Some(word) = cursor.peek() {
            let Some((address, bits)) = cursor.address() else { break };
            self.given.push((address, bits, word.place.clone()));
        }
    }

    fn add(self, name: &Word, profile: &mut Profile) {
        for (address, bits, place) in self.given {
            let address = match (address, bits, self.interface) {
                // A prefix, to which the interface identifier is added.
                (IpAddr::V6(prefix), Some(..=127), Some(id)) => {
                    Ipv6Addr::from(u128::from(prefix) | u128::from(id)).into()
                }
                (IpAddr::V6(_), Some(..=127), None) => {
                    note_generated(profile, &place, &name.text);
                    continue;
                }
                // With IPv4 the length is that of the subnet.
                (address, ..) => address,
            };
            add(profile, single(address), AddressKind::Own, "INTERFACE", (&name.text, &place));
        }
    }
}

fn note_generated(profile: &mut Profile, place: &SourceLocation, name: &str) {
    let text = format!(
        "addresses that interface {name} generates (autoconfiguration) are not in a profile; \
         give them by --home"
    );
    profile.notes.push(Note { place: place.clone(), text });
}

/// `0:0:0:1` or `::1`.
fn interface_id(text: &str) -> Option<u64> {
    let text = if text.contains("::") { text.to_owned() } else { format!("::{text}") };
    let address: Ipv6Addr = text.parse().ok()?;
    u64::try_from(u128::from(address)).ok()
}

/// `IPCONFIG ... DYNAMICXCF address ...`
pub(super) fn ipconfig(cursor: &mut Cursor<'_>, profile: &mut Profile) -> Result<(), ProfileError> {
    let statement = if cursor.statement == "IPCONFIG6" { "IPCONFIG6" } else { "IPCONFIG" };
    while let Some(word) = cursor.peek().filter(|w| !begins(w)) {
        cursor.next();
        if word.is("NODYNAMICXCF") || word.is("DYNAMICXCF") {
            profile.home.retain(|h| h.statement != statement);
        }
        if word.is("DYNAMICXCF") {
            let (address, _) = cursor.need_address("the address of the dynamic XCF link")?;
            add(profile, single(address), AddressKind::Own, statement, ("DYNAMICXCF", &word.place));
        }
    }
    Ok(())
}

/// `VIPADYNAMIC ... ENDVIPADYNAMIC`
pub(super) fn vipadynamic(
    cursor: &mut Cursor<'_>,
    profile: &mut Profile,
) -> Result<(), ProfileError> {
    let mut skipping = false;
    loop {
        cursor.statement = "VIPADYNAMIC".to_owned();
        let word = cursor.need(VIPA_STATEMENT)?;
        let was_skipping = std::mem::replace(&mut skipping, false);
        if word.abbreviates("ENDVIPADYNAMIC", 8) {
            return Ok(());
        } else if word.abbreviates("VIPADEFINE", 7) {
            virtual_addresses(cursor, profile, AddressKind::Own, word)?;
        } else if word.abbreviates("VIPABACKUP", 5) {
            virtual_addresses(cursor, profile, AddressKind::Backup, word)?;
        } else if word.abbreviates("VIPARANGE", 6) {
            range(cursor, profile, word)?;
        } else if word.abbreviates("VIPADELETE", 7) {
            while let Some((address, _)) = cursor.address() {
                profile.home.retain(|h| !(is_virtual(h) && h.prefix == single(address)));
            }
        } else if word.abbreviates("VIPADISTRIBUTE", 8)
            || word.abbreviates("VIPAROUTE", 6)
            || word.abbreviates("VIPASMPARMS", 6)
        {
            // They say who gets connections, and name no further address of
            // this stack.
            skipping = true;
        } else if was_skipping {
            skipping = true;
        } else {
            return Err(cursor.wrong(word, VIPA_STATEMENT));
        }
    }
}

fn is_virtual(address: &HomeAddress) -> bool {
    address.statement.starts_with("VIPA")
}

/// Words that may stand before the addresses of VIPADEFINE, VIPABACKUP and
/// VIPARANGE.
fn is_option(word: &Word) -> bool {
    word.abbreviates("MOVEABLE", 4)
        || word.abbreviates("IMMEDIATE", 5)
        || word.abbreviates("WHENIDLE", 5)
        || word.abbreviates("DISRUPTIVE", 6)
        || word.abbreviates("NONDISRUPTIVE", 7)
        || ["SERVICEMGR", "CPCSCOPE", "TIER1", "TIER2", "DEFINE", "ZIIP"].iter().any(|o| word.is(o))
}

/// Passes over options, a rank, the name of an IPv6 interface, and a mask; returns
/// the length of the mask.
fn before_addresses(cursor: &mut Cursor<'_>) -> Result<Option<u8>, ProfileError> {
    while let Some(word) = cursor.peek()
        && (is_option(word) || word.text.parse::<u8>().is_ok())
    {
        cursor.next();
    }
    let word = cursor.need(VIPA)?;
    if let Ok(address) = word.text.parse() {
        if let Some(bits) = mask_bits(address) {
            return Ok(Some(bits));
        }
        cursor.back();
    } else if word.text.contains(['.', ':', '&']) {
        cursor.back();
        if cursor.peek_address().is_none() {
            return Err(cursor.wrong(word, VIPA));
        }
    }
    // Otherwise it is the name of an IPv6 interface.
    Ok(None)
}

/// `VIPADEFINE [options] mask address ...`, `VIPADEFINE [options] interface
/// address ...` for IPv6, `VIPABACKUP [rank] [options [mask]] address ...`
fn virtual_addresses(
    cursor: &mut Cursor<'_>,
    profile: &mut Profile,
    kind: AddressKind,
    word: &Word,
) -> Result<(), ProfileError> {
    let statement = if kind == AddressKind::Own { "VIPADEFINE" } else { "VIPABACKUP" };
    cursor.statement = statement.to_owned();
    before_addresses(cursor)?;
    let (first, _) = cursor.need_address("an address")?;
    let mut next = Some(first);
    while let Some(address) = next {
        profile.home.retain(|h| !(is_virtual(h) && h.prefix == single(address)));
        add(profile, single(address), kind, statement, ("", &word.place));
        next = cursor.address().map(|(address, _)| address);
    }
    Ok(())
}

/// `VIPARANGE [DEFINE|DELETE] [options] mask address`, or for IPv6 `interface
/// address/length`; SAF and its resource may follow.
fn range(cursor: &mut Cursor<'_>, profile: &mut Profile, word: &Word) -> Result<(), ProfileError> {
    cursor.statement = "VIPARANGE".to_owned();
    let delete = cursor.take("DELETE");
    let mask = before_addresses(cursor)?;
    let (address, length) = cursor.need_address("an address of the range")?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let range = Prefix::new(address, mask.or(length).unwrap_or(most));
    if delete {
        profile.home.retain(|h| h.statement != "VIPARANGE" || h.prefix != range);
    } else {
        add(profile, range, AddressKind::Range, "VIPARANGE", ("", &word.place));
    }
    while let Some(word) = cursor.peek()
        && (is_option(word) || word.is("SAF"))
    {
        if cursor.next().is_some_and(|w| w.is("SAF")) {
            cursor.next();
        }
    }
    Ok(())
}
