"""Lines that are happenings: build, start, stop, failover, change of the map."""
import contextlib
import statistics
import threading
import time

from . import flare, load
from .ask import Connection, ask
from .bank import MILLION_KEY, MILLION_WORDS
from .processes import HOST, Failed, until
from .tail import MODERATE_GETS, build_slave, drop, gets_during, latency

WRITES = ("--workload", "set", "--no-fill", "--rate", 5000, *MILLION_WORDS)
ANSWER_LIMIT_S = 30
CHANGES = 20


class BuildLine:
    name = "build"
    title = "build of a slave with a million entries of 100 bytes, gets at 2,000/s meanwhile"
    figures = ("build s", "slowest get ms", "slowest get without ms")

    def command(self, _bank):
        return "flare-bench " + " ".join(map(str, MODERATE_GETS))

    def prepare(self, bank):
        bank.million()

    def round(self, bank, number, seconds):
        cluster = bank.million()
        port = cluster.nodes[0].port
        quiet = latency(load.run(bank.workshop, port, [*MODERATE_GETS, *MILLION_WORDS], seconds=seconds))
        node = cluster.add_node()
        during, took = gets_during(bank.workshop, port, lambda: build_slave(cluster, node), MODERATE_GETS)
        drop(cluster, node)
        return {"flare": {"build s": took, "slowest get ms": during["max us"] / 1e3,
                          "slowest get without ms": quiet["max us"] / 1e3}}


class StartLine:
    name = "start"
    title = "start with a million entries until the first of them is answered, and stop"
    figures = ("clean s", "killed s", "stop s")

    def command(self, _bank):
        return "SIGTERM, start; sets at 5,000/s for a second, kill -9, start"

    def prepare(self, bank):
        bank.million()

    def round(self, bank, number, seconds):
        node = bank.million().nodes[0]
        stopped = node.child.stop()
        clean = self._start(node)
        load.run(bank.workshop, node.port, WRITES, seconds=1)
        node.child.kill()
        return {"flare": {"stop s": stopped, "clean s": clean, "killed s": self._start(node)}}

    @staticmethod
    def _start(node):
        begin = time.monotonic()
        node.spawn()
        until("the restarted node answers", lambda: node.child.check_runs() and len(
            ask(HOST, node.port, f"get {MILLION_KEY}", 2)) == 3, pause_s=0.001)
        return time.monotonic() - begin


class Write(threading.Thread):
    """One set through one node; when its answer came and what it was."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self._port = port
        self.answered = None
        self.answer = "no answer"

    def run(self):
        with contextlib.suppress(OSError), contextlib.closing(Connection(HOST, self._port, ANSWER_LIMIT_S)) as connection:
            self.answer = connection.ask("set bench-failover 0 0 1\r\nx")[-1]
        self.answered = time.monotonic()


class FailoverLine:
    """A cluster for each round: master, slave, proxy. The master is killed; the others are written to at once."""
    name = "failover"
    title = "kill -9 of the master, 3 probes x 1 s: first write through each live node, from the new map on"
    figures = ("write ms", "outage s", "failed writes")

    def command(self, _bank):
        return "set through slave and proxy, sent 50 ms after the kill"

    def prepare(self, bank):
        pass

    def round(self, bank, number, seconds):
        cluster = flare.with_slave(bank.workshop)
        master, slave = cluster.nodes
        proxy = cluster.add_node()
        until("the proxy passes on", lambda: ask(HOST, proxy.port, "set bench-failover 0 0 1\r\nx") == ["STORED"])
        master.child.kill()
        killed = time.monotonic()
        time.sleep(0.05)
        writes = [Write(node.port) for node in (slave, proxy)]
        for write in writes:
            write.start()
        until("the slave is master", lambda: cluster.role_of(slave) == "master", 30, 0.001)
        mapped = time.monotonic()
        for write in writes:
            write.join(ANSWER_LIMIT_S + 5)
        for child in (cluster.index, slave.child, proxy.child):
            child.stop()
        return {"flare": self._figures(writes, killed, mapped)}

    @staticmethod
    def _figures(writes, killed, mapped):
        failed = [write.answer for write in writes if write.answer != "STORED"]
        if any(write.answered is None for write in writes):
            raise Failed(f"writes after a failover have no answer: {failed}")
        last = max(write.answered for write in writes)
        return {"write ms": max(0.0, 1e3 * (last - mapped)), "outage s": last - killed, "failed writes": len(failed)}


class MapChangeLine:
    name = "map-change"
    title = f"{CHANGES} changes of the map in each round: from the command until each of four nodes shows it"
    figures = ("median ms", "slowest ms")

    def command(self, _bank):
        return "node role ... slave <balance>, then stats nodes at each node"

    def prepare(self, bank):
        self._cluster(bank)

    @staticmethod
    def _cluster(bank):
        def make(workshop):
            cluster = flare.with_slave(workshop)
            cluster.add_node()
            cluster.add_node()
            return cluster
        return bank.cluster("map", make)

    def round(self, bank, number, seconds):
        cluster = self._cluster(bank)
        with contextlib.ExitStack() as stack:
            links = [stack.enter_context(contextlib.closing(Connection(HOST, node.port))) for node in cluster.nodes]
            index = stack.enter_context(contextlib.closing(Connection(HOST, cluster.port)))
            took = [self._change(index, links, cluster.nodes[1], balance) for balance in CHANGES // 2 * [1, 2]]
        return {"flare": {"median ms": statistics.median(took), "slowest ms": max(took)}}

    @staticmethod
    def _change(index, links, slave, balance):
        wanted = f"STAT {slave.key}:balance {balance}"
        begin = time.monotonic()
        answer = index.ask(f"node role {HOST} {slave.port} slave {balance} 0")
        if answer != ["OK"]:
            raise Failed(f"node role: {answer}")
        for link in links:  # the last of them counts: it may as well be asked last
            until("a node shows the new map", lambda: wanted in link.ask("stats nodes"), pause_s=0)
        return 1e3 * (time.monotonic() - begin)
