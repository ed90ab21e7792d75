"""tools/bench long: sets at a fixed rate for minutes, and where the slowest of them come from.

Three servers take the same load in the same seconds: flared with its files on the disk, flared with them in memory,
where nothing is written back, and memcached. What all of them have is the machine's, what both flareds have is ours,
and what the first has alone is the disk's."""
import contextlib
import pathlib
import statistics
import time

from . import flare, load, peers, write_back
from .bank import MILLION, MILLION_WORDS
from .figures import short
from .processes import Failed, Workshop

MEMORY = pathlib.Path("/dev/shm")
SECONDS = 600
RATE = 3_000
CONNECTIONS = 20
MINUTE_S = 60
SLOWEST = 6
WRITES_MIB = 1  # a second in which more than this is written has write-back
SHARES = {"p50": 0.5, "p99": 0.99, "p99.9": 0.999}


class Server:
    def __init__(self, name, workshop, port, pids):
        self.name = name
        self.port = port
        self.pids = pids
        self._workshop = workshop
        load.fill(workshop, port, MILLION_WORDS)

    def begin(self, rate, seconds):
        words = ("--workload", "set", "--no-fill", "--rate", rate, "--connections", CONNECTIONS, *MILLION_WORDS,
                 "--seconds", seconds)
        return load.Load(self._workshop, self.port, words, self.pids)


def servers(stack, workshop, options):
    """All three, filled."""
    def ours(name, shop):
        cluster = flare.single(shop, "--storage-bucket-size", 2 * MILLION, *options)
        return Server(name, shop, cluster.nodes[0].port, cluster.pids())
    yield ours("flare", workshop)
    if MEMORY.is_dir():
        yield ours("flare, files in memory", stack.enter_context(Workshop(workshop.programs, MEMORY)))
    peer = peers.memcached(workshop)
    yield Server("memcached", workshop, peer.port, peer.pids())


def minute(all_servers, rate, seconds):
    """{name: what flare-bench has found}, `begin` added: when its first second began."""
    begun = time.monotonic()
    loads = [(server.name, server.begin(rate, seconds)) for server in all_servers]
    try:
        found = {name: each.result(seconds + load.EXTRA_S) for name, each in loads}
    finally:
        for _, each in loads:
            each.kill()
    for name, result in found.items():
        if "slowest_us_by_second" not in result:
            raise Failed("flare-bench is an old one, without slowest_us_by_second: build it anew")
        result["begin"] = begun + result["connect_s"] + result["greet_s"]
    return found


def lengths(seconds):
    """Of the minutes; the last may be shorter, but is no tail of a few seconds."""
    whole, rest = divmod(seconds, MINUTE_S)
    minutes = int(whole) * [MINUTE_S]
    if rest >= MINUTE_S / 4 or not minutes:
        return minutes + [rest]
    return minutes[:-1] + [MINUTE_S + rest]


def shares(results):
    """p50, p99, p99.9 and max in microseconds of all answers of several runs together."""
    buckets = {}
    for result in results:
        for upper, count in result["all"]["buckets_us"]:
            buckets[upper] = buckets.get(upper, 0) + count
    all_of_them, seen, found = sum(buckets.values()), 0, {}
    for upper in sorted(buckets):
        seen += buckets[upper]
        for name, part in SHARES.items():
            if name not in found and seen >= part * all_of_them:
                found[name] = upper
    return {**found, "max": max(result["all"]["max_us"] for result in results)}


def seconds_of(results, samples):
    """[(begin, slowest us, MiB written, ms stolen, ms queued)] of the seconds of all minutes of a server."""
    rows = []
    for result in results:
        for number, slowest in enumerate(result["slowest_us_by_second"]):
            begin = result["begin"] + number
            written = write_back.grown(samples, begin, begin + 1, "written") / 2 ** 20
            waits = [1e3 * write_back.grown(samples, begin, begin + 1, field) for field in ("stolen_s", "queued_s")]
            rows.append((begin, slowest, written, *waits))
    return rows


def split(rows):
    """The slowest of the seconds with write-back, and of those without."""
    return ([row[1] for row in rows if row[2] > WRITES_MIB], [row[1] for row in rows if row[2] <= WRITES_MIB])


def slowest_at(rows, begin):
    """Of the second of another server that has the most in common with that one."""
    return min(rows, key=lambda row: abs(row[0] - begin), default=(0, 0))[1]


def measure(workshop, seconds, rate, options, tell):
    """([{name: result} for each minute], samples, one sentence about the options in force)"""
    with contextlib.ExitStack() as stack:
        all_servers = list(servers(stack, workshop, options))
        watch = stack.enter_context(write_back.Watch(all_servers[0].pids))
        minutes = []
        for length in lengths(seconds):
            minutes.append(minute(all_servers, rate, length))
            tell(f"minute {len(minutes)}: " + ", ".join(
                f"{name} p99.9 {short(shares([result])['p99.9'])} max {short(result['all']['max_us'])} us"
                for name, result in minutes[-1].items()))
        return minutes, watch.samples, write_back.options(workshop.folder)


def whole_table(minutes):
    yield "| whole run | sets | p50 us | p99 us | p99.9 us | max us | us of processor each |"
    yield "|---" * 7 + "|"
    for name in minutes[0]:
        results = [found[name] for found in minutes]
        times = shares(results)
        cost = statistics.median(result["servers_us_per_request"] for result in results)
        yield f"| {name} | {sum(result['requests'] for result in results):,} | " + \
            " | ".join(short(times[share]) for share in (*SHARES, "max")) + f" | {short(cost)} |"


def minute_table(minutes, samples):
    names = list(minutes[0])
    yield "| minute | " + " | ".join(f"{name}: p50, p99, p99.9, max us" for name in names) + \
        " | most Dirty MiB | most Writeback MiB | written MiB | stolen s | queued s |"
    yield "|---" * (len(names) + 6) + "|"
    for number, found in enumerate(minutes):
        begin = min(result["begin"] for result in found.values())
        end = max(result["begin"] + result["run_s"] for result in found.values())
        cells = [", ".join(short(value) for value in shares([found[name]]).values()) for name in names]
        cells += [short(write_back.most(samples, begin, end, "dirty_mib")),
                  short(write_back.most(samples, begin, end, "writeback_mib")),
                  short(write_back.grown(samples, begin, end, "written") / 2 ** 20),
                  short(write_back.grown(samples, begin, end, "stolen_s")),
                  short(write_back.grown(samples, begin, end, "queued_s"))]
        yield f"| {number + 1} | " + " | ".join(cells) + " |"


def split_table(rows_of):
    yield "| the slowest set of each second, us | seconds with write-back | median | most | seconds without | median | most |"
    yield "|---" * 7 + "|"
    for name, rows in rows_of.items():
        cells = []
        for part in split(rows):
            cells += [str(len(part)), short(statistics.median(part)) if part else "", short(max(part)) if part else ""]
        yield f"| {name} | " + " | ".join(cells) + " |"


def slowest_table(rows_of):
    names = list(rows_of)
    yield f"| the slowest seconds of {names[0]}: at s | " + " | ".join(f"{name}, us" for name in names) + \
        " | written MiB | stolen ms | queued ms |"
    yield "|---" * (len(names) + 4) + "|"
    rows = rows_of[names[0]]
    for begin, slowest, *rest in sorted(rows, key=lambda row: -row[1])[:SLOWEST]:
        others = [short(slowest_at(rows_of[name], begin)) for name in names[1:]]
        yield f"| {begin - rows[0][0]:.0f} | " + " | ".join([short(slowest), *others, *map(short, rest)]) + " |"


def page(minutes, samples, options, about):
    rows_of = {name: seconds_of([found[name] for found in minutes], samples) for name in minutes[0]}
    yield (f"Sets at {about['rate']:,}/s on each server, all of them in the same seconds, on a million entries of 100 bytes, "
           f"{CONNECTIONS} connections each; latency from the due time. `{about['command']}`: {about['seconds']:g} s, {about['when']}, "
           f"commit {about['commit']}, {about['cores']} cores, load average before {about['load']}.")
    yield (f"Disk of the first: {options}. flared: {' '.join(about['options']) or 'durability process'}. Written: by the whole machine. "
           "Stolen: processor time that the machine was not given. Queued: threads of the first that could run and waited for a core.")
    for part in (whole_table(minutes), minute_table(minutes, samples), split_table(rows_of), slowest_table(rows_of)):
        yield ""
        yield from part
