"""Who signs what an authority says: the authority, a responder it appointed, or somebody who only looks like it."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from sithsd.simulator.pki import Authority, key_usage

_KEY_BITS = 2048
_LONGEST_NAME = 64


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signs an OCSP response: under which certificate, with which key, and whether the certificate goes along."""

    certificate: x509.Certificate
    key: rsa.RSAPrivateKey
    enclosed: bool


@dataclass(frozen=True)
class Chair:
    """One authority with the keys it signs statements with; each is made when it is first needed, and kept here.

    `since` is a moment from which on appointed responders have their certificates.
    """

    authority: Authority
    since: datetime

    def signer(self, *, delegated: bool) -> Signer:
        """Return who signs OCSP responses: a responder that the authority appointed, or the authority itself."""
        return self._delegate if delegated else Signer(self.authority.certificate, self.authority.key, enclosed=False)

    @cached_property
    def impostor(self) -> "Chair":
        """Somebody with the authority's names and identifiers, and a key of its own."""
        key = rsa.generate_private_key(public_exponent=65537, key_size=_KEY_BITS)
        true = self.authority.certificate
        builder = (
            x509.CertificateBuilder()
            .subject_name(true.subject)
            .issuer_name(true.issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(true.not_valid_before_utc)
            .not_valid_after(true.not_valid_after_utc)
        )
        for extension in true.extensions:
            builder = builder.add_extension(extension.value, critical=extension.critical)
        twin = replace(self.authority, certificate=builder.sign(key, hashes.SHA256()), key=key)
        return Chair(twin, self.since)

    @cached_property
    def unauthorised(self) -> Signer:
        """One whom the authority certified, but not for signing OCSP responses."""
        return self._appoint(ExtendedKeyUsageOID.CLIENT_AUTH)

    @cached_property
    def _delegate(self) -> Signer:
        return self._appoint(ExtendedKeyUsageOID.OCSP_SIGNING)

    def _appoint(self, purpose: x509.ObjectIdentifier) -> Signer:
        key = rsa.generate_private_key(public_exponent=65537, key_size=_KEY_BITS)
        certificate, issuer = self.authority.certificate, self.authority.key
        name = f"{certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value!s} OCSP"
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[-_LONGEST_NAME:])]))
            .issuer_name(certificate.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self.since - timedelta(days=30))
            .not_valid_after(self.since + timedelta(days=30))
            .add_extension(key_usage(digital_signature=True), critical=True)
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
            .add_extension(x509.OCSPNoCheck(), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(self.authority.key_identifier, critical=False)
        )
        return Signer(builder.sign(issuer, hashes.SHA256()), key, enclosed=True)
