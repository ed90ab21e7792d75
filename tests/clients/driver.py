"""What the Python drivers share. A driver is called as PROGRAM HOST PORT PREFIX [binary] and prints one line for each
operation: `operation<TAB>ok|fail|none<TAB>detail`; none: the client's interface has it not, and the detail says so.
The first line is `client<TAB>ok<TAB>name and version`."""
import sys
import time

EXPIRE_LIMIT_S = 8
LARGE_SIZES = (1024 * 1024, 3 * 1024 * 1024 + 17)
ALL_BYTES = bytes(range(256))


class NotThere(Exception):
    """The client's interface has no such operation."""


def check(holds, what):
    if not holds:
        raise AssertionError(what)


def same(got, expected, what):
    """Byte for byte, type for type; long values are shown short."""
    if type(got) is not type(expected) or got != expected:
        raise AssertionError(f"{what}: got {shown(got)}, not {shown(expected)}")


def shown(value):
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:60]}... ({len(value)} long)"


def large_value(size):
    """Bytes without a short period, so that a lost or doubled piece shows."""
    lines = b"".join(b"%d\r\n\x00\xff" % number for number in range(size // 5 + 1))
    return lines[:size]


def until(what, condition):
    """Expiry is by a clock of seconds: asks until `condition` holds, with a deadline."""
    end = time.monotonic() + EXPIRE_LIMIT_S
    while not condition():
        check(time.monotonic() < end, f"waited {EXPIRE_LIMIT_S} s in vain: {what}")
        time.sleep(0.1)


def run(client, operations):
    """`operations`: name -> function without arguments; each runs, whatever happened to the others."""
    print(f"client\tok\t{client}", flush=True)
    for name, operation in operations.items():
        try:
            verdict, detail = "ok", operation() or ""
        except NotThere as reason:
            verdict, detail = "none", str(reason)
        except Exception as error:  # pylint: disable=broad-except
            verdict, detail = "fail", f"{type(error).__name__}: {error}"
        print(f"{name}\t{verdict}\t{' '.join(str(detail).split())[:400]}", flush=True)


def arguments():
    """(host, port, prefix, binary) of the command line."""
    if len(sys.argv) not in (4, 5) or sys.argv[4:] not in ([], ["binary"]):
        sys.exit(f"usage: {sys.argv[0]} HOST PORT PREFIX [binary]")
    return sys.argv[1], int(sys.argv[2]), sys.argv[3], len(sys.argv) == 5
