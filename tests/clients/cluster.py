"""A real cluster for stock clients: flarei, master, slave with balance 1, proxy; on loopback, in a folder of its own."""
import os
import pathlib
import signal
import socket
import subprocess
import time

START_LIMIT_S = 30
NODES = ("master", "slave", "proxy")


class Failure(Exception):
    """What went wrong and where, for the one who runs the tests."""


def eventually(what, condition, limit_s=START_LIMIT_S):
    """Asks ten times a second until `condition` holds."""
    end = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > end:
            raise Failure(f"waited {limit_s} s in vain: {what}")
        time.sleep(0.1)


def own_address():
    """A loopback address by our pid, so that runs beside each other do not meet."""
    return f"127.{64 + os.getpid() // 65536 % 64}.{os.getpid() // 256 % 256}.{1 + os.getpid() % 254}"


def free_ports(address, count):
    """Ports that nobody holds, below those that the kernel gives to outgoing connections."""
    ports = []
    for port in range(15_000 + os.getpid() * 37 % 10_000, 30_000):
        try:
            socket.create_server((address, port)).close()
            ports.append(port)
        except OSError:
            continue
        if len(ports) == count:
            return ports
    raise Failure(f"no {count} free ports on {address}")


def ask(address, line, end=b"\r\n"):
    """Sends one line, returns the answer up to `end`; empty if nobody answers."""
    try:
        with socket.create_connection(address, timeout=10) as connection:
            connection.sendall(line.encode() + b"\r\n")
            answer = b""
            while not answer.endswith(end):
                more = connection.recv(65536)
                if not more:
                    return ""
                answer += more
            return answer.decode("latin-1")
    except OSError:
        return ""


class Cluster:
    """Ends with its `with` block; a killed test takes the daemons with it (setpriv)."""

    def __init__(self, bin_folder, folder):
        self.bin_folder = pathlib.Path(bin_folder)
        self.folder = pathlib.Path(folder)
        host = own_address()
        names = ("index",) + NODES
        ports = free_ports(host, len(names) + len(NODES))
        self.addresses = {name: (host, port) for name, port in zip(names, ports)}
        self.tls_addresses = {name: (host, port) for name, port in zip(NODES, ports[len(names):])}
        self.processes = {}

    def __enter__(self):
        try:
            self.make_certificate()
            self.start("index", "flarei", ["monitor-threshold = 3", "monitor-interval = 1",
                                            "monitor-read-timeout = 60000"])
            for name in NODES:
                self.start(name, "flared", self.node_lines(name))
            self.give_role("master", "master 1 0")
            self.give_role("slave", "slave 1 0")
            self.ask_index(self.role_line("slave", "slave 1 0"))  # again when active: that gives it its balance
            eventually("all nodes hold the index's map", self.settled)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def certificate(self):
        """Of all nodes, signed by itself: clients take it as their authority."""
        return self.folder / "tls.pem"

    def make_certificate(self):
        host = self.addresses["index"][0]
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-days", "2", "-subj", "/CN=flare", "-addext", f"subjectAltName=IP:{host}",
                        "-keyout", str(self.folder / "tls.key"), "-out", str(self.certificate())],
                       check=True, capture_output=True, timeout=START_LIMIT_S)

    def node_lines(self, name):
        host, port = self.addresses["index"]
        lines = [f"index-server-name = {host}", f"index-server-port = {port}", "storage-large = true",
                 "storage-bucket-size = 65536", f"tls-certificate = {self.certificate()}",
                 f"tls-key = {self.folder / 'tls.key'}", f"door.tls.port = {self.tls_addresses[name][1]}",
                 f"door.tls.bind = {self.tls_addresses[name][0]}", "door.tls.classes = data", "door.tls.tls = yes"]
        if name == "proxy":
            lines.append("proxy-flush-all = cluster")  # memccapable's tests of flush_all
        return lines

    def start(self, name, program, lines):
        host, port = self.addresses[name]
        data = self.folder / name
        data.mkdir()
        config = self.folder / f"{name}.conf"
        common = [f"data-dir = {data}", f"server-name = {host}", f"server-port = {port}", f"bind-address = {host}"]
        config.write_text("\n".join(common + lines) + "\n")
        with open(self.log_of(name), "wb") as log:
            command = ["setpriv", "--pdeathsig", "KILL", str(self.bin_folder / program), "-f", str(config), "--stderr"]
            self.processes[name] = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        eventually(f"{program} ({name}) serves at {host}:{port}", lambda: self.serves(name))
        if name != "index":
            eventually(f"{name} is active in the map", lambda: self.has(name, "state", "active"))

    def log_of(self, name):
        return self.folder / f"{name}.log"

    def check_alive(self):
        for name, process in self.processes.items():
            if process.poll() is not None:
                raise Failure(f"{name} ended with {process.returncode}: {self.log_of(name).read_text()[-2000:]}")

    def serves(self, name):
        self.check_alive()
        return ask(self.addresses[name], "ping") == "OK\r\n"

    def ask_index(self, line):
        answer = ask(self.addresses["index"], line)
        if answer != "OK\r\n":
            raise Failure(f"flarei: {line}: {answer!r}")

    def role_line(self, name, rest):
        host, port = self.addresses[name]
        return f"node role {host} {port} {rest}"

    def has(self, name, field, value):
        host, port = self.addresses[name]
        self.check_alive()
        return f"STAT {host}:{port}:{field} {value}\r\n" in ask(self.addresses["index"], "stats nodes", b"END\r\n")

    def give_role(self, name, rest):
        self.ask_index(self.role_line(name, rest))
        eventually(f"{name} is an active {name}",
                   lambda: self.has(name, "role", name) and self.has(name, "state", "active"))

    def settled(self):
        versions = {self.stat(name, "node_map_version") for name in ("index",) + NODES}
        return len(versions) == 1 and None not in versions

    def stat(self, name, field):
        for line in ask(self.addresses[name], "stats", b"END\r\n").split("\r\n"):
            if line.startswith(f"STAT {field} "):
                return line.split(" ", 2)[2]
        return None

    def stop(self):
        """Nodes before their index: they say goodbye to it."""
        for process in reversed(self.processes.values()):
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=START_LIMIT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
