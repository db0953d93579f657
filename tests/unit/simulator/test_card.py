"""The card as a whole: which commands it knows, and how it refuses the others."""

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sithsd.errors import ErrorCode, SithsdError
from sithsd.iso7816 import atr
from sithsd.simulator.card import Card
from sithsd.simulator.channel import InProcessChannel
from sithsd.simulator.shelf import Shelf

KNOWN = {0xA4, 0xB0, 0xB1, 0xCA, 0x20, 0x24, 0x2C, 0x2E, 0x22, 0x2A}


def test_unknown_instructions_are_refused_6d00(card: Callable[..., Card]) -> None:
    """Every instruction byte but the known ones answers 6D00."""
    taken = card()
    for ins in set(range(256)) - KNOWN:
        assert taken.transmit(bytes([0, ins, 0, 0])) == (b"", 0x6D00)


@pytest.mark.parametrize(
    ("cla", "status"),
    [
        (0x80, 0x6E00),
        (0xFF, 0x6E00),
        (0x40, 0x6E00),
        (0x20, 0x6E00),
        (0x04, 0x6882),
        (0x0C, 0x6882),
        (0x01, 0x6881),
        (0x10, 0x6884),
    ],
)
def test_classes_are_refused_by_name(card: Callable[..., Card], cla: int, status: int) -> None:
    """ISO 7816-4, 5.4.1: proprietary classes, secure messaging, logical channels and chaining are told apart."""
    assert card().transmit(bytes([cla, 0xA4, 0, 0])) == (b"", status)


def test_get_data_tells_applet_and_abilities(card: Callable[..., Card]) -> None:
    """GET DATA 01A0 is 20 bytes with version and serial number, 01AA 11 bytes; other objects are not found."""
    taken = card()
    information, status = taken.transmit(bytes.fromhex("00CA01A014"))
    assert (len(information), status) == (20, 0x9000)
    assert information[8:18] == taken.image.serial
    assert taken.transmit(bytes.fromhex("00CA01AA0B"))[1] == 0x9000
    assert taken.transmit(bytes.fromhex("00CA010000")) == (b"", 0x6A88)
    assert taken.transmit(bytes.fromhex("00CA01A0")) == (b"", 0x6700)


def test_a_card_with_another_applet_has_no_codes_and_no_pkcs15(card: Callable[..., Card]) -> None:
    """The card "strange" does not know PKCS#15's AID, and VERIFY, MSE and PSO are unknown instructions to it."""
    taken = card("strange")
    assert taken.transmit(bytes.fromhex("00A404000CA000000063504B43532D3135")) == (b"", 0x6A82)
    assert taken.transmit(bytes.fromhex("00A4040C09F053494D4F54484552")) == (b"", 0x9000)
    for ins in (0x20, 0x22, 0x2A, 0x2C):
        assert taken.transmit(bytes([0, ins, 0, 1, 0])) == (b"", 0x6D00)
    assert taken.transmit(bytes.fromhex("00CA01A000")) == (b"", 0x6A88)


def test_every_card_shows_the_atr_of_its_protocol(made: Shelf) -> None:
    """The ATR offers the protocol that the card speaks."""
    for name in ("ordinary", "reserve", "ordinary-t0", "strange"):
        taken = made.card(name)
        assert taken.image.protocol in atr.parse(taken.power_on()).protocols


def test_a_t0_card_answers_select_with_61xx(card: Callable[..., Card]) -> None:
    """The reserve card speaks T=0: SELECT with FCI waits for GET RESPONSE, READ BINARY corrects Le."""
    taken = card("reserve")
    data, status = taken.transmit(bytes.fromhex("00A404000CA000000063504B43532D3135"))
    assert (data, status >> 8) == (b"", 0x61)
    data, status = taken.transmit(b"\x00\xc0\x00\x00" + bytes([status & 0xFF]))
    assert (data[0], status) == (0x6F, 0x9000)
    taken.transmit(bytes.fromhex("00A4020C025031"))
    data, status = taken.transmit(bytes.fromhex("00B0000000"))
    assert (data, status >> 8) == (b"", 0x6C)
    data, status = taken.transmit(b"\x00\xb0\x00\x00" + bytes([status & 0xFF]))
    assert (data[0], status) == (0xA0, 0x9000)


def test_without_power_nothing_answers(card: Callable[..., Card]) -> None:
    """A card without power raises instead of answering, and the channel tells that it was removed."""
    taken = card()
    channel = InProcessChannel(taken)
    assert channel.transmit(bytes.fromhex("00A4000C023F00")) == (b"", 0x9000)
    channel.remove()
    with pytest.raises(SithsdError) as caught:
        channel.transmit(bytes.fromhex("00A4000C023F00"))
    assert caught.value.code is ErrorCode.CARD_REMOVED
    with pytest.raises(RuntimeError):
        taken.transmit(bytes.fromhex("00A4000C023F00"))
    channel.insert()
    assert channel.transmit(bytes.fromhex("00A4000C023F00")) == (b"", 0x9000)


def test_the_channel_keeps_headers_only(card: Callable[..., Card]) -> None:
    """What a test can look at afterwards holds no data field, because that may be a code."""
    channel = InProcessChannel(card())
    channel.transmit(bytes.fromhex("0020000108") + b"123456\xff\xff")
    channel.reset()
    assert channel.transmit(bytes.fromhex("00200001"))[1] == 0x63C3
    assert channel.commands == [bytes.fromhex("00200001"), bytes.fromhex("00200001")]
    assert channel.atr[:1] == b"\x3b"


@pytest.fixture(scope="module")
def fuzzed(made: Shelf) -> dict[str, Card]:
    """Cards that garbage is sent to, with power."""
    cards = {name: made.card(name) for name in ("ordinary", "reserve")}
    for card in cards.values():
        card.power_on()
    return cards


# The commands that spend a try are left out: they write to disk and hash slowly, and have tests of their own.
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    command=st.one_of(
        st.binary(max_size=300),
        st.builds(
            lambda ins, p, data: bytes([0, ins, *p, len(data)]) + data,
            st.sampled_from(sorted(KNOWN - {0x20, 0x24, 0x2C})),
            st.binary(min_size=2, max_size=2),
            st.binary(max_size=60),
        ),
    ).filter(lambda raw: raw[1:2] not in {b"\x20", b"\x24", b"\x2c"})
)
def test_garbage_gets_a_status_word(fuzzed: dict[str, Card], command: bytes) -> None:
    """Whatever arrives, the card answers with at most 65536 bytes and a status word of ISO 7816-4."""
    for card in fuzzed.values():
        data, status = card.transmit(command)
        assert len(data) <= 65536
        assert status >> 12 in {6, 9}
