"""Builds captures of TCP connections from bytes. Python's standard library only.

    f = Flow(client=("198.51.100.7", 40000), server=("192.0.2.10", 22))
    f.open(); f.client(b"..."); f.server(b"..."); f.close()
    write("capture.pcap", f)
"""
import socket
import struct

SYN, FIN, RST, ACK, PSH = 2, 1, 4, 16, 8


class Flow:
    def __init__(self, client, server, start=1_700_000_000.0, isn=(1000, 5000)):
        self.ends = [client, server]
        self.next = list(isn)
        self.now = start
        self.packets = []
        self.ah = None  # (SPI of the client, SPI of the server) puts packets under AH
        self.esp = None  # likewise, ESP with NULL encryption
        self.gateways = None  # addresses of the client's and the server's: tunnel mode
        self.udp = False  # ESP in UDP
        self.wesp = False  # a header before ESP says that it does not encrypt (RFC 5840)

    def segment(self, side, flags, payload=b"", seq=None, after=0.01):
        """One segment; `seq` sends other bytes than the next ones."""
        self.now += after
        src, dst = self.ends[side], self.ends[1 - side]
        ack = self.next[1 - side] if flags & ACK else 0
        tcp = struct.pack(">HHIIBBHHH", src[1], dst[1], (self.next[side] if seq is None else seq) & 0xFFFFFFFF,
                          ack & 0xFFFFFFFF, 0x50, flags, 65535, 0, 0) + payload
        pseudo = socket.inet_aton(src[0]) + socket.inet_aton(dst[0]) + struct.pack(">HH", 6, len(tcp))
        tcp = tcp[:16] + struct.pack(">H", checksum(pseudo + tcp)) + tcp[18:]
        self.transport(side, 6, tcp)
        if seq is None:
            self.next[side] += len(payload) + bool(flags & SYN) + bool(flags & FIN)

    def transport(self, side, protocol, data):
        """One packet with what is above IP, under AH or ESP where asked for."""
        src, dst = self.ends[side], self.ends[1 - side]
        inner_protocol = protocol
        if self.ah:
            # 28 bytes, a check value of 16 bytes among them.
            data = struct.pack(">BBHII", protocol, 5, 0, self.ah[side], len(self.packets)) + bytes(16) + data
            protocol = 51
        number = len(self.packets)
        packet = ipv4(src[0], dst[0], protocol, number, data)
        if self.esp:
            outer = (src[0], dst[0])
            inner, payload_of = (data, inner_protocol)
            if self.gateways:
                outer = (self.gateways[side], self.gateways[1 - side])
                inner, payload_of = (packet, 4)
            pad = -(len(inner) + 2) % 4
            inner += bytes(range(1, pad + 1)) + bytes([pad, payload_of])
            # A check value of 16 bytes.
            esp = struct.pack(">II", self.esp[side], number + 1) + inner + bytes([0xC5]) * 16
            if self.wesp:
                # Next header, offset of the payload, length of the check value.
                esp = struct.pack(">BBBB", payload_of, 12, 16, 0) + esp
                esp = struct.pack(">I", 2) + esp if self.udp else esp
            if self.udp:
                esp = struct.pack(">HHHH", 4500, 4500, 8 + len(esp), 0) + esp
            packet = ipv4(*outer, 17 if self.udp else 141 if self.wesp else 50, number, esp)
        self.packets.append((self.now, b"\x02\0\0\0\0\x01\x02\0\0\0\0\x02\x08\0" + packet))

    def open(self):
        self.segment(0, SYN)
        self.segment(1, SYN | ACK)
        self.segment(0, ACK)

    def client(self, payload, **options):
        self.segment(0, ACK | PSH, payload, **options)

    def server(self, payload, **options):
        self.segment(1, ACK | PSH, payload, **options)

    def close(self, after=0.01):
        self.segment(0, ACK | FIN, after=after)
        self.segment(1, ACK | FIN)
        self.segment(0, ACK)


def checksum(data):
    data += bytes(len(data) % 2)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ipv4(src, dst, protocol, number, payload):
    header = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), number, 0, 64, protocol, 0,
                         socket.inet_aton(src), socket.inet_aton(dst))
    return header[:10] + struct.pack(">H", checksum(header)) + header[12:] + payload


def write(path, *flows):
    packets = sorted((p for f in flows for p in f.packets), key=lambda p: p[0])
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))
        for now, frame in packets:
            micros = round(now * 1e6)
            out.write(struct.pack("<IIII", micros // 10**6, micros % 10**6, len(frame), len(frame)) + frame)
