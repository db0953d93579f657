"""What was fetched, at hand: the store's rows in memory, its bytes when they are needed, CRLs parsed once.

A list of half a million entries takes a second to read, so the last ones stay in memory, up to a bound.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar

import structlog

from sithsd.certificate.read import Certificate
from sithsd.fetch.model import Entry, is_older
from sithsd.fetch.store import Store, StoreError
from sithsd.validity.revocation.authority import UnprovenError
from sithsd.validity.revocation.crl import RevocationList, parse

_T = TypeVar("_T")
_LIST_BYTES = 64 * 1024 * 1024
_LOOSE_BYTES = 32 * 1024 * 1024
_ASKED_ABOUT = timedelta(hours=1)

_log = structlog.get_logger("sithsd.fetch")


class Library:
    """For the event loop alone; the file is used in one thread of its own. `changed` is told of each new answer."""

    def __init__(self, store: Store, changed: Callable[[Entry], None] = lambda _entry: None) -> None:
        self._store = store
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store")
        self._entries = {entry.key: entry for entry in store.entries()}
        # What could not be written: told all the same, until the process ends or there is too much of it.
        self._loose: OrderedDict[str, bytes] = OrderedDict()
        self._parsed: OrderedDict[str, tuple[Entry, RevocationList]] = OrderedDict()
        self._reading: dict[str, asyncio.Lock] = {}
        self._keeping = asyncio.Lock()
        self.changed = changed

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All that is kept."""
        return tuple(self._entries.values())

    def entry(self, key: str) -> Entry | None:
        """Return what is kept under `key`, None if there is nothing."""
        return self._entries.get(key)

    async def close(self) -> None:
        """Write what is being written, and close the file."""
        await self._in_thread(self._store.close)
        self._thread.shutdown()

    async def content(self, key: str) -> bytes | None:
        """Return the bytes of an answer, None if there is none, or if it can't be read now."""
        if key in self._loose:
            return self._loose[key]
        try:
            return await self._in_thread(lambda: self._store.content(key))
        except StoreError as error:
            _log.warning("an answer can't be read", error=str(error))
            return None

    async def answer(self, key: str) -> tuple[Entry, bytes] | None:
        """Return what is kept under `key` and its bytes, None as for `content`. Both are of the same answer."""
        async with self._keeping:
            entry = self._entries.get(key)
            content = None if entry is None else await self.content(key)
            return None if entry is None or content is None else (entry, content)

    async def crl(self, key: str, issuer: Certificate) -> RevocationList | None:
        """Return the list that is kept under `key`, if `issuer` has signed it."""
        async with self._reading.setdefault(key, asyncio.Lock()):
            entry = self._entries.get(key)
            if entry is None:
                return None
            if (found := self._parsed.get(key)) is not None and found[0].fetched_at == entry.fetched_at:
                self._parsed.move_to_end(key)
                return found[1]
            content = await self.content(key)
            if content is None:
                return None
            try:
                parsed = await asyncio.to_thread(parse, content, issuer, url=entry.url, fetched_at=entry.fetched_at)
            except UnprovenError as error:
                _log.warning("a list that was kept proves nothing any more", url=entry.url, detail=str(error))
                await self.drop([key])
                return None
            self._remember(entry, parsed)
            return parsed

    async def keep(self, entry: Entry, content: bytes, at: datetime, parsed: RevocationList | None = None) -> bool:
        """Keep an answer that was proven, unless a newer one is kept; return whether it was.

        One that can't be written now is kept in memory.
        """
        # One after the other: else an older one could be found newer than what a newer one is about to replace.
        async with self._keeping:
            return await self._keep(entry, content, at, parsed)

    async def _keep(self, entry: Entry, content: bytes, at: datetime, parsed: RevocationList | None) -> bool:
        before = self._entries.get(entry.key)
        if before is not None and is_older(entry, before, at):
            return False
        gone: Iterable[str] = ()
        try:
            gone = await self._in_thread(lambda: self._store.put(entry, content))
            self._loose.pop(entry.key, None)
        except StoreError as error:
            _log.warning("an answer is kept in memory alone", url=entry.url, error=str(error))
            self._hold(entry.key, content)
        self._forget(gone)
        self._entries[entry.key] = entry
        self._parsed.pop(entry.key, None)
        if parsed is not None:
            self._remember(entry, parsed)
        self.changed(entry)
        return True

    async def asked(self, keys: Iterable[str], at: datetime) -> None:
        """Note that these answers were asked for; written once an hour at most."""
        late = [
            key for key in keys if (entry := self._entries.get(key)) is not None and at - entry.asked_at > _ASKED_ABOUT
        ]
        if not late:
            return
        for key in late:
            self._entries[key] = replace(self._entries[key], asked_at=at)
            self.changed(self._entries[key])
        try:
            await self._in_thread(lambda: self._store.asked(late, at))
        except StoreError as error:
            _log.warning("when something was asked for can't be written", error=str(error))

    async def drop(self, keys: Iterable[str]) -> None:
        """Forget answers."""
        gone = list(keys)
        if not gone:
            return
        self._forget(gone)
        try:
            await self._in_thread(lambda: self._store.drop(gone))
        except StoreError as error:
            _log.warning("answers can't be removed", error=str(error))

    async def _in_thread(self, work: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _remember(self, entry: Entry, parsed: RevocationList) -> None:
        self._parsed[entry.key] = (entry, parsed)
        self._parsed.move_to_end(entry.key)
        while len(self._parsed) > 1 and sum(one.size for one, _ in self._parsed.values()) > _LIST_BYTES:
            self._parsed.popitem(last=False)

    def _hold(self, key: str, content: bytes) -> None:
        self._loose[key] = content
        self._loose.move_to_end(key)
        while len(self._loose) > 1 and sum(map(len, self._loose.values())) > _LOOSE_BYTES:
            self._forget([next(iter(self._loose))])

    def _forget(self, keys: Iterable[str]) -> None:
        for key in keys:
            self._entries.pop(key, None)
            self._loose.pop(key, None)
            self._parsed.pop(key, None)
            self._reading.pop(key, None)
