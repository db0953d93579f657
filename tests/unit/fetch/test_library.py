"""What was fetched, at hand: read once, never replaced by something older, and told even if it can't be written."""

import asyncio
import random
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from issuing import CRL

from sithsd.certificate.read import read
from sithsd.fetch import library as room
from sithsd.fetch.library import Library
from sithsd.fetch.model import Entry, Kind, crl_key
from sithsd.fetch.store import Store, StoreError
from sithsd.validity.revocation.crl import parse

MEGABYTE = 1024 * 1024


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the store is."""
    return tmp_path / "fetched.sqlite"


def entry(office: Any, content: bytes, *, minutes: int = 0, url: str = CRL) -> Entry:
    """Make the entry of a list that was made so many minutes after the first."""
    made = office.now + timedelta(minutes=minutes)
    key = crl_key(url, read(office.issuer.der).fingerprint)
    return Entry(key, Kind.CRL, url, office.now, office.now, made, made + timedelta(days=1), size=len(content))


async def test_whatever_comes_at_once_the_newest_is_kept(office: Any, path: Path) -> None:
    """Fifty answers at the same moment, in any order: what is kept, on disk too, is the newest of them."""
    library = Library(Store(path, MEGABYTE))
    order = list(range(50))
    random.Random(3).shuffle(order)  # noqa: S311 - the same chance in each run
    kept = await asyncio.gather(
        *(library.keep(entry(office, b"%d" % one, minutes=one), b"%d" % one, office.now) for one in order)
    )
    assert not all(kept)
    key = entry(office, b"").key
    assert await library.content(key) == b"49"
    await library.close()
    with Store(path, MEGABYTE) as store:
        assert store.content(key) == b"49"


async def test_a_list_is_read_once(office: Any, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many ask at once and after one another, a list is parsed once, until another one takes its place."""
    parsed = 0

    def counting(*arguments: Any, **more: Any) -> Any:
        nonlocal parsed
        parsed += 1
        return parse(*arguments, **more)

    monkeypatch.setattr(room, "parse", counting)
    library, issuer = Library(Store(path, MEGABYTE)), read(office.issuer.der)
    content = office.list()
    first = entry(office, content)
    await library.keep(first, content, office.now)
    found = await asyncio.gather(*(library.crl(first.key, issuer) for _ in range(100)))
    assert len({id(one) for one in found}) == parsed == 1
    newer = replace(first, fetched_at=office.now + timedelta(hours=1))
    await library.keep(newer, content, office.now)
    assert await library.crl(first.key, issuer) is not found[0]
    assert parsed == 2
    assert await library.crl(crl_key("http://other/", issuer.fingerprint), issuer) is None
    await library.close()


async def test_lists_in_memory_are_bounded(office: Any, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over the bound the list that was not used the longest is read again when it is needed; all are told."""
    content = office.list()
    monkeypatch.setattr(room, "_LIST_BYTES", 3 * len(content))
    library, issuer = Library(Store(path, MEGABYTE)), read(office.issuer.der)
    keys = []
    for number in range(10):
        one = entry(office, content, url=f"{CRL}?{number}")
        keys.append(one.key)
        await library.keep(one, content, office.now, parse(content, issuer))
        assert len(library._parsed) <= 3
    assert all([await library.crl(key, issuer) is not None for key in keys])
    assert len(library._parsed) <= 3
    await library.close()


async def test_what_can_not_be_written_is_told_all_the_same(
    office: Any, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a full disk an answer is kept in memory; what was written before stays, and is not told in its place."""
    store = Store(path, MEGABYTE)
    library, issuer = Library(store), read(office.issuer.der)
    old, new = office.list(number=1), office.list(office.leaf, number=2)
    key = entry(office, old).key
    await library.keep(entry(office, old), old, office.now)

    def full(*_: object) -> None:
        raise StoreError("the store: database or disk is full")

    monkeypatch.setattr(store, "put", full)
    assert await library.keep(entry(office, new, minutes=1), new, office.now)
    found = await library.crl(key, issuer)
    assert found is not None
    assert found.number == 2
    assert await library.content(key) == new
    await library.close()


async def test_a_list_that_proves_nothing_any_more_is_forgotten(office: Any, path: Path) -> None:
    """What lies in the file is proven again before it is used: changed bytes are thrown away."""
    library, issuer = Library(Store(path, MEGABYTE)), read(office.issuer.der)
    content = bytearray(office.list())
    content[-1] ^= 1
    one = entry(office, bytes(content))
    await library.keep(one, bytes(content), office.now)
    assert await library.crl(one.key, issuer) is None
    assert library.entries == ()
    await library.close()
