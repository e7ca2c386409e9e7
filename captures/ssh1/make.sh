#!/usr/bin/env bash
set -euo pipefail
cd "$(dirname "$0")"
python3 - <<'PY'
import sys
sys.path.insert(0, "../lib")
from flow import *

def number(bits):
    return struct.pack(">H", bits) + b"\x81" * ((bits + 7) // 8)

def packet(kind, body):
    length = 1 + len(body) + 4
    return struct.pack(">I", length) + bytes(8 - length % 8) + bytes([kind]) + body + b"CRC!"

f = Flow(("198.51.100.7", 1023), ("192.0.2.10", 22))
f.open()
f.server(b"SSH-1.99-OpenSSH_3.8.1p1\n")
f.client(b"SSH-1.5-PuTTY_Release_0.58\n")
keys = struct.pack(">I", 768) + number(6) + number(768) + struct.pack(">I", 1024) + number(6) + number(1024)
f.server(packet(2, b"COOKIE!!" + keys + struct.pack(">III", 2, 72, 12)))
f.client(packet(3, bytes([3]) + b"COOKIE!!" + number(1024) + struct.pack(">I", 2)))
f.server(bytes(range(100, 112)))
f.client(bytes(range(50, 74)))
f.close()
write("capture.pcap", f)
PY
