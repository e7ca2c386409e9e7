#!/usr/bin/env bash
set -euo pipefail
cd "$(dirname "$0")"
python3 - <<'PY'
import calendar
import sys
sys.path.insert(0, "../lib")
from flow import *


def at(hour, minute):
    return calendar.timegm((2026, 11, 23, hour, minute, 0))


def stay(number, port, start, end, every=300):
    """A connection that says something every five minutes."""
    f = Flow((f"198.51.100.{number}", 40000 + number), ("192.0.2.10", port), start=start)
    f.open()
    while f.now + every < end:
        f.client(b"x" * number, after=every)
        f.server(b"y" * 100)
    f.close(after=end - f.now)
    return f


flows = [
    stay(1, 23, at(10, 5), at(11, 20)),
    stay(1, 80, at(10, 6), at(10, 20)),
]
# The second one shares the first one's session.
second = Flow(("198.51.100.1", 41000), ("192.0.2.10", 23), start=at(10, 40))
second.open()
second.client(b"hello")
second.close(after=at(11, 25) - second.now)
flows.append(second)
# Exactly at the end of an interval a short one begins, another one ends.
edge = Flow(("198.51.100.1", 42000), ("192.0.2.10", 25), start=at(10, 30) - 0.01)
edge.open()
edge.client(b"at the edge")
edge.close(after=at(11, 0) - edge.now)
flows.append(edge)
# An hour without a packet, and the same again; open when the capture ends.
again = Flow(("198.51.100.1", 43000), ("192.0.2.10", 23), start=at(12, 45))
again.open()
again.client(b"back")
again.client(b"still here", after=at(13, 20) - again.now)
flows.append(again)
write("capture.pcap", *flows)
PY
