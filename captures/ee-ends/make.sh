#!/usr/bin/env bash
set -euo pipefail
cd "$(dirname "$0")"
python3 - <<'PY'
import sys
sys.path.insert(0, "../lib")
from ee import *
from flow import write

# The called end restarts without a word: XIDs on a link that is up.
restarted = Ee("192.0.2.1", "192.0.2.100")
restarted.activate()
restarted.test()
restarted.test()
restarted.activate()
restarted.test()

# One XID that comes late is no restart.
late = Ee("192.0.2.2", "192.0.2.100", start=restarted.packets[0][0] + 0.1)
late.activate()
late.test()
late.xid(0, after=1)
for _ in range(8):
    late.test()
late.disc()
late.dm()

# Nobody answers the DISC.
deaf = Ee("192.0.2.3", "192.0.2.100", start=restarted.packets[0][0] + 0.2)
deaf.activate()
deaf.test()
deaf.disc(after=5)
for _ in range(3):
    deaf.disc(after=15)

# The link breaks: nothing more comes.
silent = Ee("192.0.2.4", "192.0.2.100", start=restarted.packets[0][0] + 0.3)
silent.activate()
silent.test()

# The tap is late: all that it sees is the test of an idle link.
idle = Ee("192.0.2.5", "192.0.2.100", start=restarted.packets[0][0] + 0.4)
for _ in range(25):
    idle.test(1)

# One direction only, from a source port that is none of the five.
one_way = Ee("192.0.2.6", "192.0.2.100", start=restarted.packets[0][0] + 0.5)
one_way.source = 40000
for _ in range(20):
    one_way.packet(0, LOW, after=1)
write("capture.pcap", restarted, late, deaf, silent, idle, one_way)
PY
