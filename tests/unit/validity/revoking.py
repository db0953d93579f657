"""What the tests of revocation share: a CA, its certificates, and answers about them by cryptography's builders."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from asn1crypto import crl as structures
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID

from sithsd.certificate.read import Certificate, read

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
GOOD, REVOKED, UNKNOWN = ocsp.OCSPCertStatus.GOOD, ocsp.OCSPCertStatus.REVOKED, ocsp.OCSPCertStatus.UNKNOWN
SIGNS_RESPONSES = (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING]), False)
NO_CHECK = (x509.OCSPNoCheck(), False)


def loaded(made: Any) -> x509.Certificate:
    """Return a made certificate as cryptography has it."""
    return x509.load_der_x509_certificate(made.der)


class Office:
    """A root, an issuing CA, a person's certificate, and who answers for them."""

    def __init__(self, forge: Any) -> None:
        self.forge = forge
        self.now: datetime = forge.NOW
        self.root = forge.authority("SIM SITHS e-id Root CA v2")
        self.issuer = forge.authority("SIM SITHS e-id Person HSA-id 3 CA v1", self.root, path_length=0)
        sources = [points("http://crl.sim/one.crl"), access(ocsp=["http://ocsp.sim"])]
        self.leaf = forge.person(issuer=self.issuer, extensions=sources)
        self.other = forge.person("SE2321000016-2BC3", issuer=self.issuer)
        self.certificate: Certificate = read(self.leaf.der)
        self.ca: Certificate = read(self.issuer.der)

    def delegate(self, extensions: Iterable[Any] = (SIGNS_RESPONSES, NO_CHECK), **more: Any) -> Any:
        """Make a responder's certificate."""
        return self.forge.make(
            "SIM Responder", **{"issuer": self.issuer, "usage": {"digital_signature"}, "extensions": extensions, **more}
        )

    def respond(  # noqa: PLR0913 - a response has this many parts, and a test names the few that matter
        self,
        status: ocsp.OCSPCertStatus = GOOD,
        *,
        about: Any = None,
        issuer: Any = None,
        signer: Any = None,
        enclosed: Sequence[Any] = (),
        made: timedelta = -HOUR,
        lasts: timedelta | None = DAY,
        reason: x509.ReasonFlags | None = None,
        extensions: Iterable[tuple[x509.ExtensionType, bool]] = (),
        algorithm: hashes.HashAlgorithm | None = None,
        named_by: hashes.HashAlgorithm | None = None,
        identified: ocsp.OCSPResponderEncoding = ocsp.OCSPResponderEncoding.HASH,
    ) -> bytes:
        """Make a response: `made` counts from now, `lasts` from then on."""
        signer = signer or self.issuer
        this = self.now + made
        builder = (
            ocsp.OCSPResponseBuilder()
            .add_response(
                loaded(about or self.leaf),
                loaded(issuer or self.issuer),
                named_by or hashes.SHA1(),  # noqa: S303 - as responders do
                status,
                this,
                None if lasts is None else this + lasts,
                this - DAY if status is REVOKED else None,
                reason,
            )
            .responder_id(identified, loaded(signer))
        )
        if enclosed:
            builder = builder.certificates([loaded(one) for one in enclosed])
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        response = builder.sign(signer.key, algorithm or hashes.SHA256())
        return response.public_bytes(serialization.Encoding.DER)

    def list(  # noqa: PLR0913 - as above
        self,
        entries: Iterable[x509.RevokedCertificate] = (),
        *,
        signer: Any = None,
        name: x509.Name | None = None,
        made: timedelta = -HOUR,
        lasts: timedelta = DAY,
        number: int | None = 1,
        base: int | None = None,
        point: x509.IssuingDistributionPoint | None = None,
        extensions: Iterable[tuple[x509.ExtensionType, bool]] = (),
        algorithm: hashes.HashAlgorithm | None = None,
    ) -> bytes:
        """Make a CRL: `made` counts from now, `lasts` from then on; `base` makes it a delta."""
        signer = signer or self.issuer
        this = self.now + made
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(name or signer.name)
            .last_update(this)
            .next_update(this + lasts)
        )
        added = list(extensions)
        if number is not None:
            added.append((x509.CRLNumber(number), False))
        if base is not None:
            added.append((x509.DeltaCRLIndicator(base), True))
        if point is not None:
            added.append((point, True))
        for extension, critical in added:
            builder = builder.add_extension(extension, critical)
        for entry in entries:
            builder = builder.add_revoked_certificate(entry)
        return builder.sign(signer.key, algorithm or hashes.SHA256()).public_bytes(serialization.Encoding.DER)

    def raw_list(self, entries: bytes, *, version: int | None = 1, due: bool = True) -> bytes:
        """Make a CRL around these entries, byte for byte."""
        whole = structures.CertificateList.load(self.list([self.entry()]))
        told = whole["tbs_cert_list"]
        parts = [told[name].dump() for name in ("signature", "issuer", "this_update")]
        if version is not None:
            parts.insert(0, tlv(0x02, bytes([version])))
        if due:
            parts.append(told["next_update"].dump())
        signed = tlv(0x30, b"".join(parts) + tlv(0x30, entries) + told["crl_extensions"].dump())
        signature = self.issuer.key.sign(signed, ec.ECDSA(hashes.SHA256()))
        return tlv(0x30, signed + whole["signature_algorithm"].dump() + tlv(0x03, b"\0" + signature))

    def entry(
        self,
        about: Any = None,
        reason: x509.ReasonFlags | None = None,
        extensions: Iterable[tuple[x509.ExtensionType, bool]] = (),
        *,
        since: timedelta = -2 * DAY,
    ) -> x509.RevokedCertificate:
        """Make the line that says that a certificate is revoked."""
        builder = (
            x509.RevokedCertificateBuilder()
            .serial_number(loaded(about or self.leaf).serial_number)
            .revocation_date(self.now + since)
        )
        if reason is not None:
            builder = builder.add_extension(x509.CRLReason(reason), critical=False)
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return builder.build()


def tlv(tag: int, content: bytes) -> bytes:
    """Return an element of DER."""
    if len(content) < 0x80:
        return bytes([tag, len(content)]) + content
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def points(*urls: str, reasons: frozenset[x509.ReasonFlags] | None = None) -> tuple[x509.CRLDistributionPoints, bool]:
    """Make the extension that names where the CRL is, in one distribution point."""
    names = [x509.UniformResourceIdentifier(url) for url in urls]
    return x509.CRLDistributionPoints([x509.DistributionPoint(names, None, reasons, None)]), False


def access(*, ocsp: Sequence[str] = (), issuers: Sequence[str] = ()) -> tuple[x509.AuthorityInformationAccess, bool]:
    """Make the extension that names responders and where the issuer's certificate is."""
    described = [(AuthorityInformationAccessOID.OCSP, url) for url in ocsp]
    described += [(AuthorityInformationAccessOID.CA_ISSUERS, url) for url in issuers]
    return x509.AuthorityInformationAccess(
        [x509.AccessDescription(method, x509.UniformResourceIdentifier(url)) for method, url in described]
    ), False


def scope(
    *urls: str,
    users: bool = False,
    cas: bool = False,
    reasons: frozenset[x509.ReasonFlags] | None = None,
    indirect: bool = False,
    attributes: bool = False,
) -> x509.IssuingDistributionPoint:
    """Make the extension that says what a list is about."""
    names = [x509.UniformResourceIdentifier(url) for url in urls] or None
    return x509.IssuingDistributionPoint(names, None, users, cas, reasons, indirect, attributes)
