"""Is the card still there? Decided from the daemon's pictures and the time alone.

| What is seen | The card |
|---|---|
| a reader that holds it | is there |
| its reader is empty | was taken out, once that has lasted for a moment |
| its reader holds another card that could be read, or is none of ours | was exchanged: at once |
| its reader is gone, or can't read what it holds (busy, being read, mute) | is not known |
| no pcscd, no daemon | is not known |

A reader that goes is shown empty just before it is gone, and one that comes until its card has been found: an empty
reader is believed when it stays so, for longer if the card was not seen there up to then.

"Not known" is not "taken out": a daemon is restarted, a reader comes back after the machine's sleep, in seconds. Nor is
it "there": what stays unknown for longer than the grace counts as taken out. Before the card was seen for the first
time no reader is its own: then it is missed in all of them together.
"""

import math
from enum import Enum, StrEnum

from sithsd.cli.replies import ListReply, Reader

_EMPTY, _READY, _READING = "empty", "ready", "reading"
_TURNS = {_EMPTY: "removed", _READY: "exchanged", "unsupported": "exchanged"}


BLINK_SECONDS = 1.0
"""For so long a reader that held the card has to be empty: it may be on its way out itself."""
SETTLE_SECONDS = 5.0
"""For so long one that did not is empty, before it is believed to hold no card."""


class Turn(StrEnum):
    """What happened to the card; the last three are a removal. MISSING: it was unknown for too long."""

    THERE = "there"
    UNKNOWN = "unknown"
    REMOVED = "removed"
    EXCHANGED = "exchanged"
    MISSING = "missing"

    @property
    def removal(self) -> bool:
        """Whether the person has to be taken for gone."""
        return self in {Turn.REMOVED, Turn.EXCHANGED, Turn.MISSING}


class _State(Enum):
    NEW = "new"
    THERE = "there"
    LEAVING = "leaving"
    UNKNOWN = "unknown"
    GONE = "gone"


class Watch:
    """Follows one card, by its serial number. Moments are seconds of a clock that stands still in the machine's sleep.

    A removal is told once; only a card that came back can be removed again.
    """

    def __init__(self, serial: str, grace: float) -> None:
        self._serial = serial.casefold()
        self._grace = grace
        self._home: str | None = None
        self._state = _State.NEW
        self._ends = self._settles = math.inf

    @property
    def due(self) -> float | None:
        """When what is in doubt counts as a removal, None while nothing is. Ask `late` then."""
        return min(self._ends, self._settles) if self._state in {_State.LEAVING, _State.UNKNOWN} else None

    def see(self, picture: ListReply | None, now: float) -> Turn | None:
        """Take note of a picture, None for a daemon that is lost. Returns what that means if it is new."""
        found = Turn.UNKNOWN if picture is None or not picture.service else self._look(picture.readers)
        if found is Turn.REMOVED:
            return self._doubt(now)
        if found is Turn.UNKNOWN:
            # What is due is due, before this picture takes back that the reader was empty.
            return self.late(now) or self._lose_sight(now)
        before, self._state = self._state, _State.GONE if found.removal else _State.THERE
        return None if self._state is before or (before is _State.LEAVING and not found.removal) else found

    def late(self, now: float) -> Turn | None:
        """Take note of the time; returns a removal if the reader has been empty, or the card unknown, for too long."""
        if self.due is None or now < self.due:
            return None
        self._state = _State.GONE
        return Turn.REMOVED if now >= self._settles else Turn.MISSING

    def _doubt(self, now: float) -> Turn | None:
        """Take note that its reader is empty."""
        if self._state is _State.THERE:
            self._state, self._ends, self._settles = _State.LEAVING, math.inf, now + BLINK_SECONDS
            return None
        turn = self._lose_sight(now) if self._state is _State.NEW else None
        if self._state is _State.UNKNOWN and self._settles == math.inf:
            self._settles = now + SETTLE_SECONDS
        return turn or self.late(now)

    def _lose_sight(self, now: float) -> Turn | None:
        """Take note that nobody knows."""
        self._settles = math.inf
        if self._state in {_State.UNKNOWN, _State.GONE}:
            return None
        self._state, self._ends = _State.UNKNOWN, now + self._grace
        return Turn.UNKNOWN

    def _look(self, readers: list[Reader]) -> Turn:
        for reader in readers:
            if reader.state == _READY and _serial(reader) == self._serial:
                self._home = reader.name
                return Turn.THERE
        own = next((reader for reader in readers if reader.name == self._home), None)
        if own is None:
            known = self._home is None and readers and all(one.state in _TURNS for one in readers)
            return Turn.REMOVED if known else Turn.UNKNOWN
        return Turn(_TURNS.get(own.state, Turn.UNKNOWN))


def cards_in(picture: ListReply) -> list[str] | None:
    """Return the serial numbers of the cards that could be read; None while that can't be told yet."""
    if not picture.service or any(reader.state == _READING for reader in picture.readers):
        return None
    return [reader.card.serial for reader in picture.readers if reader.card is not None and reader.card.serial]


def _serial(reader: Reader) -> str:
    return (reader.card.serial or "").casefold() if reader.card else ""
