"""libmemcached's tools as Debian names them, text and binary protocol. Each call is a connection of its own: what one
wrote another may read later at a slave, so reads ask until it is there."""
import pathlib
import re
import subprocess
import tempfile

from driver import ALL_BYTES, LARGE_SIZES, NotThere, arguments, check, large_value, run, same, until

TOOL_LIMIT_S = 60
host, port, prefix, binary = arguments()
folder = pathlib.Path(tempfile.mkdtemp(prefix="flare-clients-"))


def call(tool, *words):
    """The ended process; tools that know both protocols are told which."""
    protocol = ["--binary"] if binary and tool not in ("memcping", "memcaslap") else []
    command = [tool, f"--servers={host}:{port}", *protocol, *words]
    return subprocess.run(command, capture_output=True, timeout=TOOL_LIMIT_S, stdin=subprocess.DEVNULL, check=False)


def done(tool, *words):
    """Its output; anything but exit status 0 is a failure."""
    ended = call(tool, *words)
    check(ended.returncode == 0, f"{tool} {' '.join(words)}: {ended.returncode} {ended.stderr.decode()}")
    return ended.stdout


def version():
    return re.search(r"libmemcached v([0-9.]+)", done("memcping", "--version").decode()).group(1)


def refused(tool, *words):
    check(call(tool, *words).returncode == 1, f"{tool} {' '.join(words)} is not refused")


def key(name):
    return prefix + name


def store(name, value, *words):
    """memccp stores a file under its name."""
    path = folder / key(name)
    path.write_bytes(value)
    done("memccp", *words, str(path))


def load(name):
    """The value, or None."""
    path = folder / "loaded"
    ended = call("memccat", f"--file={path}", key(name))
    return path.read_bytes() if ended.returncode == 0 else None


def arrives(name, value):
    """The key has the value, at the latest in a moment."""
    until(f"{name} is {value[:40]!r}, {len(value)} bytes", lambda: load(name) == value)


def exists(name):
    return call("memcexist", key(name)).returncode == 0


def set_():
    for value in (b"value", b"", ALL_BYTES):
        store("set", value)
        arrives("set", value)


def get():
    same(load("get"), None, "memccat of an absent key")
    store("get", b"x" * 250)
    arrives("get", b"x" * 250)


def multi_get():
    for number in range(20):
        store(f"multi{number}", b"value%d" % number)
    keys = [key(f"multi{number}") for number in range(20)]
    values = b"".join(b"value%d\n" % number for number in range(20))
    until("memccat shows all of 20 keys", lambda: call("memccat", *keys).stdout == values)


def cas():
    raise NotThere("no tool of libmemcached does a cas")


def incr():
    raise NotThere("no tool of libmemcached increments")


def touch():
    refused("memctouch", "--expire=100", key("touch"))
    store("touch", b"touched", "--expire=100")
    until("the new key exists", lambda: exists("touch"))
    done("memctouch", "--expire=1", key("touch"))
    until("the touched key expires", lambda: not exists("touch"))


def expire():
    store("expire-later", b"later", "--expire=100")
    store("expire", b"soon", "--expire=1")
    arrives("expire-later", b"later")
    until("the key expires", lambda: not exists("expire"))
    same(load("expire-later"), b"later", "memccat of a key that expires later")


def delete():
    store("delete", b"x")
    until("the new key exists", lambda: exists("delete"))
    done("memcrm", key("delete"))
    until("the key is gone", lambda: not exists("delete"))
    refused("memcrm", key("delete"))


def large():
    for size in LARGE_SIZES:
        store("large", large_value(size))
        arrives("large", large_value(size))


def add_replace():
    path = folder / key("store")
    path.write_bytes(b"replaced")
    refused("memccp", "--replace", str(path))
    store("store", b"added", "--add")
    refused("memccp", "--add", str(path))
    store("store", b"replaced", "--replace")
    arrives("store", b"replaced")


def stats():
    done("memcping")
    told = call("memcstat", "--server-version").stderr.decode()
    check(re.search(r" \d+\.\d+\.\d+$", told.strip()), f"memcstat --server-version: {told}")
    check(b"curr_connections" in done("memcstat"), "memcstat shows no curr_connections")
    check(b":" in done("memcstat", "settings").partition(b"\n")[2], "memcstat settings is empty")


def slap(*words):
    """Keys and values are memcaslap's; it compares each byte that it reads."""
    protocol = ["--binary"] if binary else []
    output = done("memcaslap", "--threads=2", "--concurrency=8", "--execute_number=10000", "--verify=1.0", *protocol,
                  *words).decode()
    counts = dict(re.findall(r"^(\w+): (\d+)$", output, re.MULTILINE))
    check(int(counts["cmd_get"]) + int(counts["cmd_set"]) >= 10000, f"memcaslap did too little: {output}")
    for name in ("get_misses", "verify_misses", "verify_failed"):
        same(counts[name], "0", f"memcaslap's {name}")


def verify():
    slap()
    slap("--division=20")  # gets of 20 keys


try:
    run(f"libmemcached tools {version()}", {
        "set": set_, "get": get, "multi-get": multi_get, "cas": cas, "incr": incr, "touch": touch,
        "expire": expire, "delete": delete, "large": large, "store": add_replace, "stats": stats,
        "verify": verify,
    })
finally:
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
