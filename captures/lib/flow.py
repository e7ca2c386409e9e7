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

    def segment(self, side, flags, payload=b"", seq=None, after=0.01):
        """One segment; `seq` sends other bytes than the next ones."""
        self.now += after
        src, dst = self.ends[side], self.ends[1 - side]
        ack = self.next[1 - side] if flags & ACK else 0
        tcp = struct.pack(">HHIIBBHHH", src[1], dst[1], (self.next[side] if seq is None else seq) & 0xFFFFFFFF,
                          ack & 0xFFFFFFFF, 0x50, flags, 65535, 0, 0) + payload
        protocol = 6
        if self.ah:
            # Next header TCP, 28 bytes, a check value of 16 bytes.
            tcp = struct.pack(">BBHII", 6, 5, 0, self.ah[side], len(self.packets)) + bytes(16) + tcp
            protocol = 51
        ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), len(self.packets), 0, 64, protocol, 0,
                         socket.inet_aton(src[0]), socket.inet_aton(dst[0]))
        self.packets.append((self.now, b"\x02\0\0\0\0\x01\x02\0\0\0\0\x02\x08\0" + ip + tcp))
        if seq is None:
            self.next[side] += len(payload) + bool(flags & SYN) + bool(flags & FIN)

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


def write(path, *flows):
    packets = sorted((p for f in flows for p in f.packets), key=lambda p: p[0])
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))
        for now, frame in packets:
            micros = round(now * 1e6)
            out.write(struct.pack("<IIII", micros // 10**6, micros % 10**6, len(frame), len(frame)) + frame)
