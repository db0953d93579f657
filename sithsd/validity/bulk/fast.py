"""The fast path: one certificate of each shape is judged carefully, and what was found holds for the others.

What the judge says of a certificate with an outline depends on its shape, on whether the signature is its issuer's, and
on its dates and serial number; on its other parts only where a rule of `Lessons` looks at them. So of each shape the
first certificate is examined by the careful path, and that is a lesson. For those that follow the signature is checked,
each once, and dates and serial number are looked at.

Whatever has no outline, no lesson, or a signature that is not the issuer's in the lesson goes the careful path.
"""

from dataclasses import replace

from sithsd.certificate.card import RESERVE_VALIDITY, describe, looks_protected
from sithsd.certificate.identity import Identity, identify
from sithsd.certificate.names import COMMON_NAME, GIVEN_NAME, SURNAME
from sithsd.certificate.personal import mask
from sithsd.validity import reasons
from sithsd.validity.bulk.careful import Careful
from sithsd.validity.bulk.lessons import Lesson, Lessons
from sithsd.validity.bulk.outline import Outline, outline
from sithsd.validity.bulk.register import Register
from sithsd.validity.bulk.rows import BulkSetup, JudgedRow
from sithsd.validity.calendar import Advice, CardDates, card_dates
from sithsd.validity.revocation.model import RevocationStatus
from sithsd.values import CardKind, Verdict


class Fast:
    """Judges one certificate after the other, in one thread. `careful_rows` counts those that went the careful path."""

    def __init__(self, setup: BulkSetup, register: Register, careful: Careful | None = None) -> None:
        """Take what to judge by. Raises CertificateError if one of its issuers can't be read."""
        self._setup = setup
        self._at = setup.at
        self._careful = careful or Careful(setup, register)
        self._lessons = Lessons(setup, register, self._careful)
        self._verdicts: dict[tuple[frozenset[str], tuple[str, ...]], Verdict] = {}
        self.careful_rows = 0

    def row(self, line: int, der: bytes) -> JudgedRow:
        """Return what is found of the certificate in `der`, which stands in the line `line`."""
        found = outline(der)
        lesson = self._lessons.of(found) if found else None
        if found is not None and lesson is not None:
            return self._row(line, found, lesson)
        self.careful_rows += 1
        findings = self._careful.examine(line, der)
        if isinstance(findings, JudgedRow):
            return findings
        if found is not None:
            self._lessons.learn(found, findings)
        return findings.row

    def _row(self, line: int, found: Outline, lesson: Lesson) -> JudgedRow:
        subject = found.subject
        identity = identify(subject, lesson.example.policies, lesson.use, lesson.facts, self._lessons.tables)
        known, evidence = lesson.answers.of(found.serial_number) if lesson.answers else (lesson.reasons, None)
        verdict = self._verdict(found, known)
        kind = _kind(found, lesson, identity)
        revoked = evidence is not None and evidence.status is RevocationStatus.REVOKED
        holder = None
        if identity.person and (name := subject.first(COMMON_NAME)):
            named = subject.first(GIVEN_NAME), subject.first(SURNAME)
            holder = None if looks_protected(name, *named, identity.hsa_id) else mask(name)
        return JudgedRow(
            line=line,
            status=verdict.status,
            reasons=verdict.reasons,
            not_before=found.not_before,
            not_after=found.not_after,
            kind=kind,
            environment=lesson.example.environment,
            level=lesson.level if identity.person else None,
            purpose=identity.purpose,
            serial_number=found.serial_number,
            card_number=found.card_number,
            hsa_id=identity.hsa_id,
            holder=holder,
            revoked_at=evidence.revoked_at if evidence and revoked else None,
            revocation_reason=evidence.revocation_reason if evidence and revoked else None,
            advice=self._advice(found, lesson, identity, kind),
        )

    def _verdict(self, found: Outline, known: frozenset[str]) -> Verdict:
        dates: tuple[str, ...] = (reasons.DATE_EXPIRED,) if self._at > found.not_after else ()
        # A clock that is not believed is a reason of its own, which does not depend on the certificate.
        if self._setup.policy.plausible_from <= self._at < found.not_before:
            dates = (*dates, reasons.DATE_NOT_YET_VALID)
        verdict = self._verdicts.get((known, dates))
        if verdict is None:
            verdict = self._verdicts[known, dates] = reasons.verdict((*known, *dates))
        return verdict

    def _advice(self, found: Outline, lesson: Lesson, identity: Identity, kind: CardKind) -> tuple[Advice, ...]:
        calendar = self._setup.calendar
        if calendar is None or not identity.person:
            return ()
        counts = lesson.dates_count.get((identity.purpose, kind))
        if counts is None:
            alike = replace(lesson.example, person=True, purpose=identity.purpose)
            counts = lesson.dates_count[identity.purpose, kind] = card_dates([alike], kind) is not None
        if not counts:
            return ()
        return calendar.advise(CardDates(found.not_before, found.not_after, kind), self._at)


def _kind(found: Outline, lesson: Lesson, identity: Identity) -> CardKind:
    key = (identity.person, identity.kind, found.not_after - found.not_before <= RESERVE_VALIDITY)
    kind = lesson.kinds.get(key)
    if kind is None:
        alike = replace(
            lesson.example,
            person=identity.person,
            identity=identity.kind,
            level_of_assurance=lesson.level if identity.person else None,
            not_before=found.not_before,
            not_after=found.not_after,
        )
        kind = lesson.kinds[key] = describe([alike]).kind
    return kind
