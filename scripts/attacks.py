#!/usr/bin/env python3
"""Makes captures of what attackers send to exhaust or mislead who reads along, each with
an honest TLS connection in the middle of it. The same bytes for the same options.

usage: attacks.py DIRECTORY [PACKETS] [NAME...]; writes DIRECTORY/NAME.pcap
"""
import random
import struct
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
START = 1_700_000_000
ACK, PSH, SYN, FIN = 0x10, 0x08, 0x02, 0x01
SERVER = bytes([192, 0, 2, 10])


def ip4(src, dst, protocol, payload, ident=0, flags=0):
    return struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), ident, flags, 64, protocol, 0, src, dst) + payload


def tcp(src, sport, dst, dport, seq, ack, flags, payload=b""):
    return ip4(src, dst, 6, struct.pack(">HHIIBBHHH", sport, dport, seq & 0xFFFFFFFF, ack & 0xFFFFFFFF, 0x50, flags,
                                        65535, 0, 0) + payload)


def udp(src, sport, dst, dport, payload):
    return ip4(src, dst, 17, struct.pack(">HHHH", sport, dport, 8 + len(payload), 0) + payload)


def address(n):
    return struct.pack(">I", 0x0A000000 + n % 0x1000000)


class Talk:
    """A TCP connection that was opened in order."""

    def __init__(self, n, port=443):
        self.ends = (address(n), 1024 + n % 60000), (SERVER, port)
        self.seq = [1000, 5000]

    def send(self, side, payload=b"", flags=ACK | PSH, skip=0):
        (src, sport), (dst, dport) = self.ends[side], self.ends[1 - side]
        packet = tcp(src, sport, dst, dport, self.seq[side] + skip, self.seq[1 - side], flags, payload)
        if not skip:
            self.seq[side] += len(payload) + (1 if flags & (SYN | FIN) else 0)
        return packet

    def open(self):
        return [self.send(0, flags=SYN), self.send(1, flags=SYN | ACK), self.send(0, flags=ACK)]


def record(kind, payload):
    return struct.pack(">BHH", kind, 0x0303, len(payload)) + payload


def handshake(kind, body):
    return struct.pack(">B", kind) + len(body).to_bytes(3, "big") + body


def hello(extensions=b""):
    body = b"\x03\x03" + bytes(32) + b"\0" + b"\0\2\x13\1" + b"\1\0" + struct.pack(">H", len(extensions)) + extensions
    return handshake(1, body)


def server_hello():
    return handshake(2, b"\x03\x03" + bytes(32) + b"\0" + b"\xc0\x2f" + b"\0" + b"\0\0")


def in_records(message, size=16384):
    return b"".join(record(22, message[at:at + size]) for at in range(0, len(message), size))


def in_segments(talk, side, data, size=1400):
    return [talk.send(side, data[at:at + size]) for at in range(0, len(data), size)]


def syn_flood(rng, count):
    for _ in range(count):
        yield tcp(rng.randbytes(4), rng.randrange(1024, 65536), SERVER, 443, rng.getrandbits(32), 0, SYN)


def unfinished(rng, n):
    """A connection with the most of a message of 64 KiB."""
    talk = Talk(n)
    yield from talk.open()
    data = in_records(b"\x01\x00\xff\xf0\x03\x03" + rng.randbytes(32) + b"\0\0\2\x13\1\1\0" + rng.randbytes(28000))
    yield from in_segments(talk, 0, data)
    return talk


def endless_handshakes(rng, count):
    for n in range(count // 24):
        yield from unfinished(rng, n)


def abandoned_handshakes(rng, count):
    for n in range(count // 25):
        talk = yield from unfinished(rng, n)
        yield talk.send(0, flags=0x04 | ACK)


def gaps(rng, count):
    for n in range(count // 68):
        talk = Talk(n)
        yield from talk.open()
        yield talk.send(0, in_records(hello())[:5])
        for k in range(64):
            yield talk.send(0, rng.randbytes(600), skip=1000 + 1200 * k)


def far_sequences(rng, count):
    talks = [Talk(n) for n in range(50)]
    for talk in talks:
        yield from talk.open()
    for _ in range(count):
        yield rng.choice(talks).send(rng.randrange(2), rng.randbytes(100), skip=rng.getrandbits(32) or 1)


def fragments(rng, count):
    for n in range(count):
        offset = rng.randrange(0, 8000)
        payload = rng.randbytes(64)
        yield ip4(address(n // 200), SERVER, rng.choice([6, 17]), payload, n // 200 % 65536, 0x2000 | offset)


def extensions(rng, count):
    for n in range(count // 50):
        talk = Talk(n)
        yield from talk.open()
        many = b"".join(struct.pack(">HH", rng.getrandbits(16), 0) for _ in range(16000))
        yield from in_segments(talk, 0, in_records(hello(many[:65000])))


def certificates(rng, count):
    for n in range(count // 190):
        talk = Talk(n)
        yield from talk.open()
        yield talk.send(0, in_records(hello()))
        # Many small ones, or nested sequences that lead nowhere.
        one = (b"\x30\x82\xff\xff" * 40)[:120]
        many = b"".join(len(one).to_bytes(3, "big") + one for _ in range(2000))
        chain = handshake(11, len(many).to_bytes(3, "big") + many)
        yield from in_segments(talk, 1, in_records(server_hello() + chain))


def tunnels(rng, count):
    inner = tcp(address(1), 1, SERVER, 443, 0, 0, SYN)
    for n in range(count):
        packet = inner
        for depth in range(rng.randrange(1, 60)):
            kind = (n + depth) % 3
            if len(packet) > 8000:
                break
            if kind == 0:
                packet = ip4(address(n), SERVER, 4, packet)
            elif kind == 1:
                packet = ip4(address(n), SERVER, 47, b"\0\0\x08\0" + packet)
            else:
                ethernet = bytes(12) + b"\x08\0" + packet
                packet = udp(address(n), 4789, SERVER, 4789, b"\x08" + bytes(7) + ethernet)
        yield packet


def spis(rng, count):
    for n in range(count):
        source = address(n) if n % 2 else address(0)
        yield ip4(source, SERVER, 50, struct.pack(">II", n + 256, 1) + rng.randbytes(64))


def ike(rng, count):
    for n in range(count):
        head = rng.randbytes(8) + bytes(8) + bytes([33, 0x20, 34, 8]) + bytes(4) + struct.pack(">I", 28 + 40)
        yield udp(address(n // 300), 500, SERVER, 500, head + struct.pack(">BBH", 0, 0, 40) + rng.randbytes(36))


def ee(rng, count):
    for n in range(count):
        payload = b"\x04\x04\xbf" + rng.randbytes(40) if n % 3 else rng.randbytes(30)
        yield udp(address(n // 3), 12000, SERVER, 12000 + n % 5, payload)


def patterns(rng, count):
    # Addresses and ports that differ as little and as regularly as they can.
    for n in range(count // 3):
        end = address((n & 0xFF) << 16 | n >> 8), 1024 + (n & 31) * 1024
        yield tcp(*end, SERVER, 443, 1, 0, SYN)
        yield tcp(SERVER, 443, *end, 1, 2, SYN | ACK)
        yield tcp(*end, SERVER, 443, 2, 2, ACK)


def lines(rng, count):
    for n in range(count // 100):
        talk = Talk(n, 25)
        yield from talk.open()
        yield talk.send(1, b"220 mail.example ESMTP\r\n")
        yield talk.send(0, b"EHLO x\r\n")
        for _ in range(94):
            yield talk.send(1, b"250-" + b"x" * 1200)


def announcements(rng, count):
    talk = Talk(1, 21)
    yield from talk.open()
    yield talk.send(1, b"220 ready\r\n")
    for n in range(count // 2):
        yield talk.send(0, b"PASV\r\n")
        yield talk.send(1, f"227 Entering (10,1,{n >> 8 & 255},{n & 255},{n % 200},{n % 256})\r\n".encode())


ATTACKS = [syn_flood, endless_handshakes, abandoned_handshakes, gaps, far_sequences, fragments, extensions, certificates, tunnels, spis, ike,
           ee, patterns, lines, announcements]
# Microseconds between packets, where they are not 10.
PACE = {"abandoned_handshakes": 10_000}


def honest():
    data = (ROOT / "captures/tls12-full/capture.pcap").read_bytes()
    at = 24
    while at < len(data):
        captured, = struct.unpack_from("<I", data, at + 8)
        yield data[at + 16:at + 16 + captured]
        at += 16 + captured


def main():
    target = Path(sys.argv[1])
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 200_000
    names = sys.argv[3:]
    for attack in ATTACKS:
        if names and attack.__name__ not in names:
            continue
        rng = random.Random(attack.__name__)
        frames, clock = list(honest()), START * 1_000_000
        with open(target / f"{attack.__name__}.pcap", "wb", buffering=1 << 20) as out:
            out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))

            def put(frame):
                nonlocal clock
                clock += PACE.get(attack.__name__, 10)
                out.write(struct.pack("<IIII", clock // 10**6, clock % 10**6, len(frame), len(frame)) + frame)

            for n, packet in enumerate(attack(rng, count)):
                put(bytes(12) + b"\x08\0" + packet)
                # In the middle of it, for a second or so.
                if n >= count // 3 and n % 200 == 0 and frames:
                    put(frames.pop(0))
            for frame in frames:
                put(frame)


if __name__ == "__main__":
    main()
