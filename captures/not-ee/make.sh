#!/usr/bin/env bash
set -euo pipefail
cd "$(dirname "$0")"
python3 - <<'PY'
import random
import sys
sys.path.insert(0, "../lib")
from ee import *
from flow import write

noise = random.Random(7)
flows = []


def speaks(number, payloads):
    f = Ee(f"192.0.2.{number}", "192.0.2.100", start=1_700_000_000.0 + number / 10)
    for n, (index, payload) in enumerate(payloads):
        f.datagram(n % 2, index, payload, after=0.02)
    flows.append(f)


# RTP and RTCP, with sequence numbers that pass through every second byte.
speaks(1, [(0, struct.pack(">BBHII", 0x80, 0, n * 37 & 0xFFFF, n * 160, 0xDEADBEEF) + noise.randbytes(160))
           for n in range(400)])
speaks(2, [(1, struct.pack(">BBHIIIIII", 0x80, 200, 6, 0xDEADBEEF, n, n, n, n, n)) for n in range(50)])
# DNS, STUN, QUIC, DTLS.
speaks(3, [(0, struct.pack(">HHHHHH", n, 0x100, 1, 0, 0, 0) + b"\7example\3com\0\0\1\0\1") for n in range(20)])
speaks(4, [(2, struct.pack(">HHI", 1, 0, 0x2112A442) + noise.randbytes(12)) for n in range(20)])
speaks(5, [(3, b"\xc3\0\0\0\1\x08" + noise.randbytes(1200)) for n in range(20)])
speaks(6, [(4, b"\x16\xfe\xfd" + noise.randbytes(100)) for n in range(20)])
# Noise of every length, a scan, the basic XID of IEEE 802.2.
speaks(7, [(n % 5, noise.randbytes(n)) for n in range(65)])
for number in range(10, 20):
    speaks(number, [(0, b"")])
speaks(8, [(0, bytes.fromhex("0404bf810100"))] * 6)
# One signal proves nothing, however often it is repeated.
speaks(9, [(0, bytes.fromhex("0404f3")), (0, bytes.fromhex("0404f3"))] * 30)
write("capture.pcap", *flows)
PY
