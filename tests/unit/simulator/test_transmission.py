"""T=0 and T=1 carry the same commands in different pieces."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sithsd.iso7816.apdu import CommandApdu
from sithsd.iso7816.status import StatusWord, bytes_remaining
from sithsd.simulator.answers import Answer, Refusal
from sithsd.simulator.transmission import BlockTransmission, CharacterTransmission

GET_RESPONSE = "00C00000"


class Echo:
    """Instructions that answer with a fixed response and count how often they ran."""

    def __init__(self, data: bytes, status: int = StatusWord.SUCCESS) -> None:
        self.answer = Answer(data, status)
        self.ran = 0

    def __call__(self, _command: CommandApdu) -> Answer:
        """Answer as ever."""
        self.ran += 1
        return self.answer


def refuse(_command: CommandApdu) -> Answer:
    """Refuse everything, as if no file were there."""
    raise Refusal(StatusWord.FILE_NOT_FOUND)


def hexadecimal(text: str) -> bytes:
    """Return the bytes that hexadecimal digits tell."""
    return bytes.fromhex(text)


def test_t0_keeps_the_response_to_a_command_with_data_for_get_response() -> None:
    """ISO 7816-3, 12.2.4: a case 4 command is answered 61XX, and GET RESPONSE fetches the data."""
    card = CharacterTransmission(Echo(b"abcde"))
    assert card.transmit(hexadecimal("00A4000002 3F00")) == (b"", 0x6105)
    assert card.transmit(hexadecimal(GET_RESPONSE + "05")) == (b"abcde", 0x9000)
    assert card.transmit(hexadecimal(GET_RESPONSE + "05")) == (b"", 0x6985)


def test_t0_drops_the_final_le_of_a_case_4_command() -> None:
    """An interface device sends no Le after a data field under T=0; an APDU that has one is treated alike."""
    card = CharacterTransmission(Echo(b"abcde"))
    assert card.transmit(hexadecimal("00A4000002 3F00 00")) == (b"", 0x6105)


def test_t0_corrects_the_length_of_get_response_and_keeps_the_data() -> None:
    """A wrong Le is answered 6CXX, and the data is still there for the right one."""
    card = CharacterTransmission(Echo(b"abcde"))
    card.transmit(hexadecimal("00A4000002 3F00"))
    assert card.transmit(hexadecimal(GET_RESPONSE + "00")) == (b"", 0x6C05)
    assert card.transmit(hexadecimal(GET_RESPONSE + "03")) == (b"abc", 0x6102)
    assert card.transmit(hexadecimal(GET_RESPONSE + "02")) == (b"de", 0x9000)


def test_t0_corrects_the_length_of_a_case_2_command() -> None:
    """ISO 7816-3, 12.2.3: fewer bytes than Le can't be sent, so the card tells the exact number."""
    card = CharacterTransmission(Echo(b"abcde"))
    assert card.transmit(hexadecimal("00CA01A000")) == (b"", 0x6C05)
    assert card.transmit(hexadecimal("00CA01A005")) == (b"abcde", 0x9000)


def test_t0_forgets_the_response_at_the_next_command() -> None:
    """Only GET RESPONSE right after 61XX gets the data."""
    card = CharacterTransmission(Echo(b"abcde"))
    card.transmit(hexadecimal("00A4000002 3F00"))
    card.transmit(hexadecimal("00CA01A005"))
    assert card.transmit(hexadecimal(GET_RESPONSE + "05")) == (b"", 0x6985)


@pytest.mark.parametrize("command", ["00C0000105", "00C0010005"])
def test_t0_get_response_has_no_parameters(command: str) -> None:
    """ISO 7816-4, 12.4.1: P1-P2 of GET RESPONSE are 0000."""
    assert CharacterTransmission(Echo(b"a")).transmit(hexadecimal(command)) == (b"", 0x6A86)


@given(data=st.binary(min_size=1, max_size=700))
def test_t0_gives_any_response_whole(data: bytes) -> None:
    """However long a response is, 61XX and GET RESPONSE carry all of it, once."""
    card = CharacterTransmission(Echo(data))
    _, status = card.transmit(hexadecimal("002A9E9A 01 00"))
    got = b""
    while (left := bytes_remaining(status)) is not None:
        piece, status = card.transmit(hexadecimal(GET_RESPONSE) + bytes([left % 256]))
        got += piece
    assert (got, status) == (data, 0x9000)


def test_t1_corrects_a_short_le_and_does_not_run_the_command_again() -> None:
    """A signature that did not fit into Le is kept: asking again with the right Le costs no second signature."""
    echo = Echo(b"abcde")
    card = BlockTransmission(echo, extended=False)
    assert card.transmit(hexadecimal("002A9E9A 01 00 03")) == (b"", 0x6C05)
    assert card.transmit(hexadecimal("002A9E9A 01 00 05")) == (b"abcde", 0x9000)
    assert echo.ran == 1
    assert card.transmit(hexadecimal("002A9E9A 01 00 05")) == (b"abcde", 0x9000)
    assert echo.ran == 2


def test_t1_sends_no_data_when_none_is_expected() -> None:
    """ISO 7816-3, 12.1.2: without Le there is no response data field."""
    assert BlockTransmission(Echo(b"abcde"), extended=False).transmit(hexadecimal("00A4040002 3F00")) == (b"", 0x9000)


@pytest.mark.parametrize("raw", ["", "00A404", "00A4040003 3F00", "00A40400000002 3F00"])
def test_a_command_that_is_none_has_a_wrong_length(raw: str) -> None:
    """What can't be cut into header, Lc, data and Le is refused 6700 under both protocols."""
    for card in (BlockTransmission(Echo(b""), extended=False), CharacterTransmission(Echo(b""))):
        assert card.transmit(hexadecimal(raw)) == (b"", 0x6700)


def test_extended_length_is_understood_only_by_a_card_that_has_it() -> None:
    """A card without extended length refuses it 6700; one that has it answers past 256 bytes."""
    command = hexadecimal("00B0000000 0400")
    assert BlockTransmission(Echo(bytes(300)), extended=False).transmit(command) == (b"", 0x6700)
    assert BlockTransmission(Echo(bytes(300)), extended=True).transmit(command) == (bytes(300), 0x9000)


def test_a_refusal_is_a_status_word_without_data() -> None:
    """Under both protocols a refusal is the two status bytes alone."""
    for card in (BlockTransmission(refuse, extended=False), CharacterTransmission(refuse)):
        assert card.transmit(hexadecimal("00A4000002 5015")) == (b"", 0x6A82)


def test_reset_forgets_what_waits() -> None:
    """After a reset no response of the time before can be fetched."""
    echo = Echo(b"abcde")
    zero, one = CharacterTransmission(echo), BlockTransmission(echo, extended=False)
    zero.transmit(hexadecimal("00A4000002 3F00"))
    zero.reset()
    assert zero.transmit(hexadecimal(GET_RESPONSE + "05")) == (b"", 0x6985)
    one.transmit(hexadecimal("00A4000002 3F00 01"))
    one.reset()
    one.transmit(hexadecimal("00A4000002 3F00 05"))
    assert echo.ran == 3
