"""A card with programmable misbehaviour for the readers of our own driver; the twin of `VpcdCard`."""

import threading
import time
from collections.abc import Callable

from sithsd.simulator.ifd import IfdError, Tell
from sithsd.simulator.ifd_reader import IfdReader
from sithsd.simulator.pad import Pad
from sithsd.simulator.stage import Stage

T1_ATR = bytes.fromhex("3B 80 01 81")
CONNECT_SECONDS = 15.0


class IfdCard:
    """A card in reader number `place` of `stage`.

    `answer` turns a command into a response of any length; None takes the card out without an answer, and it may block.
    What came is kept in `commands`; `resets` counts warm and cold ones. With `mute` the card gives no answer to reset.
    """

    def __init__(
        self,
        stage: Stage,
        place: int = 0,
        answer: Callable[[bytes], bytes | None] = lambda _: b"\x90\x00",
        *,
        atr: bytes = T1_ATR,
        mute: bool = False,
    ) -> None:
        self._reader = IfdReader(stage.readers.place(place), self)
        self._answer = answer
        self._atr = b"" if mute else atr
        self.commands: list[bytes] = []
        self.resets = 0
        self.powered = threading.Event()

    @property
    def pad(self) -> Pad:
        """The reader's PIN pad."""
        return self._reader.pad

    def insert(self) -> None:
        """Put the card into its reader; comes back when pcscd has noticed."""
        self.powered.clear()
        deadline = time.monotonic() + CONNECT_SECONDS
        while True:
            try:
                self._reader.insert()
            except IfdError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.01)  # pcscd is about to open its readers
            else:
                return

    def remove(self) -> None:
        """Take the card out, and come back when pcscd has noticed. Does nothing if it is out."""
        self._reader.remove()

    def power_on(self) -> bytes:
        """Give the card power; for its reader."""
        self.resets += 1
        self.powered.set()
        return self._atr

    def power_off(self) -> None:
        """Take the card's power away; for its reader."""

    def respond(self, command: bytes) -> bytes | Tell:
        """Answer a command; for its reader."""
        self.commands.append(command)
        given = self._answer(command)
        return Tell.NO_CARD if given is None else given
