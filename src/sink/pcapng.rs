//! Packets as a pcapng file (draft-ietf-opsawg-pcapng): one section, an interface for each link
//! type, time stamps of nanoseconds. Little-endian.

/// Block types.
const SECTION: u32 = 0x0A0D_0D0A;
const INTERFACE: u32 = 1;
const ENHANCED_PACKET: u32 = 6;
const BYTE_ORDER_MAGIC: u32 = 0x1A2B_3C4D;
/// Options: the program that writes, and the resolution of time stamps.
const SHB_USERAPPL: u16 = 4;
const IF_TSRESOL: u16 = 9;

/// Writes blocks.
#[derive(Debug, Default)]
pub struct PcapngWriter {
    /// Link types of the interfaces, in the order of their numbers.
    interfaces: Vec<u16>,
    begun: bool,
    bytes: Vec<u8>,
}

impl PcapngWriter {
    /// What is to be written before anything else; a file without packets has nothing more.
    pub fn head(&mut self) -> &[u8] {
        self.bytes.clear();
        self.begin();
        &self.bytes
    }

    /// A packet, with what has to come before it: link type by its LINKTYPE number, nanoseconds
    /// since 1970, the bytes that it had on the wire, and those that were captured.
    pub fn packet(&mut self, link: u16, ts: i64, wire: u32, captured: &[u8]) -> &[u8] {
        self.bytes.clear();
        self.begin();
        let known = self.interfaces.iter().position(|l| *l == link);
        let interface = known.unwrap_or_else(|| {
            self.interfaces.push(link);
            let start = self.open(INTERFACE);
            self.bytes.extend(link.to_le_bytes());
            // Reserved, and no limit of captured bytes.
            self.bytes.extend([0; 6]);
            self.option(IF_TSRESOL, &[9]);
            self.option(0, &[]);
            self.close(start);
            self.interfaces.len() - 1
        });
        let start = self.open(ENHANCED_PACKET);
        // Nothing was captured before 1970.
        let ts = u64::try_from(ts).unwrap_or(0);
        let word = |n: usize| u32::try_from(n).unwrap_or(u32::MAX).to_le_bytes();
        self.bytes.extend(word(interface));
        self.bytes.extend(((ts >> 32) as u32).to_le_bytes());
        self.bytes.extend((ts as u32).to_le_bytes());
        self.bytes.extend(word(captured.len()));
        self.bytes.extend(wire.to_le_bytes());
        self.bytes.extend(captured);
        self.close(start);
        &self.bytes
    }

    fn begin(&mut self) {
        if std::mem::replace(&mut self.begun, true) {
            return;
        }
        let start = self.open(SECTION);
        self.bytes.extend(BYTE_ORDER_MAGIC.to_le_bytes());
        // Version 1.0, and a section of unknown length.
        self.bytes.extend([1, 0, 0, 0]);
        self.bytes.extend([0xFF; 8]);
        self.option(SHB_USERAPPL, concat!("zerttap ", env!("CARGO_PKG_VERSION")).as_bytes());
        self.option(0, &[]);
        self.close(start);
    }

    /// Begins a block; its length is put in when it is closed.
    fn open(&mut self, kind: u32) -> usize {
        let start = self.bytes.len();
        self.bytes.extend(kind.to_le_bytes());
        self.bytes.extend([0; 4]);
        start
    }

    fn option(&mut self, code: u16, value: &[u8]) {
        self.bytes.extend(code.to_le_bytes());
        self.bytes.extend(u16::try_from(value.len()).unwrap_or(0).to_le_bytes());
        self.bytes.extend(value);
        self.pad(4 - value.len() % 4);
    }

    /// Pads to 32 bits; four bytes are none.
    fn pad(&mut self, bytes: usize) {
        self.bytes.extend(std::iter::repeat_n(0, bytes % 4));
    }

    fn close(&mut self, start: usize) {
        let length = self.bytes.len() - start;
        self.pad(4 - length % 4);
        let length = u32::try_from(self.bytes.len() - start + 4).unwrap_or(u32::MAX).to_le_bytes();
        self.bytes.extend(length);
        if let Some(there) = self.bytes.get_mut(start + 4..start + 8) {
            there.copy_from_slice(&length);
        }
    }
}
