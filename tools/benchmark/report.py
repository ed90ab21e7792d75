"""The table as text: for the terminal, and for docs/benchmarks.md between its markers."""
from . import figures
from .goals import GOALS

BEGIN = "<!-- tools/bench writes from here"
END = "<!-- to here -->"
BASES = {"durability": "flare", "slave": "flare", "tail": "alone",
         **{f"tls-{shape}": "flare" for shape in ("get", "set", "get-16", "set-16")}}  # what the others of a line are compared with


def _base(line):
    names = list(line["result"])
    return BASES.get(line["name"]) or next((name for name in ("memcached", "nutcracker") if name in names), None)


def goal_rows(lines):
    """(met, goal, figure) for each line of Reach; met is None where it was not measured. Missed ones first."""
    rows = []
    for goal in GOALS:
        line = lines.get(goal.line)
        if not line or "failed" in line:
            rows.append((None, goal, line["failed"] if line else "not measured"))
        else:
            rows.append((goal.met(line["result"]), goal, figures.short(goal.figure_of(line["result"]))))
    return sorted(rows, key=lambda row: (row[0] is not False, row[0] is not None))


def reach_table(lines):
    words = {True: "met", False: "**missed**", None: "open"}
    yield "| line of Reach | goal | figure | |"
    yield "|---|---|---|---|"
    for met, goal, figure in goal_rows(lines):
        yield f"| {goal.text} (`{goal.line}`) | {goal.bound_text} | {figure} | {words[met]} |"


def line_table(line):
    """One line of the table: a row for each contender."""
    yield f"**{line['name']}**: {line['title']}"
    yield ""
    if "failed" in line:
        yield f"Not measured: {line['failed']}"
        yield ""
        return
    result, base, shown, compared = line["result"], _base(line), line["figures"], line["compared"]
    yield "| | " + " | ".join(shown) + (f" | {compared} / {base} (each round) |" if base else " |")
    yield "|---" * (len(shown) + (2 if base else 1)) + "|"
    for contender, found in result.items():
        cells = [figures.with_spread(found[figure]) if figure in found else "" for figure in shown]
        if base:
            rounds = [] if contender == base else figures.ratios(result, compared, contender, base)
            cells.append(figures.with_spread(rounds) if rounds else "")
        yield f"| {contender} | " + " | ".join(cells) + " |"
    yield ""
    yield f"`{line['command']}`, {line['rounds']} x {line['seconds']:g} s, {line['when']}, commit {line['commit']}, " \
          f"load average before {line['load']}" + _own_cost(result)
    yield ""


def _own_cost(result):
    own = [figures.median(result, name, "own us") for name in result if "own us" in result[name]]
    return f", flare-bench itself {figures.short(max(own))} us a request" if own else ""


def page(lines, machine):
    """What stands between the markers."""
    yield f"Machine: {machine['cores']} cores, load generator on it too. " + ", ".join(
        f"{name} {version}" for name, version in machine["versions"].items()) + "."
    yield f"Options: `memcached {machine['memcached']}`, `redis-server {machine['redis']}`, flared with " \
          f"{machine['workers']} workers. Keys of 32 bytes, values of 100 unless said otherwise, 50 connections."
    yield f"Medians of the rounds (least..most). Written by `{machine['command']}`."
    yield "us: processor time of all servers of a contender for each request; ops: requests each second."
    yield ""
    yield from reach_table(lines)
    yield ""
    for line in lines.values():
        yield from line_table(line)


def markers(name):
    """Of a part of the page that has a sub-command of its own."""
    return f"<!-- tools/bench {name} writes from here", f"<!-- to here: {name} -->"


def write(path, text_lines, begin_mark=BEGIN, end_mark=END):
    """Puts the lines between the markers of the file."""
    old = path.read_text()
    begin, end = old.find(begin_mark), old.find(end_mark)
    if begin < 0 or end < begin:
        raise SystemExit(f"bench: {path} has no markers '{begin_mark}' and '{end_mark}'")
    head = old[:old.index("\n", begin) + 1]
    path.write_text(head + "\n" + "\n".join(text_lines).rstrip() + "\n\n" + old[end:])
