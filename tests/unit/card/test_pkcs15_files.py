"""Directory files and objects of a PKCS#15 card, from bytes made by hand."""

import pytest

from sithsd.card.backends.pkcs15 import files
from sithsd.card.transport import MAX_COMMANDS, stack
from sithsd.errors import ErrorCode, SithsdError
from sithsd.iso7816 import tlv

PATH = bytes.fromhex("3F0050154401")


class Chip:
    """One file behind any SELECT; `piece` is the most that it gives at a time."""

    def __init__(self, content: bytes, *, piece: int = 256, select: int = 0x9000) -> None:
        self._content = content
        self._piece = piece
        self._select = select
        self.reads = 0

    def transmit(self, command: bytes) -> tuple[bytes, int]:
        """Answer as a card does."""
        if command[1] == 0xA4:
            return b"", self._select
        self.reads += 1
        offset, wanted = command[2] << 8 | command[3], command[4] or 256
        if offset >= len(self._content):
            return b"", 0x6B00
        return self._content[offset : offset + min(wanted, self._piece)], 0x9000


class Endless(Chip):
    """A file that repeats itself for ever."""

    def transmit(self, command: bytes) -> tuple[bytes, int]:
        """Answer a READ BINARY at whatever offset."""
        if command[1] == 0xA4:
            return b"", 0x9000
        self.reads += 1
        offset, wanted = command[2] << 8 | command[3], command[4] or 256
        start = offset % len(self._content)
        return (self._content * (wanted + 1))[start : start + min(wanted, self._piece)], 0x9000


def entry(size: int, tag: int = 0x30) -> bytes:
    """Return a data object of `size` bytes of value."""
    return tlv.encode(tag, bytes(number % 200 + 1 for number in range(size)))


def unreadable(chip: Chip, *, read: object = files.read_directory) -> SithsdError:
    """Read, and return the card.unreadable that has to come of it, within the bound."""
    with pytest.raises(SithsdError) as error:
        read(stack(chip, 1), PATH)
    assert error.value.code is ErrorCode.CARD_UNREADABLE
    assert chip.reads <= MAX_COMMANDS
    return error.value


@pytest.mark.parametrize("filler", [b"", b"\x00", b"\xff", b"\x00" * 300, b"\xff" * 300])
@pytest.mark.parametrize("sizes", [[], [0], [10], [10, 20], [127, 128, 129], [300, 300], [255, 256, 1000]])
def test_entries_up_to_the_filler(sizes: list[int], filler: bytes) -> None:
    """All whole entries come, and what follows the first 00 or FF where an entry would begin does not."""
    entries = [entry(size) for size in sizes]
    assert files.read_directory(Chip(b"".join(entries) + filler), PATH) == tuple(entries)


def test_what_an_older_content_left_behind() -> None:
    """A 00 after an entry ends the file, though an older and longer content goes on behind it."""
    assert files.read_directory(Chip(entry(10) + b"\x00\x30\x05junk"), PATH) == (entry(10),)


def test_as_few_reads_as_the_entries_need() -> None:
    """A directory of one piece costs one READ BINARY, filled up or not; so does one of a larger file."""
    for content in (entry(100), entry(100) + b"\x00" * 50, entry(100) + b"\x00" * 5000):
        chip = Chip(content)
        files.read_directory(chip, PATH)
        assert chip.reads == 1


@pytest.mark.parametrize("piece", [1, 2, 7, 100, 255])
def test_a_card_that_gives_few_bytes_at_a_time(piece: int) -> None:
    """A directory comes whole however few bytes the card gives at a time."""
    entries = (entry(50), entry(20))
    assert files.read_directory(Chip(b"".join(entries) + b"\0\0", piece=piece), PATH) == entries


@pytest.mark.parametrize(
    "content",
    [
        b"\x30",
        b"\x30\x05abc",
        b"\x30\x82\xff\xff" + b"x" * 300,
        b"\x30\x80" + b"x" * 10,
        b"\x30\x84\0\0\0\x01x" + b"y" * 10,
        b"\x3f\xff\xff\xff\xff\xff\xff\xff\xff",
        entry(10)[:-1],
        entry(10) + b"\x30",
        entry(10) + b"\x30\x81",
        entry(300)[:256],
    ],
)
def test_data_objects_that_lie(content: bytes) -> None:
    """An entry that is cut short, promises more than there is, or is no data object, makes the card unreadable."""
    unreadable(Chip(content))


@pytest.mark.parametrize("content", [entry(2), entry(0), entry(200), entry(1000)])
@pytest.mark.parametrize("piece", [1, 256])
def test_a_directory_without_an_end(content: bytes, piece: int) -> None:
    """A directory that goes on for ever ends as card.unreadable."""
    unreadable(Endless(content, piece=piece))


def test_more_entries_than_any_card_has() -> None:
    """The 65th entry is one too many."""
    assert len(files.read_directory(Chip(entry(2) * files.MAX_OBJECTS), PATH)) == files.MAX_OBJECTS
    unreadable(Chip(entry(2) * (files.MAX_OBJECTS + 1)))


@pytest.mark.parametrize("path", [b"", b"\x3f", b"\x3f\x00\x50", b"\x3f\x00" * 9])
def test_paths_that_are_none(path: bytes) -> None:
    """A path has whole file identifiers, and at most eight of them: others are not sent."""
    chip = Chip(entry(1))
    with pytest.raises(SithsdError) as error:
        files.select(chip, path)
    assert error.value.code is ErrorCode.CARD_UNREADABLE


def test_absent_is_not_refused() -> None:
    """6A82 is an absent file; any other word is an unreadable card, and is kept."""
    with pytest.raises(files.FileAbsent):
        files.read_directory(Chip(b"", select=0x6A82), PATH)
    for status in (0x6982, 0x6283, 0x6A86, 0x6D00, 0x6110, 0x6C10):
        with pytest.raises(SithsdError) as error:
            files.read_directory(Chip(b"", select=status), PATH)
        assert error.value.status_word == status


@pytest.mark.parametrize("size", [0, 1, 100, 251, 252, 253, 254, 1238, 4000])
@pytest.mark.parametrize("after", [b"", b"\x00" * 700, b"\xff\xff"])
def test_an_object_without_what_follows_it(size: int, after: bytes) -> None:
    """The object comes whole and alone, however long its file is, with no more reads than its length needs."""
    whole = entry(size)
    chip = Chip(whole + after)
    assert files.read_object(chip, PATH) == whole
    assert chip.reads == max(1, -(-len(whole) // 256))


def test_a_part_of_a_file() -> None:
    """Index and length of a PKCS#15 path name a part of the file."""
    chip = Chip(b"junk" + entry(30) + b"junk")
    assert files.read_object(chip, PATH, 4, 32) == entry(30)
    assert files.read_object(chip, PATH, 4) == entry(30)


@pytest.mark.parametrize("content", [b"", b"\x00" * 20, b"\xff" * 20])
def test_a_place_that_is_empty(content: bytes) -> None:
    """A file with nothing in it gives nothing: there is room for a certificate that was not issued yet."""
    assert files.read_object(Chip(content), PATH) == b""


@pytest.mark.parametrize(
    "content",
    [
        entry(60_000)[:0x7FFF],
        entry(files.MAX_CERTIFICATE),
        entry(1000)[:-1],
        b"\x30\x83\xff\xff\xff" + b"x" * 500,
        b"\x30\x80" + b"x" * 500,
        b"\x30",
    ],
)
def test_objects_that_lie(content: bytes) -> None:
    """A certificate of 60 KB, one that is cut short, one that promises megabytes: the card is unreadable."""
    unreadable(Chip(content), read=files.read_object)


@pytest.mark.parametrize("length", [0, -1, files.MAX_CERTIFICATE + 1, 10**12])
def test_lengths_that_make_no_sense(length: int) -> None:
    """A path that names a part of no length, or of an impossible one, is not followed."""
    with pytest.raises(SithsdError):
        files.read_object(Chip(entry(10)), PATH, 0, length)


def test_an_index_beyond_every_file() -> None:
    """A path that points behind the last byte any file can have finds nothing, and asks for nothing."""
    chip = Chip(entry(10))
    assert files.read_object(chip, PATH, 10**9) == b""
    assert chip.reads == 0


@pytest.mark.parametrize("content", [b"\xff\xfe\xfd\xfc" * 16, b"\x00\x30\x05junk", b"\x30\x01\x05\xff\xfe\xfd"])
def test_noise_is_no_filler(content: bytes) -> None:
    """What only begins like filler is not taken for an empty file, nor for the end of one: the card is unreadable."""
    with pytest.raises(SithsdError) as raised:
        files.read_directory(Chip(content), PATH)
    assert raised.value.code is ErrorCode.CARD_UNREADABLE
