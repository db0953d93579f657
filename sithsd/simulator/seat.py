"""A card as it sits in a reader's contacts: what goes over them is answered, counted and logged."""

import threading
from dataclasses import dataclass

import structlog

from sithsd.simulator.answer_faults import FaultyCard
from sithsd.simulator.card import Card
from sithsd.simulator.ifd import Tell

_HEADER = 4


@dataclass(frozen=True, slots=True)
class Traffic:
    """What went over the contacts: commands, their bytes, and the answers' bytes with their status words."""

    apdus: int = 0
    bytes_in: int = 0
    bytes_out: int = 0


class Seat:
    """`card` in reader number `reader`, with the faulty answers that its fixture asks for.

    `delay` is how long each answer takes beside the computing, in seconds; `leaving` is set when the card is taken out,
    and ends that. Works for the reader's thread; what it has counted may be read by another one.
    """

    def __init__(self, card: Card, reader: int, delay: float, leaving: threading.Event) -> None:
        self.card = card
        self.delay = delay
        self.traffic = Traffic()
        self._leaving = leaving
        self._contacts = FaultyCard(card, card.image.answers, leaving.wait)
        self._guard = threading.Lock()
        self._log = structlog.get_logger().bind(card=card.name, reader=reader)

    @property
    def atr(self) -> bytes:
        """The card's answer to reset."""
        return self._contacts.atr

    def power_on(self) -> bytes:
        """Give the card power, or reset it; return its ATR."""
        with self._guard:
            return self._contacts.power_on()

    def power_off(self) -> None:
        """Take the card's power away."""
        with self._guard:
            self._contacts.power_off()

    def respond(self, command: bytes) -> bytes | Tell:
        """Answer one command; NO_ANSWER when the card has no power or is mute."""
        with self._guard:
            response = self._contacts.respond(command) if self._contacts.powered else None
        if self.delay:
            # The rest of the time that a slower chip would take.
            self._leaving.wait(self.delay)
        before, length = self.traffic, len(response or b"")
        self.traffic = Traffic(before.apdus + 1, before.bytes_in + len(command), before.bytes_out + length)
        # Headers and status words only: a data field may be a code.
        status = (response or b"")[-2:].hex().upper()
        self._log.debug("apdu", header=command[:_HEADER].hex(), length=len(command), status=status)
        return Tell.NO_ANSWER if response is None else response
