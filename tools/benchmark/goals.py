"""The lines of "Reach": what has to be reached, by figures of the table."""
import dataclasses
import operator

from . import figures


@dataclasses.dataclass(frozen=True)
class Goal:
    """`figure` of a contender of a line, as a ratio to another one's where `than` is given, is at most or at least
    `bound`. Medians; `worst`: of all rounds."""
    text: str
    line: str
    contender: str
    figure: str
    bound: float
    than: str = ""
    at_least: bool = False
    worst: bool = False

    def figure_of(self, result):
        pick = figures.worst if self.worst else figures.median
        value = pick(result, self.contender, self.figure)
        return value / pick(result, self.than, self.figure) if self.than else value

    def met(self, result):
        compare = operator.ge if self.at_least else operator.le
        return compare(self.figure_of(result), self.bound)

    @property
    def bound_text(self):
        return f"{'>=' if self.at_least else '<='} {self.bound:g}" + (f" x {self.than}" if self.than else "")


def _time(text, line, bound, figure="us", than="memcached"):
    return Goal(f"{text}: processor time", line, "flare", figure, bound, than)


def _throughput(text, line):
    return Goal(f"{text}: requests/s", line, "flare", "ops", 0.95, "memcached", at_least=True)


def _proxied(text, line, figure="us"):
    return Goal(f"through a proxy, {text}: processor time", line, "flare proxy", figure, 1.15, "nutcracker")


GOALS = (
    _time("get", "get", 1.1), _time("mix", "mix", 1.15), _time("set", "set", 1.3),
    _time("get of 50, each key", "mget-50", 1.2, "us/key"),
    _throughput("get", "get"), _throughput("mix", "mix"),
    _throughput("get, 1,000 connections", "get-c1000"), _throughput("mix, 1,000 connections", "mix-c1000"),
    _throughput("get, 9,000 connections", "get-c9000"), _throughput("mix, 9,000 connections", "mix-c9000"),
    _time("get, pipeline 16", "get-16", 0.25), _time("get, pipeline 16", "get-16", 1.3, than="redis"),
    _time("set, pipeline 16", "set-16", 2.0),
    _time("get, 4 KiB", "get-4k", 1.1), _time("set, 4 KiB", "set-4k", 1.5),
    _time("get, 64 KiB", "get-64k", 1.1), _time("set, 64 KiB", "set-64k", 1.5),
    Goal("8,000/s: p50", "rate", "flare", "p50 us", 1.1, "memcached"),
    Goal("8,000/s: p99", "rate", "flare", "p99 us", 1.1, "memcached"),
    Goal("8,000/s: p99.9", "rate", "flare", "p99.9 us", 1.0, "memcached"),
    Goal("p99.9 of gets during checkpoints", "tail", "checkpoint", "p99.9 us", 3.0, "alone"),
    Goal("p99.9 of gets during a snapshot", "tail", "snapshot", "p99.9 us", 3.0, "alone"),
    Goal("p99.9 of gets during the build of a slave", "tail", "build", "p99.9 us", 3.0, "alone"),
    _proxied("get", "proxy-get"), _proxied("set", "proxy-set"), _proxied("get, pipeline 16", "proxy-get-16"),
    _proxied("set, pipeline 16", "proxy-set-16"), _proxied("get of 50, each key", "proxy-mget-50", "us/key"),
    Goal("set with an async slave, both nodes: processor time", "slave", "async", "us", 2.0, "flare"),
    Goal("set with a sync slave: requests/s", "slave", "sync", "ops", 0.6, "async", at_least=True),
    Goal("set with a sync slave: p50", "slave", "sync", "p50 us", 2.0, "async"),
    Goal("durability group: requests/s", "durability", "group", "ops", 0.25, "flare", at_least=True),
    Goal("build of a slave, a million entries: s", "build", "flare", "build s", 3.0),
    Goal("slowest get during a build: ms, worst round", "build", "flare", "slowest get ms", 5.0, worst=True),
    Goal("start with a million entries, clean: s", "start", "flare", "clean s", 0.1),
    Goal("start with a million entries, killed: s", "start", "flare", "killed s", 1.0),
    Goal("SIGTERM to end: s", "start", "flare", "stop s", 0.3),
    Goal("failover: first write after the new map, ms, worst round", "failover", "flare", "write ms", 200, worst=True),
    Goal("failover: failed writes", "failover", "flare", "failed writes", 0, worst=True),
    Goal("map change at every node: ms, slowest", "map-change", "flare", "slowest ms", 20, worst=True),
    Goal("9,000 idle connections: KiB each", "idle-9000", "flare", "KiB each", 4.0),
    Goal("9,000 connections made, each served once: s", "idle-9000", "flare", "served s", 1.0),
    Goal("gets beside 9,000 idle connections: requests/s, share of those without", "idle-9000", "flare", "kept", 0.95,
         at_least=True),
    Goal("idle pair: private MiB", "density", "pair", "private MiB", 6.0),
    Goal("idle pair: threads", "density", "pair", "threads", 8),
    Goal("idle pair: percent of a core", "density", "pair", "core percent", 0.1),
    Goal("idle pair: start s", "density", "pair", "start s", 0.3),
)
