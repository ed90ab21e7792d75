"""pylibmc over libmemcached, text and binary protocol."""
import pylibmc

from driver import ALL_BYTES, LARGE_SIZES, arguments, check, large_value, run, same, until

host, port, prefix, binary = arguments()
BEHAVIORS = {"cas": True, "tcp_nodelay": True, "connect_timeout": 5000, "receive_timeout": 10_000_000}


def connect(**behaviors):
    return pylibmc.Client([f"{host}:{port}"], binary=binary, behaviors={**BEHAVIORS, **behaviors})


client = connect()


def key(name):
    return prefix + name


def refused(call, *words):
    """False or an error: which of them differs between the protocols."""
    try:
        result = call(*words)
    except pylibmc.Error:
        return
    same(result, False, f"{call.__name__} of {words[0]}")


def set_():
    for value in (b"value", b"", ALL_BYTES, "text", 12345, {"pickled": [1, 2]}):
        same(client.set(key("set"), value), True, "set")
        same(client.get(key("set")), value, "get after set")
    same(client.set_multi({"1": b"one", "2": b"two"}, key_prefix=key("set-")), [], "keys that set_multi could not set")
    same(client.get(key("set-2")), b"two", "get after set_multi")


def get():
    same(client.get(key("get")), None, "get of an absent key")
    client.set(key("get"), b"x" * 250)
    same(client.get(key("get")), b"x" * 250, "get")


def multi_get():
    values = {f"{number}": b"%d" % number for number in range(200)}
    client.set_multi(values, key_prefix=key("multi"))
    same(client.get_multi(list(values) + ["absent"], key_prefix=key("multi")), values, "get_multi")


def cas():
    refused(client.cas, key("cas"), b"x", 1)
    client.set(key("cas"), b"first")
    value, unique = client.gets(key("cas"))
    same(value, b"first", "gets")
    same(client.cas(key("cas"), b"second", unique), True, "cas")
    same(client.cas(key("cas"), b"third", unique), False, "cas with a stale unique")
    same(client.get(key("cas")), b"second", "get after cas")


def incr():
    refused(client.incr, key("incr"), 1)
    client.set(key("incr"), 10)
    same(client.incr(key("incr"), 5), 15, "incr")
    same(client.decr(key("incr"), 6), 9, "decr")
    same(client.decr(key("incr"), 100), 0, "decr below 0")
    client.set(key("incr"), b"text")
    refused(client.incr, key("incr"), 1)
    # libmemcached reconnects after that answer in binary, so a slave need not know this client's writes yet.
    until("the text is still there after a refused incr", lambda: client.get(key("incr")) == b"text")


def touch():
    same(client.touch(key("touch"), 100), False, "touch of an absent key")
    client.set(key("touch"), b"touched", time=100)
    same(client.touch(key("touch"), 1), True, "touch")
    until("the touched key expires", lambda: client.get(key("touch")) is None)


def expire():
    client.set(key("expire-later"), b"later", time=100)
    client.set(key("expire"), b"soon", time=1)
    until("the key expires", lambda: client.get(key("expire")) is None)
    same(client.get(key("expire-later")), b"later", "get of a key that expires later")


def delete():
    client.set(key("delete"), b"x")
    same(client.delete(key("delete")), True, "delete")
    same(client.get(key("delete")), None, "get after delete")
    same(client.delete(key("delete")), False, "delete of an absent key")


def large():
    for size in LARGE_SIZES:
        client.set(key("large"), large_value(size))
        same(client.get(key("large")), large_value(size), f"get of {size} bytes")
    client.set(key("large"), b"abc" * 1000_000, min_compress_len=1000)
    same(client.get(key("large")), b"abc" * 1000_000, "get of a compressed value")


def store():
    refused(client.replace, key("store"), b"x")
    refused(client.append, key("store"), b"x")
    same(client.add(key("store"), b"b"), True, "add")
    same(client.add(key("store"), b"x"), False, "add of a present key")
    same(client.append(key("store"), b"c"), True, "append")
    same(client.prepend(key("store"), b"a"), True, "prepend")
    same(client.get(key("store")), b"abc", "get after append and prepend")
    same(client.replace(key("store"), b"new"), True, "replace")


def unanswered():
    """Writes without answers: noreply in text, quiet requests in binary."""
    for behaviors in ({"_noreply": True}, {"no_block": True}):
        other = connect(**behaviors)
        for number in range(300):
            other.set(key(f"unanswered{number}"), b"%d" % number)
        same(other.get(key("unanswered299")), b"299", f"get after writes with {behaviors}")
        values = other.get_multi([str(number) for number in range(300)], key_prefix=key("unanswered"))
        same(values, {str(number): b"%d" % number for number in range(300)}, f"get_multi with {behaviors}")


def stats():
    [(_, values)] = client.get_stats()
    check(int(values["curr_connections" if "curr_connections" in values else b"curr_connections"]) > 0,
          "stats have no curr_connections")


run(f"pylibmc {pylibmc.__version__}", {
    "set": set_, "get": get, "multi-get": multi_get, "cas": cas, "incr": incr, "touch": touch, "expire": expire,
    "delete": delete, "large": large, "store": store, "unanswered": unanswered, "stats": stats,
})
