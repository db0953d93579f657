"""The judge: one certificate, one moment, a verdict with every reason."""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from sithsd.certificate.read import EXTENSIONS_MALFORMED, Certificate, read
from sithsd.certificate.tables import Tables, default_tables
from sithsd.validity import reasons
from sithsd.validity.anchors import Anchor, load_anchors, load_issuers
from sithsd.validity.chains import Authorities, Chain, End, find_chain
from sithsd.validity.freshness import choose, reason, turning_points
from sithsd.validity.moments import later
from sithsd.validity.policy import LOG_IN, UsePolicy, ValidityPolicy, ValiditySettings
from sithsd.validity.revocation.model import Evidence, RevocationStatus
from sithsd.values import Environment, Verdict

_WITHOUT_ANCHOR = {
    End.FOREIGN_ROOT: (reasons.CHAIN_UNTRUSTED,),
    End.ISSUER_UNKNOWN: (reasons.CHAIN_ISSUER_UNKNOWN,),
    End.TOO_COMPLEX: (reasons.CHAIN_TOO_COMPLEX, reasons.CHAIN_ISSUER_UNKNOWN),
}


@dataclass(frozen=True, slots=True)
class Assessment:
    """What was found.

    `path`: the subjects (personal identity numbers masked) from the certificate up to the anchor, or as far as is
    known. `anchor`: the fingerprint of the anchor that it leads to, and `environment` the anchor's; None without a
    valid path to one. `detail`: what is wrong with the path, in a sentence for developers. `issuers`: the DER of the
    CAs from the issuing one upwards, as far as they are known, without the root: who checks the certificate may lack
    them. `evidence`: what is known of the revocation of the certificates on the path, in its order; one that nobody was
    asked about has none. `changes_at`: the earliest moment at which time alone changes the verdict, None if it never
    does.
    """

    verdict: Verdict
    path: tuple[str, ...]
    anchor: str | None
    environment: Environment | None
    checked_at: datetime
    detail: str | None = None
    issuers: tuple[bytes, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    changes_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Case:
    """What a verdict is made of at each moment.

    `answers`: what is known of each certificate that needs evidence, in the path's order. Without a path to an anchor
    nobody may be asked, and nothing but a revocation of the certificate itself is listened to.
    """

    chain: Chain
    answers: tuple[tuple[Evidence, ...], ...]
    use: UsePolicy


class Judge:
    """Judges certificates against fixed anchors and issuers. `issuers` is how many CAs beside the anchors it knows.

    `tables` tell what names of issuers and policies mean: what it judges is to be read by the same.

    It does no I/O after construction and keeps no state that matters, so it may be called from any thread and inside an
    event loop; one call takes a few milliseconds, and one is made at a time.
    """

    def __init__(
        self, anchors: Sequence[Anchor], issuers: Sequence[bytes], policy: ValidityPolicy, tables: Tables | None = None
    ) -> None:
        """Take the roots to trust and the DER of further CAs, which are trusted for nothing.

        Raises CertificateError if one of `issuers` can't be read.
        """
        self.policy = policy
        self.anchors = tuple(anchors)
        self.issuers = len(issuers)
        self.tables = tables or default_tables()
        self._worlds = {anchor.certificate.fingerprint: anchor.environment for anchor in anchors}
        others = [read(der, self.tables) for der in issuers]
        self._authorities = Authorities.of([anchor.certificate for anchor in anchors], others)
        self._turn = threading.Lock()

    @classmethod
    def from_settings(cls, settings: ValiditySettings, more: Sequence[Anchor] = ()) -> Self:
        """Return the judge that the configuration asks for, with more anchors.

        Raises CertificateFileError and TablesError: one line, file and reason.
        """
        policy = settings.policy()
        named = load_anchors(settings.anchors, policy, settings.sim_fingerprints)
        anchors = list({one.certificate.fingerprint: one for one in (*named, *more)}.values())
        return cls(anchors, load_issuers(settings.issuers), policy, settings.tables())

    def judge(
        self,
        certificate: Certificate,
        at: datetime,
        others: Sequence[Certificate] = (),
        *,
        evidence: Sequence[Evidence] = (),
        use: UsePolicy = LOG_IN,
    ) -> Assessment:
        """Return what is to be said of `certificate` at the moment `at` (aware), for one use.

        `others` are further certificates of the card, which may be CAs on the way to an anchor and are not trusted.
        `evidence` is what has been proven about revocation, of any certificates: it has to come from who proves it.
        """
        if at.tzinfo is None:
            raise ValueError("a moment without a time zone")
        at = at.astimezone(UTC)
        with self._turn:
            chain = find_chain(certificate, self._authorities, others)
        case = self._case(chain, evidence, use)
        verdict = self._verdict(case, at)
        anchor = chain.certificates[-1].fingerprint if chain.end is End.ANCHOR else None
        return Assessment(
            verdict=verdict,
            path=tuple(certificate.masked_subject for certificate in chain.certificates),
            anchor=anchor,
            environment=self._worlds[anchor] if anchor else None,
            checked_at=at,
            detail=chain.objection,
            issuers=() if chain.end is End.BROKEN else tuple(self._between(chain)),
            evidence=tuple(
                answer
                for place, answers in enumerate(case.answers)
                if (answer := choose(answers, at, use, issuer=place > 0))
            ),
            changes_at=next((then for then in self._moments(case, at) if self._verdict(case, then) != verdict), None),
        )

    def issuer_path(
        self, certificate: Certificate, others: Sequence[Certificate] = ()
    ) -> tuple[Certificate, ...] | None:
        """Return the valid path to an anchor, `certificate` first and the anchor last, or None if there is none.

        For those who ask about revocation: only what is on such a path may name whom to ask.
        """
        with self._turn:
            chain = find_chain(certificate, self._authorities, others)
        return chain.certificates if chain.end is End.ANCHOR else None

    def _case(self, chain: Chain, evidence: Sequence[Evidence], use: UsePolicy) -> _Case:
        """Sort the evidence to the certificates that need some: all but the anchor, which is trusted as it is."""
        anchored = chain.end is End.ANCHOR
        answers: dict[str, list[Evidence]] = {}
        for answer in evidence:
            if anchored or answer.status is RevocationStatus.REVOKED:
                answers.setdefault(answer.fingerprint, []).append(answer)
        asked = chain.certificates[:-1] if anchored else chain.certificates[:1]
        return _Case(chain, tuple(tuple(answers.get(one.fingerprint, ())) for one in asked), use)

    def _verdict(self, case: _Case, at: datetime) -> Verdict:
        found = (*self._of_certificate(case.chain.certificates[0], at), *self._of_chain(case.chain, at))
        return reasons.verdict((*found, *_of_revocation(case, at)))

    def _moments(self, case: _Case, at: datetime) -> list[datetime]:
        """Return the moments after `at` that may change something, the first one first."""
        moments = {self.policy.plausible_from}
        for certificate in case.chain.certificates:
            moments |= {certificate.not_before, later(certificate.not_after, datetime.resolution)}
        for place, answers in enumerate(case.answers):
            moments.update(*(turning_points(answer, case.use, issuer=place > 0) for answer in answers))
        return sorted(moment for moment in moments if moment > at)

    def _between(self, chain: Chain) -> Iterator[bytes]:
        for issuer in chain.certificates[1:]:
            if issuer.fingerprint not in self._worlds and issuer.subject != issuer.issuer:
                yield issuer.der

    def _of_certificate(self, certificate: Certificate, at: datetime) -> Iterator[str]:
        if EXTENSIONS_MALFORMED in certificate.weaknesses:
            yield reasons.CERTIFICATE_MALFORMED
        if certificate.environment not in {Environment.UNKNOWN, *self.policy.environments}:
            yield reasons.ENVIRONMENT_NOT_CONFIGURED
        if at > certificate.not_after:
            yield reasons.DATE_EXPIRED
        if at < self.policy.plausible_from:
            # Such a clock is slow, so what is expired by it surely is; what is not yet valid by it may well be valid.
            yield reasons.CLOCK_IMPLAUSIBLE
        elif at < certificate.not_before:
            yield reasons.DATE_NOT_YET_VALID

    def _of_chain(self, chain: Chain, at: datetime) -> Iterator[str]:
        leaf, *issuers = chain.certificates
        for certificate in (leaf,) if chain.end is End.BROKEN else chain.certificates:
            if certificate.fingerprint not in self._worlds:  # an anchor is trusted as it is
                yield from self.policy.refused_weaknesses.intersection(certificate.weaknesses)
        if chain.end is End.BROKEN:
            yield reasons.CHAIN_INVALID
            return
        if any(at > issuer.not_after for issuer in issuers):
            yield reasons.CHAIN_EXPIRED
        if at >= self.policy.plausible_from and any(at < issuer.not_before for issuer in issuers):
            yield reasons.CHAIN_NOT_YET_VALID
        if chain.end is End.ANCHOR:
            world = self._worlds[chain.certificates[-1].fingerprint]
            if leaf.environment not in {Environment.UNKNOWN, world}:
                yield reasons.ENVIRONMENT_CONFLICT
            return
        installed = self._has_anchor_for(leaf.environment)
        if not installed:
            yield reasons.ANCHOR_MISSING
        if installed or chain.end is not End.FOREIGN_ROOT:
            yield from _WITHOUT_ANCHOR[chain.end]

    def _has_anchor_for(self, environment: Environment) -> bool:
        if environment is Environment.UNKNOWN:
            return bool(self._worlds)
        return environment in self._worlds.values()


def _of_revocation(case: _Case, at: datetime) -> Iterator[str]:
    """Yield what the evidence tells, and where some is missing."""
    if not case.answers:  # the anchor itself
        yield reasons.REVOCATION_NOT_CHECKED
    for place, answers in enumerate(case.answers):
        told = reason(choose(answers, at, case.use, issuer=place > 0), at, case.use, issuer=place > 0)
        if told is not None:
            yield told
