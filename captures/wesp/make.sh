#!/usr/bin/env bash
set -euo pipefail
cd "$(dirname "$0")"
python3 - <<'PY'
import sys
sys.path.insert(0, "../lib")
from flow import *

# What the header says needs no guess: the first packet shows its inside.
plain = Flow(("198.51.100.7", 40000), ("192.0.2.10", 23))
udp = Flow(("198.51.100.8", 40000), ("192.0.2.10", 23), start=plain.now + 1)
udp.udp = True
udp.gateways = ("203.0.113.1", "203.0.113.2")
for n, flow in enumerate((plain, udp)):
    flow.wesp = True
    flow.esp = (0xC0000001 + 2 * n, 0xC0000002 + 2 * n)
    flow.open()
    flow.client(b"clear inside")
    flow.server(b"answer")
    flow.close(after=20)
# One that says that it encrypts.
hidden = Flow(("203.0.113.4", 0), ("203.0.113.2", 0), start=plain.now + 2)
for n in range(4):
    esp = struct.pack(">BBBBII", 0, 0, 0, 0x20, 0xC0000005, n + 1) + bytes([n]) * 60
    hidden.now += 4
    hidden.packets.append((hidden.now, b"\x02\0\0\0\0\x01\x02\0\0\0\0\x02\x08\0" + ipv4("203.0.113.4", "203.0.113.2", 141, n, esp)))
write("capture.pcap", plain, udp, hidden)
PY
