//! PORT and PORTRANGE: which job may use which port.

use super::cursor::Cursor;
use super::statements::begins;
use super::words::Word;
use super::{Port, PortUser, Profile, ProfileError};

/// IP protocol numbers.
const TCP: u8 = 6;
const UDP: u8 = 17;

const NEXT: &str =
    "a port from 1 to 65535, an option like SHAREPORT or BIND, or the next statement";
const JOB: &str = "a job name of 1 to 8 characters, *, OMVS or RESERVED";

/// Options of a reservation that say nothing of its job.
const OPTIONS: &[&str] = &[
    "AUTOLOG",
    "NOAUTOLOG",
    "DELAYACKS",
    "NODELAYACKS",
    "SHAREPORT",
    "SHAREPORTWLM",
    "SMC",
    "NOSMC",
    "SMCR",
    "NOSMCR",
    "SMCD",
    "NOSMCD",
    "EPHEMERALPORT",
    "DENY",
    "WHENLISTEN",
    "WHENBIND",
];

/// `PORT number TCP|UDP job [options] ...`
pub(super) fn port(cursor: &mut Cursor<'_>, profile: &mut Profile) -> Result<(), ProfileError> {
    while let Some(word) = cursor.peek().filter(|w| !begins(w)) {
        if word.is("UNRSV") {
            // What is done with ports that nobody has reserved.
            cursor.next();
            protocol(cursor)?;
            job(cursor)?;
            options(cursor)?;
            continue;
        }
        if word.first && word.text.parse::<u32>().is_err() && !word.text.contains('&') {
            // A statement that is not known.
            return Ok(());
        }
        let Some(first) = word.text.parse().ok().filter(|&n: &u16| n > 0) else {
            return Err(cursor.wrong(word, NEXT));
        };
        cursor.next();
        reserve(cursor, profile, word, (first, first))?;
    }
    Ok(())
}

/// `PORTRANGE first count TCP|UDP job [options] ...`
pub(super) fn port_range(
    cursor: &mut Cursor<'_>,
    profile: &mut Profile,
) -> Result<(), ProfileError> {
    while let Some(word) = cursor.peek().filter(|w| !begins(w)) {
        if word.first && word.text.parse::<u32>().is_err() && !word.text.contains('&') {
            return Ok(());
        }
        let ports = range(cursor)?;
        reserve(cursor, profile, word, ports)?;
    }
    Ok(())
}

/// First and last of a range given by its first port and their number.
fn range(cursor: &mut Cursor<'_>) -> Result<(u16, u16), ProfileError> {
    let first = cursor.number(1, 65_535, "the first port of the range,")?;
    let count = cursor.number(1, 65_536 - first, "the number of ports in the range,")?;
    let port = |n: u32| u16::try_from(n).unwrap_or(u16::MAX);
    Ok((port(first), port(first + count - 1)))
}

fn reserve(
    cursor: &mut Cursor<'_>,
    profile: &mut Profile,
    word: &Word,
    ports: (u16, u16),
) -> Result<(), ProfileError> {
    let ip_proto = protocol(cursor)?;
    let user = job(cursor)?;
    let bind = options(cursor)?;
    profile.ports.push(Port { ports, ip_proto, user, bind, place: word.place.clone() });
    Ok(())
}

fn protocol(cursor: &mut Cursor<'_>) -> Result<u8, ProfileError> {
    let word = cursor.need("TCP or UDP")?;
    if word.is("TCP") {
        Ok(TCP)
    } else if word.is("UDP") {
        Ok(UDP)
    } else {
        Err(cursor.wrong(word, "TCP or UDP"))
    }
}

fn job(cursor: &mut Cursor<'_>) -> Result<PortUser, ProfileError> {
    let word = cursor.need(JOB)?;
    let name = word.text.to_ascii_uppercase();
    let is_name = |name: &str| {
        (1..=8).contains(&name.len())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || "@#$".contains(c))
    };
    match name.as_str() {
        "RESERVED" => Ok(PortUser::Reserved),
        "*" | "OMVS" | "AUTHPORT" | "INTCLIEN" => Ok(PortUser::Any(name)),
        _ if name.strip_suffix('*').is_some_and(is_name) => {
            Ok(PortUser::JobsLike(name.trim_end_matches('*').to_owned()))
        }
        _ if is_name(&name) => Ok(PortUser::Job(name)),
        _ => Err(cursor.wrong(word, JOB)),
    }
}

/// The options of a reservation; returns the address of BIND.
fn options(cursor: &mut Cursor<'_>) -> Result<Option<std::net::IpAddr>, ProfileError> {
    let mut bind = None;
    loop {
        if cursor.take("BIND") {
            bind = Some(cursor.need_address("the address that BIND gives to the job")?.0);
        } else if cursor.take("SAF") {
            cursor.need("the name of a SAF resource")?;
        } else if let Some(word) = cursor.peek()
            && OPTIONS.iter().any(|option| word.is(option))
        {
            cursor.next();
        } else {
            return Ok(bind);
        }
    }
}

/// `DELETE PORT ...`, `DELETE PORTRANGE ...`, or something else, which is passed
/// over.
pub(super) fn delete(cursor: &mut Cursor<'_>, profile: &mut Profile) -> Result<(), ProfileError> {
    let ports = if cursor.take("PORT") {
        let first = cursor.number(1, 65_535, "a port")?;
        let first = u16::try_from(first).unwrap_or(u16::MAX);
        (first, first)
    } else if cursor.take("PORTRANGE") {
        range(cursor)?
    } else {
        // A device or a link, and its name.
        cursor.next();
        while cursor.peek().is_some_and(|w| !begins(w)) {
            cursor.next();
        }
        return Ok(());
    };
    let ip_proto = protocol(cursor)?;
    let user = job(cursor)?;
    options(cursor)?;
    let same = |p: &Port| p.ports == ports && p.ip_proto == ip_proto && p.user == user;
    profile.ports.retain(|p| !same(p));
    Ok(())
}
