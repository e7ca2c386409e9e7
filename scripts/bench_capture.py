#!/usr/bin/env python3
"""Makes a large capture out of the cases: the same bytes for the same options.

usage: bench_capture.py MEGABYTES OUT [--bulk SEGMENTS] [--active CONNECTIONS] [--whole]

CONNECTIONS (default 20,000) are active at any time, interleaved at random;
every client has its own address. After its handshake a connection carries
SEGMENTS full segments of data (default 40), so that about 8 % of the bytes are
handshake. With --whole those that are active at the end go on to their own.
"""
import random
import struct
import sys
from pathlib import Path

CASES = ["tls12-full", "tls12-ecdsa", "tls12-dhe", "tls12-session-id", "tls12-client-certificate",
         "tls13-full", "tls13-resumption", "tls13-hello-retry", "tls10-full", "clear-http"]
SERVER = bytes([192, 0, 2, 10])
PORT = 44330


def read(path):
    data, at, packets = path.read_bytes(), 24, []
    while at < len(data):
        captured, = struct.unpack_from("<I", data, at + 8)
        packets.append(data[at + 16:at + 16 + captured])
        at += 16 + captured
    return packets


def with_bulk(packets, segments):
    """Puts segments of data from the server before the first FIN."""
    fin = next((i for i, p in enumerate(packets) if p[47] & 1), len(packets))
    last = next(p for p in reversed(packets[:fin]) if struct.unpack_from(">H", p, 34)[0] == PORT)
    header = 14 + 20 + (last[46] >> 4) * 4
    sequence, = struct.unpack_from(">I", last, 38)
    sequence += len(last) - header
    # Application data records of TLS 1.2, cut into segments as they fall.
    stream = (b"\x17\x03\x03\x40\x00" + bytes(16384)) * (segments * 1400 // 16389 + 1)
    bulk = []
    for n in range(segments):
        payload = stream[n * 1400:(n + 1) * 1400]
        p = bytearray(last[:header]) + payload
        struct.pack_into(">H", p, 16, len(p) - 14)
        struct.pack_into(">I", p, 38, (sequence + n * 1400) & 0xFFFFFFFF)
        p[47] = 0x10
        bulk.append(bytes(p))
    return packets[:fin] + bulk + packets[fin:]


def main():
    megabytes, target = int(sys.argv[1]), sys.argv[2]

    def option(name, default):
        return int(sys.argv[sys.argv.index(name) + 1]) if name in sys.argv else default

    segments, connections = option("--bulk", 40), option("--active", 20_000)
    cases = Path(__file__).resolve().parent.parent / "captures"
    flows = [with_bulk(read(cases / c / "capture.pcap"), segments) for c in CASES]
    flows = [[p for p in f if len(p) < 9000] for f in flows]
    rng = random.Random(1)
    count = 0

    def start():
        nonlocal count
        count += 1
        return [flows[rng.randrange(len(flows))], 0, struct.pack(">I", 0x0A000000 + count % 0x1000000)]

    active = [start() for _ in range(connections)]
    clock, size = 1_700_000_000_000_000, 24
    with open(target, "wb", buffering=1 << 20) as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))
        while size < megabytes * 1_000_000 or "--whole" in sys.argv and active:
            i = rng.randrange(len(active))
            packets, at, client = active[i]
            p = bytearray(packets[at])
            from_server = struct.unpack_from(">H", p, 34)[0] == PORT
            p[26:30], p[30:34] = (SERVER, client) if from_server else (client, SERVER)
            clock += 3
            out.write(struct.pack("<IIII", clock // 10**6, clock % 10**6, len(p), len(p)))
            out.write(p)
            size += 16 + len(p)
            active[i][1] += 1
            if active[i][1] == len(packets):
                if size < megabytes * 1_000_000:
                    active[i] = start()
                else:
                    active.pop(i)
    print(f"{count} connections", file=sys.stderr)


if __name__ == "__main__":
    main()
