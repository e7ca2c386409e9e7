#!/usr/bin/env python3
"""An SMTP server that knows EHLO, STARTTLS and QUIT. usage: PORT CERT KEY"""
import socket
import ssl
import sys

port, cert, key = int(sys.argv[1]), sys.argv[2], sys.argv[3]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(cert, key)
server = socket.create_server(("127.0.0.1", port))
while True:
    peer, _ = server.accept()
    peer.sendall(b"220 zos.example.com ESMTP\r\n")
    lines = peer.makefile("rb")
    for line in lines:
        command = line.strip().upper()
        if command.startswith(b"EHLO"):
            peer.sendall(b"250-zos.example.com\r\n250 STARTTLS\r\n")
        elif command == b"STARTTLS":
            peer.sendall(b"220 go ahead\r\n")
            peer = context.wrap_socket(peer, server_side=True)
            lines = peer.makefile("rb")
            for line in lines:
                if line.strip().upper() == b"QUIT":
                    peer.sendall(b"221 bye\r\n")
                    break
            break
        else:
            peer.sendall(b"250 ok\r\n")
    lines.close()
    peer.close()
