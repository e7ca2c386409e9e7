"""What a z/OS stack records of its connections: SMF 119 subtypes 11 and 12."""
import random
import tomllib

from . import layout
from .world import SECOND

ENUMS = tomllib.loads((layout.SPEC / "smf119-enums.toml").read_text())["wire"]
SHORT = 10 * SECOND
TLS, SSH = 0x80, 0x40
SERVER, CLIENT = "server", "client"
# Cipher, message authentication and key exchange by suite (RFC 5289, RFC 8446).
SUITE = {0xC02F: ("AES_128_GCM", "AEAD", "ECDHE_RSA"), 0xC030: ("AES_256_GCM", "AEAD", "ECDHE_RSA"),
         0xC027: ("AES_128_CBC", "SHA256", "ECDHE_RSA"), 0x1301: ("AES_128_GCM", "AEAD", None),
         0x1302: ("AES_256_GCM", "AEAD", None)}
AEAD = 1
HMAC_SHA256 = 6
RSA, RSA_WITH_SHA256, SHA256 = 2, 7, 6


def code(table, name):
    return int(ENUMS[table][name], 16)


class Stack:
    """How a stack of a name records what it sees."""

    def __init__(self, host, name, seed, **how):
        self.host, self.rng = host, random.Random(seed)
        self.clock = how.get("clock", lambda at: at)
        self.zone = how.get("zone", 0)  # seconds ahead of UTC
        self.level = how.get("level", "v2r3")
        self.provider = how.get("provider", False)
        self.interval = how.get("interval", 15) * 60  # seconds
        self.sync = how.get("sync", 0) * 60
        self.jobs = how.get("jobs", True)
        self.entry = how.get("entry", "settle")
        self.filler = how.get("filler", b"\0")
        self.counts = how.get("counts", lambda kind: True)
        self.headers = how.get("headers", 0)
        self.knows = how.get("knows", lambda connection: connection.kind)
        self.split_jobs = how.get("split_jobs", False)
        self.identity = {"sid": f"S{name[-1]}01", "sysname": f"SYS{name[-1]}", "sysplex": "PLEX1", "stack": name,
                         "release": "CS V2R5", "user": "TCPUSER", "asid": self.rng.randrange(32, 256)}
        self.ids = self.rng.randrange(1, 1 << 20)
        self.records = []  # (written, bytes)

    # Times of the stack's own clock, in hundredths of a second.
    def own(self, at):
        return self.clock(at) // 10_000

    def write(self, at, subtype, reason, parts, names=(), delay=None):
        """Writes a record: SMF gets it a little after the event, in local time."""
        delay = self.rng.choice([0, 0, 1, 3, 20, 120]) if delay is None else delay
        written = self.own(at) + delay + 100 * self.zone
        made = layout.record(subtype, written, self.identity, reason, parts, self.level, names)
        self.records.append((written, made))

    def sees(self, connection):
        return self.host in (connection.server[0], connection.client[0])

    def role(self, connection):
        return SERVER if connection.server[0] == self.host else CLIENT

    def counted(self, connection, since, until):
        """In and out bytes, in and out segments between two moments."""
        total = [0, 0, 0, 0]
        inbound_by_client = self.role(connection) == SERVER
        for at, by_client, kind, length in connection.sent:
            if since < at <= until:
                way = 0 if by_client == inbound_by_client else 1
                fresh = 0 if kind in ("retransmission", "keep_alive") else length
                counts = self.counts(kind)
                total[way] += fresh + (self.headers if counts else 0)
                total[2 + way] += 1 if counts else 0
        return total

    def address(self, address):
        return address + self.filler * (16 - len(address))

    def protection(self, connection):
        """The protocol's flag and section by subtype, and names of certificates."""
        kind = self.knows(connection)
        service, source = connection.service, 2 if self.provider else 1
        if kind in ("tls12", "tls13"):
            cipher, mac, exchange = SUITE[connection.suite]
            detail = {
                "Prot_Ver": 0x0303 if kind == "tls12" else 0x0304, "Source": source,
                "Handshake_Type": 2 if connection.resumed else 1,
                "Handshake_Role": 2 if self.role(connection) == SERVER else 1,
                "Protocol_Provider": "System SSL" if self.provider else "Observation",
                "Neg_Cipher": f"{connection.suite:04X}", "CS_Enc_Alg": code("tls_enc", cipher),
                "CS_Msg_Auth": AEAD if mac == "AEAD" else HMAC_SHA256,
                "CS_Kex_Alg": code("tls_kex", exchange) if exchange else 0,
            }
            if kind == "tls12":
                detail |= {"Session_ID_Len": len(connection.session), "Session_ID": connection.session}
            names = ()
            if self.provider:
                detail |= {
                    "FIPS_Mode": 1, "SCert_Signature_Method": RSA_WITH_SHA256, "SCert_Enc_Method": RSA,
                    "SCert_Digest_Alg": SHA256, "SCert_Key_Type": RSA, "SCert_Key_Len": service.bits,
                    "SCert_Serial_Len": 8, "SCert_Serial": service.serial.to_bytes(8, "big"), "SCert_Time_Type": 1,
                    "SCert_Time": "350101000000Z",
                }
                names = ((5, f"CN={service.common}"), (6, f"CN={service.issuer}"))
            return TLS, "TLS", detail, names
        if kind == "ssh":
            detail = {
                "Prot_Ver": 2, "Source": source, "Protocol_Provider": "OpenSSH" if self.provider else "Observation",
                "In_Enc_Alg": code("ssh_cipher", "aes256-ctr"), "Out_Enc_Alg": code("ssh_cipher", "aes256-ctr"),
                "In_Msg_Auth": code("ssh_mac", "hmac-sha2-256"), "Out_Msg_Auth": code("ssh_mac", "hmac-sha2-256"),
                "Kex_Method": code("ssh_kex", "ecdh-sha2-nistp256"), "SKey_Type": code("ssh_host_key", "ssh-rsa"),
                "SKey_Len": 2048,
            }
            if self.provider:
                detail |= {"Auth_Method": 3, "CKey_Type": 5, "CKey_Len": 256, "Comp": "SSHD"}
            return SSH, "SSH", detail, ()
        return 0, None, {}, ()

    def owner(self, connection):
        """Job, user and job identifier of the local socket."""
        if not self.jobs:
            return "", "", ""
        job = connection.service.job
        if self.split_jobs:
            job = f"{job}{connection.client[1] % 2}"
        return job[:8], "USER1", "STC01234"

    # Subtype 11
    def detail(self, connection, kind, at):
        local, remote = connection.server, connection.client
        if self.role(connection) == CLIENT:
            local, remote = remote, local
        protocol, _, section, names = self.protection(connection)
        job, user, job_id = self.owner(connection)
        counters = self.counted(connection, 0, at)
        flags = 0x80 if len(self.host) == 16 else 0
        if self.level == "v3r2":
            flags |= 0x10 if self.role(connection) == SERVER else 0x08
        start, start_date = layout.smf_time(self.own(connection.established))
        end, end_date = layout.smf_time(self.own(at)) if kind in (3, 4) else (0, 0)
        common = {
            "SAEvent_Type": kind, "SASecProtos": protocol, "SAFlags": flags, "SAIPProto": 6, "SAJobname": job,
            "SAJobID": job_id, "SAUserID": user, "SASTime": start, "SASDate": start_date, "SAETime": end,
            "SAEDate": end_date, "SARIP": self.address(remote[0]), "SALIP": self.address(local[0]),
            "SARPort": remote[1], "SALPort": local[1], "SAConnID": connection.ids[self.identity["stack"]],
            "SAInBytes": counters[0], "SAOutBytes": counters[1], "SAInSegDG": counters[2], "SAOutSegDG": counters[3],
        }
        parts = {"S1": {f"SMF119SC_{name}": value for name, value in common.items()}}
        if protocol:
            which, letters = ("S3", "TLS") if protocol == TLS else ("S4", "SSH")
            parts[which] = {f"SMF119SC_{letters}_{name}": value for name, value in section.items()}
        self.write(at, 11, 0x08, parts, names)

    def details(self, connections, since, until):
        for connection in connections:
            if not self.sees(connection):
                continue
            self.ids += self.rng.randint(1, 9)
            connection.__dict__.setdefault("ids", {})[self.identity["stack"]] = self.ids
            lasted = self.clock(connection.end) - self.clock(connection.established)
            events = [(4, connection.end)] if lasted < SHORT else [
                (1, connection.established + SHORT), (3, connection.end)]
            for kind, at in events:
                if since <= at < until:
                    self.detail(connection, kind, at)

    # Subtype 12
    def session_of(self, connection):
        protocol, _, section, names = self.protection(connection)
        job, user, _ = self.owner(connection)
        significant = {name: value for name, value in section.items()
                       if f"SMF119SS_{'TLS' if protocol == TLS else 'SSH'}_{name}" in layout.SECTION_OF}
        if self.level != "v3r2":
            significant = {n: v for n, v in significant.items() if "Serial" not in n and "Time" not in n}
        return (connection.server, connection.client[0], job, user, self.role(connection), protocol,
                tuple(sorted(significant.items())), tuple(names))

    def boundaries(self, since, until):
        """Ends of intervals, on the true clock; the stack's are at full minutes of its local time."""
        ends, at = [], since
        while at < until:
            local = self.clock(at) + self.zone * SECOND
            length, sync = self.interval * SECOND, self.sync * SECOND
            following = ((local - sync) // length + 1) * length + sync
            # The clock is nearly that of the world: a few steps find the moment.
            moment = at + following - local
            for _ in range(4):
                moment += following - (self.clock(moment) + self.zone * SECOND)
            ends.append(moment)
            at = moment + 1000
        return ends

    def summaries(self, connections, since, until, written_since=0):
        """Interval records of what was recorded since a moment."""
        mine = [c for c in connections if self.sees(c)]
        tracked, last = {}, None
        for end in self.boundaries(since, until):
            begin = end - self.interval * SECOND if last is None else last
            last = end
            sessions = {}
            for connection in mine:
                entered = connection.established
                if self.entry == "settle":
                    entered = min(connection.established + SHORT, connection.end)
                if entered >= end or connection.end < begin:
                    continue
                key = self.session_of(connection)
                state = sessions.setdefault(key, [[0] * 8, [0] * 8])
                before = tracked.get(key)
                is_short = self.clock(connection.end) - self.clock(connection.established) < SHORT
                if begin <= entered:
                    state[1][0] += 1
                    state[1][2] += is_short
                    counted = self.counted(connection, 0, end)
                else:
                    state[0][3] += 1
                    counted = self.counted(connection, begin, end)
                state[1][3] += connection.end >= end
                for n in range(4):
                    state[1][4 + n] += counted[n]
                if before:
                    for n in (0, 1, 2, 4, 5, 6, 7):
                        state[0][n] = before[n]
            tracked = {}
            for n, (key, (init, grown)) in enumerate(sorted(sessions.items(), key=lambda s: repr(s[0]))):
                final = [a + b for a, b in zip(init, grown)]
                final[3] = grown[3]
                reason = 0x80 if n + 1 == len(sessions) else 0xC0
                if end >= written_since:
                    self.summary(key, init, final, end, reason)
                if final[3]:
                    tracked[key] = final

    def summary(self, key, init, final, end, reason):
        server, client, job, user, role, protocol, significant, names = key
        flags = 0x80 if len(self.host) == 16 else 0
        flags |= 0x40 if role == SERVER else 0x20
        letter = {0: "C", TLS: "T", SSH: "S"}[protocol]
        identifier = f"{letter}-{random.Random(repr(key)).getrandbits(160):040X}"
        common = {
            "SAIntervalDuration": self.interval * SECOND << 12, "SAEvent_Type": 1, "SAFlags": flags,
            "SASecProtos": protocol, "SAJobname": job, "SAUserID": user, "SAIPProto": 6,
            "SASrvIP": self.address(server[0]), "SACltIP": self.address(client), "SASrvPortStart": server[1],
            "SASrvPortEnd": server[1], "SASessionID": identifier,
        }
        kinds = ["LifeConnCnt", "LifePartialConnCnt", "LifeShortConnCnt", "ActiveConnCnt", "LifeInBytes",
                 "LifeOutBytes", "LifeInSegDG", "LifeOutSegDG"]
        for which, values in (("Init", init), ("End", final)):
            common |= {f"SA{which}{kind}": value for kind, value in zip(kinds, values)}
        parts = {"S1": {f"SMF119SS_{name}": value for name, value in common.items()}}
        if protocol:
            which, letters = ("S2", "TLS") if protocol == TLS else ("S3", "SSH")
            parts[which] = {f"SMF119SS_{letters}_{name}": value for name, value in significant}
        self.write(end, 12, reason, parts, names, delay=self.rng.randrange(0, 30))

    def dump(self):
        """The records in the order in which SMF has them: nearly that of time."""
        return [made for _, made in sorted(self.records, key=lambda r: r[0] + self.rng.randrange(0, 40))]
