"""What is measured: clusters and peers, started when a line first wants them, kept until the end of the run."""
from . import certificate, flare, load, peers


class Target:
    """Something that takes load. `settle` waits until what it has taken is done everywhere."""

    def __init__(self, ports, pids, end, words=(), settle=None):
        self.ports = ports
        self.end = end
        self.pids = pids
        self.words = list(words)
        self.settle = settle


def _nodes(cluster):
    return [node.pid for node in cluster.nodes]


def _single(*options):
    def start(workshop):
        cluster = flare.single(workshop, *options)
        return Target(cluster.nodes[0].port, lambda: _nodes(cluster), cluster.kill)
    return start


def _with_tls(workshop):
    """By a door with TLS; its main door stays plain."""
    pem, key = certificate.files(workshop.new_folder("tls"))
    port = workshop.port()
    cluster = flare.single(workshop, "--tls-certificate", pem, "--tls-key", key, "--door.tls.port", port,
                           "--door.tls.classes", "data", "--door.tls.tls", "yes")
    return Target(port, lambda: _nodes(cluster), cluster.kill, ["--tls"])


def _proxy(workshop):
    cluster = flare.with_proxy(workshop)
    return Target(cluster.nodes[1].port, cluster.pids, cluster.kill)


def _slave(*options):
    def start(workshop):
        cluster = flare.with_slave(workshop, *options)
        master, slave = cluster.nodes
        return Target(master.port, lambda: _nodes(cluster), cluster.kill,
                      settle=lambda: flare.wait_for_slave(master, slave))
    return start


def _peer(start_peer, *words):
    def start(workshop):
        peer = start_peer(workshop)
        return Target(peer.port, peer.pids, peer.kill, words)
    return start


STARTERS = {
    "flare": _single(),
    "tls": _with_tls,
    "memcached": _peer(peers.memcached),
    "redis": _peer(peers.redis, "--protocol", "redis"),
    "flare proxy": _proxy,
    "nutcracker": _peer(peers.nutcracker),
    "async": _slave(),
    "sync": _slave("--replication-type", "sync"),
    "interval": _single("--durability", "interval"),
    "group": _single("--durability", "group"),
}

MILLION = 1_000_000
MILLION_WORDS = ("--keys", MILLION, "--key-prefix", "m")
MILLION_KEY = "m" + 31 * "0"  # the first of them, by flare-bench's naming


class Bank:
    def __init__(self, workshop, connections=50, starters=None):
        """`starters`: name -> what makes a Target in a workshop; else those of the whole table."""
        self.workshop = workshop
        self._starters = starters or STARTERS
        self.connections = connections
        self._targets = {}
        self._filled = set()
        self._clusters = {}

    def target(self, name):
        if name not in self._targets:
            self._targets[name] = self._starters[name](self.workshop)
        return self._targets[name]

    def fresh(self, name):
        """One that has done nothing yet, for the caller alone: to be ended by it."""
        return self._starters[name](self.workshop)

    def fill(self, name, words):
        """Once for each target and shape: later runs read what is there."""
        shape = (name, *map(str, words))
        if shape not in self._filled:
            target = self.target(name)
            load.fill(self.workshop, target.ports, [*target.words, *words])
            self._filled.add(shape)

    def run(self, name, words, seconds):
        target = self.target(name)
        return load.run(self.workshop, target.ports, [*target.words, "--no-fill", *words], target.pids(), seconds)

    def cluster(self, name, make):
        """A cluster that several lines use."""
        if name not in self._clusters:
            self._clusters[name] = make(self.workshop)
        return self._clusters[name]

    def million(self):
        """One master with a million entries of 100 bytes."""
        def make(workshop):
            cluster = flare.single(workshop, "--storage-bucket-size", 2 * MILLION)
            load.fill(workshop, cluster.nodes[0].port, MILLION_WORDS)
            return cluster
        return self.cluster("million", make)
