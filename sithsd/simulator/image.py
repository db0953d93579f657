"""What a personalised card holds, and the files that keep it: a chip's memory on disk.

The image is written at personalisation, and when a desk renews certificates. The counters are written again and again,
each time so that a process killed at any moment leaves either the old counters or the new ones, never neither.
"""

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from sithsd.simulator import durable

_IMAGE = "image.json"
_COUNTERS = "counters.json"


class Role(StrEnum):
    """What a code is for."""

    AUTHENTICATION = "authentication"
    SIGNATURE = "signature"
    PUK = "puk"


class CodeTerms(msgspec.Struct, frozen=True, kw_only=True):
    """What never changes about a code: its reference (P2 of VERIFY), lengths in bytes, tries, and who unblocks it."""

    reference: int
    role: Role
    max_tries: int
    min_length: int
    max_length: int
    stored_length: int
    padded: bool = True
    changeable: bool = True
    unblocked_by: int | None = None


class CodeCounters(msgspec.Struct, kw_only=True):
    """What changes about a code. The code itself is kept as a salted slow hash only; None before it has a value.

    `transport` tells that the value is the issuer's transport code, good for choosing one's own and nothing else.
    """

    tries_left: int
    salt: bytes = b""
    digest: bytes | None = None
    transport: bool = False

    @property
    def chosen(self) -> bool:
        """Whether the code has a value that is the holder's own."""
        return self.digest is not None and not self.transport


class KeyOnCard(msgspec.Struct, frozen=True, kw_only=True):
    """A private RSA key: `path` of its internal EF, `pkcs8` DER, `guard` the code that has to be verified.

    With `consent` one verification serves one signature (userConsent 1 of PKCS#15).
    """

    path: bytes
    reference: int
    pkcs8: bytes
    guard: int
    consent: bool = False


class FileOnCard(msgspec.Struct, frozen=True, kw_only=True):
    """A transparent EF: `path` of file identifiers from the MF, and its content."""

    path: bytes
    content: bytes
    sfi: int | None = None


class LateFile(FileOnCard, frozen=True, kw_only=True):
    """An EF that replaces the one of the same path once the codes `chosen`, by reference, have been chosen.

    Without any it waits for every code.
    """

    chosen: tuple[int, ...] = ()


class AnswerKind(StrEnum):
    """How a faulty card answers.

    TORN is an answer without its last byte, EMPTY one without any; SHORT has half of the data, LONG 16 bytes more than
    were asked for, both with 9000; ERROR is 6F00 alone; LATE comes after `seconds`; a MUTE card says nothing more
    before it gets power anew.
    """

    TORN = "torn"
    EMPTY = "empty"
    SHORT = "short"
    LONG = "long"
    ERROR = "6F00"
    LATE = "late"
    MUTE = "mute"


class Moment(StrEnum):
    """Whether the fault comes BEFORE the command is carried out, in its place (but LATE), or AFTER it."""

    BEFORE = "before"
    AFTER = "after"


class AnswerFault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A faulty answer to the `nth` command that fits, counted from the card's insertion; to each without `nth`.

    A command fits by its instruction byte `ins` (hexadecimal) and by `carries_data`, whether it has a data field; what
    is not said fits all.
    """

    kind: AnswerKind
    ins: Annotated[str, Meta(pattern="^[0-9A-Fa-f]{2}$")] | None = None
    carries_data: bool | None = None
    nth: Annotated[int, Meta(ge=1)] | None = None
    when: Moment = Moment.AFTER
    seconds: Annotated[float, Meta(ge=0, le=600)] = 0.0

    def __post_init__(self) -> None:
        if (self.kind is AnswerKind.LATE) is not (self.seconds > 0):
            raise ValueError("a late answer has seconds, and no other has")


class CertificateOnCard(msgspec.Struct, frozen=True, kw_only=True):
    """A certificate that was issued for the card: its label there, who issued it (`pki.Authority.slug`), its DER."""

    label: str
    issuer: str
    content: bytes


class Image(msgspec.Struct, frozen=True, kw_only=True):
    """A card as personalised, with the files that its codes' being chosen brings, and its faulty answers.

    `applications` maps a DF's path (hexadecimal) to its application identifier. `last_update` is when its files were
    written last; EF.TokenInfo tells it.
    """

    name: str
    protocol: int
    atr: bytes
    serial: bytes
    extended_length: bool = False
    applications: dict[str, bytes] = {}
    files: tuple[FileOnCard, ...] = ()
    late_files: tuple[LateFile, ...] = ()
    codes: tuple[CodeTerms, ...] = ()
    keys: tuple[KeyOnCard, ...] = ()
    answers: tuple[AnswerFault, ...] = ()
    certificates: tuple[CertificateOnCard, ...] = ()
    last_update: datetime | None = None


class Memory:
    """A card's memory in a folder of its own."""

    def __init__(self, folder: Path, image: Image, counters: dict[int, CodeCounters]) -> None:
        self.folder = folder
        self.image = image
        self.counters = counters

    @classmethod
    def exists(cls, folder: Path) -> bool:
        """Tell whether a card was personalised into `folder`, to the end."""
        return (folder / _COUNTERS).is_file() and (folder / _IMAGE).is_file()

    @classmethod
    def create(cls, folder: Path, image: Image, counters: dict[int, CodeCounters]) -> "Memory":
        """Write a new card's memory into `folder`, over what is there."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (folder / _COUNTERS).unlink(missing_ok=True)
        durable.replace(folder / _IMAGE, msgspec.json.encode(image))
        memory = cls(folder, image, counters)
        memory.save()
        return memory

    @classmethod
    def load(cls, folder: Path) -> "Memory":
        """Read a card's memory. Raises OSError or msgspec.DecodeError."""
        image = msgspec.json.decode((folder / _IMAGE).read_bytes(), type=Image)
        counters = msgspec.json.decode((folder / _COUNTERS).read_bytes(), type=dict[int, CodeCounters])
        return cls(folder, image, counters)

    def renew(self, image: Image) -> "Memory":
        """Put another image in the place of this one; the counters stay as they are."""
        durable.replace(self.folder / _IMAGE, msgspec.json.encode(image))
        return Memory(self.folder, image, self.counters)

    def save(self) -> None:
        """Make the counters durable: when this returns they survive a kill and a loss of power."""
        durable.replace(self.folder / _COUNTERS, msgspec.json.encode(self.counters))
