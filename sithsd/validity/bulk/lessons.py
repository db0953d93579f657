"""What one certificate teaches of all that have its shape, and for which of them it does not hold.

A lesson is only learnt where it is certain that it does. These are the rules, by what a verdict depends on:

- The path is found by the issuer's name and the authority key identifier, which are in the shape; and by the signature.
  All who could be the issuer must have one and the same key, so that a signature which is theirs leads the same way.
- Name constraints (RFC 5280, 4.2.1.10) look at the subject. No CA on any way up may have some.
- The path builder passes over an issuer that bears the certificate's own issuer and serial number, and takes what has
  an anchor's name and key for the anchor. No certificate with a serial number or a key of a known CA's has a lesson.
- asn1crypto writes certificates of certain lengths anew. Where the first of a shape does not stay the same by that, no
  certificate of those lengths has a lesson. All parts that differ have an encoding that stays the same.
- Of CRLs, see `Answers`.
- Without any issuer of its name a certificate's verdict depends on whether it could be its own, so on its subject.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from asn1crypto import x509
from cryptography import x509 as cx509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key
from pyhanko_certvalidator.authority import AuthorityWithCert

from sithsd.certificate.identity import KeyUse
from sithsd.certificate.names import COMMON_NAME, issuer_and_subject
from sithsd.certificate.read import EXTENSIONS_MALFORMED, Certificate, extensions_of, read
from sithsd.certificate.tables import IssuerFacts, Tables, default_tables
from sithsd.validity.bulk.answers import OF_DATES, Answers
from sithsd.validity.bulk.careful import Careful, Findings
from sithsd.validity.bulk.outline import Outline
from sithsd.validity.bulk.register import Register
from sithsd.validity.bulk.rows import BulkSetup
from sithsd.validity.chains import Authorities
from sithsd.validity.path import load
from sithsd.values import CardKind, IdentityKind, Purpose

MAX_SHAPES = 4096

# AlgorithmIdentifiers of the algorithms that are not weak (RFC 4055, 5; RFC 5758, 3.2).
_WITH_RSA: dict[bytes, type[hashes.HashAlgorithm]] = {
    bytes.fromhex("300d06092a864886f70d01010b0500"): hashes.SHA256,
    bytes.fromhex("300d06092a864886f70d01010c0500"): hashes.SHA384,
    bytes.fromhex("300d06092a864886f70d01010d0500"): hashes.SHA512,
}
_WITH_EC: dict[bytes, type[hashes.HashAlgorithm]] = {
    bytes.fromhex("300a06082a8648ce3d040302"): hashes.SHA256,
    bytes.fromhex("300a06082a8648ce3d040303"): hashes.SHA384,
    bytes.fromhex("300a06082a8648ce3d040304"): hashes.SHA512,
}


@dataclass(frozen=True, slots=True)
class Lesson:
    """What holds for all certificates of one shape."""

    example: Certificate
    """The one that it was learnt from."""
    use: KeyUse
    """What the key may do."""
    facts: IssuerFacts
    """What the issuer's name tells."""
    level: int | None
    """The level of assurance of a person's certificate."""
    reasons: frozenset[str]
    """The verdict's reasons, but for those that depend on a certificate's own dates, where there are no answers."""
    answers: Answers | None
    """What lists tell; None if there is none of who issued it."""
    is_signed: Callable[[Outline], bool] | None
    """Whether the signature is the issuer's; None if no issuer is known."""
    is_faithful: bool
    """Whether it stays the same when asn1crypto writes it anew."""
    parts_of_issuer: int
    """How many relative names the issuer's name has."""
    kinds: dict[tuple[bool, IdentityKind, bool], CardKind] = field(default_factory=dict)
    """Kinds of cards, by whether the certificate is a person's, the sort of identity and whether its life is short."""
    dates_count: dict[tuple[Purpose, CardKind], bool] = field(default_factory=dict)
    """Whether something is to be done by the dates of a person's certificate, by its purpose and the card's kind."""


class Lessons:
    """The lessons learnt so far, `MAX_SHAPES` at most."""

    def __init__(self, setup: BulkSetup, register: Register, careful: Careful) -> None:
        """Take what `careful` judges by. Raises CertificateError if an issuer can't be read."""
        self._setup = setup
        self._register = register
        self._careful = careful
        self.tables: Tables = setup.tables or default_tables()
        anchors = [anchor.certificate for anchor in setup.anchors]
        authorities = Authorities.of(anchors, [read(der) for der in setup.issuers])
        self._authorities = (*authorities.roots, *authorities.installed)
        self._serial_numbers = {one.serial_number for one in self._authorities}
        self._keys = {one.public_key.dump() for one in self._authorities}
        # None for a shape that can't be learnt.
        self._lessons: dict[tuple[bytes, ...], Lesson | None] = {}

    def of(self, found: Outline) -> Lesson | None:
        """Return the lesson that holds for this certificate, or None."""
        lesson = self._lessons.get(found.shape)
        if lesson is None or self._is_like_an_authority(found) or (found.is_rewritten and not lesson.is_faithful):
            return None
        if lesson.is_signed is None:
            return None if len(found.subject.relative_names) == lesson.parts_of_issuer else lesson
        return lesson if lesson.is_signed(found) else None

    def learn(self, found: Outline, findings: Findings) -> None:
        """Learn from what the careful path found of the certificate with this outline, if there is something to."""
        if len(self._lessons) >= MAX_SHAPES or found.shape in self._lessons or self._is_like_an_authority(found):
            return
        certificate = load(findings.certificate)
        if certificate is None:
            return
        of_issuer = len(issuer_and_subject(found.signed)[0].relative_names)
        keys = {one.public_key.dump() for one in self._issuers_of(certificate)}
        if findings.assessment.anchor is not None:
            self._lessons[found.shape] = self._lesson(found, findings, certificate, keys, of_issuer)
        elif not keys and len(found.subject.relative_names) != of_issuer:
            self._lessons[found.shape] = self._told(found, findings, None, of_issuer)

    def _lesson(
        self, found: Outline, findings: Findings, certificate: x509.Certificate, keys: set[bytes], of_issuer: int
    ) -> Lesson | None:
        if len(keys) != 1 or self._is_constrained(certificate):
            return None
        is_signed = _check(found.algorithm, keys.pop())
        if is_signed is None or not is_signed(found):
            return None
        return self._told(found, findings, is_signed, of_issuer)

    def _told(
        self, found: Outline, findings: Findings, is_signed: Callable[[Outline], bool] | None, of_issuer: int
    ) -> Lesson | None:
        example = findings.certificate
        if example.purpose is Purpose.ISSUER or EXTENSIONS_MALFORMED in example.weaknesses:
            return None
        facts = self.tables.issuer(issuer_and_subject(found.signed)[0].first(COMMON_NAME))
        return Lesson(
            example=example,
            use=extensions_of(cx509.load_der_x509_certificate(example.der)).use,
            facts=facts,
            level=self.tables.level_of_assurance(example.policies, facts),
            reasons=frozenset(findings.assessment.verdict.reasons) - OF_DATES,
            answers=self._answers(findings),
            is_signed=is_signed,
            is_faithful=_is_faithful(example.der),
            parts_of_issuer=of_issuer,
        )

    def _answers(self, findings: Findings) -> Answers | None:
        path = findings.path
        lists = self._register.of(path[1]) if path and len(path) > 1 else None
        if path is None or lists is None:
            return None
        return Answers(self._careful, path, lists, self._setup.at, self._setup.use)

    def _is_like_an_authority(self, found: Outline) -> bool:
        return found.serial_number in self._serial_numbers or found.key in self._keys

    def _issuers_of(self, certificate: x509.Certificate) -> list[x509.Certificate]:
        """Return all who could be the issuer, by the two names and the key identifiers."""
        return [one for one in self._authorities if AuthorityWithCert(one).is_potential_issuer_of(certificate)]

    def _is_constrained(self, certificate: x509.Certificate) -> bool:
        above = [certificate]
        for one in above:  # which grows meanwhile
            above += [issuer for issuer in self._issuers_of(one) if issuer not in above]
        return any(one.name_constraints_value is not None for one in above)


def _is_faithful(der: bytes) -> bool:
    try:
        return bool(x509.Certificate.load(der).dump(force=True) == der)
    except Exception:  # noqa: BLE001 - anything may come out of a malformed field; it does not stay the same then
        return False


def _check(algorithm: bytes, issuer_key: bytes) -> Callable[[Outline], bool] | None:
    """Return what tells whether a signature by this algorithm is that of the key, None if it can't be told here."""
    key = load_der_public_key(issuer_key)
    if isinstance(key, rsa.RSAPublicKey) and (hashed := _WITH_RSA.get(algorithm)) is not None:
        return _RsaCheck(key, hashed(), padding.PKCS1v15())
    if isinstance(key, ec.EllipticCurvePublicKey) and (hashed := _WITH_EC.get(algorithm)) is not None:
        return _EcCheck(key, ec.ECDSA(hashed()))
    return None


@dataclass(frozen=True, slots=True)
class _RsaCheck:
    key: rsa.RSAPublicKey
    hashed: hashes.HashAlgorithm
    padded: padding.PKCS1v15

    def __call__(self, found: Outline) -> bool:
        try:
            self.key.verify(found.signature, found.signed, self.padded, self.hashed)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class _EcCheck:
    key: ec.EllipticCurvePublicKey
    algorithm: ec.ECDSA

    def __call__(self, found: Outline) -> bool:
        try:
            self.key.verify(found.signature, found.signed, self.algorithm)
        except InvalidSignature:
            return False
        return True
