"""Builds captures of Enterprise Extender from bytes: no implementation is to be
had outside of mainframes and routers.

    f = Ee("192.0.2.1", "192.0.2.2"); f.activate(); f.packet(0, 1, b"..."); f.disc()
"""
import socket
import struct

from flow import Flow, checksum

SIGNAL, NETWORK, HIGH, MEDIUM, LOW = range(5)
PRIORITY = {NETWORK: 3, HIGH: 2, MEDIUM: 1, LOW: 0}
RTP_DATA = bytes.fromhex("5c0000018000000000000007" "0b8000") + "HELLO FROM NETA.HOST1".encode("cp037")


class Ee(Flow):
    def __init__(self, caller, called, start=1_700_000_000.0, base=12000):
        super().__init__((caller, base), (called, base), start=start)
        self.base = base
        self.saps = (4, 4)
        self.source = None  # another source port
        self.sequence = [1, 1]

    def datagram(self, side, index, payload, after=0.01):
        """A datagram to the port with this index."""
        self.now += after
        src, dst = self.ends[side][0], self.ends[1 - side][0]
        port = self.base + index
        family = socket.AF_INET6 if ":" in src else socket.AF_INET
        udp = struct.pack(">HHHH", self.source or port, port, 8 + len(payload), 0) + payload
        pseudo = socket.inet_pton(family, src) + socket.inet_pton(family, dst)
        pseudo += struct.pack(">II", len(udp), 17) if family == socket.AF_INET6 else struct.pack(">HH", 17, len(udp))
        udp = udp[:6] + struct.pack(">H", checksum(pseudo + udp) or 0xFFFF) + udp[8:]
        if ":" in src:
            head = struct.pack(">IHBB", 0x6C000000, len(udp), 17, 64)
            packet = head + socket.inet_pton(family, src) + socket.inet_pton(family, dst) + udp
            self.packets.append((self.now, b"\x02\0\0\0\0\x01\x02\0\0\0\0\x02\x86\xdd" + packet))
        else:
            self.transport(side, 17, udp)

    def llc(self, side, index, control, body=b"", response=False, after=0.01):
        header = bytes([self.saps[1 - side], self.saps[side] | response, control])
        self.datagram(side, index, header + body, after)

    def xid(self, side, body=b"", response=False, after=0.05):
        self.llc(side, SIGNAL, 0xBF, body, response, after)

    def xid3(self, side, response=False, state=0x74, negotiation=0x80, role=0x71, after=0.05):
        """XID of format 3; `state` is the second byte of the characteristics."""
        name = f"NETA.HOST{side + 1}".encode("cp037")
        vector = bytes([0x0E, len(name) + 1, 0xF4]) + name
        body = bytes.fromhex("fff00000000030") + bytes([state, 0xD1, 0, negotiation, 0, 0, 0x80, 0x15, 1, 0x0B, role])
        body += bytes.fromhex("0005b5000000000700")
        fixed = bytes([0x32, 2 + len(body) + len(vector)]) + body
        self.xid(side, fixed + vector, response, after)

    def activate(self):
        self.xid(0)
        self.xid(1, response=True)
        self.xid3(0, state=0x78)
        self.xid3(1, response=True, state=0x78)
        self.xid3(0)
        self.xid3(1, response=True, negotiation=0xC0, role=0x41)
        self.xid3(0, role=0x51)
        for side, code in ((0, 3), (1, 4)):
            self.datagram(side, SIGNAL, bytes([0xC8, 0xC8, 3, 0xA6, 0x10, 0xFF, 0, code]))

    def test(self, side=0, index=SIGNAL, after=10.0):
        self.llc(side, index, 0xF3, after=after)
        self.llc(1 - side, index, 0xF3, response=True)

    def packet(self, side, index, data=RTP_DATA, after=0.01):
        """A network layer packet with the priority of its port."""
        # TCID, two bytes of flags, data offset in words, data length, sequence.
        header = struct.pack(">QBBHII", 42, 0x30 if data else 0, 0, 5, len(data), self.sequence[side])
        self.sequence[side] += len(data)
        nhdr = bytes([0xC0 | PRIORITY[index] << 1, 0, 0x80, 1, 0x80, 2, 0xFF, 0])
        self.datagram(side, index, bytes([0xC8, 0xC8, 3]) + nhdr + header + data, after)

    def disc(self, side=0, after=0.05):
        self.llc(side, SIGNAL, 0x53, after=after)

    def dm(self, side=1):
        self.llc(side, SIGNAL, 0x1F, response=True)
