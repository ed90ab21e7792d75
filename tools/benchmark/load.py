"""flare-bench as a child: its figures, or the reason why there are none."""
import json
import signal
import subprocess

from .processes import HOST, Failed, _die_with_parent

EXTRA_S = 120  # beyond the length of a run: connecting, filling, its own limits


class Load:
    """One run of flare-bench, begun when made."""

    def __init__(self, workshop, ports, words, pids=()):
        ports = [ports] if isinstance(ports, int) else ports
        self._words = [str(workshop.program("flare-bench")), *(f"{HOST}:{port}" for port in ports), "--json",
                       *(str(word) for word in words)]
        if pids:
            self._words += ["--pids", ",".join(str(pid) for pid in pids)]
        self._process = subprocess.Popen(self._words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                         stdin=subprocess.DEVNULL, preexec_fn=_die_with_parent)

    def running(self):
        return self._process.poll() is None

    def end(self):
        """Ends the run now; the figures are those until now."""
        self._process.send_signal(signal.SIGTERM)

    def kill(self):
        if self.running():
            self._process.kill()
        self._process.communicate()

    def result(self, limit_s):
        try:
            out, errors = self._process.communicate(timeout=limit_s)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Failed(f"not ended after {limit_s} s: {' '.join(self._words)}") from None
        if self._process.returncode != 0:
            why = json.loads(out)["faults"] if out else errors.strip()
            raise Failed(f"{' '.join(self._words[1:])}: {why}")
        return json.loads(out)


def run(workshop, ports, words, pids=(), seconds=0):
    words = [*words, "--seconds", seconds] if seconds else words
    return Load(workshop, ports, words, pids).result(seconds + EXTRA_S)


def fill(workshop, port, words, limit_s=300):
    """Writes the keys of a shape once."""
    return Load(workshop, port, ["--workload", "fill", *words]).result(limit_s)
