//! Names of what is not read: link types, EtherTypes, IP protocols, UDP ports.
//!
//! Sources: the tcpdump group's LINKTYPE registry, IANA's registries of IEEE 802 numbers,
//! PPP numbers, protocol numbers and port numbers.

/// A name, and whether what has it is known to carry no connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Known {
    pub name: &'static str,
    pub ordinary: bool,
}

fn found<T: PartialEq + Copy>(
    n: T,
    ordinary: &[(T, &'static str)],
    others: &[(T, &'static str)],
) -> Option<Known> {
    let find = |table: &[(T, &'static str)]| {
        table.iter().find(|(value, _)| *value == n).map(|(_, name)| *name)
    };
    (find(ordinary).map(|name| Known { name, ordinary: true }))
        .or_else(|| find(others).map(|name| Known { name, ordinary: false }))
}

pub(super) fn link_type(n: u16) -> Option<Known> {
    const NAMES: &[(u16, &str)] = &[
        (7, "ARCnet"),
        (11, "ATM"),
        (107, "Frame Relay"),
        (117, "PF log"),
        (119, "802.11 with a Prism header"),
        (122, "IP over Fibre Channel"),
        (123, "ATM with a SunATM header"),
        (129, "ARCnet of Linux"),
        (138, "IP over IEEE 1394"),
        (140, "MTP2"),
        (141, "MTP3"),
        (142, "SCCP"),
        (143, "DOCSIS"),
        (144, "IrDA"),
        (163, "802.11 with an AVS header"),
        (165, "BACnet MS/TP"),
        (166, "PPP with a direction"),
        (169, "GPRS LLC"),
        (177, "LAPD of Linux"),
        (187, "Bluetooth HCI"),
        (189, "USB of Linux"),
        (192, "PPI"),
        (195, "802.15.4"),
        (197, "ERF"),
        (201, "Bluetooth HCI with a direction"),
        (202, "AX.25"),
        (203, "LAPD"),
        (209, "IPMB"),
        (215, "802.15.4"),
        (220, "USB of Linux"),
        (224, "Fibre Channel"),
        (225, "Fibre Channel with delimiters"),
        (227, "CAN"),
        (230, "802.15.4"),
        (231, "D-Bus"),
        (235, "DVB-CI"),
        (239, "NFLOG"),
        (240, "Hilscher netANALYZER"),
        (243, "MPEG-2 transport stream"),
        (245, "NFC"),
        (247, "InfiniBand"),
        (248, "SCTP"),
        (249, "USBPcap"),
        (251, "Bluetooth Low Energy"),
        (253, "Netlink of Linux"),
        (254, "Bluetooth of Linux"),
        (255, "Bluetooth BR/EDR"),
        (256, "Bluetooth Low Energy with a header"),
        (264, "ISO 14443"),
        (266, "USB of Darwin"),
        (272, "nRF sniffer of Bluetooth Low Energy"),
        (278, "USB of OpenBSD"),
        (283, "802.15.4 with TAP"),
        (288, "USB 2.0"),
    ];
    if (147..=162).contains(&n) {
        return Some(Known { name: "reserved for private use", ordinary: false });
    }
    found(n, &[], NAMES)
}

pub(super) fn ether_type(n: u16) -> Option<Known> {
    const ORDINARY: &[(u16, &str)] = &[
        (0x0806, "ARP"),
        (0x0842, "Wake-on-LAN"),
        (0x8035, "RARP"),
        (0x8808, "flow control"),
        (0x8809, "slow protocols"),
        (0x8863, "PPPoE discovery"),
        (0x888E, "802.1X"),
        (0x88CC, "LLDP"),
        (0x88F5, "MVRP"),
        (0x88F7, "PTP"),
        (0x8902, "CFM"),
        (0x8914, "FIP"),
        (0x9000, "loopback test"),
    ];
    const OTHERS: &[(u16, &str)] = &[
        (0x22F3, "TRILL"),
        (0x6003, "DECnet"),
        (0x80F3, "AppleTalk ARP"),
        (0x809B, "AppleTalk"),
        (0x8137, "IPX"),
        (0x8892, "PROFINET"),
        (0x88A4, "EtherCAT"),
        (0x88B8, "GOOSE"),
        (0x88E5, "MACsec"),
        (0x88E7, "PBB"),
        (0x8903, "FabricPath"),
        (0x8906, "FCoE"),
        (0x8909, "Cisco MetaData"),
        (0x890D, "802.11 encapsulation"),
        (0x8915, "RoCE"),
        (0x8926, "VN-Tag"),
        (0x893F, "E-Tag"),
    ];
    found(n, ORDINARY, OTHERS)
}

pub(super) fn llc(destination: u8) -> Option<Known> {
    const ORDINARY: &[(u8, &str)] = &[(0x42, "spanning tree"), (0xFE, "OSI, IS-IS")];
    const OTHERS: &[(u8, &str)] = &[
        (0x04, "SNA path control"),
        (0x08, "SNA"),
        (0x0C, "SNA"),
        (0xE0, "IPX"),
        (0xF0, "NetBIOS"),
        (0xFF, "IPX, raw"),
    ];
    found(destination, ORDINARY, OTHERS)
}

pub(super) fn snap(organization: u32, protocol: u16) -> Option<Known> {
    const ORDINARY: &[((u32, u16), &str)] = &[
        ((0x00_000C, 0x0104), "PAgP"),
        ((0x00_000C, 0x010B), "PVST"),
        ((0x00_000C, 0x0111), "UDLD"),
        ((0x00_000C, 0x2000), "CDP"),
        ((0x00_000C, 0x2003), "VTP"),
        ((0x00_000C, 0x2004), "DTP"),
        ((0x00_E02B, 0x00BB), "EDP"),
    ];
    const OTHERS: &[((u32, u16), &str)] = &[((0x08_0007, 0x809B), "AppleTalk")];
    found((organization, protocol), ORDINARY, OTHERS)
}

pub(super) fn ppp(n: u16) -> Option<Known> {
    const ORDINARY: &[(u16, &str)] = &[
        (0x8021, "IPCP"),
        (0x8057, "IPv6CP"),
        (0x80FD, "CCP"),
        (0xC021, "LCP"),
        (0xC023, "PAP"),
        (0xC025, "link quality report"),
        (0xC223, "CHAP"),
        (0xC227, "EAP"),
    ];
    const OTHERS: &[(u16, &str)] = &[
        (0x002D, "compressed TCP/IP header"),
        (0x002F, "TCP/IP header, not compressed"),
        (0x003D, "fragment of multilink PPP"),
        (0x0031, "bridging"),
        (0x0053, "encrypted"),
        (0x00FB, "compressed, one link of several"),
        (0x00FD, "compressed"),
    ];
    found(n, ORDINARY, OTHERS)
}

pub(super) fn ip_protocol(n: u8) -> Option<Known> {
    const ORDINARY: &[(u8, &str)] = &[
        (2, "IGMP"),
        (8, "EGP"),
        (9, "IGP"),
        (46, "RSVP"),
        (59, "no next header"),
        (88, "EIGRP"),
        (89, "OSPF"),
        (103, "PIM"),
        (112, "VRRP"),
        (124, "IS-IS over IPv4"),
    ];
    const OTHERS: &[(u8, &str)] = &[
        (33, "DCCP"),
        (47, "GRE"),
        (55, "minimal encapsulation"),
        (94, "IPIP"),
        (97, "EtherIP"),
        (98, "encapsulation header"),
        (108, "IPComp"),
        (115, "L2TPv3"),
        (132, "SCTP"),
        (136, "UDP-Lite"),
        (143, "Ethernet in IPv6"),
    ];
    found(n, ORDINARY, OTHERS)
}

pub(super) fn udp(port: u16) -> Option<Known> {
    const ORDINARY: &[(u16, &str)] = &[
        (53, "DNS"),
        (67, "DHCP"),
        (68, "DHCP"),
        (69, "TFTP"),
        (111, "RPC"),
        (123, "NTP"),
        (137, "NetBIOS"),
        (138, "NetBIOS"),
        (161, "SNMP"),
        (162, "SNMP"),
        (319, "PTP"),
        (320, "PTP"),
        (500, "IKE"),
        (514, "syslog"),
        (520, "RIP"),
        (546, "DHCPv6"),
        (547, "DHCPv6"),
        (1900, "SSDP"),
        (1985, "HSRP"),
        (2055, "NetFlow"),
        (3478, "STUN"),
        (3702, "WS-Discovery"),
        (3784, "BFD"),
        (4500, "IKE keep-alives"),
        (4739, "IPFIX"),
        (5353, "mDNS"),
        (5355, "LLMNR"),
    ];
    const OTHERS: &[(u16, &str)] = &[
        (443, "QUIC"),
        (1194, "OpenVPN"),
        (1701, "L2TP"),
        (2152, "GTP"),
        (3544, "Teredo"),
        (4433, "DTLS"),
        (4754, "GRE in UDP"),
        (4789, "VXLAN"),
        (4790, "VXLAN-GPE"),
        (5246, "CAPWAP control"),
        (5247, "CAPWAP data"),
        (6081, "Geneve"),
        (6343, "sFlow"),
        (6635, "MPLS in UDP"),
        (8472, "VXLAN"),
        (37008, "TZSP"),
        (51820, "WireGuard"),
    ];
    found(port, ORDINARY, OTHERS)
}
