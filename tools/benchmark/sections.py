"""growth and long: measured, printed, and put on the page between markers of their own."""
import os
import pathlib
import subprocess
import sys
import time

from . import growth, long, plot, report
from .bank import Bank
from .processes import Failed, Workshop


def _about(arguments, commit):
    return {"cores": os.cpu_count(), "load": f"{os.getloadavg()[0]:.1f}", "when": time.strftime("%Y-%m-%d"),
            "commit": commit, "command": "tools/bench " + " ".join(sys.argv[1:])}


def _tell(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def _publish(name, lines, arguments, page):
    print("\n".join(lines), flush=True)
    if not arguments.print_only:
        report.write(page, lines, *report.markers(name))
        _tell(f"{page} is written")


def run_growth(arguments, programs, commit, page):
    rounds, seconds = arguments.rounds or growth.ROUNDS, arguments.seconds or growth.SECONDS
    about = {**_about(arguments, commit), "rounds": rounds, "seconds": seconds}
    try:
        with Workshop(programs) as workshop:
            found = growth.measure(Bank(workshop, starters=growth.starters()), rounds, seconds, _tell)
    except (Failed, OSError, subprocess.SubprocessError) as error:
        _tell(f"growth: not measured: {error}")
        return 1
    _publish("growth", list(growth.page(found, about)), arguments, page)
    if not arguments.print_only:
        pathlib.Path(page).with_name("growth.svg").write_text(
            plot.svg(growth.panels(found), "processor time of an operation, us"))
    return 0


def run_long(arguments, seconds, programs, commit, page):
    options = [] if arguments.durability == "process" else ["--durability", arguments.durability]
    about = {**_about(arguments, commit), "rate": arguments.rate, "seconds": seconds, "options": options}
    try:
        with Workshop(programs) as workshop:
            minutes, samples, disk = long.measure(workshop, seconds, arguments.rate, options, _tell)
    except (Failed, OSError) as error:
        _tell(f"long: not measured: {error}")
        return 1
    _publish("long", list(long.page(minutes, samples, disk, about)), arguments, page)
    return 0
