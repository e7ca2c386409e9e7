//! Dialogues in lines: a command of the client, the server's answer.

use super::binary::Turn;
use super::ftp::{self, Announcement};
use super::{Kind, Line, Lines};
use crate::observe::detect::{begins_handshake, begins_tls};

/// Announcements that wait to be taken.
const MAX_ANNOUNCEMENTS: usize = 16;
/// Longest tag of an IMAP command that is kept.
const MAX_TAG: usize = 64;

/// A dialogue in lines.
#[derive(Debug, Default)]
pub(super) struct Text {
    client: Lines,
    server: Lines,
    /// The client has asked for the upgrade; with IMAP under this tag.
    asked: Option<Vec<u8>>,
    /// The server's answer allows it; HTTP's ends with an empty line.
    allowed: bool,
    announced: Vec<Announcement>,
}

impl Text {
    pub fn data(&mut self, client: bool, bytes: &[u8], kind: &mut Option<Kind>) -> Turn {
        if *kind == Some(Kind::Xmpp) {
            return self.xmpp(client, bytes);
        }
        let mut at = 0;
        loop {
            let lines = if client { &mut self.client } else { &mut self.server };
            let Some(line) = lines.next(bytes, at) else { return Turn::Goes };
            at = line.after;
            let turn = if client { self.command(&line, kind) } else { self.answer(&line, kind) };
            if turn != Turn::Goes {
                return turn;
            }
            if client && self.is_early(&line, bytes.get(at..).unwrap_or_default(), *kind) {
                return Turn::Early(at);
            }
        }
    }

    /// Whether the client goes on with a handshake without waiting for the answer: after
    /// the empty line that ends a request for a tunnel, or after the command that asks
    /// for TLS.
    fn is_early(&self, line: &Line, rest: &[u8], kind: Option<Kind>) -> bool {
        self.asked.is_some()
            && match kind {
                Some(Kind::HttpConnect) => line.text.is_empty() && begins_handshake(rest),
                _ => begins_tls(rest),
            }
    }

    pub fn hole(&mut self, client: bool) {
        if client { self.client.hole() } else { self.server.hole() }
    }

    pub fn announcements(&mut self) -> Vec<Announcement> {
        std::mem::take(&mut self.announced)
    }

    fn command(&mut self, line: &Line, kind: &mut Option<Kind>) -> Turn {
        let text = line.text.as_slice();
        let mut words = text.split(|&b| b == b' ').filter(|w| !w.is_empty());
        let first = words.next().unwrap_or_default();
        let second = words.next().unwrap_or_default();
        let is = |word: &[u8], name: &str| word.eq_ignore_ascii_case(name.as_bytes());
        if *kind == Some(Kind::Greeting) {
            *kind = Some(greeted(first, second));
        }
        match kind {
            Some(Kind::Smtp | Kind::Nntp | Kind::Sieve | Kind::Irc | Kind::StartTls)
                if is(first, "STARTTLS") =>
            {
                self.asked = Some(Vec::new());
            }
            Some(Kind::Pop3) if is(first, "STLS") => self.asked = Some(Vec::new()),
            Some(Kind::Imap) if is(second, "STARTTLS") => {
                self.asked = Some(first.iter().copied().take(MAX_TAG).collect());
            }
            Some(Kind::Ftp) => {
                if is(first, "AUTH") {
                    let tls = ["TLS", "SSL", "TLS-C", "TLS-P"].iter().any(|m| is(second, m));
                    self.asked = tls.then(Vec::new);
                } else {
                    self.announce(ftp::command(text));
                }
            }
            Some(Kind::HttpConnect) => self.asked = Some(Vec::new()),
            _ => {}
        }
        Turn::Goes
    }

    fn announce(&mut self, announcement: Option<Announcement>) {
        if let Some(announcement) = announcement
            && self.announced.len() < MAX_ANNOUNCEMENTS
        {
            self.announced.push(announcement);
        }
    }

    fn answer(&mut self, line: &Line, kind: &mut Option<Kind>) -> Turn {
        let text = line.text.as_slice();
        if *kind == Some(Kind::Ftp) {
            self.announce(ftp::reply(text));
        }
        let Some(tag) = &self.asked else { return Turn::Goes };
        if *kind == Some(Kind::StartTls) {
            *kind = Some(answered(text));
        }
        let code = text.get(..3).unwrap_or_default();
        let last = text.get(3) != Some(&b'-');
        let granted = Turn::Granted(line.after);
        match *kind {
            Some(Kind::Ftp) if code == b"234" && last => return granted,
            Some(Kind::Smtp) if code == b"220" && last => return granted,
            Some(Kind::Nntp) if code == b"382" => return granted,
            Some(Kind::Ftp | Kind::Smtp | Kind::Nntp) if matches!(code, [b'4' | b'5', ..]) => {
                self.asked = None;
            }
            Some(Kind::Pop3) if text.starts_with(b"+OK") => return granted,
            Some(Kind::Pop3) if text.starts_with(b"-ERR") => self.asked = None,
            Some(Kind::Sieve) if text.starts_with(b"OK") => return granted,
            Some(Kind::Irc) if is_irc_grant(text) => return granted,
            Some(Kind::Imap) => {
                let answer = text.strip_prefix(tag.as_slice()).and_then(|t| t.strip_prefix(b" "));
                match answer {
                    Some(answer)
                        if answer.get(..2).is_some_and(|a| a.eq_ignore_ascii_case(b"OK")) =>
                    {
                        return granted;
                    }
                    Some(_) => self.asked = None,
                    None => {}
                }
            }
            Some(Kind::HttpConnect) => {
                let ok = text.starts_with(b"HTTP/")
                    && text.split(|&b| b == b' ').nth(1).is_some_and(|c| c.starts_with(b"2"));
                if self.allowed && text.is_empty() {
                    return granted;
                }
                // A proxy that wants a password first says so with 407.
                self.allowed |= ok;
            }
            _ => {}
        }
        Turn::Goes
    }

    /// XML has tags instead of lines.
    fn xmpp(&mut self, client: bool, bytes: &[u8]) -> Turn {
        let mut at = 0;
        loop {
            let tags = if client { &mut self.client } else { &mut self.server };
            let Some(tag) = tags.until(b'>', bytes, at) else { return Turn::Goes };
            at = tag.after;
            let is = |name: &[u8]| tag.text.trim_ascii_start().starts_with(name);
            if client && is(b"<starttls") {
                self.asked = Some(Vec::new());
                if begins_tls(bytes.get(at..).unwrap_or_default()) {
                    return Turn::Early(at);
                }
            } else if !client && self.asked.is_some() && is(b"<proceed") {
                return Turn::Granted(at);
            }
        }
    }
}

/// IRC's reply 670 to STARTTLS.
fn is_irc_grant(text: &[u8]) -> bool {
    text.split(|&b| b == b' ').nth(1) == Some(b"670")
}

/// Which of the protocols that know STARTTLS allows it in these words.
fn answered(text: &[u8]) -> Kind {
    match text {
        [b'2', b'2', b'0', ..] => Kind::Smtp,
        [b'3', b'8', b'2', ..] => Kind::Nntp,
        [b'O', b'K', ..] => Kind::Sieve,
        _ if is_irc_grant(text) => Kind::Irc,
        _ => Kind::StartTls,
    }
}

/// Which of the protocols that greet with 220 has a command. Some are of both, and what is of
/// neither (the middle of a message, where lines before it were not captured) tells nothing.
fn greeted(command: &[u8], argument: &[u8]) -> Kind {
    const SMTP: [&str; 16] = [
        // RFC 5321, RFC 3207, RFC 3030, RFC 1985, RFC 2645, RFC 2033, RFC 4468, and
        // those that RFC 5321 took out.
        "EHLO", "HELO", "LHLO", "MAIL", "RCPT", "DATA", "BDAT", "RSET", "VRFY", "EXPN", "STARTTLS",
        "ETRN", "ATRN", "TURN", "BURL", "XCLIENT",
    ];
    const FTP: [&str; 56] = [
        // RFC 959, RFC 1123, RFC 1639, RFC 2228, RFC 2389, RFC 2428, RFC 2640, RFC 3659,
        // RFC 7151, and two that clients send all the same.
        "USER", "PASS", "ACCT", "CWD", "CDUP", "SMNT", "REIN", "PORT", "PASV", "TYPE", "STRU",
        "MODE", "RETR", "STOR", "STOU", "APPE", "ALLO", "REST", "RNFR", "RNTO", "ABOR", "DELE",
        "RMD", "MKD", "PWD", "LIST", "NLST", "SITE", "SYST", "STAT", "XCUP", "XCWD", "XMKD",
        "XPWD", "XRMD", "LPRT", "LPSV", "ADAT", "PROT", "PBSZ", "CCC", "MIC", "CONF", "ENC",
        "FEAT", "OPTS", "EPRT", "EPSV", "LANG", "MDTM", "HOST", "CLNT", "MFMT", "MLSD", "MLST",
        "SIZE",
    ];
    // What the argument of AUTH is: of FTP a mechanism of RFC 2228 or RFC 4217, of SMTP one of
    // SASL (RFC 4954).
    const MECHANISMS: [&str; 6] = ["TLS", "SSL", "TLS-C", "TLS-P", "GSSAPI", "KERBEROS_V4"];
    const SASL: [&str; 10] = [
        "PLAIN",
        "LOGIN",
        "CRAM-MD5",
        "DIGEST-MD5",
        "NTLM",
        "XOAUTH2",
        "OAUTHBEARER",
        "EXTERNAL",
        "SCRAM-SHA-1",
        "SCRAM-SHA-256",
    ];
    let is = |word: &[u8], names: &[&str]| {
        names.iter().any(|name| word.eq_ignore_ascii_case(name.as_bytes()))
    };
    let authenticates = is(command, &["AUTH"]);
    if is(command, &SMTP) || authenticates && is(argument, &SASL) {
        Kind::Smtp
    } else if is(command, &FTP) || authenticates && is(argument, &MECHANISMS) {
        Kind::Ftp
    } else {
        Kind::Greeting
    }
}
