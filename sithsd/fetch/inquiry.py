"""What is known of a certificate's revocation: what is kept if it is fresh enough, else what its issuer says now."""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from sithsd.certificate.read import Certificate
from sithsd.fetch.asking import REST_SECONDS, Missed, nothing
from sithsd.fetch.flights import Flights, TooManyError
from sithsd.fetch.link import Link
from sithsd.fetch.model import crl_key, ocsp_key
from sithsd.fetch.paths import Path
from sithsd.fetch.tools import Tools
from sithsd.validity.freshness import choose, reason
from sithsd.validity.policy import DESK
from sithsd.validity.revocation import ocsp, sources
from sithsd.validity.revocation.crl import RevocationList, weigh
from sithsd.validity.revocation.model import Evidence, Failure, RevocationStatus, Source

LONGEST_WAIT: Final = 3.0
# A responder that has not answered by then is not waited for alone: the list is asked for too.
HEAD_START: Final = 1.0

NextCheck = Callable[[str], datetime | None]


@dataclass(frozen=True, slots=True)
class Patience:
    """How many seconds an answer may take at most, and how many a last look at what is kept when its time is up."""

    longest: float = LONGEST_WAIT
    last_look: float = 0.5


class Inquiry:
    """Answers about certificates.

    `next_check` tells when the answer under a key is fetched anew unasked; `asked` is told who is asked about.
    `tell_seconds` is a clock that only goes on.
    """

    def __init__(
        self,
        tools: Tools,
        *,
        next_check: NextCheck = lambda _key: None,
        asked: Callable[[Link], None] = lambda _link: None,
        tell_seconds: Callable[[], float] = time.monotonic,
        patience: Patience = Patience(),
    ) -> None:
        self._paths = tools.paths
        self._places = tools.places
        self._asker = tools.asker
        self._library = tools.library
        self._clock = tools.clock
        self._next_check = next_check
        self._asked = asked
        self._patience = patience
        self._searches: Flights[Path | None] = Flights(0, tell_seconds)
        self._answers: Flights[Evidence] = Flights(REST_SECONDS, tell_seconds)
        self._readings: Flights[list[Evidence]] = Flights(0, tell_seconds)

    async def close(self) -> None:
        """Give up what is under way."""
        await asyncio.gather(self._searches.close(), self._answers.close(), self._readings.close())

    async def check(
        self, certificate: Certificate, others: Sequence[Certificate], wait: float, *, fresh: bool = False
    ) -> tuple[list[Evidence], list[Certificate]]:
        """Return evidence for each certificate of the path but the anchor, and the CAs on it but the root.

        `wait`: the most seconds that it may take; with 0 nobody is asked. `fresh`: the issuers are asked, whatever is
        kept. What comes after that time is for the next question.
        """
        deadline = time.monotonic() + min(wait, self._patience.longest)
        path = await self._path(certificate, others, deadline)
        if path is None:
            missed = Evidence(
                certificate.fingerprint,
                certificate.serial_number,
                RevocationStatus.UNKNOWN,
                failure=Failure.CHAIN_UNKNOWN,
            )
            return [missed], []
        links = self._paths.links(path)
        for link in links:
            self._asked(link)
        evidence = await asyncio.gather(*(self._of(link, deadline, fresh=fresh) for link in links))
        await self._library.asked([key for link in links for key in self._keys(link)], self._clock.now())
        return list(evidence), [one for one in path[1:-1] if one.subject != one.issuer]

    async def _path(self, certificate: Certificate, others: Sequence[Certificate], deadline: float) -> Path | None:
        left = deadline - time.monotonic()
        if left <= 0:
            return await self._paths.find(certificate, others, fetch=False)
        key = (certificate.fingerprint, *(one.fingerprint for one in others))
        with suppress(TimeoutError, TooManyError):
            async with asyncio.timeout(left):
                return await self._searches.join(key, lambda: self._paths.find(certificate, others, fetch=True))
        return None

    async def _of(self, link: Link, deadline: float, *, fresh: bool) -> Evidence:
        left = deadline - time.monotonic()
        late = "nobody was asked"
        if left > 0:
            late = "no answer in time; it is waited for"
            key = link.certificate.fingerprint, fresh
            with suppress(TimeoutError, TooManyError):
                async with asyncio.timeout(left):
                    return await self._answers.join(key, lambda: self._ask(link, fresh=fresh))
        stored = await self._at_hand(link)
        failure = Failure.UNREACHABLE if self._urls(link) else Failure.NO_SOURCE
        return self._told(link, [*stored, nothing(link.certificate, None, Missed(None, failure, late))])

    async def _at_hand(self, link: Link) -> list[Evidence]:
        """Return what is kept, nothing where it takes long to read: a list of half a million entries may."""
        with suppress(TimeoutError, TooManyError):
            async with asyncio.timeout(self._patience.last_look):
                return await self._readings.join(link.certificate.fingerprint, lambda: self._stored(link))
        return []

    async def _ask(self, link: Link, *, fresh: bool) -> Evidence:
        stored = await self._stored(link)
        if not fresh and any(self._counts(one, link) for one in stored):
            return self._told(link, stored)
        if not self._urls(link):
            return self._told(link, [*stored, nothing(link.certificate, None, Missed(None, Failure.NO_SOURCE, ""))])
        return self._told(link, [*stored, *await self._from_issuer(link)])

    async def _from_issuer(self, link: Link) -> list[Evidence]:
        """Ask the responders, and, if that fails or takes its time, for the lists beside; the first proof ends it."""
        found = sources.of(link.certificate)
        responders = self._places.on_path(found.ocsp, link.world)
        lists = self._places.on_path(found.crls, link.world)
        deltas = self._places.on_path(found.delta_crls, link.world)
        answers: list[Evidence] = []
        asking: set[asyncio.Task[Evidence]] = set()
        loop = asyncio.get_running_loop()
        try:
            if responders:
                asking.add(loop.create_task(self._from_responders(link, responders)))
                done, asking = await asyncio.wait(asking, timeout=HEAD_START if lists else None)
                answers += [task.result() for task in done]
            if lists and not any(self._counts(one, link) for one in answers):
                asking.add(loop.create_task(self._from_lists(link, lists, deltas)))
            while asking and not any(self._counts(one, link) for one in answers):
                done, asking = await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED)
                answers += [task.result() for task in done]
        finally:
            # What they wait for goes on by itself, and is kept.
            for task in asking:
                task.cancel()
        return answers

    async def _from_responders(self, link: Link, urls: Iterable[str]) -> Evidence:
        answers: list[Evidence] = []
        at_hand = await self._lists_at_hand(link)
        for url in urls:
            answers.append(await self._asker.responder(link, url, at_hand))
            if self._counts(answers[-1], link):
                break
        return choose(answers, self._clock.now(), DESK, issuer=not link.holder) or answers[-1]

    async def _from_lists(self, link: Link, urls: Sequence[str], deltas: Sequence[str]) -> Evidence:
        """Fetch lists until they tell; several may be copies of one, or parts that tell only together."""
        changes = [asyncio.ensure_future(self._asker.crl(link.issuer, url)) for url in deltas]
        found: list[RevocationList] = []
        missed: list[Missed] = []
        for url in urls:
            one = await self._asker.crl(link.issuer, url)
            (missed if isinstance(one, Missed) else found).append(one)  # type: ignore[arg-type]  # told apart just now
            if found and self._counts(weigh(found, link.certificate, link.issuer, self._clock.now()), link):
                break
        for change in await asyncio.gather(*changes):
            (missed if isinstance(change, Missed) else found).append(change)  # type: ignore[arg-type]  # as above
        if not found:
            return nothing(link.certificate, Source.CRL, missed[-1])
        return weigh(found, link.certificate, link.issuer, self._clock.now())

    async def _stored(self, link: Link) -> list[Evidence]:
        """Return what is kept of a certificate, as it was when it was in time; it tells whether it still is."""
        found: list[Evidence] = []
        lists = await self._lists_at_hand(link)
        key = ocsp_key(link.certificate.fingerprint)
        kept = await self._library.answer(key)
        if kept is not None:
            entry, content = kept
            evidence = ocsp.examine(
                content,
                link.certificate,
                link.issuer,
                entry.fetched_at,
                nonce=entry.nonce,
                url=entry.url,
                fetched_at=entry.fetched_at,
                lists=lists,
            )
            if evidence.status is RevocationStatus.UNKNOWN:
                await self._library.drop([key])  # its issuer's key, or our demands, are others now
            else:
                found.append(evidence)
        if lists:
            now = self._clock.now()
            evidence = weigh(lists, link.certificate, link.issuer, now)
            if evidence.failure is Failure.STALE:
                evidence = weigh(lists, link.certificate, link.issuer, max(one.next_update for one in lists))
            if evidence.status is not RevocationStatus.UNKNOWN:
                found.append(evidence)
        return found

    async def _lists_at_hand(self, link: Link) -> list[RevocationList]:
        found = sources.of(link.certificate)
        urls = self._places.on_path((*found.crls, *found.delta_crls), link.world)
        lists = [await self._library.crl(crl_key(url, link.issuer.fingerprint), link.issuer) for url in urls]
        return [one for one in lists if one is not None]

    def _counts(self, evidence: Evidence, link: Link) -> bool:
        """Whether an answer is fresh enough to ask nobody else: good, or revoked and not outdated."""
        now = self._clock.now()
        if evidence.status is RevocationStatus.REVOKED:
            good = replace(evidence, status=RevocationStatus.GOOD)
            return reason(good, now, DESK, issuer=not link.holder) is None
        return reason(evidence, now, DESK, issuer=not link.holder) is None

    def _told(self, link: Link, answers: Sequence[Evidence]) -> Evidence:
        """Return the answer that counts; beside one that is known, why there is no newer one."""
        counts = choose(answers, self._clock.now(), DESK, issuer=not link.holder) or answers[-1]
        if counts.status is not RevocationStatus.UNKNOWN and not self._counts(counts, link):
            failed = next((one for one in reversed(answers) if one.failure is not None), None)
            counts = counts if failed is None else replace(counts, detail=f"no newer answer: {failed.detail}")
        return replace(counts, next_check=self._next(counts, link))

    def _next(self, evidence: Evidence, link: Link) -> datetime | None:
        if evidence.source is Source.CRL and evidence.url is not None:
            return self._next_check(crl_key(evidence.url, link.issuer.fingerprint))
        return self._next_check(ocsp_key(evidence.fingerprint))

    def _urls(self, link: Link) -> tuple[str, ...]:
        found = sources.of(link.certificate)
        return self._places.on_path((*found.ocsp, *found.crls), link.world)

    def _keys(self, link: Link) -> list[str]:
        found = sources.of(link.certificate)
        urls = self._places.on_path((*found.crls, *found.delta_crls), link.world)
        return [ocsp_key(link.certificate.fingerprint), *(crl_key(url, link.issuer.fingerprint) for url in urls)]
