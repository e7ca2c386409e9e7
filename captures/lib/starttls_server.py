#!/usr/bin/env python3
"""A server that speaks just enough of a protocol to get to TLS.
usage: PORT CERT KEY PROTOCOL (irc, nntp, sieve, telnet, proxy)"""
import socket
import ssl
import sys

port, cert, key, protocol = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(cert, key)
GREETING = {
    "irc": b"", "nntp": b"200 news.example.com\r\n", "proxy": b"",
    "sieve": b'"IMPLEMENTATION" "example"\r\n"STARTTLS"\r\nOK\r\n',
    # DO START_TLS
    "telnet": b"\xff\xfd\x2e",
}
GRANT = {
    "irc": b":irc.example.com 670 * :STARTTLS successful\r\n", "nntp": b"382 go ahead\r\n",
    "sieve": b'OK "go ahead"\r\n',
}
FOLLOWS = b"\xff\xfa\x2e\x01\xff\xf0"


def line(peer):
    text = b""
    while not text.endswith(b"\n"):
        byte = peer.recv(1)
        if not byte:
            raise EOFError
        text += byte
    return text


def negotiate(peer):
    peer.sendall(GREETING[protocol])
    if protocol == "telnet":
        seen = b""
        while FOLLOWS not in seen:
            seen += peer.recv(1) or sys.exit("closed")
        peer.sendall(FOLLOWS)
    elif protocol == "proxy":
        first = peer.recv(1)
        if first == b"P":
            line(peer)
        else:
            head = first + peer.recv(15, socket.MSG_WAITALL)
            peer.recv(int.from_bytes(head[14:16], "big"), socket.MSG_WAITALL)
    else:
        while True:
            command = line(peer).strip().upper()
            if command == b"STARTTLS":
                break
            if command == b"CAPABILITIES":
                peer.sendall(b"101 list\r\nVERSION 2\r\nSTARTTLS\r\n.\r\n")
            elif command == b"CAPABILITY":
                peer.sendall(GREETING["sieve"])
        peer.sendall(GRANT[protocol])


server = socket.create_server(("127.0.0.1", port))
while True:
    plain, _ = server.accept()
    try:
        negotiate(plain)
        peer = context.wrap_socket(plain, server_side=True)
        if protocol == "telnet":
            # What a TN3270 server asks for first: DO TERMINAL-TYPE.
            peer.sendall(b"\xff\xfd\x18")
        elif protocol == "proxy":
            peer.recv(4096)
            peer.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nok\n")
        peer.settimeout(1)
        peer.recv(4096)
        peer.close()
    except (OSError, EOFError):
        plain.close()
