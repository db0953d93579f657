"""Faulty replies on purpose: a responder that is slow, wrong or hostile, for those who have to survive it."""

from enum import StrEnum
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from sithsd.simulator import durable

_FILE = "reply-faults.json"


class ReplyKind(StrEnum):
    """What is wrong with a reply.

    On the way: SLOW comes `seconds` late; DRIPPING byte by byte, `seconds` apart; HUGE is followed by 256 MiB of zeros;
    ENDLESS never ends; TORN ends after half of what it promises; REDIRECT leads to where the right one is; ERROR is
    HTTP's 500; CLOSED is none, for the connection ends. GARBAGE is noise with status 200.

    In what is said: WRONG_SIGNER is signed by somebody with the authority's name and another key; UNAUTHORISED (OCSP)
    by one whom the authority certified for something else; STALE has outlived its nextUpdate; FUTURE begins tomorrow;
    REPLAY was made before the authority's last revocation (or release), without a nonce; OLD_NONCE too, with the nonce
    of another request; OTHER is about another certificate, the list is another authority's; UNKNOWN is OCSP's status
    of that name; TRY_LATER is OCSP's error of that name.
    """

    SLOW = "slow"
    DRIPPING = "dripping"
    HUGE = "huge"
    ENDLESS = "endless"
    TORN = "torn"
    REDIRECT = "redirect"
    ERROR = "500"
    CLOSED = "closed"
    GARBAGE = "garbage"
    WRONG_SIGNER = "wrong-signer"
    UNAUTHORISED = "unauthorised"
    STALE = "stale"
    FUTURE = "future"
    REPLAY = "replay"
    OLD_NONCE = "old-nonce"
    OTHER = "other"
    UNKNOWN = "unknown"
    TRY_LATER = "try-later"


class ReplyFault(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A fault in each reply to a request whose path fits the pattern `path` (*, ? and [] as for file names)."""

    kind: ReplyKind
    path: str = "*"
    seconds: Annotated[float, Meta(ge=0, le=600)] = 0.0

    def fits(self, path: str) -> bool:
        """Tell whether a reply to this path is faulty."""
        return fnmatchcase(path, self.path)


class FaultPlan:
    """The faults of the responder that serves the authorities in `folder`: what is written is true from then on."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / _FILE

    def write(self, *faults: ReplyFault) -> None:
        """Have these faults, of which the first that fits happens, and no others."""
        durable.replace(self._path, msgspec.json.encode(faults))

    def read(self) -> tuple[ReplyFault, ...]:
        """Return the faults. Raises OSError, and msgspec.DecodeError if the file is damaged."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=tuple[ReplyFault, ...])
        except FileNotFoundError:
            return ()

    def due(self, path: str) -> ReplyFault | None:
        """Return the fault of a reply to this path, None if it is to be right. Raises as `read` does."""
        return next((fault for fault in self.read() if fault.fits(path)), None)
