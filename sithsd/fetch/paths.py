"""The path of a certificate to an anchor; an unknown issuer is fetched by the certificate's own word (AIA).

Before there is a path a certificate's word is a stranger's: only hosts that are named for the environment are asked,
and what comes is kept only if it has signed the certificate and leads to an anchor.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from itertools import pairwise

import structlog

from sithsd.certificate.read import Certificate, CertificateError, read
from sithsd.clock import Clock
from sithsd.fetch.asking import Asker, Missed
from sithsd.fetch.library import Library
from sithsd.fetch.link import Link
from sithsd.fetch.model import Entry, Kind, issuer_key
from sithsd.fetch.places import Places
from sithsd.validity.judge import Judge
from sithsd.validity.path import load, objection
from sithsd.validity.revocation import sources
from sithsd.values import Purpose

MOST_OTHERS = 16
_MOST_ISSUERS = 64
_MOST_FETCHED = 3
_MOST_REMEMBERED = 512
_LONGEST = 8

_log = structlog.get_logger("sithsd.fetch")

Path = tuple[Certificate, ...]


class Paths:
    """Finds paths. CAs on them are kept, so that a list of theirs can be proven after a new start too."""

    def __init__(self, judge: Judge, places: Places, asker: Asker, library: Library, clock: Clock) -> None:
        self._judge = judge
        self._places = places
        self._asker = asker
        self._library = library
        self._clock = clock
        self._worlds = {anchor.certificate.fingerprint: anchor.environment for anchor in judge.anchors}
        self._issuers: dict[str, Certificate] = {}
        self._found: OrderedDict[str, Path] = OrderedDict()

    async def open(self) -> None:
        """Read the CAs that are kept."""
        for entry in self._library.entries:
            if entry.kind is Kind.ISSUER and len(self._issuers) < _MOST_ISSUERS:
                content = await self._library.content(entry.key)
                issuer = None if content is None else _as_issuer(content)
                if issuer is not None:
                    self._issuers[issuer.fingerprint] = issuer

    async def find(self, certificate: Certificate, others: Sequence[Certificate], *, fetch: bool) -> Path | None:
        """Return the valid path to an anchor, the certificate first and the anchor last; None if there is none.

        Of `others` the first `MOST_OTHERS` are looked at; they are trusted for nothing. `fetch`: an unknown issuer may
        be asked for.
        """
        if (known := self._found.get(certificate.fingerprint)) is not None:
            self._found.move_to_end(certificate.fingerprint)
            return certificate, *known
        others = others[:MOST_OTHERS]
        path = await self._path(certificate, others)
        fetched: dict[str, str] = {}
        if path is None and fetch:
            path, fetched = await self._climb(certificate, others)
        if path is not None:
            await self._keep(path, fetched)
        return path

    def links(self, path: Path) -> tuple[Link, ...]:
        """Return the steps of a path, the certificate's first."""
        world = self._worlds[path[-1].fingerprint]
        return tuple(Link(one, issuer, world, place == 0) for place, (one, issuer) in enumerate(pairwise(path)))

    async def issuer(self, fingerprint: str) -> Link | None:
        """Return a CA by its fingerprint as what is asked about its own lists; None if no path leads from it any more.

        The link's issuer is that CA; its certificate is the CA too, which no responder is asked about by it.
        """
        anchors = (anchor.certificate for anchor in self._judge.anchors)
        issuer = self._issuers.get(fingerprint) or next(
            (one for one in anchors if one.fingerprint == fingerprint), None
        )
        if issuer is None:
            return None
        path = await self._path(issuer, ())
        return None if path is None else Link(issuer, issuer, self._worlds[path[-1].fingerprint], holder=False)

    async def _path(self, certificate: Certificate, others: Sequence[Certificate]) -> Path | None:
        return await asyncio.to_thread(self._judge.issuer_path, certificate, self._by_name(certificate, others))

    def _by_name(self, certificate: Certificate, others: Sequence[Certificate]) -> list[Certificate]:
        """Return the CAs that may be on the way, those that are proven first: the judge looks at a few alone."""
        chosen: dict[str, Certificate] = {}
        names = [certificate.issuer]
        for name in names:  # which grows meanwhile
            for one in (*self._issuers.values(), *others):
                if one.subject == name and one.fingerprint not in chosen and len(chosen) < MOST_OTHERS:
                    chosen[one.fingerprint] = one
                    names.append(one.issuer)
        return list(chosen.values())

    async def _climb(
        self, certificate: Certificate, others: Sequence[Certificate]
    ) -> tuple[Path | None, dict[str, str]]:
        """Fetch issuer after issuer; return the path, and where each that was fetched is."""
        known, fetched = list(others), dict[str, str]()
        for _ in range(_MOST_FETCHED):
            top = self._top(certificate, known)
            found = None if top is None else await self._fetch(top)
            if found is None:
                break
            issuer, url = found
            known = [issuer, *known]
            fetched[issuer.fingerprint] = url
            path = await self._path(certificate, known)
            if path is not None:
                return path, fetched
        return None, {}

    def _top(self, certificate: Certificate, known: Sequence[Certificate]) -> Certificate | None:
        """Return the certificate whose issuer is not known; None where that is a root that is not ours."""
        top = certificate
        for _ in range(_LONGEST):
            issuer = next((one for one in self._by_name(top, known) if _signed(top, one)), None)
            if issuer is None:
                return None if top.subject == top.issuer else top
            top = issuer
        return None

    async def _fetch(self, certificate: Certificate) -> tuple[Certificate, str] | None:
        """Return the issuer of `certificate`, and where it was, None if it is nowhere that may be asked."""
        for url in self._places.for_issuers(sources.of(certificate).issuers):
            content = await self._asker.file(url)
            if isinstance(content, Missed):
                continue
            issuer = _as_issuer(content)
            if issuer is not None and _signed(certificate, issuer):
                return issuer, url
            self._asker.disappointed(url, "it is no certificate of the issuer")
        return None

    async def _keep(self, path: Path, fetched: dict[str, str]) -> None:
        self._found[path[0].fingerprint] = path[1:]  # a holder's own certificate has names in it
        while len(self._found) > _MOST_REMEMBERED:
            self._found.popitem(last=False)
        now = self._clock.now()
        for issuer in path[1:-1]:
            if issuer.fingerprint in self._issuers or len(self._issuers) >= _MOST_ISSUERS:
                continue
            self._issuers[issuer.fingerprint] = issuer
            url = fetched.get(issuer.fingerprint, "")
            entry = Entry(issuer_key(issuer.fingerprint), Kind.ISSUER, url, now, now, size=len(issuer.der))
            await self._library.keep(entry, issuer.der, now)


def _as_issuer(content: bytes) -> Certificate | None:
    try:
        issuer = read(content)
    except CertificateError:
        return None
    return issuer if issuer.purpose is Purpose.ISSUER else None


def _signed(certificate: Certificate, issuer: Certificate) -> bool:
    below, above = load(certificate), load(issuer)
    return below is not None and above is not None and objection(below, above) is None
