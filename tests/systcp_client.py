#!/usr/bin/env python3
"""A client of the SYSTCPER and SYSTCPES sockets of `zerttap live --service`, written
from the description of z/OS's services alone: it shares nothing with the program.

usage: systcp_client.py SOCKET [--list] [--no-running] [--out FILE] [--count] [--hang]

Prints a line for each message. --list asks for all established connections first;
--out appends the records to a file, each with its RDW; --count prints only the number
of records at the end; --hang sends its request and then never reads.
"""
import argparse
import os
import socket
import struct
import sys
import time

REQUESTS = {"SYSTCPER": (0xE9C5D9E3, 0x40000000), "SYSTCPES": (0xE9C5D9E2, 0x80000000)}
LIST = 0x80000000
INIT, TERM, DATA, LOST = 0xC9D5C9E3, 0xE3C5D9D4, 0xE9C4E3C1, 0xE9D3E2E3


def exactly(connection, length):
    data = b""
    while len(data) < length:
        part = connection.recv(length - len(data))
        if not part:
            return None
        data += part
    return data


def entries(buffer, subtype):
    """The records of a buffer: cte, data, epilogue, until a cte of length zero."""
    at = 0
    while True:
        length, offset, form, written = struct.unpack_from(">HhIQ", buffer, at)
        if length == 0:
            assert at + 16 == len(buffer), "something follows the end of the buffer"
            return
        assert offset == 16 and form == subtype and written > 0, (offset, form, written)
        epilogue, = struct.unpack_from(">H", buffer, at + length - 2)
        assert epilogue == length, "the epilogue does not repeat the length"
        record = buffer[at + offset:at + length - 2]
        rdw, = struct.unpack_from(">H", record)
        assert rdw == len(record), "the record does not fill its entry"
        yield record
        at += length


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("socket")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--no-running", action="store_true")
    parser.add_argument("--out")
    parser.add_argument("--count", action="store_true")
    parser.add_argument("--hang", action="store_true")
    args = parser.parse_args()
    component = os.path.basename(args.socket).split(".")[0]
    identifier, running = REQUESTS[component]
    asked = (LIST if args.list else 0) | (0 if args.no_running else running)
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(args.socket)
    # The server waits for all of a request.
    request = struct.pack(">IIIII12x", 32, identifier, 1, 0, asked)
    connection.sendall(request[:7])
    time.sleep(0.05)
    connection.sendall(request[7:])
    if args.hang:
        time.sleep(86400)
    out = open(args.out, "ab", buffering=0) if args.out else None
    records = lost = 0
    say = (lambda *_: None) if args.count else (lambda *what: print(*what, flush=True))
    while head := exactly(connection, 16):
        length, kind, version, _ = struct.unpack(">IIII", head)
        assert version == 1, version
        body = exactly(connection, length - 16)
        if kind == INIT:
            names = [body[n:n + 8].decode("cp037").rstrip() for n in (0, 8, 16)]
            started, size = struct.unpack_from(">QI", body, 24)
            assert length == 64 and names[1] == component
            say("init", *(name or "-" for name in names), size)
        elif kind == DATA:
            for record in entries(body, 11 if component == "SYSTCPER" else 12):
                records += 1
                say("record", len(record))
                if out:
                    out.write(record)
        elif kind == LOST:
            lost += struct.unpack(">Q", body)[0]
            say("lost", lost)
        elif kind == TERM:
            say("term")
            break
        else:
            # Services may have messages that a client does not know.
            say("unknown", hex(kind))
    print(f"{records} records, {lost} lost", file=sys.stdout if args.count else sys.stderr, flush=True)


if __name__ == "__main__":
    main()
