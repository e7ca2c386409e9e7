#!/usr/bin/env python3
"""An FTP client that takes its time: AUTH TLS, and CCC back to clear text, at
given seconds after the connection. usage: PORT AUTH CCC END (- leaves out)"""
import socket
import ssl
import sys
import time

port, auth, ccc, end = (None if a == "-" else float(a) for a in sys.argv[1:5])
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
peer = socket.create_connection(("127.0.0.1", int(port)))
start = time.monotonic()


def at(seconds):
    time.sleep(max(0, start + seconds - time.monotonic()))


def say(channel, text):
    if text:
        channel.sendall(text + b"\r\n")
    reply = b""
    while not reply.endswith(b"\r\n"):
        piece = channel.recv(4096)
        if not piece:
            break
        reply += piece
    return reply


say(peer, None)
channel = peer
if auth is not None:
    at(auth)
    say(peer, b"AUTH TLS")
    channel = context.wrap_socket(peer)
say(channel, b"USER tester")
say(channel, b"PASS secret")
if ccc is not None:
    at(ccc)
    say(channel, b"CCC")
    channel = channel.unwrap()
    say(channel, b"PWD")
at(end)
say(channel, b"QUIT")
channel.close()
