"""Asks one place one thing, has the answer prove itself, and keeps it. Nothing unproven is kept or told as known."""

import asyncio
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import structlog

from sithsd.certificate.read import Certificate
from sithsd.clock import Clock
from sithsd.fetch.backoff import Backoff
from sithsd.fetch.flights import Flights, TooManyError
from sithsd.fetch.library import Library
from sithsd.fetch.link import Link
from sithsd.fetch.model import Entry, Kind, crl_key, ocsp_key
from sithsd.fetch.places import Place
from sithsd.fetch.web import Bounds, WebError
from sithsd.validity.policy import DESK
from sithsd.validity.revocation import ocsp
from sithsd.validity.revocation.authority import UnprovenError
from sithsd.validity.revocation.crl import RevocationList, parse
from sithsd.validity.revocation.entries import MAX_BYTES
from sithsd.validity.revocation.model import Evidence, Failure, RevocationStatus, Source

OCSP_BOUNDS = Bounds(ocsp.MAX_RESPONSE_BYTES, 10)
CRL_BOUNDS = Bounds(MAX_BYTES, 120)
ISSUER_BOUNDS = Bounds(64 * 1024, 10)
# Within so many seconds the same is not asked of the same place again.
REST_SECONDS = 5.0
_OCSP_REQUEST = "application/ocsp-request"

_log = structlog.get_logger("sithsd.fetch")


class HttpClient(Protocol):
    """What is used of `sithsd.fetch.web.Web`."""

    async def get(self, place: Place, bounds: Bounds) -> bytes:
        """Return the body that is at `place`. Raises WebError."""
        ...

    async def post(self, place: Place, content: bytes, content_type: str, bounds: Bounds) -> bytes:
        """Return the body that `place` answers `content` with. Raises WebError."""
        ...


@dataclass(frozen=True, slots=True)
class Missed:
    """Why a list or a certificate was not had from a place."""

    url: str | None
    failure: Failure
    detail: str


class Asker:
    """Asks for each thing once at a time, however many want it. `last_success` is when an answer last proved something.

    `tell_seconds` is a clock that only goes on.
    """

    def __init__(
        self,
        web: HttpClient,
        library: Library,
        backoff: Backoff,
        clock: Clock,
        tell_seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._web = web
        self._library = library
        self._backoff = backoff
        self._clock = clock
        self._responses: Flights[Evidence] = Flights(REST_SECONDS, tell_seconds)
        self._lists: Flights[RevocationList | Missed] = Flights(REST_SECONDS, tell_seconds)
        self._files: Flights[bytes | Missed] = Flights(REST_SECONDS, tell_seconds)
        self.last_success: datetime | None = None

    @property
    def under_way(self) -> int:
        """How many answers are waited for now."""
        return len(self._responses) + len(self._lists) + len(self._files)

    async def close(self) -> None:
        """Give up what is under way."""
        await asyncio.gather(self._responses.close(), self._lists.close(), self._files.close())

    async def responder(self, link: Link, url: str, lists: Sequence[RevocationList] = ()) -> Evidence:
        """Return what the OCSP responder at `url` proves of a certificate (RFC 6960), or why nothing.

        `lists` are the issuer's CRLs that are at hand: they may prove that a responder's own certificate is in order.
        """
        key = ocsp_key(link.certificate.fingerprint), url
        try:
            return await self._responses.join(key, lambda: self._respond(link, url, lists))
        except TooManyError:
            return nothing(link.certificate, Source.OCSP, Missed(url, Failure.UNREACHABLE, _TOO_MANY))

    async def crl(self, issuer: Certificate, url: str) -> RevocationList | Missed:
        """Return the list of `issuer` at `url` (RFC 5280, 5), or why there is none."""
        try:
            return await self._lists.join(crl_key(url, issuer.fingerprint), lambda: self._list(issuer, url))
        except TooManyError:
            return Missed(url, Failure.UNREACHABLE, _TOO_MANY)

    async def file(self, url: str) -> bytes | Missed:
        """Return what is at `url`, unproven: a CA's certificate, which whoever asks has to look at."""
        try:
            return await self._files.join(url, lambda: self._file(url))
        except TooManyError:
            return Missed(url, Failure.UNREACHABLE, _TOO_MANY)

    def disappointed(self, url: str, detail: str) -> None:
        """Note that what came from `url` was not what it has to be."""
        self._backoff.failed(url, detail)
        _log.info("an answer that proves nothing", url=url, detail=detail)

    async def _respond(self, link: Link, url: str, lists: Sequence[RevocationList]) -> Evidence:
        certificate, issuer = link.certificate, link.issuer
        nonce = secrets.token_bytes(ocsp.NONCE_BYTES)
        try:
            asked = ocsp.request(certificate, issuer, nonce)
            body = await self._web.post(_place(url), asked, _OCSP_REQUEST, OCSP_BOUNDS)
        except (WebError, UnprovenError) as error:
            self._unreachable(url, str(error))
            return nothing(certificate, Source.OCSP, Missed(url, Failure.UNREACHABLE, str(error)))
        now = self._clock.now()
        evidence = ocsp.examine(body, certificate, issuer, now, nonce=nonce, url=url, fetched_at=now, lists=lists)
        if evidence.status is RevocationStatus.UNKNOWN:
            if evidence.failure is Failure.NOT_KNOWN_THERE:
                self._backoff.succeeded(url)
            else:
                self.disappointed(url, evidence.detail or str(evidence.failure))
            return evidence
        entry = Entry(
            key=ocsp_key(certificate.fingerprint),
            kind=Kind.OCSP,
            url=url,
            fetched_at=now,
            asked_at=self._asked_at(ocsp_key(certificate.fingerprint), now),
            this_update=evidence.this_update,
            next_update=evidence.next_update,
            nonce=nonce,
            size=len(body),
        )
        if not await self._library.keep(entry, body, now):
            self.disappointed(url, _OLDER)
            return nothing(certificate, Source.OCSP, Missed(url, Failure.INVALID, _OLDER))
        self._pleased(url, now)
        return evidence

    async def _list(self, issuer: Certificate, url: str) -> RevocationList | Missed:
        try:
            body = await self._web.get(_place(url), CRL_BOUNDS)
        except WebError as error:
            self._unreachable(url, str(error))
            return Missed(url, Failure.UNREACHABLE, str(error))
        now = self._clock.now()
        try:
            found = await asyncio.to_thread(parse, body, issuer, url=url, fetched_at=now)
            if found.this_update > now + DESK.skew:
                raise UnprovenError("the list is from after this machine's clock")  # noqa: TRY301 - one way out
        except UnprovenError as error:
            self.disappointed(url, str(error))
            return Missed(url, Failure.INVALID, str(error))
        key = crl_key(url, issuer.fingerprint)
        entry = Entry(
            key=key,
            kind=Kind.CRL,
            url=url,
            fetched_at=now,
            asked_at=self._asked_at(key, now),
            this_update=found.this_update,
            next_update=found.next_update,
            number=found.number,
            size=len(body),
        )
        if not await self._library.keep(entry, body, now, found):
            self.disappointed(url, _OLDER)
            return Missed(url, Failure.INVALID, _OLDER)
        if found.next_update < now:
            # Kept, since it is newer than what there was; but a newer one has to be there.
            self.disappointed(url, "the list has outlived its next update")
        else:
            self._pleased(url, now)
        return found

    async def _file(self, url: str) -> bytes | Missed:
        try:
            return await self._web.get(_place(url), ISSUER_BOUNDS)
        except WebError as error:
            self._unreachable(url, str(error))
            return Missed(url, Failure.UNREACHABLE, str(error))

    def _asked_at(self, key: str, now: datetime) -> datetime:
        """Return when this was last asked for: now, if it was not there."""
        entry = self._library.entry(key)
        return now if entry is None else entry.asked_at

    def _pleased(self, url: str, now: datetime) -> None:
        self._backoff.succeeded(url)
        self.last_success = now

    def _unreachable(self, url: str, detail: str) -> None:
        self._backoff.failed(url, detail)
        _log.info("a place does not answer", url=url, detail=detail)


_OLDER = "an older answer than the one that is kept"
_TOO_MANY = "too much is being fetched at once"


def nothing(certificate: Certificate, source: Source | None, missed: Missed) -> Evidence:
    """Return the evidence of having none."""
    return Evidence(
        certificate.fingerprint,
        certificate.serial_number,
        RevocationStatus.UNKNOWN,
        source,
        missed.url,
        failure=missed.failure,
        detail=missed.detail,
    )


def _place(url: str) -> Place:
    place = Place.of(url)
    if place is None:
        raise WebError("the URL is none that is followed")
    return place
