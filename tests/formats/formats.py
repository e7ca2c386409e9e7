"""Writes the packets of a pcap file in formats that editcap does not write.

usage: formats.py SOURCE.pcap DIRECTORY
"""

import pathlib
import struct
import sys

ETHERNET = 1
SNMP_ETHERNET = 6


def packets(data):
    """Seconds, microseconds and bytes of a little-endian pcap file's packets."""
    at = 24
    while at < len(data):
        seconds, micros, captured, _ = struct.unpack_from("<4I", data, at)
        yield seconds, micros, data[at + 16:at + 16 + captured]
        at += 16 + captured


def iptrace1(all_packets):
    """AIX iptrace 1.0: 30 bytes before a packet, whole seconds."""
    out = [b"iptrace 1.0"]
    for seconds, _, data in all_packets:
        out.append(struct.pack(">II", len(data) + 22, seconds))
        out.append(b"en\0\0" + b"\0" * 12)
        out.append(b"\0" * 4)
        out.append(bytes([SNMP_ETHERNET, 0]) + data)
    return b"".join(out)


def iptrace2(all_packets):
    """AIX iptrace 2.0: 40 bytes before a packet, with nanoseconds."""
    out = [b"iptrace 2.0"]
    for seconds, micros, data in all_packets:
        out.append(struct.pack(">II", len(data) + 32, 0))
        out.append(b"en\0\0" + b"\0" * 12 + b"\0" * 4)
        out.append(bytes([SNMP_ETHERNET, 0, 0, 0]))
        out.append(struct.pack(">II", seconds, micros * 1000) + data)
    return b"".join(out)


def pcap(all_packets, magic=0xA1B2C3D4, version=(2, 4), link=ETHERNET, order="<", extra=b"",
         unit=1, file_extra=b""):
    """A pcap file; extra stands behind each packet header."""
    out = [struct.pack(order + "IHHiIII", magic, *version, 0, 0, 65535, link) + file_extra]
    for seconds, micros, data in all_packets:
        out.append(struct.pack(order + "4I", seconds, micros * unit, len(data), len(data)))
        out.append(extra + data)
    return b"".join(out)


def ixia(all_packets, magic, unit):
    """Ixia's lcap: the size of all records behind the usual file header."""
    size = sum(16 + len(data) for _, _, data in all_packets)
    return pcap(all_packets, magic=magic, unit=unit, file_extra=struct.pack("<I", size))


def erf(all_packets, extension=b""):
    """Endace ERF, Ethernet: two bytes before the frame, filled up to 8 bytes."""
    out = []
    for seconds, micros, data in all_packets:
        body = extension + b"\0\0" + data
        body += b"\0" * (-len(body) % 8)
        kind = 2 | (0x80 if extension else 0)
        out.append(struct.pack("<II", micros * 2**32 // 1_000_000, seconds))
        out.append(struct.pack(">BBHHH", kind, 4, 16 + len(body), 0, len(data)) + body)
    return b"".join(out)


def main():
    """Writes all of them."""
    source, directory = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    found = list(packets(source.read_bytes()))
    made = {
        "iptrace1": iptrace1(found),
        "iptrace2": iptrace2(found),
        "ixia-hardware": ixia(found, 0x1C0001AC, 1000),
        "ixia-software": ixia(found, 0x1C0001AB, 1),
        "erf": erf(found),
        "erf-extension": erf(found, extension=bytes([0x03, 0, 0, 0, 0, 0, 0, 1])),
        "pcap-big-endian": pcap(found, order=">"),
        "pcap-aix": pcap(found, order=">", version=(2, 2), link=SNMP_ETHERNET, unit=1000),
        "pcap-24-bytes": pcap(found, extra=struct.pack("<IHBB", 2, 0x0800, 0, 0)),
        "pcap-20-bytes": pcap(found, extra=struct.pack("<I", 0)),
        "pcap-nanoseconds-as-micro": pcap(found, unit=1000),
    }
    for name, data in made.items():
        (directory / f"{name}.cap").write_bytes(data)


main()
