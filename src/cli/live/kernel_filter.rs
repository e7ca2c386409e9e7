//! The filter that the kernel runs: what the user gave, and that TCP and UDP between
//! addresses of which none is a stack's need not be copied. Everything that may carry
//! other packets inside passes.

use crate::config::{Prefix, Settings};
use crate::pipeline::FrameOptions;

/// Prefixes beyond which addresses are not looked at in the kernel: its programs are
/// bounded.
const MAX_PREFIXES: usize = 200;

/// A filter for the kernel; `None` lets everything through.
pub(super) fn expression(
    given: Option<&str>,
    settings: &Settings,
    addresses: bool,
) -> Option<String> {
    let stacks = &settings.stacks;
    let prefixes: Vec<Prefix> = stacks.prefixes().collect();
    let fits = addresses && !stacks.every_server() && prefixes.len() <= MAX_PREFIXES;
    let ours = fits.then(|| of_stacks(&prefixes, &settings.frames));
    match (given, ours) {
        (Some(given), Some(ours)) => Some(format!("({given}) and {ours}")),
        (given, ours) => given.map(str::to_owned).or(ours),
    }
}

fn of_stacks(prefixes: &[Prefix], tunnels: &FrameOptions) -> String {
    // libpcap wants the bits after a prefix cleared.
    let nets: Vec<String> = prefixes.iter().map(|p| format!("net {}", p.network())).collect();
    let ports: Vec<String> =
        tunnels.ports().chain([500, 4500]).map(|p| format!("port {p}")).collect();
    // A later fragment has no ports: it may be of a tunnel.
    format!(
        "not ((tcp or (ip proto 17 and ip[6:2] & 0x3fff = 0 or ip6[6] = 17) and not ({})) \
         and not ({}))",
        ports.join(" or "),
        nets.join(" or ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Home, Stack, Stacks};
    use crate::pipeline::Encapsulation;
    use crate::source::{Filter, LinkType};

    fn settings(home: &[&str]) -> Settings {
        let prefixes = home.iter().map(|p| p.parse().expect("a prefix")).collect();
        let stack = Stack { home: Home::new(prefixes), ..Stack::default() };
        Settings { stacks: Stacks::new(vec![stack]), ..Settings::default() }
    }

    /// An IPv4 packet's first bytes, raw.
    fn ip4(protocol: u8, flags: u16, to: [u8; 4], ports: [u16; 2]) -> Vec<u8> {
        let mut bytes = vec![0x45, 0, 0, 60, 0, 0];
        bytes.extend(flags.to_be_bytes());
        bytes.extend([64, protocol, 0, 0, 192, 0, 2, 1]);
        bytes.extend(to);
        bytes.extend(ports.iter().flat_map(|p| p.to_be_bytes()));
        bytes.resize(60, 0);
        bytes
    }

    #[test]
    fn only_what_is_surely_no_stack_s_is_left_to_the_kernel() {
        let frames = FrameOptions::new(&[(5555, Encapsulation::Vxlan)], Vec::new());
        let settings = Settings { frames, ..settings(&["10.1.2.3/16", "2001:db8::/32"]) };
        let filter = expression(None, &settings, true).expect("a filter");
        let mut filter = Filter::new(&filter).expect("libpcap takes it");
        let mut passes = |p: Vec<u8>| filter.accepts(LinkType(101), &p);
        let (home, other) = ([10, 1, 200, 1], [198, 51, 100, 7]);
        assert!(passes(ip4(6, 0, home, [40_000, 443])));
        assert!(!passes(ip4(6, 0, other, [40_000, 443])));
        // Nor a fragment of TCP, which has addresses like any other.
        assert!(!passes(ip4(6, 5, other, [0, 0])));
        assert!(passes(ip4(17, 0, home, [40_000, 53])));
        assert!(!passes(ip4(17, 0, other, [40_000, 53])));
        // What may carry other packets: fragments, tunnels, IKE, GRE, ESP.
        assert!(passes(ip4(17, 5, other, [0, 0])) && passes(ip4(17, 0x2000, other, [9, 9])));
        for port in FrameOptions::default().ports().chain([500, 4500, 5555]) {
            assert!(passes(ip4(17, 0, other, [40_000, port])), "{port}");
        }
        for protocol in [4, 41, 47, 50, 51] {
            assert!(passes(ip4(protocol, 0, other, [0, 0])), "{protocol}");
        }
    }

    #[test]
    fn without_addresses_everything_passes() {
        assert_eq!(expression(None, &Settings::default(), true), None);
        assert_eq!(expression(Some("tcp"), &Settings::default(), true), Some("tcp".to_owned()));
        assert_eq!(expression(None, &settings(&["10.1.1.1"]), false), None);
        let both = expression(Some("tcp or udp"), &settings(&["10.1.1.1"]), true);
        let both = both.expect("a filter");
        assert!(both.starts_with("(tcp or udp) and not ("), "{both}");
        assert!(Filter::new(&both).is_ok());
    }
}
