"""What this program sees of the machine for itself, without rights of its own: sockets, processes, USB, the clock."""

import ctypes
import errno
import os
import socket
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path

from sithsd.cli.doctor.facts import MachineFacts, Reach, Socket, UsbReader
from sithsd.locations import pcscd_socket

_CONNECT_SECONDS = 2.0
_MOST_PROCESSES = 8192
_MOST_NAMED = 16
_MOST_DEVICES = 256
_MOST_BYTES = 256
_REACHES = {
    errno.ENOENT: Reach.ABSENT,
    errno.ENOTDIR: Reach.ABSENT,
    errno.EACCES: Reach.DENIED,
    errno.EPERM: Reach.DENIED,
    errno.ECONNREFUSED: Reach.NOT_LISTENING,
}
_SMART_CARD_CLASS = "0b"  # bInterfaceClass (USB CCID 1.1, 4.3)
# <sys/timex.h>: adjtimex answers TIME_ERROR for a clock that nobody keeps in step; a call that only asks sets no mode.
_TIMEX_BYTES = 512
_TIME_OK, _TIME_ERROR = 0, 5


def look(now: datetime, *, proc: Path = Path("/proc"), devices: Path = Path("/sys/bus/usb/devices")) -> MachineFacts:
    """Return what can be seen of this machine."""
    return MachineFacts(
        now=now,
        uid=os.geteuid(),
        pcscd=reached(pcscd_socket()),
        pcscd_pids=tuple(sorted(islice(_named(proc, "pcscd"), _MOST_NAMED))),
        synchronised=synchronised(),
        usb_readers=tuple(_usb_readers(devices)),
    )


def reached(path: Path) -> Socket:
    """Connect to a Unix socket and say what came of it; nothing is sent."""
    mode = owner = group = None
    try:
        facts = path.stat()
        mode, owner, group = facts.st_mode & 0o7777, facts.st_uid, facts.st_gid
    except OSError as error:
        # What may not be looked at may not be connected to either, and connecting says why.
        if error.errno not in _REACHES:
            return Socket(str(path), Reach.FAILED)
    return Socket(str(path), _connected(path), mode, owner, group)


def _connected(path: Path) -> Reach:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as attempt:
        attempt.settimeout(_CONNECT_SECONDS)
        try:
            attempt.connect(str(path))
        except TimeoutError:
            return Reach.FAILED
        except OSError as error:
            return _REACHES.get(error.errno or 0, Reach.FAILED)
    return Reach.GOOD


def synchronised() -> bool | None:
    """Return whether the kernel says that its clock is kept in step (adjtimex(2)); None where it can't be asked."""
    try:
        ask = ctypes.CDLL(None).adjtimex
    except (OSError, AttributeError):
        return None
    state = ask(ctypes.create_string_buffer(_TIMEX_BYTES))
    return None if state < _TIME_OK else bool(state != _TIME_ERROR)


def _named(proc: Path, name: str) -> Iterator[int]:
    """Yield the numbers of the processes whose program has this name."""
    for folder in islice(_below(proc), _MOST_PROCESSES):
        if folder.name.isdecimal() and _word(folder / "comm") == name:
            yield int(folder.name)


def _usb_readers(devices: Path) -> Iterator[UsbReader]:
    found: set[Path] = set()
    for interface in islice(_below(devices), _MOST_DEVICES):
        # "1-2:1.0" is an interface of the device "1-2".
        device = devices / interface.name.partition(":")[0]
        if device in found or _word(interface / "bInterfaceClass") != _SMART_CARD_CLASS:
            continue
        bus, number = _number(device / "busnum"), _number(device / "devnum")
        if bus is not None and number is not None:
            found.add(device)
            power = device / "power"
            delay = _number(power / "autosuspend_delay_ms")
            yield UsbReader(bus, number, _word(power / "control"), delay, _word(power / "runtime_status"))


def _below(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _word(path: Path) -> str | None:
    """Return what a small file of the kernel's says, None where it can't be read."""
    try:
        with path.open("rb") as file:
            return file.read(_MOST_BYTES).decode("utf-8", "replace").strip() or None
    except OSError:
        return None


def _number(path: Path) -> int | None:
    try:
        return int(_word(path) or "")
    except ValueError:
        return None
