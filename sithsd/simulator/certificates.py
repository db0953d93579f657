"""A holder's certificates, by the profile of real SITHS certificates as far as it is known."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from sithsd.iso7816 import tlv
from sithsd.simulator.fixture import CardFixture, HolderFixture, Identity, Issuer, Purpose
from sithsd.simulator.pki import Authority, key_usage

CARD_NUMBER: Final = x509.ObjectIdentifier("1.2.752.34.2.1")
_PRINTABLE_STRING = 0x13
_KEY_BITS = 2048
_SITHS: Final = {
    (Identity.HSA_ID, 3): Issuer.PERSON_HSA_ID_3,
    (Identity.HSA_ID, 2): Issuer.PERSON_HSA_ID_2,
    (Identity.PERSONAL_IDENTITY_NUMBER, 3): Issuer.PERSON_ID_3,
    (Identity.PERSONAL_IDENTITY_NUMBER, 2): Issuer.PERSON_ID_2,
}
_PURPOSE_WORDS: Final = {Purpose.AUTHENTICATION: "Legitimering", Purpose.SIGNATURE: "Underskrift"}
_IDENTITY_WORDS: Final = {
    Identity.HSA_ID: "HSA-id",
    Identity.PERSONAL_IDENTITY_NUMBER: "personlig e-legitimation",
    Identity.NONE: "Example",
}


@dataclass(frozen=True, slots=True)
class Order:
    """A certificate to be made: what for, for which identity, by whom."""

    purpose: Purpose
    identity: Identity
    issuer: Issuer

    @property
    def label(self) -> str:
        """The name of the certificate and its key on the card."""
        identity = "Telia e-legitimation" if self.issuer is Issuer.TELIA else _IDENTITY_WORDS[self.identity]
        return f"{_PURPOSE_WORDS[self.purpose]} {identity}"


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate, which authority issued it, and its private key in DER (PKCS#8)."""

    order: Order
    authority: Authority
    certificate: x509.Certificate
    pkcs8: bytes


def orders(fixture: CardFixture) -> tuple[Order, ...]:
    """Return what the card is to hold: a pair for each identity, then the single ones."""
    pairs = (
        Order(purpose, identity, fixture.issuer or _SITHS.get((identity, fixture.level_of_assurance), Issuer.PLAIN))
        for identity in fixture.identities
        for purpose in Purpose
    )
    singles = (Order(single.purpose, single.identity, single.issuer) for single in fixture.certificates)
    return (*pairs, *singles)


def issue(  # noqa: PLR0913 - a certificate says as much
    order: Order,
    authority: Authority,
    fixture: CardFixture,
    card_number: str,
    validity: tuple[datetime, datetime],
    *,
    key: rsa.RSAPrivateKey | None = None,
) -> Issued:
    """Have a key pair certified: a new one, unless `key` is given."""
    if key is None:
        key = rsa.generate_private_key(public_exponent=fixture.public_exponent, key_size=_KEY_BITS)
    public = key.public_key()
    usage = (
        key_usage(digital_signature=True)
        if order.purpose is Purpose.AUTHENTICATION
        else key_usage(non_repudiation=True)
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject(order, fixture.holder))
        .issuer_name(authority.certificate.subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(validity[0])
        .not_valid_after(validity[1])
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(usage, critical=True)
    )
    for extension in authority.pointers():
        builder = builder.add_extension(extension, critical=False)
    if order.issuer not in {Issuer.TELIA, Issuer.PLAIN}:
        number = tlv.encode(_PRINTABLE_STRING, card_number.encode("ascii"))
        builder = builder.add_extension(x509.UnrecognizedExtension(CARD_NUMBER, number), critical=False)
    certificate = builder.sign(authority.key, hashes.SHA256())
    return Issued(order, authority, certificate, key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))


def subject(order: Order, holder: HolderFixture) -> x509.Name:
    """Return the subject: C, L, O, CN, SN, GN, serialNumber, in this order, and fewer where less is shown."""
    number = holder.personal_identity_number if order.identity is Identity.PERSONAL_IDENTITY_NUMBER else holder.hsa_id
    name = number if holder.protected else f"{holder.given_name} {holder.surname}"
    attributes = [x509.NameAttribute(NameOID.COUNTRY_NAME, "SE")]
    if order.issuer is not Issuer.TELIA:
        attributes += [
            x509.NameAttribute(NameOID.LOCALITY_NAME, holder.locality),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, holder.organisation),
        ]
    attributes.append(x509.NameAttribute(NameOID.COMMON_NAME, name))
    if not holder.protected:
        attributes += [
            x509.NameAttribute(NameOID.SURNAME, holder.surname),
            x509.NameAttribute(NameOID.GIVEN_NAME, holder.given_name),
        ]
    attributes.append(x509.NameAttribute(NameOID.SERIAL_NUMBER, number))
    return x509.Name(attributes)


def luhn(digits: str) -> str:
    """Return the check digit that makes `digits` Luhn-valid with it at the end (ISO/IEC 7812-1, annex B)."""
    total = 0
    for position, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if position % 2 == 0 else 1)
        total += value // 10 + value % 10
    return str(-total % 10)
