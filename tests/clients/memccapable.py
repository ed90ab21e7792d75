"""memccapable, libmemcached's test of a server: all its tests at a node that may be flushed, by name at a slave."""
import re
import subprocess

CAPABLE_LIMIT_S = 120
TESTS = {
    "ascii": ("version", "quit", "verbosity", "set", "set noreply", "get", "gets", "mget", "flush", "flush noreply",
              "add", "add noreply", "replace", "replace noreply", "cas", "cas noreply", "delete", "delete noreply",
              "incr", "incr noreply", "decr", "decr noreply", "append", "append noreply", "prepend",
              "prepend noreply", "stat"),
    "binary": ("noop", "quit", "quitq", "set", "setq", "flush", "flushq", "add", "addq", "replace", "replaceq",
               "delete", "deleteq", "get", "getq", "getk", "getkq", "incr", "incrq", "decr", "decrq", "version",
               "append", "appendq", "prepend", "prependq", "stat"),
}
# docs/design.md 3.7: a slave refuses to be flushed.
FLUSH_TESTS = {"ascii": ("flush", "flush noreply"), "binary": ("flush", "flushq")}
PASS = re.compile(r"(?:ascii|binary) ([a-z]+(?: noreply)?) +\[pass\]$", re.MULTILINE)


def call(address, *words):
    """(exit status, names that passed, all that was printed). Failures are told on stderr, out of order."""
    host, port = address
    command = ["memccapable", "-h", host, "-p", str(port), "-t", "10", *words]
    ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=CAPABLE_LIMIT_S,
                           check=False)
    output = ended.stdout.decode("latin-1")
    return ended.returncode, PASS.findall(output), output + ended.stderr.decode("latin-1")


def run_all(address, protocol):
    """(names that passed, names that did not or were not run, what memccapable printed)."""
    code, passed, output = call(address, "-a" if protocol == "ascii" else "-b")
    failed = [name for name in TESTS[protocol] if name not in passed]
    if code != 0 and not failed:
        failed = [f"exit status {code}"]
    return passed, failed, output


def run_named(address, protocol, names):
    """The same for some of the tests, each on its own."""
    passed, failed, outputs = [], [], []
    for name in names:
        code, passing, output = call(address, "-T", f"{protocol} {name}")
        (passed if code == 0 and passing == [name] else failed).append(name)
        outputs.append(output)
    return passed, failed, "".join(outputs)


def run_without_flush(address, protocol):
    return run_named(address, protocol, [name for name in TESTS[protocol] if name not in FLUSH_TESTS[protocol]])
