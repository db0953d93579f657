"""An ordinary certificate before it is signed, in parts that can be changed."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from bulk_world import (
    BIT_STRING,
    INTEGER,
    NOW,
    OCTETS,
    PRINTABLE,
    SEQUENCE,
    SET,
    UTF8,
    Issuer,
    World,
    extension,
    oid,
    public,
    sign,
    tlv,
    utc_time,
)
from cryptography.hazmat.primitives import hashes

TRUE = b"\x01\x01\xff"
KEY_IDENTIFIER, KEY_USAGE, ALTERNATIVE_NAMES, BASIC = "2.5.29.14", "2.5.29.15", "2.5.29.17", "2.5.29.19"
CONSTRAINTS, POINTS, POLICIES, AUTHORITY_KEY = "2.5.29.30", "2.5.29.31", "2.5.29.32", "2.5.29.35"
EXTENDED_USAGE, CARD_NUMBER, ACCESS = "2.5.29.37", "1.2.752.34.2.1", "1.3.6.1.5.5.7.1.1"
COUNTRY, ORGANIZATION, COMMON_NAME, SURNAME, GIVEN_NAME, SERIAL_NUMBER = (
    f"2.5.4.{number}" for number in (6, 10, 3, 4, 42, 5)
)
FAMILY = ("Åberg", "Öman", "Tolvansson", "Nilsson-Ek", "Lindström", "Đorđević", "Müller", "Ek", "O'Neill")
FIRST = ("Tolvan", "Anna Karin", "Åsa", "Zoë", "Jürgen", "Siv", "Li")

Change = Callable[["Draft", random.Random], None]


@dataclass
class Draft:
    """A certificate before it is signed, in encoded parts."""

    world: World
    issuer: Issuer
    subject: list[tuple[str, int, bytes]]
    key: Any
    version: bytes = bytes.fromhex("a003020102")
    serial: bytes = b""
    algorithm: bytes = b""
    outer: bytes | None = None
    issuer_name: bytes = b""
    validity: bytes = b""
    name: bytes | None = None
    public_key: bytes = b""
    extensions: list[bytes] = field(default_factory=list)
    behind_key: bytes = b""
    hashed: hashes.HashAlgorithm = field(default_factory=hashes.SHA256)
    change_signed: Callable[[bytes], bytes] = bytes
    """What is done to the part that is signed, before it is signed."""
    change_signature: Callable[[bytes], bytes] = bytes
    change_whole: Callable[[bytes], bytes] = bytes
    unused: int = 0
    tale: list[str] = field(default_factory=list)

    def der(self) -> bytes:
        """Return the certificate."""
        name = self.name
        if name is None:
            name = tlv(SEQUENCE, *(_relative(*attribute) for attribute in self.subject))
        listed = tlv(0xA3, tlv(SEQUENCE, *self.extensions)) if self.extensions else b""
        signed = self.change_signed(
            tlv(
                SEQUENCE,
                self.version,
                self.serial,
                self.algorithm,
                self.issuer_name,
                self.validity,
                name,
                self.public_key,
                self.behind_key,
                listed,
            )
        )
        signature = self.change_signature(sign(self.issuer.key, signed, self.hashed))
        outer = self.algorithm if self.outer is None else self.outer
        return self.change_whole(tlv(SEQUENCE, signed, outer, tlv(BIT_STRING, bytes((self.unused,)), signature)))

    def replace(self, dotted: str, *made: bytes) -> None:
        """Put `made` where the extension stands."""
        start = oid(dotted)
        places = [place for place, one in enumerate(self.extensions) if start in one[:20]]
        place = places[0] if places else len(self.extensions)
        self.extensions[place : place + len(places)] = made


def _relative(dotted: str, tag: int, content: bytes) -> bytes:
    return tlv(SET, tlv(SEQUENCE, oid(dotted), tlv(tag, content)))


def text(value: str) -> tuple[int, bytes]:
    """Return tag and content of a UTF8String."""
    return UTF8, value.encode()


def ordinary(world: World, form: random.Random, draw: random.Random) -> Draft:
    """Return a certificate as a CA of SITHS would issue it; one in five is below an issuer that is not ordinary.

    `form` draws what certificates of one CA have in common, `draw` what they differ in.
    """
    issuer = world.issuers[form.randrange(5)] if form.random() < 0.8 else form.choice(world.issuers)
    key = form.choice(world.holders if form.random() < 0.2 else world.holders[:2])
    usage = form.choice((b"\x03\x02\x07\x80", b"\x03\x02\x06\x40"))
    policy = "1.2.752.74.8.505" if issuer.what == "function" else "1.2.752.74.8.1"
    has_names = form.random() < 0.3
    given, family = draw.choice(FIRST), draw.choice(FAMILY)
    serial = draw.choice(("SE2321000016-%04X", "TSTNMT2321000156-%d", "19121212%04d", "121212-%04d"))
    subject = [
        (COUNTRY, PRINTABLE, b"SE"),
        (ORGANIZATION, *text(draw.choice(("Region Ett", "Påhittade Regionen")))),
        (COMMON_NAME, *text(f"{given} {family}")),
        (SURNAME, *text(family)),
        (GIVEN_NAME, *text(given)),
        (SERIAL_NUMBER, PRINTABLE, (serial % draw.randrange(10000)).encode()),
    ]
    start = NOW - timedelta(seconds=draw.randrange(60 * 86400))
    end = start + draw.choice((timedelta(days=draw.randrange(1, 250)), timedelta(days=1500), timedelta(days=190)))
    draft = Draft(world, issuer, subject, key)
    number = draw.choice(world.listed) if draw.random() < 0.3 else draw.getrandbits(draw.choice((63, 127, 159))) | 1
    draft.serial = tlv(INTEGER, number.to_bytes(number.bit_length() // 8 + 1))
    draft.algorithm = issuer.algorithm
    draft.issuer_name = issuer.name
    draft.validity = tlv(SEQUENCE, utc_time(start), utc_time(end))
    draft.public_key = public(key)
    point = tlv(0xA0, tlv(0xA0, tlv(0x86, b"http://crl1.sim.example/ca.crl")))
    draft.extensions = [
        extension(AUTHORITY_KEY, tlv(SEQUENCE, tlv(0x80, issuer.key_identifier))),
        extension(KEY_IDENTIFIER, tlv(OCTETS, draw.randbytes(20))),
        extension(KEY_USAGE, usage, TRUE),
        extension(POLICIES, tlv(SEQUENCE, tlv(SEQUENCE, oid(policy)))),
        extension(CARD_NUMBER, tlv(PRINTABLE, b"9752%015d" % draw.randrange(10**15))),
        extension(POINTS, tlv(SEQUENCE, tlv(SEQUENCE, point))),
    ]
    if has_names:
        mail = f"{given.split()[0]}.{family}@region.example".encode("ascii", "ignore")
        draft.extensions.append(extension(ALTERNATIVE_NAMES, tlv(SEQUENCE, tlv(0x81, mail), principal(mail))))
    return draft


def principal(name: bytes) -> bytes:
    """Encode a user principal name."""
    return tlv(0xA0, oid("1.3.6.1.4.1.311.20.2.3"), tlv(0xA0, tlv(UTF8, name)))
