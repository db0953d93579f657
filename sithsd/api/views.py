"""From what the session knows to what the wire says; the one place where personal identity numbers are masked."""

import base64
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from sithsd.api import evidence_views, wire
from sithsd.api.moments import moment, moment_or_none
from sithsd.certificate.card import Holder
from sithsd.certificate.personal import mask
from sithsd.session.model import InsertedCard, JudgedCertificate, Notice, Picture, ReaderView
from sithsd.validity.calendar import Advice
from sithsd.values import CardKind, CodeState, Environment, IdentityKind

# A moment in a certificate is twelve digits, too (RFC 5280, 4.1.2.5.1).
_UTC_TIME = re.compile(rb"\x17\x0D[0-9]{12}Z")
_LAST_SECOND = datetime.max.replace(microsecond=0, tzinfo=UTC)


def readers(picture: Picture, *, unmasked: bool) -> list[wire.Reader]:
    """Return all readers of a picture."""
    return [_reader(view, unmasked=unmasked) for view in picture.readers]


def codes(states: tuple[CodeState, ...]) -> list[wire.CodeState]:
    """Return the states of codes."""
    return [
        wire.CodeState(
            role=state.role,
            tries_left=state.tries_left,
            blocked=state.blocked,
            activated=state.activated,
            verified=state.verified,
            max_tries=state.max_tries,
            min_length=state.min_length,
            max_length=state.max_length,
            not_last=state.not_last,
        )
        for state in states
    ]


def notices(found: Iterable[Notice]) -> list[wire.Notice]:
    """Return notices, in their order."""
    return [
        wire.Notice(
            code=str(notice.kind),
            at=moment(notice.at),
            sequence=notice.sequence,
            reader=notice.reader,
            card_serial=notice.card_serial,
            role=notice.role,
            tries_before=notice.tries_before,
            tries_after=notice.tries_after,
            happened=notice.happened,
        )
        for notice in found
    ]


def certificate(entry: JudgedCertificate, *, unmasked: bool, with_bytes: bool = False) -> wire.Certificate:
    """Return one certificate; `with_bytes` with its DER bytes, in which a personal identity number is never masked."""
    facts, assessment = entry.certificate, entry.assessment
    label = entry.label
    return wire.Certificate(
        id=entry.id,
        purpose=facts.purpose,
        identity=facts.identity,
        subject=facts.subject if unmasked else facts.masked_subject,
        issuer=facts.issuer if unmasked else mask(facts.issuer),
        not_before=moment(facts.not_before),
        not_after=moment(facts.not_after),
        verdict=wire.Verdict(status=assessment.verdict.status, reasons=list(assessment.verdict.reasons)),
        serial_number=f"{facts.serial_number:X}",
        fingerprint=facts.fingerprint,
        environment=facts.environment,
        level_of_assurance=facts.level_of_assurance,
        transport=facts.transport,
        weaknesses=list(facts.weaknesses),
        key=facts.key,
        label=label if unmasked or label is None else mask(label),
        path=list(assessment.path),
        anchor=assessment.anchor,
        checked_at=moment(assessment.checked_at),
        der=base64.b64encode(facts.der).decode() if with_bytes else None,
        evidence=evidence_views.told(entry),
        next_check=moment_or_none(evidence_views.next_check(entry)),
        can_sign=entry.can_sign,
    )


def advice(found: Iterable[Advice]) -> list[wire.Advice]:
    """Return what a person has to do, in its order."""
    return [
        wire.Advice(
            rule=str(one.rule),
            action=str(one.action),
            by=moment_or_none(one.by),
            since=moment_or_none(one.since),
            freeze=one.freeze,
            freeze_begins=moment_or_none(one.freeze_begins),
            freeze_ends=moment_or_none(one.freeze_ends),
            months=one.months,
        )
        for one in found
    ]


def whole_second(when: datetime | None) -> str | None:
    """Return a moment as the first whole second that is not before it; None where the calendar has none."""
    if when is None or when > _LAST_SECOND:
        return None
    return moment(when + timedelta(microseconds=-when.microsecond % 1_000_000))


def is_personal(entry: JudgedCertificate) -> bool:
    """Tell whether a certificate's bytes carry a personal identity number, in the subject or anywhere else."""
    facts = entry.certificate
    if facts.identity is IdentityKind.PERSONAL_IDENTITY_NUMBER or facts.personal_identity_number is not None:
        return True
    text = _UTC_TIME.sub(b"", facts.der).decode("latin-1")
    return facts.masked_subject != facts.subject or mask(text) != text


def _reader(view: ReaderView, *, unmasked: bool) -> wire.Reader:
    return wire.Reader(
        name=view.name,
        state=str(view.status),
        sequence=view.sequence,
        card=_card(view.card, unmasked=unmasked) if view.card else None,
        reason=str(view.reason) if view.reason else None,
        detail=view.detail,
    )


def _card(card: InsertedCard, *, unmasked: bool) -> wire.Card:
    facts, read = card.facts, card.read
    return wire.Card(
        serial=card.serial,
        profile=read.identified.profile.name if read else None,
        environment=facts.environment if facts else Environment.UNKNOWN,
        kind=facts.kind if facts else CardKind.UNKNOWN,
        card_number=facts.card_number if facts else None,
        level_of_assurance=facts.level_of_assurance if facts else None,
        holder=_holder(facts.holder, unmasked=unmasked) if facts and facts.holder else None,
        codes=codes(card.codes),
        certificates=[certificate(entry, unmasked=unmasked) for entry in card.certificates],
        atr=card.atr.hex().upper(),
        notes=list(card.notes),
        identified_by=read.identified.by if read else None,
        advice=advice(card.advice),
    )


def _holder(holder: Holder, *, unmasked: bool) -> wire.Holder:
    number = holder.personal_identity_number
    return wire.Holder(
        display_name=holder.display_name,
        hsa_id=holder.hsa_ids[0] if holder.hsa_ids else None,
        personal_identity_number=(number.reveal() if unmasked else str(number)) if number else None,
        organization=holder.organization,
        protected=holder.protected,
    )
