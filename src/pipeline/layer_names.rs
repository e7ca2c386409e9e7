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
        (0, "BSD loopback"),
        (1, "Ethernet"),
        (3, "AX.25"),
        (4, "ProNET"),
        (5, "Chaosnet"),
        (6, "Token Ring"),
        (7, "ARCnet"),
        (8, "SLIP"),
        (9, "PPP"),
        (10, "FDDI"),
        (11, "ATM"),
        (12, "raw IP"),
        (14, "raw IP"),
        (15, "SLIP of BSD/OS"),
        (16, "PPP of BSD/OS"),
        (50, "PPP in HDLC framing"),
        (51, "PPPoE"),
        (100, "ATM, LLC or routed"),
        (101, "raw IP"),
        (102, "SLIP of BSD/OS"),
        (103, "PPP of BSD/OS"),
        (104, "Cisco HDLC"),
        (105, "802.11"),
        (106, "ATM, classical IP"),
        (107, "Frame Relay"),
        (108, "OpenBSD loopback"),
        (109, "OpenBSD encapsulation"),
        (113, "Linux cooked capture"),
        (114, "LocalTalk"),
        (117, "PF log"),
        (119, "802.11 with a Prism header"),
        (120, "Aironet"),
        (122, "IP over Fibre Channel"),
        (123, "ATM with a SunATM header"),
        (127, "802.11 with radiotap"),
        (129, "ARCnet of Linux"),
        (138, "IP over IEEE 1394"),
        (139, "MTP2 with a header"),
        (140, "MTP2"),
        (141, "MTP3"),
        (142, "SCCP"),
        (143, "DOCSIS"),
        (144, "IrDA"),
        (163, "802.11 with an AVS header"),
        (165, "BACnet MS/TP"),
        (166, "PPP with a direction"),
        (167, "Juniper PPPoE"),
        (168, "Juniper PPPoE over ATM"),
        (169, "GPRS LLC"),
        (175, "ERF, Ethernet"),
        (176, "ERF, POS"),
        (177, "LAPD of Linux"),
        (178, "Juniper Ethernet"),
        (179, "Juniper PPP"),
        (180, "Juniper Frame Relay"),
        (181, "Juniper Cisco HDLC"),
        (182, "multilink Frame Relay"),
        (187, "Bluetooth HCI"),
        (188, "802.16 MAC"),
        (189, "USB of Linux"),
        (190, "CAN 2.0B"),
        (192, "PPI"),
        (193, "802.16 with radiotap"),
        (195, "802.15.4"),
        (197, "ERF"),
        (201, "Bluetooth HCI with a direction"),
        (202, "AX.25"),
        (203, "LAPD"),
        (204, "PPP with a direction"),
        (205, "Cisco HDLC with a direction"),
        (206, "Frame Relay with a direction"),
        (207, "LAPB with a direction"),
        (209, "IPMB"),
        (215, "802.15.4"),
        (219, "MPLS"),
        (220, "USB of Linux"),
        (224, "Fibre Channel"),
        (225, "Fibre Channel with delimiters"),
        (226, "IPNET of Solaris"),
        (227, "CAN"),
        (228, "IPv4"),
        (229, "IPv6"),
        (230, "802.15.4"),
        (231, "D-Bus"),
        (235, "DVB-CI"),
        (239, "NFLOG"),
        (240, "Hilscher netANALYZER"),
        (241, "Hilscher netANALYZER, transparent"),
        (242, "IP over InfiniBand"),
        (243, "MPEG-2 transport stream"),
        (245, "NFC"),
        (246, "PF sync"),
        (247, "InfiniBand"),
        (248, "SCTP"),
        (249, "USBPcap"),
        (251, "Bluetooth Low Energy"),
        (253, "Netlink of Linux"),
        (254, "Bluetooth of Linux"),
        (255, "Bluetooth BR/EDR"),
        (256, "Bluetooth Low Energy with a header"),
        (257, "PROFIBUS"),
        (258, "packet tap of Darwin"),
        (259, "EPON"),
        (261, "Z-Wave"),
        (262, "Z-Wave"),
        (264, "ISO 14443"),
        (266, "USB of Darwin"),
        (268, "SDLC"),
        (271, "VSOCK"),
        (272, "nRF sniffer of Bluetooth Low Energy"),
        (274, "802.3br mPackets"),
        (276, "Linux cooked capture 2"),
        (278, "USB of OpenBSD"),
        (281, "Ethernet with a Broadcom tag"),
        (282, "Ethernet behind a Broadcom tag"),
        (283, "802.15.4 with TAP"),
        (284, "Ethernet with a DSA tag"),
        (285, "Ethernet with an EDSA tag"),
        (288, "USB 2.0"),
        (290, "ETW of Windows"),
        (292, "USB 2.0, low speed"),
        (293, "USB 2.0, full speed"),
        (294, "USB 2.0, high speed"),
    ];
    if (147..=162).contains(&n) {
        return Some(Known { name: "reserved for private use", ordinary: false });
    }
    found(n, &[], NAMES)
}

/// Kinds of interfaces of Linux (ARPHRD).
pub(super) fn interface(n: u16) -> Option<Known> {
    const NAMES: &[(u16, &str)] = &[
        (1, "Ethernet"),
        (32, "InfiniBand"),
        (256, "SLIP"),
        (280, "CAN"),
        (512, "PPP"),
        (513, "Cisco HDLC"),
        (519, "raw IP"),
        (768, "IPIP"),
        (769, "IPv6 tunnel"),
        (770, "Frame Relay"),
        (772, "loopback"),
        (776, "6in4"),
        (778, "GRE"),
        (783, "IrDA"),
        (801, "802.11"),
        (802, "802.11 with a Prism header"),
        (803, "802.11 with radiotap"),
        (804, "802.15.4"),
        (823, "GRE over IPv6"),
        (824, "netlink"),
        (825, "6LoWPAN"),
        (826, "VSOCK"),
        (0xFFFE, "no header"),
        (0xFFFF, "unknown"),
    ];
    found(n, &[], NAMES)
}

/// Record types of Endace cards.
pub(super) fn erf(n: u8) -> Option<Known> {
    const NAMES: &[(u8, &str)] = &[
        (1, "POS"),
        (2, "Ethernet"),
        (3, "ATM cells"),
        (4, "AAL5"),
        (5, "HDLC of a channel"),
        (6, "raw link of a channel"),
        (7, "ATM cells of a channel"),
        (8, "raw channel"),
        (9, "AAL5 of a channel"),
        (10, "POS"),
        (11, "Ethernet"),
        (12, "AAL2 of a channel"),
        (13, "IP counter"),
        (14, "TCP flow counter"),
        (15, "POS"),
        (16, "Ethernet"),
        (17, "HDLC of a channel"),
        (18, "AAL2"),
        (19, "POS"),
        (20, "Ethernet"),
        (21, "InfiniBand"),
        (22, "IPv4"),
        (23, "IPv6"),
        (24, "raw link"),
        (25, "InfiniBand link"),
        (27, "metadata"),
        (28, "Omni-Path"),
        (29, "Omni-Path"),
        (48, "padding"),
    ];
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
        (0x88E5, "MACsec, encrypted or altered"),
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
