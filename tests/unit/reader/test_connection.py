"""One command after the other, within one operation."""

from typing import Any

import pytest
import structlog

from sithsd.errors import ErrorCode, SithsdError
from sithsd.reader import scard
from sithsd.reader.connection import CardConnection
from sithsd.reader.trace import log_exchange

VERIFY = bytes.fromhex("00 20 00 81 06 39 31 37 33 35 35")


class Handle:
    """A card handle that answers with what it was given, in turn."""

    protocol = 1

    def __init__(self, *answers: bytes | int) -> None:
        self._answers = list(answers)
        self.commands: list[bytes] = []
        self.asked = 0
        self.agreed: list[int] = []
        self.transactions: list[str] = []

    def renegotiate(self) -> int:
        """Agree on a protocol, or fail."""
        self.agreed.append(self._answers.pop(0))
        if self.agreed[-1] > 1:
            raise scard.PcscError(self.agreed[-1], "SCardReconnect")
        return self.agreed[-1]

    def transmit(self, command: bytes) -> bytes:
        """Answer, or fail."""
        self.commands.append(command)
        answer = self._answers.pop(0)
        if isinstance(answer, int):
            raise scard.PcscError(answer, "SCardTransmit")
        return answer

    def begin_transaction(self) -> None:
        """Begin, or fail."""
        self.transactions.append("begin")
        answer = self._answers.pop(0)
        if answer:
            raise scard.PcscError(answer, "SCardBeginTransaction")

    def end_transaction(self, disposition: int) -> None:
        """End, or fail."""
        self.transactions.append(f"end {disposition}")
        answer = self._answers.pop(0)
        if answer:
            raise scard.PcscError(answer, "SCardEndTransaction")

    def atr(self) -> bytes:
        """Answer, or fail."""
        self.asked += 1
        answer = self._answers.pop(0)
        if isinstance(answer, int):
            raise scard.PcscError(answer, "SCardStatus")
        return answer


def test_data_and_status_word() -> None:
    """The last two bytes of a response are its status word, whatever it is."""
    card = CardConnection(Handle(b"\x01\x02\x90\x00", b"\x61\x10"))
    assert card.transmit(VERIFY) == (b"\x01\x02", 0x9000)
    assert card.transmit(VERIFY) == (b"", 0x6110)
    assert not card.unanswered


@pytest.mark.parametrize("answer", [b"", b"\x90", scard.NOT_TRANSACTED, scard.REMOVED_CARD, scard.NO_SERVICE])
def test_a_command_without_an_answer_may_have_been_carried_out(answer: bytes | int) -> None:
    """No answer means that the outcome is unknown; nothing more is sent, and the same error comes again."""
    handle = Handle(answer, b"\x90\x00")
    card = CardConnection(handle)
    with pytest.raises(SithsdError) as first:
        card.transmit(VERIFY)
    assert card.unanswered
    with pytest.raises(SithsdError) as second:
        card.transmit(VERIFY)
    assert second.value is first.value
    assert handle.commands == [VERIFY]


def test_a_card_that_was_reset_untold_before_the_first_command_is_had_all_the_same() -> None:
    """The service has no protocol for the card any more: it is agreed on again, and the command goes to the card."""
    handle = Handle(scard.PROTO_MISMATCH, 1, b"\x90\x00")
    card = CardConnection(handle)
    assert card.transmit(VERIFY) == (b"", 0x9000)
    assert (handle.commands, handle.agreed, card.unanswered) == ([VERIFY, VERIFY], [1], False)


@pytest.mark.parametrize(
    ("answers", "sent", "code"),
    [
        ((b"\x90\x00", scard.PROTO_MISMATCH), 2, ErrorCode.CARD_CHANGED),  # later than the first command
        ((scard.PROTO_MISMATCH, 0), 1, ErrorCode.CARD_CHANGED),  # the command was made for the other protocol
        ((scard.PROTO_MISMATCH, 1, scard.PROTO_MISMATCH), 2, ErrorCode.CARD_CHANGED),
        ((scard.PROTO_MISMATCH, scard.REMOVED_CARD), 1, ErrorCode.CARD_REMOVED),
        ((scard.RESET_CARD,), 1, ErrorCode.CARD_CHANGED),
    ],
)
def test_a_card_that_was_reset_otherwise_ends_the_operation(
    answers: tuple[bytes | int, ...], sent: int, code: ErrorCode
) -> None:
    """Nothing is sent again where something was sent before, where the protocol is another, or a second time."""
    handle = Handle(*answers, b"\x90\x00")
    card = CardConnection(handle)
    if answers[0] == b"\x90\x00":
        card.transmit(VERIFY)
    for _ in range(2):
        with pytest.raises(SithsdError) as caught:
            card.transmit(VERIFY)
        assert caught.value.code is code
    assert len(handle.commands) == sent


def test_an_answer_may_be_as_long_as_an_answer_can_be() -> None:
    """65536 bytes and a status word are taken, one byte more is refused as unreadable."""
    card = CardConnection(Handle(bytes(65536) + b"\x90\x00", bytes(65537) + b"\x90\x00"))
    data, status_word = card.transmit(VERIFY)
    assert (len(data), status_word) == (65536, 0x9000)
    with pytest.raises(SithsdError) as caught:
        card.transmit(VERIFY)
    assert caught.value.code is ErrorCode.CARD_UNREADABLE


def test_less_than_a_header_is_no_command() -> None:
    """A command that is none does not reach the card."""
    handle = Handle()
    with pytest.raises(ValueError, match="four bytes"):
        CardConnection(handle).transmit(b"\x00\x20\x00")
    assert handle.commands == []


def test_nothing_is_sent_after_the_operation() -> None:
    """A connection that outlives its operation is of no use."""
    handle = Handle(b"\x90\x00")
    card = CardConnection(handle)
    card.end()
    with pytest.raises(RuntimeError, match="ended"):
        card.transmit(VERIFY)
    assert handle.commands == []


def test_the_atr_is_asked_for_once() -> None:
    """The ATR is had on demand, and kept."""
    handle = Handle(b"\x3b\x00")
    card = CardConnection(handle)
    assert (card.atr, card.atr) == (b"\x3b\x00", b"\x3b\x00")
    assert handle.asked == 1
    with pytest.raises(SithsdError) as caught:
        _ = CardConnection(Handle(scard.REMOVED_CARD)).atr
    assert caught.value.code is ErrorCode.CARD_REMOVED


def test_a_trace_sees_no_data_field() -> None:
    """A trace is told the header, the lengths and the status word, None if there was no answer."""
    told: list[tuple[Any, ...]] = []
    card = CardConnection(Handle(b"\x01\x02\x90\x00", b""), lambda *exchange: told.append(exchange[:-1]))
    card.transmit(VERIFY)
    with pytest.raises(SithsdError):
        card.transmit(VERIFY)
    assert told == [(VERIFY[:4], 11, 2, 0x9000), (VERIFY[:4], 11, 0, None)]


def test_the_log_of_exchanges_shows_header_and_lengths_only() -> None:
    """The written trace has what the trace was told, and nothing of the code."""
    with structlog.testing.capture_logs() as lines:
        CardConnection(Handle(b"\x63\xc2"), log_exchange).transmit(VERIFY)
    (line,) = lines
    assert (line["header"], line["command_length"], line["status_word"]) == ("00 20 00 81", 11, "63C2")
    assert "39" not in str({key: value for key, value in line.items() if key != "milliseconds"})


def test_a_card_is_lent_and_had_again() -> None:
    """The transaction ends with the card left as it is, and begins again; what follows goes on as before."""
    handle = Handle(b"\x90\x00", 0, 0, b"\x90\x00")
    card = CardConnection(handle, reader="A reader")
    card.transmit(VERIFY)
    with card.lent():
        assert handle.transactions == [f"end {scard.LEAVE_CARD}"]
    assert handle.transactions == [f"end {scard.LEAVE_CARD}", "begin"]
    assert card.transmit(VERIFY) == (b"", 0x9000)
    assert (card.reader, card.unanswered) == ("A reader", False)


def test_a_card_that_was_reset_while_it_was_lent_is_had_again() -> None:
    """A reset takes away what was verified, not the card; one that is reset again and again is card.changed."""
    handle = Handle(0, scard.RESET_CARD, 1, scard.RESET_CARD, 1, 0, b"\x90\x00")
    card = CardConnection(handle)
    with card.lent():
        pass
    assert card.transmit(VERIFY) == (b"", 0x9000)
    card = CardConnection(Handle(0, *[scard.RESET_CARD, 1] * 5))
    with card.lent():
        pass
    with pytest.raises(SithsdError) as caught:
        card.transmit(VERIFY)
    assert caught.value.code is ErrorCode.CARD_CHANGED


def test_a_reset_untold_while_it_was_lent_is_as_one_at_the_beginning() -> None:
    """The first command after a loan may find that no protocol was agreed on; then it is, and the command goes out."""
    handle = Handle(b"\x90\x00", b"\x90\x00", 0, 0, scard.PROTO_MISMATCH, 1, b"\x90\x00")
    card = CardConnection(handle)
    card.transmit(VERIFY)
    card.transmit(VERIFY)
    with card.lent():
        pass
    assert card.transmit(VERIFY) == (b"", 0x9000)
    assert len(handle.commands) == 4


@pytest.mark.parametrize(
    ("answers", "code"),
    [
        ((0, scard.REMOVED_CARD), ErrorCode.CARD_REMOVED),
        ((0, scard.NO_SERVICE), ErrorCode.PCSC_UNAVAILABLE),
        ((0, scard.RESET_CARD, 0), ErrorCode.CARD_CHANGED),  # it speaks by the other protocol now
        ((0, scard.RESET_CARD, scard.REMOVED_CARD), ErrorCode.CARD_REMOVED),
    ],
)
def test_a_card_that_does_not_come_back(answers: tuple[int, ...], code: ErrorCode) -> None:
    """What was done while it was lent is done: the next exchange says what became of the card, and so does a loan."""
    handle = Handle(*answers)
    card = CardConnection(handle)
    with card.lent():
        done = True
    assert done
    for _ in range(2):
        with pytest.raises(SithsdError) as caught:
            card.transmit(VERIFY)
        assert caught.value.code is code
    with pytest.raises(SithsdError), card.lent():
        pass
    assert handle.commands == []


def test_what_fails_while_it_is_lent_is_told_as_it_is() -> None:
    """An error from the block is the block's own, also when the card does not come back."""
    card = CardConnection(Handle(0, scard.REMOVED_CARD))
    with pytest.raises(KeyError), card.lent():
        raise KeyError
    with pytest.raises(SithsdError) as caught:
        card.transmit(VERIFY)
    assert caught.value.code is ErrorCode.CARD_REMOVED


def test_a_card_that_can_not_be_lent() -> None:
    """Where the transaction does not end nothing is done, and after the operation nothing is lent."""
    card = CardConnection(Handle(scard.REMOVED_CARD))
    with pytest.raises(SithsdError) as caught, card.lent():
        raise AssertionError
    assert caught.value.code is ErrorCode.CARD_REMOVED
    card = CardConnection(Handle())
    card.end()
    with pytest.raises(RuntimeError, match="ended"), card.lent():
        raise AssertionError


def test_a_code_by_another_way_is_unanswered() -> None:
    """Of a code that a library sends no answer is seen here."""
    card = CardConnection(Handle())
    card.note_code()
    assert card.unanswered


def test_farewells() -> None:
    """What is to be called at the operation's end is called once, the last one first."""
    said: list[int] = []
    card = CardConnection(Handle())
    card.at_end(lambda: said.append(1))
    card.at_end(lambda: said.append(2))
    card.end()
    card.end()
    assert said == [2, 1]
