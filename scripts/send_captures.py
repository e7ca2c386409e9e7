#!/usr/bin/env python3
"""Sends the Ethernet frames of pcap files out of an interface, in their order,
as fast as the receiver is likely to take them; after four seconds one frame more, so
that the clock of a capture goes on as long as that of the wall.

usage: send_captures.py [--endless] IFACE[,IFACE] FILE...

With two interfaces each takes one direction: that from the lower address or the other.
"""
import socket
import struct
import sys
import time


def frames(path):
    data = open(path, "rb").read()
    order = {b"\xd4\xc3\xb2\xa1": "<", b"\x4d\x3c\xb2\xa1": "<", b"\xa1\xb2\xc3\xd4": ">", b"\xa1\xb2\x3c\x4d": ">"}.get(data[:4])
    if order is None or struct.unpack_from(order + "I", data, 20)[0] & 0xFFFF != 1:
        return
    at = 24
    while at + 16 <= len(data):
        captured, wire = struct.unpack_from(order + "II", data, at + 8)
        frame = data[at + 16:at + 16 + captured]
        at += 16 + captured
        # What a capture cut, or what does not fit, cannot be sent as it was.
        if captured == wire and 14 <= captured <= 9014:
            yield frame


def upward(frame):
    """Whether a frame of IP goes from the lower address to the higher."""
    kind = frame[12:14]
    if kind == b"\x08\x00":
        return frame[26:30] < frame[30:34]
    return kind == b"\x86\xdd" and frame[22:38] < frame[38:54]


def main():
    endless = sys.argv[1] == "--endless"
    if endless:
        del sys.argv[1]
    outs = []
    for name in sys.argv[1].split(","):
        outs.append(socket.socket(socket.AF_PACKET, socket.SOCK_RAW))
        outs[-1].bind((name, 0))
    sent = 0
    all_frames = [frame for path in sys.argv[2:] for frame in frames(path)]
    while True:
        for frame in all_frames:
            outs[upward(frame) % len(outs)].send(frame)
            sent += 1
            if sent % 50 == 0:
                time.sleep(0.001)
        if not endless:
            break
    time.sleep(4)
    for out in outs:
        out.send(bytes.fromhex("ffffffffffff020000000001" "0806") + bytes(46))
    print(f"{sent + 1} frames sent")


if __name__ == "__main__":
    main()
