"""The electronics of a simulated reader: its contacts and its PIN pad, behind the reader driver's socket."""

import threading
import time
from pathlib import Path
from typing import Protocol, Self

from sithsd.simulator.ifd import Ask, IfdError, IfdLink, Message, Tell
from sithsd.simulator.pad import Pad
from sithsd.simulator.readers import MODIFY_PIN, VERIFY_PIN, has_pad

_NOTICE_SECONDS = 10.0
_AGAIN_SECONDS = 0.05
_CODE_BYTES = 4


class Chip(Protocol):
    """What is in the reader."""

    def power_on(self) -> bytes:
        """Give it power, or reset it; return its ATR, nothing if it is mute."""
        ...

    def power_off(self) -> None:
        """Take its power away."""
        ...

    def respond(self, command: bytes) -> bytes | Tell:
        """Answer a command; NO_ANSWER is silence, NO_CARD says that it was taken out before it answered."""
        ...


class IfdReader:
    """The reader in `folder` with `chip` in it, between `insert` and `remove`.

    When the driver goes away (pcscd ends, the reader is unplugged) the chip loses its power and stays in the slot: it
    is there again when the driver is. `absent_since` is the monotonic time at which the driver went, None while it is
    there.
    """

    def __init__(self, folder: Path, chip: Chip, pad: Pad | None = None) -> None:
        self.chip = chip
        self.pad = pad or Pad()
        self.absent_since: float | None = None
        self._folder = folder
        self._link: IfdLink | None = None
        self._thread: threading.Thread | None = None
        self._guard = threading.Lock()
        self._leaving = threading.Event()
        self._out = threading.Event()
        self._noticed = {Ask.SEEN_IN: threading.Event(), Ask.SEEN_OUT: threading.Event()}

    def insert(self, *, wait: bool = True) -> Self:
        """Put the chip in; with `wait`, come back when pcscd has noticed it.

        Raises IfdError when the driver does not listen, or does not want it: another simulator has this reader.
        """
        link = IfdLink(self._folder)
        self._leaving.clear()
        self._out.clear()
        for notice in self._noticed.values():
            notice.clear()
        try:
            link.tell(Tell.CARD_IN)
        except IfdError:
            link.close()
            raise
        self._link = link
        self._thread = threading.Thread(target=self._serve, name=f"reader-{self._folder.name}", daemon=True)
        self._thread.start()
        if wait and not self._notice(Ask.SEEN_IN):
            self.remove()
            raise IfdError(f"the reader at {self._folder} does not take the card: is there another one in it?")
        return self

    def remove(self) -> None:
        """Take the chip out; it loses its power. Comes back when pcscd has noticed. Does nothing if it is not in."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        self._leaving.set()
        self._tell_out()
        self._notice(Ask.SEEN_OUT)
        with self._guard:
            if self._link is not None:
                self._link.cut()
        thread.join()

    def exchange(self, chip: Chip) -> None:
        """Put another chip in place of this one so quickly that the computer never sees the reader empty.

        The reader has given the other one power by itself, as readers with automatic activation do.
        """
        before = self.chip
        if self._thread is not None:
            chip.power_on()
        self.chip = chip
        before.power_off()

    def _tell_out(self) -> None:
        with self._guard:
            if self._link is None or self._out.is_set():
                return
            self._out.set()
            try:
                self._link.tell(Tell.CARD_OUT)
            except IfdError:
                return

    def _notice(self, what: Ask) -> bool:
        deadline = time.monotonic() + _NOTICE_SECONDS
        while not self._noticed[what].wait(_AGAIN_SECONDS):
            with self._guard:
                gone = self._link is None
            if gone or time.monotonic() > deadline:
                return False
        return True

    def _serve(self) -> None:
        while True:
            link = self._link
            if link is not None:
                try:
                    self._converse(link)
                finally:  # also when the card fails by an exception: the reader is not to wait for its answer
                    with self._guard:
                        self._link = None
                        link.close()
            self.chip.power_off()
            if self._leaving.wait(_AGAIN_SECONDS):
                return
            if not self._out.is_set():
                self._connect_again()

    def _connect_again(self) -> None:
        try:
            link = IfdLink(self._folder)
            link.tell(Tell.CARD_IN)
        except IfdError:
            self.absent_since = self.absent_since or time.monotonic()
            return
        with self._guard:
            self._link = link
        self.absent_since = None

    def _converse(self, link: IfdLink) -> None:
        try:
            while True:
                message = link.receive()
                if message.kind in self._noticed:
                    self._noticed[message.kind].set()
                    continue
                answer = self._answer(link, message)
                if answer is Tell.NO_CARD:
                    self._tell_out()
                if isinstance(answer, Tell):
                    link.tell(answer, message.number)
                else:
                    link.tell(Tell.DONE, message.number, answer)
        except IfdError:
            return

    def _answer(self, link: IfdLink, message: Message) -> bytes | Tell:
        if self._out.is_set():
            return Tell.NO_CARD
        match message.kind:
            case Ask.POWER_ON | Ask.RESET:
                return self.chip.power_on() or Tell.NO_ANSWER
            case Ask.POWER_OFF:
                self.chip.power_off()
                return b""
            case Ask.TRANSMIT:
                return self.chip.respond(message.data)
            case _:
                return self._control(link, message.data)

    def _control(self, link: IfdLink, data: bytes) -> bytes | Tell:
        def gone() -> bool:
            return self._out.is_set() or link.is_cut()

        code, structure = int.from_bytes(data[:_CODE_BYTES], "big"), data[_CODE_BYTES:]
        if code not in {VERIFY_PIN, MODIFY_PIN} or not has_pad(self._folder):
            return Tell.UNSUPPORTED
        work = self.pad.verify if code == VERIFY_PIN else self.pad.modify
        return work(structure, self.chip.respond, gone)
