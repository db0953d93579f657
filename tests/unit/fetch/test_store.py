"""The file of what was fetched: bounded, crash safe, and begun anew when it is damaged."""

import os
import signal
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sithsd.fetch.model import Entry, Kind
from sithsd.fetch.store import APPLICATION_ID, VERSION, Store, StoreError

NOW = datetime(2028, 1, 1, tzinfo=UTC)
MEGABYTE = 1024 * 1024


def entry(key: str = "crl", *, asked: timedelta = timedelta(0), size: int = 5) -> Entry:
    """Make an entry."""
    return Entry(
        key=key,
        kind=Kind.CRL,
        url="http://crl.example.se/a.crl",
        fetched_at=NOW,
        asked_at=NOW + asked,
        this_update=NOW - timedelta(hours=1),
        next_update=NOW + timedelta(days=7),
        number=2**159 + 1,
        nonce=b"\x00\xff",
        size=size,
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the file is."""
    return tmp_path / "state" / "fetched.sqlite"


def test_what_is_put_is_there_after_a_new_start(path: Path) -> None:
    """Every field and byte comes back, from a file that is its owner's alone; an answer takes another's place."""
    with Store(path, MEGABYTE) as store:
        assert store.entries() == []
        store.put(entry(), b"bytes")
        store.put(entry("other"), b"12345")
        store.put(entry(), b"newer")
    assert path.stat().st_mode & 0o777 == 0o600
    with Store(path, MEGABYTE) as store:
        assert store.set_aside is None
        assert sorted(store.entries(), key=lambda one: one.key) == [entry(), entry("other")]
        assert (store.content("crl"), store.content("none")) == (b"newer", None)
        store.asked(["crl"], NOW + timedelta(days=1))
        store.drop(["other"])
        assert store.entries() == [entry(asked=timedelta(days=1))]


def test_what_was_not_asked_for_the_longest_goes_first(path: Path) -> None:
    """Over the bound of bytes the oldest question's answer goes, never the new one; and what is too much is refused."""
    with Store(path, 1000) as store:
        for number in range(4):
            assert store.put(entry(f"{number}", asked=timedelta(days=number), size=250), bytes(250)) == []
        store.asked(["0"], NOW + timedelta(days=9))
        assert store.put(entry("new", asked=timedelta(days=-9), size=400), bytes(400)) == ["1", "2"]
        assert {one.key for one in store.entries()} == {"0", "3", "new"}
        assert store.put(entry("new", size=500), bytes(500)) == []
        with pytest.raises(StoreError, match="more than all may have"):
            store.put(entry("huge", size=1001), bytes(1001))
        assert sum(one.size for one in store.entries()) <= 1000


def test_rows_are_bounded(path: Path) -> None:
    """However small the answers are, so many are kept and no more."""
    with Store(path, MEGABYTE, most_rows=10) as store:
        for number in range(25):
            store.put(entry(f"{number}", asked=timedelta(seconds=number)), b"12345")
        assert sorted(int(one.key) for one in store.entries()) == list(range(15, 25))


def test_the_file_shrinks_with_what_is_in_it(path: Path) -> None:
    """Room that is no longer needed is given back to the disk."""
    with Store(path, 8 * MEGABYTE) as store:
        store.put(entry(size=4 * MEGABYTE), os.urandom(4 * MEGABYTE))
        large = path.stat().st_size
        store.drop(["crl"])
        assert path.stat().st_size < large / 10


def ruined(path: Path, how: str) -> None:
    """Damage the file."""
    if how == "cut short":
        os.truncate(path, path.stat().st_size // 2)
    elif how == "overwritten":
        with path.open("r+b") as file:
            file.seek(4096)
            file.write(os.urandom(8192))
    elif how == "garbage":
        path.write_bytes(os.urandom(20_000))
    else:
        with sqlite3.connect(path) as connection:
            connection.executescript(how)
        connection.close()


@pytest.mark.parametrize(
    "how",
    [
        "cut short",
        "overwritten",
        "garbage",
        f"PRAGMA user_version = {VERSION + 1}",
        "PRAGMA application_id = 7",
        "DROP TABLE answers",
        "CREATE TRIGGER t AFTER INSERT ON answers BEGIN DELETE FROM answers; END",
        "UPDATE answers SET kind = 'rumour'",
        "UPDATE answers SET number = 'many'",
        "UPDATE answers SET fetched_at = 9223372036854775807",
    ],
)
def test_a_damaged_file_is_put_aside_and_begun_anew(path: Path, how: str) -> None:
    """Whatever is wrong with the file, it is kept under another name, said, and replaced; so is the next one."""
    for _ in range(2):
        with Store(path, 8 * MEGABYTE) as store:
            for number in range(4):
                store.put(entry(f"{number}", size=10_000), os.urandom(10_000))
        ruined(path, how)
        with Store(path, 8 * MEGABYTE) as store:
            assert store.set_aside is not None
            assert store.set_aside.path == path.with_name("fetched.sqlite.damaged")
            assert store.set_aside.reason
            assert store.entries() == []
            store.put(entry(), b"bytes")
            assert store.content("crl") == b"bytes"
    assert {one.name for one in path.parent.iterdir()} - {"fetched.sqlite-journal"} == {
        "fetched.sqlite",
        "fetched.sqlite.damaged",
    }


def test_the_check_of_the_file_can_fail(path: Path) -> None:
    """A file that is whole is not put aside: the damage above is what is noticed."""
    with Store(path, MEGABYTE) as store:
        store.put(entry(), b"bytes")
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
        connection.execute("UPDATE answers SET asked_at = asked_at + 1")
    connection.close()
    with Store(path, MEGABYTE) as store:
        assert store.set_aside is None


def test_two_programs_do_not_use_one_file(path: Path) -> None:
    """While one has the file open the other is told, and nothing is put aside."""
    with Store(path, MEGABYTE) as store:
        with pytest.raises(StoreError, match="another daemon uses it"):
            Store(path, MEGABYTE)
        store.put(entry(), b"bytes")
    assert not path.with_name("fetched.sqlite.damaged").exists()


def test_a_full_disk_is_no_damage(path: Path) -> None:
    """What can't be written is told; what was there before stays, and is used again when there is room."""
    with Store(path, MEGABYTE) as store:
        store.put(entry(), b"bytes")
        store._connection.execute("PRAGMA max_page_count = 1")
        with pytest.raises(StoreError, match="full"):
            store.put(entry("large", size=500_000), bytes(500_000))
        assert store.content("crl") == b"bytes"
        store._connection.execute("PRAGMA max_page_count = 100000")
        store.put(entry("large", size=500_000), bytes(500_000))
    with Store(path, MEGABYTE) as store:
        assert (store.set_aside, len(store.entries())) == (None, 2)


def test_a_file_that_was_taken_away_is_told(path: Path) -> None:
    """Nothing is written into a file that has no name any more."""
    with Store(path, MEGABYTE) as store:
        path.unlink()
        with pytest.raises(StoreError, match="taken away"):
            store.put(entry(), b"bytes")


WRITER = """
import sys
from dataclasses import replace
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from test_store_entry import entry
from sithsd.fetch.store import Store
store = Store(Path(sys.argv[1]), 64 * 1024 * 1024)
number = 0
while True:
    number += 1
    content = bytes([number % 256]) * 300_000
    store.put(replace(entry(f"{number % 7}"), number=number, size=len(content)), content)
    print(number, flush=True)
"""


def test_a_kill_in_the_middle_of_writing_loses_nothing(path: Path, tmp_path: Path) -> None:
    """However often the program is killed while it writes, what it had written is whole, and nothing is half there."""
    (tmp_path / "test_store_entry.py").write_text(Path(__file__).read_text(encoding="utf-8"), encoding="utf-8")
    for round_ in range(5):
        command = [sys.executable, "-c", WRITER, str(path), str(tmp_path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            written = [int(writer.stdout.readline()) for _ in range(3 + round_)]
            writer.send_signal(signal.SIGKILL)
            written += [int(line) for line in writer.stdout]
        with Store(path, 64 * MEGABYTE) as store:
            assert store.set_aside is None
            kept = {int(one.key): one for one in store.entries()}
            for last in written[-7:]:
                number = kept[last % 7].number
                assert number is not None
                # The one that was being written when the end came may be there; nothing of it is half there.
                assert number in {last, last + 7}
                assert store.content(f"{last % 7}") == bytes([number % 256]) * 300_000
