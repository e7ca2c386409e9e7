#!/usr/bin/env bash
set -euo pipefail
cd "$(dirname "$0")"
python3 - <<'PY'
import sys
sys.path.insert(0, "../lib")
from flow import *

first = Flow(("198.51.100.7", 40000), ("192.0.2.10", 23))
first.open()
first.client(b"one")
first.close()
# The same ports a second later, with another sequence number.
second = Flow(("198.51.100.7", 40000), ("192.0.2.10", 23), start=first.now + 1, isn=(90_000, 70_000))
second.open()
second.client(b"second")
second.segment(1, RST | ACK)
# And again while the second was never closed by both sides.
third = Flow(("198.51.100.7", 40000), ("192.0.2.10", 23), start=second.now + 1, isn=(4_294_967_290, 4_294_967_295))
third.open()
third.client(b"the sequence numbers wrap here")
third.server(b"and here")
third.close(after=11)
write("capture.pcap", first, second, third)
PY
