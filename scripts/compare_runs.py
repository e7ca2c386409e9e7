#!/usr/bin/env python3
"""Compares what live and read made of the same packets: connections without their
times, and records of subtype 11 without those and without identifiers.

usage: compare_runs.py DIRECTORY   (live.smf, live.jsonl, read.smf, read.jsonl)
"""
import json
import struct
import sys
from collections import Counter
from pathlib import Path

TIMES = {"start", "end", "established_at", "clear_again_at", "connection_id"}


def connections(path):
    found = Counter()
    for line in path.read_text().splitlines():
        line = json.loads(line)
        if line["type"] == "connection":
            found[json.dumps({k: v for k, v in line.items() if k not in TIMES}, sort_keys=True)] += 1
    return found


def records(path):
    data, at, found = path.read_bytes(), 0, Counter()
    while at < len(data):
        length = struct.unpack_from(">H", data, at)[0]
        record = bytearray(data[at:at + length])
        at += length
        if record[23] != 11 or record[148] > 4:
            continue
        record[6:14] = bytes(8)              # when it was written
        record[148 + 32:148 + 48] = bytes(16)  # beginning and end
        record[148 + 84:148 + 88] = bytes(4)   # identifier
        if record[148] in (1, 2):
            record[148 + 88:148 + 120] = bytes(32)  # counters of a moment
        found[bytes(record)] += 1
    return found


def main():
    directory, failed = Path(sys.argv[1]), False
    for what, of, suffix in (("connections", connections, "jsonl"), ("records", records, "smf")):
        live, read = (of(directory / f"{name}.{suffix}") for name in ("live", "read"))
        print(f"{what}: live {sum(live.values())}, read {sum(read.values())}, "
              f"only live {sum((live - read).values())}, only read {sum((read - live).values())}")
        for side, more in (("live", live - read), ("read", read - live)):
            for one in list(more)[:3]:
                print(f"  only {side}: {one if isinstance(one, str) else one.hex()}")
                failed = True
        failed |= not live
    sys.exit(failed)


if __name__ == "__main__":
    main()
