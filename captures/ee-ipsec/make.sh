#!/usr/bin/env bash
set -euo pipefail
cd "$(dirname "$0")"
python3 - <<'PY'
import sys
sys.path.insert(0, "../lib")
from ee import *
from flow import write


def life(f):
    f.activate()
    for index in (NETWORK, HIGH, MEDIUM, LOW):
        f.packet(0, index)
        f.packet(1, index)
    f.test()
    f.test()
    f.disc()
    f.dm()


ah = Ee("192.0.2.1", "192.0.2.100")
ah.ah = (0xC0000001, 0xC0000002)
life(ah)
null = Ee("192.0.2.2", "192.0.2.100", start=1_700_000_000.1)
null.esp = (0xC0000003, 0xC0000004)
life(null)
tunnel = Ee("192.0.2.3", "192.0.2.100", start=1_700_000_000.2)
tunnel.esp = (0xC0000005, 0xC0000006)
tunnel.gateways = ("203.0.113.1", "203.0.113.2")
life(tunnel)
# Clear at first, and under AH from a moment on.
changes = Ee("192.0.2.4", "192.0.2.100", start=1_700_000_000.3)
changes.activate()
changes.test()
changes.test()
changes.ah = (0xC0000007, 0xC0000008)
changes.test()
changes.disc()
changes.dm()
write("capture.pcap", ah, null, tunnel, changes)
PY
