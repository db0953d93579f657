"""A made-up PKI as large as a country's: ten CAs, their CRLs, and the certificates of their cards, in a file.

The CAs' keys are RSA of 4096 bits and the cards' of 2048, as those of SITHS. To sign a million certificates so takes
twenty minutes, so `DISTINCT` are signed, and each is read as often as makes `ROWS`. Nothing that is measured keeps a
result, so it is as if they all were different, but for the processor's and the disk's caches. They are made once.
"""

import random
import struct
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

ROWS = 1_000_000
DISTINCT = 20_000
ISSUERS = 10
LISTED = (500_000, *[50_000] * 9)
"""Entries in the CRL of each issuer."""
HOLDERS = 20
"""Keys of cards: to make one takes 100 ms, and checking a certificate does nothing with it but look at it."""
AT = datetime(2028, 1, 10, 12, tzinfo=UTC)
_ROOT = "SIM SITHS e-id Root CA v2"
_LAYOUT = "2"  # raise it when what is made changes
_SHA512_RSA = bytes.fromhex("300d06092a864886f70d01010d0500")


@dataclass(frozen=True)
class Pki:
    """Files: the root, the CAs, the CRLs of all (DER), and the certificates, each with its length before it."""

    root: Path
    issuers: tuple[Path, ...]
    lists: tuple[Path, ...]
    certificates: Path

    def ders(self) -> list[bytes]:
        """Return the distinct certificates."""
        content = self.certificates.read_bytes()
        found, at = [], 0
        while at < len(content):
            (length,) = struct.unpack_from(">H", content, at)
            found.append(content[at + 2 : at + 2 + length])
            at += 2 + length
        return found

    def rows(self) -> Iterator[bytes]:
        """Yield `ROWS` certificates, of all CAs by turns, as from a file."""
        for _ in range(ROWS // DISTINCT):
            with self.certificates.open("rb") as file:
                while head := file.read(2):
                    yield file.read(int.from_bytes(head))


def build(cache: Path) -> Pki:
    """Return the PKI in the folder `cache`; make it if it is not there: minutes."""
    folder = cache / f"million-{_LAYOUT}-{DISTINCT}"
    names = [f"issuer-{number}" for number in range(ISSUERS)]
    pki = Pki(
        folder / "root.der",
        tuple(folder / f"{name}.der" for name in names),
        tuple(folder / f"{name}.crl" for name in (*names, "root")),
        folder / "certificates",
    )
    if pki.certificates.exists():
        return pki
    folder.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor() as executor:
        root = next(executor.map(_key, [4096]))
        pki.root.write_bytes(_authority(_ROOT, root, None, root))
        pki.lists[-1].write_bytes(_crl(_ROOT, _load(root), [1]))
        holders = list(executor.map(_key, [2048] * HOLDERS))
        made = list(executor.map(_issued, range(ISSUERS), [root] * ISSUERS, [holders] * ISSUERS, [folder] * ISSUERS))
    partial = folder / "certificates.partial"
    with partial.open("wb") as file:
        for by_turns in zip(*made, strict=True):
            for der in by_turns:
                file.write(struct.pack(">H", len(der)) + der)
    partial.rename(pki.certificates)
    return pki


def _key(size: int) -> bytes:
    key = rsa.generate_private_key(65537, size)
    return key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _load(key: bytes) -> rsa.RSAPrivateKey:
    loaded = serialization.load_der_private_key(key, None)
    assert isinstance(loaded, rsa.RSAPrivateKey)
    return loaded


def _authority(name: str, key: bytes, issuer: str | None, issuer_key: bytes) -> bytes:
    public, signer = _load(key).public_key(), _load(issuer_key)
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(_name(issuer or name))
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(AT - timedelta(days=3000))
        .not_valid_after(AT + timedelta(days=8000))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0 if issuer else None), critical=True)
        .add_extension(_usage("key_cert_sign", "crl_sign"), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    return builder.sign(signer, hashes.SHA512()).public_bytes(serialization.Encoding.DER)


def _name(common_name: str) -> x509.Name:
    parts = (
        (NameOID.COUNTRY_NAME, "SE"),
        (NameOID.ORGANIZATION_NAME, "Made up AB"),
        (NameOID.COMMON_NAME, common_name),
    )
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in parts])


def _issued(number: int, root: bytes, holders: list[bytes], folder: Path) -> list[bytes]:
    """Make a CA, its CRL, and its certificates."""
    name = (
        f"SIM SITHS e-id Person HSA-id {3 - number % 2} CA v1"
        if number < 2
        else f"SIM SITHS e-id Person {number} CA v1"
    )
    packed = _key(4096)
    (folder / f"issuer-{number}.der").write_bytes(_authority(name, packed, _ROOT, root))
    key, draw = _load(packed), random.Random(number)  # noqa: S311 - made up
    listed = [draw.getrandbits(126) | 1 << 126 for _ in range(LISTED[number])]
    (folder / f"issuer-{number}.crl").write_bytes(_crl(name, key, listed))
    keys = [_load(holder).public_key() for holder in holders]
    return [_certificate(name, key, draw.choice(keys), listed, draw) for _ in range(DISTINCT // ISSUERS)]


def _certificate(
    issuer: str, key: rsa.RSAPrivateKey, holder: rsa.RSAPublicKey, listed: list[int], draw: random.Random
) -> bytes:
    """Make one certificate: of 1000, 20 are revoked, 30 have ended, 3 bear a name in an old encoding, 1 is cut off."""
    number = draw.choice(listed) if draw.random() < 0.02 else draw.getrandbits(126) | 1 << 126
    start = AT - timedelta(seconds=draw.randrange(1000 * 86400))
    if draw.random() < 0.03:
        start -= timedelta(days=3000)
    end = start + timedelta(seconds=1825 * 86400 + draw.randrange(86400))
    given, family = f"Tolvan{draw.randrange(999)}", f"Tolvansson-{draw.randrange(9999)}"
    kind = x509.name._ASN1Type.T61String if draw.random() < 0.003 else None  # the library has no public name for it
    names = (
        x509.NameAttribute(NameOID.COUNTRY_NAME, "SE"),
        x509.NameAttribute(NameOID.LOCALITY_NAME, "Påhittad"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Påhittade Regionen"),
        x509.NameAttribute(NameOID.COMMON_NAME, f"{given} {family}", kind),
        x509.NameAttribute(NameOID.SURNAME, family),
        x509.NameAttribute(NameOID.GIVEN_NAME, given),
        x509.NameAttribute(NameOID.SERIAL_NUMBER, f"SE2321000016-{draw.randrange(16**6):06X}"),
    )
    url = "http://sim.invalid/of-an-issuer"
    policy = x509.PolicyInformation(x509.ObjectIdentifier("1.2.752.74.8.1"), ["https://sim.invalid/repository"])
    card = b"\x13\x139752%015d" % draw.randrange(10**15)
    access = [
        x509.AccessDescription(method, x509.UniformResourceIdentifier(url))
        for method in (x509.AuthorityInformationAccessOID.OCSP, x509.AuthorityInformationAccessOID.CA_ISSUERS)
    ]
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name(names))
        .issuer_name(_name(issuer))
        .public_key(holder)
        .serial_number(number)
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        .add_extension(x509.SubjectKeyIdentifier(draw.randbytes(20)), critical=False)
        .add_extension(_usage("digital_signature"), critical=True)
        .add_extension(x509.CertificatePolicies([policy]), critical=False)
        .add_extension(x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.752.34.2.1"), card), critical=False)
        .add_extension(
            x509.CRLDistributionPoints(
                [x509.DistributionPoint([x509.UniformResourceIdentifier(url)], None, None, None)]
            ),
            critical=False,
        )
        .add_extension(x509.AuthorityInformationAccess(access), critical=False)
    )
    der = builder.sign(key, hashes.SHA512()).public_bytes(serialization.Encoding.DER)
    return der[:700] if draw.random() < 0.001 else der


def _usage(*bits: str) -> x509.KeyUsage:
    every = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    every += ("key_cert_sign", "crl_sign", "encipher_only", "decipher_only")
    return x509.KeyUsage(**{bit: bit in bits for bit in every})


def _crl(issuer: str, key: rsa.RSAPrivateKey, listed: list[int]) -> bytes:
    """Make a CRL, put together by hand: the library's builder copies all entries for each."""
    reason = bytes.fromhex("300c300a0603551d1504030a0104")  # superseded
    lines = b"".join(
        _tlv(
            0x30,
            _tlv(2, number.to_bytes(number.bit_length() // 8 + 1)),
            _moment(AT - timedelta(days=place % 700)),
            reason if place % 3 else b"",
        )
        for place, number in enumerate(listed)
    )
    crl_number = bytes.fromhex("a00e300c300a0603551d140403020101")
    signed = _tlv(
        0x30,
        bytes.fromhex("020101"),
        _SHA512_RSA,
        _name(issuer).public_bytes(),
        _moment(AT - timedelta(hours=2)),
        _moment(AT + timedelta(days=2)),
        _tlv(0x30, lines),
        crl_number,
    )
    signature = key.sign(signed, padding.PKCS1v15(), hashes.SHA512())
    return _tlv(0x30, signed, _SHA512_RSA, _tlv(3, b"\0", signature))


def _moment(moment: datetime) -> bytes:
    return _tlv(0x17, moment.strftime("%y%m%d%H%M%SZ").encode())


def _tlv(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    octets = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes((tag, 0x80 | len(octets))) + octets + content
