#!/usr/bin/env python3
"""Makes of zerttap's records those of a stack that differs in one way or several.

usage: alter_records.py IN OUT [ALTERATION ...]

IN and OUT are files of records with RDW. Alterations, in the order given:

  clock=SECONDS          all times of connections are so much later
  field=NAME=HEX[@N]     the field has this value, in all records or in the N-th
  add=NAME=NUMBER[@N]    the field is so much more
  headers=BYTES          bytes are counted with so many for each segment
  provider               a provider has told the stack: more is known
  unprotected[@N]        no protection was recognised, and there is no section of it
  drop=N, double=N       the N-th record is not there, or twice
  shuffle=SEED           the records are in another order

Records are numbered from 0; fields are found by the tables in tests/spec.
"""
import datetime
import random
import struct
import sys
import tomllib
from pathlib import Path

SPEC = Path(__file__).resolve().parent.parent / "tests" / "spec"
# Triplets of the sections of both subtypes.
SECTIONS = {11: {"S1": 1, "S2": 2, "S3": 3, "S4": 4, "S5": 5}, 12: {"S1": 1, "S2": 2, "S3": 3, "S4": 4}}
# Bytes and the segments that carry them.
COUNTERS = [("SMF119SC_SAInBytes", "SMF119SC_SAInSegDG"), ("SMF119SC_SAOutBytes", "SMF119SC_SAOutSegDG")]
TIMES = [("SMF119SC_SASTime", "SMF119SC_SASDate"), ("SMF119SC_SAETime", "SMF119SC_SAEDate")]
EPOCH = datetime.date(1970, 1, 1).toordinal()
DAY = 8_640_000


def layouts():
    fields = {}
    for subtype in (11, 12):
        spec = tomllib.loads((SPEC / f"smf119-{subtype}.toml").read_text())
        sections = spec.get("section") or spec.get("sections")
        items = sections.items() if isinstance(sections, dict) else [(s["id"], s) for s in sections]
        for key, section in items:
            if key in SECTIONS[subtype]:
                for field in section.get("fields") or section.get("field"):
                    fields[field["name"]] = (subtype, SECTIONS[subtype][key], field["offset"], field["length"])
    return fields


FIELDS = layouts()


def split(data):
    records, at = [], 0
    while at < len(data):
        length = struct.unpack_from(">H", data, at)[0]
        records.append(bytearray(data[at:at + length]))
        at += length
    return records


def place(record, name):
    """Where a field is in a record; None if the record does not have it."""
    subtype, triplet, offset, length = FIELDS[name]
    if struct.unpack_from(">H", record, 22)[0] != subtype:
        return None
    at, size, number = struct.unpack_from(">IHH", record, 28 + 8 * triplet)
    if number == 0 or offset + length > size:
        return None
    return slice(at + offset, at + offset + length)


def number(record, name):
    return int.from_bytes(record[place(record, name)], "big")


def put(record, name, value):
    at = place(record, name)
    record[at] = value.to_bytes(at.stop - at.start, "big")


def to_hundredths(time, date):
    digits = f"{date:08X}"
    year = 1900 + 100 * int(digits[1]) + int(digits[2:4])
    days = datetime.date(year, 1, 1).toordinal() - EPOCH + int(digits[4:7]) - 1
    return days * DAY + time


def from_hundredths(moment):
    days, time = divmod(moment, DAY)
    date = datetime.date.fromordinal(EPOCH + days)
    text = f"0{(date.year - 1900) // 100}{date.year % 100:02}{date.timetuple().tm_yday:03}F"
    return time, int(text, 16)


def clock(records, seconds):
    shift = round(100 * float(seconds))
    for record in records:
        time, date = struct.unpack_from(">II", record, 6)
        struct.pack_into(">II", record, 6, *from_hundredths(to_hundredths(time, date) + shift))
        for time_name, date_name in TIMES:
            if place(record, time_name) and number(record, date_name):
                moment = to_hundredths(number(record, time_name), number(record, date_name)) + shift
                for name, value in zip((time_name, date_name), from_hundredths(moment)):
                    put(record, name, value)


def chosen(records, value):
    """The value, and the records that it is meant for."""
    value, _, which = value.partition("@")
    return value, [records[int(which)]] if which else records


def provider(records):
    for record in records:
        for name, (_, _, _, length) in FIELDS.items():
            at = place(record, name)
            if at is None:
                continue
            short = name.split("_", 1)[1]
            if short in ("TLS_Source", "SSH_Source"):
                record[at] = b"\x02"
            elif short.endswith("Protocol_Provider"):
                record[at] = "System SSL".encode("cp037").ljust(length, b"\x40")
            elif "FIPS_Mode" in short:
                record[at] = b"\x01"
            elif "Cert_" in short and length == 2 and not any(record[at]):
                record[at] = b"\x00\x03"


def unprotected(record):
    """Cuts the protocols' sections out: they are the last."""
    subtype = struct.unpack_from(">H", record, 22)[0]
    last = 6 if subtype == 11 else 5
    end = len(record)
    for triplet in range(2, last + 1):
        at, size, count = struct.unpack_from(">IHH", record, 28 + 8 * triplet)
        if count:
            end = min(end, at)
            struct.pack_into(">IHH", record, 28 + 8 * triplet, 0, 0, 0)
    put(record, "SMF119SC_SASecProtos" if subtype == 11 else "SMF119SS_SASecProtos", 0)
    del record[end:]
    struct.pack_into(">H", record, 0, len(record))


def main():
    records = split(Path(sys.argv[1]).read_bytes())
    for alteration in sys.argv[3:]:
        what, _, value = alteration.partition("=")
        what, _, which = what.partition("@")
        if what == "clock":
            clock(records, value)
        elif what in ("field", "add"):
            name, _, value = value.partition("=")
            value, meant = chosen(records, value)
            for record in meant:
                at = place(record, name)
                if at is None:
                    continue
                if what == "field":
                    record[at] = bytes.fromhex(value)
                else:
                    put(record, name, number(record, name) + int(value))
        elif what == "headers":
            for record in records:
                for counter, segments in COUNTERS:
                    if place(record, counter):
                        put(record, counter, number(record, counter) + int(value) * number(record, segments))
        elif what == "provider":
            provider(records)
        elif what == "unprotected":
            for record in [records[int(which)]] if which else records:
                unprotected(record)
        elif what == "drop":
            del records[int(value)]
        elif what == "double":
            records.append(records[int(value)])
        elif what == "shuffle":
            random.Random(int(value)).shuffle(records)
        else:
            sys.exit(f"{alteration}: no such alteration\n{__doc__}")
    Path(sys.argv[2]).write_bytes(b"".join(records))


if __name__ == "__main__":
    main()
