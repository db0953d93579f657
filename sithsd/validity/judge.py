"""The judge: one certificate, one moment, a verdict with every reason."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from sithsd.certificate.read import EXTENSIONS_MALFORMED, Certificate, read
from sithsd.validity import reasons
from sithsd.validity.anchors import Anchor, load_anchors, load_issuers
from sithsd.validity.chains import Authorities, Chain, End, find_chains
from sithsd.validity.path import objection, problem
from sithsd.validity.policy import ValidityPolicy, ValiditySettings
from sithsd.values import Environment, Verdict


@dataclass(frozen=True, slots=True)
class Assessment:
    """What was found.

    `path`: the subjects (personal identity numbers masked) from the certificate up to the anchor, or as far as is
    known. `anchor`: the fingerprint of the anchor that it leads to, and `environment` the anchor's; None without a
    valid path to one. `detail`: what is wrong with the path, in a sentence for developers.
    """

    verdict: Verdict
    path: tuple[str, ...]
    anchor: str | None
    environment: Environment | None
    checked_at: datetime
    detail: str | None = None


class Judge:
    """Judges certificates against fixed anchors and issuers.

    It does no I/O after construction, waits for nothing and keeps no state, so it may be called from any thread and
    inside an event loop; one call takes a few milliseconds.
    """

    def __init__(self, anchors: Sequence[Anchor], issuers: Sequence[bytes], policy: ValidityPolicy) -> None:
        """Take the roots to trust and the DER of further CAs, which are trusted for nothing.

        Raises CertificateError if one of `issuers` can't be read.
        """
        self._policy = policy
        self._worlds = {anchor.certificate.fingerprint: anchor.environment for anchor in anchors}
        self._authorities = Authorities.of((anchor.certificate for anchor in anchors), map(read, issuers))

    @classmethod
    def from_settings(cls, settings: ValiditySettings) -> Self:
        """Return the judge that the configuration asks for. Raises CertificateFileError: one line, file and reason."""
        policy = settings.policy()
        anchors = load_anchors(settings.anchors, policy, settings.sim_fingerprints)
        return cls(anchors, load_issuers(settings.issuers), policy)

    def judge(self, certificate: Certificate, at: datetime, others: Sequence[Certificate] = ()) -> Assessment:
        """Return what is to be said of `certificate` at the moment `at` (aware).

        `others` are further certificates of the card, which may be CAs on the way to an anchor and are not trusted.
        """
        if at.tzinfo is None:
            raise ValueError("a moment without a time zone")
        at = at.astimezone(UTC)
        chains, all_of_them = find_chains(certificate, self._authorities.with_card(others), objection)
        chain, detail = _best(chains)
        found = [
            *self._of_certificate(certificate, at),
            *self._of_chain(chain, at, valid=detail is None),
            reasons.REVOCATION_NOT_CHECKED,
        ]
        trusted = detail is None and chain.end is End.ANCHOR
        if not trusted and not all_of_them:
            found.append(reasons.CHAIN_TOO_COMPLEX)
        anchor = chain.certificates[-1].fingerprint if trusted else None
        return Assessment(
            verdict=reasons.verdict(found),
            path=tuple(certificate.masked_subject for certificate in chain.certificates),
            anchor=anchor,
            environment=self._worlds[anchor] if anchor else None,
            checked_at=at,
            detail=detail,
        )

    def _of_certificate(self, certificate: Certificate, at: datetime) -> Iterator[str]:
        if EXTENSIONS_MALFORMED in certificate.weaknesses:
            yield reasons.CERTIFICATE_MALFORMED
        if certificate.environment not in {Environment.UNKNOWN, *self._policy.environments}:
            yield reasons.ENVIRONMENT_NOT_CONFIGURED
        if at > certificate.not_after:
            yield reasons.DATE_EXPIRED
        if at < self._policy.plausible_from:
            # Such a clock is slow, so what is expired by it surely is; what is not yet valid by it may well be valid.
            yield reasons.CLOCK_IMPLAUSIBLE
        elif at < certificate.not_before:
            yield reasons.DATE_NOT_YET_VALID

    def _of_chain(self, chain: Chain, at: datetime, *, valid: bool) -> Iterator[str]:
        leaf, *issuers = chain.certificates
        signed = chain.certificates[:-1] if chain.end is End.ANCHOR else chain.certificates
        for certificate in signed if valid else (leaf,):
            yield from self._policy.refused_weaknesses.intersection(certificate.weaknesses)
        if not valid:
            yield reasons.CHAIN_INVALID
            return
        if any(at > issuer.not_after for issuer in issuers):
            yield reasons.CHAIN_EXPIRED
        if at >= self._policy.plausible_from and any(at < issuer.not_before for issuer in issuers):
            yield reasons.CHAIN_NOT_YET_VALID
        if chain.end is End.ANCHOR:
            world = self._worlds[chain.certificates[-1].fingerprint]
            if leaf.environment not in {Environment.UNKNOWN, world}:
                yield reasons.ENVIRONMENT_CONFLICT
            return
        installed = self._has_anchor_for(leaf.environment)
        if not installed:
            yield reasons.ANCHOR_MISSING
        if chain.end is End.ISSUER_UNKNOWN:
            yield reasons.CHAIN_ISSUER_UNKNOWN
        elif installed:
            yield reasons.CHAIN_UNTRUSTED

    def _has_anchor_for(self, environment: Environment) -> bool:
        if environment is Environment.UNKNOWN:
            return bool(self._worlds)
        return environment in self._worlds.values()


def _best(chains: Sequence[Chain]) -> tuple[Chain, str | None]:
    """Return the chain that tells most, and what is wrong with it: a valid one before any other, an anchor's first."""
    order = (End.ANCHOR, End.FOREIGN_ROOT, End.ISSUER_UNKNOWN, End.BROKEN)
    ranked = sorted(chains, key=lambda chain: order.index(chain.end))
    first_problem: str | None = None
    for chain in ranked:
        detail = problem(chain)
        if detail is None:
            return chain, None
        first_problem = first_problem or detail
    return ranked[0], first_problem
