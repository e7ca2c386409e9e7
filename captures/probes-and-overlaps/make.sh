#!/usr/bin/env bash
set -euo pipefail
cd "$(dirname "$0")"
python3 - <<'PY'
import sys
sys.path.insert(0, "../lib")
from flow import *

f = Flow(("198.51.100.7", 40001), ("192.0.2.10", 23))
f.open()
f.client(b"hello ")
f.client(b"", after=5)
# A probe of an idle connection repeats the byte before the next one.
f.segment(0, ACK, b" ", seq=f.next[0] - 1, after=1)
f.segment(1, ACK)
f.client(b"world")
# A retransmission that contradicts what was sent.
f.client(b"WORLD", seq=f.next[0] - 5)
# A gap: these seven bytes were not captured.
f.next[0] += 7
f.client(b"end")
f.close()
write("capture.pcap", f)
PY
