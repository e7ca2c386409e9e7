#!/usr/bin/env python3
"""Makes variants of a capture: cut, lossy, reordered, one-sided, stretched in
time, or in another file format. Python's standard library only.

usage: mutate.py IN OUT COMMAND [ARGUMENT]...

Packets are numbered from 1 in the order of the file. Commands are applied in
turn, each with its arguments:

  snap N             keep N bytes of every packet
  drop I[,J...]      leave packets out
  move I J           take packet I out and put it before packet J
  repeat I           packet I twice
  keep-from PORT     only packets that come from the TCP port
  keep-to PORT       only packets that go to the TCP port
  delay I SECONDS    packet I and all after it come later
  first N            only the first N packets
  pcapng             write pcapng: two interfaces, the second with another
                     snap length, nanoseconds and an offset of one hour
  nanos              write pcap with nanoseconds, big-endian
  pad80              pad the file with zeros to 80-byte records
  cut BYTES          cut the file's last bytes
  sniffer            write a DOS Sniffer file, whole frames
"""
import struct
import sys


def read(path):
    data = open(path, "rb").read()
    magic, = struct.unpack_from("<I", data)
    assert magic == 0xA1B2C3D4, "expected a little-endian pcap with microseconds"
    link, = struct.unpack_from("<I", data, 20)
    at, packets = 24, []
    while at < len(data):
        seconds, micros, captured, wire = struct.unpack_from("<IIII", data, at)
        packets.append([seconds * 10**9 + micros * 1000, data[at + 16:at + 16 + captured], wire])
        at += 16 + captured
    return link, packets


def ports(frame):
    ip = 14
    tcp = ip + (frame[ip] & 15) * 4
    return struct.unpack_from(">HH", frame, tcp)


def pcap(link, packets, order="<", nanos=False):
    out = struct.pack(order + "IHHiIII", 0xA1B23C4D if nanos else 0xA1B2C3D4, 2, 4, 0, 0, 262144, link)
    for ts, data, wire in packets:
        fraction = ts % 10**9 if nanos else ts % 10**9 // 1000
        out += struct.pack(order + "IIII", ts // 10**9, fraction, len(data), wire) + data
    return out


def block(kind, body):
    body += b"\0" * (-len(body) % 4)
    length = 12 + len(body)
    return struct.pack("<II", kind, length) + body + struct.pack("<I", length)


def option(code, value):
    return struct.pack("<HH", code, len(value)) + value + b"\0" * (-len(value) % 4)


def pcapng(link, packets):
    out = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1) + option(4, b"mutate.py") + option(0, b""))
    out += block(1, struct.pack("<HHI", link, 0, 262144) + option(2, b"tap0") + option(0, b""))
    offset = 3600
    out += block(1, struct.pack("<HHI", link, 0, 65535) + option(9, b"\x09") + option(14, struct.pack("<q", offset)) + option(0, b""))
    out += block(0x0BAD, b"an unknown block")
    for n, (ts, data, wire) in enumerate(packets):
        units = ts // 1000 if n % 2 == 0 else ts - offset * 10**9
        out += block(6, struct.pack("<IIIII", n % 2, units >> 32, units & 0xFFFFFFFF, len(data), wire) + data)
    return out


def sniffer(link, packets):
    assert link == 1
    days = packets[0][0] // 10**9 // 86400
    import datetime
    date = datetime.date(1970, 1, 1) + datetime.timedelta(days=days)
    dos = (date.year - 1980) << 9 | date.month << 5 | date.day
    out = b"TRSNIFF data    \x1a"
    # Uncompressed Ethernet, time unit 5: one microsecond.
    version = struct.pack("<HHHHBBBBBBHH", 4, 0, 0, dos, 4, 1, 1, 5, 0, 0, 0, 0)
    out += struct.pack("<HHH", 1, len(version), 0) + version
    for ts, data, wire in packets:
        micros = (ts - days * 86400 * 10**9) // 1000
        day, micros = divmod(micros, 86400 * 10**6)
        true_size = wire if wire != len(data) else 0
        head = struct.pack("<HHBBHBBHH", micros & 0xFFFF, micros >> 16 & 0xFFFF, micros >> 32, day, len(data), 0, 0, true_size, 0)
        out += struct.pack("<HHH", 4, len(head) + len(data), 0) + head + data
    return out + struct.pack("<HHH", 3, 0, 0)


def main():
    source, target, *commands = sys.argv[1:]
    link, packets = read(source)
    out = None
    while commands:
        command = commands.pop(0)
        if command == "snap":
            n = int(commands.pop(0))
            packets = [[t, d[:n], w] for t, d, w in packets]
        elif command == "drop":
            gone = {int(i) for i in commands.pop(0).split(",")}
            packets = [p for i, p in enumerate(packets, 1) if i not in gone]
        elif command == "move":
            i, j = int(commands.pop(0)) - 1, int(commands.pop(0)) - 1
            moved = packets.pop(i)
            packets.insert(j if j < i else j - 1, moved)
            # Arrival order decides; times follow it.
            times = sorted(p[0] for p in packets)
            for p, t in zip(packets, times):
                p[0] = t
        elif command == "repeat":
            i = int(commands.pop(0)) - 1
            packets.insert(i + 1, list(packets[i]))
        elif command in ("keep-from", "keep-to"):
            port = int(commands.pop(0))
            side = 0 if command == "keep-from" else 1
            packets = [p for p in packets if ports(p[1])[side] == port]
        elif command == "delay":
            i, seconds = int(commands.pop(0)), float(commands.pop(0))
            for p in packets[i - 1:]:
                p[0] += round(seconds * 10**9)
        elif command == "first":
            packets = packets[:int(commands.pop(0))]
        elif command == "pcapng":
            out = pcapng(link, packets)
        elif command == "nanos":
            out = pcap(link, packets, ">", True)
        elif command == "sniffer":
            out = sniffer(link, packets)
        elif command == "pad80":
            out = out or pcap(link, packets)
            out += b"\0" * (-len(out) % 80)
        elif command == "cut":
            out = (out or pcap(link, packets))[:-int(commands.pop(0))]
        else:
            sys.exit(f"unknown command {command}")
    open(target, "wb").write(out or pcap(link, packets))


if __name__ == "__main__":
    main()
