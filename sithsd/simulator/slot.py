"""A card in a virtual reader: the thread that answers for it, and what went over the contacts."""

import threading
import time
from dataclasses import dataclass
from typing import Self

import structlog

from sithsd.simulator.card import Card
from sithsd.simulator.vpcd import Control, VpcdError, VpcdLink
from sithsd.simulator.vpcd_conf import FIRST_PORT

_CONNECT_SECONDS = 2.0
_READY_SECONDS = 5.0
_AGAIN_SECONDS = 0.05
_HEADER = 4


class SlotError(Exception):
    """The card can't be put in; the message says why."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """What went over the contacts: commands, their bytes, and the answers' bytes with their status words."""

    apdus: int = 0
    bytes_in: int = 0
    bytes_out: int = 0


class VirtualSlot:
    """Slot `reader` of a vpcd, with a card in it between `start` and `stop`.

    `delay` is how long each answer takes beside the computing, in seconds. When the reader's program goes away, the
    card loses its power and stays in the slot: it is connected again as soon as the reader is back. `absent_since` is
    the monotonic time at which the reader went away, None while it is there.
    """

    def __init__(
        self, card: Card, *, reader: int = 0, host: str = "127.0.0.1", port: int | None = None, delay: float = 0.0
    ) -> None:
        self.card = card
        self.reader = reader
        self.delay = delay
        self.absent_since: float | None = None
        self.port = FIRST_PORT + reader if port is None else port
        self._address = (host, self.port)
        self._log = structlog.get_logger().bind(card=card.name, reader=reader)
        self._link: VpcdLink | None = None
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._seen = threading.Event()
        self._guard = threading.Lock()
        self._traffic = Traffic()

    @property
    def traffic(self) -> Traffic:
        """What went over the contacts since insertion or `reset_traffic`."""
        return self._traffic

    def reset_traffic(self) -> None:
        """Count from zero again."""
        self._traffic = Traffic()

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
        self._thread = threading.Thread(target=self._serve, name=f"slot-{self.reader}", daemon=True)
        self._thread.start()
        if wait and not self._seen.wait(_READY_SECONDS):
            self.stop()
            raise SlotError(f"reader {self.reader} does not ask for the card: is there another one in it?")
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

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _serve(self) -> None:
        while True:
            link = self._link
            if link is not None:
                self._converse(link)
                with self._guard:
                    self._link = None
                    link.close()
            self.card.power_off()
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
                self.card.power_off()
            case Control.POWER_ON | Control.RESET:
                self.card.power_on()
            case Control.ATR:
                link.send(self.card.atr)
                self._seen.set()
                return
        self._log.debug("contacts", control=value)

    def _answer(self, command: bytes) -> bytes:
        data, status = self.card.transmit(command) if self.card.powered else (b"", 0x6F00)
        if self.delay:
            # The rest of the time that a slower chip would take.
            self._stopping.wait(self.delay)
        response = data + status.to_bytes(2, "big")
        before = self._traffic
        self._traffic = Traffic(before.apdus + 1, before.bytes_in + len(command), before.bytes_out + len(response))
        # Headers only: a data field may be a code.
        self._log.debug("apdu", header=command[:_HEADER].hex(), length=len(command), status=f"{status:04X}")
        return response
