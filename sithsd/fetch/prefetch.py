"""What was asked for lately is fetched anew before it outlives its next update, so that nobody has to wait for it.

Which holders' certificates were asked about stands in memory alone: after a new start their responses wait for the next
question. Lists are their issuers', and are kept up to date from the start on. Where nothing is kept nothing is waited
for: the machine is not woken.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from traceback import walk_tb
from typing import Final

import structlog

from sithsd.fetch.backoff import LONGEST, Pace
from sithsd.fetch.link import Link
from sithsd.fetch.model import Entry, Kind, ocsp_key
from sithsd.fetch.tools import Tools

# The machine may sleep meanwhile, which the loop's clock does not count.
_LONGEST_NAP: Final = 3600.0
_SHORTEST_NAP: Final = 1.0
_MOST_LINKS: Final = 512

Nap = Callable[[asyncio.Event, float | None], Awaitable[None]]

_log = structlog.get_logger("sithsd.fetch")


async def nap(disturbed: asyncio.Event, seconds: float | None) -> None:
    """Wait until disturbed, or for so many seconds."""
    try:
        async with asyncio.timeout(seconds):
            await disturbed.wait()
    except TimeoutError:
        return


class Prefetch:
    """Fetches one thing after the other as it gets due. `days`: for how long after it was last asked for; 0: never."""

    def __init__(self, tools: Tools, pace: Pace, days: int, *, wait: Nap = nap) -> None:
        self._library = tools.library
        self._paths = tools.paths
        self._places = tools.places
        self._asker = tools.asker
        self._backoff = tools.backoff
        self._clock = tools.clock
        self._pace = pace
        self._lately = timedelta(days=days)
        self._wait = wait
        self._disturbed = asyncio.Event()
        self._due: dict[str, datetime] = {}
        self._links: OrderedDict[str, Link] = OrderedDict()

    def begin(self) -> None:
        """Look through what is kept. What should have been fetched while nobody was there is fetched soon."""
        now = self._clock.now()
        for entry in self._library.entries:
            self.plan(entry)
            if entry.key in self._due and self._due[entry.key] <= now:
                self._due[entry.key] = self._pace.overdue(now)

    def asked(self, link: Link) -> None:
        """Note who was asked about, so that the response about it can be fetched anew."""
        if not self._lately:
            return
        key = ocsp_key(link.certificate.fingerprint)
        self._links[key] = link
        self._links.move_to_end(key)
        while len(self._links) > _MOST_LINKS:
            gone, _ = self._links.popitem(last=False)
            self._due.pop(gone, None)
        entry = self._library.entry(key)
        if entry is not None and key not in self._due:
            self.plan(entry)

    def plan(self, entry: Entry) -> None:
        """Decide when an answer that is kept is fetched anew, if it is."""
        if self._is_followed(entry) and entry.next_update is not None:
            self._due[entry.key] = self._pace.after(
                max(entry.fetched_at, entry.this_update or entry.fetched_at), entry.next_update
            )
            self._disturbed.set()
        else:
            self._due.pop(entry.key, None)

    def next_check(self, key: str) -> datetime | None:
        """Return when the answer under `key` is fetched anew, None if it is not."""
        return self._due.get(key)

    async def run(self) -> None:
        """Fetch what is due until cancelled."""
        while True:
            self._disturbed.clear()
            await self._wait(self._disturbed, self._seconds())
            now = self._clock.now()
            self._bring_near(now)
            for key in [key for key, due in self._due.items() if due <= now]:
                try:
                    await self._refresh(key)
                except Exception as error:  # noqa: BLE001 - a bug must not end what keeps all the others up to date
                    places = [f"{one.f_code.co_filename}:{line}" for one, line in walk_tb(error.__traceback__)]
                    _log.error("fault", error=type(error).__name__, places=places)
                    self._due[key] = self._clock.now() + LONGEST

    def _bring_near(self, now: datetime) -> None:
        """Plan anew what is later than any plan is: a clock that was ahead then has been set right since."""
        for key in [key for key, due in self._due.items() if due - now > 2 * self._pace.longest]:
            self._due[key] = self._pace.overdue(now)

    def _seconds(self) -> float | None:
        if not self._due:
            return None
        left = (min(self._due.values()) - self._clock.now()).total_seconds()
        return min(max(left, _SHORTEST_NAP), _LONGEST_NAP)

    def _is_followed(self, entry: Entry) -> bool:
        if self._clock.now() - entry.asked_at > self._lately or not self._lately:
            return False
        return entry.kind is Kind.CRL or (entry.kind is Kind.OCSP and entry.key in self._links)

    async def _refresh(self, key: str) -> None:
        entry = self._library.entry(key)
        if entry is None or not self._is_followed(entry):
            self._due.pop(key, None)
            self._links.pop(key, None)
            return
        before = self._due[key]
        if entry.kind is Kind.CRL:
            followed = await self._refresh_list(entry)
        else:
            followed = await self._refresh_response(entry, self._links[key])
        if not followed:
            self._due.pop(key, None)
            return
        soonest = self._clock.now() + self._pace.shortest
        if (next_try := self._backoff.next_try(entry.url)) is not None:
            self._due[key] = max(next_try, soonest)
        elif self._due.get(key) == before:  # nothing came, or there would be a new plan
            self._due[key] = soonest

    async def _refresh_list(self, entry: Entry) -> bool:
        """Fetch a list anew; return whether it is one that may still be asked for."""
        issuer = await self._paths.issuer(entry.key.split()[1])
        if issuer is None or not self._places.on_path([entry.url], issuer.world):
            return False
        await self._asker.crl(issuer.certificate, entry.url)
        return True

    async def _refresh_response(self, entry: Entry, link: Link) -> bool:
        if not self._places.on_path([entry.url], link.world):
            return False
        await self._asker.responder(link, entry.url)
        return True
