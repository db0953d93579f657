"""How commands and responses travel under T=0 and T=1 (ISO/IEC 7816-3:2006, 10 to 12).

The card's instructions answer whole commands with whole responses. Here these are cut to what the protocol can carry:
under T=0 a response to a command with data waits for GET RESPONSE (61XX), and a length that does not fit is corrected
(6CXX) without the response's being lost.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from sithsd.iso7816.apdu import MAX_SHORT_LE, ApduError, CommandApdu, decode
from sithsd.iso7816.status import StatusWord
from sithsd.simulator.answers import Answer, Refusal

_HEADER = 4
_GET_RESPONSE = 0xC0
_BYTES_REMAINING = 0x6100
_EXACT_LENGTH = 0x6C00


class Transmission(Protocol):
    """One protocol's way from the contacts to the instructions and back."""

    def transmit(self, raw: bytes) -> tuple[bytes, int]:
        """Answer one command as it arrived; return the data field and the status word."""
        ...

    def reset(self) -> None:
        """Forget a response that waits."""
        ...


class BlockTransmission:
    """T=1: a command comes whole, its response goes whole."""

    def __init__(self, execute: Callable[[CommandApdu], Answer], *, extended: bool) -> None:
        self._execute = execute
        self._extended = extended
        self._kept: tuple[CommandApdu, Answer] | None = None

    def reset(self) -> None:
        """Forget a response that waits."""
        self._kept = None

    def transmit(self, raw: bytes) -> tuple[bytes, int]:
        """Answer one APDU; a result that does not fit into Le is kept for the same command with the right Le."""
        kept, self._kept = self._kept, None
        try:
            command = decode(raw)
        except ApduError:
            return b"", StatusWord.WRONG_LENGTH
        if not self._extended and len(raw) > _HEADER + 1 and raw[_HEADER] == 0:
            return b"", StatusWord.WRONG_LENGTH
        bare = replace(command, le=None)
        answer = kept[1] if kept and kept[0] == bare else _answer(self._execute, command)
        if command.le is None:
            return b"", answer.status
        if len(answer.data) > command.le:
            self._kept = (bare, answer)
            return b"", _EXACT_LENGTH | len(answer.data) & 0xFF
        return answer.data, answer.status


class CharacterTransmission:
    """T=0: data goes one way in each command."""

    def __init__(self, execute: Callable[[CommandApdu], Answer]) -> None:
        self._execute = execute
        self._waiting: Answer | None = None

    def reset(self) -> None:
        """Forget a response that waits."""
        self._waiting = None

    def transmit(self, raw: bytes) -> tuple[bytes, int]:
        """Answer one command TPDU. A final Le after a data field is dropped, as an interface device would."""
        try:
            command = decode(raw)
        except ApduError:
            return b"", StatusWord.WRONG_LENGTH
        if command.extended or (len(raw) > _HEADER + 1 and raw[_HEADER] == 0):
            return b"", StatusWord.WRONG_LENGTH
        if command.ins == _GET_RESPONSE and command.cla == 0:
            return self._get_response(command)
        self._waiting = None
        # Case 1 travels with P3 = 00, which looks like case 2, and case 3 looks like case 4: only the instruction knows
        # which it is, so all of them may bring data back.
        command = replace(command, le=command.le or MAX_SHORT_LE)
        answer = _answer(self._execute, command)
        if command.data and answer.data:
            self._waiting = answer
            return b"", _BYTES_REMAINING | min(len(answer.data), MAX_SHORT_LE) & 0xFF
        if answer.data and len(answer.data) != command.le:
            return b"", _EXACT_LENGTH | min(len(answer.data), MAX_SHORT_LE) & 0xFF
        return answer.data, answer.status

    def _get_response(self, command: CommandApdu) -> tuple[bytes, int]:
        if command.p1 or command.p2:
            return b"", StatusWord.INCORRECT_P1_P2
        if command.data:
            return b"", StatusWord.WRONG_LENGTH
        if self._waiting is None:
            return b"", StatusWord.CONDITIONS_NOT_SATISFIED
        answer, wanted = self._waiting, command.le or MAX_SHORT_LE
        if wanted > len(answer.data):
            return b"", _EXACT_LENGTH | len(answer.data) & 0xFF
        data, rest = answer.data[:wanted], answer.data[wanted:]
        self._waiting = Answer(rest, answer.status) if rest else None
        return data, _BYTES_REMAINING | min(len(rest), MAX_SHORT_LE) & 0xFF if rest else answer.status


def _answer(execute: Callable[[CommandApdu], Answer], command: CommandApdu) -> Answer:
    try:
        return execute(command)
    except Refusal as refusal:
        return Answer(status=refusal.status)
