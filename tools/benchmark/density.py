"""What an idle tenant costs: pairs of flarei and flared as in the README's session, each node master, at rest."""
import pathlib
import time

from . import flare
from .processes import private_kib, processor_s, status_kib

OPTIONS = ("--storage-bucket-size", 16_777_216)
SETTLE_S = 3  # the checkpoint after the role change


def _threads(pid):
    return status_kib(pid, "status", ("Threads",))


def switches(pid):
    tasks = pathlib.Path(f"/proc/{pid}/task").iterdir()
    names = ("voluntary_ctxt_switches", "nonvoluntary_ctxt_switches")
    return sum(status_kib(pid, f"task/{task.name}/status", names) for task in tasks)


def measure(workshop, pairs, rest_s):
    """{daemon: {figure: value}} for the average pair, and for both together."""
    begin = time.monotonic()
    clusters = [flare.single(workshop, *OPTIONS) for _ in range(pairs)]
    start_s = (time.monotonic() - begin) / pairs
    kinds = {"flarei": [cluster.index.pid for cluster in clusters],
             "flared": [cluster.nodes[0].pid for cluster in clusters]}
    time.sleep(SETTLE_S)
    before = {kind: (sum(map(processor_s, pids)), sum(map(switches, pids))) for kind, pids in kinds.items()}
    begin = time.monotonic()
    time.sleep(rest_s)  # this wait is the measurement
    found = {}
    for kind, pids in kinds.items():
        spent, switched = sum(map(processor_s, pids)), sum(map(switches, pids))
        rested = time.monotonic() - begin
        found[kind] = {"private MiB": sum(map(private_kib, pids)) / pairs / 1024,
                       "threads": sum(map(_threads, pids)) / pairs,
                       "core percent": 100 * (spent - before[kind][0]) / pairs / rested,
                       "switches/s": (switched - before[kind][1]) / pairs / rested}
    found["pair"] = {figure: found["flarei"][figure] + found["flared"][figure] for figure in found["flarei"]}
    found["pair"]["start s"] = start_s
    for pid in (pid for pids in kinds.values() for pid in pids):
        processor_s(pid)  # all of them lived to the end
    for cluster in clusters:
        cluster.kill()
    return found


class DensityLine:
    name = "density"
    figures = ("private MiB", "threads", "core percent", "switches/s", "start s")
    rounds = 1

    def __init__(self, pairs=200, rest_s=20):
        self.pairs = pairs
        self.rest_s = rest_s

    @property
    def title(self):
        return (f"{self.pairs} idle tenants (flarei and flared, storage-bucket-size 16777216, monitor-interval 1), "
                f"{self.rest_s:g} s at rest")

    def command(self, _bank):
        return f"tools/bench density {self.pairs}"

    def prepare(self, bank):
        pass

    def round(self, bank, number, seconds):
        return measure(bank.workshop, self.pairs, self.rest_s)
