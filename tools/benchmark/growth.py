"""tools/bench growth: how the cost of an operation grows. One axis is varied at a time around a centre, and what lies
on several axes is measured once for all of them."""
import pathlib
import statistics
import subprocess
import time
from collections import namedtuple

from . import figures, flare, peers
from .bank import Target
from .compare import LoadLine
from .density import switches
from .plot import Panel

Point = namedtuple("Point", "records connections partitions slaves")

CENTRE = Point(records=1_000_000, connections=50, partitions=1, slaves=0)
AXES = {"records": (10_000, 1_000_000, 10_000_000), "connections": (1, 50, 1_000, 9_000), "partitions": (1, 2, 4),
        "slaves": (0, 1, 2)}
WITH_MEMCACHED = ("records", "connections")
OPERATIONS = ("get", "set")
SHOWN = ("us", "faults", "switches", "ops")
MEMCACHED_OPTIONS = "-t 2 -c 10000 -m 6144"  # room for the most records
ROUNDS, SECONDS = 3, 1.5
SYNC_LIMIT_S = 180
BUCKETS_EACH = 2  # for each record, as docs/operations.md tells an operator


def points_of(axis):
    return [CENTRE._replace(**{axis: value}) for value in AXES[axis]]


def points():
    """Each once, the centre first."""
    return list(dict.fromkeys([CENTRE, *(point for axis in AXES for point in points_of(axis))]))


def contenders_of(point):
    """(program, what it serves): points that differ in connections alone share one."""
    ours = ("flare", point.records, point.partitions, point.slaves)
    beside = any(point in points_of(axis) for axis in WITH_MEMCACHED)
    return [ours, ("memcached", point.records)] if beside else [ours]


def _flare(_program, records, partitions, slaves):
    def start(workshop):
        options = ("--storage-bucket-size", BUCKETS_EACH * records)
        cluster = flare.with_partitions(workshop, partitions, *options) if partitions > 1 else \
            flare.with_slaves(workshop, slaves, *options)
        masters, rest = cluster.nodes[:partitions], cluster.nodes[partitions:]

        def settle():
            for slave in rest:
                flare.wait_for_slave(masters[0], slave)
        # Without slaves flare-bench's own figure is taken, which leaves out what connecting costs.
        return Target([node.port for node in masters], cluster.pids, cluster.kill, settle=settle if rest else None)
    return start


def _memcached(*_):
    def start(workshop):
        peer = peers.memcached(workshop, MEMCACHED_OPTIONS)
        return Target(peer.port, peer.pids, peer.kill)
    return start


def starters():
    make = {"flare": _flare, "memcached": _memcached}
    return {name: make[name[0]](*name) for point in points() for name in contenders_of(point)}


def page_faults(pid):
    """Minor and major ones of a process (proc(5), stat)."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return int(fields[7]) + int(fields[9])


class GrowthLine(LoadLine):
    """One operation at one point. With it, for each operation, what tells why it costs so much."""

    def __init__(self, point, operation):
        super().__init__(operation, "", ("--workload", operation), contenders_of(point),
                         ("--keys", point.records, "--key-prefix", "g"), connections=point.connections)
        self.point = point

    def _measure(self, bank, contender, seconds):
        if self.name == "set":  # else each set is the first one of its page since that was written back
            bank.run(contender, self._words(bank), seconds)
        pids = bank.target(contender).pids()
        before = sum(map(page_faults, pids)), sum(map(switches, pids))
        found = super()._measure(bank, contender, seconds)
        requests = found["ops"] * seconds
        return {**found, "faults": (sum(map(page_faults, pids)) - before[0]) / requests,
                "switches": (sum(map(switches, pids)) - before[1]) / requests}


def measure(bank, rounds, seconds, tell):
    """{(point, operation, program): {figure: [one value for each round]}}"""
    lines = [GrowthLine(point, operation) for point in points() for operation in OPERATIONS]
    begin = time.monotonic()
    for line in lines:
        line.prepare(bank)
    # What the fills have left to write would be written during the first round.
    subprocess.run(["sync"], timeout=SYNC_LIMIT_S, check=True)
    tell(f"filled, and on the disk, in {time.monotonic() - begin:.0f} s")
    found = {}
    for number in range(rounds):
        turn = number * len(lines) // rounds  # no point is always first
        for line in lines[turn:] + lines[:turn]:
            for contender, values in line.round(bank, number, seconds).items():
                kept = found.setdefault((line.point, line.name, contender[0]), {})
                for figure, value in values.items():
                    kept.setdefault(figure, []).append(value)
        tell(f"round {number + 1} of {rounds}, {time.monotonic() - begin:.0f} s since the begin")
    return found


def axis_rows(found, axis):
    """(program, operation, value of the axis, figures, cost beside that of the value before)"""
    for program in ("flare", "memcached"):
        for operation in OPERATIONS:
            before = None
            for point in points_of(axis):
                kept = found.get((point, operation, program))
                if kept is None or (program == "memcached" and axis not in WITH_MEMCACHED):
                    continue
                cost = statistics.median(kept["us"])
                yield program, operation, getattr(point, axis), kept, cost / before if before else None
                before = cost


def table(found, axis):
    yield f"| {axis} | | us | beside the row above | page faults | switches | requests/s |"
    yield "|---" * 7 + "|"
    for program, operation, value, kept, grown in axis_rows(found, axis):
        yield f"| {value:,} | {program}, {operation} | {figures.with_spread(kept['us'])} | " + \
            (f"{grown:.2f}" if grown else "") + \
            "".join(f" | {figures.short(statistics.median(kept[figure]))}" for figure in SHOWN[1:]) + " |"


def panels(found):
    for axis, values in AXES.items():
        lines = {}
        for program, operation, value, kept, _grown in axis_rows(found, axis):
            lines.setdefault(f"{program} {operation}", []).append((value, statistics.median(kept["us"])))
        yield Panel(axis, values, lines, logarithmic=0 not in values)


def page(found, about):
    yield "![processor time of an operation along each axis](growth.svg)"
    yield ""
    yield (f"Around {CENTRE.records:,} records, {CENTRE.connections} connections, one partition, no slave; keys of 32 bytes, values of 100, "
           f"`storage-bucket-size` {BUCKETS_EACH} x the records. us: processor time of all flareds and flarei for an operation, with what slaves do "
           "of it later; page faults and context switches of theirs for an operation, those of connecting too; medians of the rounds "
           "(least..most). Before each run of sets, as many seconds of them are not counted.")
    yield (f"Machine: {about['cores']} cores, load generator on it too; load average before {about['load']}. `{about['command']}`: "
           f"{about['rounds']} rounds of {about['seconds']:g} s, {about['when']}, commit {about['commit']}; `memcached {MEMCACHED_OPTIONS}`.")
    for axis in AXES:
        yield ""
        yield from table(found, axis)
