"""Other programs for comparison: their options are those of the issue, and stand in the report."""
import re
import subprocess

from .ask import serves
from .processes import HOST, Failed, until

MEMCACHED_OPTIONS = "-t 2 -c 10000 -m 2048"
REDIS_OPTIONS = "--save '' --appendonly no --maxclients 10000"

NUTCRACKER_CONFIG = """bench:
  listen: {host}:{port}
  hash: fnv1a_64
  distribution: ketama
  preconnect: true
  server_connections: 1
  servers:
   - {host}:{server}:1
"""


class Peer:
    def __init__(self, port, children):
        self.port = port
        self._children = children

    def kill(self):
        for child in self._children:
            child.kill()

    def pids(self):
        return [child.pid for child in self._children]


def _start(workshop, words, name):
    try:
        return workshop.start(words, name)
    except FileNotFoundError:
        raise Failed(f"{name} is not installed: tools/install-deps --bench") from None


def memcached(workshop, options=MEMCACHED_OPTIONS):
    port = workshop.port()
    child = _start(workshop, ["memcached", "-u", "nobody", *options.split(), "-l", HOST, "-p", port],
                   "memcached")
    until("memcached serves", lambda: child.check_runs() and serves(HOST, port))
    return Peer(port, [child])


def redis(workshop):
    port = workshop.port()
    child = _start(workshop, ["redis-server", "--bind", HOST, "--port", port, "--save", "", "--appendonly", "no",
                              "--maxclients", 10000, "--dir", workshop.new_folder("redis")], "redis-server")
    until("redis-server serves", lambda: child.check_runs() and serves(HOST, port, "PING", "+PONG"))
    return Peer(port, [child])


def nutcracker(workshop):
    """nutcracker before a memcached of its own; both count."""
    behind = memcached(workshop)
    port = workshop.port()
    folder = workshop.new_folder("nutcracker")
    config = folder / "nutcracker.yml"
    config.write_text(NUTCRACKER_CONFIG.format(host=HOST, port=port, server=behind.port))
    child = _start(workshop, ["nutcracker", "-c", config, "-a", HOST, "-s", workshop.port(), "-o", folder / "log"],
                   "nutcracker")
    until("nutcracker serves", lambda: child.check_runs() and serves(HOST, port, "get bench-no-such-key", "END"))
    return Peer(port, [child, *behind._children])


def versions(workshop):
    """Name -> first line that it says about its version; only what is installed."""
    asked = {"flared": [str(workshop.program("flared")), "--version"], "memcached": ["memcached", "-V"],
             "redis-server": ["redis-server", "--version"], "nutcracker": ["nutcracker", "-V"]}
    told = {}
    for name, words in asked.items():
        try:
            done = subprocess.run(words, capture_output=True, text=True, timeout=10)
        except FileNotFoundError:
            continue
        number = re.search(r"\d+\.\d+(\.\d+)?", done.stdout + done.stderr)
        told[name] = number.group(0) if number else "?"
    return told
