"""Faulty answers on purpose: a card whose answers are torn, late or missing, for readers that have to survive them."""

import time
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from sithsd.iso7816.apdu import ApduError, decode
from sithsd.iso7816.status import StatusWord
from sithsd.simulator.image import AnswerFault, AnswerKind, Moment

_STATUS_WORD: Final = 2
_HEADER: Final = 4
_TOO_MUCH: Final = 16
_SUCCESS: Final = StatusWord.SUCCESS.to_bytes(_STATUS_WORD, "big")
_NO_DIAGNOSIS: Final = StatusWord.NO_PRECISE_DIAGNOSIS.to_bytes(_STATUS_WORD, "big")
# The frames between card and reader have a length of two bytes.
_MOST_DATA: Final = 0xFFFF - _STATUS_WORD


class Contacts(Protocol):
    """A card as its reader sees it."""

    @property
    def name(self) -> str:
        """The name of the fixture the card was made from."""
        ...

    @property
    def atr(self) -> bytes:
        """The answer to reset."""
        ...

    @property
    def powered(self) -> bool:
        """Whether the card has power."""
        ...

    def power_on(self) -> bytes:
        """Give the card power, or reset it; return its ATR."""
        ...

    def power_off(self) -> None:
        """Take the power away."""
        ...

    def respond(self, command: bytes) -> bytes | None:
        """Answer one command with the bytes that go over the contacts; None is silence."""
        ...


class FaultyCard:
    """`card`, with the faulty answers of `plan`; without any it answers as `card` does.

    Of several faults that fit a command the first one happens. Commands are counted from the making of this object,
    which stands for the card's insertion; a reset does not begin anew. `wait` is called with the seconds that an answer
    is late, and returns something true if the card was taken out meanwhile: then there is none.
    """

    def __init__(
        self, card: Contacts, plan: Sequence[AnswerFault] = (), wait: Callable[[float], object] = time.sleep
    ) -> None:
        self.card = card
        self._plan = tuple(plan)
        self._seen = [0] * len(self._plan)
        self._wait = wait
        self._mute = False

    @property
    def name(self) -> str:
        """The name of the fixture the card was made from."""
        return self.card.name

    @property
    def atr(self) -> bytes:
        """The answer to reset."""
        return self.card.atr

    @property
    def powered(self) -> bool:
        """Whether the card has power."""
        return self.card.powered

    def power_on(self) -> bytes:
        """Give the card power, or reset it; return its ATR. A mute card speaks again."""
        self._mute = False
        return self.card.power_on()

    def power_off(self) -> None:
        """Take the power away."""
        self.card.power_off()

    def respond(self, command: bytes) -> bytes | None:
        """Answer one command with the bytes that go over the contacts; None is silence.

        Raises RuntimeError without power.
        """
        if not self.card.powered:
            raise RuntimeError("the card has no power")
        if self._mute:
            return None
        fault = self._due(command)
        if fault is None:
            return self.card.respond(command)
        if fault.kind is AnswerKind.LATE:
            return self._late(fault, command)
        answer = _SUCCESS if fault.when is Moment.BEFORE else self.card.respond(command)
        if fault.kind is AnswerKind.MUTE:
            self._mute = True
            return None
        return None if answer is None else _spoilt(fault.kind, command, answer)

    def _late(self, fault: AnswerFault, command: bytes) -> bytes | None:
        if fault.when is Moment.BEFORE:
            return None if self._wait(fault.seconds) or not self.card.powered else self.card.respond(command)
        answer = self.card.respond(command)
        return None if self._wait(fault.seconds) else answer

    def _due(self, command: bytes) -> AnswerFault | None:
        due = None
        for number, fault in enumerate(self._plan):
            if not _fits(fault, command):
                continue
            self._seen[number] += 1
            if due is None and fault.nth in {None, self._seen[number]}:
                due = fault
        return due


def _fits(fault: AnswerFault, command: bytes) -> bool:
    if len(command) < _HEADER or (fault.ins is not None and command[1] != int(fault.ins, 16)):
        return False
    return fault.carries_data is None or fault.carries_data is _carries_data(command)


def _carries_data(command: bytes) -> bool:
    try:
        return bool(decode(command).data)
    except ApduError:
        return False


def _spoilt(kind: AnswerKind, command: bytes, answer: bytes) -> bytes:
    data = answer[:-_STATUS_WORD]
    match kind:
        case AnswerKind.TORN:
            return answer[:-1]
        case AnswerKind.EMPTY:
            return b""
        case AnswerKind.SHORT:
            return data[: len(data) // 2] + _SUCCESS
        case AnswerKind.LONG:
            longer = data.ljust(_asked_for(command), b"\0") + bytes(_TOO_MUCH)
            return longer[:_MOST_DATA] + _SUCCESS
        case AnswerKind.ERROR:
            return _NO_DIAGNOSIS
        case _:
            raise ValueError(f"an answer is not spoilt by being {kind}")


def _asked_for(command: bytes) -> int:
    try:
        return decode(command).le or 0
    except ApduError:
        return 0
