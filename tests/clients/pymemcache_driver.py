"""pymemcache, text protocol."""
import os
import ssl

import pymemcache
from pymemcache.client.base import Client
from pymemcache.exceptions import MemcacheClientError

from driver import ALL_BYTES, LARGE_SIZES, arguments, check, large_value, run, same, until

host, port, prefix, _ = arguments()
authority = os.environ.get("FLARE_TLS_CA")
tls = ssl.create_default_context(cafile=authority) if authority else None
client = Client((host, port), connect_timeout=5, timeout=10, default_noreply=False, key_prefix=prefix.encode(),
                tls_context=tls)


def set_():
    for value in (b"value", b"", ALL_BYTES):
        same(client.set("set", value), True, "set")
        same(client.get("set"), value, "get after set")
    same(client.set_many({"set1": b"1", "set2": b"2"}), [], "keys that set_many could not set")
    same(client.set("set", b"unanswered", noreply=True), True, "set with noreply")
    same(client.get("set"), b"unanswered", "get after set with noreply")


def get():
    same(client.get("get"), None, "get of an absent key")
    client.set("get", b"x" * 250, flags=4294967295)
    same(client.get("get"), b"x" * 250, "get")


def multi_get():
    values = {f"multi{number}": b"%d" % number for number in range(200)}
    same(client.set_many(values), [], "keys that set_many could not set")
    same(client.get_many(list(values) + ["multi-absent"]), values, "get_many")
    same(sorted(client.gets_many(list(values))), sorted(values), "keys of gets_many")


def cas():
    same(client.cas("cas", b"x", b"1"), None, "cas of an absent key")
    client.set("cas", b"first")
    value, unique = client.gets("cas")
    same(value, b"first", "gets")
    same(client.cas("cas", b"second", unique), True, "cas")
    same(client.cas("cas", b"third", unique), False, "cas with a stale unique")
    same(client.get("cas"), b"second", "get after cas")


def incr():
    same(client.incr("incr", 1), None, "incr of an absent key")
    client.set("incr", b"10")
    same(client.incr("incr", 5), 15, "incr")
    same(client.decr("incr", 6), 9, "decr")
    same(client.decr("incr", 100), 0, "decr below 0")
    client.set("incr", b"text")
    try:
        client.incr("incr", 1)
    except MemcacheClientError:
        # The client reconnects after it, so a slave need not know its writes yet.
        until("the text is still there after a refused incr", lambda: client.get("incr") == b"text")
        return
    check(False, "incr of a text is not refused")


def touch():
    same(client.touch("touch", 100), False, "touch of an absent key")
    client.set("touch", b"touched", expire=100)
    same(client.touch("touch", 1), True, "touch")
    until("the touched key expires", lambda: client.get("touch") is None)


def expire():
    client.set("expire-later", b"later", expire=100)
    client.set("expire", b"soon", expire=1)
    until("the key expires", lambda: client.get("expire") is None)
    same(client.get("expire-later"), b"later", "get of a key that expires later")
    client.set("expire-later", b"never", expire=-1)
    same(client.get("expire-later"), None, "get of a key with a negative expiry")


def delete():
    client.set("delete", b"x")
    same(client.delete("delete"), True, "delete")
    same(client.get("delete"), None, "get after delete")
    same(client.delete("delete"), False, "delete of an absent key")
    same(client.delete_many(["delete"]), True, "delete_many")


def large():
    for size in LARGE_SIZES:
        client.set("large", large_value(size))
        same(client.get("large"), large_value(size), f"get of {size} bytes")


def add_replace_append():
    same(client.replace("store", b"x"), False, "replace of an absent key")
    same(client.append("store", b"x"), False, "append to an absent key")
    same(client.add("store", b"b"), True, "add")
    same(client.add("store", b"x"), False, "add of a present key")
    same(client.append("store", b"c"), True, "append")
    same(client.prepend("store", b"a"), True, "prepend")
    same(client.get("store"), b"abc", "get after append and prepend")
    same(client.replace("store", b"new"), True, "replace")


def stats_version():
    check(client.version()[:1].isdigit(), f"version {client.version()}")
    plain = Client((host, port), connect_timeout=5, timeout=10, tls_context=tls)  # the prefix would go before the word of stats
    check(int(plain.stats()[b"curr_connections"]) > 0, "stats have no curr_connections")
    check(isinstance(plain.stats("settings"), dict), "stats settings")


run(f"pymemcache {pymemcache.__version__}", {
    "set": set_, "get": get, "multi-get": multi_get, "cas": cas, "incr": incr, "touch": touch, "expire": expire,
    "delete": delete, "large": large, "store": add_replace_append, "stats": stats_version,
})
