//! GLOBALCONFIG ZERT, SMFCONFIG, NETMONITOR: what is recorded.

use super::cursor::Cursor;
use super::statements::begins;
use super::{Note, Profile, ProfileError, Recorded, Zert};
use crate::config::Interval;

const INTVAL: &str = "SMF, or hours from 1 to 24";
const SYNCVAL: &str = "a time from 00:00 to 23:59";

/// `GLOBALCONFIG ... ZERT [AGGREGATION [INTVAL SMF|hours] [SYNCVAL hh:mm]]`
pub(super) fn globalconfig(
    cursor: &mut Cursor<'_>,
    profile: &mut Profile,
) -> Result<(), ProfileError> {
    while let Some(word) = cursor.peek().filter(|w| !begins(w)) {
        cursor.next();
        let enabled = word.is("ZERT");
        if !enabled && !word.is("NOZERT") {
            continue;
        }
        let mut zert = Zert {
            enabled,
            aggregation: false,
            interval: None,
            sync_minutes: None,
            place: word.place.clone(),
        };
        if enabled && cursor.take("AGGREGATION") {
            zert.aggregation = true;
            loop {
                if cursor.take("INTVAL") {
                    zert.interval = Some(interval(cursor)?);
                } else if cursor.take("SYNCVAL") {
                    zert.sync_minutes = Some(sync(cursor)?);
                } else {
                    break;
                }
            }
        } else {
            cursor.take("NOAGGREGATION");
        }
        profile.zert = Some(zert);
    }
    Ok(())
}

fn interval(cursor: &mut Cursor<'_>) -> Result<Interval, ProfileError> {
    let word = cursor.need(INTVAL)?;
    if word.is("SMF") {
        return Ok(Interval::Smf);
    }
    let hours = word.text.parse().ok().filter(|h| (1..=24).contains(h));
    hours.map(Interval::Hours).ok_or_else(|| cursor.wrong(word, INTVAL))
}

fn sync(cursor: &mut Cursor<'_>) -> Result<u32, ProfileError> {
    let word = cursor.need(SYNCVAL)?;
    let minutes = word.text.split_once(':').and_then(|(hours, minutes)| {
        let hours: u32 = hours.parse().ok().filter(|h| *h < 24)?;
        let minutes: u32 = minutes.parse().ok().filter(|m| *m < 60)?;
        Some(hours * 60 + minutes)
    });
    minutes.ok_or_else(|| cursor.wrong(word, SYNCVAL))
}

/// `SMFCONFIG [TYPE118 ...] TYPE119 ... ZERTDETAIL ZERTSUMMARY ...`; what stands
/// before TYPE119 is of type 118.
pub(super) fn smfconfig(cursor: &mut Cursor<'_>, profile: &mut Profile) {
    let mut type119 = false;
    while let Some(word) = cursor.peek().filter(|w| !begins(w)) {
        cursor.next();
        let keyword = word.text.to_ascii_uppercase();
        match keyword.as_str() {
            "TYPE119" => type119 = true,
            "TYPE118" => type119 = false,
            _ if !keyword.contains("ZERT") => {}
            _ if !type119 => {
                let text = format!("{keyword} belongs after TYPE119; passed over");
                profile.notes.push(Note { place: word.place.clone(), text });
            }
            _ => recorded(&mut profile.smf, &keyword, "ZERTDETAIL"),
        }
    }
}

/// `NETMONITOR ... ZERTSERVICE ZERTSUMMARY ...`, ON, OFF.
pub(super) fn netmonitor(cursor: &mut Cursor<'_>, profile: &mut Profile) {
    while let Some(word) = cursor.peek().filter(|w| !begins(w)) {
        cursor.next();
        let all = word.is("ON");
        if all || word.is("OFF") {
            profile.netmonitor =
                Recorded { detail: Some(all), summary: Some(all), by_policy: Some(all) };
        } else {
            recorded(&mut profile.netmonitor, &word.text.to_ascii_uppercase(), "ZERTSERVICE");
        }
    }
}

/// Takes a keyword, or the one that says no.
fn recorded(what: &mut Recorded, keyword: &str, detail: &str) {
    let (keyword, yes) = match keyword.strip_prefix("NO") {
        Some(rest) => (rest, false),
        None => (keyword, true),
    };
    if keyword == detail {
        what.detail = Some(yes);
    } else if keyword == "ZERTSUMMARY" {
        what.summary = Some(yes);
    } else if keyword.strip_prefix(detail) == Some("BYPOLICY") {
        what.by_policy = Some(yes);
    }
}
