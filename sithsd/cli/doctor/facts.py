"""What the doctor knows before it judges: answers of the daemon, and what this program sees of the machine."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Generic, TypeVar

from sithsd.api.wire import ErrorParameters
from sithsd.cli.replies import (
    CertificatesReply,
    CodesReply,
    DiagnoseReply,
    InfoReply,
    ListReply,
    Reader,
    ReaderDiagnosis,
    RightsReply,
)

T = TypeVar("T")


class Reach(StrEnum):
    """What came of connecting to a Unix socket."""

    GOOD = "good"
    ABSENT = "absent"
    DENIED = "denied"
    NOT_LISTENING = "notListening"
    FAILED = "failed"


@dataclass(frozen=True)
class Socket:
    """A socket as this program's user sees it; `mode` is that of its file, None where it can't be seen."""

    path: str
    reach: Reach
    mode: int | None = None
    owner: int | None = None
    group: int | None = None


@dataclass(frozen=True)
class Answer(Generic[T]):
    """An answer of the daemon: the reply, or the error; neither if it was not asked."""

    reply: T | None = None
    error: ErrorParameters | None = None


@dataclass(frozen=True)
class UsbReader:
    """A smart card reader on the USB (device class 0B), by /sys: where, and how its power is saved.

    `control` is "auto" or "on", `delay` after how many milliseconds it is put to sleep (negative: never), `status`
    "active", "suspended" or another word of the kernel's; None for what can't be read.
    """

    bus: int
    device: int
    control: str | None = None
    delay: int | None = None
    status: str | None = None


@dataclass(frozen=True)
class MachineFacts:
    """What this program sees for itself. `synchronised` is the kernel's word on the clock, None where it gives none."""

    now: datetime
    uid: int
    pcscd: Socket
    pcscd_pids: tuple[int, ...] = ()
    synchronised: bool | None = None
    usb_readers: tuple[UsbReader, ...] = ()


@dataclass(frozen=True)
class Facts:
    """All of it. `wanted` is the reader that the person named."""

    own_version: str
    machine: MachineFacts
    cards: Socket
    codes: Socket
    wanted: str | None = None
    info: Answer[InfoReply] = Answer()
    rights: Answer[RightsReply] = Answer()
    listing: Answer[ListReply] = Answer()
    diagnosis: Answer[DiagnoseReply] = Answer()
    card_codes: Answer[CodesReply] = Answer()
    validity: Answer[CertificatesReply] = Answer()

    @property
    def readers(self) -> list[Reader]:
        """All readers that the daemon sees."""
        return self.listing.reply.readers if self.listing.reply else []

    @property
    def reader(self) -> Reader | None:
        """The reader that is looked at, None if there is none, or it is not known which."""
        return chosen(self.readers, self.wanted)

    @property
    def examined(self) -> ReaderDiagnosis | None:
        """What the daemon tells of that reader beyond its state; None where it tells nothing."""
        reader, diagnosis = self.reader, self.diagnosis.reply
        if reader is None or diagnosis is None:
            return None
        return next((one for one in diagnosis.readers if one.name == reader.name), None)


def chosen(readers: list[Reader], wanted: str | None) -> Reader | None:
    """Return the reader of that name; without one the only reader that holds a card, or the only reader.

    With several readers and no card in any it is the first: they are all alike then.
    """
    if wanted is not None:
        return next((one for one in readers if one.name == wanted), None)
    holding = [one for one in readers if one.state != "empty"]
    if len(holding) > 1:
        return None
    return next(iter(holding or readers), None)
