"""python-memcached, text protocol."""
import memcache

from driver import ALL_BYTES, LARGE_SIZES, arguments, check, large_value, run, same, until

host, port, prefix, _ = arguments()
client = memcache.Client([f"{host}:{port}"], socket_timeout=10, cache_cas=True,
                         server_max_value_length=64 * 1024 * 1024)


def key(name):
    return prefix + name


def set_():
    for value in (b"value", b"", ALL_BYTES, "text", 12345, {"pickled": [1, 2]}):
        same(client.set(key("set"), value), True, "set")
        same(client.get(key("set")), value, "get after set")
    same(client.set_multi({"1": b"one", "2": b"two"}, key_prefix=key("set-")), [], "keys that set_multi could not set")
    same(client.get(key("set-2")), b"two", "get after set_multi")
    client.set(key("set"), b"unanswered", noreply=True)
    same(client.get(key("set")), b"unanswered", "get after set with noreply")


def get():
    same(client.get(key("get")), None, "get of an absent key")
    client.set(key("get"), b"x" * 250)
    same(client.get(key("get")), b"x" * 250, "get")


def multi_get():
    values = {f"{number}": b"%d" % number for number in range(200)}
    same(client.set_multi(values, key_prefix=key("multi")), [], "keys that set_multi could not set")
    same(client.get_multi(list(values) + ["absent"], key_prefix=key("multi")), values, "get_multi")


def cas():
    client.set(key("cas"), b"first")
    same(client.gets(key("cas")), b"first", "gets")
    unique = client.cas_ids[key("cas").encode()]
    same(client.cas(key("cas"), b"second"), True, "cas")
    client.cas_ids[key("cas").encode()] = unique
    same(client.cas(key("cas"), b"third"), False, "cas with a stale unique")
    same(client.get(key("cas")), b"second", "get after cas")


def incr():
    same(client.incr(key("incr")), None, "incr of an absent key")
    client.set(key("incr"), "10")
    same(client.incr(key("incr"), 5), 15, "incr")
    same(client.decr(key("incr"), 6), 9, "decr")
    same(client.decr(key("incr"), 100), 0, "decr below 0")


def touch():
    same(client.touch(key("touch"), 100), 0, "touch of an absent key")
    client.set(key("touch"), b"touched", time=100)
    same(client.touch(key("touch"), 1), 1, "touch")
    until("the touched key expires", lambda: client.get(key("touch")) is None)


def expire():
    client.set(key("expire-later"), b"later", time=100)
    client.set(key("expire"), b"soon", time=1)
    until("the key expires", lambda: client.get(key("expire")) is None)
    same(client.get(key("expire-later")), b"later", "get of a key that expires later")


def delete():
    client.set(key("delete"), b"x")
    same(client.delete(key("delete")), 1, "delete")
    same(client.get(key("delete")), None, "get after delete")
    same(client.delete(key("delete")), 1, "delete of an absent key")
    client.set_multi({"1": b"1", "2": b"2"}, key_prefix=key("delete"))
    same(client.delete_multi(["1", "2"], key_prefix=key("delete")), 1, "delete_multi")
    same(client.get_multi(["1", "2"], key_prefix=key("delete")), {}, "get_multi after delete_multi")


def large():
    for size in LARGE_SIZES:
        same(client.set(key("large"), large_value(size)), True, f"set of {size} bytes")
        same(client.get(key("large")), large_value(size), f"get of {size} bytes")
    same(client.set(key("large"), b"abc" * 1000_000, min_compress_len=1000), True, "set of a compressed value")
    same(client.get(key("large")), b"abc" * 1000_000, "get of a compressed value")


def store():
    same(client.replace(key("store"), b"x"), False, "replace of an absent key")
    same(client.append(key("store"), b"x"), False, "append to an absent key")
    same(client.add(key("store"), b"b"), True, "add")
    same(client.add(key("store"), b"x"), False, "add of a present key")
    same(client.append(key("store"), b"c"), True, "append")
    same(client.prepend(key("store"), b"a"), True, "prepend")
    same(client.get(key("store")), b"abc", "get after append and prepend")
    same(client.replace(key("store"), b"new"), True, "replace")


def stats():
    [(_, values)] = client.get_stats()
    check(int(values["curr_connections"]) > 0, "stats have no curr_connections")
    [(_, settings)] = client.get_stats("settings")
    check(settings, "stats settings are empty")
    same(client.get(key("store")), b"new", "get after stats")


run(f"python-memcached {memcache.__version__}", {
    "set": set_, "get": get, "multi-get": multi_get, "cas": cas, "incr": incr, "touch": touch, "expire": expire,
    "delete": delete, "large": large, "store": store, "stats": stats,
})
