#!/usr/bin/python3
"""Stock clients against a real cluster, through master, slave and proxy: prints client x operation x node.

Usage: run_matrix.py --bin FOLDER --work FOLDER [--client NAME]... drivers|memccapable
       run_matrix.py --server HOST:PORT --work FOLDER [--client NAME]... drivers      one server, such as a memcached

The modules of Debian are the system's python's: hence the first line.
"""
import argparse
import concurrent.futures
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import types

import memccapable
from cluster import NODES, Cluster, Failure, ask, eventually

HERE = pathlib.Path(__file__).resolve().parent
DRIVER_LIMIT_S = 180
OPERATIONS = ("set", "get", "multi-get", "cas", "incr", "touch", "expire", "delete", "large")
# Name -> command, protocol. All speak text where nothing else is said.
CLIENTS = {
    "libmemcached": (["/usr/bin/python3", "libmemcached_tools_driver.py"], "text"),
    "libmemcached-binary": (["/usr/bin/python3", "libmemcached_tools_driver.py"], "binary"),
    "pymemcache": (["/usr/bin/python3", "pymemcache_driver.py"], "text"),
    "pymemcache-tls": (["/usr/bin/python3", "pymemcache_driver.py"], "text, TLS"),
    "pylibmc": (["/usr/bin/python3", "pylibmc_driver.py"], "text"),
    "pylibmc-binary": (["/usr/bin/python3", "pylibmc_driver.py"], "binary"),
    "python-memcached": (["/usr/bin/python3", "python_memcached_driver.py"], "text"),
    "cache-memcached-fast": (["perl", "cache_memcached_fast_driver.pl"], "text"),
    "php": (["php", "php_memcached_driver.php"], "text"),
    "php-binary": (["php", "php_memcached_driver.php"], "binary"),
    "memjs": (["node", "memjs_driver.js"], "only binary"),
}


def install_memjs(work):
    """memjs as package-lock.json pins it; a failed download is a failure."""
    folder = work / "npm"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, folder / name)
    ended = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=folder, check=False,
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300)
    if ended.returncode != 0:
        raise Failure(f"npm ci of tests/clients/package-lock.json: {ended.stdout.decode()[-2000:]}")
    return folder / "node_modules"


class Row:
    """What one client's driver said at one node."""

    def __init__(self, client, node):
        self.client, self.node = client, node
        self.title = client
        self.results = {}

    def take(self, output, errors, code):
        for line in output.splitlines():
            operation, verdict, detail = (line.split("\t", 2) + ["", ""])[:3]
            if operation == "client":
                self.title = detail
            else:
                self.results[operation] = (verdict, detail)
        for operation in OPERATIONS:
            said = f"the driver ended with {code} and said nothing of it: {errors[-300:]}"
            self.results.setdefault(operation, ("fail", said))
        if code != 0:
            self.results["exit"] = ("fail", f"the driver ended with {code}: {errors[-300:]}")

    def failures(self):
        return {name: detail for name, (verdict, detail) in self.results.items() if verdict not in ("ok", "none")}

    def cell(self, operation):
        return {"ok": "ok", "none": "-"}.get(self.results[operation][0], "FAIL")


def drive(client, node, cluster, environment):
    """`cluster`: has the addresses; one server alone has no door for TLS."""
    command, protocol = CLIENTS[client]
    address = cluster.addresses[node]
    if protocol.endswith("TLS"):
        address = cluster.tls_addresses[node]
        environment = environment | {"FLARE_TLS_CA": str(cluster.certificate())}
    row = Row(client, node)
    host, port = address
    words = [str(port), f"{client}-{node}-{os.getpid()}-"] + (["binary"] if protocol == "binary" else [])
    try:
        ended = subprocess.run([*command, host, *words], cwd=HERE, env=environment, stdin=subprocess.DEVNULL,
                               capture_output=True, timeout=DRIVER_LIMIT_S, check=False)
        row.take(ended.stdout.decode("latin-1"), ended.stderr.decode("latin-1"), ended.returncode)
    except subprocess.TimeoutExpired as error:
        row.take((error.stdout or b"").decode("latin-1"), f"not ready after {DRIVER_LIMIT_S} s", -1)
    except OSError as error:
        row.take("", str(error), -1)
    return row


def drive_all(clients, cluster, nodes, work):
    environment = dict(os.environ)
    if "memjs" in clients:
        environment["NODE_PATH"] = str(install_memjs(work))
    with concurrent.futures.ThreadPoolExecutor(max_workers=2 * (os.cpu_count() or 1)) as pool:
        waiting = [pool.submit(drive, client, node, cluster, environment) for client in clients for node in nodes]
        return [each.result() for each in waiting]


def matrix_text(rows):
    """The table, then the reasons of its empty cells, then what failed."""
    lines = [f"{'client':32}{'protocol':10}{'node':8}" + "".join(f"{name:10}" for name in OPERATIONS) + "more"]
    reasons = {}
    for row in rows:
        more = [name for name in row.results if name not in OPERATIONS]
        words = " ".join(name if row.cell(name) == "ok" else f"{name}:{row.cell(name)}" for name in more)
        protocol = CLIENTS[row.client][1].removeprefix("only ")
        lines.append(f"{row.title:32}{protocol:10}{row.node:8}"
                     + "".join(f"{row.cell(name):10}" for name in OPERATIONS) + words)
        reasons.update({(row.client, name): detail for name, (verdict, detail) in row.results.items()
                        if verdict == "none"})
    lines += [f"- {client}, {name}: {detail}" for (client, name), detail in reasons.items()]
    lines += [f"FAIL {row.client} at {row.node}, {name}: {detail}"
              for row in rows for name, detail in row.failures().items()]
    return "\n".join(lines)


def run_drivers(clients, cluster, nodes, work):
    """(text, number of failures)."""
    rows = drive_all(clients, cluster, nodes, work)
    cells = [row.cell(name) for row in rows for name in row.results]
    text = matrix_text(rows)
    summary = (f"clients: {cells.count('ok')} of {len(cells)} cells ok, {cells.count('-')} empty with a reason, "
               f"{cells.count('FAIL')} failed")
    return f"{text}\n{summary}", cells.count("FAIL")


def flush(cluster):
    """Empties the cluster, as memccapable's tests of add and replace want it."""
    if ask(cluster.addresses["master"], "flush_all") != "OK\r\n":
        raise Failure("the master refuses flush_all")
    for name in ("master", "slave"):
        eventually(f"{name} is empty", lambda name=name: cluster.stat(name, "curr_items") == "0")


def run_memccapable(cluster):
    """(text, number of failures). One node after the other: each of its tests has fixed keys."""
    lines, failures = [], 0
    for node in NODES:
        for protocol, tests in memccapable.TESTS.items():
            flush(cluster)
            run = memccapable.run_without_flush if node == "slave" else memccapable.run_all
            passed, failed, output = run(cluster.addresses[node], protocol)
            left_out = f", left out: {', '.join(memccapable.FLUSH_TESTS[protocol])}" if node == "slave" else ""
            lines.append(f"memccapable {node:8}{protocol:8}{len(passed)} of {len(tests)} passed{left_out}")
            if failed:
                lines += [f"FAIL memccapable {protocol} at {node}: {', '.join(failed)}", output]
            failures += len(failed)
    return "\n".join(lines), failures


def run_in_cluster(arguments):
    with tempfile.TemporaryDirectory(prefix="flare-clients-") as folder:
        with Cluster(arguments.bin, folder) as cluster:
            if arguments.part == "memccapable":
                result = run_memccapable(cluster)
            else:
                result = run_drivers(arguments.client, cluster, NODES, arguments.work)
            cluster.check_alive()
            return result


def run_at_server(arguments):
    host, _, port = arguments.server.rpartition(":")
    server = types.SimpleNamespace(addresses={"server": (host, int(port))})
    plain = [client for client in arguments.client if not CLIENTS[client][1].endswith("TLS")]
    return run_drivers(plain, server, ["server"], arguments.work)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", choices=("drivers", "memccapable"))
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--bin", type=pathlib.Path, help="folder with flarei and flared: starts a cluster")
    where.add_argument("--server", help="host:port of one running server, in place of a cluster")
    parser.add_argument("--work", type=pathlib.Path, required=True, help="folder for memjs and the report")
    parser.add_argument("--client", action="append", choices=CLIENTS, help="only this one; may be repeated")
    arguments = parser.parse_args()
    if arguments.server and arguments.part != "drivers":
        parser.error("memccapable is run at a cluster only")
    arguments.client = arguments.client or list(CLIENTS)
    arguments.work.mkdir(parents=True, exist_ok=True)
    begin = time.monotonic()
    try:
        text, failures = (run_at_server if arguments.server else run_in_cluster)(arguments)
    except Failure as failure:
        sys.exit(f"run_matrix: {failure}")
    print(text)
    (arguments.work / f"{arguments.part}.txt").write_text(text + "\n")
    print(f"run_matrix: {arguments.part}, {time.monotonic() - begin:.0f} s")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
