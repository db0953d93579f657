"""One certificate, from its bytes to what it means for a SITHS card (RFC 5280; names of issuers from the tables)."""

import hashlib
import warnings
from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509.oid import ObjectIdentifier

from sithsd.certificate.identity import KeyUse, environment, identify
from sithsd.certificate.names import (
    COMMON_NAME,
    GIVEN_NAME,
    LOCALITY,
    ORGANIZATION,
    SERIAL_NUMBER,
    SURNAME,
    issuer_and_subject,
)
from sithsd.certificate.personal import PersonalIdentityNumber, mask, mask_serial_number
from sithsd.certificate.strength import examine
from sithsd.certificate.tables import IssuerFamily, Tables, default_tables
from sithsd.values import Environment, IdentityKind, Purpose

MAX_CERTIFICATE_BYTES = 64 * 1024
EXTENSIONS_MALFORMED = "extensions.malformed"

_CARD_NUMBER = ObjectIdentifier("1.2.752.34.2.1")
_PRINTABLE_STRINGS = frozenset({0x0C, 0x13, 0x16})
_MAX_CARD_NUMBER = 64


class CertificateError(ValueError):
    """The bytes are no certificate that can be read; the message is one line."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """What one certificate says. Nothing of it is proven: `sithsd.validity` judges.

    `subject`, `common_name` and the like are as written and may hold a personal identity number; `masked_subject` and
    the `repr` do not. Moments are aware, in UTC. `weaknesses` are stable names ("signature.sha1", "key.exponent3",
    "extensions.malformed"). `person`: it is a human being's, not a service's or an issuer's. `transport`: it only
    carries a new card to its desk and is no identity.
    """

    der: bytes = field(repr=False)
    fingerprint: str
    subject: str = field(repr=False)
    issuer: str = field(repr=False)
    masked_subject: str = field(repr=False)
    common_name: str | None = field(repr=False)
    given_name: str | None = field(repr=False)
    surname: str | None = field(repr=False)
    organization: str | None = field(repr=False)
    locality: str | None = field(repr=False)
    serial_number: int
    not_before: datetime
    not_after: datetime
    purpose: Purpose
    identity: IdentityKind
    hsa_id: str | None = field(repr=False)
    personal_identity_number: PersonalIdentityNumber | None = field(repr=False)
    person: bool
    card_number: str | None = field(repr=False)
    environment: Environment
    level_of_assurance: int | None
    issuer_family: IssuerFamily
    transport: bool
    weaknesses: tuple[str, ...]
    policies: tuple[str, ...]
    key: str
    subject_key_identifier: bytes | None = field(repr=False)
    authority_key_identifier: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Extensions:
    """What the extensions of a certificate say; nothing if one of them is malformed."""

    use: KeyUse = field(default_factory=KeyUse)
    policies: tuple[str, ...] = ()
    card_number: str | None = None
    subject_key: bytes | None = None
    authority_key: bytes | None = None
    malformed: bool = False


def read(der: bytes, tables: Tables | None = None) -> Certificate:
    """Return what the certificate in `der` says, by `tables` (the shipped ones if None).

    Zeros or FFs after the certificate (a card's file may be longer than its contents) are cut off. Raises
    CertificateError for everything that is no readable certificate, and nothing else.
    """
    if len(der) > MAX_CERTIFICATE_BYTES:
        raise CertificateError(f"larger than {MAX_CERTIFICATE_BYTES} bytes")
    der = _without_padding(der)
    try:
        with warnings.catch_warnings():
            # A serial number that isn't positive is read all the same; cryptography warns of it at each look.
            warnings.simplefilter("ignore", CryptographyDeprecationWarning)
            return _meaning(x509.load_der_x509_certificate(der), der, tables or default_tables())
    except (ValueError, OverflowError, x509.InvalidVersion) as error:
        reason = " ".join(str(error).split())
        raise CertificateError(f"not a readable certificate: {reason[:200]}") from None


def _meaning(certificate: x509.Certificate, der: bytes, tables: Tables) -> Certificate:
    issuer, subject = issuer_and_subject(certificate.tbs_certificate_bytes)
    extensions = extensions_of(certificate)
    facts = tables.issuer(issuer.first(COMMON_NAME))
    identity = identify(subject, extensions.policies, extensions.use, facts, tables)
    key, weaknesses = examine(certificate)
    return Certificate(
        der=der,
        fingerprint=hashlib.sha256(der).hexdigest(),
        subject=subject.text(),
        issuer=issuer.text(),
        masked_subject=subject.text(_masked),
        common_name=subject.first(COMMON_NAME),
        given_name=subject.first(GIVEN_NAME),
        surname=subject.first(SURNAME),
        organization=subject.first(ORGANIZATION),
        locality=subject.first(LOCALITY),
        serial_number=certificate.serial_number,
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        purpose=identity.purpose,
        identity=identity.kind,
        hsa_id=identity.hsa_id,
        personal_identity_number=identity.personal_identity_number,
        person=identity.person,
        card_number=extensions.card_number,
        environment=environment(facts, subject, extensions.use, tables),
        level_of_assurance=tables.level_of_assurance(extensions.policies, facts) if identity.person else None,
        issuer_family=facts.family,
        transport=identity.transport,
        weaknesses=(*weaknesses, EXTENSIONS_MALFORMED) if extensions.malformed else weaknesses,
        policies=extensions.policies,
        key=key,
        subject_key_identifier=extensions.subject_key,
        authority_key_identifier=extensions.authority_key,
    )


def extensions_of(certificate: x509.Certificate) -> Extensions:
    """Return what the extensions of `certificate` say."""
    try:
        extensions = certificate.extensions
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return Extensions(malformed=True)
    ca = False
    usage: x509.KeyUsage | None = None
    policies: tuple[str, ...] = ()
    card_number: str | None = None
    subject_key: bytes | None = None
    authority_key: bytes | None = None
    for extension in extensions:
        match extension.value:
            case x509.BasicConstraints() as value:
                ca = value.ca
            case x509.KeyUsage() as value:
                usage = value
            case x509.CertificatePolicies() as value:
                policies = tuple(policy.policy_identifier.dotted_string for policy in value)
            case x509.SubjectKeyIdentifier() as value:
                subject_key = value.digest
            case x509.AuthorityKeyIdentifier() as value:
                authority_key = value.key_identifier
            case x509.UnrecognizedExtension(oid=oid, value=value) if oid == _CARD_NUMBER:
                card_number = _string(value)
    use = KeyUse(ca, usage.digital_signature, usage.content_commitment) if usage else KeyUse(ca)
    return Extensions(use, policies, card_number, subject_key, authority_key)


def _masked(oid: str, value: str) -> str:
    return mask_serial_number(value) if oid == SERIAL_NUMBER else mask(value)


def _string(der: bytes) -> str | None:
    """Return the short ASCII string in `der` (PrintableString in the sample), or None."""
    if len(der) < 3 or der[0] not in _PRINTABLE_STRINGS or der[1] != len(der) - 2 or der[1] > _MAX_CARD_NUMBER:
        return None
    text = der[2:].decode("ascii", errors="replace")
    return text if text.isascii() and text.isprintable() else None


def _without_padding(der: bytes) -> bytes:
    if len(der) < 4 or der[0] != 0x30 or der[1] not in {0x81, 0x82, 0x83}:
        return der
    octets = der[1] & 0x0F
    end = 2 + octets + int.from_bytes(der[2 : 2 + octets], "big")
    padding = der[end:]
    return der[:end] if not padding.strip(b"\x00") or not padding.strip(b"\xff") else der
