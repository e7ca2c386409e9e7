//! FTP's announcements of data connections (RFC 959, RFC 2428).

use std::net::{IpAddr, Ipv4Addr};

/// How a data connection was announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// The client's PORT.
    Port,
    /// The client's EPRT.
    Eprt,
    /// The server's answer to PASV.
    Pasv,
    /// The server's answer to EPSV.
    Epsv,
}

impl Verb {
    /// The command.
    pub fn name(self) -> &'static str {
        match self {
            Self::Port => "PORT",
            Self::Eprt => "EPRT",
            Self::Pasv => "PASV",
            Self::Epsv => "EPSV",
        }
    }

    /// Whether the server is the one that listens.
    pub fn is_passive(self) -> bool {
        matches!(self, Self::Pasv | Self::Epsv)
    }
}

/// An announced data connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// How it was announced.
    pub verb: Verb,
    /// The address that listens; EPSV means that of the control connection.
    pub address: Option<IpAddr>,
    /// The port that listens.
    pub port: u16,
}

/// An announcement of the client.
pub(super) fn command(line: &[u8]) -> Option<Announcement> {
    let text = std::str::from_utf8(line).ok()?;
    let (verb, argument) = text.trim().split_once(' ')?;
    if verb.eq_ignore_ascii_case("PORT") {
        let (address, port) = host_port(argument)?;
        return Some(Announcement { verb: Verb::Port, address: Some(address), port });
    }
    if verb.eq_ignore_ascii_case("EPRT") {
        let mut fields = extended(argument.trim())?;
        let (_, address, port) = (fields.next()?, fields.next()?, fields.next()?);
        let (address, port) = (address.parse().ok()?, port.parse().ok()?);
        return Some(Announcement { verb: Verb::Eprt, address: Some(address), port });
    }
    None
}

/// An announcement of the server.
pub(super) fn reply(line: &[u8]) -> Option<Announcement> {
    let text = std::str::from_utf8(line).ok()?;
    let (code, rest) = text.split_at_checked(4)?;
    if code == "227 " {
        // RFC 1123 section 4.1.2.6: the numbers need not stand in parentheses.
        let digits = rest.find(|c: char| c.is_ascii_digit())?;
        let (address, port) = host_port(rest.get(digits..)?)?;
        return Some(Announcement { verb: Verb::Pasv, address: Some(address), port });
    }
    if code == "229 " {
        let inside = rest.rsplit_once('(')?.1.split_once(')')?.0;
        let port = extended(inside)?.nth(2)?.parse().ok()?;
        return Some(Announcement { verb: Verb::Epsv, address: None, port });
    }
    None
}

/// h1,h2,h3,h4,p1,p2
fn host_port(text: &str) -> Option<(IpAddr, u16)> {
    let mut numbers = [0u8; 6];
    let mut fields = text.split(',');
    for number in &mut numbers {
        let field = fields.next()?.trim();
        let end = field.find(|c: char| !c.is_ascii_digit()).unwrap_or(field.len());
        *number = field.get(..end)?.parse().ok()?;
    }
    let [a, b, c, d, high, low] = numbers;
    Some((Ipv4Addr::new(a, b, c, d).into(), u16::from_be_bytes([high, low])))
}

/// Fields between any delimiter, which comes first and last: |1|192.0.2.1|6446|
fn extended(text: &str) -> Option<impl Iterator<Item = &str>> {
    let delimiter = text.chars().next()?;
    Some(text.strip_prefix(delimiter)?.split(delimiter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_announced() {
        let at = |a: &str| Some(a.parse::<IpAddr>().expect("an address"));
        let some = |verb, address, port| Some(Announcement { verb, address, port });
        assert_eq!(command(b"PORT 192,0,2,1,4,1"), some(Verb::Port, at("192.0.2.1"), 1025));
        assert_eq!(
            command(b"EPRT |2|2001:db8::1|5282|"),
            some(Verb::Eprt, at("2001:db8::1"), 5282)
        );
        let pasv = b"227 Entering Passive Mode (192,0,2,10,195,80).";
        assert_eq!(reply(pasv), some(Verb::Pasv, at("192.0.2.10"), 50_000));
        assert_eq!(
            reply(b"227 Entering Passive Mode. 192,0,2,10,0,21"),
            some(Verb::Pasv, at("192.0.2.10"), 21)
        );
        assert_eq!(
            reply(b"229 Entering Extended Passive Mode (|||6446|)"),
            some(Verb::Epsv, None, 6446)
        );
    }

    #[test]
    fn what_makes_no_sense_announces_nothing() {
        for line in ["PORT 1,2,3,4,5", "PORT 1,2,3,4,5,999", "EPRT", "EPRT |1|x|2|", "RETR PORT"] {
            assert_eq!(command(line.as_bytes()), None, "{line}");
        }
        for line in ["227 no", "229 (|||)", "229 (|||70000|)", "22", "227\u{e9} 1"] {
            assert_eq!(reply(line.as_bytes()), None, "{line}");
        }
    }
}
