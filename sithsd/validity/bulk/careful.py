"""The careful path: each certificate read and judged as one on a card is."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from sithsd.certificate.card import describe
from sithsd.certificate.read import Certificate, CertificateError, read
from sithsd.validity import reasons
from sithsd.validity.bulk.register import Register
from sithsd.validity.bulk.rows import BulkSetup, JudgedRow
from sithsd.validity.calendar import card_dates
from sithsd.validity.judge import Assessment, Judge
from sithsd.validity.revocation.crl import weigh
from sithsd.validity.revocation.model import Evidence, RevocationStatus
from sithsd.values import Status


@dataclass(frozen=True, slots=True)
class Findings:
    """A certificate that was read, its path if that is known, what the judge says of it, and all that in a row.

    `path` is only looked for where there is a register: the certificate first, and the anchor last.
    """

    certificate: Certificate
    path: tuple[Certificate, ...] | None
    assessment: Assessment
    row: JudgedRow


class Careful:
    """Judges one certificate after the other, with the judge of cards. For one thread."""

    def __init__(self, setup: BulkSetup, register: Register) -> None:
        """Take what to judge by. Raises CertificateError if one of its issuers can't be read."""
        self._setup = setup
        self._register = register
        self._judge = Judge(setup.anchors, setup.issuers, setup.policy)

    def row(self, line: int, der: bytes) -> JudgedRow:
        """Return what is found of the certificate in `der`, which stands in the line `line`."""
        found = self.examine(line, der)
        return found if isinstance(found, JudgedRow) else found.row

    def examine(self, line: int, der: bytes) -> Findings | JudgedRow:
        """Return all that is found of the certificate in `der`, or the row alone if it can't be read."""
        try:
            certificate = read(der, self._setup.tables)
        except CertificateError as error:
            return JudgedRow(line, Status.BAD, (reasons.CERTIFICATE_MALFORMED,), rejected=str(error))
        path = self._judge.issuer_path(certificate) if self._register else None
        evidence = self.evidence(path or ())
        assessment = self.judge(certificate, evidence)
        revoked = next((one for one in evidence if one.fingerprint == certificate.fingerprint), None)
        if revoked is not None and revoked.status is not RevocationStatus.REVOKED:
            revoked = None
        facts = describe([certificate])
        dates = card_dates([certificate], facts.kind)
        calendar = self._setup.calendar
        row = JudgedRow(
            line=line,
            status=assessment.verdict.status,
            reasons=assessment.verdict.reasons,
            not_before=certificate.not_before,
            not_after=certificate.not_after,
            kind=facts.kind,
            environment=certificate.environment,
            level=certificate.level_of_assurance,
            purpose=certificate.purpose,
            serial_number=certificate.serial_number,
            card_number=certificate.card_number,
            hsa_id=certificate.hsa_id,
            holder=facts.holder.display_name if facts.holder else None,
            revoked_at=revoked.revoked_at if revoked else None,
            revocation_reason=revoked.revocation_reason if revoked else None,
            advice=calendar.advise(dates, self._setup.at) if calendar and dates else (),
        )
        return Findings(certificate, path, assessment, row)

    def evidence(self, path: Sequence[Certificate]) -> list[Evidence]:
        """Return what the lists tell of the certificates of a path, where there are lists of their issuers."""
        return [
            weigh(lists, certificate, issuer, self._setup.at, grace=self._setup.use.grace)
            for certificate, issuer in pairwise(path)
            if (lists := self._register.of(issuer)) is not None
        ]

    def judge(self, certificate: Certificate, evidence: Sequence[Evidence]) -> Assessment:
        """Return what the judge says of `certificate` by this evidence."""
        return self._judge.judge(certificate, self._setup.at, evidence=evidence, use=self._setup.use)
