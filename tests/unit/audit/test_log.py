"""The log: room before the card is touched, a row after it, and nothing lost in between."""

import json
import os
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from sithsd.audit import schema
from sithsd.audit.log import AuditLog, Ticket
from sithsd.audit.model import MAX_JSON, MAX_TEXT, Event, Operation
from sithsd.audit.reading import Wanted, rows
from sithsd.audit.verify import verify
from sithsd.clock import FixedClock
from sithsd.errors import ErrorCode, SithsdError
from sithsd.secret import Secret
from tests.unit.audit.conftest import NOW, do, operation, tamper

Opened = Callable[..., AuditLog]


def refused(call: Callable[[], object]) -> str:
    """Return the detail of the audit.unavailable that a call ends with."""
    with pytest.raises(SithsdError) as caught:
        call()
    assert caught.value.code is ErrorCode.AUDIT_UNAVAILABLE
    return caught.value.detail


def test_an_operation_has_one_row(opened: Opened, path: Path) -> None:
    """Who, what, where, the result and the tries before and after: as told, with the time of the end in UTC."""
    audit = opened()
    ticket = audit.begin(operation(operation="activate", role=None, checklist={"b": 1, "a": "Å"}))
    row = audit.finish(ticket, "pin.wrong", tries_before=2, tries_after=1, more={"signature": "done"})
    (stored,) = rows(path, Wanted())
    assert stored == row
    assert stored.as_json() == {
        "number": 1,
        "time": "2028-01-01T12:00:00.123456Z",
        "operation": "activate",
        "uid": 1000,
        "pid": 4711,
        "program": "Siths' klient|å",
        "reader": "Reader 00 00",
        "cardSerial": "9752269801234567897",
        "role": None,
        "result": "pin.wrong",
        "triesBefore": 2,
        "triesAfter": 1,
        "checklist": {"a": "Å", "b": 1},
        "more": {"signature": "done"},
        "previous": "0" * 64,
        "hash": stored.hash,
    }


def test_a_row_has_the_tries_that_begin_was_told(opened: Opened) -> None:
    """Where nothing better is known at the end, the counter before is the one known at the beginning."""
    audit = opened()
    assert audit.finish(audit.begin(operation(tries_before=3)), "done").tries_before == 3  # type: ignore[union-attr]
    assert audit.finish(audit.begin(operation(tries_before=3)), "done", 2).tries_before == 2  # type: ignore[union-attr]


def test_an_event_has_its_row_at_once(opened: Opened, path: Path) -> None:
    """Tries lost elsewhere have no caller, and no beginning."""
    audit = opened()
    event = Operation(Event.TRIES_LOST_ELSEWHERE.value, card_serial="1", role="authentication")
    row = audit.note(event, "unknown", tries_before=3, tries_after=1)
    assert list(rows(path, Wanted())) == [row]
    assert (row.uid, row.program, row.tries_before, row.tries_after) == (None, None, 3, 1)


def test_operations_on_several_readers_go_on_together(opened: Opened, path: Path) -> None:
    """Threads begin and finish as they like: each operation has one row, and the chain is whole."""
    audit = opened(busy_seconds=10)

    def work(reader: str) -> None:
        for _ in range(20):
            do(audit, reader=reader)

    threads = [threading.Thread(target=work, args=(f"Reader {number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (verify(path).ok, verify(path).rows, verify(path).pending) == (True, 80, 0)


def test_what_begun_is_on_the_disk_before_begin_returns(opened: Opened, path: Path) -> None:
    """Another process sees what is about to be done: so would the next daemon, if this one were killed now."""
    opened().begin(operation(card_serial="1234"))
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        assert connection.execute("SELECT operation, card_serial FROM pending").fetchall() == [("verify", "1234")]


def test_what_was_interrupted_is_unknown_at_the_next_opening(opened: Opened, path: Path, clock: FixedClock) -> None:
    """Nobody knows whether it happened: a row says so, and the daemon is given what it needs to look at the card."""
    first = opened()
    first.begin(operation(card_serial="1", role="signature", tries_before=2))
    first.close()
    clock.set(NOW + timedelta(hours=1))
    with capture_logs() as told:
        second = opened()
    (row,) = second.interrupted
    assert (row.operation, row.result, row.card_serial, row.role, row.tries_before, row.tries_after) == (
        *("verify", "unknown", "1", "signature", 2),
        None,
    )
    assert row.as_json()["more"] == {"begun": "2028-01-01T12:00:00.123456Z", "event": "daemon.interrupted"}
    assert row.time == "2028-01-01T13:00:00.123456Z"
    assert {"event": "audit.row", "log_level": "info", "number": 1, "hash": row.hash} in told
    assert (verify(path).ok, verify(path).pending) == (True, 0)
    second.close()
    assert opened().interrupted == ()


def test_a_ticket_serves_once(opened: Opened) -> None:
    """A second row for one operation would be a lie; so would one for an operation that never began."""
    audit = opened()
    ticket = audit.begin(operation())
    audit.finish(ticket, "done")
    for wrong in (ticket, Ticket(99, operation())):
        with pytest.raises(ValueError, match="not open"):
            audit.finish(wrong, "done")


def test_a_locked_file_refuses_the_beginning_and_keeps_the_end(opened: Opened, path: Path) -> None:
    """While a row can't be written nothing begins; one that waits is told in the log, and comes first afterwards."""
    audit = opened()
    ticket, other = audit.begin(operation(role="signature")), audit.begin(operation(role="puk"))
    with closing(sqlite3.connect(path, isolation_level=None)) as locking:
        locking.execute("BEGIN EXCLUSIVE")
        with capture_logs() as told:
            assert audit.finish(ticket, "pin.wrong", tries_after=1) is None
            assert audit.finish(other, "done") is None
        assert [(line["event"], line["log_level"], line["waiting"]) for line in told] == [
            ("audit.rowNotWritten", "error", 1),
            ("audit.rowNotWritten", "error", 2),
        ]
        assert "SQLITE_BUSY" in refused(lambda: audit.begin(operation()))
        assert "SQLITE_BUSY" in refused(lambda: audit.note(Operation(Event.OUTCOME_LEARNT.value), "unknown"))
    with capture_logs() as told:
        do(audit)
    assert [line["number"] for line in told if line["event"] == "audit.row"] == [1, 2]
    assert [(row.role, row.result) for row in rows(path, Wanted())] == [
        *(("signature", "pin.wrong"), ("puk", "done")),
        ("authentication", "done"),
    ]
    assert (verify(path).ok, verify(path).pending) == (True, 0)


def test_what_waits_is_written_at_the_end(opened: Opened, path: Path) -> None:
    """A daemon that ends in order leaves no row behind."""
    audit = opened()
    ticket = audit.begin(operation())
    with closing(sqlite3.connect(path, isolation_level=None)) as locking:
        locking.execute("BEGIN EXCLUSIVE")
        assert audit.finish(ticket, "done") is None
    audit.close()
    assert [row.result for row in rows(path, Wanted())] == ["done"]


def test_what_waits_when_the_daemon_dies_is_unknown(opened: Opened, path: Path) -> None:
    """If it can't be written to the end, the record of the beginning is still there."""
    audit = opened()
    ticket = audit.begin(operation())
    with closing(sqlite3.connect(path, isolation_level=None)) as locking:
        locking.execute("BEGIN EXCLUSIVE")
        audit.finish(ticket, "done")
        with capture_logs() as told:
            audit.close()
    assert [line["event"] for line in told] == ["audit.rowNotWritten"]
    opened()
    assert [row.result for row in rows(path, Wanted())] == ["unknown"]


def test_a_full_database_refuses_the_beginning(opened: Opened, path: Path) -> None:
    """What has begun has its room: it ends with its row, however large; what has not begun is refused by name."""
    audit = opened()
    tickets = [audit.begin(operation()) for _ in range(3)]
    store = audit._store
    assert store is not None
    (pages,) = store._connection.execute("PRAGMA page_count").fetchone()
    store._connection.execute(f"PRAGMA max_page_count = {pages}")
    assert "SQLITE_FULL" in refused(lambda: audit.begin(operation()))
    largest = {"x": "y" * (MAX_JSON - 10)}
    for ticket in tickets:
        assert audit.finish(ticket, "r" * 500, tries_after=2, more=largest) is not None
    assert (verify(path).ok, verify(path).rows) == (True, 3)


def test_a_file_that_was_taken_away_is_not_written(opened: Opened, path: Path) -> None:
    """Rows that nobody would find are no rows: the daemon refuses, and does not begin a new chain on its own."""
    audit = opened()
    path.rename(path.with_suffix(".old"))
    assert "taken away" in refused(lambda: audit.begin(operation()))
    path.touch()
    assert "taken away" in refused(lambda: audit.begin(operation()))


def test_the_file_is_for_its_owner_alone(opened: Opened, path: Path) -> None:
    """Mode 0600 whatever the umask says and whatever the mode was, for the journal too."""
    old = os.umask(0)
    try:
        audit = opened()
        do(audit)
        audit.close()
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
        assert modes == {"audit.sqlite": 0o600, "audit.sqlite-journal": 0o600}
        path.chmod(0o644)
        os.umask(0o777)
        do(opened())
    finally:
        os.umask(old)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_link_is_not_followed(opened: Opened, path: Path) -> None:
    """Somebody who may make links in the folder does not choose which file is written."""
    target = path.with_name("target")
    path.symlink_to(target)
    assert refused(opened)
    assert not target.exists()


def test_a_file_of_another_owner_is_refused(opened: Opened, path: Path) -> None:
    """Whoever owns the file could change it."""
    if os.geteuid() != 0:
        pytest.skip("only root may give a file away")
    path.touch()
    os.chown(path, 12345, -1)
    assert "belongs to uid 12345" in refused(opened)


@pytest.mark.parametrize("kind", ["folder", "pipe"])
def test_what_is_no_file_is_refused(opened: Opened, path: Path, kind: str) -> None:
    """A folder or a pipe in the file's place is refused, and nothing hangs."""
    if kind == "folder":
        path.mkdir()
    else:
        os.mkfifo(path)
    assert refused(opened)


def test_two_daemons_do_not_share_a_file(opened: Opened) -> None:
    """What the one has begun must not be called interrupted by the other."""
    opened()
    assert "another daemon" in refused(opened)


def test_a_newer_schema_is_refused_by_name(opened: Opened, path: Path) -> None:
    """An older release does not write into what it does not know."""
    opened().close()
    tamper(path, f"PRAGMA user_version = {schema.VERSION + 1}")
    assert f"schema {schema.VERSION + 1}" in refused(opened)


def test_other_files_are_refused_and_left_alone(opened: Opened, path: Path) -> None:
    """A database of another program, or a text, is not made an audit."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("CREATE TABLE precious (thing)")
    before = path.read_bytes()
    assert "something else" in refused(opened)
    assert path.read_bytes() == before
    path.write_text("precious " * 1000)
    assert "SQLITE_NOTADB" in refused(opened)
    assert path.read_text() == "precious " * 1000


def test_an_audit_whose_head_is_gone_is_not_written(opened: Opened, path: Path) -> None:
    """Without a head nobody knows what to go on from."""
    audit = opened()
    tamper(path, "DELETE FROM head")
    refused(lambda: audit.note(operation(), "done"))


def test_a_file_that_comes_back_is_used_again(path: Path, clock: FixedClock) -> None:
    """The daemon starts without its audit, refuses operations, and needs no restart once it can be written."""
    path.mkdir()
    audit = AuditLog(path, clock)
    refused(audit.prepare)
    refused(lambda: audit.begin(operation()))
    assert audit.interrupted == ()
    path.rmdir()
    do(audit)
    audit.close()
    assert verify(path).rows == 1


def test_rows_are_not_changed_by_accident(opened: Opened, path: Path) -> None:
    """SQLite itself refuses to change a row, and to remove one that is not given up by policy."""
    do(opened())
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in ("UPDATE rows SET uid = 0", "DELETE FROM rows"):
            with pytest.raises(sqlite3.IntegrityError, match="of the audit"):
                connection.execute(statement)


def test_texts_from_outside_are_bounded(opened: Opened, path: Path) -> None:
    """A program may be called anything: what is stored is printable and not longer than the room kept for it."""
    row = do(opened(), program="\x1b[2J\n" + "å" * 5000, reader="\udc80")
    assert row.program == "\ufffd[2J\ufffd" + "å" * (MAX_TEXT - 5)
    assert row.reader == "\ufffd"
    assert list(rows(path, Wanted())) == [row]


def test_a_checklist_that_does_not_fit_refuses_the_beginning(opened: Opened) -> None:
    """What can't be kept is said before the card is touched."""
    audit = opened()
    for wrong in ({"a": "x" * MAX_JSON}, {"a": object()}, {"a": float("nan")}):
        with pytest.raises(ValueError, match="JSON"):
            audit.begin(operation(checklist=wrong))


def test_more_that_does_not_fit_does_not_cost_the_row(opened: Opened) -> None:
    """The result of what a card was sent is written, and what is left out is said. A secret is no JSON."""
    audit = opened()
    with Secret(b"271828") as secret, capture_logs() as told:
        one = audit.finish(audit.begin(operation()), "done", more={"x": "y" * MAX_JSON})
        two = audit.finish(audit.begin(operation()), "done", more={"x": secret})
    assert one is not None
    assert two is not None
    assert json.loads(one.more or "")["leftOut"].startswith("a JSON text of")
    assert two.more == '{"leftOut":"no JSON: TypeError"}'
    assert [line["event"] for line in told] == ["audit.moreLeftOut"] * 2


def test_old_rows_are_removed_by_policy(opened: Opened, path: Path, clock: FixedClock) -> None:
    """At the opening and once a day: a row tells up to which number, with the last removed row's hash."""
    audit = opened(keep_days=10)
    old = [do(audit) for _ in range(3)]
    clock.set(NOW + timedelta(days=5))
    do(audit)
    clock.set(NOW + timedelta(days=11))
    with capture_logs() as told:
        do(audit)
    found = list(rows(path, Wanted()))
    assert [row.number for row in found] == [4, 5, 6]
    removal = found[1]
    assert (removal.operation, removal.result, removal.as_json()["more"]) == (
        *("audit.retention", "done"),
        {"removedTo": 3, "removedHash": old[-1].hash},
    )
    assert {"event": "audit.row", "log_level": "info", "number": 5, "hash": removal.hash} in told
    assert (verify(path).ok, verify(path).removed_to) == (True, 3)
    clock.set(NOW + timedelta(days=11, hours=23))
    do(audit)
    assert len(list(rows(path, Wanted()))) == 4
    audit.close()
    clock.set(NOW + timedelta(days=40))
    audit = opened(keep_days=10)
    assert [row.operation for row in rows(path, Wanted())] == ["audit.retention"]
    assert (verify(path).ok, verify(path).removed_to) == (True, 7)
    audit.close()
    clock.set(NOW + timedelta(days=70))
    opened(keep_days=10)
    # A removal of nothing but an earlier removal's row would never end.
    assert [row.number for row in rows(path, Wanted())] == [8]


def test_a_clock_far_ahead_removes_nothing(opened: Opened, path: Path, clock: FixedClock) -> None:
    """One start with a wrong date must not cost the audit its rows, whatever an earlier daemon left open."""
    audit = opened(keep_days=10)
    do(audit)
    audit.begin(operation())
    audit.close()
    clock.set(NOW + timedelta(days=800))
    with capture_logs() as told:
        audit = opened(keep_days=10)
        do(audit)
    assert [row.number for row in rows(path, Wanted())] == [1, 2, 3]
    assert [line["event"] for line in told].count("audit.retentionPutOff") == 1
    clock.set(NOW + timedelta(days=1))
    do(audit)
    assert verify(path).rows == 4


def test_a_removal_takes_no_more_than_35_days(opened: Opened, path: Path, clock: FixedClock) -> None:
    """While the date goes on being wrong, a day's removal costs no more than that; a right one gets through in time."""
    audit = opened(keep_days=10)
    for days in (0, 30, 60, 90):
        clock.set(NOW + timedelta(days=days))
        audit.note(operation(), "done")
    left = []
    for days in (110, 111, 112):
        clock.set(NOW + timedelta(days=days))
        do(audit)
        left.append([row.number for row in rows(path, Wanted()) if row.number <= 4])
    assert left == [[3, 4], [], []]


@pytest.mark.parametrize("keep_days", [None, 0])
def test_without_a_policy_rows_are_kept_for_ever(
    opened: Opened, path: Path, clock: FixedClock, keep_days: int | None
) -> None:
    """No number of days, or 0, removes nothing."""
    audit = opened(keep_days=keep_days)
    do(audit)
    clock.set(NOW + timedelta(days=36500))
    do(audit)
    assert verify(path).rows == 2


def test_removed_rows_are_gone_from_the_disk(opened: Opened, path: Path, clock: FixedClock) -> None:
    """Who used which card is personal data: after the removal neither the file nor its journal has it any more."""
    audit = opened(keep_days=10)
    # Rows of a page each, more than the journal keeps room for.
    for _ in range(schema.RESERVE_PAGES + 10):
        audit.note(operation(program="Olle-was-here"), "done", more={"x": "Olle-was-here" * 250})
    clock.set(NOW + timedelta(days=11))
    do(audit, program="somebody else")
    audit.close()
    for file in path.parent.iterdir():
        assert b"Olle-was-here" not in file.read_bytes(), file.name


def test_a_removal_that_fails_keeps_nothing_from_beginning(
    opened: Opened, path: Path, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The removal needs the disk too: it is tried again the next day, and said in the log."""
    audit = opened(keep_days=10)
    do(audit)
    clock.set(NOW + timedelta(days=11))

    def fail(*_: object) -> None:
        raise sqlite3.OperationalError("disk")

    with monkeypatch.context() as patch, capture_logs() as told:
        patch.setattr("sithsd.audit.store.Store.remove_to", fail)
        do(audit)
    assert "audit.retentionFailed" in [line["event"] for line in told]
    assert [row.number for row in rows(path, Wanted())] == [1, 2]
    clock.set(NOW + timedelta(days=12))
    do(audit)
    assert verify(path).removed_to == 1


def test_a_clock_before_the_calendar_removes_nothing(opened: Opened, path: Path, clock: FixedClock) -> None:
    """A machine whose clock stands at its beginning is no reason to fail."""
    audit = opened(keep_days=36500)
    clock.set(NOW.replace(year=5))
    do(audit)
    assert verify(path).rows == 1


def test_rows_are_found_by_time_card_and_number(opened: Opened, path: Path, clock: FixedClock) -> None:
    """From a moment on, before a moment, one card's, the last few: alone and together, in the chain's order."""
    audit = opened()
    for hour in range(6):
        clock.set(NOW + timedelta(hours=hour))
        do(audit, card_serial=str(hour % 2))

    def numbers(**wanted: object) -> list[int]:
        return [row.number for row in rows(path, Wanted(**wanted))]  # type: ignore[arg-type]

    assert numbers() == [1, 2, 3, 4, 5, 6]
    assert numbers(since=NOW + timedelta(hours=2)) == [3, 4, 5, 6]
    assert numbers(until=NOW + timedelta(hours=2)) == [1, 2]
    assert numbers(serial="1") == [2, 4, 6]
    assert numbers(limit=2) == [5, 6]
    assert numbers(serial="0", until=NOW + timedelta(hours=4), limit=1) == [3]


def test_any_program_that_knows_sqlite_reads_it(opened: Opened, path: Path) -> None:
    """The file is an ordinary SQLite file: Python's own module, started without ours, reads it while it is written."""
    do(opened())
    connected = f"sqlite3.connect('file:{path}?mode=ro', uri=True)"
    script = f"import sqlite3; print({connected}.execute('PRAGMA integrity_check').fetchall())"
    told = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[('ok',)]"
