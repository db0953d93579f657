"""The processors between operations and readers."""

import pytest

from sithsd.card.transport import (
    MAX_COMMANDS,
    MAX_RESPONSE_BYTES,
    BoundedChannel,
    CountingChannel,
    ResponseChannel,
    WatchedChannel,
    stack,
)
from sithsd.errors import ErrorCode, SithsdError

READ = bytes.fromhex("00B0000000")
SELECT = bytes.fromhex("00A4040003A00000")
EMPTY_VERIFY = bytes.fromhex("00200001")
VERIFY = bytes.fromhex("0020000108") + b"123456\xff\xff"


class Script:
    """Answers with what is on the list, and then with the last again; keeps the commands."""

    def __init__(self, *answers: tuple[bytes, int]) -> None:
        self._answers = list(answers)
        self.commands: list[bytes] = []

    def transmit(self, command: bytes) -> tuple[bytes, int]:
        """Give the next answer."""
        self.commands.append(command)
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


def test_61xx_is_followed_by_get_response() -> None:
    """A response in parts is fetched part by part (ISO/IEC 7816-4:2020, 5.3.4) and given whole."""
    card = Script((b"ab", 0x6103), (b"cde", 0x6101), (b"f", 0x9000))
    assert ResponseChannel(card, 1).transmit(SELECT) == (b"abcdef", 0x9000)
    assert card.commands == [SELECT, bytes.fromhex("00C0000003"), bytes.fromhex("00C0000001")]


def test_6100_asks_for_256() -> None:
    """6100 is 256 bytes and more, asked for with an Le of 00."""
    card = Script((b"", 0x6100), (b"x" * 256, 0x9000))
    assert ResponseChannel(card, 0).transmit(SELECT) == (b"x" * 256, 0x9000)
    assert card.commands[1] == bytes.fromhex("00C0000000")


def test_6cxx_repeats_what_asks_for_bytes() -> None:
    """6CXX to a command with an Le is followed by the same command with the right one, once."""
    card = Script((b"", 0x6C05), (b"hello", 0x9000))
    assert ResponseChannel(card, 0).transmit(READ) == (b"hello", 0x9000)
    assert card.commands == [READ, bytes.fromhex("00B0000005")]
    endless = Script((b"", 0x6C05))
    assert ResponseChannel(endless, 0).transmit(READ) == (b"", 0x6C05)
    assert len(endless.commands) == 2


def test_6cxx_to_get_response_is_corrected_too() -> None:
    """A GET RESPONSE with a wrong length is sent again with the right one."""
    card = Script((b"", 0x6105), (b"", 0x6C03), (b"abc", 0x9000))
    assert ResponseChannel(card, 0).transmit(SELECT) == (b"abc", 0x9000)
    assert card.commands[2] == bytes.fromhex("00C0000003")


@pytest.mark.parametrize("protocol", [0, 1])
@pytest.mark.parametrize("command", [VERIFY, EMPTY_VERIFY, SELECT, bytes.fromhex("002E0000")])
def test_6cxx_repeats_nothing_else(command: bytes, protocol: int) -> None:
    """To a command with data, or without an Le, 6CXX is an answer like any other: a code goes to the card once."""
    card = Script((b"", 0x6C08), (b"", 0x9000))
    assert ResponseChannel(card, protocol).transmit(command) == (b"", 0x6C08)
    assert card.commands == [command]


def test_t0_has_one_length_field() -> None:
    """Under T=0 a command with data goes without its Le (ISO/IEC 7816-3:2006, 12.2), under T=1 as it is."""
    command = SELECT + b"\x00"
    for protocol, sent in ((0, SELECT), (1, command)):
        card = Script((b"", 0x9000))
        ResponseChannel(card, protocol).transmit(command)
        assert card.commands == [sent]


@pytest.mark.parametrize("protocol", [0, 1])
@pytest.mark.parametrize("instruction", [0x20, 0x24, 0x2C])
def test_a_command_with_a_code_is_not_copied(protocol: int, instruction: int) -> None:
    """What carries a code goes down as the same object, so that its maker overwrites the only one; and it is noted."""
    card = Script((b"", 0x6103), (b"abc", 0x9000))
    watched = WatchedChannel(card)
    command = bytearray((0, instruction, 0, 1, 6)) + b"123456"
    assert stack(watched, protocol).transmit(command) == (b"abc", 0x9000)
    assert card.commands[0] is command
    assert len(card.commands) == 2
    assert watched.code_sent


@pytest.mark.parametrize("command", [EMPTY_VERIFY, READ, SELECT, bytes.fromhex("0020FF01"), bytes.fromhex("002E0000")])
def test_what_carries_no_code_is_not_taken_for_one(command: bytes) -> None:
    """A look at a counter, a file, a way to forget: without an answer to those nothing is unknown."""
    watched = WatchedChannel(Script((b"", 0x9000)))
    watched.transmit(command)
    assert not watched.code_sent


@pytest.mark.parametrize("protocol", [0, 1])
def test_an_endless_response_has_an_end(protocol: int) -> None:
    """A card that answers 61XX for ever is card.unreadable, within the bound on commands."""
    card = Script((b"x", 0x6101))
    with pytest.raises(SithsdError) as error:
        stack(card, protocol).transmit(READ)
    assert error.value.code is ErrorCode.CARD_UNREADABLE
    assert len(card.commands) <= MAX_COMMANDS


@pytest.mark.parametrize(
    ("answer", "allowed"), [((b"", 0x9000), MAX_COMMANDS), ((b"x" * 4096, 0x9000), MAX_RESPONSE_BYTES // 4096)]
)
def test_bounds_in_number_and_bytes(answer: tuple[bytes, int], allowed: int) -> None:
    """An operation ends as card.unreadable after so many commands, and after so many bytes."""
    channel = BoundedChannel(Script(answer))
    for _ in range(allowed):
        assert channel.transmit(READ) == answer
    with pytest.raises(SithsdError) as error:
        channel.transmit(READ)
    assert error.value.code is ErrorCode.CARD_UNREADABLE


def test_bound_in_time() -> None:
    """An operation ends as card.unreadable when its time is over, before the next command."""
    now = [0.0]
    card = Script((b"", 0x9000))
    channel = BoundedChannel(card, seconds=10, tell_seconds=lambda: now[0])
    channel.transmit(READ)
    now[0] = 10.0
    channel.transmit(READ)
    now[0] = 10.1
    with pytest.raises(SithsdError) as error:
        channel.transmit(READ)
    assert error.value.code is ErrorCode.CARD_UNREADABLE
    assert len(card.commands) == 2


def test_counting() -> None:
    """Commands and bytes are counted both ways, status words included."""
    counting = CountingChannel(Script((b"abc", 0x9000)))
    for command in (READ, SELECT):
        counting.transmit(command)
    assert (counting.commands, counting.sent, counting.received) == (2, len(READ) + len(SELECT), 2 * 5)


def test_errors_pass_through() -> None:
    """What the reader raises comes out as it is."""

    class Gone:
        def transmit(self, command: bytes) -> tuple[bytes, int]:
            raise SithsdError(ErrorCode.CARD_REMOVED, f"{len(command)} bytes unsent")

    for channel in (stack(Gone(), 0), CountingChannel(Gone())):
        with pytest.raises(SithsdError) as error:
            channel.transmit(READ)
        assert error.value.code is ErrorCode.CARD_REMOVED
