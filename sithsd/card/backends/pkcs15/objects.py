"""From the bytes of PKCS#15 directory files to values: plain data in, plain data out, no card.

Everything malformed raises card.unreadable: a card is read whole and right, or not at all.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from asn1crypto import core

from sithsd.card.backends.pkcs15 import asn1
from sithsd.card.backends.pkcs15.files import unreadable
from sithsd.card.model import Encoding
from sithsd.iso7816 import tlv
from sithsd.values import KeyKind

T = TypeVar("T")

_SEQUENCE = 0x30
# The tag of an entry of EF.PrKDF tells the algorithm (8.5); the others are of no use here.
_KEY_KINDS = {0x30: KeyKind.RSA, 0xA0: KeyKind.EC}
_ALGORITHM_ATTRIBUTES = 0xA1
_LAST_UPDATE = 0xA5
_MAX_KEY_BITS = 16384
# What asn1crypto raises on bytes that are not what they should be; found by trying.
_MALFORMED = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)
_ENCODINGS = {
    "ascii-numeric": Encoding.ASCII,
    "utf8": Encoding.ASCII,
    "bcd": Encoding.BCD,
}


@dataclass(frozen=True, slots=True)
class Place:
    """A path on the card, and the part of the file (None: all of it)."""

    path: bytes
    start: int = 0
    length: int | None = None


@dataclass(frozen=True, slots=True)
class Token:
    """EF.TokenInfo: serial number, maker, label, when a file was written last (each None if not told); its content."""

    serial: bytes | None = None
    manufacturer: str | None = None
    label: str | None = None
    last_update: datetime | None = None
    content: bytes = b""


@dataclass(frozen=True, slots=True)
class Pin:
    """One password object. `auth_id` names it, `unblocked_by` the auth_id of the code that unblocks it."""

    label: str | None
    auth_id: bytes
    unblocked_by: bytes | None
    flags: frozenset[str]
    encoding: Encoding | None
    min_length: int
    max_length: int | None
    stored_length: int
    reference: int
    padding: int | None
    path: bytes | None


@dataclass(frozen=True, slots=True)
class Key:
    """One private key: its id (that of its certificate), what it may do, and the auth_id of the code before it.

    `kind` is None for one of another algorithm. `reference`, `path` and `size` (bits) are None where they are not told.
    With `consent` its code is given for each use anew.
    """

    id: bytes
    usage: frozenset[str]
    auth_id: bytes | None
    kind: KeyKind | None = None
    reference: int | None = None
    path: bytes | None = None
    size: int | None = None
    consent: bool = False


@dataclass(frozen=True, slots=True)
class CertificateEntry:
    """One certificate by its place, or its DER bytes where the directory file holds them itself.

    `authority` tells that the card says of it that it is an issuer's.
    """

    id: bytes
    label: str | None
    place: Place | None
    der: bytes | None
    authority: bool = False


def application_path(entries: Iterable[bytes], aid: bytes) -> bytes | None:
    """Return the path of the application `aid` in EF.DIR's entries, None if it is not there or has no path."""
    templates = (_read(_template, entry, "EF.DIR") for entry in entries)
    return next((path for name, path in templates if name == aid and path), None)


def directory(entries: Iterable[bytes]) -> dict[str, list[bytes]]:
    """Return the paths of the directory files by kind ("auth_objects", "certificates", ...), from EF.ODF's entries."""
    found: dict[str, list[bytes]] = {}
    for kind, path in (_read(_directory_file, entry, "EF.ODF") for entry in entries):
        if path is not None:
            found.setdefault(kind, []).append(path)
    return found


def token(content: bytes) -> Token:
    """Return what EF.TokenInfo tells."""
    return _read(_token, content, "EF.TokenInfo")


def pins(entries: Iterable[bytes]) -> list[Pin]:
    """Return the passwords of EF.AODF; other ways to authenticate (biometrics, keys) are passed over."""
    return [_read(_pin, entry, "EF.AODF") for entry in entries if entry[0] == _SEQUENCE]


def keys(entries: Iterable[bytes]) -> list[Key]:
    """Return the private keys of EF.PrKDF, of every algorithm."""
    return [_read(_key, entry, "EF.PrKDF") for entry in entries]


def certificates(entries: Iterable[bytes]) -> list[CertificateEntry]:
    """Return the X.509 certificates of EF.CDF; other kinds are passed over."""
    return [_read(_certificate, entry, "EF.CDF") for entry in entries if entry[0] == _SEQUENCE]


def _template(entry: bytes) -> tuple[bytes, bytes | None]:
    template = asn1.ApplicationTemplate.load(entry, strict=True)
    return template["aid"].native, template["path"].native


def _directory_file(entry: bytes) -> tuple[str, bytes | None]:
    choice = asn1.ObjectDirectory.load(entry, strict=True)
    where = choice.chosen
    return choice.name, where.chosen["path"].native if where.name == "path" else None


def _token(content: bytes) -> Token:
    info = asn1.TokenInfo.load(content, strict=True)
    if info["version"].native < 0:  # parsed when looked at: bytes that begin with something else are none
        raise ValueError("the version is negative")
    return Token(
        info["serial_number"].native,
        _words(info["manufacturer"]),
        _words(info["label"]),
        _last_update(content),
        content,
    )


def _last_update(content: bytes) -> datetime | None:
    """Return lastUpdate, None if it is not told, or not as a time: by its tag, wherever in the sequence it stands."""
    try:
        told = next(item for item in tlv.parse(tlv.read(content)[0].value) if item.tag == _LAST_UPDATE)
        moment = core.GeneralizedTime.load(told.value, strict=True).native
    except (*_MALFORMED, tlv.TlvError, StopIteration):
        return None
    return moment if isinstance(moment, datetime) and moment.tzinfo is not None else None


def _pin(entry: bytes) -> Pin:
    password = asn1.Password.load(entry, strict=True)
    attributes = password["attributes"]
    padding = attributes["pad_char"].native
    if padding is not None and len(padding) != 1:
        raise ValueError("padding is not one byte")
    reference = attributes["reference"].native
    if not 0 <= reference <= 0xFF:
        raise ValueError("the reference is no byte")
    minimum, stored = attributes["min_length"].native, attributes["stored_length"].native
    maximum = attributes["max_length"].native
    if not (0 <= minimum <= 64 and 0 < stored <= 64 and (maximum is None or minimum <= maximum <= 64)):
        raise ValueError("the lengths of a code make no sense")
    return Pin(
        label=_words(password["common"]["label"]),
        auth_id=password["authentication"]["auth_id"].native or b"",
        unblocked_by=password["common"]["auth_id"].native,
        flags=frozenset(attributes["flags"].native),
        encoding=_ENCODINGS.get(attributes["type"].native),
        min_length=minimum,
        max_length=maximum,
        stored_length=stored,
        reference=reference,
        padding=None if padding is None else padding[0],
        path=attributes["path"]["path"].native if attributes["path"] else None,
    )


def _key(entry: bytes) -> Key:
    key = asn1.PrivateKey.load(_as_sequence(entry), strict=True)
    reference = key["key"]["reference"].native
    path, size = _place_of(entry)
    return Key(
        id=key["key"]["id"].native,
        usage=frozenset(key["key"]["usage"].native),
        auth_id=key["common"]["auth_id"].native,
        kind=_KEY_KINDS.get(entry[0]),
        reference=reference if reference is not None and 0 <= reference <= 0xFF else None,
        path=path,
        size=size,
        consent=bool(key["common"]["user_consent"].native),
    )


def _place_of(entry: bytes) -> tuple[bytes | None, int | None]:
    """Return a key's path and size, each None where it can't be read: the card is of use without them."""
    try:
        found = next(item for item in tlv.parse(tlv.read(entry)[0].value) if item.tag == _ALGORITHM_ATTRIBUTES)
        attributes = asn1.PrivateKeyAttributes.load(found.value, strict=True)
        path, size = attributes["value"]["path"].native, attributes["size"].native
    except (*_MALFORMED, tlv.TlvError, StopIteration):
        return None, None
    return path or None, size if size is not None and 0 < size <= _MAX_KEY_BITS else None


def _certificate(entry: bytes) -> CertificateEntry:
    found = asn1.CertificateObject.load(entry, strict=True)
    identifier, label = found["certificate"]["id"].native, _words(found["common"]["label"])
    authority = bool(found["certificate"]["authority"].native)
    value = found["attributes"]["value"]
    if value.name == "direct":
        return CertificateEntry(identifier, label, None, tlv.read(value.chosen.dump())[0].value, authority)
    path = value.chosen
    start, length = path["index"].native or 0, path["length"].native
    if start < 0:
        raise ValueError("the index is negative")
    return CertificateEntry(identifier, label, Place(path["path"].native, start, length), None, authority)


def _words(value: core.Asn1Value) -> str | None:
    """Return a label. One that is not UTF-8, as it has to be, is shown as well as can be: it decides nothing."""
    return None if isinstance(value, core.Void) else bytes(value.contents).decode(errors="replace")


def _as_sequence(entry: bytes) -> bytes:
    # An EC, DH or DSA key is the same SEQUENCE under another (context-specific, constructed) tag.
    return bytes([_SEQUENCE]) + entry[1:]


def _read(reader: Callable[[bytes], T], entry: bytes, file: str) -> T:
    try:
        return reader(entry)
    except _MALFORMED as error:
        raise unreadable(f"{file}: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    # asn1crypto explains over several lines and quotes bytes; the first line says what is wrong.
    return str(error).splitlines()[0][:120] if str(error) else type(error).__name__
