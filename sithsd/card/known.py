"""The cards that were read before, so that one that comes again need not be read whole.

A card is the truth and this is a copy, so it is used only when the card itself proves, within six commands, that
nothing has changed: EF.TokenInfo has to be the same byte for byte, with the card's serial number and lastUpdate in it,
and one of the card's certificates, chosen at random each time, has to begin as it did. ISO/IEC 7816-15 has whoever
writes to a card move lastUpdate. A desk that writes without doing so, and renews all of the certificates, is caught by
that look at one of them, at once; one that renews some alone, when chance has it that one of these is looked at. A card
that was caught is never believed again, and is read whole each time, as is every card of a family whose profile does
not say that lastUpdate moves.

What is kept are certificates and what directory files tell: personal data, but no secret. A card shows them to whoever
asks it, and the daemon to every local user while the card is in. They stay in memory alone, of so many cards and bytes,
and no longer than `seconds` after the card was read whole; whatever is dropped costs a reading and nothing else. Cards
that should leave no trace are not kept (`fit`), and a site may have none kept at all ([cards] in the settings).
"""

import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Final

import structlog

from sithsd.card.model import CardContents, Marks, Place
from sithsd.card.registry import Identified
from sithsd.card.transport import CardChannel

MOST_CARDS: Final = 32
MOST_BYTES: Final = 1024 * 1024
# Cards that were caught are a few bytes each.
_MOST_CAUGHT = 1024
_Key = tuple[str, str]


def _since_start() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)  # goes on while the machine sleeps


@dataclass(frozen=True, slots=True)
class Known:
    """A card that is known again, and the place of the certificate by which it is."""

    identified: Identified
    contents: CardContents
    place: Place


@dataclass(frozen=True, slots=True)
class _Kept:
    atr: bytes
    identified: Identified
    contents: CardContents
    marks: Marks
    until: float

    @property
    def key(self) -> _Key:
        return _key(self.identified, self.contents)

    @property
    def size(self) -> int:
        return sum(len(one.der) for one in self.contents.certificates) + sum(len(head) for _, head in self.marks.heads)


class KnownCards:
    """The cards read in the last `seconds`, of those that are `fit` to be kept. For all readers' threads.

    `choose` returns a number below the one it is given; `tell_seconds` counts on, also while the machine sleeps.
    """

    def __init__(
        self,
        seconds: float,
        fit: Callable[[CardContents], bool],
        *,
        choose: Callable[[int], int] = secrets.randbelow,
        tell_seconds: Callable[[], float] = _since_start,
    ) -> None:
        self.seconds = seconds
        self._fit = fit
        self._choose = choose
        self._tell_seconds = tell_seconds
        self._kept: OrderedDict[_Key, _Kept] = OrderedDict()
        self._caught: OrderedDict[_Key, None] = OrderedDict()
        self._guard = Lock()
        self._log = structlog.get_logger("sithsd.card")

    def __len__(self) -> int:
        """Return how many cards are kept."""
        self.forget_old()
        return len(self._kept)

    def seconds_left(self) -> float | None:
        """Return in how many seconds the time of the first card is over, None if none is kept."""
        self.forget_old()
        with self._guard:
            first = min((one.until for one in self._kept.values()), default=None)
            return None if first is None else max(first - self._tell_seconds(), 0.0)

    def recognise(self, channel: CardChannel, atr: bytes) -> Known | None:
        """Return the card in the reader as it was read before, if it proves that it is unchanged; else None.

        Which application is selected afterwards is not known. Costs nothing if no card with this ATR is kept. Raises
        card.removed and what else keeps a card from answering.
        """
        alike = self._alike(atr)
        if not alike:
            return None
        places = _common_places(alike)
        place = places[self._choose(len(places))]
        head = alike[-1].identified.backend.head(channel, place)
        found = [] if head is None else [one for one in alike if one.marks.head(place) == head]
        lengths = {len(one.marks.token) for one in found}
        if len(lengths) != 1:
            return None
        token = found[-1].identified.backend.token(channel, lengths.pop())
        with self._guard:
            if token is None:
                for one in found:
                    self._drop(one.key, "it does not tell what would prove it unchanged")
                return None
            unchanged = next((one for one in found if one.marks.token == token), None)
            if unchanged is None:
                return None
            if unchanged.key in self._kept:
                self._kept.move_to_end(unchanged.key)
        return Known(unchanged.identified, unchanged.contents, place)

    def keep(self, atr: bytes, identified: Identified, contents: CardContents) -> None:
        """Take a card that was read whole, in the place of what was known of it; not if it is not fit to be kept."""
        marks = contents.marks
        if marks is None:
            with self._guard:
                self._kept.pop(_key(identified, contents), None)
            return
        fit = self._fit(contents)
        kept = _Kept(atr, identified, contents, marks, self._tell_seconds() + self.seconds)
        with self._guard:
            before = self._kept.pop(kept.key, None)
            if before is not None and before.marks.token == marks.token and before.contents != contents:
                self._drop(kept.key, "it was written to, and lastUpdate did not move")
            if not fit or kept.key in self._caught:
                return
            if not _common_places([*self._those(atr), kept]):
                # Before it is known which of them came, one place has to do for all.
                for other in self._those(atr):
                    del self._kept[other.key]
            self._kept[kept.key] = kept
            while len(self._kept) > MOST_CARDS or sum(one.size for one in self._kept.values()) > MOST_BYTES:
                self._kept.popitem(last=False)

    def forget_old(self) -> None:
        """Drop the cards whose time is over."""
        with self._guard:
            now = self._tell_seconds()
            for key in [key for key, one in self._kept.items() if one.until <= now]:
                del self._kept[key]

    def _alike(self, atr: bytes) -> list[_Kept]:
        self.forget_old()
        with self._guard:
            return self._those(atr)

    def _those(self, atr: bytes) -> list[_Kept]:
        return [one for one in self._kept.values() if one.atr == atr]

    def _drop(self, key: _Key, why: str) -> None:
        """Never keep this card again."""
        self._kept.pop(key, None)
        self._log.warning("card.notKept", profile=key[0], serial=key[1], detail=why)
        self._caught[key] = None
        if len(self._caught) > _MOST_CAUGHT:
            self._caught.popitem(last=False)


def _common_places(cards: list[_Kept]) -> list[Place]:
    """Return where all of these cards have a certificate, as cards of one family do."""
    sets = [{place for place, _ in one.marks.heads} for one in cards]
    return [place for place, _ in cards[-1].marks.heads if all(place in places for places in sets)]


def _key(identified: Identified, contents: CardContents) -> _Key:
    return identified.profile.name, contents.serial or ""
