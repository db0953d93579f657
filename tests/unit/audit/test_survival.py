"""A daemon killed at any moment, and a disk that is really full, leave a chain in order and lose no row."""

import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sithsd.audit.log import AuditLog
from sithsd.audit.reading import Wanted, rows
from sithsd.audit.verify import verify
from tests.unit.audit.conftest import do

KILLS = 20
SEED = 20280101

# Says what is on the disk as soon as it is there; ends by being killed.
WRITER = """
import sys
from pathlib import Path
from sithsd.audit.log import AuditLog
from sithsd.audit.model import Operation
from sithsd.clock import SystemClock
audit = AuditLog.open(Path(sys.argv[1]), SystemClock(), 730)
count = 0
while True:
    count += 1
    ticket = audit.begin(Operation("verify", card_serial=f"{sys.argv[2]}.{count}", tries_before=3))
    print("begun", ticket.operation.card_serial, flush=True)
    row = audit.finish(ticket, "done", tries_after=3, more={"x": "y" * 3000})
    print("ended", row.card_serial, row.hash, flush=True)
"""


def test_a_daemon_killed_at_any_moment_leaves_a_chain_in_order(opened: Callable[..., AuditLog], path: Path) -> None:
    """Killed again and again: each row told is in the chain, each operation begun has one row, and none has two."""
    chance = random.Random(SEED)  # noqa: S311 - which moment is no secret
    begun: set[str] = set()
    ended: dict[str, str] = {}
    for turn in range(KILLS):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, path, str(turn)], stdout=subprocess.PIPE, text=True)
        assert writer.stdout is not None
        lines = [writer.stdout.readline() for _ in range(chance.randrange(1, 12))]
        time.sleep(chance.random() * 0.003)
        writer.kill()
        lines += writer.stdout.readlines()
        writer.stdout.close()
        writer.wait()
        for line in lines:
            # The log's lines are there too, and the last line may have been cut off.
            if line.startswith(("begun ", "ended ")) and line.endswith("\n"):
                what, serial, *its_hash = line.split()
                begun.add(serial)
                ended.update({serial: its_hash[0]} if what == "ended" else {})
        assert verify(path).ok
    opened().close()
    verdict = verify(path)
    assert (verdict.ok, verdict.pending) == (True, 0)
    found = list(rows(path, Wanted()))
    by_serial = {row.card_serial: row for row in found}
    assert len(by_serial) == len(found)
    assert begun <= set(by_serial)
    assert all(by_serial[serial].hash == its_hash for serial, its_hash in ended.items())
    assert {row.result for serial, row in by_serial.items() if serial not in ended} <= {"unknown", "done"}
    assert len(ended) >= KILLS


# Runs in a mount namespace of its own, as a program of its own: the small disk is nobody else's.
SMALL_DISK = """
import os, subprocess, sys
from pathlib import Path
from sithsd.audit.log import AuditLog
from sithsd.audit.model import Operation
from sithsd.audit.reading import Wanted, rows
from sithsd.audit.verify import verify
from sithsd.clock import SystemClock
from sithsd.errors import ErrorCode, SithsdError

disk = Path(sys.argv[1])
path, filler = disk / "audit.sqlite", disk / "filler"
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m,mode=700", "tmpfs", disk], check=True)

def fill():
    with filler.open("ab", buffering=0) as file:
        for size in (65536, 4096, 1):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                pass

def begin():
    return audit.begin(Operation("verify", uid=1, program="p" * 128, checklist={"x": "y" * 4000}))

def refused(call, word):
    try:
        call()
    except SithsdError as error:
        assert error.code is ErrorCode.AUDIT_UNAVAILABLE, error
        assert word in error.detail, error.detail
    else:
        raise AssertionError("it was not refused")

# A disk that is full from the beginning: no audit, and as soon as there is room there is one.
fill()
audit = AuditLog(path, SystemClock(), keep_days=730)
refused(begin, "SQLITE_FULL")
filler.unlink()

done = 0
for turn in range(12):
    tickets = [begin() for _ in range(1 + turn % 3)]
    fill()
    # What the file has free in itself may still be given away, each time with the room of its row.
    for _ in range(1000):
        try:
            tickets.append(begin())
        except SithsdError as error:
            assert error.code is ErrorCode.AUDIT_UNAVAILABLE and "SQLITE_FULL" in error.detail, error
            break
    else:
        raise AssertionError("a full disk took everything")
    for ticket in tickets:
        row = audit.finish(ticket, "pin.wrong", tries_before=3, tries_after=2, more={"x": "y" * 4000})
        assert row is not None, f"turn {turn}: a row was not written"
        done += 1
    verdict = verify(path)
    assert verdict.ok and verdict.rows == done and verdict.pending == 0, verdict
    filler.unlink()

# A disk gone read-only in between: the row waits, and nothing begins.
ticket = begin()
audit.close()
subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
refused(begin, "Read-only file system")
assert verify(path).ok
subprocess.run(["mount", "-o", "remount,rw", disk], check=True)
assert audit.finish(ticket, "done") is not None
audit.close()
verdict = verify(path)
assert verdict.ok and verdict.rows == done + 1 and verdict.pending == 0, verdict
print("rows", len(list(rows(path, Wanted()))))
"""


def test_a_full_disk_refuses_what_begins_and_loses_nothing_that_began(tmp_path: Path) -> None:
    """On a real file system without a byte to spare, every operation that began has its row; others are refused."""
    own = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--mount", "--map-root-user"]
    if shutil.which("unshare") is None or subprocess.run([*own, "true"], capture_output=True, check=False).returncode:
        reason = "no mount namespace can be had here"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    told = subprocess.run(
        [*own, sys.executable, "-c", SMALL_DISK, tmp_path], capture_output=True, text=True, check=False, timeout=120
    )
    assert told.returncode == 0, told.stderr
    assert int(told.stdout.split()[-1]) > 12


# Python ignores SIGXFSZ, so that a write beyond the limit is an error like that of a quota.
QUOTA = """
import resource, sys
from pathlib import Path
from sithsd.audit.log import AuditLog
from sithsd.audit.model import Operation
from sithsd.clock import SystemClock
from sithsd.errors import SithsdError
path = Path(sys.argv[1])
audit = AuditLog.open(path, SystemClock())
tickets = [audit.begin(Operation("change")) for _ in range(2)]
resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size, resource.RLIM_INFINITY))
try:
    while True:
        tickets.append(audit.begin(Operation("change")))
except SithsdError as error:
    print(error.code)
print(all(audit.finish(ticket, "done", more={"x": "y" * 4000}) for ticket in tickets))
"""


def test_a_quota_refuses_what_begins_and_loses_nothing_that_began(opened: Callable[..., AuditLog], path: Path) -> None:
    """A file that may not grow is as good as a full disk."""
    told = subprocess.run([sys.executable, "-c", QUOTA, path], capture_output=True, text=True, check=True)
    assert told.stdout.splitlines()[-2:] == ["audit.unavailable", "True"]
    do(opened())
    assert verify(path).ok
