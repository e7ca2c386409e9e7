#!/usr/bin/env bash
set -euo pipefail
cd "$(dirname "$0")"
python3 - <<'PY'
import sys
sys.path.insert(0, "../lib")
from flow import *

f = Flow(("198.51.100.7", 40000), ("192.0.2.10", 23))
f.ah = (0xC0000001, 0xC0000002)
f.open()
f.client(b"clear inside, authenticated outside")
f.server(b"answer")
f.close(after=20)
# A connection that is clear at first, comes under AH, and leaves it.
g = Flow(("198.51.100.7", 40001), ("192.0.2.10", 23), start=f.packets[0][0] + 1)
g.open()
g.client(b"clear")
g.ah = (0xC0000001, 0xC0000002)
g.client(b"under AH", after=15)
g.server(b"too")
g.ah = None
g.client(b"clear again", after=5)
g.server(b"too")
g.close(after=5)
write("capture.pcap", f, g)
PY
