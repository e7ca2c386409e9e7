#!/usr/bin/env python3
"""Makes the seed corpora of the fuzz targets from captures/.

usage: fuzz_seeds.py; writes fuzz/corpus/TARGET/NAME. A seed is a list of turns:
a byte that says whose it is (and more, see fuzz/drivers.rs), two bytes of
length, the bytes.
"""
import pathlib
import struct
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent
MOST = 6 * 1024


def packets(path):
    """Link type, and the frames of a pcap file."""
    data = path.read_bytes()
    if data[:4] == b"\xd4\xc3\xb2\xa1":
        order = "<"
    elif data[:4] == b"\xa1\xb2\xc3\xd4":
        order = ">"
    else:
        return 0, []
    link, at, found = struct.unpack_from(order + "I", data, 20)[0], 24, []
    while at + 16 <= len(data):
        length = struct.unpack_from(order + "I", data, at + 8)[0]
        found.append(data[at + 16:at + 16 + length])
        at += 16 + length
    return link, found


def ip(link, frame):
    """Protocol, addresses and payload of an IPv4 packet."""
    if link == 1 and frame[12:14] == b"\x08\0":
        frame = frame[14:]
    elif link != 101:
        return None
    if len(frame) < 20 or frame[0] >> 4 != 4:
        return None
    length = struct.unpack_from(">H", frame, 2)[0]
    return frame[9], frame[12:16], frame[16:20], frame[4 * (frame[0] & 15):length]


def turn(flags, data):
    return struct.pack(">BH", flags, len(data)) + data


def write(target, name, seed):
    if 0 < len(seed) <= MOST:
        path = ROOT / "fuzz" / "corpus" / target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(seed)


def streams(link, frames):
    """Each TCP connection's turns: (client or server, payload)."""
    found = {}
    for frame in frames:
        packet = ip(link, frame)
        if not packet or packet[0] != 6 or len(packet[3]) < 20:
            continue
        _, src, dst, tcp = packet
        ports = struct.unpack_from(">HH", tcp)
        payload = tcp[4 * (tcp[12] >> 4):]
        low, high = (src, ports[0]), (dst, ports[1])
        key = tuple(sorted((low, high)))
        client, turns = found.setdefault(key, (low, []))
        if payload:
            turns.append((0 if low == client else 1, payload))
    return [turns for _, turns in found.values()]


for case in sorted((ROOT / "captures").iterdir()):
    capture = case / "capture.pcap"
    if not capture.exists():
        continue
    link, frames = packets(capture)
    for n, turns in enumerate(streams(link, frames)[:2]):
        seed, name = b"", f"{case.name}-{n}"
        for side, payload in turns:
            if len(seed) + len(payload) > MOST - 3:
                break
            seed += turn(side, payload)
        first = turns[0][1][:4] if turns else b""
        write("observer", name, seed)
        if case.name.startswith("ssh"):
            write("ssh", name, seed)
        elif first[:1] in (b"\x16", b"\x80"):
            write("tls", name, seed)
        elif case.name.startswith(("starttls", "ftp", "http", "socks", "proxy", "telnet", "rdp")):
            write("upgrade", name, seed)
        elif case.name == "ike-tcp":
            write("ike", name, seed)
    datagrams = {"ike": b"", "ee": b""}
    first = None
    for frame in frames[:60]:
        packet = ip(link, frame)
        if not packet or packet[0] != 17:
            continue
        first = first or packet[1]
        side = 0 if packet[1] == first else 1
        source, port = struct.unpack_from(">HH", packet[3])
        if port in range(12000, 12005):
            datagrams["ee"] += turn(side | (port - 12000) << 1, packet[3][8:])
        elif 500 in (source, port) or 4500 in (source, port):
            skip = 12 if 4500 in (source, port) else 8
            datagrams["ike"] += turn(side, packet[3][skip:])
    for target, seed in datagrams.items():
        write(target, case.name, seed[:MOST])
    if frames:
        few = [f for f in frames if len(f) < 1600][:4]
        write("frame", case.name, b"".join(turn(0, struct.pack(">H", link) + f) for f in few))
        whole = b""
        for n, f in enumerate(frames):
            # Mostly microseconds, now and then ten seconds.
            if link in (1, 101) and len(whole) + len(f) + 3 < MOST:
                whole += turn((2 if link == 101 else 0) | (12 if n % 16 == 15 else 4), f)
        write("engine", case.name, whole)
        write("source", case.name, capture.read_bytes()[:MOST])

# Certificates as openssl makes them.
for name, options in {
    "rsa": ["-newkey", "rsa:2048"],
    "ec": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "ed25519": ["-newkey", "ed25519"],
    "pss": ["-newkey", "rsa:2048", "-sigopt", "rsa_padding_mode:pss"],
}.items():
    der = subprocess.run(["openssl", "req", "-x509", *options, "-nodes", "-keyout", "/dev/null", "-outform", "DER",
                          "-subj", "/C=DE/O=Example Sysplex/CN=zos.example.com"], capture_output=True, check=True)
    write("certificate", name, der.stdout)

# Records, profiles and settings that ship with the project.
for n, dump in enumerate(sorted((ROOT / "fuzz" / "corpus" / "dump").iterdir())):
    data = dump.read_bytes()
    length = struct.unpack_from(">H", data)[0] if len(data) > 24 else 0
    if data[4:6] in (b"\x5e\x77", b"\x1e\x77") and length <= len(data):
        write("record", dump.name, data[:length])
for path in sorted((ROOT / "tests" / "profiles").rglob("*")):
    if path.is_file():
        write("profile", path.name, path.read_bytes())
