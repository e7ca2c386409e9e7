"""Decodes SMF 119-11 and 119-12 records by the tables of the specification alone.

Usage: decoder.py SPECIFICATION RECORDS

RECORDS holds records with their RDW. Prints one JSON object a record: the
sections by their identifiers, each with its fields as they stand in the record.
"""

import ipaddress
import json
import sys
import tomllib
from pathlib import Path

IPV6 = 0x80

# Code page 1047 is 037 with six characters elsewhere.
EBCDIC = list(bytes(range(256)).decode("cp037"))
for byte, char in zip(b"\xad\xbd\x5f\xba\xbb\xb0", "[]^\u00dd\u00a8\u00ac"):
    EBCDIC[byte] = char


def text_of(data):
    return "".join(EBCDIC[byte] for byte in data)


def load(directory, subtype):
    with open(directory / f"smf119-{subtype}.toml", "rb") as file:
        return tomllib.load(file)


def fields_of(section, length, raw):
    """The fields of a section of this length, later ones in the place of reserved bytes."""
    base = 24 if section["id"] == "sds" else 0
    overlays = []
    for overlay in section.get("overlay", []):
        start = overlay["field"][0]["offset"]
        end = max(f["offset"] + f["length"] for f in overlay["field"])
        if any(raw[start:end]):
            overlays.append(overlay)
    replaced = {name for overlay in overlays for name in overlay["replaces"]}
    fields = [f for f in section["field"] if f["name"] not in replaced]
    for later in overlays + section.get("extension", []):
        fields += later["field"]
    for field in sorted(fields, key=lambda f: f["offset"]):
        offset = field["offset"] - base
        if offset + field["length"] <= length:
            yield field, offset


def value(field, data, raw, section, enums):
    kind = field["format"]
    table = enums.get(field.get("enum", ""))
    if kind in ("binary", "flags") and len(data) <= 8:
        number = int.from_bytes(data, "big")
        if table and table["kind"] != "text":
            return {"code": data.hex().upper(), "name": name_of(table, number)}
        return number
    if kind == "ebcdic":
        return "" if not any(data) else text_of(data).rstrip(" \0")
    if kind == "packed" and len(data) == 4:
        return data.hex().upper()
    if kind == "ip":
        return address(field, data, raw, section)
    return data.hex()


def name_of(table, number):
    codes = [(int(v["code"], 16), v["name"]) for v in table["values"]]
    if table["kind"] == "code":
        return next((name for code, name in codes if code == number), None)
    names, rest = [], number
    for mask, name in codes:
        if mask and number & mask == mask:
            names.append(name)
            rest &= ~mask
    if rest:
        return None
    return " + ".join(names) if names else "none"


def address(field, data, raw, section):
    flags = {"SMF119SC_SARIP": 2, "SMF119SC_SALIP": 2, "SMF119SS_SASrvIP": 9, "SMF119SS_SACltIP": 9}
    at = flags.get(field["name"])
    if at is None and field["name"].startswith("SMF119SC_IPSec"):
        at = next(f["offset"] for f in section["field"] if f["name"] == "SMF119SC_IPSec_TunFlags")
    ipv6 = any(data[4:]) if at is None else bool(raw[at] & IPV6)
    return str(ipaddress.IPv6Address(data) if ipv6 else ipaddress.IPv4Address(data[:4]))


def decode(record, layouts, enums):
    subtype = int.from_bytes(record[22:24], "big")
    layout = layouts[subtype]
    sections = {s["id"]: s for s in layout["section"]}
    out = {}

    def put(section, offset, length):
        raw = record[offset : offset + length]
        known, fields = 0, {}
        for field, at in fields_of(section, len(raw), raw):
            data = raw[at : at + field["length"]]
            known = max(known, at + field["length"])
            if field.get("reserved") and not any(data):
                continue
            fields[field["name"]] = value(field, data, raw, section, enums)
        if raw[known:]:
            fields["unknown"] = raw[known:].hex()
        out[section["id"]] = fields

    put(sections["header"], 0, 24)
    count = int.from_bytes(record[24:26], "big")
    put(sections["sds"], 24, 4 + 8 * count)
    names = ["ident"] + [s["id"] for s in layout["section"] if s["id"].startswith("S")]
    names_section = names[-1]
    for index, name in enumerate(names):
        triplet = record[28 + 8 * index : 36 + 8 * index]
        offset = int.from_bytes(triplet[:4], "big")
        length = int.from_bytes(triplet[4:6], "big")
        number = int.from_bytes(triplet[6:], "big")
        if not number:
            continue
        if name != names_section:
            put(sections[name], offset, length)
            continue
        prefix = "SMF119SC" if subtype == 11 else "SMF119SS"
        types = enums["dn_type"]
        entries = []
        for _ in range(number):
            size = int.from_bytes(record[offset : offset + 2], "big")
            code = record[offset + 2 : offset + 4]
            text = text_of(record[offset + 4 : offset + size]).rstrip()
            kind = {"code": code.hex().upper(), "name": name_of(types, int.from_bytes(code, "big"))}
            entries.append({f"{prefix}_DN_Type": kind, f"{prefix}_DN": text})
            offset += size
        out[name] = entries
    return {"subtype": subtype, "sections": out}


def main():
    directory = Path(sys.argv[1])
    with open(directory / "smf119-enums.toml", "rb") as file:
        enums = tomllib.load(file)["enums"]
    layouts = {subtype: load(directory, subtype) for subtype in (11, 12)}
    data = Path(sys.argv[2]).read_bytes()
    at = 0
    while at < len(data):
        length = int.from_bytes(data[at : at + 2], "big")
        print(json.dumps(decode(data[at : at + length], layouts, enums)))
        at += length


main()
