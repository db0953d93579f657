"""The judge: one certificate, one moment, a verdict with every reason."""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from sithsd.certificate.read import EXTENSIONS_MALFORMED, Certificate, read
from sithsd.validity import reasons
from sithsd.validity.anchors import Anchor, load_anchors, load_issuers
from sithsd.validity.chains import Authorities, Chain, End, find_chain
from sithsd.validity.policy import ValidityPolicy, ValiditySettings
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
    them.
    """

    verdict: Verdict
    path: tuple[str, ...]
    anchor: str | None
    environment: Environment | None
    checked_at: datetime
    detail: str | None = None
    issuers: tuple[bytes, ...] = ()


class Judge:
    """Judges certificates against fixed anchors and issuers. `issuers` is how many CAs beside the anchors it knows.

    It does no I/O after construction and keeps no state that matters, so it may be called from any thread and inside an
    event loop; one call takes a few milliseconds, and one is made at a time.
    """

    def __init__(self, anchors: Sequence[Anchor], issuers: Sequence[bytes], policy: ValidityPolicy) -> None:
        """Take the roots to trust and the DER of further CAs, which are trusted for nothing.

        Raises CertificateError if one of `issuers` can't be read.
        """
        self.policy = policy
        self.anchors = tuple(anchors)
        self.issuers = len(issuers)
        self._worlds = {anchor.certificate.fingerprint: anchor.environment for anchor in anchors}
        self._authorities = Authorities.of([anchor.certificate for anchor in anchors], [read(der) for der in issuers])
        self._turn = threading.Lock()

    @classmethod
    def from_settings(cls, settings: ValiditySettings, more: Sequence[Anchor] = ()) -> Self:
        """Return the judge that the configuration asks for, with more anchors.

        Raises CertificateFileError: one line, file and reason.
        """
        policy = settings.policy()
        named = load_anchors(settings.anchors, policy, settings.sim_fingerprints)
        anchors = list({one.certificate.fingerprint: one for one in (*named, *more)}.values())
        return cls(anchors, load_issuers(settings.issuers), policy)

    def judge(self, certificate: Certificate, at: datetime, others: Sequence[Certificate] = ()) -> Assessment:
        """Return what is to be said of `certificate` at the moment `at` (aware).

        `others` are further certificates of the card, which may be CAs on the way to an anchor and are not trusted.
        """
        if at.tzinfo is None:
            raise ValueError("a moment without a time zone")
        at = at.astimezone(UTC)
        with self._turn:
            chain = find_chain(certificate, self._authorities, others)
        found = (*self._of_certificate(certificate, at), *self._of_chain(chain, at), reasons.REVOCATION_NOT_CHECKED)
        anchor = chain.certificates[-1].fingerprint if chain.end is End.ANCHOR else None
        return Assessment(
            verdict=reasons.verdict(found),
            path=tuple(certificate.masked_subject for certificate in chain.certificates),
            anchor=anchor,
            environment=self._worlds[anchor] if anchor else None,
            checked_at=at,
            detail=chain.objection,
            issuers=() if chain.end is End.BROKEN else tuple(self._between(chain)),
        )

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
