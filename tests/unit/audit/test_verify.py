"""The verdict: whatever one row suffers is found, and the first row that suffered is named."""

import json
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sithsd.audit import reading
from sithsd.audit.chain import ALL_COLUMNS, COLUMNS, row_hash
from sithsd.audit.log import AuditLog
from sithsd.audit.reading import ReadingError, Wanted, rows
from sithsd.audit.verify import Finding, verify
from sithsd.clock import FixedClock
from sithsd.errors import ErrorCode, SithsdError
from tests.unit.audit.conftest import NOW, do, operation, tamper

NUMBERS = ("uid", "pid", "tries_before", "tries_after")
NEVER_NULL = ("time", "operation", "result", "previous", "hash")
# Rows 1 to 7 in the one file; 5 to 11 in the other, of which 8 tells that the first four were removed.
FILES = {"full": range(1, 8), "swept": range(5, 12)}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return two audits in good order: one from its first row on, and one whose oldest rows were removed."""
    found = {}
    for name in FILES:
        path = tmp_path_factory.mktemp("made") / f"{name}.sqlite"
        clock = FixedClock(NOW)
        audit = AuditLog.open(path, clock)
        swept = name == "swept"
        for number in range(4 if swept else 7):
            do(audit, card_serial=str(number), checklist={"receipt": number})
        if swept:
            clock.set(NOW + timedelta(days=20))
            for number in range(3):
                do(audit, "pin.wrong", uid=number)
            audit.close()
            audit = AuditLog.open(path, clock, 10)
            for number in range(3):
                do(audit, role=None, pid=number)
        audit.close()
        found[name] = path
    return found


class Copied:
    """A copy of one of the files, to be tampered with."""

    def __init__(self, made: dict[str, Path], name: str) -> None:
        self._folder = TemporaryDirectory()
        self.path = Path(shutil.copy(made[name], self._folder.name))

    def __enter__(self) -> Path:
        return self.path

    def __exit__(self, *_: object) -> None:
        self._folder.cleanup()


def content(path: Path, number: int) -> dict[str, Any]:
    """Return a row by its columns."""
    with closing(sqlite3.connect(path)) as connection:
        row = connection.execute(f"SELECT {', '.join(ALL_COLUMNS)} FROM rows WHERE number = ?", (number,)).fetchone()  # noqa: S608
    return dict(zip(ALL_COLUMNS, row, strict=True))


def put(path: Path, number: int, values: dict[str, Any]) -> None:
    """Give a row other values."""
    sets = ", ".join(f"{column} = :{column}" for column in values)
    tamper(path, (f"UPDATE rows SET {sets} WHERE number = {number}", values))  # type: ignore[arg-type]  # noqa: S608


def rehashed(values: dict[str, Any]) -> dict[str, Any]:
    """Return a row with the hash that its content has."""
    return {**values, "hash": row_hash(values["previous"], tuple(values[column] for column in COLUMNS))}


def places() -> st.SearchStrategy[tuple[str, int]]:
    """Return one of the files and the number of a row in it."""
    return st.sampled_from([(name, number) for name, numbers in FILES.items() for number in numbers])


@pytest.mark.parametrize("name", FILES)
def test_a_file_in_order_is_whole(made: dict[str, Path], name: str) -> None:
    """Nothing is found in what nobody touched; the verdict tells from where to where, and what policy removed."""
    verdict = verify(made[name])
    assert (verdict.finding, verdict.ok, verdict.number) == (Finding.WHOLE, True, None)
    numbers = FILES[name]
    assert (verdict.first, verdict.last, verdict.rows) == (numbers[0], numbers[-1], 7)
    assert verdict.removed_to == numbers[0] - 1
    assert verdict.head == content(made[name], numbers[-1])["hash"]


@settings(deadline=None)
@given(
    place=places(),
    column=st.sampled_from(ALL_COLUMNS[1:]),
    text=st.text(max_size=5),
    number=st.integers(-(2**40), 2**40),
    null=st.booleans(),
    recompute=st.booleans(),
)
def test_a_changed_value_is_found_in_its_row(  # noqa: PLR0913, PLR0917 - hypothesis gives each by its name
    made: dict[str, Path], place: tuple[str, int], column: str, text: str, number: int, null: bool, recompute: bool
) -> None:
    """Any value of any column of any row: the row is named, also when its own hash was made anew to fit."""
    name, at = place
    with Copied(made, name) as path:
        before = content(path, at)
        value = None if null and column not in NEVER_NULL else number if column in NUMBERS else text
        after = {**before, column: value}
        if recompute:
            after = rehashed(after)
        if after == before:
            return
        put(path, at, after)
        assert (verify(path).finding, verify(path).number) == (Finding.CHANGED, at)


@settings(deadline=None)
@given(place=places())
def test_a_removed_row_is_found(made: dict[str, Path], place: tuple[str, int]) -> None:
    """Wherever a row is taken out, at the beginning and the end too, its number is named."""
    name, at = place
    with Copied(made, name) as path:
        tamper(path, f"DELETE FROM rows WHERE number = {at}")  # noqa: S608 - a number
        assert (verify(path).finding, verify(path).number) == (Finding.MISSING, at)


@settings(deadline=None)
@given(place=places(), other=st.integers(0, 6), hashes=st.booleans())
def test_rows_that_changed_places_are_found(
    made: dict[str, Path], place: tuple[str, int], other: int, hashes: bool
) -> None:
    """Two rows whose contents were exchanged, with their hashes or without: the first of them is named."""
    name, at = place
    there = FILES[name][other]
    if there == at:
        return
    with Copied(made, name) as path:
        columns = ALL_COLUMNS[1:] if hashes else COLUMNS[1:]
        one, two = content(path, at), content(path, there)
        put(path, at, {column: two[column] for column in columns})
        put(path, there, {column: one[column] for column in columns})
        if content(path, at) == one:
            return
        first = min(at, there)
        assert (verify(path).finding, verify(path).number) == (Finding.CHANGED, first)


@pytest.mark.parametrize("name", FILES)
def test_rows_exchanged_by_their_numbers_are_found(made: dict[str, Path], name: str) -> None:
    """A number that was changed belongs to what is hashed."""
    first = FILES[name][2]
    with Copied(made, name) as path:
        tamper(
            path,
            f"UPDATE rows SET number = 1000 WHERE number = {first}",  # noqa: S608 - numbers
            f"UPDATE rows SET number = {first} WHERE number = {first + 1}",  # noqa: S608
            f"UPDATE rows SET number = {first + 1} WHERE number = 1000",  # noqa: S608
        )
        assert (verify(path).finding, verify(path).number) == (Finding.CHANGED, first)


@pytest.mark.parametrize("cover", [[], ["head"], ["sequence"]])
@pytest.mark.parametrize("name", FILES)
def test_rows_cut_off_at_the_end_are_found(made: dict[str, Path], name: str, cover: list[str]) -> None:
    """The head and SQLite's own sequence both know how many rows there were: to change one of them is not enough."""
    last = FILES[name][-3]
    with Copied(made, name) as path:
        kept = content(path, last)
        tamper(
            path,
            f"DELETE FROM rows WHERE number > {last}",  # noqa: S608 - a number
            *([("UPDATE head SET number = ?, hash = ?", (last, kept["hash"]))] if "head" in cover else []),
            *([f"UPDATE sqlite_sequence SET seq = {last} WHERE name = 'rows'"] if "sequence" in cover else []),  # noqa: S608
        )
        assert (verify(path).finding, verify(path).number) == (Finding.MISSING, last + 1)


def test_all_rows_removed_are_missed(made: dict[str, Path]) -> None:
    """An empty chain that was not empty before is no chain in order."""
    with Copied(made, "full") as path:
        tamper(path, "DELETE FROM rows")
        assert (verify(path).finding, verify(path).number) == (Finding.MISSING, 1)


def test_a_file_cut_off_with_skill_is_found_by_a_hash_from_elsewhere(made: dict[str, Path]) -> None:
    """What the file alone can't show, the journal's hash of a row does: it is in the chain, or it is not."""
    with Copied(made, "full") as path:
        lost, kept = content(path, 7)["hash"], content(path, 6)["hash"]
        assert verify(path, lost).ok
        tamper(
            path,
            "DELETE FROM rows WHERE number = 7",
            ("UPDATE head SET number = 6, hash = ?", (kept,)),
            "UPDATE sqlite_sequence SET seq = 6 WHERE name = 'rows'",
        )
        assert verify(path).ok
        assert verify(path, kept).ok
        assert verify(path, lost).finding is Finding.HASH_ABSENT


def test_the_hash_of_the_last_row_removed_by_policy_still_counts(made: dict[str, Path]) -> None:
    """A removal tells the last removed row's hash, so that a note of it still proves something."""
    assert verify(made["swept"], content(made["swept"], 5)["previous"]).ok


def test_a_chain_rewritten_after_a_removal_does_not_fit_what_was_removed(made: dict[str, Path]) -> None:
    """The row on a removal names the last removed row's hash: the first row that is left has to go on from it."""
    with Copied(made, "swept") as path:
        previous = "f" * 64
        for number in FILES["swept"]:
            row = rehashed({**content(path, number), "previous": previous})
            put(path, number, row)
            previous = row["hash"]
        tamper(path, ("UPDATE head SET hash = ?, removed_hash = ?", (previous, "f" * 64)))
        assert (verify(path).finding, verify(path).number) == (Finding.CHANGED, 5)


def test_old_rows_removed_without_policy_are_missed(made: dict[str, Path]) -> None:
    """To take away the oldest rows and tell the head so is not enough: a row of the chain has to say it."""
    with Copied(made, "full") as path:
        known = content(path, 2)["hash"]
        tamper(
            path,
            "DELETE FROM rows WHERE number < 3",
            ("UPDATE head SET removed_to = 2, removed_hash = ?", (known,)),
        )
        assert (verify(path).finding, verify(path).number) == (Finding.MISSING, 1)
    with Copied(made, "swept") as path:
        tamper(path, "DELETE FROM rows WHERE number < 7")
        assert (verify(path).finding, verify(path).number) == (Finding.MISSING, 5)


@pytest.mark.parametrize(("name", "at"), [("full", 8), ("full", 0), ("full", -5), ("swept", 12), ("swept", 4)])
def test_an_added_row_is_found(made: dict[str, Path], name: str, at: int) -> None:
    """A row that the daemon did not write, before the first or after the last, with a hash that fits."""
    with Copied(made, name) as path:
        near = content(path, FILES[name][-1] if at > 7 else FILES[name][0])
        forged = rehashed({**near, "number": at, "previous": near["hash"] if at > 7 else near["previous"]})
        marks = ", ".join(f":{column}" for column in forged)
        tamper(path, (f"INSERT INTO rows ({', '.join(forged)}) VALUES ({marks})", forged))  # type: ignore[arg-type]  # noqa: S608
        verdict = verify(path)
        assert verdict.number == at
        assert verdict.finding in {Finding.ADDED, Finding.CHANGED}


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM head",
        "UPDATE head SET hash = 'a'",
        "UPDATE sqlite_sequence SET seq = 3 WHERE name = 'rows'",
        "DELETE FROM sqlite_sequence",
    ],
)
def test_what_stands_beside_the_rows_is_checked_too(made: dict[str, Path], statement: str) -> None:
    """A head or a sequence that does not fit the rows is found, whichever of the two was changed."""
    with Copied(made, "full") as path:
        tamper(path, statement)
        assert verify(path).finding is Finding.CHANGED


def test_a_row_of_bytes_and_fractions_is_a_changed_row(made: dict[str, Path]) -> None:
    """Values of kinds that are never written, and texts that are no UTF-8, are changes, not faults of ours."""
    for value in ("x'FFFE'", "2.5", "CAST(x'FF' AS TEXT)"):
        with Copied(made, "full") as path:
            with closing(sqlite3.connect(path)) as connection:
                schema = connection.execute("SELECT sql FROM sqlite_schema WHERE name = 'rows'").fetchone()[0]
            loose = schema.replace("CREATE TABLE rows", "CREATE TABLE loose").replace(") STRICT", ")")
            loose = loose.replace("program TEXT", "program")
            change = f"UPDATE loose SET program = {value} WHERE number = 4"  # noqa: S608 - own values
            tamper(path, loose, "INSERT INTO loose SELECT * FROM rows", change)
            with closing(sqlite3.connect(path, isolation_level=None)) as connection:
                # As somebody does who edits the file itself: the strict table stands before loose rows.
                run = connection.execute
                (root,) = run("SELECT rootpage FROM sqlite_schema WHERE name = 'loose'").fetchone()
                run("PRAGMA writable_schema = ON")
                run("DELETE FROM sqlite_schema WHERE name = 'loose'")
                run("UPDATE sqlite_schema SET rootpage = ? WHERE name = 'rows'", (root,))
                run("DELETE FROM sqlite_sequence WHERE name = 'loose'")
            assert (verify(path).finding, verify(path).number) == (Finding.CHANGED, 4)
            # It is shown all the same: whoever looks for it has to see it.
            assert [row.number for row in rows(path, Wanted())] == list(FILES["full"])
            assert json.dumps([row.as_json() for row in rows(path, Wanted())])


def test_tables_that_are_not_ours_are_not_believed(made: dict[str, Path]) -> None:
    """A view in the place of the rows, or triggers taken away, make it no audit any more."""
    for statement in ("ALTER TABLE rows ADD COLUMN more2 TEXT", "CREATE TABLE other (a)", "DROP VIEW chain"):
        with Copied(made, "full") as path:
            tamper(path, statement)
            assert verify(path).finding is Finding.FILE_FOREIGN


def test_files_that_are_no_audit_are_told_apart(tmp_path: Path) -> None:
    """No file, a file of something else, an empty one, a folder: each is a verdict."""
    text = tmp_path / "text"
    text.write_text("no database" * 1000)
    empty = tmp_path / "empty"
    empty.touch()
    other = tmp_path / "other"
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE rows (number)")
    found = {path.name: verify(path).finding for path in (tmp_path / "none", text, empty, other, tmp_path)}
    assert found == {
        "none": Finding.FILE_ABSENT,
        "text": Finding.FILE_UNREADABLE,
        "empty": Finding.FILE_FOREIGN,
        "other": Finding.FILE_FOREIGN,
        tmp_path.name: Finding.FILE_UNREADABLE,
    }


@settings(deadline=None)
@given(where=st.floats(0, 1, exclude_max=True), junk=st.binary(min_size=1, max_size=64))
def test_a_damaged_file_is_a_verdict_or_is_not_damaged(made: dict[str, Path], where: float, junk: bytes) -> None:
    """Whatever bytes are written over the file, each program that uses it says so by name or goes on.

    If all is said to be whole, the rows are.
    """
    before = list(rows(made["swept"], Wanted()))
    with Copied(made, "swept") as path:
        with path.open("r+b") as file:
            file.seek(int(path.stat().st_size * where))
            file.write(junk)
        whole = verify(path).ok
        try:
            found = list(rows(path, Wanted()))
        except ReadingError:
            found = []
        assert json.dumps([row.as_json() for row in found])
        assert found == before or not whole
        audit = AuditLog(path, FixedClock(NOW), keep_days=1)
        try:
            audit.finish(audit.begin(operation()), "done")
        except SithsdError as error:
            assert error.code is ErrorCode.AUDIT_UNAVAILABLE  # noqa: PT017 - one of two good ends
        finally:
            audit.close()


def test_a_file_is_verified_in_pieces(
    monkeypatch: pytest.MonkeyPatch, opened: Callable[..., AuditLog], path: Path
) -> None:
    """Where one piece ends and the next begins, nothing is lost and nothing is let through."""
    monkeypatch.setattr("sithsd.audit.verify.PIECE", 3)
    monkeypatch.setattr(reading, "PIECE", 3)
    audit = opened()
    for count in range(1, 8):
        do(audit)
        assert (verify(path).ok, verify(path).rows) == (True, count)
        assert [row.number for row in rows(path, Wanted())] == list(range(1, count + 1))
    audit.close()
    put(path, 3, rehashed({**content(path, 3), "uid": 0}))
    assert (verify(path).finding, verify(path).number) == (Finding.CHANGED, 3)


def test_it_works_while_the_daemon_writes(opened: Callable[..., AuditLog], path: Path) -> None:
    """Rows that come while the chain is followed disturb neither the reader nor the writer."""
    audit = opened(busy_seconds=10)
    do(audit)
    ended = threading.Event()
    verdicts = []

    def look() -> Iterator[None]:
        while not ended.is_set():
            verdicts.append(verify(path))
            yield

    looking = threading.Thread(target=lambda: list(look()))
    looking.start()
    try:
        for _ in range(100):
            do(audit)
    finally:
        ended.set()
        looking.join()
    assert verdicts
    assert {verdict.finding for verdict in verdicts} == {Finding.WHOLE}
    assert verify(path).rows == 101


def test_rows_removed_by_policy_under_the_walk_are_no_fault(
    monkeypatch: pytest.MonkeyPatch, opened: Callable[..., AuditLog], path: Path, clock: FixedClock
) -> None:
    """A removal while the chain is followed makes the walk begin again."""
    monkeypatch.setattr("sithsd.audit.verify.PIECE", 2)
    audit = opened(keep_days=1)
    for _ in range(6):
        do(audit)
    real, calls = verify.__globals__["_sound"], []

    def sound(row: tuple[Any, ...]) -> bool:
        calls.append(row)
        if len(calls) == 1:
            clock.set(NOW + timedelta(days=2))
            do(audit)
        return bool(real(row))

    monkeypatch.setitem(verify.__globals__, "_sound", sound)
    verdict = verify(path)
    assert (verdict.finding, verdict.first, verdict.last, verdict.removed_to) == (Finding.WHOLE, 7, 8, 6)


HOT = """
import os, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA journal_mode = PERSIST")
connection.execute("PRAGMA cache_size = 1")
connection.execute("BEGIN IMMEDIATE")
connection.execute("UPDATE head SET hash = 'half', number = 1000")
connection.execute("UPDATE reserve SET filler = randomblob(3000)")
os._exit(0)
"""


def test_what_a_killed_daemon_left_half_written_is_read_as_it_was(made: dict[str, Path]) -> None:
    """A file with a journal to be rolled back is verified in a copy; the evidence itself stays as it is."""
    with Copied(made, "full") as path:
        subprocess.run([sys.executable, "-I", "-c", HOT, path], check=True)
        journal = path.with_name(f"{path.name}-journal")
        before = (path.read_bytes(), journal.read_bytes())
        assert b"half" in before[0]
        assert verify(path).ok
        assert [row.number for row in rows(path, Wanted())] == list(FILES["full"])
        assert (path.read_bytes(), journal.read_bytes()) == before


def test_what_has_begun_is_counted(opened: Callable[..., AuditLog], path: Path) -> None:
    """Operations that have no row yet are told: after a crash there may be some."""
    audit = opened()
    audit.begin(operation())
    audit.begin(operation())
    assert (verify(path).ok, verify(path).pending, verify(path).rows) == (True, 2, 0)
