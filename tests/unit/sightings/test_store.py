"""Sightings: one row a card, no more than is said, for no longer than is said."""

import json
import os
import sqlite3
import stat
from datetime import date, timedelta
from pathlib import Path

import msgspec
import pytest

from sithsd.sightings.model import PSEUDONYM_LENGTH, Sighting
from sithsd.sightings.pseudonym import KeyFileError, Pseudonyms
from sithsd.sightings.store import SightingsError, Store, read
from sithsd.values import CardKind, Environment

DAY = date(2026, 11, 27)


def sighting(card: str = "0" * PSEUDONYM_LENGTH, seen: date = DAY, end: date = date(2029, 1, 1)) -> Sighting:
    """Return a card that was seen."""
    return Sighting(
        card=card,
        seen=seen,
        not_before=None,
        not_after=end,
        kind=CardKind.ORDINARY,
        environment=Environment.SIM,
        unit="A",
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the file is to be."""
    return tmp_path / "state" / "sightings.sqlite"


def test_a_card_has_one_row_the_last_time_that_it_was_seen(path: Path) -> None:
    """A card seen again replaces what was known of it: who sees the file sees no pattern of comings and goings."""
    store = Store(path, keep_days=30)
    store.record(sighting(seen=DAY - timedelta(days=3)))
    store.record(sighting(end=date(2030, 1, 1)))
    store.record(sighting("1" * PSEUDONYM_LENGTH))
    store.close()
    assert list(read(path)) == [sighting(end=date(2030, 1, 1)), sighting("1" * PSEUDONYM_LENGTH)]


def test_what_was_not_seen_for_the_days_of_the_policy_is_gone_from_the_file(path: Path) -> None:
    """Old rows go at the next sighting and when asked, and their bytes with them."""
    store = Store(path, keep_days=30)
    marked = "abcd" * (PSEUDONYM_LENGTH // 4)
    store.record(sighting(marked, DAY - timedelta(days=31)))
    store.record(sighting("2" * PSEUDONYM_LENGTH, DAY - timedelta(days=30)))
    assert marked.encode() in path.read_bytes()
    store.record(sighting())
    assert [one.card[0] for one in read(path)] == ["0", "2"]
    assert marked.encode() not in path.read_bytes()
    store.purge(DAY + timedelta(days=31))
    assert list(read(path)) == []
    store.close()


def test_the_file_is_the_daemon_s_alone(path: Path) -> None:
    """File and key are readable by their owner alone, and a link in the file's place is not followed."""
    Store(path, keep_days=30).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    Pseudonyms.open(path.with_name("key"))
    assert stat.S_IMODE(path.with_name("key").stat().st_mode) == 0o600
    link = path.with_name("link")
    link.symlink_to(path)
    with pytest.raises(OSError, match="symbolic links"):
        Store(link, keep_days=30)


def test_a_file_of_something_else_is_refused(path: Path) -> None:
    """A database with other tables, damage and nothing at all: each is an error, and never rows."""
    with pytest.raises(SightingsError) as absent:
        list(read(path))
    assert absent.value.absent
    path.parent.mkdir()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE sightings (card TEXT)")
    connection.close()
    with pytest.raises(SightingsError):
        list(read(path))
    with pytest.raises(SightingsError):
        Store(path, keep_days=30)
    path.write_bytes(b"SQLite format 3\x00" + bytes(4096))
    with pytest.raises(SightingsError):
        list(read(path))


def test_a_row_that_is_no_sighting_is_told(path: Path) -> None:
    """Whoever changed the file by hand gets an error and no wrong report."""
    store = Store(path, keep_days=30)
    store.record(sighting())
    store.close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE sightings SET kind = 'x'")
    connection.close()
    with pytest.raises(SightingsError):
        list(read(path))


def test_a_pseudonym_is_the_same_for_a_card_and_key_and_no_other(tmp_path: Path) -> None:
    """The same card has one name as long as the key is the same; another key, or another card, another name."""
    one, same = Pseudonyms.open(tmp_path / "key"), Pseudonyms.open(tmp_path / "key")
    other = Pseudonyms.open(tmp_path / "other")
    names = [made.of(serial) for made in (one, same, other) for serial in ("0A1B", "0a1b", "0A1C")]
    assert names[:3] == names[3:6]
    assert names[0] == names[1]
    assert len(set(names)) == 4


@pytest.mark.parametrize("wrong", ["readable", "short", "long", "link"])
def test_a_key_that_is_not_secret_or_not_whole_is_not_used(tmp_path: Path, wrong: str) -> None:
    """A key that others may read, that is too short or too long, or a link: an error, and no pseudonyms by it."""
    path = tmp_path / "key"
    Pseudonyms.open(path)
    match wrong:
        case "readable":
            path.chmod(0o640)
        case "short":
            path.write_bytes(b"x" * 31)
        case "long":
            path.write_bytes(b"x" * 33)
        case "link":
            path.rename(tmp_path / "real")
            path.symlink_to(tmp_path / "real")
    with pytest.raises((KeyFileError, OSError)):
        Pseudonyms.open(path)


def test_a_sighting_has_nothing_of_a_holder() -> None:
    """The fields are these, and a name, a number or a moment has no place among them."""
    written = json.loads(msgspec.json.encode(sighting()))
    assert list(written) == ["card", "seen", "notBefore", "notAfter", "kind", "environment", "unit"]
    assert written["seen"] == "2026-11-27"
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(msgspec.json.encode({**written, "holder": "x"}), type=Sighting)
    assert os.linesep not in written["card"]
