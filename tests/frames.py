#!/usr/bin/env python3
"""Writes a capture again in other frames, one file for each tag, tunnel and link type:
NAME.pcap, and names.tsv with the name and what makes tshark read it, or a dash where it does
not read it. all.pcapng has those that tshark reads without more, an interface for each in
the order of names.tsv. options.tsv has names of files that zerttap reads by options only,
and these. cut.pcapng has a packet with data in each form, cut after every byte.

usage: frames.py CAPTURE DIRECTORY
"""
import struct
import sys
from pathlib import Path

MACS = bytes.fromhex("020000000002020000000001")


def p(form, *values):
    return struct.pack(">" + form, *values)


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def packets(path):
    """Time, IP packet."""
    data, at = path.read_bytes(), 24
    while at < len(data):
        seconds, fraction, captured, _ = struct.unpack_from("<4I", data, at)
        yield (seconds, fraction), data[at + 16 + 14:at + 16 + captured]
        at += 16 + captured


def with_checksum(ip):
    """IPv4 as it is behind a mirror: the sender's offloading is over."""
    total, = struct.unpack_from(">H", ip, 2)
    header = (ip[0] & 15) * 4
    ip = ip[:10] + b"\0\0" + ip[12:total]
    return ip[:10] + p("H", checksum(ip[:header])) + ip[12:]


def ether(ether_type, payload, macs=MACS):
    return macs + p("H", ether_type) + payload


def tagged(*tags):
    """Tags, each an EtherType and its bytes, before IP."""
    def wrap(ip):
        payload = p("H", 0x0800) + ip
        for ether_type, content in reversed(tags):
            payload = p("H", ether_type) + content + payload
        return MACS + payload
    return wrap


def outer(protocol, payload):
    head = p("BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 1, 0, 64, protocol, 0,
             bytes([198, 51, 100, 1]), bytes([198, 51, 100, 2]))
    return head[:10] + p("H", checksum(head)) + head[12:] + payload


def outer6(protocol, payload):
    return p("IHBB16s16s", 0x60000000, len(payload), protocol, 64, b"\xfd" + bytes(14) + b"\1",
             b"\xfd" + bytes(14) + b"\2") + payload


def in_ip(protocol, inside):
    return lambda ip: ether(0x0800, outer(protocol, inside(ip)))


def in_udp(port, inside):
    return lambda ip: ether(0x0800, outer(17, p("4H", 50000, port, 8 + len(inside(ip)), 0) + inside(ip)))


def before(head, inside=lambda ip: ip):
    return lambda ip: head + inside(ip)


def frame(ip):
    return ether(0x0800, ip)


def lengths(form, inside, extra=0):
    """A header with a length in it: what the form gives for the length."""
    return lambda ip: form(len(inside(ip)) + extra) + inside(ip)


def snap(ip):
    return bytes.fromhex("aaaa03000000 0800") + ip


def wireless(control, more=b"", body=snap):
    return lambda ip: bytes.fromhex(control) + p("H", 0) + MACS + bytes(8) + more + body(ip)


def amsdu(ip):
    """Two packets: the second is an acknowledgement of nobody, which IP does not name."""
    one = MACS + p("H", len(snap(ip))) + snap(ip)
    one += bytes(-len(one) % 4)
    arp = bytes.fromhex("aaaa03000000 0806 00010800060400010200000000010a0000010000000000000a000002")
    return one + MACS + p("H", len(arp)) + arp


def erf(kind, inside, extensions=b""):
    def wrap(ip):
        packet = inside(ip)
        first = kind | (0x80 if extensions else 0)
        length = 16 + len(extensions) + len(packet)
        return p("QBBHHH", 0, first, 4, length, 0, len(packet)) + extensions + packet
    return wrap


def nflog(order, family=2):
    def attribute(kind, content):
        return struct.pack(order + "HH", 4 + len(content), kind) + content + bytes(-len(content) % 4)
    def wrap(ip):
        return p("BBH", family, 0, 0) + attribute(1, p("HBB", 0x0800, 3, 0)) \
            + attribute(10, b"zt\0") + attribute(9, ip)
    return wrap


def sll(kind, protocol):
    return before(p("HHH8sH", 0, kind, 6, MACS[:6] + b"\0\0", protocol))


def sll2(kind, protocol):
    return before(p("HHIHBB8s", protocol, 0, 3, kind, 0, 6, MACS[:6] + b"\0\0"))


def ppi(link, inside):
    return lambda ip: struct.pack("<BBHI", 0, 0, 8, link) + inside(ip)


def gre(flags, protocol, rest, inside):
    return in_ip(47, lambda ip: p("HH", flags, protocol) + rest + inside(ip))


def eoip(ip):
    return p("HHH", 0x2001, 0x6400, len(frame(ip))) + struct.pack("<H", 7) + frame(ip)


def label(inside, macs=MACS):
    return lambda ip: ether(0x8847, p("II", 0x00010040, 0x00011140) + inside(ip), macs)


def pseudowire(first, control=b""):
    return label(lambda ip: control + ether(0x0800, ip, bytes([first]) + MACS[1:]))


def juniper(flags, inside):
    return lambda ip: b"MGC" + bytes([flags]) + inside(ip)


def macsec(tci, rest=b""):
    return lambda ip: ether(0x88E5, bytes([tci, 0]) + p("I", 7) + rest + p("H", 0x0800) + ip + bytes(16))


def teredo(head):
    return in_udp(3544, lambda ip: head + outer6(4, ip))


RADIOTAP = bytes.fromhex("00000800 00000000")
QOS = b"\0\0"
NSH = bytes.fromhex("0fc6 01 03 0000ff01") + bytes(16)
VLAN = b"\0\x05"
SUB20 = bytes(20)

# The packet that is cut: the first with data.
CUT = 3

# Name, link type, frame, what tshark needs to read it ("-": it does not).
FORMS = [
    ("vlan", 1, tagged((0x8100, VLAN)), ""),
    ("qinq", 1, tagged((0x88A8, VLAN), (0x8100, VLAN)), ""),
    ("qinq-9100", 1, tagged((0x9100, VLAN), (0x8100, VLAN)), ""),
    ("qinq-9200", 1, tagged((0x9200, VLAN), (0x8100, VLAN)), "-o vlan.qinq_ethertype:0x9200"),
    ("qinq-9300", 1, tagged((0x9300, VLAN), (0x9300, VLAN)), "-o vlan.qinq_ethertype:0x9300"),
    ("five-vlans", 1, tagged(*[(0x8100, VLAN)] * 5), ""),
    ("cisco-metadata", 1, tagged((0x8909, bytes.fromhex("0101 0001 000a"))), ""),
    ("vlan-metadata", 1, tagged((0x8100, VLAN), (0x8909, bytes.fromhex("0101 0001 000a"))), ""),
    ("vn-tag", 1, tagged((0x8926, bytes(4))), ""),
    ("vn-tag-vlan", 1, tagged((0x8926, bytes(4)), (0x8100, VLAN)), ""),
    ("e-tag", 1, tagged((0x893F, bytes(6))), ""),
    ("e-tag-vlan-metadata", 1,
     tagged((0x893F, bytes(6)), (0x8100, VLAN), (0x8909, bytes.fromhex("0101 0001 000a"))), ""),
    ("r-tag", 1, tagged((0xF1C1, bytes(4))), ""),
    ("hsr", 1, tagged((0x892F, p("HH", 52, 7))), ""),
    ("fabricpath", 1, before(MACS + bytes.fromhex("8903 0010"), frame), ""),
    ("pbb", 1, before(MACS + bytes.fromhex("88a8 0001 88e7 00000100"), frame), ""),
    ("trill", 1, before(MACS + bytes.fromhex("22f3 003f 0001 0002"), frame), ""),
    ("isl", 1, before(bytes.fromhex("01000c0000 00 020000000001 0060 aaaa03 00000c 0002 0000 0000"),
                      frame), ""),
    ("macsec-plain", 1, macsec(0), ""),
    ("macsec-plain-channel", 1, macsec(0x20, bytes(8)), ""),
    ("trailer-vss", 1, lambda ip: frame(ip) + bytes(46 - min(46, len(ip))) + bytes.fromhex("0102030405060708 01 02"), ""),
    ("trailer-gigamon", 1, lambda ip: frame(ip) + bytes.fromhex("0a0b0c0d" * 4), ""),
    ("arista-time", 1, tagged((0xD28B, p("HH", 1, 0x10) + bytes(8))), ""),
    ("jumbo-llc", 1, lambda ip: ether(0x8870, snap(ip)), ""),
    ("pppoe", 1, lambda ip: ether(0x8864, p("BBHH", 0x11, 0, 1, 2 + len(ip)) + p("H", 0x21) + ip), ""),
    ("pppoe-pfc", 1, lambda ip: ether(0x8864, p("BBHH", 0x11, 0, 1, 1 + len(ip)) + b"\x21" + ip), ""),
    ("centrino", 1, lambda ip: ether(0x2452, wireless("0801")(ip)), ""),
    ("mpls", 1, label(lambda ip: ip), ""),
    ("mpls-control-word", 1, pseudowire(0x02, bytes(4)), "-d mpls.label==17,pwethcw"),
    ("mpls-mac-00", 1, pseudowire(0x00), "-d mpls.label==17,pwethnocw"),
    ("mpls-mac-40", 1, pseudowire(0x40), "-d mpls.label==17,pwethnocw"),
    ("mpls-mac-45", 1, pseudowire(0x45), "-d mpls.label==17,pwethnocw"),
    ("mpls-mac-60", 1, pseudowire(0x60), "-d mpls.label==17,pwethnocw"),
    ("mpls-mac-1c", 1, pseudowire(0x1C), "-d mpls.label==17,pwethnocw"),
    ("mpls-mac-4c-control-word", 1, pseudowire(0x4C, p("I", 9)), "-d mpls.label==17,pwethcw"),
    ("ip-in-ip", 1, in_ip(4, lambda ip: ip), ""),
    ("4in6", 1, lambda ip: ether(0x86DD, outer6(4, ip)), ""),
    ("ipip-94", 1, in_ip(94, lambda ip: ip), "-"),
    ("ethernet-in-ip", 1, in_ip(143, frame), ""),
    ("etherip", 1, in_ip(97, before(b"\x30\0", frame)), ""),
    ("mpls-in-ip", 1, in_ip(137, before(p("I", 0x00011140))), ""),
    ("nsh-in-ip", 1, in_ip(145, before(NSH, frame)), "-"),
    ("nsh-ethernet", 1, lambda ip: ether(0x894F, NSH + frame(ip)), ""),
    ("gre", 1, gre(0, 0x0800, b"", lambda ip: ip), ""),
    ("gre-key-sequence-checksum", 1, gre(0xB000, 0x0800, bytes(12), lambda ip: ip), ""),
    ("nvgre", 1, gre(0x2000, 0x6558, p("I", 0x100), frame), ""),
    ("gre-mpls", 1, gre(0, 0x8847, p("I", 0x00011140), lambda ip: ip), ""),
    ("gre-nsh", 1, gre(0, 0x894F, NSH, frame), ""),
    ("pptp", 1, lambda ip: ether(0x0800, outer(47, p("HHHHI", 0x3001, 0x880B, 4 + len(ip), 1, 1)
                                             + bytes.fromhex("ff030021") + ip)), ""),
    ("eoip", 1, in_ip(47, eoip), ""),
    ("erspan-1", 1, gre(0, 0x88BE, b"", frame), ""),
    ("erspan-2", 1, gre(0x1000, 0x88BE, p("III", 1, 0x10010001, 0), frame), ""),
    ("erspan-3", 1, gre(0x1000, 0x22EB, p("IIII", 1, 0x20010001, 0, 0), frame), ""),
    ("erspan-3-platform", 1, gre(0x1000, 0x22EB, p("IIII", 1, 0x20010001, 0, 1) + p("II", 0x0C000000, 0), frame), ""),
    ("l2tpv3-ip", 1, in_ip(115, before(p("I", 7), frame)), "-"),
    ("l2tpv3-ip-cookie4", 1, in_ip(115, before(p("II", 7, 0x99999999), frame)), "-"),
    ("l2tpv3-ip-cookie8-sublayer", 1, in_ip(115, before(p("IQI", 7, 0x9999999999999999, 0x40000001), frame)), "-"),
    ("l2tpv3-udp", 1, in_udp(1701, before(p("HHI", 0x0003, 0, 7), frame)), "-"),
    ("l2tpv2-udp", 1, in_udp(1701, before(p("HHH", 0x0002, 1, 2) + bytes.fromhex("ff030021"))), ""),
    ("vxlan", 1, in_udp(4789, before(p("II", 0x08000000, 0x100), frame)), ""),
    ("vxlan-linux", 1, in_udp(8472, before(p("II", 0x08000000, 0x100), frame)), "-d udp.port==8472,vxlan"),
    ("vxlan-group-policy", 1, in_udp(4789, before(p("II", 0x88000007, 0x100), frame)), ""),
    ("vxlan-gpe-ip", 1, in_udp(4790, before(p("II", 0x0C000001, 0x100))), ""),
    ("vxlan-gpe-ethernet", 1, in_udp(4790, before(p("II", 0x0C000003, 0x100), frame)), ""),
    ("vxlan-gpe-nsh", 1, in_udp(4790, before(p("II", 0x0C000004, 0x100) + NSH, frame)), ""),
    ("geneve", 1, in_udp(6081, before(p("HHI", 0, 0x6558, 0x100), frame)), ""),
    ("geneve-options-ip", 1, in_udp(6081, before(p("HHI", 0x0800, 0x0800, 0x100) + bytes.fromhex(
        "0108 01 02 0000000000000001 0108 02 02 0000000000000002 0108 03 01 00000003")[:32])), ""),
    ("mpls-in-udp", 1, in_udp(6635, before(p("I", 0x00011140))), ""),
    ("gre-in-udp", 1, in_udp(4754, before(p("HH", 0, 0x0800))), ""),
    ("nvgre-in-udp", 1, in_udp(4754, before(p("HHI", 0x2000, 0x6558, 0x100), frame)), ""),
    ("gtp", 1, in_udp(2152, lengths(lambda n: p("BBHI", 0x30, 0xFF, n, 1), lambda ip: ip)), ""),
    ("gtp-extension", 1, in_udp(2152, lengths(
        lambda n: p("BBHI", 0x34, 0xFF, n + 8, 1) + bytes.fromhex("00000085 01 1009 00"), lambda ip: ip)), ""),
    ("teredo", 1, teredo(b""), ""),
    ("teredo-origin", 1, teredo(bytes.fromhex("0000 1234 01020304")), ""),
    ("teredo-authentication", 1, teredo(bytes.fromhex("0001 0000 0102030405060708 00")), ""),
    ("tzsp-ethernet", 1, in_udp(37008, before(bytes.fromhex("01000001 0a01c5 00 01"), frame)), ""),
    ("tzsp-802.11", 1, in_udp(37008, before(bytes.fromhex("01000012 01"), wireless("0801"))), ""),
    ("capwap", 1, in_udp(5247, before(bytes.fromhex("0010 0200 00000000"), frame)), ""),
    ("vxlan-in-gre-behind-vlan", 1, lambda ip: ether(0x8100, VLAN + p("H", 0x0800) + outer(
        47, p("HH", 0, 0x6558) + in_udp(4789, before(p("II", 0x08000000, 1), frame))(ip))), ""),
    ("raw", 101, lambda ip: ip, ""),
    ("null-little", 0, before(struct.pack("<I", 2)), ""),
    ("null-big", 0, before(p("I", 2)), ""),
    ("loop", 108, before(p("I", 2)), ""),
    ("token-ring", 6, before(bytes.fromhex("1040") + MACS, snap), ""),
    ("token-ring-route", 6, before(bytes.fromhex("1040") + MACS[:6] + bytes([MACS[6] | 0x80]) + MACS[7:]
                                   + bytes.fromhex("0670 0011 0020"), snap), ""),
    ("fddi", 10, before(b"\x50" + MACS, snap), ""),
    ("arcnet-bsd", 7, before(bytes.fromhex("0102 d4 00 0001")), ""),
    ("arcnet-bsd-exception", 7, before(bytes.fromhex("0102 d4 ff ffff d4 00 0001")), ""),
    ("arcnet-linux", 129, before(bytes.fromhex("0102 0000 d4 00 0001")), ""),
    ("arcnet-old", 7, before(bytes.fromhex("0102 f0")), ""),
    ("slip", 8, before(bytes(16)), "-"),
    ("ppp", 9, before(bytes.fromhex("ff030021")), ""),
    ("ppp-compressed", 9, before(bytes.fromhex("21")), ""),
    ("ppp-hdlc", 50, before(bytes.fromhex("ff030021")), ""),
    ("ppp-hdlc-cisco", 50, before(bytes.fromhex("0f000800")), ""),
    ("ppp-multilink-whole", 9, before(bytes.fromhex("ff03 003d c0000001 0021")), ""),
    ("ppp-multilink-whole-short", 9, before(bytes.fromhex("ff03 003d c001 0021")), "-"),
    ("ppp-mpls", 9, before(bytes.fromhex("ff03 0281") + p("I", 0x00011140)), ""),
    ("ppp-bridging", 9, before(bytes.fromhex("ff03 0031 0001"), frame), ""),
    ("pppoe-link", 51, lengths(lambda n: p("BBHHH", 0x11, 0, 1, n + 2, 0x21), lambda ip: ip), ""),
    ("ppp-direction-in", 166, before(bytes.fromhex("00030021")), "-"),
    ("ppp-direction-out", 166, before(bytes.fromhex("01030021")), "-"),
    ("ppp-with-direction", 204, before(bytes.fromhex("01 ff030021")), ""),
    ("c-hdlc", 104, before(bytes.fromhex("0f000800")), ""),
    ("c-hdlc-with-direction", 205, before(bytes.fromhex("01 0f000800")), "-"),
    ("frame-relay", 107, before(bytes.fromhex("1841 03 cc")), ""),
    ("frame-relay-snap", 107, before(bytes.fromhex("1841 03 00 80 000000 0800")), ""),
    ("frame-relay-bridged", 107, before(bytes.fromhex("1841 03 00 80 0080c2 0007"), frame), ""),
    ("frame-relay-cisco", 107, before(bytes.fromhex("1841 0800")), "-o fr.encap:Cisco"),
    ("frame-relay-4", 107, before(bytes.fromhex("18404041 03 cc")), ""),
    ("frame-relay-ppp", 107, before(bytes.fromhex("1841 03 cf 0021")), ""),
    ("frame-relay-with-direction", 206, before(bytes.fromhex("00 1841 03 cc")), "-"),
    ("atm-llc", 100, snap, ""),
    ("atm-nlpid", 100, before(bytes.fromhex("fefe03cc")), ""),
    ("atm-bridged", 100, before(bytes.fromhex("aaaa03 0080c2 0007 0000"), frame), ""),
    ("atm-ppp", 100, before(bytes.fromhex("fefe03cf 0021")), ""),
    ("atm-clip", 106, lambda ip: ip, ""),
    ("sun-atm", 123, before(bytes.fromhex("02000020"), snap), ""),
    ("sun-atm-lane", 123, before(bytes.fromhex("01000020 0001"), frame), ""),
    ("ip-over-fc", 122, before(bytes(16), snap), ""),
    ("ip-over-1394", 138, before(bytes(16) + p("H", 0x0800)), ""),
    ("ip-over-infiniband", 242, before(p("HH", 0x0800, 0)), "-"),
    ("ipnet", 226, lengths(lambda n: p("BBHIIIII", 1, 2, 0, n, 1, 1, 0, 0), lambda ip: ip), ""),
    ("openbsd-enc", 109, before(struct.pack("<I", 2) + p("II", 0, 0)), ""),
    ("pflog", 117, before(bytes([61, 2, 0, 0]) + b"em0".ljust(16, b"\0") + bytes(44)), ""),
    ("netanalyzer", 240, lambda ip: bytes.fromhex("00000000") + frame(ip) + bytes(4), "-"),
    ("netanalyzer-transparent", 241,
     lambda ip: bytes(4) + b"\x55" * 7 + b"\xd5" + frame(ip) + bytes(4), "-"),
    ("epon", 259, before(bytes.fromhex("555555d5 5555 0001"), frame), "-"),
    ("mpacket", 274, lambda ip: b"\x55" * 7 + b"\xd5" + frame(ip) + bytes(4), "-"),
    ("docsis", 143, lengths(lambda n: p("BBHH", 0, 0, n, 0), lambda ip: frame(ip) + bytes(4)), "-"),
    ("docsis-extended", 143, lengths(lambda n: p("BBH", 1, 4, n + 4) + bytes([0x03, 0, 0, 0]) + p("H", 0),
                                     lambda ip: frame(ip) + bytes(4)), "-"),
    ("juniper-ethernet", 178, juniper(0, frame), ""),
    ("juniper-ethernet-extensions", 178,
     lambda ip: b"MGC\x80" + p("H", 6) + bytes.fromhex("010101 020101") + frame(ip), ""),
    ("juniper-no-link-header", 178, juniper(2, before(struct.pack("<I", 2))), ""),
    ("juniper-ppp", 179, juniper(0, before(bytes.fromhex("ff030021"))), ""),
    ("juniper-frame-relay", 180, juniper(0, before(bytes.fromhex("1841 03 cc"))), ""),
    ("juniper-c-hdlc", 181, juniper(0, before(bytes.fromhex("0f000800"))), ""),
    ("pktap", 258, before(struct.pack("<III", 108, 1, 1) + bytes(96), frame), ""),
    ("sll", 113, sll(1, 0x0800), ""),
    ("sll-vlan", 113, before(p("HHH8sH", 0, 1, 6, bytes(8), 0x8100) + VLAN + p("H", 0x0800)), ""),
    ("sll-none", 113, sll(0xFFFE, 0x0800), ""),
    ("sll-ppp", 113, sll(512, 0x0800), ""),
    ("sll-ipip", 113, sll(768, 0x0800), ""),
    ("sll-gre", 113, sll(778, 0x0800), ""),
    ("sll-raw-ip", 113, sll(519, 0), "-"),
    ("sll-infiniband", 113, sll(32, 0x0800), ""),
    ("sll-802.11", 113, before(p("HHH8sH", 0, 803, 6, bytes(8), 4) + RADIOTAP, wireless("0801")), ""),
    ("sll-frame-relay", 113, before(p("HHH8sH", 0, 770, 2, bytes(8), 0) + bytes.fromhex("1841 03 cc")), ""),
    ("sll2", 276, sll2(1, 0x0800), ""),
    ("sll2-none", 276, sll2(0xFFFE, 0x0800), ""),
    ("erf-ethernet", 197, erf(2, before(b"\0\0", frame)), ""),
    ("erf-color-ethernet", 197, erf(11, before(b"\0\0", frame)), ""),
    ("erf-ethernet-extensions", 197,
     erf(2, before(b"\0\0", frame), bytes.fromhex("83 00000000000001 05 00000000000002")), ""),
    ("erf-pos-ppp", 197, erf(1, before(bytes.fromhex("ff030021"))), ""),
    ("erf-pos-c-hdlc", 197, erf(1, before(bytes.fromhex("0f000800"))), ""),
    ("erf-mc-hdlc", 197, erf(5, before(bytes(4) + bytes.fromhex("0f000800"))), ""),
    ("erf-aal5", 197, erf(4, before(p("I", 0x00000200), snap)), ""),
    ("erf-mc-aal5", 197, erf(9, before(p("II", 0, 0x00000200), snap)), ""),
    ("erf-ipv4", 197, erf(22, lambda ip: ip), ""),
    ("nflog-little", 239, nflog("<"), ""),
    ("nflog-big", 239, nflog(">"), "-"),
    ("ppi-ethernet", 192, ppi(1, frame), ""),
    ("ppi-802.11", 192, ppi(105, wireless("0801")), ""),
    ("802.11", 105, wireless("0801"), ""),
    ("802.11-from-ds", 105, wireless("0802"), ""),
    ("802.11-qos", 105, wireless("8801", QOS), ""),
    ("802.11-four-addresses", 105, wireless("8803", bytes(6) + QOS), ""),
    ("802.11-ht-control", 105, wireless("8881", QOS + bytes(4)), ""),
    ("802.11-amsdu", 105, wireless("8801", b"\x80\0", amsdu), ""),
    ("radiotap", 127, before(RADIOTAP, wireless("8801", QOS)), ""),
    ("radiotap-fcs", 127, lambda ip: bytes.fromhex("00000900 02000000 10") + wireless("0801")(ip)
     + bytes(4), ""),
    ("radiotap-padded", 127,
     before(bytes.fromhex("00000900 02000000 20"), wireless("8801", QOS + bytes(2))), ""),
    ("avs", 163, before(p("II", 0x80211001, 64) + bytes(56), wireless("0801")), ""),
    ("prism", 119, before(struct.pack("<II16s", 0x44, 144, b"wlan0") + bytes(120), wireless("0801")), ""),
    ("prism-avs", 119, before(p("II", 0x80211001, 64) + bytes(56), wireless("0801")), ""),
    ("broadcom", 281, lambda ip: MACS + bytes.fromhex("40000004") + p("H", 0x0800) + ip, "-"),
    ("broadcom-before", 282, before(bytes.fromhex("40000004"), frame), "-"),
    ("dsa", 284, lambda ip: MACS + bytes.fromhex("c0020004") + p("H", 0x0800) + ip, "-"),
    ("edsa", 285, lambda ip: MACS + bytes.fromhex("dada0000 c0020004") + p("H", 0x0800) + ip, "-"),
    ("edsa-ethernet", 1, lambda ip: MACS + bytes.fromhex("dada0000 c0020004") + p("H", 0x0800) + ip, "-"),
    ("user0-ip", 147, lambda ip: ip, "-"),
    ("user0-ethernet", 147, frame, "-"),
    ("user0-header", 147, before(SUB20), "-"),
    ("user15-header-ethernet", 162, before(SUB20, frame), "-"),
]


# Name, link type, frame, options of zerttap.
BY_OPTION = [
    ("vxlan-by-option", 1, in_udp(5555, before(p("II", 0x08000000, 0x100), frame)), "--tunnel-port vxlan=5555"),
    ("gpe-by-option", 1, in_udp(5556, before(p("II", 0x0C000003, 0x100), frame)), "--tunnel-port vxlan-gpe=5556"),
    ("geneve-by-option", 1, in_udp(5557, before(p("HHI", 0, 0x6558, 0x100), frame)), "--tunnel-port geneve=5557"),
    ("tzsp-by-option", 1, in_udp(5558, before(bytes.fromhex("01000001 01"), frame)), "--tunnel-port TZSP=5558"),
    ("teredo-by-option", 1, in_udp(5559, lambda ip: outer6(4, ip)), "--tunnel-port teredo=5559"),
    ("vlan-by-option", 1, tagged((0x9999, VLAN), (0x8100, VLAN)), "--vlan-ethertype 0x9999"),
]


def block(kind, body):
    body += bytes(-len(body) % 4)
    length = struct.pack("<I", 12 + len(body))
    return struct.pack("<I", kind) + length + body + length


def main():
    base, directory = Path(sys.argv[1]), Path(sys.argv[2])
    original = [(time, with_checksum(ip)) for time, ip in packets(base)]
    names, interfaces, blocks = [], [], []
    cuts, cut_interfaces = [], []
    for name, link, wrap, reader in [("plain", 1, frame, "")] + FORMS + [(*f[:3], None) for f in BY_OPTION]:
        out = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, link)
        for time, ip in original:
            data = wrap(ip)
            out += struct.pack("<4I", *time, len(data), len(data)) + data
            stamp = time[0] * 1_000_000 + time[1]
            if reader == "":
                blocks.append(block(6, struct.pack("<5I", len(interfaces), stamp >> 32, stamp & 0xFFFFFFFF,
                                                   len(data), len(data)) + data))
        whole = wrap(original[CUT][1])
        for captured in range(min(len(whole), 240)):
            cuts.append(block(6, struct.pack("<5I", len(cut_interfaces), 0, 0, captured, len(whole)) + whole[:captured]))
        cut_interfaces.append(block(1, struct.pack("<HHI", link, 0, 262144)))
        if reader == "":
            interfaces.append(block(1, struct.pack("<HHI", link, 0, 262144)))
        (directory / f"{name}.pcap").write_bytes(out)
        if reader is not None:
            names.append(f"{name}\t{reader}\n")
    section = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))
    (directory / "all.pcapng").write_bytes(section + b"".join(interfaces) + b"".join(blocks))
    (directory / "cut.pcapng").write_bytes(section + b"".join(cut_interfaces) + b"".join(cuts))
    (directory / "options.tsv").write_text("".join(f"{f[0]}\t{f[3]}\n" for f in BY_OPTION))
    (directory / "names.tsv").write_text("".join(names))


main()
