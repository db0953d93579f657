"""What can happen to readers, and what follows from two looks at them. No input, no output."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from sithsd.reader import scard

_COUNTER_SHIFT: Final = 16


@dataclass(frozen=True, slots=True)
class ReaderState:
    """What one reader showed at the last look.

    `event_count` is PC/SC's count of insertions and removals, modulo 65536. `mute` is a card that gives no answer to
    reset. `in_use` and `exclusive` tell how other programs (and this one) are connected; the service does not report
    every change of those two, so they may be out of date.
    """

    name: str
    present: bool = False
    atr: bytes = b""
    event_count: int = 0
    mute: bool = False
    in_use: bool = False
    exclusive: bool = False


@dataclass(frozen=True, slots=True)
class ServiceUp:
    """The PC/SC service answers."""


@dataclass(frozen=True, slots=True)
class ServiceDown:
    """The PC/SC service can't be reached. Told once at the start if so, and after every loss."""


@dataclass(frozen=True, slots=True)
class ReaderAdded:
    """A reader is there."""

    reader: str


@dataclass(frozen=True, slots=True)
class ReaderRemoved:
    """A reader is gone; a card in it was told removed before."""

    reader: str


@dataclass(frozen=True, slots=True)
class CardInserted:
    """A card that answers to reset is in the reader."""

    reader: str
    atr: bytes
    event_count: int


@dataclass(frozen=True, slots=True)
class CardRemoved:
    """The card that was in the reader, mute or not, is in it no more, or was out in the meantime."""

    reader: str
    event_count: int


@dataclass(frozen=True, slots=True)
class CardMute:
    """A card is in the reader that gives no answer to reset: put in wrongly, broken, or no chip card."""

    reader: str
    event_count: int


PcscEvent = ServiceUp | ServiceDown | ReaderAdded | ReaderRemoved | CardInserted | CardRemoved | CardMute


def read_state(change: scard.StatusChange) -> ReaderState:
    """Return what PC/SC's state word and ATR say. A reader that is out of order counts as empty."""
    word = change.word
    gone = bool(word & (scard.STATE_UNKNOWN | scard.STATE_UNAVAILABLE))
    present = bool(word & scard.STATE_PRESENT) and not gone
    mute = present and bool(word & scard.STATE_MUTE)
    return ReaderState(
        name=change.reader,
        present=present,
        atr=change.atr if present and not mute else b"",
        event_count=word >> _COUNTER_SHIFT,
        mute=mute,
        in_use=bool(word & scard.STATE_INUSE),
        exclusive=bool(word & scard.STATE_EXCLUSIVE),
    )


def differences(before: ReaderState, after: ReaderState) -> Iterator[PcscEvent]:
    """Yield what happened in one reader between two looks.

    With a card in it both times, a changed counter tells of a card that was out in the meantime: a swap is two counts.
    One count alone is a reader that was out of order for a moment (its card was reset at least), or a look taken while
    the service was writing; to say "removed, inserted" is right for the former, harmless for the latter. An ATR that
    changes alone is the same card after a reset: many cards answer a cold and a warm one differently.
    """
    moved = before.event_count != after.event_count or before.mute != after.mute
    if before.present and (moved or not after.present):
        yield CardRemoved(after.name, after.event_count)
    if after.present and (moved or not before.present):
        if after.mute:
            yield CardMute(after.name, after.event_count)
        else:
            yield CardInserted(after.name, after.atr, after.event_count)


def departure(last: ReaderState) -> Iterator[PcscEvent]:
    """Yield what is to be told of a reader that is there no more."""
    if last.present:
        yield CardRemoved(last.name, last.event_count)
    yield ReaderRemoved(last.name)
