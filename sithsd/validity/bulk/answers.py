"""What the CRLs make of the verdict on certificates of one shape."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sithsd.certificate.read import Certificate
from sithsd.validity import reasons
from sithsd.validity.bulk.careful import Careful
from sithsd.validity.freshness import reason
from sithsd.validity.policy import UsePolicy
from sithsd.validity.revocation.crl import RevocationList, weigh
from sithsd.validity.revocation.model import Evidence

OF_DATES = frozenset({reasons.DATE_EXPIRED, reasons.DATE_NOT_YET_VALID})


class Answers:
    """The reasons of verdicts, but for those that depend on a certificate's own dates, by its serial number.

    Whether a list covers a certificate depends on what is in its shape. Where no list has its serial number the answer
    is the same for all; where one has, the list is asked about a certificate like the example with that number. How an
    answer changes the verdict depends on nothing but the reason that it gives.
    """

    def __init__(
        self,
        careful: Careful,
        path: Sequence[Certificate],
        lists: Sequence[RevocationList],
        at: datetime,
        use: UsePolicy,
    ) -> None:
        """Take the path of an example, with the example first, and the lists of who issued it."""
        self._careful = careful
        self._example, self._issuer = path[:2]
        self._lists = lists
        self._at = at
        self._use = use
        self._of_issuers = careful.evidence(path[1:])
        self._unlisted: frozenset[str] | None = None
        self._reasons: dict[str | None, frozenset[str]] = {}

    def of(self, serial_number: int) -> tuple[frozenset[str], Evidence | None]:
        """Return the reasons for a certificate with this serial number, and what is known of it if a list has it."""
        if any(serial_number in one.entries for one in self._lists):
            evidence = self._ask(serial_number)
            return self._made_by(evidence), evidence
        if self._unlisted is None:
            self._unlisted = self._made_by(self._ask(serial_number))
        return self._unlisted, None

    def _ask(self, serial_number: int) -> Evidence:
        one = replace(self._example, serial_number=serial_number)
        return weigh(self._lists, one, self._issuer, self._at, grace=self._use.grace)

    def _made_by(self, evidence: Evidence) -> frozenset[str]:
        told = reason(evidence, self._at, self._use)
        known = self._reasons.get(told)
        if known is None:
            verdict = self._careful.judge(self._example, [evidence, *self._of_issuers]).verdict
            known = self._reasons[told] = frozenset(verdict.reasons) - OF_DATES
        return known
