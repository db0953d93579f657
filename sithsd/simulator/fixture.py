"""Card fixtures: text files that say how a simulated card differs from an ordinary one.

Every field has a default, and the defaults together are the ordinary SITHS card. fixtures/README.md explains the
format to people; these structures are the format.
"""

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from sithsd.iso7816 import atr
from sithsd.simulator.image import AnswerFault

_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
_SUFFIX = ".toml"

MYEID_ATR = "3BF51800008131FE454D794549449A"

Digits = Annotated[str, Meta(pattern="^[0-9]{4,12}$")]
Hexadecimal = Annotated[str, Meta(pattern="^([0-9A-Fa-f]{2} ?)+$")]
Tries = Annotated[int, Meta(ge=0, le=15)]
Length = Annotated[int, Meta(ge=4, le=12)]
Days = Annotated[int, Meta(ge=-36500, le=36500)]
# The upper bounds of X.520 for the attributes of a name.
Name = Annotated[str, Meta(min_length=1, max_length=64)]


class FixtureError(Exception):
    """A fixture can't be used; the message is one line with file, place and reason."""


class Identity(StrEnum):
    """Which of the holder's identities a certificate carries."""

    HSA_ID = "hsaId"
    PERSONAL_IDENTITY_NUMBER = "personalIdentityNumber"
    NONE = "none"


class Purpose(StrEnum):
    """What a certificate is for."""

    AUTHENTICATION = "authentication"
    SIGNATURE = "signature"


class Issuer(StrEnum):
    """The certificate authorities of the simulation."""

    PERSON_HSA_ID_3 = "person-hsa-id-3"
    PERSON_ID_3 = "person-id-3"
    PERSON_HSA_ID_2 = "person-hsa-id-2"
    PERSON_ID_2 = "person-id-2"
    TYPE_1 = "type-1"
    TELIA = "telia"
    PLAIN = "plain"


class Fault(StrEnum):
    """How a file of the card is broken.

    TRUNCATED ends after `at` bytes; LYING promises more in its first length field than is there; MISSING is not there;
    NOISE holds bytes that are no data objects; ENDLESS repeats its content until it fills 32 KiB.
    """

    TRUNCATED = "truncated"
    LYING = "lying"
    MISSING = "missing"
    NOISE = "noise"
    ENDLESS = "endless"


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the file: what is not a field is a mistake."""


class HolderFixture(_Part, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose card it is. With `protected` the certificates show the HSA-id in place of a name."""

    given_name: Name = "Tolvan"
    surname: Name = "Tolvansson"
    hsa_id: Name = "SE2321000016-SIM1"
    personal_identity_number: Annotated[str, Meta(pattern="^[0-9]{12}$")] = "191212121212"
    organisation: Name = "SIM Regionen"
    locality: Name = "Simstad"
    protected: bool = False


class CodesFixture(_Part, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The codes and their counters. With `chosen = false` neither PIN has a value before the PUK gives it one.

    With `transport` the PINs' values are transport codes: nothing but CHANGE REFERENCE DATA takes them.
    """

    authentication: Digits = "123456"
    signature: Digits = "654321"
    puk: Digits = "12345678"
    pin_tries: Annotated[int, Meta(ge=1, le=15)] = 3
    puk_tries: Annotated[int, Meta(ge=1, le=15)] = 10
    authentication_tries_left: Tries | None = None
    signature_tries_left: Tries | None = None
    puk_tries_left: Tries | None = None
    min_length: Length = 6
    max_length: Length = 8
    stored_length: Length = 8
    padded: bool = True
    chosen: bool = True
    transport: bool = False


class ValidityFixture(_Part, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From when to when the certificates are valid, in days from the day the card is made."""

    from_days: Days = -365
    to_days: Days = 4 * 365


class CertificateFixture(_Part, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One certificate besides the pairs."""

    purpose: Purpose
    identity: Identity
    issuer: Issuer


class ChipFixture(_Part, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The chip: its protocol, its answer to reset, its names; `pkcs15 = false` leaves another applet only.

    With `last_update = false` EF.TokenInfo does not tell when the card was updated last.
    """

    protocol: Literal["T=0", "T=1"] = "T=1"
    atr: Hexadecimal = MYEID_ATR
    label: Name = "SIM SITHS e-id kort"
    manufacturer: Name = "SIM"
    extended_length: bool = True
    pkcs15: bool = True
    last_update: bool = True


class FaultFixture(_Part, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One broken file: EF.DIR, EF.ODF, EF.TokenInfo, EF.AODF, EF.PrKDF, EF.CDF, or a path in hexadecimal."""

    file: str
    kind: Fault
    at: Annotated[int, Meta(ge=0)] = 0


class CardFixture(_Part, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A card: what is not said is as on the ordinary card.

    `identities` get a pair of certificates each, issued at `level_of_assurance` unless `issuer` names another
    authority for all of them. `issuer_certificates` puts the authorities' own certificates on the card.
    """

    title: str = "ordinary SITHS card"
    level_of_assurance: Literal[2, 3] = 3
    identities: tuple[Identity, ...] = (Identity.HSA_ID, Identity.PERSONAL_IDENTITY_NUMBER)
    certificates: tuple[CertificateFixture, ...] = ()
    issuer: Issuer | None = None
    issuer_certificates: bool = False
    public_exponent: Literal[3, 65537] = 65537
    card_number: Annotated[str, Meta(pattern="^[0-9]{19}$")] | None = None
    serial: Annotated[str, Meta(pattern="^([0-9A-Fa-f]{2}){1,10}$")] | None = None
    holder: HolderFixture = HolderFixture()
    codes: CodesFixture = CodesFixture()
    validity: ValidityFixture = ValidityFixture()
    chip: ChipFixture = ChipFixture()
    faults: tuple[FaultFixture, ...] = ()
    answers: tuple[AnswerFault, ...] = ()


def folder() -> Path:
    """Return the folder of the fixtures that come with the program: the package's own, else the checkout's."""
    package = Path(__file__).parents[1]
    packaged = package / "_fixtures" / "cards"
    return packaged if packaged.is_dir() else package.parent / "fixtures" / "cards"


def names() -> tuple[str, ...]:
    """Return the names of the fixtures that come with the program, in order."""
    return tuple(sorted(path.stem for path in folder().glob(f"*{_SUFFIX}")))


def name_of(given: str) -> str:
    """Return the card's name: `given` itself, or the stem of the TOML file it is the path of. Raises FixtureError."""
    name = Path(given).stem if given.endswith(_SUFFIX) else given
    if not _NAME.fullmatch(name):
        raise FixtureError(f"{given}: a card's name has small letters, digits and hyphens only")
    return name


def load(given: str) -> CardFixture:
    """Read a fixture by its name, or from the TOML file at the path `given`. Raises FixtureError."""
    path = Path(given) if given.endswith(_SUFFIX) else folder() / f"{name_of(given)}{_SUFFIX}"
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise FixtureError(f"{path}: there is no such card; known are {', '.join(names())}") from None
    except OSError as error:
        raise FixtureError(f"{path}: {error.strerror}") from None
    return parse(raw, str(path))


def parse(raw: bytes, place: str) -> CardFixture:
    """Read a fixture's text; `place` names the file in the message of a FixtureError."""
    try:
        fixture = msgspec.toml.decode(raw, type=CardFixture)
        answer = atr.parse(bytes.fromhex(fixture.chip.atr))
    except msgspec.DecodeError as error:
        raise FixtureError(f"{place}: {error}") from None
    except UnicodeDecodeError:
        raise FixtureError(f"{place}: the text is not UTF-8") from None
    except atr.AtrError as error:
        raise FixtureError(f"{place}: {error} - at `$.chip.atr`") from None
    if int(fixture.chip.protocol[-1]) not in answer.protocols:
        raise FixtureError(f"{place}: the ATR does not offer {fixture.chip.protocol} - at `$.chip.protocol`")
    if fixture.validity.from_days >= fixture.validity.to_days:
        raise FixtureError(f"{place}: the end is not after the beginning - at `$.validity`")
    _check_codes(fixture.codes, place)
    return fixture


def _check_codes(codes: CodesFixture, place: str) -> None:
    if codes.transport and not codes.chosen:
        raise FixtureError(f"{place}: a transport code is a value, without one there is none - at `$.codes.transport`")
    if not codes.min_length <= codes.max_length <= codes.stored_length:
        raise FixtureError(f"{place}: min_length, max_length and stored_length do not grow - at `$.codes`")
    for name, code in (("authentication", codes.authentication), ("signature", codes.signature)):
        if not codes.min_length <= len(code) <= codes.max_length:
            raise FixtureError(f"{place}: the code is too short or too long - at `$.codes.{name}`")
    if len(codes.puk) > codes.stored_length:
        raise FixtureError(f"{place}: the code is too long - at `$.codes.puk`")
