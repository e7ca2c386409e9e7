#!/usr/bin/env bash
set -euo pipefail
cd "$(dirname "$0")"
python3 - <<'PY'
import sys
sys.path.insert(0, "../lib")
from ee import *
from flow import write

# The whole life of a link, idle for a while.
v4 = Ee("192.0.2.1", "192.0.2.2")
v4.activate()
for index in range(5):
    v4.test(index=index, after=0.02)
for index in (NETWORK, HIGH, MEDIUM, LOW):
    v4.packet(0, index)
    v4.packet(1, index)
for _ in range(3):
    v4.test()
v4.disc()
v4.dm()

# IPv6; the called end has access point 08, as z/OS has for predefined links.
v6 = Ee("2001:db8::1", "2001:db8::2", start=v4.packets[0][0] + 1)
v6.saps = (4, 8)
v6.activate()
v6.packet(0, MEDIUM)
v6.packet(1, MEDIUM)
v6.disc(1)
v6.dm(0)

# Datagrams longer than the path takes, in fragments.
cut = Ee("192.0.2.3", "192.0.2.2", start=v4.packets[0][0] + 2)
cut.activate()
cut.packet(0, LOW, RTP_DATA + bytes(2000))
cut.test(1, after=20)
now, frame = cut.packets[9]
head, body = bytearray(frame[14:34]), frame[34:]
pieces = []
for at in range(0, len(body), 1200):
    piece = body[at:at + 1200]
    more = 0x2000 if at + 1200 < len(body) else 0
    head[2:4] = struct.pack(">H", 20 + len(piece))
    head[6:8] = struct.pack(">H", at // 8 | more)
    head[10:12] = b"\0\0"
    head[10:12] = struct.pack(">H", checksum(bytes(head)))
    pieces.append((now, frame[:14] + bytes(head) + piece))
cut.packets[9:10] = pieces
write("capture.pcap", v4, v6, cut)
PY
