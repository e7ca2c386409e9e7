#!/usr/bin/env python3
"""Makes the traffic of a z/OS stack that does not exist, and the records that it writes of it.

usage: simulate_stack.py OUT CASE SEED [SEED ...]
       simulate_stack.py --list

Writes OUT/CASE-SEED.pcap, the packets, and OUT/CASE-SEED.smf, the records with record descriptor
words. Cases are stacks that record correctly in one of the ways in which stacks differ, and
stacks that make a mistake; --list prints their names, the correct ones first. The same seed
makes the same files. Nothing of this is of zerttap: records follow the tables in tests/spec.
"""
import sys
from pathlib import Path

from simulated import cases


def main():
    if sys.argv[1:] == ["--list"]:
        for kind, names in (("right", cases.RIGHT), ("wrong", cases.WRONG)):
            for name in names:
                print(kind, name)
        return
    if len(sys.argv) < 4 or sys.argv[2] not in cases.CASES:
        sys.exit(__doc__)
    out, case = Path(sys.argv[1]), sys.argv[2]
    out.mkdir(parents=True, exist_ok=True)
    for seed in sys.argv[3:]:
        made = cases.CASES[case](int(seed))
        (out / f"{case}-{seed}.pcap").write_bytes(made.capture)
        (out / f"{case}-{seed}.smf").write_bytes(b"".join(map(bytes, made.records)))


if __name__ == "__main__":
    main()
