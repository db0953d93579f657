"""Profiles: what sithsd knows of a card family, as data in `drivers/<family>/profile.toml`."""

import stat
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from sithsd.card.model import Encoding
from sithsd.iso7816.apdu import MAX_EXTENDED_LE, MAX_SHORT_LE
from sithsd.values import KeyKind, Role

_MAX_PROFILE = 64 * 1024

# An ATR has 2 to 33 bytes (ISO/IEC 7816-3:2006, 8.2), an AID 5 to 16 (ISO/IEC 7816-4:2020, 12.2.3.1).
AtrBytes = Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Fa-f]{2}( ?[0-9A-Fa-f]{2}){1,32}$")]
Aid = Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Fa-f]{2}( ?[0-9A-Fa-f]{2}){4,15}$")]
Digits = Annotated[int, msgspec.Meta(ge=1, le=64)]
Byte = Annotated[int, msgspec.Meta(ge=0, le=0xFF)]


class ProfileError(ValueError):
    """A profile that can't be used: one line with file, place and reason."""


class Evidence(StrEnum):
    """How well a profile is known: on real cards, by other people's tools, or not at all."""

    PROVEN = "proven"
    JUDGED = "judged"
    ASSUMED = "assumed"


class Unblocking(StrEnum):
    """Who may unblock a code of these cards."""

    HOLDER = "holder"
    DESK = "desk"
    UNKNOWN = "unknown"


class Activation(StrEnum):
    """What gives a code of a new card its first own value: the PUK, or the transport PIN by changing it."""

    PUK = "puk"
    TRANSPORT_PIN = "transport-pin"
    UNKNOWN = "unknown"


class Counter(StrEnum):
    """How the tries left are read without using one."""

    EMPTY_VERIFY = "empty-verify"
    UNKNOWN = "unknown"


class VerifiedMeans(StrEnum):
    """What an empty VERIFY answered with 9000 tells of the counter."""

    FULL = "full"
    UNKNOWN = "unknown"


class Freshness(StrEnum):
    """Whether lastUpdate in EF.TokenInfo (ISO/IEC 7816-15:2016, 8.10) moves whenever a file of the card is written."""

    LAST_UPDATE = "last-update"
    UNKNOWN = "unknown"


class Clearing(StrEnum):
    """How the card is made to forget that a code was given: by INS 2E, by VERIFY with P1=FF, or by a reset."""

    LOGOUT = "logout"
    VERIFY_FF = "verify-ff"
    RESET = "reset"


class _Table(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    pass


class AtrHint(_Table, kw_only=True, frozen=True):
    """An ATR of the family; a set bit in `mask` has to agree. A hint: the probe decides."""

    value: AtrBytes
    mask: AtrBytes | None = None

    def __post_init__(self) -> None:
        if self.mask is not None and len(bytes.fromhex(self.mask)) != len(bytes.fromhex(self.value)):
            raise ValueError("value and mask differ in length")


class Probe(_Table, kw_only=True, frozen=True):
    """SELECT of an application by `aid`; the family answers it with one of the status words in `expect`."""

    aid: Aid
    expect: list[Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Fa-f]{4}$")]] = msgspec.field(
        default_factory=lambda: ["9000"]
    )


class KnownCode(_Table, kw_only=True, frozen=True):
    """A code whose form the profile knows; overrides what the card's own files say of the code with that role."""

    role: Role
    reference: Byte
    min_length: Digits | None = None
    max_length: Digits | None = None
    stored_length: Digits | None = None
    padding: Byte | None = None
    encoding: Encoding = Encoding.ASCII
    unblocked_by: Byte | None = None

    def __post_init__(self) -> None:
        if self.min_length and self.max_length and self.min_length > self.max_length:
            raise ValueError("min_length is greater than max_length")
        if self.padding is not None and self.stored_length is None:
            raise ValueError("padding needs a stored_length to fill up to")


class CodeRules(_Table, kw_only=True, frozen=True):
    """What holds for the codes of the family. A maximum of tries that is not known is left out."""

    counter: Counter = Counter.UNKNOWN
    when_verified: VerifiedMeans = VerifiedMeans.UNKNOWN
    clearing: Clearing = Clearing.RESET
    max_tries: Annotated[int, msgspec.Meta(ge=1, le=15)] | None = None
    puk_max_tries: Annotated[int, msgspec.Meta(ge=1, le=15)] | None = None
    known: list[KnownCode] = []
    labels: dict[Role, list[str]] = {}

    def __post_init__(self) -> None:
        if len({code.role for code in self.known}) != len(self.known):
            raise ValueError("two known codes have the same role")


class KeyName(StrEnum):
    """How MANAGE SECURITY ENVIRONMENT names a private key: by its file (tag 81) or its reference (tag 84)."""

    FILE = "file"
    REFERENCE = "reference"


class RawWay(StrEnum):
    """How a whole block gets to an RSA key: as the data of COMPUTE DIGITAL SIGNATURE, or of DECIPHER in two halves."""

    SIGN = "sign"
    DECIPHER_IN_HALVES = "decipher-in-halves"


class EcdsaForm(StrEnum):
    """How a card gives an ECDSA signature: r and s side by side, or the DER of ECDSA-Sig-Value (RFC 3279, 2.2.3)."""

    PLAIN = "plain"
    DER = "der"


class SigningRules(_Table, kw_only=True, frozen=True):
    """How the family signs (ISO/IEC 7816-8:2021, 10 and 11.3). What it can't, or is not known, is left out.

    The algorithm references (tag 80 of the control reference template): `pkcs1` has the card pad a DigestInfo by PKCS#1
    v1.5, `raw` is the bare RSA operation, `ecdsa` takes a hash.
    """

    name_key_by: KeyName
    pkcs1: Byte | None = None
    raw: Byte | None = None
    raw_way: RawWay = RawWay.SIGN
    ecdsa: Byte | None = None
    ecdsa_form: EcdsaForm = EcdsaForm.PLAIN


class ModuleSettings(_Table, kw_only=True, frozen=True):
    """[pkcs11]: the module (PKCS#11 v2.40) through which cards of a family are used; for the backend "pkcs11" alone.

    `paths`: absolute, the first file that is there is the module. `environment`: what the module finds its own settings
    by; a value that begins with "./" is a file beside the profile. `serial`: the card's serial number is read by us
    from EF.TokenInfo (ISO/IEC 7816-15), or told by the module. `slots`: slots that are described by their reader's name
    alone are looked at, or all, for a module without readers. Which token has which code is told by the words for its
    label in [codes.labels].

    `flags_tell`: a token without the flags CKF_USER_PIN_FINAL_TRY and CKF_USER_PIN_LOCKED is one whose PIN has more
    than one try left (5.4); where it is false their absence says nothing. `unblocks`: C_InitPIN in a session of the
    security officer, whose PIN is the PUK, unblocks a PIN and sets it (5.6). `seconds`: how long the module may take
    for one call.
    """

    paths: Annotated[list[Annotated[str, msgspec.Meta(pattern=r"^/", max_length=4096)]], msgspec.Meta(min_length=1)]
    environment: dict[Annotated[str, msgspec.Meta(pattern=r"^[A-Z][A-Z0-9_]{0,63}$")], str] = {}
    serial: Literal["token-info", "module"] = "module"
    slots: Literal["reader", "all"] = "reader"
    flags_tell: bool = False
    unblocks: bool = False
    seconds: Annotated[float, msgspec.Meta(gt=0, le=60)] = 8.0

    def __post_init__(self) -> None:
        # What the loader and the interpreter take from there would be code of somebody else's.
        if steering := [name for name in self.environment if name.startswith(("LD_", "PYTHON", "GLIBC_"))]:
            raise ValueError(f"{steering[0]} may not be set")


class Profile(_Table, kw_only=True, frozen=True):
    """One card family.

    `largest_read` is how many bytes one command may ask for: more than 256 only if the family takes extended lengths.
    `freshness` decides whether a card that was read before may be known again (`sithsd.card.known`); where it is not
    known, the whole card is read each time.
    `quirks` are names that the backend understands. `pkcs11` is there if the backend is "pkcs11".
    """

    name: Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]*$")]
    title: str
    backend: str
    evidence: Evidence
    unblocking: Unblocking = Unblocking.UNKNOWN
    activation: Activation = Activation.UNKNOWN
    atr: list[AtrHint] = []
    probe: Annotated[list[Probe], msgspec.Meta(min_length=1)]
    largest_read: Annotated[int, msgspec.Meta(ge=1, le=MAX_EXTENDED_LE)] = MAX_SHORT_LE
    freshness: Freshness = Freshness.UNKNOWN
    codes: CodeRules = CodeRules()
    signing: SigningRules | None = None
    quirks: list[str] = []
    pkcs11: ModuleSettings | None = None

    def __post_init__(self) -> None:
        if (self.backend == "pkcs11") is (self.pkcs11 is None):
            raise ValueError('the table [pkcs11] belongs to the backend "pkcs11", and to no other')

    def signs_with(self, kind: KeyKind) -> bool:
        """Tell whether cards of the family sign with keys of a kind, as far as is known: a module tells only itself."""
        rules = self.signing
        if rules is None:
            return self.pkcs11 is not None
        return any(way is not None for way in ((rules.ecdsa,) if kind is KeyKind.EC else (rules.pkcs1, rules.raw)))


def load(path: Path) -> Profile:
    """Read one profile.toml. Raises ProfileError."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise ProfileError(f"{path}: is not a file")
        if path.stat().st_size > _MAX_PROFILE:
            raise ProfileError(f"{path}: is larger than {_MAX_PROFILE} bytes")
        profile = msgspec.toml.decode(path.read_bytes(), type=Profile)
    except OSError as error:
        raise ProfileError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ProfileError(f"{path}: is not UTF-8 text, from byte {error.start} on") from error
    except RecursionError as error:
        raise ProfileError(f"{path}: is nested too deeply") from error
    except msgspec.MsgspecError as error:
        raise ProfileError(f"{path}: {' '.join(str(error).split())}") from error
    if profile.name != path.parent.name:
        raise ProfileError(f"{path}: name is {profile.name!r}, its folder {path.parent.name!r}")
    return _with_own_files(profile, path.parent)


def _with_own_files(profile: Profile, folder: Path) -> Profile:
    """Return the profile with the names of files that lie beside it made whole."""
    if profile.pkcs11 is None:
        return profile
    environment = {
        name: str(folder.resolve() / value[2:]) if value.startswith("./") else value
        for name, value in profile.pkcs11.environment.items()
    }
    return msgspec.structs.replace(profile, pkcs11=msgspec.structs.replace(profile.pkcs11, environment=environment))


def load_folder(folder: Path) -> tuple[Profile, ...]:
    """Read every `<family>/profile.toml` below `folder`, in the order of their names. Raises ProfileError."""
    return tuple(load(path) for path in sorted(folder.glob("*/profile.toml")))


def load_site_folder(folder: Path) -> tuple[Profile, ...]:
    """Read a site's own profiles (/etc/sithsd/drivers.d); none if there is no such folder.

    A profile decides what is sent to cards, so everything has to be root's and writable by root alone. Raises
    ProfileError for the first path that is not.
    """
    try:
        if not folder.is_dir():
            return ()
        # Not glob(), which passes over what may not be read.
        folders = [folder, *(path for path in sorted(folder.iterdir()) if stat.S_ISDIR(path.lstat().st_mode))]
        for path in [folder, *(path for each in folders for path in sorted(each.iterdir()))]:
            facts = path.lstat()
            if facts.st_uid != 0 or facts.st_mode & (stat.S_IWGRP | stat.S_IWOTH) or stat.S_ISLNK(facts.st_mode):
                raise ProfileError(f"{path}: a site profile has to be root's, writable by root alone, and no link")
    except OSError as error:
        raise ProfileError(f"{error.filename or folder}: {error.strerror}") from error
    return load_folder(folder)


def shipped_folder() -> Path:
    """Return the folder of the profiles that come with sithsd: in the installed package, else in the checkout."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "_drivers"
    return installed if installed.is_dir() else package.parent / "drivers"


def in_order(profiles: Sequence[Profile], site: Sequence[Profile] = ()) -> tuple[Profile, ...]:
    """Return all profiles, a site's own in the place of a shipped one with the same name."""
    named = {profile.name: profile for profile in (*profiles, *site)}
    return tuple(named[name] for name in sorted(named))
