"""What the kernel does with dirty pages meanwhile, and by which options."""
import bisect
import contextlib
import os
import pathlib
import threading
import time
from collections import namedtuple

# written: bytes since the machine's start; stolen: seconds that its processors were not given; queued: seconds that the
# threads of the processes could run and waited for a core
Sample = namedtuple("Sample", "at dirty_mib writeback_mib written stolen_s queued_s")

PAUSE_S = 0.2
OPTIONS = ("dirty_background_ratio", "dirty_background_bytes", "dirty_ratio", "dirty_bytes", "dirty_expire_centisecs",
           "dirty_writeback_centisecs")


def _numbers(path):
    """Of lines such as `Dirty:   12 kB` and `nr_written 12`."""
    rows = (line.split() for line in pathlib.Path(path).read_text().splitlines())
    return {row[0].rstrip(":"): int(row[1]) for row in rows if len(row) > 1}


def _queued_s(pid):
    """proc(5), schedstat. A thread that ends takes its share with it."""
    files = pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(file.read_text().split()[1]) for file in files) / 1e9


def look(pids):
    memory, events = _numbers("/proc/meminfo"), _numbers("/proc/vmstat")
    stolen = pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()[8]
    return Sample(time.monotonic(), memory["Dirty"] / 1024, memory["Writeback"] / 1024,
                  events["nr_written"] * os.sysconf("SC_PAGESIZE"), int(stolen) / os.sysconf("SC_CLK_TCK"),
                  sum(map(_queued_s, pids)))


class Watch:
    """Looks every PAUSE_S, as a context."""

    def __init__(self, pids):
        self.samples = []
        self._pids = pids
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        self._thread.join()

    def _run(self):
        while True:
            with contextlib.suppress(OSError):  # a thread, or a whole process, has just ended: the load tells which
                self.samples.append(look(self._pids))
            if self._ended.wait(PAUSE_S):
                return


def grown(samples, begin, end, field):
    """By how much a counter grew: from the last look before `begin` to the first one after `end`."""
    times = [sample.at for sample in samples]
    first = max(0, bisect.bisect_right(times, begin) - 1)
    last = min(len(samples) - 1, bisect.bisect_left(times, end))
    return getattr(samples[last], field) - getattr(samples[first], field)


def most(samples, begin, end, field):
    return max((getattr(sample, field) for sample in samples if begin <= sample.at <= end), default=0)


def mount_of(path, mounts):
    """(file system, options) of the longest mount point above the path; `mounts`: the text of /proc/self/mounts."""
    rows = [line.split() for line in mounts.splitlines()]
    above = [row for row in rows if pathlib.PurePath(path).is_relative_to(row[1])]
    found = max(above, key=lambda row: len(row[1]))
    return found[2], found[3]


def stable_pages(path):
    """Whether a page must keep still while it is written to this disk; None where the kernel does not tell."""
    device = os.stat(path).st_dev
    folder = f"/sys/dev/block/{os.major(device)}:{os.minor(device)}"
    for queue in ("queue", "../queue"):  # of a disk, of a partition
        file = pathlib.Path(folder, queue, "stable_writes")
        if file.exists():
            return file.read_text().strip() == "1"
    return None


def options(path):
    """One sentence about all that decides when a page is written."""
    kind, words = mount_of(path, pathlib.Path("/proc/self/mounts").read_text())
    told = {True: "required", False: "not required", None: "unknown"}[stable_pages(path)]
    values = ", ".join(f"{name} {pathlib.Path('/proc/sys/vm', name).read_text().strip()}" for name in OPTIONS)
    return f"{kind} ({words}), stable pages {told}; vm: {values}"
