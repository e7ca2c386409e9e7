#!/usr/bin/env bash
set -euo pipefail
cd "$(dirname "$0")"
python3 - <<'PY'
import sys
sys.path.insert(0, "../lib")
from flow import *

flows = []
for n, seconds in enumerate((10.0, 9.999999)):
    f = Flow((f"198.51.100.{n + 1}", 40000), ("192.0.2.10", 23), start=1_700_000_000.0)
    f.open()
    f.client(b"hello")
    f.segment(1, RST | ACK, after=seconds - 0.01)
    flows.append(f)
write("capture.pcap", *flows)
PY
