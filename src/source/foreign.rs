//! Files that are recognised and not read, with what converts them.

/// Bytes in which they are recognised.
pub(super) const LOOK: usize = 32 * 1024;

const EDITCAP: &str = "convert it by editcap -F pcapng FILE NEW.pcapng (of Wireshark)";
const IPCS: &str = "let IPCS write it as a capture, on z/OS: CTRACE COMP(SYSTCPDA) DSNAME('trace.data.set') OPTIONS((SNIFFER(1500,TCPDUMP))) with SNIFFER allocated to the data set to be written; then transfer that in binary";
const UNPACK: &str = "unpack it first";

/// Where its bytes stand, what they are, the name, the remedy.
type Known = (usize, &'static [u8], &'static str, &'static str);

const KNOWN: &[Known] = &[
    (0, b"\x7Fver", "a capture of Savvius OmniPeek (tagged)", EDITCAP),
    (0, b"ObserverPktBufferVersion=", "a capture of Viavi Observer", EDITCAP),
    (0, b"btsnoop\0", "a capture of Bluetooth (btsnoop)", "it holds no IP packets"),
    (0, b"\xAA\xAA\xAA\xAA", "a capture of InfoVista 5View", EDITCAP),
    (0, b"\x05VNF", "a capture of Visual Networks", EDITCAP),
    (0, b"\x01\x10", "a capture of Novell LANalyzer", EDITCAP),
    (0, b"\0\0\x02\0\x12\x05\0\x10", "a capture of Tektronix K12 (rf5)", EDITCAP),
    (0, b"EyeSDN", "a capture of EyeSDN USB", EDITCAP),
    (0, b"Session Transcript", "a text of catapult DCT2000", EDITCAP),
    (0, b"LOGG", "a log of a CAN bus (BLF)", EDITCAP),
    (0, b"NetS", "a trace of Citrix NetScaler", EDITCAP),
    (0, b"\x42\xD2\0\x34\x12\x66\x22\x88", "a capture of RADCOM", EDITCAP),
    (0, b"7z\xBC\xAF\x27\x1C", "a 7z archive", UNPACK),
    (0, b"Rar!\x1A\x07", "a RAR archive", UNPACK),
    (0, b"\xFD7zXZ\0", "a file compressed by xz", "decompress it first: xz -d"),
    (0, b"BZh", "a file compressed by bzip2", "decompress it first: bzip2 -d"),
    (0, b"\x04\x22\x4D\x18", "a file compressed by lz4", "decompress it first: lz4 -d"),
    (0, b"\x1F\x9D", "a file compressed by compress", "decompress it first: uncompress"),
    (0, b"MSCF", "a cabinet archive of Windows", "unpack it first: cabextract"),
    (
        0,
        b"TRSNIFF",
        "a Sniffer file that is damaged at its beginning",
        "transfer it again, in binary",
    ),
    (0, b"%PDF", "a PDF document", "it holds no packets"),
];

/// The name of what begins so, and what is to be done with it.
pub(super) fn name(head: &[u8]) -> Option<(&'static str, &'static str)> {
    for (at, bytes, name, remedy) in KNOWN {
        if head.get(*at..).is_some_and(|head| head.starts_with(bytes)) {
            return Some((name, remedy));
        }
    }
    if event_trace(head) {
        return Some((
            "a trace of Windows (ETL)",
            "convert it by etl2pcapng FILE.etl NEW.pcapng (of Microsoft)",
        ));
    }
    if component_trace(head) {
        return Some(("a component trace of z/OS (CTRACE, SYSTCPDA)", IPCS));
    }
    if smf(head) {
        return Some((
            "a file of SMF records",
            "\"zerttap show\" and \"zerttap check\" read it; captures come from a packet trace",
        ));
    }
    let text = head.iter().take(512);
    let plain = |b: &u8| b.is_ascii_graphic() || b.is_ascii_whitespace();
    if text.clone().count() > 0 && text.clone().all(plain) {
        return Some((
            "text",
            "a hex dump of packets is converted by text2pcap (of Wireshark), a capture that was \
             transferred as text has to be transferred again in binary",
        ));
    }
    None
}

/// Event Tracing for Windows: a buffer's header of 72 bytes, then the marker of a system
/// trace header.
fn event_trace(head: &[u8]) -> bool {
    let size = head.first_chunk().map_or(0, |b| u32::from_le_bytes(*b));
    size > 0 && size.is_multiple_of(1024) && matches!(head.get(72..76), Some([2, 0, 1 | 2, 0xC0]))
}

/// SMF records of type 119, or the dump program's header, with record descriptor words.
fn smf(head: &[u8]) -> bool {
    let record = |at: usize| {
        head.get(at..at + 6).is_some_and(|r| {
            r.get(..2) != Some(&[0, 0])
                && r.get(2..4) == Some(&[0, 0])
                && r.get(4).is_some_and(|flags| flags & 0x1E == 0x1E)
                && r.get(5).is_some_and(|kind| matches!(kind, 2 | 3 | 119))
        })
    };
    record(0) || record(4)
}

/// What the external writer of component trace has written: entries that begin with their
/// length, the offset of their data, a format identifier and a time, and end with the
/// length again; or the component's name, in EBCDIC, near the beginning.
fn component_trace(head: &[u8]) -> bool {
    // SYSTCPDA, SYSTCPOT.
    const NAMES: [[u8; 8]; 2] = [
        [0xE2, 0xE8, 0xE2, 0xE3, 0xC3, 0xD7, 0xC4, 0xC1],
        [0xE2, 0xE8, 0xE2, 0xE3, 0xC3, 0xD7, 0xD6, 0xE3],
    ];
    let entry = |at: usize| {
        let half = |at: usize| {
            head.get(at..)
                .and_then(<[u8]>::first_chunk)
                .map(|b| usize::from(u16::from_be_bytes(*b)))
        };
        let (Some(length), Some(data)) = (half(at), half(at + 2)) else { return false };
        let format = head.get(at + 4..at + 8).unwrap_or_default();
        (16..512).contains(&data)
            && length > data
            && matches!(format, [0, 0, 0, 1..=8])
            && half(at + length.saturating_sub(2)) == Some(length)
    };
    NAMES.iter().any(|name| head.windows(8).any(|window| window == name))
        || [0, 4, 8].into_iter().any(entry)
}
