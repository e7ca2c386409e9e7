"""SMF 119 records of subtypes 11 and 12 from and to bytes, by the tables in tests/spec."""
import datetime
import struct
import tomllib
from pathlib import Path

SPEC = Path(__file__).resolve().parents[2] / "tests" / "spec"
EPOCH = datetime.date(1970, 1, 1).toordinal()
DAY = 8_640_000  # hundredths of a second
TRIPLETS = {11: 7, 12: 6}


class Section:
    """Fields of a section: name to (offset, length, format, fill)."""

    def __init__(self, table, extended):
        self.length, self.fields = table["length"], {}
        add = list(table["field"])
        for overlay in table.get("overlay", []):
            add += overlay["field"]
        for extension in table.get("extension", []):
            if extended:
                add += extension["field"]
                self.length = extension["length_after"]
        for f in add:
            fill = b"\x40" if f.get("fill") == "blank" else b"\x00"
            self.fields[f["name"]] = (f["offset"], f["length"], f["format"], fill)

    def encode(self, values):
        out = bytearray(self.length)
        for offset, length, _, fill in self.fields.values():
            out[offset:offset + length] = fill * length
        for name, value in values.items():
            if name not in self.fields:
                continue
            offset, length, form, _ = self.fields[name]
            out[offset:offset + length] = encoded(value, length, form)
        return bytes(out)


def encoded(value, length, form):
    if isinstance(value, int):
        return value.to_bytes(length, "big")
    if isinstance(value, str):
        return value.encode("cp037")[:length].ljust(length, b"\x40")
    return bytes(value)[:length].ljust(length, b"\x00")


def sections(subtype, extended=False):
    spec = tomllib.loads((SPEC / f"smf119-{subtype}.toml").read_text())
    return {table["id"]: Section(table, extended) for table in spec["section"] if "field" in table}


TABLES = {(s, e): sections(s, e) for s in (11, 12) for e in (False, True)}


def smf_time(moment):
    """Hundredths of a second since 1970 as time of day and packed date."""
    days, time = divmod(moment, DAY)
    date = datetime.date.fromordinal(EPOCH + days)
    text = f"0{(date.year - 1900) // 100}{date.year % 100:02}{date.timetuple().tm_yday:03}F"
    return time, int(text, 16)


def record(subtype, written, identity, reason, parts, level, names=()):
    """A record; `parts` are the values of its sections by their id in the table."""
    tables = TABLES[subtype, level == "v3r2"]
    count = TRIPLETS[subtype] + (1 if subtype == 11 and level != "v2r3" else 0)
    values = {
        "SMF119TI_SYSName": identity["sysname"], "SMF119TI_SysplexName": identity["sysplex"],
        "SMF119TI_Stack": identity["stack"], "SMF119TI_ReleaseID": identity["release"],
        "SMF119TI_Comp": "STACK", "SMF119TI_ASName": identity["stack"],
        "SMF119TI_UserID": identity["user"], "SMF119TI_ASID": identity["asid"],
        "SMF119TI_Reason": reason,
    }
    at = 28 + 8 * count
    triplets, body = b"", b""
    order = ["ident"] + [f"S{n}" for n in range(1, count)]
    for name in order:
        if name == "ident":
            made, number = tables["ident"].encode(values), 1
        elif name in parts:
            made, number = tables[name].encode(parts[name]), 1
        elif name == f"S{TRIPLETS[subtype] - 1}" and names:
            made, number = distinguished_names(names)
        else:
            made, number = b"", 0
        triplets += struct.pack(">IHH", at if number else 0, len(made) // max(number, 1), number)
        body += made
        at += len(made)
    time, date = smf_time(written)
    head = struct.pack(">HHBBII", 28 + len(triplets) + len(body), 0, 0x5E, 119, time, date)
    head += identity["sid"].encode("cp037").ljust(4, b"\x40") + b"\x40" * 4
    return head + struct.pack(">HHH", subtype, count, 0) + triplets + body


def distinguished_names(names):
    """Entries of one length: length, type, text."""
    longest = max(len(text) for _, text in names)
    entries = b""
    for kind, text in names:
        entries += struct.pack(">HH", 4 + longest, kind) + text.encode("cp037").ljust(longest, b"\x40")
    return entries, len(names)


def split(data):
    """The records of a file with record descriptor words."""
    records, at = [], 0
    while at < len(data):
        length = struct.unpack_from(">H", data, at)[0]
        records.append(bytearray(data[at:at + length]))
        at += length
    return records


def subtype(record):
    return struct.unpack_from(">H", record, 22)[0]


SECTION_OF = {}
for (_subtype, _extended), _tables in TABLES.items():
    for _id, _section in _tables.items():
        if _id.startswith("S") and _id[1:].isdigit():
            for _name, (_offset, _length, _format, _) in _section.fields.items():
                SECTION_OF[_name] = (_subtype, int(_id[1:]), _offset, _length, _format)


def place(record, name):
    """Where a field is in a record; None if the record does not have it."""
    of_subtype, triplet, offset, length, _ = SECTION_OF[name]
    if subtype(record) != of_subtype:
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
