"""A card in a reader: what the process that serves cards sees of it, whichever driver the reader has."""

import threading
import time
from pathlib import Path
from typing import Protocol, Self

import structlog

from sithsd.simulator.card import Card
from sithsd.simulator.ifd import IfdError, Tell
from sithsd.simulator.ifd_reader import IfdReader
from sithsd.simulator.pad import Pad
from sithsd.simulator.seat import Seat, Traffic
from sithsd.simulator.vpcd import Control, VpcdError, VpcdLink
from sithsd.simulator.vpcd_conf import FIRST_PORT

_CONNECT_SECONDS = 2.0
_READY_SECONDS = 5.0
_AGAIN_SECONDS = 0.05
_NO_POWER = bytes.fromhex("6F00")


class SlotError(Exception):
    """The card can't be put in; the message says why."""


class Slot(Protocol):
    """A card in a reader.

    When the reader's program goes away, the card loses its power and stays in the slot: it is connected again as soon
    as the reader is back. `absent_since` is the monotonic time at which the reader went away, None while it is there.
    """

    seat: Seat

    @property
    def absent_since(self) -> float | None:
        """Since when the reader has been away."""
        ...

    @property
    def pad(self) -> Pad | None:
        """The reader's PIN pad; None where there can be none."""
        ...

    def start(self, *, wait: bool = True) -> Self:
        """Put the card in; with `wait`, come back when the reader has noticed it. Raises SlotError."""
        ...

    def stop(self) -> None:
        """Take the card out; it loses its power. Does nothing if it is not in."""
        ...

    def exchange(self, card: Card) -> None:
        """Put another card in place of this one; if it is in, so quickly that the reader never sees itself empty."""
        ...


class IfdSlot:
    """A `Slot` in the reader at `folder`, of the driver in `drivers/ifd`; `delay` as `Seat` has it."""

    def __init__(self, card: Card, folder: Path, *, reader: int = 0, delay: float = 0.0) -> None:
        self._number = reader
        self._leaving = threading.Event()
        self.seat = Seat(card, reader, delay, self._leaving)
        self._reader = IfdReader(folder, self.seat)

    @property
    def absent_since(self) -> float | None:
        """Since when the reader has been away."""
        return self._reader.absent_since

    @property
    def pad(self) -> Pad:
        """The reader's PIN pad, which nobody asks if it has none."""
        return self._reader.pad

    def start(self, *, wait: bool = True) -> Self:
        """Put the card in; with `wait`, come back when pcscd has noticed it. Raises SlotError."""
        self._leaving.clear()
        try:
            self._reader.insert(wait=wait)
        except IfdError as error:
            raise SlotError(str(error)) from None
        return self

    def stop(self) -> None:
        """Take the card out, and come back when pcscd has noticed."""
        self._leaving.set()
        self._reader.remove()

    def exchange(self, card: Card) -> None:
        """Put another card in place of this one, without an event."""
        self.seat = Seat(card, self._number, self.seat.delay, self._leaving)
        self._reader.exchange(self.seat)


class VirtualSlot:
    """A `Slot` in reader number `reader` of a vpcd, which listens at `host` and `port`; `delay` as `Seat` has it."""

    pad = None

    def __init__(
        self, card: Card, *, reader: int = 0, host: str = "127.0.0.1", port: int | None = None, delay: float = 0.0
    ) -> None:
        self.absent_since: float | None = None
        self._number = reader
        self._address = (host, FIRST_PORT + reader if port is None else port)
        self._log = structlog.get_logger().bind(card=card.name, reader=reader)
        self._link: VpcdLink | None = None
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._seen = threading.Event()
        self._guard = threading.Lock()
        self.seat = Seat(card, reader, delay, self._stopping)

    @property
    def card(self) -> Card:
        """The card that is in."""
        return self.seat.card

    @property
    def traffic(self) -> Traffic:
        """What went over the contacts since insertion or `reset_traffic`."""
        return self.seat.traffic

    def reset_traffic(self) -> None:
        """Count from zero again."""
        self.seat.traffic = Traffic()

    def start(self, *, wait: bool = True) -> Self:
        """Put the card in; with `wait`, come back when the reader has noticed it.

        Raises SlotError when no reader is there, or it does not ask for the card: another one is in the slot.
        """
        try:
            self._link = VpcdLink(*self._address, _CONNECT_SECONDS)
        except VpcdError as error:
            raise SlotError(str(error)) from None
        self._stopping.clear()
        self._seen.clear()
        self._thread = threading.Thread(target=self._serve, name=f"slot-{self._number}", daemon=True)
        self._thread.start()
        if wait and not self._seen.wait(_READY_SECONDS):
            self.stop()
            raise SlotError(f"reader {self._number} does not ask for the card: is there another one in it?")
        return self

    def stop(self) -> None:
        """Take the card out; it loses its power. Does nothing if it is not in."""
        self._stopping.set()
        with self._guard:
            if self._link is not None:
                self._link.cut()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def exchange(self, card: Card) -> None:
        """Put another card in place of this one, between two of the reader's polls; if it is in, it has power."""
        before, seat = self.seat, Seat(card, self._number, self.seat.delay, self._stopping)
        if self._thread is not None:
            seat.power_on()
        self.seat = seat
        before.power_off()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

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
            self.seat.power_off()
            if self._stopping.wait(_AGAIN_SECONDS):
                return
            self._connect_again()

    def _connect_again(self) -> None:
        try:
            link = VpcdLink(*self._address, _CONNECT_SECONDS)
        except VpcdError:
            self.absent_since = self.absent_since or time.monotonic()
            return
        with self._guard:
            self._link = link
        self.absent_since = None

    def _converse(self, link: VpcdLink) -> None:
        try:
            while not self._stopping.is_set():
                message = link.receive()
                if len(message) == 1:
                    self._control(link, message[0])
                elif message:
                    link.send(self._answer(message))
        except VpcdError:
            self._log.info("card out" if self._stopping.is_set() else "reader gone")

    def _control(self, link: VpcdLink, value: int) -> None:
        match value:
            case Control.POWER_OFF:
                self.seat.power_off()
            case Control.POWER_ON | Control.RESET:
                self.seat.power_on()
            case Control.ATR:
                link.send(self.seat.atr)
                self._seen.set()
                return
        self._log.debug("contacts", control=value)

    def _answer(self, command: bytes) -> bytes:
        powered = self.seat.card.powered
        answer = self.seat.respond(command)
        # The wire knows no silence, and a reader that is sent nothing would wait for ever: an empty answer comes next.
        return answer if not isinstance(answer, Tell) else b"" if powered else _NO_POWER
