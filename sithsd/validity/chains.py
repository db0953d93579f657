"""The chain of issuers of a certificate: to an anchor, or as far as it is known.

Paths are built by pyhanko-certvalidator (RFC 4158), which tries every way through the certificates that it is given.
So what it is given is bounded: the anchors, the installed issuers, and of the card a few CA certificates, each really
signed by one of these or by another such. A card can't make up certificates of that kind, however many it holds; and
were they made by a hostile issuer, there are 65 ways through four.

Where there is no valid path, a climb from issuer to issuer tells which case it is. It is for display alone: no
certificate is trusted by it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import chain

from asn1crypto import x509
from pyhanko_certvalidator.authority import AuthorityWithCert
from pyhanko_certvalidator.errors import PathBuildingError
from pyhanko_certvalidator.path import ValidationPath
from pyhanko_certvalidator.registry import CertificateRegistry, PathBuilder, SimpleTrustManager

from sithsd.certificate.read import Certificate
from sithsd.validity.path import as_anchor, load, objection, problem, run

MAX_LENGTH = 8
MAX_CANDIDATES = 8
MAX_FROM_CARD = 16
MAX_ADMITTED = 4


class End(Enum):
    """Where a chain ends; only with `ANCHOR` it is a path that may be trusted."""

    ANCHOR = "anchor"
    FOREIGN_ROOT = "foreignRoot"
    ISSUER_UNKNOWN = "issuerUnknown"
    TOO_COMPLEX = "tooComplex"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Chain:
    """Certificates, each followed by its issuer; the judged one first. With `End.BROKEN`, `objection` tells why."""

    certificates: tuple[Certificate, ...]
    end: End
    objection: str | None = None


@dataclass(frozen=True, slots=True)
class Authorities:
    """The anchors and the installed issuers, by fingerprint, and as the library reads them.

    For one thread at a time: asn1crypto reads a field only when it is asked for it.
    """

    known: Mapping[str, Certificate]
    roots: tuple[x509.Certificate, ...]
    installed: tuple[x509.Certificate, ...]

    @classmethod
    def of(cls, anchors: Sequence[Certificate], issuers: Sequence[Certificate]) -> "Authorities":
        """Return these anchors and issuers; those that the library can't read are left out."""
        return cls({one.fingerprint: one for one in (*issuers, *anchors)}, tuple(_read(anchors)), tuple(_read(issuers)))


def find_chain(certificate: Certificate, authorities: Authorities, card: Sequence[Certificate]) -> Chain:
    """Return a valid path from `certificate` to one of the anchors, or else the chain as far as it is known.

    Of `card`, the first `MAX_FROM_CARD` certificates are looked at.
    """
    leaf = load(certificate)
    if leaf is None:
        return Chain((certificate,), End.BROKEN, "the certificate is malformed")
    roots, installed = authorities.roots, authorities.installed
    if any(leaf.sha256 == root.sha256 for root in roots):
        return Chain((certificate,), End.ANCHOR)
    card = card[:MAX_FROM_CARD]
    known = {**{one.fingerprint: one for one in (*card, certificate)}, **authorities.known}
    from_card = list(_read(card))
    admitted = admit(from_card, [*roots, *installed])
    registry = CertificateRegistry.build([*installed, *admitted])
    problems: list[str] = []
    for path in _paths(leaf, PathBuilder(SimpleTrustManager.build(map(as_anchor, roots)), registry)):
        if (wrong := problem(path)) is None:
            upwards = reversed(list(path.iter_certs(include_root=True)))
            return Chain(tuple(known[one.sha256.hex()] for one in upwards), End.ANCHOR)
        problems.append(wrong)
    climbed, end, wrong = _climb(leaf, roots, [*installed, *from_card], problems)
    return Chain(tuple(known[one.sha256.hex()] for one in climbed), end, wrong)


def _read(certificates: Iterable[Certificate]) -> Iterator[x509.Certificate]:
    return (loaded for one in certificates if (loaded := load(one)))


def admit(card: Sequence[x509.Certificate], pool: Sequence[x509.Certificate]) -> list[x509.Certificate]:
    """Return the certificates of `card` that the path builder may have: at most `MAX_ADMITTED`.

    Each is a CA's, is signed by one of `pool` or by one admitted before it, and is none of these again.
    """
    admitted: list[x509.Certificate] = []
    at_hand = {one.sha256 for one in pool}
    for issuer in map(AuthorityWithCert, chain(pool, admitted)):  # which grows meanwhile
        for one in card:
            if len(admitted) == MAX_ADMITTED:
                return admitted
            if one.sha256 in at_hand or not one.ca or not issuer.is_potential_issuer_of(one):
                continue
            if objection(one, issuer.certificate) is None:
                admitted.append(one)
                at_hand.add(one.sha256)
    return admitted


def _paths(leaf: x509.Certificate, builder: PathBuilder) -> list[ValidationPath]:
    try:
        found = run(builder.async_build_paths(leaf))
    except PathBuildingError:
        return []
    # What bears an anchor's name and key is the anchor for the builder; as it is another one, it has to be signed.
    return [path if path.pkix_len else ValidationPath(path.trust_anchor, [], leaf) for path in found]


def _climb(
    leaf: x509.Certificate,
    roots: Sequence[x509.Certificate],
    others: Sequence[x509.Certificate],
    problems: Sequence[str],
) -> tuple[list[x509.Certificate], End, str | None]:
    climbed = [leaf]
    while len(climbed) < MAX_LENGTH and climbed[-1] not in roots:
        top, wrong, below = climbed[-1], None, {one.sha256 for one in climbed}
        named = [one for one in (*roots, *others) if AuthorityWithCert(one).is_potential_issuer_of(top)]
        for issuer in [one for one in named if one.sha256 not in below][:MAX_CANDIDATES]:
            if (objected := objection(top, issuer)) is None:
                climbed.append(issuer)
                break
            wrong = wrong or objected
        else:
            if wrong is not None:
                return climbed, End.BROKEN, wrong
            if top.self_signed != "no":
                return climbed, End.FOREIGN_ROOT, None
            return climbed, End.TOO_COMPLEX if named else End.ISSUER_UNKNOWN, None  # in a circle, or at an end
    if climbed[-1] in roots and problems:  # every signature is right, so something else is wrong with the path
        return climbed, End.BROKEN, problems[0]
    return climbed, End.TOO_COMPLEX, None
