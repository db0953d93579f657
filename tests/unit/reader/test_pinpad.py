"""PIN pads: what is asked of the reader, byte by byte as PC/SC part 10 has it, and what its answers mean."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sithsd.errors import ErrorCode, SithsdError
from sithsd.reader import scard
from sithsd.reader.connection import CardConnection
from sithsd.reader.pinpad import (
    Features,
    PinBlock,
    PinPad,
    Properties,
    modify_structure,
    parse_features,
    parse_properties,
    verify_structure,
)

ASK_FEATURES = 0x42000D48
VERIFY_CODE, MODIFY_CODE, PROPERTIES_CODE = 0x42330006, 0x42330007, 0x42330012
VERIFY = bytes.fromhex("00 20 00 81")
CHANGE = bytes.fromhex("00 24 00 81")
PADDED = PinBlock(min_length=6, max_length=8, stored_length=8, padding=0xFF, bcd=False)
PLAIN = PinBlock(min_length=6, max_length=8, stored_length=None, padding=None, bcd=False)
OFFERS_ALL = bytes.fromhex("06 04 42 33 00 06  07 04 42 33 00 07  12 04 42 33 00 12")
TELLS_NOTHING = scard.UNSUPPORTED_FEATURE


class Pad:
    """A reader that answers control codes in turn, and keeps what it was asked."""

    protocol = 1

    def __init__(self, *answers: bytes | int) -> None:
        self._answers = list(answers)
        self.asked: list[tuple[int, bytes]] = []

    def control(self, code: int, data: bytes) -> bytes:
        """Answer, or fail."""
        self.asked.append((code, bytes(data)))
        answer = self._answers.pop(0)
        if isinstance(answer, int):
            raise scard.PcscError(answer, "SCardControl")
        return answer

    def transmit(self, command: bytes) -> bytes:
        """No command goes past the pad."""
        raise AssertionError(command)


def refused(card: CardConnection, block: PinBlock = PADDED) -> SithsdError:
    """Return how a verification at the pad fails."""
    assert card.pad is not None
    with pytest.raises(SithsdError) as caught:
        card.pad.verify(VERIFY, block)
    return caught.value


def test_verify_structure_byte_by_byte() -> None:
    """PIN_VERIFY_STRUCTURE of 2.5.2, each field at its place."""
    assert verify_structure(VERIFY, PADDED) == bytes.fromhex(
        "1E"  # bTimerOut: 30 s
        "1E"  # bTimerOut2
        "82"  # bmFormatString: bytes, at the beginning, left, ASCII
        "08"  # bmPINBlockString: no length in the block, eight bytes
        "00"  # bmPINLengthFormat
        "08 06"  # wPINMaxExtraDigit, little-endian: at least six, at most eight
        "02"  # bEntryValidationCondition: the OK key
        "01"  # bNumberMessage
        "1D 04"  # wLangId: Swedish
        "00"  # bMsgIndex
        "00 00 00"  # bTeoPrologue
        "0D 00 00 00"  # ulDataLength
        "00 20 00 81 08 FF FF FF FF FF FF FF FF"
    )


def test_modify_structure_byte_by_byte() -> None:
    """PIN_MODIFY_STRUCTURE of 2.5.3: the present code at 0, the new one behind it, asked for twice."""
    assert modify_structure(CHANGE, PADDED, PADDED) == bytes.fromhex(
        "1E 1E 82 08 00"
        "00"  # bInsertionOffsetOld
        "08"  # bInsertionOffsetNew
        "08 06"
        "03"  # bConfirmPIN: the present one is asked for, the new one confirmed
        "02"
        "03"  # bNumberMessage
        "1D 04"
        "00 01 02"  # bMsgIndex1-3
        "00 00 00"
        "15 00 00 00"
        "00 24 00 81 10 FF FF FF FF FF FF FF FF FF FF FF FF FF FF FF FF"
    )


def test_a_code_that_is_not_filled_up_has_no_block() -> None:
    """Without a stored length the block is as long as what is entered; BCD is said in bmFormatString."""
    plain = verify_structure(VERIFY, PLAIN)
    assert (plain[3], plain[15:]) == (0, bytes.fromhex("05 00 00 00  00 20 00 81 00"))
    bcd = verify_structure(VERIFY, replace(PADDED, bcd=True, stored_length=4, padding=0x00))
    assert (bcd[2], bcd[3], bcd[19:]) == (0x81, 4, bytes.fromhex("00 20 00 81 04 00 00 00 00"))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (PADDED, PLAIN),
        (PLAIN, PADDED),
        (replace(PADDED, stored_length=12), PADDED),
        (replace(PADDED, bcd=True), PADDED),
        (replace(PADDED, stored_length=16), replace(PADDED, stored_length=16)),
    ],
)
def test_a_change_that_no_structure_can_say_is_refused(old: PinBlock, new: PinBlock) -> None:
    """Open-ended codes, two forms and blocks of more than 15 bytes: pin.unsupported, before the pad is asked."""
    pad = Pad(OFFERS_ALL, b"")
    card = CardConnection(pad)
    assert card.pad is not None
    with pytest.raises(SithsdError) as caught:
        card.pad.modify(CHANGE, old, new)
    assert caught.value.code is ErrorCode.PIN_UNSUPPORTED
    assert not card.unanswered
    assert len(pad.asked) == 2


def test_the_pads_own_limits_narrow_the_entry() -> None:
    """Lengths are what card and pad both take; a pad without the OK key ends entries its own way."""
    told = parse_properties(bytes.fromhex("01 02 10 02  02 01 05  06 01 04  07 01 07  0B 02 E6 08"))
    assert told == Properties(min_pin_size=4, max_pin_size=7, entry_validation=5, lcd_layout=0x0210)
    structure = verify_structure(VERIFY, PADDED, told)
    assert structure[5:8] == bytes((7, 6, 0x05))
    assert verify_structure(VERIFY, PADDED, Properties(entry_validation=7))[7] == 0x02
    for narrow in (Properties(max_pin_size=5), Properties(min_pin_size=9)):
        with pytest.raises(SithsdError) as caught:
            verify_structure(VERIFY, PADDED, narrow)
        assert caught.value.code is ErrorCode.PIN_UNSUPPORTED


@pytest.mark.parametrize(
    ("answer", "features"),
    [
        ("06 04 42 33 00 06", Features(verify=VERIFY_CODE)),
        ("07 04 42 33 00 07 06 04 00 00 00 01", Features(verify=1, modify=MODIFY_CODE)),
        ("06 04 00 00 00 01 06 04 00 00 00 02", Features(verify=1)),
        ("06 02 00 01 07 04 42 33 00 07", Features(modify=MODIFY_CODE)),
        ("06 04 42 33 00", Features()),
        ("06", Features()),
        ("", Features()),
        ("01 00 " * 64 + "06 04 00 00 00 01", Features()),
    ],
)
def test_features_are_read_with_care(answer: str, features: Features) -> None:
    """Entries of another length are passed over, a torn one ends them, the first of two counts, and 64 are enough."""
    assert parse_features(bytes.fromhex(answer)) == features


@given(st.binary(max_size=300))
def test_whatever_a_reader_tells_is_read(answer: bytes) -> None:
    """No answer of a reader raises anything, and each value that is read fits its field."""
    parse_features(answer)
    told = parse_properties(answer)
    for value in (told.min_pin_size, told.max_pin_size, told.entry_validation):
        assert value is None or 0 <= value <= 0xFF


def test_the_reader_is_asked_once() -> None:
    """Features and properties are asked for once in a connection, and not again for each entry."""
    pad = Pad(OFFERS_ALL, TELLS_NOTHING, b"\x90\x00", b"\x90\x00")
    card = CardConnection(pad)
    assert card.pad is card.pad
    assert card.pad is not None
    assert (card.pad.can_verify, card.pad.can_modify) == (True, True)
    assert card.pad.verify(VERIFY, PADDED) == 0x9000
    assert card.pad.modify(CHANGE, PADDED, PADDED) == 0x9000
    assert [code for code, _ in pad.asked] == [ASK_FEATURES, PROPERTIES_CODE, VERIFY_CODE, MODIFY_CODE]
    assert [data for _, data in pad.asked[:2]] == [b"", b""]


@pytest.mark.parametrize("answer", [TELLS_NOTHING, scard.INVALID_PARAMETER, b"", b"\x05\x04\x42\x33\x00\x05"])
def test_a_reader_without_a_pad(answer: bytes | int) -> None:
    """It refuses the question, or has other features only: there is no pad, and commands still go to the card."""
    card = CardConnection(Pad(answer))
    assert card.pad is None
    assert not card.unanswered


def test_a_service_that_is_gone_is_no_reader_without_a_pad() -> None:
    """When PC/SC itself fails the error says so."""
    with pytest.raises(SithsdError) as caught:
        _ = CardConnection(Pad(scard.NO_SERVICE)).pad
    assert caught.value.code is ErrorCode.PCSC_UNAVAILABLE


def test_a_pad_that_only_verifies() -> None:
    """A feature that is missing is pinpad.absent, and nothing is sent."""
    pad = Pad(bytes.fromhex("06 04 42 33 00 06"))
    card = CardConnection(pad)
    assert card.pad is not None
    assert not card.pad.can_modify
    with pytest.raises(SithsdError) as caught:
        card.pad.modify(CHANGE, PADDED, PADDED)
    assert caught.value.code is ErrorCode.PINPAD_ABSENT
    with pytest.raises(SithsdError) as caught:
        PinPad(Features(modify=1), Properties(), lambda *_: b"").verify(VERIFY, PADDED)
    assert caught.value.code is ErrorCode.PINPAD_ABSENT
    assert len(pad.asked) == 1


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ("6400", ErrorCode.PINPAD_TIMEOUT),
        ("6401", ErrorCode.PINPAD_CANCELLED),
        ("6402", ErrorCode.PINPAD_MISMATCH),
        ("6403", ErrorCode.PINPAD_MALFORMED),
        ("6B80", ErrorCode.PINPAD_ABSENT),
    ],
)
def test_what_the_pad_says_itself_is_no_cards_answer(answer: str, code: ErrorCode) -> None:
    """The pad's own words are errors by name; nothing went to the card, and the connection goes on."""
    card = CardConnection(Pad(OFFERS_ALL, b"", bytes.fromhex(answer), b"\x63\xc2"))
    assert refused(card).code is code
    assert not card.unanswered
    assert card.pad is not None
    assert card.pad.verify(VERIFY, PADDED) == 0x63C2


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (b"", ErrorCode.CARD_REMOVED),
        (b"\x90", ErrorCode.CARD_UNREADABLE),
        (scard.REMOVED_CARD, ErrorCode.CARD_REMOVED),
        (scard.RESET_CARD, ErrorCode.CARD_CHANGED),
        (scard.COMM_ERROR, ErrorCode.PCSC_UNAVAILABLE),
        (scard.UNSUPPORTED_FEATURE, ErrorCode.INTERNAL),
    ],
)
def test_an_entry_without_an_answer_may_have_been_carried_out(failure: bytes | int, code: ErrorCode) -> None:
    """Once the structure is at the reader a failure leaves the outcome open, and nothing more is sent."""
    pad = Pad(OFFERS_ALL, b"", failure)
    card = CardConnection(pad)
    first = refused(card)
    assert first.code is code
    assert card.unanswered
    assert refused(card) is first
    assert len(pad.asked) == 3


def test_the_trace_has_the_header_alone() -> None:
    """Of an entry at the pad the trace is told the command's header, lengths and the status word."""
    told: list[Any] = []
    card = CardConnection(Pad(OFFERS_ALL, b"", b"\x63\xc2"), lambda *exchange: told.append(exchange[:4]))
    assert card.pad is not None
    card.pad.verify(VERIFY, PADDED)
    assert told == [(VERIFY, 19 + 13, 0, 0x63C2)]


def test_a_header_has_four_bytes() -> None:
    """A caller's mistake is told as one."""
    with pytest.raises(ValueError, match="four bytes"):
        verify_structure(b"\x00\x20\x00", PADDED)
