"""Commands, byte by byte."""

from contextlib import nullcontext

import pytest

from sithsd.card import commands
from sithsd.card.transport import WatchedChannel, stack
from sithsd.errors import ErrorCode, SithsdError
from sithsd.secret import Secret


class Chip:
    """Answers READ BINARY from a file, as generously as it is told; anything else with a status word."""

    def __init__(self, content: bytes = b"", *, most: int = 65536, end: int = 0x6B00, status: int = 0x9000) -> None:
        self._content = content
        self._most = most
        self._end = end
        self._status = status
        self.commands: list[bytes] = []

    def transmit(self, command: bytes) -> tuple[bytes, int]:
        """Answer as a card does."""
        self.commands.append(bytes(command))
        if command[1] != 0xB0:
            return b"", self._status
        offset = command[2] << 8 | command[3]
        wanted = command[4] or 256 if len(command) == 5 else int.from_bytes(command[5:7], "big") or 65536
        if offset >= len(self._content):
            return b"", self._end
        return self._content[offset : offset + min(wanted, self._most)], 0x9000


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("3F00", "00A4000C023F00"),
        ("3F0050155031", "00A4080C0450155031"),
        ("5031", "00A4090C025031"),
        ("44014331", "00A4090C0444014331"),
    ],
)
def test_select_by_path(path: str, sent: str) -> None:
    """SELECT from the master file, or from the current DF, asks for no response (ISO/IEC 7816-4:2020, 11.2.2)."""
    chip = Chip()
    assert commands.select_file(chip, bytes.fromhex(path)) == 0x9000
    assert chip.commands == [bytes.fromhex(sent)]


def test_select_by_name() -> None:
    """SELECT of an application names it, and wants no response."""
    chip = Chip(status=0x6A82)
    assert commands.select_application(chip, b"\xa0\0\0\0\x63") == 0x6A82
    assert chip.commands == [bytes.fromhex("00A4040C05A000000063")]


def test_codes_are_sent_as_they_are() -> None:
    """The reference is in P2, and nothing but the code in the data field; an empty VERIFY is case 1."""
    chip = Chip(status=0x63C2)
    assert commands.verify_status(chip, 0x81) == 0x63C2
    assert commands.send_code(chip, commands.verify_header(1), Secret(b"123456\xff\xff")) == 0x63C2
    assert commands.send_code(chip, commands.unblock_header(2), Secret(b"1" * 16)) == 0x63C2
    assert commands.send_code(chip, commands.change_header(1), Secret(b"2" * 16)) == 0x63C2
    assert chip.commands == [
        bytes.fromhex("00200081"),
        bytes.fromhex("0020000108") + b"123456\xff\xff",
        bytes.fromhex("002C000210") + b"1" * 16,
        bytes.fromhex("0024000110") + b"2" * 16,
    ]


@pytest.mark.parametrize("fault", [None, SithsdError(ErrorCode.CARD_REMOVED, "gone"), RuntimeError("a bug")])
def test_a_command_with_a_code_is_one_buffer_and_overwritten(fault: Exception | None) -> None:
    """The channel gets the very buffer, and no byte of the code is in it afterwards, whatever the channel does."""
    seen: list[bytearray] = []

    class Below:
        def transmit(self, command: bytes | bytearray) -> tuple[bytes, int]:
            assert isinstance(command, bytearray)
            assert bytes(command) == bytes.fromhex("0020000106") + b"123456"
            seen.append(command)
            if fault is not None:
                raise fault
            return b"", 0x9000

    for protocol in (0, 1):
        channel = stack(WatchedChannel(Below()), protocol)
        with nullcontext() if fault is None else pytest.raises(type(fault)):
            commands.send_code(channel, commands.verify_header(1), Secret(b"123456"))
        assert seen.pop() == bytes(11)


@pytest.mark.parametrize("length", [0, 256])
def test_a_code_that_fits_no_command_is_not_sent(length: int) -> None:
    """A code of no bytes would be a look at the counter, one of 256 has no short Lc: both are pin.malformed."""
    chip = Chip()
    with pytest.raises(SithsdError) as error:
        commands.send_code(chip, commands.verify_header(1), Secret(b"1" * length))
    assert error.value.code is ErrorCode.PIN_MALFORMED
    assert chip.commands == []


@pytest.mark.parametrize("most", [65536, 256, 255, 100, 1])
@pytest.mark.parametrize("length", [0, 1, 255, 256, 257, 300, 512])
def test_a_file_is_read_to_its_end(length: int, most: int) -> None:
    """However few bytes the card gives at a time, all of them come, in their order."""
    content = bytes(number % 251 for number in range(length))
    chip = Chip(content, most=most)
    assert b"".join(commands.read_binary(chip, 0, 1024)) == content


@pytest.mark.parametrize("end", [0x6B00, 0x6282])
def test_both_ends_of_a_file(end: int) -> None:
    """An offset behind the file, and 6282 without data, end a file as well as no more bytes."""
    assert b"".join(commands.read_binary(Chip(b"x" * 256, end=end), 0, 1024)) == b"x" * 256


def test_only_what_was_asked_for_is_read() -> None:
    """A part of a file is read with one command, and not beyond."""
    chip = Chip(bytes(range(200)))
    assert b"".join(commands.read_binary(chip, 10, 20)) == bytes(range(10, 30))
    assert chip.commands == [bytes.fromhex("00B0000A14")]


def test_no_command_goes_past_fifteen_bits_of_offset() -> None:
    """Past offset 7FFF P1 would mean a short file identifier (11.3.2): nothing is asked there."""
    chip = Chip(b"x" * 0x9000)
    assert sum(map(len, commands.read_binary(chip, 0x7F00, 0x2000))) == 0xFF
    assert list(commands.read_binary(chip, 0x8000, 10)) == []
    assert all(command[2] < 0x80 for command in chip.commands)


def test_large_pieces_where_the_card_takes_them_and_short_ones_where_it_does_not() -> None:
    """An extended Le is asked for where the profile says so, and given up after 6700."""
    chip = Chip(b"x" * 1000)
    assert list(commands.read_binary(chip, 0, 1000, 4096)) == [b"x" * 1000]
    assert len(chip.commands) == 1

    class Short(Chip):
        def transmit(self, command: bytes) -> tuple[bytes, int]:
            if len(command) > 5:
                self.commands.append(bytes(command))
                return b"", 0x6700
            return super().transmit(command)

    short = Short(b"x" * 600)
    assert b"".join(commands.read_binary(short, 0, 600, 4096)) == b"x" * 600
    assert [len(command) for command in short.commands] == [7, 5, 5, 5]


@pytest.mark.parametrize("status", [0x6982, 0x6986, 0x6700, 0x6D00, 0x6F00, 0x0000, 0x9001])
def test_a_refusal_is_no_end_of_file(status: int) -> None:
    """Every other status word is card.unreadable and keeps the word; a refused file is not an empty one."""

    class Refusing:
        def transmit(self, command: bytes) -> tuple[bytes, int]:
            return command[:0], status

    with pytest.raises(SithsdError) as error:
        list(commands.read_binary(Refusing(), 0, 100))
    assert error.value.code is ErrorCode.CARD_UNREADABLE
    assert error.value.status_word == status


def test_more_than_was_asked_for_is_a_lie() -> None:
    """A card that gives more than Le is card.unreadable."""

    class Generous:
        def transmit(self, command: bytes) -> tuple[bytes, int]:
            return b"x" * (command[4] + 1), 0x9000

    with pytest.raises(SithsdError) as error:
        list(commands.read_binary(Generous(), 0, 10))
    assert error.value.code is ErrorCode.CARD_UNREADABLE
