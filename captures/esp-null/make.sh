#!/usr/bin/env bash
set -euo pipefail
cd "$(dirname "$0")"
python3 - <<'PY'
import random
import sys
sys.path.insert(0, "../lib")
from flow import *

transport = Flow(("198.51.100.7", 40000), ("192.0.2.10", 23))
transport.esp = (0xC0000001, 0xC0000002)
tunnel = Flow(("198.51.100.8", 40000), ("192.0.2.10", 23), start=transport.now + 1)
tunnel.esp = (0xC0000003, 0xC0000004)
tunnel.gateways = ("203.0.113.1", "203.0.113.2")
udp = Flow(("198.51.100.9", 40000), ("192.0.2.10", 23), start=transport.now + 2)
udp.esp = (0xC0000005, 0xC0000006)
udp.gateways = ("203.0.113.3", "203.0.113.2")
udp.udp = True
flows = [transport, tunnel, udp]
for flow in flows:
    flow.open()
    for n in range(1, 6):
        flow.client(b"x" * n)
        flow.server(b"answer")
    flow.close(after=20)

# Ciphertext from a fixed seed.
noise = random.Random(1)
encrypted = Flow(("203.0.113.4", 0), ("203.0.113.2", 0), start=transport.now + 3)
for n in range(40):
    side = n % 2
    src, dst = encrypted.ends[side][0], encrypted.ends[1 - side][0]
    esp = struct.pack(">II", 0xC0000007 + side, n // 2 + 1) + noise.randbytes(4 * noise.randrange(12, 300))
    encrypted.now += 0.5
    frame = b"\x02\0\0\0\0\x01\x02\0\0\0\0\x02\x08\0" + ipv4(src, dst, 50, n, esp)
    encrypted.packets.append((encrypted.now, frame))
# Long after that, time has passed and the encrypted tunnel is over.
later = Flow(("198.51.100.10", 40000), ("192.0.2.10", 23), start=encrypted.now + 7300)
later.open()
later.close()
write("capture.pcap", *flows, encrypted, later)
PY
