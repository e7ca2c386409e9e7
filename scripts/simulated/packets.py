"""Frames of TCP connections, and what TLS, SSH and clear dialogues send in them."""
import struct

SYN, ACK, FIN, PSH, RST = 0x02, 0x10, 0x01, 0x08, 0x04


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def frame(src, dst, sport, dport, seq, ack, flags, payload=b"", window=64000):
    """An Ethernet frame with IPv4 or IPv6 and TCP; addresses are bytes."""
    tcp = struct.pack(">HHIIBBHHH", sport, dport, seq & 0xFFFFFFFF, ack & 0xFFFFFFFF,
                      5 << 4, flags, window, 0, 0) + payload
    if len(src) == 4:
        head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(tcp), 0, 0x4000, 64, 6, 0) + src + dst
        head = head[:10] + struct.pack(">H", checksum(head)) + head[12:]
        pseudo, kind = src + dst + struct.pack(">BBH", 0, 6, len(tcp)), 0x0800
    else:
        head = struct.pack(">IHBB", 6 << 28, len(tcp), 6, 64) + src + dst
        pseudo, kind = src + dst + struct.pack(">II", len(tcp), 6), 0x86DD
    tcp = tcp[:16] + struct.pack(">H", checksum(pseudo + tcp)) + tcp[18:]
    return b"\x02\0\0\0\0\x01\x02\0\0\0\0\x02" + struct.pack(">H", kind) + head + tcp


def pcap(packets):
    """A capture file of (microseconds since 1970, frame), in order of time."""
    out = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)]
    for at, data in sorted(packets, key=lambda p: p[0]):
        out.append(struct.pack("<IIII", at // 1_000_000, at % 1_000_000, len(data), len(data)))
        out.append(data)
    return b"".join(out)


# DER (X.690), as far as a certificate takes it.
def der(tag, *parts):
    body = b"".join(parts)
    if len(body) < 128:
        return bytes([tag, len(body)]) + body
    size = (len(body).bit_length() + 7) // 8
    return bytes([tag, 0x80 | size]) + len(body).to_bytes(size, "big") + body


def oid(text):
    numbers = [int(n) for n in text.split(".")]
    out = bytes([40 * numbers[0] + numbers[1]])
    for n in numbers[2:]:
        part = bytes([n & 0x7F])
        while n > 0x7F:
            n >>= 7
            part = bytes([0x80 | n & 0x7F]) + part
        out += part
    return der(6, out)


def integer(n):
    return der(2, n.to_bytes(n.bit_length() // 8 + 1, "big"))


def name(common):
    return der(0x30, der(0x31, der(0x30, oid("2.5.4.3"), der(12, common.encode()))))


def certificate(common, issuer, serial, bits, rng):
    """An X.509 certificate with an RSA key and sha256WithRSAEncryption; its signature is noise."""
    algorithm = der(0x30, oid("1.2.840.113549.1.1.11"), der(5))
    modulus = rng.getrandbits(bits) | 1 << (bits - 1) | 1
    key = der(0x30, integer(modulus), integer(65537))
    spki = der(0x30, der(0x30, oid("1.2.840.113549.1.1.1"), der(5)), der(3, b"\0" + key))
    valid = der(0x30, der(23, b"250101000000Z"), der(23, b"350101000000Z"))
    tbs = der(0x30, der(0xA0, integer(2)), integer(serial), algorithm, name(issuer), valid, name(common), spki)
    return der(0x30, tbs, algorithm, der(3, b"\0" + rng.randbytes(bits // 8)))


def tls_record(kind, body):
    return bytes([kind, 3, 3]) + struct.pack(">H", len(body)) + body


def handshake(kind, body):
    return bytes([kind]) + len(body).to_bytes(3, "big") + body


def extension(kind, body):
    return struct.pack(">HH", kind, len(body)) + body


def client_hello(rng, suite, session=b"", tls13=False):
    extensions = extension(10, b"\0\x02\0\x17")
    if tls13:
        extensions += extension(43, b"\x02\x03\x04") + extension(51, b"\0\x24\0\x1d\0\x20" + rng.randbytes(32))
        extensions += extension(13, b"\0\x02\x08\x04")
    body = b"\x03\x03" + rng.randbytes(32) + bytes([len(session)]) + session
    body += struct.pack(">HH", 2, suite) + b"\x01\0" + struct.pack(">H", len(extensions)) + extensions
    return tls_record(22, handshake(1, body))


def server_hello(rng, suite, session, tls13=False):
    extensions = extension(43, b"\x03\x04") + extension(51, b"\0\x1d\0\x20" + rng.randbytes(32)) if tls13 else b""
    body = b"\x03\x03" + rng.randbytes(32) + bytes([len(session)]) + session + struct.pack(">HB", suite, 0)
    if extensions:
        body += struct.pack(">H", len(extensions)) + extensions
    return handshake(2, body)


def encrypted(rng, length=40):
    return tls_record(22, rng.randbytes(length))


CHANGE = tls_record(20, b"\x01")


def tls12(rng, suite, session, cert, resumed):
    """Turns of a TLS 1.2 handshake: (from the client, bytes)."""
    hello = client_hello(rng, suite, session if resumed else b"")
    answer = server_hello(rng, suite, session)
    if resumed:
        return [(True, hello), (False, tls_record(22, answer) + CHANGE + encrypted(rng)), (True, CHANGE + encrypted(rng))]
    chain = len(cert).to_bytes(3, "big") + cert
    flight = answer + handshake(11, len(chain).to_bytes(3, "big") + chain)
    flight += handshake(12, b"\x03\0\x17\x41\x04" + rng.randbytes(64) + b"\x04\x01\x01\0" + rng.randbytes(256))
    flight += handshake(14, b"")
    key = tls_record(22, handshake(16, b"\x41\x04" + rng.randbytes(64)))
    return [(True, hello), (False, tls_record(22, flight)), (True, key + CHANGE + encrypted(rng)),
            (False, CHANGE + encrypted(rng))]


def tls13(rng, suite):
    session = rng.randbytes(32)
    hello = client_hello(rng, suite, session, True)
    answer = tls_record(22, server_hello(rng, suite, session, True)) + CHANGE
    answer += tls_record(23, rng.randbytes(900)) + tls_record(23, rng.randbytes(90))
    return [(True, hello), (False, answer), (True, CHANGE + tls_record(23, rng.randbytes(85)))]


def ssh_string(data):
    return struct.pack(">I", len(data)) + data


def ssh_packet(rng, payload):
    padding = 8 - (5 + len(payload)) % 8
    padding += 8 if padding < 4 else 0
    return struct.pack(">IB", 1 + len(payload) + padding, padding) + payload + rng.randbytes(padding)


def ssh(rng, host_key):
    """Turns of an SSH key exchange: ecdh-sha2-nistp256, ssh-rsa, aes256-ctr, hmac-sha2-256."""
    lists = [b"ecdh-sha2-nistp256", b"ssh-rsa", b"aes256-ctr", b"aes256-ctr", b"hmac-sha2-256", b"hmac-sha2-256",
             b"none", b"none", b"", b""]
    def kexinit():
        return ssh_packet(rng, b"\x14" + rng.randbytes(16) + b"".join(map(ssh_string, lists)) + bytes(5))
    blob = ssh_string(b"ssh-rsa") + ssh_string(b"\x01\0\x01") + ssh_string(b"\0" + host_key)
    reply = ssh_packet(rng, b"\x1f" + ssh_string(blob) + ssh_string(b"\x04" + rng.randbytes(64))
                       + ssh_string(ssh_string(b"ssh-rsa") + ssh_string(rng.randbytes(256))))
    start = ssh_packet(rng, b"\x1e" + ssh_string(b"\x04" + rng.randbytes(64)))
    new = ssh_packet(rng, b"\x15")
    return [(False, b"SSH-2.0-OpenSSH_8.4\r\n"), (True, b"SSH-2.0-OpenSSH_9.0\r\n"), (False, kexinit()),
            (True, kexinit()), (True, start), (False, reply + new), (True, new + rng.randbytes(64))]
