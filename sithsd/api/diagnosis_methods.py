"""Diagnose of io.sithsd.Cards: what only the daemon can tell somebody who can't log in."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sithsd.api import diagnosis_wire
from sithsd.api.fetch_wire import StateReply
from sithsd.api.interface import Method
from sithsd.api.moments import moment
from sithsd.api.peer import Caller
from sithsd.api.rights import Right
from sithsd.clock import Clock
from sithsd.iso7816.atr import Rate
from sithsd.session.board import Board
from sithsd.session.diagnosis import Examination, examine
from sithsd.session.model import InsertedCard
from sithsd.session.readers import Readers
from sithsd.validity.judge import Judge

_MOST_PLACES = 16


@dataclass(frozen=True, slots=True)
class DaemonFacts:
    """What does not change while a daemon runs: `settings` are the names of those that differ from the defaults."""

    version: str
    started_at: datetime
    service_socket: str
    settings: Sequence[str]


class Fetching(Protocol):
    """The program that asks about revocation; see `sithsd.daemon.fetching`."""

    @property
    def place(self) -> str:
        """Its socket."""
        ...

    async def state(self) -> StateReply | None:
        """Return how it fares, None where it does not answer. It does not take long."""
        ...


class Diagnosis:
    """Answers to those who may look: there is nothing of a card's holder in it."""

    def __init__(  # noqa: PLR0913 - the whole daemon as a doctor sees it
        self, board: Board, readers: Readers, judge: Judge, clock: Clock, facts: DaemonFacts, *, fetching: Fetching
    ) -> None:
        self._board = board
        self._readers = readers
        self._judge = judge
        self._clock = clock
        self._facts = facts
        self._fetching = fetching

    def method(self, right: Right) -> Method[diagnosis_wire.DiagnoseCall]:
        """Return the method, for those who have the right."""
        return Method("Diagnose", diagnosis_wire.DiagnoseCall, right, self._diagnose)

    async def _diagnose(self, call: diagnosis_wire.DiagnoseCall, _caller: Caller) -> diagnosis_wire.DiagnoseReply:
        slots = [slot for slot in self._readers.slots() if call.reader in {None, slot.view.name}]
        fetch, examined = await asyncio.gather(self._fetch(), asyncio.gather(*(examine(slot) for slot in slots)))
        policy = self._judge.policy
        return diagnosis_wire.DiagnoseReply(
            version=self._facts.version,
            started_at=moment(self._facts.started_at),
            now=moment(self._clock.now()),
            plausible_from=moment(policy.plausible_from),
            service=self._board.picture.service,
            service_socket=self._facts.service_socket,
            environments=sorted(policy.environments),
            anchors=[
                diagnosis_wire.Anchor(
                    subject=anchor.certificate.masked_subject,
                    fingerprint=anchor.certificate.fingerprint,
                    environment=anchor.environment,
                    not_after=moment(anchor.certificate.not_after),
                )
                for anchor in self._judge.anchors
            ],
            issuers=self._judge.issuers,
            settings=list(self._facts.settings),
            readers=[_reader(one) for one in examined],
            fetch_socket=self._fetching.place,
            fetch=fetch,
        )

    async def _fetch(self) -> diagnosis_wire.FetchDiagnosis | None:
        told = await self._fetching.state()
        if told is None:
            return None
        return diagnosis_wire.FetchDiagnosis(
            started=told.started,
            last_success=told.last_success,
            stored=told.stored,
            waiting=told.waiting,
            anchors=told.anchors,
            failing=[
                diagnosis_wire.FailingPlace(url=one.url, failures=one.failures, next_try=one.next_try)
                for one in told.failing[:_MOST_PLACES]
            ],
        )


def _reader(found: Examination) -> diagnosis_wire.ReaderDiagnosis:
    view, told, atr = found.view, found.told, found.atr
    diagnosis = diagnosis_wire.ReaderDiagnosis(
        name=view.name,
        state=str(view.status),
        reason=str(view.reason) if view.reason else None,
        refusal=str(found.refusal.code) if found.refusal else None,
        holder=found.refusal.more.holder if found.refusal else None,
    )
    if atr is not None:
        diagnosis.offered_protocols = list(atr.protocols)
        diagnosis.offered_rate = _rate(atr.rate)
    if told is not None:
        facts = told.facts
        diagnosis.pad_verify, diagnosis.pad_modify = told.pad_verify, told.pad_modify
        diagnosis.vendor, diagnosis.model, diagnosis.version = facts.vendor, facts.model, facts.version
        diagnosis.usb_bus, diagnosis.usb_device = facts.usb_bus, facts.usb_device
        diagnosis.protocol, diagnosis.told_protocol = facts.protocol, facts.told_protocol
        diagnosis.rate, diagnosis.clock_kilohertz = _rate(facts.rate), facts.clock_kilohertz
    if view.card is not None:
        _tell_profile(diagnosis, view.card)
    return diagnosis


def _tell_profile(diagnosis: diagnosis_wire.ReaderDiagnosis, card: InsertedCard) -> None:
    diagnosis.passed_over = [
        diagnosis_wire.PassedOver(
            profile=one.profile, application=one.application, status_word=one.status_word, obstacle=one.obstacle
        )
        for one in card.passed_over
    ]
    if card.read is None:
        return
    identified = card.read.identified
    profile = identified.profile
    diagnosis.profile, diagnosis.title, diagnosis.backend = profile.name, profile.title, profile.backend
    diagnosis.evidence, diagnosis.identified_by = str(profile.evidence), identified.by


def _rate(rate: Rate | None) -> diagnosis_wire.Rate | None:
    return None if rate is None else diagnosis_wire.Rate(factor=rate.factor, divider=rate.divider)
