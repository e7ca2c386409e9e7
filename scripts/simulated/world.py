"""Traffic: connections of z/OS hosts with others, packet by packet."""
import random

from . import packets as p

SECOND = 1_000_000  # all times are microseconds since 1970, UTC
MSS = 1400
SUITES = {"tls12": [0xC02F, 0xC030, 0xC027], "tls13": [0x1301, 0x1302]}


class Connection:
    """A TCP connection; `sent` is what the stack could count: (time, from the client, kind, bytes)."""

    def __init__(self, rng, server, client, kind, start, lasts, **more):
        self.server, self.client, self.kind = server, client, kind  # (address, port) each
        self.rng, self.lasts = rng, lasts
        self.start, self.established, self.end = start, None, None
        self.suite = more.get("suite")
        self.session = more.get("session", b"")
        self.resumed = more.get("resumed", False)
        self.certificate = more.get("certificate")
        self.extras = more.get("extras", ())
        self.exchanges = more.get("exchanges", 3)
        self.frames, self.sent = [], []
        self.seq = [rng.getrandbits(32), rng.getrandbits(32)]
        self.window = 64000
        self.run()

    def segment(self, at, by_client, kind, flags, payload=b"", back=0):
        """Sends a segment; `back` is how far before the next byte it begins."""
        (src, sport), (dst, dport) = (self.client, self.server) if by_client else (self.server, self.client)
        mine, other = (0, 1) if by_client else (1, 0)
        ack = 0 if flags == p.SYN else self.seq[other]
        self.frames.append((at, p.frame(src, dst, sport, dport, self.seq[mine] - back, ack, flags, payload)))
        self.sent.append((at, by_client, kind, len(payload)))
        if not back:
            self.seq[mine] += len(payload) + (1 if flags & (p.SYN | p.FIN) else 0)

    def say(self, at, by_client, data):
        """Sends bytes in segments, each second one acknowledged; returns when the last was."""
        chunks = [data[n:n + MSS] for n in range(0, len(data), MSS)]
        for n, chunk in enumerate(chunks):
            self.segment(at, by_client, "data", p.ACK | p.PSH, chunk)
            if "retransmissions" in self.extras and self.rng.random() < 0.3:
                at += 200_000
                self.segment(at, by_client, "retransmission", p.ACK | p.PSH, chunk, back=len(chunk))
            at += 300
            if n % 2 or n + 1 == len(chunks):
                self.segment(at, not by_client, "ack", p.ACK)
                at += 200
        return at

    def idle(self, at):
        """What is sent while nobody has anything to say."""
        if "keep_alives" in self.extras:
            for _ in range(self.rng.randint(1, 3)):
                length = self.rng.choice([0, 1])
                self.segment(at, False, "keep_alive", p.ACK, b"\0" * length, back=1)
                self.segment(at + 400, True, "ack", p.ACK)
                at += 1500
        return at

    def run(self):
        at = self.start
        self.segment(at, True, "syn", p.SYN)
        self.segment(at + 400, False, "syn", p.SYN | p.ACK)
        at += 900
        self.segment(at, True, "ack", p.ACK)
        self.established = at
        rng = self.rng
        if self.kind == "tls12":
            turns = p.tls12(rng, self.suite, self.session, self.certificate, self.resumed)
        elif self.kind == "tls13":
            turns = p.tls13(rng, self.suite)
        elif self.kind == "ssh":
            turns = p.ssh(rng, self.certificate)
        else:
            turns = []
        for by_client, data in turns:
            at = self.say(at + 500, by_client, data)
        end = self.start + int(self.lasts * SECOND)
        gap = max(end - at - 100_000, 10_000) // (self.exchanges + 1)
        for _ in range(self.exchanges):
            at += gap // 2 + rng.randrange(max(gap // 3, 1))
            at = self.say(at, True, self.data(rng.randint(40, 900), b"GET / HTTP/1.1\r\n"))
            at = self.say(at + 2000, False, self.data(rng.randint(100, 5000), b"HTTP/1.1 200 OK\r\n"))
            at = self.idle(at + 5000)
        at = max(at + 1000, end)
        self.segment(at, True, "fin", p.ACK | p.FIN)
        self.segment(at + 300, False, "ack", p.ACK)
        self.segment(at + 600, False, "fin", p.ACK | p.FIN)
        self.segment(at + 900, True, "ack", p.ACK)
        self.end = at + 900

    def data(self, length, clear):
        if self.kind == "clear":
            return (clear + b"x" * length)[:length]
        noise = self.rng.randbytes(length)
        return noise if self.kind == "ssh" else p.tls_record(23, noise)


class Server:
    """A service: its address, port, protection, and certificate or key."""

    def __init__(self, rng, address, port, kind, job, number):
        self.address, self.port, self.kind, self.job = address, port, kind, job
        self.suite = rng.choice(SUITES[kind]) if kind in SUITES else None
        self.common, self.issuer, self.serial = f"server{number}.example", "Example CA", rng.getrandbits(62) | 1 << 61
        self.bits = 2048
        if kind == "ssh":
            self.certificate = (rng.getrandbits(2048) | 1 << 2047 | 1).to_bytes(256, "big")
        else:
            self.certificate = p.certificate(self.common, self.issuer, self.serial, self.bits, rng)
        self.sessions = {}


class World:
    """Hosts, services and all connections in a stretch of time."""

    def __init__(self, seed, hours=1.0, hosts=1, extras=(), resume=False, density=6, kinds=None):
        self.rng = rng = random.Random(seed)
        day = rng.randrange(20_000, 20_400)
        self.begin = day * 86_400 * SECOND + rng.randrange(0, 20 * 3600) * SECOND + rng.randrange(SECOND)
        self.until = self.begin + int(hours * 3600 * SECOND)
        self.hosts = [bytes([192, 0, 2, 10 * (n + 1)]) for n in range(hosts)]
        if hosts == 1 and rng.random() < 0.25:
            self.hosts[0] = bytes.fromhex("20010db8000000000000000000000010")
        wide = len(self.hosts[0]) == 16
        self.clients = [bytes.fromhex(f"20010db80000000100000000000000{n:02x}") if wide else bytes([198, 51, 100, n])
                        for n in range(1, 5)]
        kinds = kinds or ["tls12", "tls13", "ssh", "clear"]
        ports = {"tls12": 443, "tls13": 8443, "ssh": 22, "clear": 80}
        self.servers = [Server(rng, host, ports[kind], kind, f"{kind.upper()}{h}", f"{h}{ports[kind]}")
                        for h, host in enumerate(self.hosts) for kind in kinds]
        # The host is a client of these.
        self.remote = [Server(rng, self.clients[0], 443, kinds[0], f"BATCH{h}", f"9{h}") for h, _ in enumerate(self.hosts)]
        self.connections, self.ports = [], 40_000
        for server in self.servers:
            for client in self.clients:
                for _ in range(rng.randint(1, max(1, density // 2))):
                    self.connect(server, client, extras, resume)
        for h, server in enumerate(self.remote):
            for _ in range(rng.randint(1, 3)):
                self.connect(server, self.hosts[h], extras, resume)

    def connect(self, server, client, extras=(), resume=False, start=None, lasts=None):
        rng = self.rng
        self.ports += 1
        lasts = lasts if lasts is not None else rng.choice([0.5, 3, 8, 14, 40, 200, 900]) * rng.uniform(0.9, 1.1)
        span = self.until - self.begin - int((lasts + 30) * SECOND)
        start = start if start is not None else self.begin + rng.randrange(max(span, 1))
        known = server.sessions.get(client)
        resumed = bool(resume and known and known[1] < start and server.kind == "tls12" and rng.random() < 0.7)
        session = known[0] if resumed else rng.randbytes(32)
        connection = Connection(rng, (server.address, server.port), (client, self.ports), server.kind, start, lasts,
                                suite=server.suite, certificate=server.certificate, session=session,
                                resumed=resumed, extras=extras, exchanges=rng.randint(1, 4))
        if not resumed and server.kind == "tls12":
            server.sessions[client] = (session, connection.end)
        connection.service = server
        self.connections.append(connection)
        return connection

    def capture(self, begin=None, until=None):
        """The packets of a stretch of time, as a capture file."""
        begin, until = begin or 0, until or 1 << 62
        return p.pcap([(at, data) for c in self.connections for at, data in c.frames if begin <= at < until])
