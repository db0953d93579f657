"""The careful path: each certificate read and judged as one on a card is."""

from sithsd.certificate.card import describe
from sithsd.certificate.read import Certificate, CertificateError, read
from sithsd.validity import reasons
from sithsd.validity.bulk.rows import BulkSetup, JudgedRow
from sithsd.validity.judge import Assessment, Judge
from sithsd.values import Status


class Careful:
    """Judges one certificate after the other, with the judge of cards. For one thread."""

    def __init__(self, setup: BulkSetup) -> None:
        """Take what to judge by. Raises CertificateError if one of its issuers can't be read."""
        self._setup = setup
        self._judge = Judge(setup.anchors, setup.issuers, setup.policy)

    def row(self, line: int, der: bytes) -> JudgedRow:
        """Return what is found of the certificate in `der`, which stands in the line `line`."""
        try:
            certificate = read(der, self._setup.tables)
        except CertificateError as error:
            return JudgedRow(line, Status.BAD, (reasons.CERTIFICATE_MALFORMED,), rejected=str(error))
        return self._row(line, certificate, self._judge.judge(certificate, self._setup.at))

    def _row(self, line: int, certificate: Certificate, assessment: Assessment) -> JudgedRow:
        facts = describe([certificate])
        return JudgedRow(
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
        )
