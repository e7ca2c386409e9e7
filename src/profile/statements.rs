//! Which statement a word begins.

use super::cursor::Cursor;
use super::words::Word;
use super::{Note, Profile, ProfileError, addresses, ports, recording};

/// Statements whose words, up to the one that ends them, say nothing that is
/// needed.
const BLOCKS: &[(&str, &str)] = &[
    ("ASSORTEDPARMS", "ENDASSORTEDPARMS"),
    ("AUTOLOG", "ENDAUTOLOG"),
    ("BEGINROUTES", "ENDROUTES"),
    ("BEGINVTAM", "ENDVTAM"),
    ("DEFADDRTABLE", "ENDDEFADDRTABLE"),
    ("INFORM", "ENDINFORM"),
    ("IPSEC", "ENDIPSEC"),
    ("KEEPALIVEOPTIONS", "ENDKEEPALIVEOPTIONS"),
    ("NETACCESS", "ENDNETACCESS"),
    ("OBEY", "ENDOBEY"),
    ("PERMIT", "ENDPERMIT"),
    ("RESTRICT", "ENDRESTRICT"),
    ("SRCIP", "ENDSRCIP"),
    ("TELNETDEVICE", "ENDTELNETDEVICE"),
    ("TELNETGLOBALS", "ENDTELNETGLOBALS"),
    ("TELNETPARMS", "ENDTELNETPARMS"),
];

/// Statements that are known and not needed, and the old ones that sized pools.
const SKIPPED: &[&str] = &[
    "ACBPOOLSIZE",
    "ADDRESSTRANSLATIONPOOLSIZE",
    "ARPAGE",
    "BSDROUTINGPARMS",
    "CCBPOOLSIZE",
    "DATABUFFERPOOLSIZE",
    "DEVICE",
    "ENDBSDROUTINGPARMS",
    "ENVELOPEPOOLSIZE",
    "GATEWAY",
    "IPROUTEPOOLSIZE",
    "ITRACE",
    "LARGEENVELOPEPOOLSIZE",
    "LINK",
    "OSAENTA",
    "PKTTRACE",
    "PRIMARYINTERFACE",
    "RCBPOOLSIZE",
    "SACONFIG",
    "SCBPOOLSIZE",
    "SKCBPOOLSIZE",
    "SMALLDATABUFFERPOOLSIZE",
    "SMFPARMS",
    "SOMAXCONN",
    "START",
    "STOP",
    "STOPONCLAWERROR",
    "SYSCONTACT",
    "SYSLOCATION",
    "TCBPOOLSIZE",
    "TCPCONFIG",
    "TINYDATABUFFERPOOLSIZE",
    "TRANSLATE",
    "UCBPOOLSIZE",
    "UDPCONFIG",
    "VIPASMPARMS",
];

/// Statements that are read.
const READ: &[&str] = &[
    "DELETE",
    "GLOBALCONFIG",
    "HOME",
    "INTERFACE",
    "IPCONFIG",
    "IPCONFIG6",
    "NETMONITOR",
    "PORT",
    "PORTRANGE",
    "SMFCONFIG",
    "VIPADYNAMIC",
];

/// Letters that the abbreviation of VIPADYNAMIC has at least.
const VIPADYNAMIC: usize = 7;

/// Whether a word begins a statement.
pub(super) fn begins(word: &Word) -> bool {
    READ.iter().chain(SKIPPED).any(|name| word.is(name))
        || BLOCKS.iter().any(|(name, _)| word.is(name))
        || word.abbreviates("VIPADYNAMIC", VIPADYNAMIC)
}

/// Takes a profile's statements.
pub(super) fn parse(words: &[Word], profile: &mut Profile) -> Result<(), ProfileError> {
    let mut cursor = Cursor::new(words);
    while let Some(word) = cursor.next() {
        let name = word.text.to_ascii_uppercase();
        cursor.statement.clone_from(&name);
        match name.as_str() {
            "HOME" => addresses::home(&mut cursor, profile)?,
            "INTERFACE" => addresses::interface(&mut cursor, profile)?,
            "IPCONFIG" | "IPCONFIG6" => addresses::ipconfig(&mut cursor, profile)?,
            "PORT" => ports::port(&mut cursor, profile)?,
            "PORTRANGE" => ports::port_range(&mut cursor, profile)?,
            "DELETE" => ports::delete(&mut cursor, profile)?,
            "GLOBALCONFIG" => recording::globalconfig(&mut cursor, profile)?,
            "SMFCONFIG" => recording::smfconfig(&mut cursor, profile),
            "NETMONITOR" => recording::netmonitor(&mut cursor, profile),
            _ if word.abbreviates("VIPADYNAMIC", VIPADYNAMIC) => {
                addresses::vipadynamic(&mut cursor, profile)?;
            }
            _ => skip(&mut cursor, word, name, profile),
        }
    }
    Ok(())
}

/// Passes over a statement that is not needed, or over words that are none.
fn skip(cursor: &mut Cursor<'_>, word: &Word, name: String, profile: &mut Profile) {
    if let Some((_, end)) = BLOCKS.iter().find(|(begin, _)| word.is(begin)) {
        while let Some(word) = cursor.next() {
            if word.is(end) {
                break;
            }
        }
    } else {
        if !SKIPPED.contains(&name.as_str()) {
            let text = format!("{name} is no statement that is known; passed over");
            profile.notes.push(Note { place: word.place.clone(), text });
        }
        while cursor.peek().is_some_and(|w| !begins(w)) {
            cursor.next();
        }
    }
    *profile.skipped.entry(name).or_default() += 1;
}
