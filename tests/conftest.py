"""What several kinds of tests share: real certificates from outside the repository, and made-up ones."""

import os
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

CARD_NUMBER = x509.ObjectIdentifier("1.2.752.34.2.1")
PERSON = {"digital_signature"}
ISSUER = {"key_cert_sign", "crl_sign"}
USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marks of more than one kind of tests."""
    config.addinivalue_line("markers", "both_drivers: also on vsmartcard's reader driver, which nobody here wrote")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that is marked `both_drivers` twice."""
    if metafunc.definition.get_closest_marker("both_drivers"):
        metafunc.parametrize("driver", ["ifd", "vpcd"], indirect=True)


@pytest.fixture
def driver(request: pytest.FixtureRequest) -> str:
    """Return the simulated readers' driver: our own, unless the test is one for `both_drivers`."""
    return getattr(request, "param", "ifd")


@pytest.fixture(scope="session")
def service_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return the folder where this process looks for pcscd's socket: a link, pointed at one stage after the other.

    pcsc-lite's client library reads PCSCLITE_CSOCK_NAME once in a process's life, so the name has to stay.
    """
    link = tmp_path_factory.mktemp("pcsc") / "stage"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PCSCLITE_CSOCK_NAME", str(link / "pcscd.comm"))
        yield link


@pytest.fixture(scope="session")
def awkward_module(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the PKCS#11 module that misbehaves when it is told to; its source says how."""
    made = tmp_path_factory.mktemp("awkward") / "awkward.so"
    source = Path(__file__).parent / "pkcs11" / "awkward.c"
    warnings = ["-Wall", "-Wextra", "-Werror", "-Wno-strict-prototypes"]
    subprocess.run(["gcc", *warnings, "-shared", "-fPIC", "-o", made, source, "-ldl"], check=True)
    return made


@pytest.fixture(scope="session")
def pki_dir() -> Path:
    """Return the folder of real certificates, which lies beside the checkout or where SITHSD_PKI_DIR says."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "pki"
    folder = Path(os.environ.get("SITHSD_PKI_DIR") or beside)
    if not folder.is_dir():
        reason = f"the real certificates are not at {folder} (SITHSD_PKI_DIR names another place)"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return folder


@dataclass(frozen=True)
class Made:
    """A certificate made for a test."""

    der: bytes
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey = field(repr=False)
    name: x509.Name

    @property
    def pem(self) -> bytes:
        """The certificate in PEM."""
        return x509.load_der_x509_certificate(self.der).public_bytes(serialization.Encoding.PEM)


class Forge:
    """Makes certificates: P-256 unless a key is given, valid 2026 to 2031, self-signed unless an issuer is given."""

    START = datetime(2026, 1, 1, tzinfo=UTC)
    END = datetime(2031, 1, 1, tzinfo=UTC)
    NOW = datetime(2028, 1, 1, tzinfo=UTC)

    def make(  # noqa: PLR0913 - a certificate has this many parts, and a test names the few that matter
        self,
        common_name: str | None,
        *,
        more: Iterable[tuple[x509.ObjectIdentifier, str]] = (),
        issuer: Made | None = None,
        issuer_name: x509.Name | None = None,
        key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | None = None,
        start: datetime = START,
        end: datetime = END,
        usage: set[str] | None = None,
        ca: bool | None = None,
        path_length: int | None = None,
        policies: Iterable[str] = (),
        card_number: str | None = None,
        extensions: Iterable[tuple[x509.ExtensionType, bool]] = (),
        algorithm: hashes.HashAlgorithm | None = None,
        key_identifiers: bool = True,
    ) -> Made:
        """Make a certificate; `issuer_name` lies about the issuer, `issuer` signs."""
        key = key or ec.generate_private_key(ec.SECP256R1())
        pairs = [*more, *([(NameOID.COMMON_NAME, common_name)] if common_name is not None else [])]
        name = x509.Name([x509.NameAttribute(oid, value) for oid, value in pairs])
        signer = issuer.key if issuer else key
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(issuer_name or (issuer.name if issuer else name))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number() | 1 << 158)  # always of 20 octets
            .not_valid_before(start)
            .not_valid_after(end)
        )
        added: list[tuple[x509.ExtensionType, bool]] = list(extensions)
        if ca is not None:
            added.append((x509.BasicConstraints(ca=ca, path_length=path_length), True))
        if usage is not None:
            added.append((x509.KeyUsage(**{bit: bit in usage for bit in USAGES}), True))
        if policies:
            texts = [x509.PolicyInformation(x509.ObjectIdentifier(policy), None) for policy in policies]
            added.append((x509.CertificatePolicies(texts), False))
        if card_number is not None:
            text = card_number.encode()
            added.append((x509.UnrecognizedExtension(CARD_NUMBER, bytes([0x13, len(text)]) + text), False))
        if key_identifiers:
            added.append((x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False))
            added.append((x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), False))
        for extension, critical in added:
            builder = builder.add_extension(extension, critical)
        der = builder.sign(signer, algorithm or hashes.SHA256()).public_bytes(serialization.Encoding.DER)
        return Made(der, key, name)

    def authority(self, common_name: str, issuer: Made | None = None, **more: object) -> Made:
        """Make a CA's certificate."""
        return self.make(common_name, issuer=issuer, **{"ca": True, "usage": ISSUER, **more})

    def person(  # noqa: PLR0913 - as above
        self,
        serial: str | None = "SE2321000016-1AB2",
        *,
        issuer: Made | None = None,
        common_name: str | None = "Tolvan Tolvansson",
        given_name: str | None = "Tolvan",
        surname: str | None = "Tolvansson",
        organization: str | None = "Påhittade Regionen",
        **more: object,
    ) -> Made:
        """Make the certificate of a made-up person."""
        parts = (
            (NameOID.ORGANIZATION_NAME, organization),
            (NameOID.SURNAME, surname),
            (NameOID.GIVEN_NAME, given_name),
            (NameOID.SERIAL_NUMBER, serial),
        )
        given = [(oid, value) for oid, value in parts if value is not None]
        return self.make(common_name, issuer=issuer, **{"more": given, "usage": PERSON, **more})


@pytest.fixture(scope="session")
def forge() -> Forge:
    """Return a maker of certificates."""
    return Forge()
