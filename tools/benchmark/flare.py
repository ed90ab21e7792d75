"""Clusters of ours: one flarei and its flareds, with roles."""
import time

from .ask import ask, serves, stats
from .processes import HOST, Failed, until

WORKERS = 2


class Node:
    """One flared. Keeps its address and folder over restarts."""

    def __init__(self, cluster, options):
        self._cluster = cluster
        self._options = options
        self.port = cluster.workshop.port()
        self._folder = cluster.workshop.new_folder("flared")
        self.child = None

    @property
    def key(self):
        return f"{HOST}:{self.port}"

    @property
    def pid(self):
        return self.child.pid

    def spawn(self):
        workshop = self._cluster.workshop
        words = [workshop.program("flared"), "--stderr", "--data-dir", self._folder, "--server-name", HOST,
                 "--bind-address", HOST, "--server-port", self.port, "--threads", WORKERS, "--storage-large",
                 "--index-server-name", HOST, "--index-server-port", self._cluster.port, *self._options]
        self.child = workshop.start(words, "flared")

    def start(self):
        self.spawn()
        until(f"flared {self.key} serves", lambda: self.child.check_runs() and serves(HOST, self.port))

    def stats(self, topic=""):
        return stats(ask(HOST, self.port, f"stats {topic}".strip()))


class Cluster:
    """flarei with the monitor of the README's session, and nodes as they are added."""

    def __init__(self, workshop, node_options=()):
        self.workshop = workshop
        self.port = workshop.port()
        self.nodes = []
        self._node_options = list(node_options)
        folder = workshop.new_folder("flarei")
        self.index = workshop.start(
            [workshop.program("flarei"), "--stderr", "--data-dir", folder, "--server-name", HOST, "--bind-address",
             HOST, "--server-port", self.port, "--monitor-threshold", 3, "--monitor-interval", 1,
             "--monitor-read-timeout", 1000], "flarei")
        until("flarei serves", lambda: self.index.check_runs() and serves(HOST, self.port))

    def add_node(self, *options):
        node = Node(self, [*self._node_options, *options])
        self.nodes.append(node)
        node.start()
        until(f"{node.key} is in the map", lambda: self.state_of(node) == "active")
        return node

    def ask(self, line):
        return ask(HOST, self.port, line)

    def map(self):
        return stats(self.ask("stats nodes"))

    def state_of(self, node):
        return self.map().get(f"{node.key}:state")

    def role_of(self, node):
        return self.map().get(f"{node.key}:role")

    def give_role(self, node, role, balance, partition):
        answer = self.ask(f"node role {HOST} {node.port} {role} {balance} {partition}")
        if answer != ["OK"]:
            raise Failed(f"node role {role} for {node.key}: {answer}")

    def make_master(self, node, partition=0):
        self.give_role(node, "master", 1, partition)
        until(f"{node.key} serves as master", lambda: ask(HOST, node.port, "get bench-no-such-key") == ["END"])

    def make_slave(self, node, balance=0, partition=0, limit_s=120):
        """Seconds from the command until the index shows it active. With balance it gets a share of the reads."""
        begin = time.monotonic()
        self.give_role(node, "slave", 0, partition)
        until(f"{node.key} is an active slave", lambda: self.state_of(node) == "active", limit_s, 0.01)
        took = time.monotonic() - begin
        if balance:
            self.give_role(node, "slave", balance, partition)
        return took

    def add_partition(self, node, partition):
        """One more: the node gathers its keys, then it is put in service."""
        self.give_role(node, "master", 1, partition)
        until(f"{node.key} has gathered its keys", lambda: self.state_of(node) == "ready")
        answer = self.ask(f"node state {HOST} {node.port} active")
        if answer != ["OK"]:
            raise Failed(f"node state active for {node.key}: {answer}")
        until(f"{node.key} is in service", lambda: self.state_of(node) == "active")

    def kill(self):
        for child in (self.index, *(node.child for node in self.nodes)):
            child.kill()

    def pids(self):
        return [self.index.pid, *(node.pid for node in self.nodes)]


def wait_for_slave(master, slave, limit_s=120):
    """The slave's log has all that the master's has."""
    def same():
        wanted = master.stats("replication").get("sequence")
        return wanted is not None and slave.stats("replication").get("sequence") == wanted
    until(f"{slave.key} has caught up", same, limit_s, 0.01)


def single(workshop, *options):
    """A cluster of one master."""
    cluster = Cluster(workshop, options)
    cluster.make_master(cluster.add_node())
    return cluster


def with_slaves(workshop, count, *options):
    """They get no reads: their balance is 0."""
    cluster = single(workshop, *options)
    for _ in range(count):
        cluster.make_slave(cluster.add_node())
    return cluster


def with_slave(workshop, *options):
    return with_slaves(workshop, 1, *options)


def with_partitions(workshop, count, *options):
    """Masters only, each of a partition of its own; all of them know all of them."""
    cluster = single(workshop, *options)
    for partition in range(1, count):
        cluster.add_partition(cluster.add_node(), partition)
    for node in cluster.nodes:
        wanted = [(f"{other.key}:state", "active") for other in cluster.nodes]
        until(f"{node.key} knows all partitions",
              lambda node=node, wanted=wanted: set(wanted) <= set(node.stats("nodes").items()))
    return cluster


def with_proxy(workshop, *options):
    """The second node has no role: it passes on."""
    cluster = single(workshop, *options)
    proxy = cluster.add_node()
    until("the proxy knows the master", lambda: ask(HOST, proxy.port, "get bench-no-such-key") == ["END"])
    return cluster
