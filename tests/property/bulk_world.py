"""A world of authorities, good, odd and broken, and how certificates are put together below them, byte by byte."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sithsd.certificate.read import read
from sithsd.validity.anchors import Anchor
from sithsd.validity.bulk.rows import BulkSetup
from sithsd.validity.calendar import load
from sithsd.validity.policy import ValidityPolicy
from sithsd.values import Environment

NOW = datetime(2028, 1, 1, 12, tzinfo=UTC)
PERSON_3, PERSON_2 = "SIM SITHS e-id Person HSA-id 3 CA v1", "SIM SITHS e-id Person HSA-id 2 CA v1"
SHA256_RSA = bytes.fromhex("300d06092a864886f70d01010b0500")
SHA256_EC = bytes.fromhex("300a06082a8648ce3d040302")

SEQUENCE, SET, INTEGER, BIT_STRING, OCTETS, OID, UTF8, PRINTABLE = 0x30, 0x31, 2, 3, 4, 6, 0x0C, 0x13


def tlv(tag: int, *parts: bytes) -> bytes:
    """Encode an element in DER."""
    content = b"".join(parts)
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    octets = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes((tag, 0x80 | len(octets))) + octets + content


def oid(dotted: str) -> bytes:
    """Encode an object identifier."""
    first, second, *others = map(int, dotted.split("."))
    octets = bytearray()
    for number in (first * 40 + second, *others):
        groups = [number & 0x7F]
        while number := number >> 7:
            groups.append(0x80 | number & 0x7F)
        octets += bytes(reversed(groups))
    return tlv(OID, bytes(octets))


def extension(dotted: str, value: bytes, critical: bytes = b"") -> bytes:
    """Encode an extension; `critical` is the encoded BOOLEAN."""
    return tlv(SEQUENCE, oid(dotted), critical, tlv(OCTETS, value))


def utc_time(moment: datetime) -> bytes:
    """Encode a moment as UTCTime."""
    return tlv(0x17, moment.strftime("%y%m%d%H%M%SZ").encode())


def public(key: Any) -> bytes:
    """Encode the public key of `key`."""
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def sign(key: Any, signed: bytes, hashed: hashes.HashAlgorithm) -> bytes:
    """Sign."""
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(signed, padding.PKCS1v15(), hashed)
    return key.sign(signed, ec.ECDSA(hashed))


@dataclass
class Issuer:
    """Who signs certificates, by which name, and what its certificates say of it."""

    what: str
    key: Any
    name: bytes
    key_identifier: bytes
    serial: int

    @property
    def algorithm(self) -> bytes:
        """The usual algorithm of its key."""
        return SHA256_RSA if isinstance(self.key, rsa.RSAPrivateKey) else SHA256_EC


@dataclass
class World:
    """Issuers of certificates, and setups that know some of them."""

    issuers: list[Issuer] = field(default_factory=list)
    setups: dict[str, BulkSetup] = field(default_factory=dict)
    holders: list[Any] = field(default_factory=list)
    """A few keys, which all holders share."""

    def __init__(self, forge: Any) -> None:
        self.holders = [rsa.generate_private_key(65537, size) for size in (2048, 2048, 3072)]
        self.holders += [ec.generate_private_key(curve) for curve in (ec.SECP256R1(), ec.SECP256R1(), ec.SECP384R1())]
        self.weak_holders = [rsa.generate_private_key(3, 2048), _short_key()]
        self.issuers = []
        self.setups = {}
        self._forge = forge
        self.made: dict[str, Any] = {}
        # Serial numbers that lists have, of all lengths.
        self.listed = [number << 8 * size | 1 for size in (0, 7, 14, 19) for number in range(2, 100)]
        self._authorities: list[Any] = []
        self.root = forge.authority("SIM SITHS e-id Root CA v2", path_length=None)
        self.other_root = forge.authority("SIM Second Root", key=rsa.generate_private_key(65537, 2048), path_length=0)
        self._build()
        roots = tuple(Anchor(read(made.der), Environment.SIM) for made in (self.root, self.other_root))
        ders = tuple(made.der for made in self._authorities)
        usual = ValidityPolicy(environments=frozenset({Environment.SIM}))
        strict = ValidityPolicy(
            environments=frozenset({Environment.SIM, Environment.TEST}),
            refused_weaknesses=frozenset({"signature.sha1", "signature.md5", "key.short", "key.exponent3"}),
        )
        self.setups = {
            "usual": BulkSetup(roots, ders, usual, NOW),
            "strict": BulkSetup(roots, ders, strict, NOW),
            "one root": BulkSetup(roots[:1], ders, usual, NOW),
            "no issuers": BulkSetup(roots, (), usual, NOW),
            "no roots": BulkSetup((), ders, usual, NOW),
            "slow clock": BulkSetup(roots, ders, usual, datetime(2026, 10, 1, tzinfo=UTC)),
            "turned around": BulkSetup(roots[::-1], ders[::-1], usual, NOW),
        }

    def _build(self) -> None:
        add, root, forge = self._add, self.root, self._forge
        add("ordinary", PERSON_3, root, path_length=0)
        add("ordinary RSA", PERSON_2, root, key=rsa.generate_private_key(65537, 2048))
        add("ordinary P-384", "SIM SITHS e-id Person ID 3 CA v1", root, key=ec.generate_private_key(ec.SECP384R1()))
        add("function", "SIM SITHS e-id Function CA v1", root)
        add("type 1", "SIM SITHS Type 1 CA v1", root)
        add("old and short", "SIM SITHS e-id Person ID 2 CA v1", root, key=_short_key())
        add("exponent 3", "SIM Exponent CA", root, key=rsa.generate_private_key(3, 2048))
        add("below the second root", "SIM Telia CA", self.other_root)
        add("another world's name", "TEST SITHS e-id Person HSA-id 3 CA v1", root)
        add("production's name", "SITHS e-id Person HSA-id 3 CA v1", root)
        add("expired", "SIM Expired CA", root, end=NOW - timedelta(days=1))
        add("not yet valid", "SIM Future CA", root, start=NOW + timedelta(days=1))
        add("may not sign", "SIM No signing CA", root, usage={"crl_sign"})
        add("no CA", "SIM Person", root, ca=False, usage={"digital_signature"})
        add("no basic constraints", "SIM Bare", root, ca=None, usage=None)
        odd = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.752.999.3"), b"\x05\x00")
        add("critical unknown extension", "SIM Odd CA", root, extensions=[(odd, True)])
        narrow = add("path length", "SIM Narrow CA", root, path_length=0)
        add("below path length", "SIM Below CA", narrow)
        add("below the second root's path length", "SIM Below second", add("middle", "SIM Middle", self.other_root))
        self._constrained()
        policies = x509.PolicyConstraints(require_explicit_policy=0, inhibit_policy_mapping=None)
        add("policies demanded", "SIM Policies CA", root, policies=["1.2.752.74.8.1"], extensions=[(policies, True)])
        add("policies", "SIM Any policy CA", root, policies=["2.5.29.32.0"])
        self._twins()
        add("impostor", PERSON_3, forge.authority("SIM SITHS e-id Root CA v2", key_identifiers=False), install=False)
        add("unknown", "SIM Unknown CA", root, install=False)
        add("foreign", "SIM Foreign CA", forge.authority("SIM Foreign root"))
        self.issuers.append(self._issuer("root", root))
        self.issuers.append(self._issuer("second root", self.other_root))

    def _constrained(self) -> None:
        """Make CAs whose certificates are to have certain names only."""
        add, root = self._add, self.root
        here = x509.DirectoryName(x509.Name.from_rfc4514_string("O=Region Ett,C=SE"))
        mail, host = x509.RFC822Name("region.example"), x509.DNSName("region.example")
        add("permitted names", "SIM Permitted CA", root, extensions=[(x509.NameConstraints([here], None), True)])
        add("excluded names", "SIM Excluded CA", root, extensions=[(x509.NameConstraints(None, [here]), True)])
        permitted = x509.NameConstraints([mail, host], None)
        above = add("permitted addresses", "SIM Addresses CA", root, extensions=[(permitted, True)])
        add("below permitted addresses", "SIM Addresses below CA", above)
        # One key and one name below two: with constraints and without.
        twice = add("constrained twin", "SIM Half constrained", root, extensions=[(permitted, False)])
        add("free twin", "SIM Half constrained", root, key=twice.key)

    def _twins(self) -> None:
        add, root, bare = self._add, self.root, {"key_identifiers": False}
        one = add("one key, first name", "SIM Shared CA one", root)
        add("one key, second name", "SIM Shared CA two", root, key=one.key)
        add("one key of two roots", "SIM Shared CA one", self.other_root, key=one.key)
        add("one name, first key", "SIM Name CA", root)
        add("one name, second key", "SIM Name CA", root)
        add("one bare name, first key", "SIM Bare name CA", root, **bare)
        add("one bare name, second key", "SIM Bare name CA", root, **bare)
        add("one bare name, broken", "SIM Bare name CA", root, usage={"crl_sign"}, **bare)
        renewed = add("renewed", "SIM Renewed CA", root, end=NOW - timedelta(days=1))
        add("renewed again", "SIM Renewed CA", root, key=renewed.key)
        ring = [self._forge.authority(f"SIM Ring {number}") for number in range(2)]
        add("ring", "SIM Ring 0", ring[1], key=ring[0].key)
        add("ring, other", "SIM Ring 1", ring[0], key=ring[1].key)
        add("ring, anchored", "SIM Ring 1", root, key=ring[1].key)

    def _add(self, what: str, name: str, issuer: Any, *, install: bool = True, **more: Any) -> Any:
        made = self._forge.authority(name, issuer, **more)
        if install:
            self._authorities.append(made)
        self.made[what] = made
        self.issuers.append(self._issuer(what, made))
        return made

    def _issuer(self, what: str, made: Any) -> Issuer:
        loaded = x509.load_der_x509_certificate(made.der)
        digest = x509.SubjectKeyIdentifier.from_public_key(made.key.public_key()).digest
        return Issuer(what, made.key, loaded.subject.public_bytes(), digest, loaded.serial_number)

    def setups_with_lists(self) -> dict[str, BulkSetup]:
        """Return setups with all sorts of CRLs, and the calendar."""
        usual = replace(self.setups["usual"], calendar=load())
        names = ("ordinary", "ordinary RSA", "ordinary P-384", "function", "type 1")
        complete = [self.crl(name, self.listed) for name in names]
        root = self.crl("root", [self.serial("function")])
        point = x509.UniformResourceIdentifier("http://crl1.sim.example/ca.crl")
        other = x509.UniformResourceIdentifier("http://crl2.sim.example/ca.crl")
        mixed = [
            self.crl("ordinary", self.listed[:50], number=7),
            self.crl("ordinary", self.listed[20:40], number=9, base=7, reason=x509.ReasonFlags.certificate_hold),
            self.crl("ordinary RSA", self.listed[::2], point=_point(full_name=[point])),
            self.crl("ordinary RSA", self.listed[1::2], point=_point(full_name=[other])),
            self.crl("ordinary P-384", self.listed, point=_point(only_contains_user_certs=True)),
            self.crl("function", self.listed, point=_point(only_contains_ca_certs=True)),
            self.crl("type 1", self.listed, point=_point(only_some_reasons=frozenset({x509.ReasonFlags.superseded}))),
            self.crl("one bare name, first key", self.listed),
            self.crl("renewed", self.listed),
        ]
        removed = [
            self.crl("ordinary", self.listed, number=7, reason=x509.ReasonFlags.certificate_hold),
            self.crl("ordinary", self.listed[::3], number=9, base=7, reason=x509.ReasonFlags.remove_from_crl),
            self.crl("ordinary RSA", self.listed, reason=x509.ReasonFlags.remove_from_crl),
            self.crl("ordinary P-384", self.listed, signer="ordinary"),
            self.crl("function", self.listed, this_update=NOW + timedelta(days=1)),
            self.crl("type 1", [*self.listed, *self.listed]),
        ]
        late = [self.crl(name, self.listed, next_update=NOW - timedelta(days=3)) for name in names]
        graced = [self.crl(name, self.listed, next_update=NOW - timedelta(hours=3)) for name in names]
        return {
            "lists": replace(usual, lists=(*complete, root)),
            "lists of holders alone": replace(usual, lists=tuple(complete)),
            "lists of the root alone": replace(usual, lists=(root,)),
            "partitions": replace(usual, lists=(*mixed, root)),
            "deltas": replace(usual, lists=(*removed, root)),
            "stale lists": replace(usual, lists=(*late, root)),
            "lists in their grace": replace(usual, lists=(*graced, root)),
            "garbage": replace(usual, lists=(b"", b"0", root[:-1], complete[0][:-9] + bytes(9))),
            "before a freeze": replace(self.setups["slow clock"], calendar=load(), lists=tuple(complete)),
        }

    def serial(self, what: str) -> int:
        """Return the serial number of an authority's own certificate."""
        return next(issuer.serial for issuer in self.issuers if issuer.what == what)

    def crl(  # noqa: PLR0913 - a list has this many parts
        self,
        what: str,
        numbers: Iterable[int],
        *,
        signer: str | None = None,
        number: int = 1,
        base: int | None = None,
        reason: x509.ReasonFlags | None = None,
        point: x509.IssuingDistributionPoint | None = None,
        this_update: datetime = NOW - timedelta(days=4),
        next_update: datetime = NOW + timedelta(days=4),
    ) -> bytes:
        """Make the CRL of an authority."""
        made = self.root if what == "root" else self.made[what]
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(made.name)
            .last_update(this_update)
            .next_update(max(next_update, this_update))
            .add_extension(x509.CRLNumber(number), critical=False)
        )
        if base is not None:
            builder = builder.add_extension(x509.DeltaCRLIndicator(base), critical=True)
        if point is not None:
            builder = builder.add_extension(point, critical=True)
        for place, listed in enumerate(numbers):
            line = x509.RevokedCertificateBuilder(listed, NOW - timedelta(days=place % 50))
            why = reason if place % 2 else (reason and x509.ReasonFlags.key_compromise)
            builder = builder.add_revoked_certificate(
                (line.add_extension(x509.CRLReason(why), critical=False) if why else line).build()
            )
        key = self.made[signer].key if signer else made.key
        return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


def _point(**more: Any) -> x509.IssuingDistributionPoint:
    parts = {
        "full_name": None,
        "relative_name": None,
        "only_contains_user_certs": False,
        "only_contains_ca_certs": False,
        "only_some_reasons": None,
        "indirect_crl": False,
        "only_contains_attribute_certs": False,
    }
    return x509.IssuingDistributionPoint(**{**parts, **more})


def _short_key() -> Any:
    return rsa.generate_private_key(65537, 1024)  # noqa: S505 - it is to be refused
