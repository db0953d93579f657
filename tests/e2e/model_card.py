"""The simulated card itself, in a virtual reader, with a hand on every command that goes to it."""

from collections.abc import Callable
from typing import Any

from sithsd.simulator.card import Card
from sithsd.simulator.pad import Pad

VERIFY, CHANGE_REFERENCE_DATA, RESET_RETRY_COUNTER = 0x20, 0x24, 0x2C


def carries_code(command: bytes) -> bool:
    """Tell whether a command holds a code: VERIFY, CHANGE REFERENCE DATA or RESET RETRY COUNTER with a data field."""
    return len(command) > 5 and command[1] in {VERIFY, CHANGE_REFERENCE_DATA, RESET_RETRY_COUNTER}


class ModelCard:
    """`card` behind the contacts of `IfdCard` or `VpcdCard`, which `make` makes.

    `before` and `after` are called with each command, before and after the chip has worked on it; where one returns
    True the card is out at that moment, so the chip never got the command or its answer never came. `chip` may be
    exchanged under way: a swap that the reader does not notice. `instead` turns a command and the chip's answer into
    what goes over the contacts; with our own driver that may be `Tell.NO_ANSWER`. Commands that held a code and came
    to the chip are kept in `codes_sent`, as their number only.
    """

    def __init__(
        self,
        make: Callable[..., Any],
        card: Card,
        before: Callable[[bytes], bool] = lambda _: False,
        after: Callable[[bytes], bool] = lambda _: False,
        instead: Callable[[bytes, bytes], Any] = lambda _, answer: answer,
    ) -> None:
        self.chip = card
        self.codes_sent = 0
        self._before = before
        self._after = after
        self._instead = instead
        self._resets = 0
        self._link = make(self._answer, card.atr)

    @property
    def pad(self) -> Pad:
        """The reader's PIN pad; only our own driver's readers have one."""
        return self._link.pad

    def stop_at(self, hook: Callable[[bytes], bool]) -> None:
        """Call another hook before each command from now on."""
        self._before = hook

    def exchange(self, card: Card) -> None:
        """Put another chip in place of this one, without the reader's noticing."""
        card.power_on()
        self.chip = card

    def insert(self) -> None:
        """Put the card in (again)."""
        self._link.insert()

    def remove(self) -> None:
        """Take the card out."""
        self._link.remove()

    def _answer(self, command: bytes) -> Any:
        if self._link.resets != self._resets:
            self._resets = self._link.resets
            self.chip.power_on()
        if self._before(command):
            return None
        self.codes_sent += carries_code(command)
        data, status = self.chip.transmit(command)
        if self._after(command):
            return None
        return self._instead(command, data + status.to_bytes(2, "big"))
