"""Children of a run: started, waited for with a deadline, always ended."""
import contextlib
import ctypes
import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import time

HOST = "127.12.1.1"
START_LIMIT_S = 30
STOP_LIMIT_S = 10
FIRST_PORT, LAST_PORT = 22120, 31999  # below the ports that the kernel gives to clients
PR_SET_PDEATHSIG = 1


class Failed(Exception):
    """A line that cannot be measured, with the reason."""


def until(what, ask, limit_s=START_LIMIT_S, pause_s=0.002):
    """Asks until the answer is true, and gives it."""
    end = time.monotonic() + limit_s
    while True:
        answer = ask()
        if answer:
            return answer
        if time.monotonic() >= end:
            raise Failed(f"waited {limit_s} s in vain: {what}")
        time.sleep(pause_s)


def _die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def processor_s(pid):
    """User and system time of a process, to the nanosecond (clock_getcpuclockid(3))."""
    try:
        return time.clock_gettime_ns((~pid << 3) | 2) / 1e9
    except OSError:
        raise Failed(f"process {pid} has ended") from None


def status_kib(pid, file, names):
    """The sum of lines such as `Private_Dirty: 12 kB` of a file below /proc/<pid>."""
    text = pathlib.Path(f"/proc/{pid}/{file}").read_text()
    return sum(int(line.split()[1]) for line in text.splitlines() if line.split(":")[0] in names)


def private_kib(pid):
    return status_kib(pid, "smaps_rollup", ("Private_Clean", "Private_Dirty"))


class Child:
    """One process of ours and its log."""

    def __init__(self, words, log):
        self.words = [str(word) for word in words]
        self.name = pathlib.Path(self.words[0]).name
        self.log = log
        with open(log, "ab") as out:
            self._process = subprocess.Popen(self.words, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                             preexec_fn=_die_with_parent)

    @property
    def pid(self):
        return self._process.pid

    def check_runs(self):
        if self._process.poll() is not None:
            last = self.log.read_text(errors="replace").splitlines()[-5:]
            raise Failed(f"{self.name} ended with {self._process.returncode}: {' | '.join(last)}")
        return True

    def kill(self):
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()

    def stop(self):
        """SIGTERM; how many seconds it took to end."""
        begin = time.monotonic()
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(STOP_LIMIT_S)
            except subprocess.TimeoutExpired:
                self.kill()
                raise Failed(f"{self.name} does not end {STOP_LIMIT_S} s after SIGTERM") from None
        return time.monotonic() - begin


class Workshop:
    """A temporary folder, free ports and the children of a run. A context: at its end all of that is gone."""

    def __init__(self, programs, parent=None):
        """`parent`: the folder for the temporary one, else that of the system (TMPDIR)."""
        self.programs = pathlib.Path(programs)
        self._parent = parent
        self._next_port = FIRST_PORT
        self._children = []

    def __enter__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="flare-bench-", dir=self._parent)
        self.folder = pathlib.Path(self._folder.name)
        os.chmod(self.folder, 0o711)
        return self

    def __exit__(self, *_):
        for child in self._children:
            child.kill()
        self._folder.cleanup()

    def program(self, name):
        return self.programs / name

    def start(self, words, name):
        child = Child(words, self.folder / f"{name}-{len(self._children)}.log")
        self._children.append(child)
        return child

    def new_folder(self, name):
        folder = self.folder / f"{name}-{self._next_port}"
        folder.mkdir()
        return folder

    def port(self):
        """A port that nothing listens on; each one is given once."""
        while self._next_port <= LAST_PORT:
            port = self._next_port
            self._next_port += 1
            with contextlib.closing(socket.socket()) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                with contextlib.suppress(OSError):
                    probe.bind((HOST, port))
                    return port
        raise Failed("no port is free")
