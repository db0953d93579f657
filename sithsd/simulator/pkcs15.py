"""The EFs of a PKCS#15 application (ISO/IEC 7816-15:2016; PKCS#15 v1.1)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sithsd.iso7816 import tlv
from sithsd.simulator import der
from sithsd.simulator.codes import PAD
from sithsd.simulator.image import CodeTerms, FileOnCard, Role

AID: Final = bytes.fromhex("A000000063504B43532D3135")
APPLICATION: Final = bytes.fromhex("3F005015")
DIR_PATH: Final = bytes.fromhex("3F002F00")
PATHS: Final = {
    "EF.DIR": DIR_PATH,
    "EF.ODF": APPLICATION + b"\x50\x31",
    "EF.TokenInfo": APPLICATION + b"\x50\x32",
    "EF.AODF": APPLICATION + b"\x44\x01",
    "EF.PrKDF": APPLICATION + b"\x44\x02",
    "EF.CDF": APPLICATION + b"\x44\x03",
    "EF.TrustedCDF": APPLICATION + b"\x44\x04",
}
# The short identifiers that ISO/IEC 7816-4 and -15 give these files.
_SHORT: Final = {"EF.DIR": 0x1E, "EF.ODF": 0x11, "EF.TokenInfo": 0x12}
_CODE_LABELS: Final = {Role.AUTHENTICATION: "Legitimering", Role.SIGNATURE: "Underskrift", Role.PUK: "PUK"}

# Bits of PinFlags.
_LOCAL, _CHANGE_DISABLED, _UNBLOCK_DISABLED, _INITIALIZED, _NEEDS_PADDING, _UNBLOCKING_PIN = 1, 2, 3, 4, 5, 6
# Bits of CommonObjectFlags, KeyUsageFlags, KeyAccessFlags and TokenFlags.
_PRIVATE, _MODIFIABLE = 0, 1
_SIGN, _NON_REPUDIATION = 2, 9
_SENSITIVE, _ALWAYS_SENSITIVE, _NEVER_EXTRACTABLE, _LOCALLY_MADE = 0, 2, 3, 4
_LOGIN_REQUIRED = 1
_ASCII_NUMERIC = 1


@dataclass(frozen=True, slots=True)
class KeyObject:
    """A private key as its directory tells it."""

    label: str
    ident: bytes
    path: bytes
    reference: int
    bits: int
    guard: int
    consent: bool


@dataclass(frozen=True, slots=True)
class CertificateObject:
    """A certificate as its directory tells it, and the certificate itself."""

    label: str
    ident: bytes
    path: bytes
    content: bytes
    authority: bool = False


@dataclass(frozen=True, slots=True)
class Token:
    """What EF.TokenInfo tells; `last_update` None: it does not tell that."""

    serial: bytes
    manufacturer: str
    label: str
    last_update: datetime | None


def files(
    token: Token,
    codes: tuple[CodeTerms, ...],
    keys: tuple[KeyObject, ...],
    certificates: tuple[CertificateObject, ...],
    chosen: frozenset[int],
) -> tuple[FileOnCard, ...]:
    """Return the application's EFs and EF.DIR; `chosen` are the references of the codes that have a value."""
    own = tuple(certificate for certificate in certificates if not certificate.authority)
    authorities = tuple(certificate for certificate in certificates if certificate.authority)
    contents = {
        "EF.DIR": _dir(token.label),
        "EF.ODF": _odf(trusted=bool(authorities)),
        "EF.TokenInfo": _token_info(token),
        "EF.AODF": b"".join(_code(terms, terms.reference in chosen) for terms in codes),
        "EF.PrKDF": b"".join(_key(key) for key in keys),
        "EF.CDF": b"".join(_certificate(certificate) for certificate in own),
    }
    if authorities:
        contents["EF.TrustedCDF"] = b"".join(_certificate(certificate) for certificate in authorities)
    directory = (
        FileOnCard(path=PATHS[name], content=content, sfi=_SHORT.get(name)) for name, content in contents.items()
    )
    return (*directory, *(FileOnCard(path=each.path, content=each.content) for each in certificates))


def _dir(label: str) -> bytes:
    template = tlv.encode(0x4F, AID) + tlv.encode(0x50, label.encode()) + tlv.encode(0x51, APPLICATION)
    return tlv.encode(0x61, template)


def _odf(*, trusted: bool) -> bytes:
    entries = [(0, "EF.PrKDF"), (4, "EF.CDF"), (8, "EF.AODF")]
    if trusted:
        entries.insert(2, (5, "EF.TrustedCDF"))
    return b"".join(der.context(tag, _path(PATHS[name]), constructed=True) for tag, name in entries)


def _token_info(token: Token) -> bytes:
    return der.sequence(
        der.integer(0),
        der.octets(token.serial),
        der.text(token.manufacturer),
        der.context(0, token.label.encode(), constructed=False),
        der.flags(_LOGIN_REQUIRED),
        *([] if token.last_update is None else [der.context(5, der.time(token.last_update), constructed=True)]),
    )


def _code(terms: CodeTerms, chosen: bool) -> bytes:
    flags = [_LOCAL]
    if not terms.changeable:
        flags.append(_CHANGE_DISABLED)
    if terms.unblocked_by is None:
        flags.append(_UNBLOCK_DISABLED)
    if chosen:
        flags.append(_INITIALIZED)
    if terms.padded:
        flags.append(_NEEDS_PADDING)
    if terms.role is Role.PUK:
        flags.append(_UNBLOCKING_PIN)
    common = [der.text(_CODE_LABELS[terms.role]), der.flags(_PRIVATE, *([_MODIFIABLE] if terms.changeable else []))]
    if terms.unblocked_by is not None:
        common.append(der.octets(bytes([terms.unblocked_by])))
    attributes = der.sequence(
        der.flags(*flags),
        der.enumerated(_ASCII_NUMERIC),
        der.integer(terms.min_length),
        der.integer(terms.stored_length),
        der.integer(terms.max_length),
        der.context(0, bytes([terms.reference]), constructed=False),
        der.octets(bytes([PAD])),
        _path(APPLICATION),
    )
    ident = der.octets(bytes([terms.reference]))
    return der.sequence(der.sequence(*common), der.sequence(ident), der.context(1, attributes, constructed=True))


def _key(key: KeyObject) -> bytes:
    common = [der.text(key.label), der.flags(_PRIVATE), der.octets(bytes([key.guard]))]
    if key.consent:
        common.append(der.integer(1))
    usage = der.flags(_NON_REPUDIATION) if key.consent else der.flags(_SIGN)
    access = der.flags(_SENSITIVE, _ALWAYS_SENSITIVE, _NEVER_EXTRACTABLE, _LOCALLY_MADE)
    about = der.sequence(der.octets(key.ident), usage, access, der.integer(key.reference))
    attributes = der.sequence(_path(key.path), der.integer(key.bits))
    return der.sequence(der.sequence(*common), about, der.context(1, attributes, constructed=True))


def _certificate(certificate: CertificateObject) -> bytes:
    about = [der.octets(certificate.ident)]
    if certificate.authority:
        about.append(der.boolean(value=True))
    return der.sequence(
        der.sequence(der.text(certificate.label)),
        der.sequence(*about),
        der.context(1, der.sequence(_path(certificate.path)), constructed=True),
    )


def _path(path: bytes) -> bytes:
    return der.sequence(der.octets(path))
