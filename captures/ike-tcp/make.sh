#!/usr/bin/env bash
# The messages and packets that strongSwan exchanged in ikev2-nat, put into TCP
# by the rules of RFC 9329.
set -euo pipefail
cd "$(dirname "$0")"
python3 - <<'PY'
import struct
import sys
sys.path.insert(0, "../lib")
from flow import *

capture = open("../ikev2-nat/capture.pcap", "rb").read()
at, flow, client = 24, Flow(("198.51.100.7", 40000), ("192.0.2.10", 4500)), None
flow.open()
prefix = b"IKETCP"
while at < len(capture):
    _, _, captured, _ = struct.unpack_from("<IIII", capture, at)
    frame = capture[at + 16:at + 16 + captured]
    at += 16 + captured
    if frame[12:14] != b"\x08\0" or frame[23] != 17:
        continue
    source, ports, payload = frame[26:30], struct.unpack(">HH", frame[34:38]), frame[42:42 + struct.unpack(">H", frame[38:40])[0] - 8]
    client = client or source
    side = 0 if source == client else 1
    if 4500 not in ports:
        payload = bytes(4) + payload
    flow.segment(side, ACK | PSH, prefix + struct.pack(">H", 2 + len(payload)) + payload, after=0.5)
    prefix = b""
flow.client(struct.pack(">HB", 3, 0xFF))
flow.close()
write("capture.pcap", flow)
PY
