"""Stacks that record correctly, in all the ways that stacks differ, and stacks that make mistakes.

A case is made from a seed; the same seed makes the same files.
"""
import random

from . import layout
from .recorder import Stack
from .world import SECOND, World

HOUR = 3600 * SECOND


class Made:
    """A capture and the dumps of the stacks on it."""

    def __init__(self, world, stacks, capture=None):
        self.world, self.stacks = world, stacks
        self.capture = world.capture() if capture is None else capture
        self.records = merged(stacks)
        self.options = []


def merged(stacks):
    """Records of all stacks as one dump, in the order of time."""
    if len(stacks) == 1:
        return [bytearray(r) for r in stacks[0].dump()]
    every = [entry for stack in stacks for entry in stack.records]
    return [bytearray(r) for _, r in sorted(every, key=lambda e: e[0])]


def recorded(stack, world, since=None, until=None):
    """All that a stack has of a world, or of a part of its time."""
    since = world.begin - 60 * SECOND if since is None else since
    until = world.until + 120 * SECOND if until is None else until
    stack.details(world.connections, since, until)
    stack.summaries(world.connections, world.begin - 60 * SECOND, until, since)
    return stack


def one(seed, world=None, **how):
    """One stack that is right."""
    world = world or World(seed)
    how.setdefault("jobs", bool(seed % 2))
    return Made(world, [recorded(Stack(world.hosts[0], "TCPIPA", seed, **how), world)])


# Correct stacks.
def plain(seed):
    return one(seed)


def provider(seed):
    return one(seed, provider=True)


def resumed(seed):
    return one(seed, World(seed, resume=True, kinds=["tls12", "clear"]), provider=bool(seed % 3))


def levels(seed):
    return one(seed, level=["v2r3", "v2r5", "v3r2"][seed % 3], provider=bool(seed % 2))


def zones(seed):
    return one(seed, zone=[-5 * 3600, 19_800, 12 * 3600, -34_200, 3600][seed % 5], interval=[5, 30, 60, 1][seed % 4])


def hours(seed):
    """INTVAL in hours, with SYNCVAL."""
    world = World(seed, hours=5)
    return one(seed, world, interval=[60, 120, 180][seed % 3], sync=[0, 17, 45][seed % 3], zone=-5 * 3600)


def fillers(seed):
    return one(seed, filler=[b"\x40", b"\xff", b"\x01"][seed % 3])


def split_jobs(seed):
    return one(seed, jobs=True, split_jobs=True)


def early_entry(seed):
    """Connections are in their sessions from their beginning on."""
    return one(seed, entry="start", interval=5)


def no_jobs_summary(seed):
    """Only summary records."""
    made = one(seed, interval=5)
    made.records = [r for r in made.records if layout.subtype(r) == 12]
    return made


def details_only(seed):
    made = one(seed)
    made.records = [r for r in made.records if layout.subtype(r) == 11]
    return made


def carried(seed):
    """The dump and the capture begin in the middle: connections and sessions were there before."""
    world = World(seed, hours=2)
    middle = world.begin + HOUR
    stack = Stack(world.hosts[0], "TCPIPA", seed, provider=bool(seed % 2), interval=5)
    recorded(stack, world, since=middle)
    return Made(world, [stack], world.capture(begin=middle))


def capture_late(seed):
    """The capture begins after the dump."""
    world = World(seed, hours=2)
    middle = world.begin + HOUR
    stack = recorded(Stack(world.hosts[0], "TCPIPA", seed, interval=5), world)
    return Made(world, [stack], world.capture(begin=middle))


def capture_short(seed):
    """Connections go on after the capture."""
    world = World(seed, hours=2)
    middle = world.begin + HOUR
    stack = recorded(Stack(world.hosts[0], "TCPIPA", seed, interval=5), world)
    return Made(world, [stack], world.capture(until=middle))


def offset(seconds):
    return lambda at: at + int(seconds * SECOND)


def clock_offset(seed):
    seconds = [-3, 4.3, 45, -700, 3600, 86_400 * 3][seed % 6]
    return one(seed, clock=offset(seconds), interval=[15, 5][seed % 2])


def clock_drift(seed):
    world = World(seed, hours=3)
    parts = [50, -50, 120][seed % 3]
    return one(seed, world, clock=lambda at: at + (at - world.begin) * parts // 1_000_000, interval=15)


def clock_step(seed):
    world = World(seed, hours=3, density=16)
    rng = random.Random(seed)
    moment, by = world.begin + rng.randrange(HOUR, 2 * HOUR), rng.choice([-4, 5, 30]) * SECOND
    return one(seed, world, clock=lambda at: at + (by if at >= moment else 0), interval=15)


def two_stacks(seed, hosts=2, **how):
    world = World(seed, hosts=hosts)
    stacks = [recorded(Stack(host, f"TCPIP{'AB'[n]}", seed + n, zone=[0, 3600][n], provider=bool((seed + n) % 2), **how),
                       world) for n, host in enumerate(world.hosts)]
    return Made(world, stacks)


def shuffled(seed):
    """The dump's records come in no order."""
    made = two_stacks(seed)
    random.Random(seed).shuffle(made.records)
    return made


def counting(extras, counts=lambda kind: True, **how):
    def make(seed):
        world = World(seed, extras=extras)
        return one(seed, world, counts=counts, **how)
    return make


# Mistakes. Each is said by a name in the table of expectations.
def fields(made, which, change):
    for record in made.records:
        if layout.subtype(record) == which or which is None:
            change(record)
    return made


def server_missing(seed):
    """Nothing of a whole server was recorded."""
    made = one(seed)
    port = random.Random(seed).choice([443, 8443, 22, 80])
    names = {11: "SMF119SC_SALPort", 12: "SMF119SS_SASrvPortStart"}
    made.records = [r for r in made.records if layout.number(r, names[layout.subtype(r)]) != port
                    or (layout.subtype(r) == 12 and layout.number(r, "SMF119SS_SAFlags") & 0x20)]
    return made


def cipher_shifted(seed):
    """Of one suite the code of the cipher is another."""
    made = one(seed)
    for r in made.records:
        for prefix in ("SMF119SC", "SMF119SS"):
            name = f"{prefix}_TLS_CS_Enc_Alg"
            if layout.SECTION_OF[name][0] == layout.subtype(r) and layout.place(r, name):
                layout.put(r, name, layout.number(r, name) + 1)
    return made


def other_name(seed):
    """Some records of one stack are under another's name."""
    made = two_stacks(seed)
    a, b = (s.identity for s in made.stacks)
    rng = random.Random(seed)
    mine = [r for r in made.records if a["stack"].encode("cp037") in bytes(r)]
    for r in rng.sample(mine, max(3, len(mine) // 20)):
        at = int.from_bytes(r[28:32], "big")
        r[14:18] = b["sid"].encode("cp037").ljust(4, b"\x40")
        r[at:at + 8] = b["sysname"].encode("cp037").ljust(8, b"\x40")
        r[at + 16:at + 24] = b["stack"].encode("cp037").ljust(8, b"\x40")
    return made


def hour_lost(seed):
    world = World(seed, hours=4, density=16)
    made = one(seed, world, interval=15)
    from_ = world.begin + HOUR
    lost = [r for r in made.stacks[0].records if from_ <= r[0] * 10_000 < from_ + HOUR]
    gone = {made for _, made in lost}
    made.records = [r for r in made.records if bytes(r) not in gone]
    return made


def swapped_counters(seed):
    """In and out are exchanged."""
    made = one(seed)
    pairs = {11: [("SMF119SC_SAInBytes", "SMF119SC_SAOutBytes")],
             12: [("SMF119SS_SAInitLifeInBytes", "SMF119SS_SAInitLifeOutBytes"),
                  ("SMF119SS_SAEndLifeInBytes", "SMF119SS_SAEndLifeOutBytes")]}
    for r in made.records:
        for one_name, other in pairs[layout.subtype(r)]:
            values = layout.number(r, one_name), layout.number(r, other)
            layout.put(r, one_name, values[1])
            layout.put(r, other, values[0])
    return made


def unseen_tls(seed):
    """TLS on the wire, and the stack saw none."""
    rng = random.Random(seed)
    return one(seed, knows=lambda c: "clear" if c.kind.startswith("tls") and rng.random() < 0.2 else c.kind)


def invented_tls(seed):
    """The stack says TLS, and the wire shows none."""
    world = World(seed)
    example = next(s for s in world.servers if s.kind == "tls12")
    for c in world.connections:
        if c.kind == "clear":
            c.suite = example.suite
            c.session = b"\x01" * 32
    return one(seed, world, knows=lambda c: "tls12" if c.kind == "clear" else c.kind)


def swapped_ends(seed):
    """Of some connections local and remote end are exchanged."""
    made = one(seed)
    rng = random.Random(seed)
    for r in rng.sample([r for r in made.records if layout.subtype(r) == 11], 3):
        for one_name, other in (("SALIP", "SARIP"), ("SALPort", "SARPort")):
            a, b = layout.place(r, f"SMF119SC_{one_name}"), layout.place(r, f"SMF119SC_{other}")
            r[a], r[b] = r[b], r[a]
    return made


def swapped_sessions(seed):
    made = one(seed)
    rng = random.Random(seed)
    for r in rng.sample([r for r in made.records if layout.subtype(r) == 12], 1):
        a, b = layout.place(r, "SMF119SS_SASrvIP"), layout.place(r, "SMF119SS_SACltIP")
        r[a], r[b] = r[b], r[a]
    return made


def tenfold(seed):
    """A byte count is ten times what it is, whatever the clock."""
    made = [plain, clock_offset, clock_drift, zones, hours][seed % 5](seed // 5 * 6 + seed % 6)
    rng = random.Random(seed)
    which = [11, 12][seed // 5 % 2]
    name = {11: "SMF119SC_SAInBytes", 12: "SMF119SS_SAEndLifeInBytes"}[which]
    last = [r for r in made.records if layout.subtype(r) == which and layout.number(r, name) > 0
            and (which == 12 or layout.number(r, "SMF119SC_SAEvent_Type") > 2)]
    r = rng.choice(last)
    layout.put(r, name, 10 * layout.number(r, name))
    return made


def active_above(seed):
    made = one(seed)
    r = random.Random(seed).choice([r for r in made.records if layout.subtype(r) == 12])
    count = layout.number(r, "SMF119SS_SAEndLifeConnCnt")
    layout.put(r, "SMF119SS_SAEndActiveConnCnt", count + 1)
    return made


def lost_records(seed):
    """SMF has lost some."""
    made = one(seed, World(seed, density=12))
    rng = random.Random(seed)
    ends = [n for n, r in enumerate(made.records) if layout.subtype(r) == 11 and
            layout.number(r, "SMF119SC_SAEvent_Type") == 4]
    inner = [n for n in ends if 5 < n < len(made.records) - 20]
    gone = set(rng.sample(inner, min(3, len(inner))))
    made.records = [r for n, r in enumerate(made.records) if n not in gone]
    return made


def duplicates(seed):
    made = one(seed)
    rng = random.Random(seed)
    made.records += [bytearray(r) for r in rng.sample(made.records, 3)]
    return made


SINGLE = [
    (11, "SMF119SC_SAOutBytes", "add"), (11, "SMF119SC_TLS_Neg_Cipher", "text"), (11, "SMF119SC_TLS_Prot_Ver", "other"),
    (11, "SMF119SC_SSH_Kex_Method", "other"), (11, "SMF119SC_SSH_In_Enc_Alg", "other"), (11, "SMF119SC_SAETime", "time"),
    (11, "SMF119SC_SASTime", "time"), (11, "SMF119SC_SAOutSegDG", "add"), (11, "SMF119SC_TLS_Handshake_Role", "other"),
    (12, "SMF119SS_SAEndLifeOutBytes", "add"), (12, "SMF119SS_SAEndLifeConnCnt", "one"),
    (12, "SMF119SS_TLS_CS_Kex_Alg", "other"), (12, "SMF119SS_TLS_Prot_Ver", "other"), (12, "SMF119SS_SSH_Prot_Ver", "other"),
    (12, "SMF119SS_SAEndActiveConnCnt", "one"), (12, "SMF119SS_SAEndLifeInSegDG", "add"),
]


def single_field(seed):
    """One field of one record has another value."""
    made = one(seed // len(SINGLE) * 7 + 1)
    which, name, how = SINGLE[seed % len(SINGLE)]
    rng = random.Random(seed)
    def has(r):
        if layout.subtype(r) != which or not layout.place(r, name):
            return False
        last = which == 12 or layout.number(r, "SMF119SC_SAEvent_Type") > 2
        # TLS 1.3 hides whether the client has a certificate.
        if "Role" in name and layout.number(r, "SMF119SC_TLS_Prot_Ver") == 0x0304:
            return False
        return last and any(r[layout.place(r, name)])
    candidates = [r for r in made.records if has(r)]
    if not candidates:
        return single_field(seed + 1000 * len(SINGLE))
    r = rng.choice(candidates)
    if how == "text":
        r[layout.place(r, name)] = "C009".encode("cp037").ljust(6, b"\x40")
    else:
        value = layout.number(r, name)
        bits = 8 * layout.SECTION_OF[name][3]
        add = {"add": 5000 + value // 10, "one": 1, "time": 6000 if value < 8_000_000 else -6000, "other": 1}[how]
        layout.put(r, name, (value + add) % (1 << bits))
    return made


RIGHT = {
    "plain": plain, "provider": provider, "resumed": resumed, "levels": levels, "zones": zones, "hours": hours,
    "fillers": fillers, "split-jobs": split_jobs, "early-entry": early_entry, "summaries": no_jobs_summary,
    "details": details_only, "carried": carried, "capture-late": capture_late, "capture-short": capture_short,
    "clock-offset": clock_offset, "clock-drift": clock_drift, "clock-step": clock_step, "two-stacks": two_stacks,
    "shuffled": shuffled, "keep-alives": counting(("keep_alives",)), "retransmissions": counting(("retransmissions",)),
    "headers": counting((), headers=40),
    "only-data": counting((), lambda kind: kind in ("data", "retransmission")),
    "no-handshake": counting((), lambda kind: kind not in ("syn", "fin")),
    "no-acks": counting((), lambda kind: kind != "ack"),
    "no-keep-alives": counting(("keep_alives",), lambda kind: kind != "keep_alive"),
    "no-retransmissions": counting(("retransmissions",), lambda kind: kind != "retransmission"),
}
WRONG = {
    "server-missing": server_missing, "cipher-shifted": cipher_shifted, "other-name": other_name,
    "hour-lost": hour_lost, "swapped-counters": swapped_counters, "unseen-tls": unseen_tls,
    "invented-tls": invented_tls, "swapped-ends": swapped_ends, "swapped-sessions": swapped_sessions,
    "tenfold": tenfold, "active-above": active_above, "lost-records": lost_records, "duplicates": duplicates,
    "single-field": single_field,
}


def week(seed):
    """A week of two stacks; the second does not see the TLS of one server from the fourth day on,
    and two hours of its records are lost on the second."""
    world = World(seed, hours=24 * 7, hosts=2, density=24)
    day = 24 * HOUR
    late = world.begin + 3 * day
    def knows(c):
        blind = c.server[0] == world.hosts[1] and c.kind == "tls13" and c.established >= late
        return "clear" if blind else c.kind
    stacks = [Stack(host, f"TCPIP{'AB'[n]}", seed + n, interval=60, provider=True, zone=-5 * 3600, knows=knows)
              for n, host in enumerate(world.hosts)]
    for stack in stacks:
        recorded(stack, world)
    lost = world.begin + day + 10 * HOUR
    lost -= lost % HOUR
    kept = [(at, r) for at, r in stacks[1].records if not lost <= at * 10_000 + 5 * HOUR < lost + 2 * HOUR]
    stacks[1].records = kept
    return Made(world, stacks)


CASES = RIGHT | WRONG | {"week": week}
