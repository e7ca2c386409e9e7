#!/usr/bin/env python3
"""A client that sends a PROXY header of version 2 and its ClientHello in one
segment. usage: PORT proxy2"""
import socket
import ssl
import sys

port = int(sys.argv[1])
header = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + bytes([192, 0, 2, 1, 192, 0, 2, 2]) + b"\x9c\x40\x01\xbb"
incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
tls = context.wrap_bio(incoming, outgoing)
peer = socket.create_connection(("127.0.0.1", port))
prefix = header
while True:
    try:
        tls.do_handshake()
        break
    except ssl.SSLWantReadError:
        peer.sendall(prefix + outgoing.read())
        prefix = b""
        incoming.write(peer.recv(16384))
tls.write(b"GET / HTTP/1.0\r\n\r\n")
peer.sendall(outgoing.read())
peer.recv(16384)
peer.close()
