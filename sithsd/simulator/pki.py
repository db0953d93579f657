"""The certificate authorities of the simulation, made once and kept in a folder.

Their names begin with SIM (but for the one that stands for a foreign issuer), so that nobody takes a simulated card
for a real one. All URLs in their certificates lead to this machine.
"""

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

from sithsd.simulator.fixture import Issuer
from sithsd.simulator.register import Act, Entry, Register

PORT: Final = 35980
"""Where the responder for lists, OCSP and issuing certificates listens, on 127.0.0.1, if nothing else is said."""

ROOT_FILE = "root.pem"
ISSUERS_FILE = "issuers.pem"
_PORT_FILE = "port"
_NOT_BEFORE = datetime(2019, 5, 15, tzinfo=UTC)
_NOT_AFTER = datetime(2049, 9, 15, tzinfo=UTC)
_KEY_BITS = 2048
_ROOT = "root"
_ORGANISATION = "SIM Inera AB"
_NAMES: Final = {
    _ROOT: (_ORGANISATION, "SIM SITHS e-id Root CA v2"),
    Issuer.PERSON_HSA_ID_3: (_ORGANISATION, "SIM SITHS e-id Person HSA-id 3 CA v1"),
    Issuer.PERSON_ID_3: (_ORGANISATION, "SIM SITHS e-id Person ID 3 CA v1"),
    Issuer.PERSON_HSA_ID_2: (_ORGANISATION, "SIM SITHS e-id Person HSA-id 2 CA v1"),
    Issuer.PERSON_ID_2: (_ORGANISATION, "SIM SITHS e-id Person ID 2 CA v1"),
    Issuer.TYPE_1: (_ORGANISATION, "SIM SITHS Type 1 CA v1"),
    Issuer.TELIA: ("SIM Telia AB", "SIM Telia e-legitimation HW CA v3"),
    Issuer.PLAIN: ("Example Cards AB", "Example Cards CA 1"),
}
_SELF_SIGNED = frozenset({_ROOT, Issuer.TYPE_1, Issuer.TELIA, Issuer.PLAIN})
# The authorities a path from a SIM SITHS card to the SIM root goes through.
_INTERMEDIATE: Final = tuple(name for name in _NAMES if name not in _SELF_SIGNED)


@dataclass(frozen=True, slots=True)
class Authority:
    """One certificate authority: its certificate, its key, the word for it in URLs, and what those begin with."""

    slug: str
    certificate: x509.Certificate
    key: rsa.RSAPrivateKey
    base: str

    def pointers(self) -> tuple[x509.CRLDistributionPoints, x509.AuthorityInformationAccess]:
        """Return the extensions that tell where this authority publishes revocations and its own certificate."""
        crl = x509.UniformResourceIdentifier(f"{self.base}/{self.slug}.crl")
        ocsp = x509.UniformResourceIdentifier(f"{self.base}/ocsp/{self.slug}")
        issuer = x509.UniformResourceIdentifier(f"{self.base}/{self.slug}.cer")
        return (
            x509.CRLDistributionPoints([x509.DistributionPoint([crl], None, None, None)]),
            x509.AuthorityInformationAccess(
                [
                    x509.AccessDescription(AuthorityInformationAccessOID.OCSP, ocsp),
                    x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, issuer),
                ]
            ),
        )

    @property
    def key_identifier(self) -> x509.AuthorityKeyIdentifier:
        """What names the authority's key in what it signs: the identifier in its certificate (RFC 5280, 4.2.1.1)."""
        own = self.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
        return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own.value)


class Pki:
    """All authorities of the simulation. Their certificates' URLs lead to `port` of this machine."""

    def __init__(self, folder: Path, root: Authority, issuers: dict[Issuer, Authority], port: int) -> None:
        self.folder = folder
        self.root = root
        self.issuers = issuers
        self.port = port

    @property
    def register(self) -> Register:
        """What the authorities have issued and revoked."""
        return Register(self.folder)

    @property
    def root_fingerprint(self) -> str:
        """The SHA-256 fingerprint of the SIM root, in hexadecimal."""
        return self.root.certificate.fingerprint(hashes.SHA256()).hex()

    @classmethod
    def open(cls, folder: Path, port: int = PORT) -> "Pki":
        """Load the authorities kept in `folder`; make them first, with URLs at `port`, if they are not there."""
        if not (folder / ISSUERS_FILE).is_file():
            _make(folder, port)
        told = folder / _PORT_FILE
        port = int(told.read_text(encoding="ascii")) if told.exists() else PORT
        root = _load(folder, _ROOT, port)
        return cls(folder, root, {issuer: _load(folder, issuer, port) for issuer in Issuer}, port)


def _make(folder: Path, port: int) -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _write(folder / _PORT_FILE, str(port).encode("ascii"), 0o644)
    root = _certify(_ROOT, None, port)
    _store(folder, root, _ROOT)
    made = {name: _certify(name, None if name in _SELF_SIGNED else root, port) for name in Issuer}
    for name, authority in made.items():
        _store(folder, authority, name)
    below = (made[Issuer(name)].certificate for name in _INTERMEDIATE)
    Register(folder).record([issued(root, certificate, certificate.not_valid_before_utc) for certificate in below])
    bundle = b"".join(made[Issuer(name)].certificate.public_bytes(Encoding.PEM) for name in _INTERMEDIATE)
    # Written last: its presence says that the rest is there.
    _write(folder / ISSUERS_FILE, bundle, 0o644)


def issued(authority: Authority, certificate: x509.Certificate, at: datetime) -> Entry:
    """Return the entry for the authority's register that it has issued this certificate."""
    return Entry(act=Act.ISSUED, issuer=authority.slug, serial=f"{certificate.serial_number:X}", at=at)


def _certify(name: str, issuer: Authority | None, port: int) -> Authority:
    key = rsa.generate_private_key(public_exponent=65537, key_size=_KEY_BITS)
    organisation, common_name = _NAMES[name]
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "SE"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )
    signer = issuer.key if issuer else key
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_NOT_BEFORE)
        .not_valid_after(_NOT_AFTER)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0 if issuer else None), critical=True)
        .add_extension(key_usage(key_cert_sign=True, crl_sign=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    for extension in issuer.pointers() if issuer else ():
        builder = builder.add_extension(extension, critical=False)
    return Authority(_slug(common_name), builder.sign(signer, hashes.SHA256()), key, _base(port))


def key_usage(
    *,
    digital_signature: bool = False,
    non_repudiation: bool = False,
    key_cert_sign: bool = False,
    crl_sign: bool = False,
) -> x509.KeyUsage:
    """Return a keyUsage extension with these bits set (RFC 5280, 4.2.1.3)."""
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=non_repudiation,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        encipher_only=False,
        decipher_only=False,
    )


def _base(port: int) -> str:
    return f"http://127.0.0.1:{port}"


def _slug(common_name: str) -> str:
    return "".join(character for character in common_name.lower() if character.isalnum())


def _store(folder: Path, authority: Authority, name: str) -> None:
    secret = authority.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    _write(folder / f"{name}.key", secret, 0o600)
    _write(folder / f"{name}.pem", authority.certificate.public_bytes(Encoding.PEM), 0o644)


def _load(folder: Path, name: str, port: int) -> Authority:
    certificate = x509.load_pem_x509_certificate((folder / f"{name}.pem").read_bytes())
    # Our own keys: checking the primes of all of them would take most of a second.
    key = load_pem_private_key((folder / f"{name}.key").read_bytes(), None, unsafe_skip_rsa_key_validation=True)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError(f"{folder / name}.key is no RSA key")
    return Authority(_slug(_NAMES[name][1]), certificate, key, _base(port))


def _write(path: Path, content: bytes, mode: int) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode), "wb") as file:  # noqa: PTH123
        file.write(content)
