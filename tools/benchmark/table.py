"""The lines of the table, by name."""
from .compare import LoadLine
from .density import DensityLine
from .events import BuildLine, FailoverLine, MapChangeLine, StartLine
from .tail import IdleLine, TailLine

PEERS = ("flare", "memcached", "redis")
PROXIES = ("flare proxy", "nutcracker")
GET, SET = ("--workload", "get"), ("--workload", "set")
MIX = ("--workload", "mix", "--ratio", "90:10")
VALUES_4K = ("--keys", 20_000, "--value-size", 4096, "--key-prefix", "v4k-")
VALUES_64K = ("--keys", 1_000, "--value-size", 65_536, "--key-prefix", "v64k-")
TIMES = ("us", "ops", "p50 us", "p99 us", "p99.9 us")
KEYS = ("us/key", "ops")
BY_TWO = ("flare", "memcached")


def _crowds():
    for count in (1_000, 9_000):
        for name, words in (("get", GET), ("mix", MIX)):
            yield LoadLine(f"{name}-c{count}", f"{name}, {count:,} connections", words, PEERS, connections=count)


def _sizes():
    for size, shape, words in (("4k", VALUES_4K, "4 KiB"), ("64k", VALUES_64K, "64 KiB")):
        yield LoadLine(f"get-{size}", f"get, values of {words}", GET, PEERS, shape)
        yield LoadLine(f"set-{size}", f"set, values of {words}", SET, PEERS, shape)


def _proxied():
    yield LoadLine("proxy-get", "get through a proxy, all processes", GET, PROXIES)
    yield LoadLine("proxy-set", "set through a proxy, all processes", SET, PROXIES)
    yield LoadLine("proxy-get-16", "get through a proxy, pipeline 16", (*GET, "--pipeline", 16), PROXIES)
    yield LoadLine("proxy-set-16", "set through a proxy, pipeline 16", (*SET, "--pipeline", 16), PROXIES)
    yield LoadLine("proxy-mget-50", "get of 50 keys through a proxy", (*GET, "--mget", 50), PROXIES, figures=KEYS)


def _with_tls():
    yield LoadLine("tls-get", "get with TLS; without: flare", GET, ("flare", "tls"))
    yield LoadLine("tls-set", "set with TLS; without: flare", SET, ("flare", "tls"))
    yield LoadLine("tls-get-16", "get with TLS, pipeline 16; without: flare", (*GET, "--pipeline", 16), ("flare", "tls"))
    yield LoadLine("tls-set-16", "set with TLS, pipeline 16; without: flare", (*SET, "--pipeline", 16), ("flare", "tls"))


def lines():
    """name -> line, in the order in which they are measured."""
    table = [
        LoadLine("get", "get, 50 connections", GET, PEERS),
        LoadLine("set", "set, durability process", SET, PEERS),
        LoadLine("mix", "90 % get, 10 % set", MIX, PEERS),
        LoadLine("get-16", "get, pipeline 16", (*GET, "--pipeline", 16), PEERS),
        LoadLine("set-16", "set, pipeline 16", (*SET, "--pipeline", 16), PEERS),
        LoadLine("mget-50", "get of 50 keys", (*GET, "--mget", 50), PEERS, figures=KEYS),
        *_sizes(),
        LoadLine("rate", "8,000 requests/s, 90 % get: latency from the due time", (*MIX, "--rate", 8000), PEERS,
                 figures=TIMES, compared="p99.9 us"),
        *_crowds(),
        *_proxied(),
        LoadLine("slave", "set with one slave, both nodes together; without one: flare", SET, ("flare", "async", "sync"),
                 figures=TIMES),
        LoadLine("durability", "set, by durability; process: flare", SET, ("flare", "interval", "group"), figures=TIMES),
        *_with_tls(),
        TailLine(), BuildLine(), StartLine(), FailoverLine(), MapChangeLine(), IdleLine(), DensityLine(),
    ]
    return {line.name: line for line in table}
