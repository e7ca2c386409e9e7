//! tcpdump filter expressions, compiled by libpcap for each link type and run
//! on the captured bytes.

use pcap::{BpfProgram, Capture, Linktype};

use super::{LinkType, SourceError};

/// A compiled filter. Link types are compiled for when they first appear.
pub struct Filter {
    expression: String,
    programs: Vec<(LinkType, Option<BpfProgram>)>,
}

impl Filter {
    /// Takes an expression after trying it for Ethernet and raw IP.
    ///
    /// # Errors
    /// If neither compiles: the expression is wrong.
    pub fn new(expression: &str) -> Result<Self, SourceError> {
        let mut filter = Self { expression: expression.to_owned(), programs: Vec::new() };
        let tried = [LinkType::ETHERNET, LinkType(101)].map(|link| compile(expression, link));
        if let [Err(message), Err(_)] = tried {
            return Err(SourceError::Filter { expression: expression.to_owned(), message });
        }
        for (link, program) in [LinkType::ETHERNET, LinkType(101)].into_iter().zip(tried) {
            filter.programs.push((link, program.ok()));
        }
        Ok(filter)
    }

    /// Whether the expression accepts a packet. An expression that has no
    /// meaning for a link type (`ether host` on raw IP) accepts none of it.
    pub fn accepts(&mut self, link: LinkType, bytes: &[u8]) -> bool {
        let known = self.programs.iter().position(|(l, _)| *l == link);
        let at = known.unwrap_or_else(|| {
            self.programs.push((link, compile(&self.expression, link).ok()));
            self.programs.len() - 1
        });
        let program = self.programs.get(at).and_then(|(_, program)| program.as_ref());
        program.is_some_and(|program| program.filter(bytes))
    }
}

fn compile(expression: &str, link: LinkType) -> Result<BpfProgram, String> {
    let handle = Capture::dead(Linktype(dlt(link))).map_err(|e| e.to_string())?;
    handle.compile(expression, true).map_err(|e| match e {
        pcap::Error::PcapError(message) => message,
        other => other.to_string(),
    })
}

/// libpcap's own number for a link type, where it differs from the file's.
fn dlt(link: LinkType) -> i32 {
    match link.0 {
        101 | 14 => 12,
        other => i32::from(other),
    }
}

impl std::fmt::Debug for Filter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Filter").field("expression", &self.expression).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_expression_says_what_is_wrong() {
        let error = Filter::new("tcp prot 443").expect_err("no such keyword");
        assert!(error.to_string().contains("tcp prot 443"), "{error}");
    }

    #[test]
    fn a_filter_looks_at_the_bytes() {
        let mut arp = vec![0xFF; 60];
        arp[12..14].copy_from_slice(&[0x08, 0x06]);
        let mut filter = Filter::new("arp").expect("compiles");
        assert!(filter.accepts(LinkType::ETHERNET, &arp));
        assert!(!filter.accepts(LinkType(101), &arp));
    }
}
