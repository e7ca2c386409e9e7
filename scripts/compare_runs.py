#!/usr/bin/env python3
"""Compares what live and read made of the same packets: the same connections and the
same records, with times that differ by no more than a tick (a hundredth of a second),
and the same summaries but for the lengths of their intervals.

usage: compare_runs.py DIRECTORY   (live.smf, live.jsonl, read.smf, read.jsonl)
"""
import json
import os
import struct
import subprocess
import sys
from collections import defaultdict
from datetime import datetime
from pathlib import Path

TIMES = ("start", "end", "established_at", "clear_again_at")
TICK = 0.0101


def seconds(text):
    return datetime.fromisoformat(text[:26].rstrip("Z") + "+00:00").timestamp() if text else 0.0


def connections(path):
    """Lists of times by everything else."""
    found = defaultdict(list)
    for line in path.read_text().splitlines():
        line = json.loads(line)
        if line["type"] == "connection":
            times = tuple(seconds(line.pop(name, None)) for name in TIMES)
            line.pop("connection_id", None)
            # What is read has frames in a file, what is watched has none.
            for name in ("first_frame", "last_frame", "display_filter"):
                line.pop(name, None)
            found[json.dumps(line, sort_keys=True)].append(times)
    return found


def split(path):
    data, at = path.read_bytes(), 0
    while at < len(data):
        length = struct.unpack_from(">H", data, at)[0]
        yield bytearray(data[at:at + length])
        at += length


def hundredths(record, at):
    time, date = struct.unpack_from(">II", record, at)
    return (date * 8_640_000 + time) / 100


def records(path):
    found = defaultdict(list)
    for record in split(path):
        if record[23] != 11 or record[148] > 4:
            continue
        # When it was written, and the beginning and end of the connection.
        times = tuple(hundredths(record, at) for at in (6, 180, 188))
        record[6:14] = bytes(8)
        record[148 + 32:148 + 48] = bytes(16)
        record[148 + 84:148 + 88] = bytes(4)   # identifier
        found[bytes(record)].append(times)
    return found


def summaries(path):
    """What each session has come to: intervals need not end with the same packet,
    because the clock of live goes on without any."""
    show = [os.environ.get("ZERTTAP", "target/release/zerttap"), "show", "-q", "--subtype", "12", "--jsonl"]
    found = {}
    for line in subprocess.run([*show, path], check=True, capture_output=True, text=True).stdout.splitlines():
        section = json.loads(line)["sections"]["S1"]
        if session := section["SMF119SS_SASessionID"]:
            name = f"{session} {section['SMF119SS_SASrvIP']} {section['SMF119SS_SACltIP']}"
            found[name] = {k: v for k, v in section.items() if k.startswith("SMF119SS_SAEnd")}
    return {json.dumps([name, counts]): [()] for name, counts in found.items()}


def differences(live, read):
    """What only one has, and the largest difference of times."""
    only, furthest = [], 0.0
    for key in live.keys() | read.keys():
        a, b = sorted(live.get(key, [])), sorted(read.get(key, []))
        if len(a) != len(b):
            only.append(("live" if len(a) > len(b) else "read", key))
        for one, other in zip(a, b):
            furthest = max([furthest] + [abs(x - y) for x, y in zip(one, other)])
    return only, furthest


def main():
    directory, failed = Path(sys.argv[1]), False
    for what, of, suffix in (
            ("connections", connections, "jsonl"), ("records", records, "smf"),
            ("sessions", summaries, "smf")):
        live, read = (of(directory / f"{name}.{suffix}") for name in ("live", "read"))
        only, furthest = differences(live, read)
        count = [sum(map(len, side.values())) for side in (live, read)]
        sides = [sum(side == name for side, _ in only) for name in ("live", "read")]
        print(f"{what}: live {count[0]}, read {count[1]}, only live {sides[0]}, "
              f"only read {sides[1]}, times within {furthest:.2f} s")
        for side, one in only[:3]:
            print(f"  only {side}: {one if isinstance(one, str) else one.hex()}")
        failed |= bool(only) or furthest > TICK or not live
    sys.exit(failed)


if __name__ == "__main__":
    main()
