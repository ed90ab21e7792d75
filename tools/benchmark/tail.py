"""Gets while something else goes on, and clients that keep still."""
import subprocess
import time

from . import load
from .bank import MILLION_WORDS
from .compare import figures_of
from .processes import Failed, private_kib, until

GETS = ("--workload", "get", "--rate", 4000, "--no-fill", "--connections", 50)
MODERATE_GETS = ("--workload", "get", "--rate", 2000, "--no-fill", "--connections", 10)
SETS = ("--workload", "set", "--rate", 2000, "--connections", 10, "--keys", 20_000, "--key-prefix", "w")
LONG_S = 300  # for loads that are ended
LEAD_S = 0.5  # the load is under way before anything happens
SNAPSHOTS = 3
IDLE = 9_000


def latency(result):
    figures = figures_of(result)
    return {name: figures[name] for name in ("p50 us", "p99 us", "p99.9 us", "max us")}


def gets_during(workshop, port, happening, words=GETS):
    """The latencies of gets while `happening()` runs, and what it returned."""
    gets = load.Load(workshop, port, [*words, *MILLION_WORDS, "--seconds", LONG_S])
    try:
        time.sleep(LEAD_S)
        done = happening()
        gets.end()
        return latency(gets.result(load.EXTRA_S)), done
    finally:
        gets.kill()


def with_sets(workshop, port, seconds):
    sets = load.Load(workshop, port, [*SETS, "--seconds", LONG_S])
    try:
        time.sleep(LEAD_S)
        found = latency(load.run(workshop, port, [*GETS, *MILLION_WORDS], seconds=seconds))
        sets.end()
        sets.result(load.EXTRA_S)
        return found
    finally:
        sets.kill()


def build_slave(cluster, node):
    """Seconds; the node is a proxy again afterwards, and gone."""
    took = cluster.make_slave(node)
    cluster.give_role(node, "proxy", 0, -1)
    until("the former slave is a proxy", lambda: cluster.role_of(node) == "proxy")
    return took


def drop(cluster, node):
    node.child.stop()
    cluster.nodes.remove(node)


class TailLine:
    """p99.9 of gets at a fixed rate, with and without. Memcached with the same sets tells what the machine adds."""
    name = "tail"
    title = "gets at 4,000/s on a million entries: alone, and during checkpoints, snapshots and the build of a slave"
    figures = ("p50 us", "p99 us", "p99.9 us", "max us")
    compared = "p99.9 us"

    def command(self, _bank):
        return "flare-bench " + " ".join(map(str, (*GETS, *MILLION_WORDS))) + "; sets beside: " + " ".join(map(str, SETS))

    def prepare(self, bank):
        bank.million()
        bank.fill("memcached", MILLION_WORDS)

    def round(self, bank, number, seconds):
        workshop, cluster = bank.workshop, bank.million()
        port, peer = cluster.nodes[0].port, bank.target("memcached").ports
        found = {"alone": latency(load.run(workshop, port, [*GETS, *MILLION_WORDS], seconds=seconds)),
                 "checkpoint": with_sets(workshop, port, seconds),
                 "snapshot": gets_during(workshop, port, lambda: self._snapshots(workshop, port))[0],
                 "memcached alone": latency(load.run(workshop, peer, [*GETS, *MILLION_WORDS], seconds=seconds)),
                 "memcached with sets": with_sets(workshop, peer, seconds)}
        node = cluster.add_node()
        found["build"] = gets_during(workshop, port, lambda: build_slave(cluster, node))[0]
        drop(cluster, node)
        return found

    @staticmethod
    def _snapshots(workshop, port):
        for _ in range(SNAPSHOTS):
            file = workshop.folder / "bench.snapshot"
            file.unlink(missing_ok=True)
            done = subprocess.run([workshop.program("flare-backup"), "take", f"{load.HOST}:{port}", file],
                                  capture_output=True, text=True, timeout=load.EXTRA_S)
            if done.returncode != 0:
                raise Failed(f"flare-backup take: {done.stderr.strip()}")


class IdleLine:
    """Memory of connections that keep still, how soon they are connected and served, and what served clients notice.
    On servers of their own in each round: memory that an earlier crowd has left would hide what this one takes."""
    name = "idle-9000"
    title = "9,000 idle connections beside 50 clients that get"
    figures = ("KiB each", "connected s", "served s", "ops", "ops without", "kept")
    contenders = ("flare", "memcached")
    words = ("--keys", 100_000, "--key-prefix", "b", "--workload", "get", "--connections", 50)

    def command(self, _bank):
        return "flare-bench " + " ".join(map(str, self.words)) + f" --idle {IDLE}"

    def prepare(self, bank):
        pass

    def round(self, bank, number, seconds):
        order = self.contenders if number % 2 == 0 else self.contenders[::-1]
        found = {}
        for contender in order:
            target = bank.fresh(contender)
            try:
                found[contender] = self._measure(bank.workshop, target, seconds)
            finally:
                target.end()
        return found

    def _measure(self, workshop, target, seconds):
        without = load.run(workshop, target.ports, self.words, seconds=seconds)  # fills, too
        before = sum(map(private_kib, target.pids()))
        crowd = load.Load(workshop, target.ports, [*self.words, "--no-fill", "--idle", IDLE, "--seconds", seconds])
        try:
            most = self._most_memory(target, crowd)
            result = crowd.result(load.EXTRA_S)
        finally:
            crowd.kill()
        return {"KiB each": (most - before) / IDLE, "connected s": result["connect_s"],
                "served s": result["connect_s"] + result["greet_s"], "ops": result["requests_per_s"],
                "ops without": without["requests_per_s"], "kept": result["requests_per_s"] / without["requests_per_s"]}

    @staticmethod
    def _most_memory(target, crowd):
        most = 0
        while crowd.running():  # bounded by flare-bench's own limits
            most = max(most, sum(map(private_kib, target.pids())))
            time.sleep(0.2)
        return most
