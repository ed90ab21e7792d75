"""tools/bench: which lines, how often, where the figures go.

  tools/bench                          the whole table; writes docs/benchmarks.md
  tools/bench get set-16 ...           these lines, on the terminal (--write: into docs/benchmarks.md too)
  tools/bench --list                   their names
  tools/bench density [N]              N idle tenants (200)
  tools/bench growth                   processor time by records, connections, partitions and slaves; docs/growth.svg
  tools/bench long [SECONDS]           sets at a fixed rate (600 s): p99.9 and maximum beside what the disk does
  tools/bench ROUNDS [SECONDS [CONNECTIONS]]   quick ratios beside memcached: get, set, get-16, set-16
"""
import argparse
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

from . import figures, flare, long, peers, report, sections, self_test
from .bank import Bank
from .compare import LoadLine
from .density import DensityLine
from .processes import Failed, Workshop
from .table import lines as all_lines

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = ("flarei", "flared", "flare-bench", "flare-backup")
PAGE = ROOT / "docs/benchmarks.md"
ROUNDS, SECONDS = 7, 3
QUICK = ("get", "set", "get-16", "set-16")


def parse(words):
    parser = argparse.ArgumentParser(prog="tools/bench", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", nargs="*", metavar="LINE")
    parser.add_argument("--rounds", type=int, help="of each line (7; growth: 3)")
    parser.add_argument("--seconds", type=float, help="of each load (3; growth: 1.5)")
    parser.add_argument("--connections", type=int, default=50)
    parser.add_argument("--rest", type=float, default=20, help="density: seconds at rest (20)")
    parser.add_argument("--rate", type=int, default=long.RATE, help=f"long: sets each second ({long.RATE})")
    parser.add_argument("--durability", choices=("process", "interval", "group"), default="process", help="long")
    parser.add_argument("--line-limit", type=float, default=1200, help="seconds for all rounds of a line (1200)")
    parser.add_argument("--programs", type=pathlib.Path, help="folder of the programs; else build/release is built")
    parser.add_argument("--write", action="store_true", help="into docs/benchmarks.md also for some lines only")
    parser.add_argument("--print-only", action="store_true", help="leave docs/benchmarks.md alone")
    parser.add_argument("--self-test", action="store_true", help="of the parts that need no servers")
    parser.add_argument("--list", action="store_true", help="names of all lines")
    arguments = parser.parse_args(words)
    if (arguments.rounds or 1) < 1 or (arguments.seconds or 1) < 0.2:
        parser.error("at least one round, and 0.2 seconds")
    if arguments.words[:1] != ["growth"]:  # which has others
        arguments.rounds = arguments.rounds or ROUNDS
        arguments.seconds = arguments.seconds or SECONDS
    return arguments


def is_number(word):
    return word.replace(".", "", 1).isdigit()


def choose(arguments):
    """The lines that are wanted, in their order."""
    table = all_lines()
    words = list(arguments.words)
    table["density"] = DensityLine(rest_s=arguments.rest)
    if words[:1] == ["density"] and len(words) == 2 and words[1].isdigit():
        return [DensityLine(int(words[1]), arguments.rest)]
    unknown = [word for word in words if word not in table]
    if unknown:
        raise SystemExit(f"bench: no line {', '.join(unknown)}; tools/bench --list names them")
    return [line for name, line in table.items() if not words or name in words]


def build(arguments):
    """The folder of the programs, which are built unless one was given."""
    if arguments.programs:
        return arguments.programs.resolve()
    for words in (["cmake", "--preset", "release"], ["cmake", "--build", "--preset", "release", "--target", *PROGRAMS]):
        done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"bench: {' '.join(words)}:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return ROOT / "build/release/bin"


def commit():
    done = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True)
    return done.stdout.strip() or "unknown"


def compared(line):
    """The figure of a line whose ratio is shown."""
    return getattr(line, "compared", line.figures[0])


def measure(line, bank, arguments):
    """All rounds of a line, or why there are none."""
    rounds = getattr(line, "rounds", arguments.rounds)
    head = {"name": line.name, "title": line.title, "command": line.command(bank), "figures": list(line.figures),
            "compared": compared(line),
            "seconds": arguments.seconds, "when": time.strftime("%Y-%m-%d"), "commit": commit(),
            "load": f"{os.getloadavg()[0]:.1f}"}
    end = time.monotonic() + arguments.line_limit
    found = []
    try:
        line.prepare(bank)
        for number in range(rounds):
            if time.monotonic() >= end:
                raise Failed(f"only {number} of {rounds} rounds in {arguments.line_limit:g} s (--line-limit)")
            found.append(line.round(bank, number, arguments.seconds))
    except (Failed, OSError, subprocess.SubprocessError) as error:
        return {**head, "rounds": len(found), "failed": str(error)}
    return {**head, "rounds": rounds, "result": figures.gather(found)}


def machine(workshop):
    return {"cores": os.cpu_count(), "versions": peers.versions(workshop), "memcached": peers.MEMCACHED_OPTIONS,
            "redis": peers.REDIS_OPTIONS, "workers": flare.WORKERS, "command": "tools/bench " + " ".join(sys.argv[1:])}


class Store:
    """Newest result of each line, below build/, so that one line can be measured again and the page be made anew."""

    def __init__(self, path=ROOT / "build/bench/results.json"):
        self._path = path
        known = {name: (list(line.figures), compared(line)) for name, line in all_lines().items()}
        kept = json.loads(path.read_text()) if path.exists() else {}
        # What an older version of this tool has kept may have other figures.
        self.lines = {name: line for name, line in kept.items()
                      if (line.get("figures"), line.get("compared")) == known.get(name)}

    def keep(self, line):
        self.lines[line["name"]] = line
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text(json.dumps(self.lines, indent=1))

    def in_order(self):
        return {name: self.lines[name] for name in all_lines() if name in self.lines}


def quick(arguments, numbers):
    """The four shapes beside memcached; the table of the first version of this tool."""
    arguments.rounds = int(numbers[0])
    arguments.seconds = float(numbers[1]) if len(numbers) > 1 else 3
    connections = int(numbers[2]) if len(numbers) > 2 else 50
    print(f"bench: {arguments.rounds} rounds of {arguments.seconds:g} s, {connections} connections, 100000 keys of 32 bytes, "
          f"values of 100 bytes, {os.cpu_count()} cores")
    columns = ("shape", "flared op/s", "memc. op/s", "ratio", "flared us/op", "memc. us/op", "ratio")
    print("{:<8} {:>12} {:>12} {:>7} {:>12} {:>12} {:>7}".format(*columns))
    failed = False
    with Workshop(build(arguments)) as workshop:
        bank = Bank(workshop, connections)
        for name in QUICK:
            wanted = all_lines()[name]
            line = measure(LoadLine(name, "", wanted.words, ("flare", "memcached")), bank, arguments)
            failed = failed or "failed" in line
            print(quick_row(line), flush=True)
    return 1 if failed else 0


def quick_row(line):
    if "failed" in line:
        return f"{line['name']:<8} {line['failed']}"
    ops, memcached_ops, us, memcached_us = (figures.median(line["result"], contender, figure) for figure in ("ops", "us")
                                            for contender in ("flare", "memcached"))
    return (f"{line['name']:<8} {ops:12.0f} {memcached_ops:12.0f} {ops / memcached_ops:7.2f} "
            f"{us:12.2f} {memcached_us:12.2f} {us / memcached_us:7.2f}")


def run(arguments, wanted):
    store = Store()
    measured = {}
    with Workshop(build(arguments)) as workshop:
        bank = Bank(workshop, arguments.connections)
        about = machine(workshop)
        for line in wanted:
            measured[line.name] = measure(line, bank, arguments)
            store.keep(measured[line.name])
            print("\n".join(report.line_table(measured[line.name])), flush=True)
    for met, goal, figure in report.goal_rows(measured):
        if goal.line in measured:
            print(f"{ {True: 'met', False: 'MISSED', None: 'OPEN'}[met]:<7}{goal.text}: {figure} ({goal.bound_text})")
    if not arguments.print_only and (arguments.write or not arguments.words):
        report.write(PAGE, list(report.page(store.in_order(), about)))
        print("bench: docs/benchmarks.md is written")
    return 1 if any("failed" in line for line in measured.values()) else 0


def end_in_order(_signal, _frame):
    raise SystemExit("bench: interrupted; all its processes are ended")


def main(words):
    signal.signal(signal.SIGTERM, end_in_order)
    signal.signal(signal.SIGINT, end_in_order)
    arguments = parse(words)
    if arguments.self_test:
        return self_test.run()
    if arguments.list:
        for name, line in all_lines().items():
            print(f"{name:<14} {line.title}")
        return 0
    if arguments.words and all(is_number(word) for word in arguments.words):
        return quick(arguments, arguments.words)
    if arguments.words == ["growth"]:
        return sections.run_growth(arguments, build(arguments), commit(), PAGE)
    if arguments.words[:1] == ["long"] and all(is_number(word) for word in arguments.words[1:]):
        seconds = float(arguments.words[1]) if len(arguments.words) > 1 else long.SECONDS
        return sections.run_long(arguments, seconds, build(arguments), commit(), PAGE)
    return run(arguments, choose(arguments))
