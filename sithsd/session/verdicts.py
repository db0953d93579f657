"""May a card's certificates be trusted: judged by what is known now, after asking for more where that is wanted.

Belongs to the asyncio loop's thread, but for `judge`, which any thread may call.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from sithsd.certificate.read import Certificate
from sithsd.clock import Clock
from sithsd.session.describe import issuers_on
from sithsd.session.fault import fault
from sithsd.session.informant import Informant, Known, Told
from sithsd.session.model import JudgedCertificate
from sithsd.validity import reasons
from sithsd.validity.judge import Assessment, Judge
from sithsd.validity.policy import LOG_IN, UsePolicy
from sithsd.values import Status

# For all questions of one call together.
PATIENCE = 3.0
# A caller who wants fresh answers gets them this often, in seconds: behind each question are other people's servers.
_REFRESH = 10.0
# More certificates than this are on no card; the others are judged by what is known.
_MOST_ASKED = 16
# With these alone an answer can still change a bad verdict: a certificate on hold may be released.
_REVERSIBLE = frozenset({reasons.REVOCATION_REVOKED, reasons.CHAIN_REVOKED})


@dataclass(frozen=True, slots=True)
class _Question:
    certificate: str
    fresh: bool


class Verdicts:
    """Judges the cards' certificates by evidence, for letting people in (`use`).

    Without an `informant` nobody is asked. `monotonic` is a clock that nobody sets, in seconds.
    """

    def __init__(
        self,
        judge: Judge,
        clock: Clock,
        informant: Informant | None = None,
        use: UsePolicy = LOG_IN,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._judge = judge
        self._clock = clock
        self._informant = informant
        self._use = use
        self._monotonic = monotonic
        self._known = Known()
        self._asking: dict[_Question, asyncio.Task[None]] = {}
        self._refreshed: dict[str, float] = {}
        self._listeners: set[asyncio.Event] = set()
        self._log = structlog.get_logger("sithsd.session")

    def judge(self, certificate: Certificate, at: datetime, others: Sequence[Certificate] = ()) -> Assessment:
        """Return what is to be said of a certificate by what is known of its revocation. `others` are on the card."""
        known = self._known.of(certificate.fingerprint)
        helpers = [*others, *known.issuers]
        return self._judge.judge(certificate, at, helpers, evidence=known.evidence, use=self._use)

    def judged(self, entries: Sequence[JudgedCertificate]) -> tuple[JudgedCertificate, ...]:
        """Return a card's certificates as they are judged now."""
        now, helpers = self._clock.now(), issuers_on([entry.certificate for entry in entries])
        return tuple(replace(entry, assessment=self.judge(entry.certificate, now, helpers)) for entry in entries)

    def may_ask(self, entries: Sequence[JudgedCertificate]) -> bool:
        """Tell whether there is somebody to ask, and an answer could change a verdict on one of these."""
        return self._informant is not None and any(_is_open(entry) for entry in entries)

    def next_check(self, entries: Sequence[JudgedCertificate]) -> datetime | None:
        """Return when there is going to be more to know of these, None if nobody says."""
        known = (self._known.of(entry.certificate.fingerprint) for entry in entries)
        moments = (one.next_check for told in known for one in told.evidence if one.next_check is not None)
        return min(moments, default=None)

    def listen(self) -> asyncio.Event:
        """Return an event that is set whenever something new was told, until `unlisten`."""
        event = asyncio.Event()
        self._listeners.add(event)
        return event

    def unlisten(self, event: asyncio.Event) -> None:
        """Set this event no more."""
        self._listeners.discard(event)

    async def ask(
        self, entries: Sequence[JudgedCertificate], *, seconds: float = PATIENCE, fresh: bool = False
    ) -> None:
        """Ask about a card's certificates, where an answer can change something, and keep what is told.

        Returns after so many seconds at the latest; what is told later is kept too. Several callers share a question.
        """
        helpers = issuers_on([entry.certificate for entry in entries])
        wanted = [entry.certificate for entry in entries if _is_open(entry)][:_MOST_ASKED]
        asked = {self._question(certificate, helpers, fresh=fresh) for certificate in wanted}
        if asked:
            await asyncio.wait(asked, timeout=seconds)

    async def ask_if_unknown(self, entries: Sequence[JudgedCertificate]) -> None:
        """Ask about those of which it is not known whether they are revoked, by evidence that is good enough now."""
        unknown = [
            entry
            for entry in await asyncio.to_thread(self.judged, entries)
            if entry.assessment.verdict.status is Status.UNKNOWN
        ]
        await self.ask(unknown)

    async def close(self) -> None:
        """Give up what is being asked."""
        asking = set(self._asking.values())
        for task in asking:
            task.cancel()
        if asking:
            await asyncio.wait(asking)

    def _question(self, certificate: Certificate, helpers: Sequence[Certificate], *, fresh: bool) -> asyncio.Task[None]:
        """Return the task that asks about a certificate: one that is under way already, if there is."""
        question = _Question(certificate.fingerprint, fresh and self._may_refresh(certificate.fingerprint))
        task = self._asking.get(question)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._put(certificate, helpers, fresh=question.fresh))
            self._asking[question] = task
            task.add_done_callback(lambda _: self._asking.pop(question))
        return task

    def _may_refresh(self, fingerprint: str) -> bool:
        now = self._monotonic()
        self._refreshed = {one: at for one, at in self._refreshed.items() if now - at < _REFRESH}
        asking = _Question(fingerprint, fresh=True) in self._asking
        if fingerprint in self._refreshed and not asking:
            return False
        self._refreshed.setdefault(fingerprint, now)
        return True

    async def _put(self, certificate: Certificate, helpers: Sequence[Certificate], *, fresh: bool) -> None:
        if self._informant is None:
            return
        try:
            told = await self._informant.ask(certificate, helpers, seconds=PATIENCE, fresh=fresh)
        except Exception as error:  # noqa: BLE001 - a bug must not keep anybody from the card; nothing is known then
            fault(self._log, error)
            return
        # From nobody nothing is known but what was proven before.
        if self._known.keep(certificate.fingerprint, told or Told()):
            self._tell()

    def _tell(self) -> None:
        for listener in self._listeners:
            listener.set()


def _is_open(entry: JudgedCertificate) -> bool:
    verdict = entry.assessment.verdict
    return verdict.status is not Status.BAD or bool(_REVERSIBLE.intersection(verdict.reasons))
