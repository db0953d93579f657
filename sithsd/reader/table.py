"""What is believed about the readers: the list, each one's state, and the words to wait with. No input, no output."""

import threading
from collections.abc import Callable, Sequence

from sithsd.reader import scard
from sithsd.reader.events import PcscEvent, ReaderAdded, ReaderState, departure, differences, read_state


class ReaderTable:
    """Takes in what one thread saw, and tells `tell` what follows; `states` may be read by any thread."""

    def __init__(self, tell: Callable[[PcscEvent], None]) -> None:
        self._tell = tell
        self._lock = threading.Lock()
        self._states: dict[str, ReaderState] = {}
        self._words: dict[str, int] = {}

    @property
    def states(self) -> tuple[ReaderState, ...]:
        """What each reader showed at the last look."""
        with self._lock:
            return tuple(self._states.values())

    @property
    def believed(self) -> list[tuple[str, int]]:
        """Each reader with the state word that a wait shall compare with."""
        return list(self._words.items())

    def note_list(self, names: Sequence[str]) -> bool:
        """Take in the list of readers; True if it is another one than before."""
        gone = [state for state in self.states if state.name not in names]
        come = [name for name in names if name not in self._states]
        for state in gone:
            self._forget(state)
        for name in come:
            with self._lock:
                self._states[name] = ReaderState(name)
            self._tell(ReaderAdded(name))
        return bool(gone or come)

    def note_look(self, look: scard.StatusChange) -> bool:
        """Take in one reader's state; True if it is not what was believed."""
        word = look.word & ~scard.STATE_CHANGED
        if not word & (scard.STATE_PRESENT | scard.STATE_UNAVAILABLE):
            # A reader that is being started shows nothing at all yet. No wait may begin with that: 0 is UNAWARE, which
            # is answered at once, again and again.
            word |= scard.STATE_EMPTY
        before, after = self._states[look.reader], read_state(look)
        news = self._words.get(look.reader) != word
        self._words[look.reader] = word
        with self._lock:
            self._states[look.reader] = after
        for event in differences(before, after):
            self._tell(event)
        return news

    def clear(self) -> None:
        """Forget all readers, telling of each that it is gone."""
        for state in self.states:
            self._forget(state)

    def _forget(self, state: ReaderState) -> None:
        with self._lock:
            del self._states[state.name]
        self._words.pop(state.name, None)
        for event in departure(state):
            self._tell(event)
