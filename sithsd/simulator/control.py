"""How `sithsd-sim` speaks to the process that serves the cards: one JSON line there, one back, on a Unix socket."""

import socket
import time
from pathlib import Path

import msgspec

SOCKET = "sithsd-sim"
_SECONDS = 60.0
_MAX_LINE = 65536
_LOOK_SECONDS = 0.01


class Insert(msgspec.Struct, frozen=True, tag="insert", kw_only=True):
    """Put a card that is personalised already into a reader. `port` None: the reader's own port."""

    card: str
    reader: int = 0
    port: int | None = None
    delay_ms: float = 0


class Remove(msgspec.Struct, frozen=True, tag="remove", kw_only=True):
    """Take the card out of a reader."""

    reader: int = 0


class Swap(msgspec.Struct, frozen=True, tag="swap", kw_only=True):
    """Take the card out and put another one in; `fast`: so quickly that the reader never sees itself empty."""

    card: str
    reader: int = 0
    fast: bool = False


class Count(msgspec.Struct, frozen=True, tag="count", kw_only=True):
    """Tell what went over the contacts of the card in a reader; with `reset`, count from zero afterwards."""

    reader: int = 0
    reset: bool = False


class Press(msgspec.Struct, frozen=True, tag="press", kw_only=True):
    """Press keys of a reader's PIN pad, which has to ask for some: digits one by one, and those of `pad.Key`."""

    keys: tuple[str, ...]
    reader: int = 0

    def __repr__(self) -> str:
        """Tell how many keys, and not which."""
        return f"Press(reader={self.reader}, {len(self.keys)} keys)"


class State(msgspec.Struct, frozen=True, tag="state"):
    """Tell which card is in which reader, and whose PIN pad asks for keys."""


class Stop(msgspec.Struct, frozen=True, tag="stop"):
    """Take out all cards and end."""


Request = Insert | Remove | Swap | Count | Press | State | Stop


class Reply(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The answer: a sentence if it did not work, the cards by reader, pads that ask, the counts that were asked for."""

    error: str | None = None
    inserted: dict[int, str] = {}
    asking: tuple[int, ...] = ()
    apdus: int = 0
    bytes_in: int = 0
    bytes_out: int = 0


class ControlError(Exception):
    """The serving process refused, or gave no answer; the message is a sentence."""


class NotServingError(ControlError):
    """No process serves cards at this socket."""


def ask(runtime_dir: Path, request: Request) -> Reply:
    """Send one request to the serving process; return its reply. Raises ControlError or NotServingError."""
    with socket.socket(socket.AF_UNIX) as wire:
        wire.settimeout(_SECONDS)
        try:
            wire.connect(str(runtime_dir / SOCKET))
        except (FileNotFoundError, ConnectionRefusedError):
            raise NotServingError("no simulated card is in any reader") from None
        except OSError as error:
            raise ControlError(f"the cards' process can't be asked: {error.strerror or error}") from None
        try:
            wire.sendall(msgspec.json.encode(request) + b"\n")
            reply = msgspec.json.decode(read_line(wire), type=Reply)
        except (OSError, msgspec.DecodeError):
            raise ControlError("the cards' process gave no proper answer") from None
    if reply.error is not None:
        raise ControlError(reply.error)
    return reply


def press(runtime_dir: Path, request: Press, seconds: float) -> None:
    """Press keys as soon as the reader's pad asks for some. Raises ControlError if it does not within `seconds`."""
    deadline = time.monotonic() + seconds
    while request.reader not in ask(runtime_dir, State()).asking:
        if time.monotonic() > deadline:
            raise ControlError("the pad asks for nothing")
        time.sleep(_LOOK_SECONDS)
    ask(runtime_dir, request)


def read_line(wire: socket.socket) -> bytes:
    """Read up to the end of the line or of the stream, at most 64 KiB. Raises OSError."""
    received = bytearray()
    while not received.endswith(b"\n") and len(received) < _MAX_LINE:
        piece = wire.recv(4096)
        if not piece:
            break
        received += piece
    return bytes(received)
