"""Chains of issuers from a certificate towards a root (RFC 4158).

The candidates come from three places, tried in this order: the anchors, the installed issuers, the card. What a card
holds may be hostile, so the number of its certificates, the length of a chain, the chains and the steps are bounded,
and a chain goes on only through an issuer that really signed what is below it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

from sithsd.certificate.names import normalized
from sithsd.certificate.read import Certificate

MAX_LENGTH = 8
MAX_CHAINS = 16
MAX_STEPS = 64
MAX_FROM_CARD = 16


class End(Enum):
    """Where a chain ends."""

    ANCHOR = "anchor"
    FOREIGN_ROOT = "foreignRoot"
    ISSUER_UNKNOWN = "issuerUnknown"
    BROKEN = "broken"


# What is wrong between a certificate and a candidate for its issuer, in a sentence, or None.
Objection = Callable[[Certificate, Certificate], str | None]


@dataclass(frozen=True, slots=True)
class Chain:
    """Certificates, each followed by its issuer; the judged one first.

    With `End.BROKEN` there are only such as bear the name of the last one's issuer and did not, or must not, issue it:
    `objection` tells why.
    """

    certificates: tuple[Certificate, ...]
    end: End
    objection: str | None = None


@dataclass(frozen=True, slots=True)
class Authorities:
    """Certificates that may have issued others, by subject; which of them are anchors, by fingerprint."""

    by_subject: Mapping[str, tuple[Certificate, ...]]
    anchors: frozenset[str]

    @classmethod
    def of(cls, anchors: Iterable[Certificate], issuers: Iterable[Certificate]) -> "Authorities":
        """Return the anchors and the installed issuers, ready to be looked up."""
        trusted = list(anchors)
        return cls(_by_subject([*trusted, *issuers]), frozenset(anchor.fingerprint for anchor in trusted))

    def with_card(self, certificates: Sequence[Certificate]) -> "Authorities":
        """Return these and, after them, the first `MAX_FROM_CARD` of a card's certificates."""
        ours = (certificate for known in self.by_subject.values() for certificate in known)
        return Authorities(_by_subject([*ours, *certificates[:MAX_FROM_CARD]]), self.anchors)

    def candidates(self, certificate: Certificate) -> tuple[Certificate, ...]:
        """Return those whose name, and key identifier where both tell one (RFC 5280, 4.2.1.1), fit as the issuer."""
        wanted = certificate.authority_key_identifier
        return tuple(
            candidate
            for candidate in self.by_subject.get(normalized(certificate.issuer), ())
            if wanted is None or candidate.subject_key_identifier in {None, wanted}
        )


def find_chains(certificate: Certificate, authorities: Authorities, objection: Objection) -> tuple[list[Chain], bool]:
    """Return the chains of `certificate`, at least one, and whether these are all."""
    chains: list[Chain] = []
    walk = _Walk(authorities, objection)
    for chain in walk.from_leaf(certificate):
        chains.append(chain)
        if len(chains) == MAX_CHAINS:
            return chains, False
    return chains or [Chain((certificate,), End.ISSUER_UNKNOWN)], walk.complete


class _Walk:
    def __init__(self, authorities: Authorities, objection: Objection) -> None:
        self._authorities = authorities
        self._objection = objection
        self._steps = 0
        self.complete = True

    def from_leaf(self, leaf: Certificate) -> Iterator[Chain]:
        waiting: list[tuple[Certificate, ...]] = [(leaf,)]  # the last is followed first
        while waiting:
            chain = waiting.pop()
            top = chain[-1]
            if top.fingerprint in self._authorities.anchors:
                yield Chain(chain, End.ANCHOR)
                continue
            if len(chain) == MAX_LENGTH:
                self.complete = False
                continue
            issuers: list[Certificate] = []
            broken: Chain | None = None
            taken = {certificate.fingerprint for certificate in chain}
            for candidate in self._authorities.candidates(top):
                if candidate.fingerprint in taken:
                    continue
                self._steps += 1
                if self._steps > MAX_STEPS:
                    self.complete = False
                    return
                objection = self._objection(top, candidate)
                if objection is None:
                    issuers.append(candidate)
                else:
                    broken = broken or Chain(chain, End.BROKEN, objection)
            if issuers:
                waiting.extend((*chain, issuer) for issuer in reversed(issuers))
            else:
                yield broken or Chain(chain, End.FOREIGN_ROOT if _is_root(top) else End.ISSUER_UNKNOWN)


def _is_root(certificate: Certificate) -> bool:
    own_key = certificate.authority_key_identifier in {None, certificate.subject_key_identifier}
    return own_key and normalized(certificate.subject) == normalized(certificate.issuer)


def _by_subject(certificates: Iterable[Certificate]) -> Mapping[str, tuple[Certificate, ...]]:
    found: dict[str, dict[str, Certificate]] = {}
    for certificate in certificates:
        found.setdefault(normalized(certificate.subject), {}).setdefault(certificate.fingerprint, certificate)
    return MappingProxyType({subject: tuple(same.values()) for subject, same in found.items()})
