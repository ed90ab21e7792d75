"""Questions to a daemon in the text protocol."""
import contextlib
import socket
import time

ENDS = ("END", "OK", "STORED", "ERROR", "SERVER_ERROR", "CLIENT_ERROR", "NOT_STORED")


class Connection:
    """One connection that asks line by line. Every wait has the same limit."""

    def __init__(self, host, port, limit_s=10):
        self._socket = socket.create_connection((host, port), limit_s)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._file = self._socket.makefile("rb")

    def close(self):
        self._file.close()
        self._socket.close()

    def send(self, line):
        self._socket.sendall(line.encode() + b"\r\n")

    def answer(self):
        """Lines up to one that ends an answer, that one included."""
        lines = []
        while True:
            line = self._file.readline()
            if not line:
                raise ConnectionError("closed by the daemon")
            lines.append(line.decode(errors="replace").rstrip("\r\n"))
            if lines[-1].split(" ")[0] in ENDS:
                return lines

    def ask(self, line):
        self.send(line)
        return self.answer()


def ask(host, port, line, limit_s=10):
    """All lines of the answer; empty when nobody listens or the connection breaks."""
    with contextlib.suppress(OSError), contextlib.closing(Connection(host, port, limit_s)) as connection:
        return connection.ask(line)
    return []


def serves(host, port, line="version", wanted="VERSION"):
    """A daemon answers. `version` has no line that ends answers: its first line is enough."""
    with contextlib.suppress(OSError), contextlib.closing(socket.create_connection((host, port), 2)) as raw:
        raw.settimeout(2)
        raw.sendall(line.encode() + b"\r\n")
        return raw.recv(100).decode(errors="replace").startswith(wanted)
    return False


def stats(lines):
    """name -> value of `STAT name value` lines."""
    return {words[1]: words[2] for words in (line.split(" ", 2) for line in lines) if len(words) == 3}


def now():
    return time.monotonic()
