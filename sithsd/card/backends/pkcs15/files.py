"""Reading the files of a PKCS#15 card in as few and as large pieces as the card gives."""

from collections.abc import Iterator

from sithsd.card import commands
from sithsd.errors import ErrorCode, SithsdError
from sithsd.iso7816 import tlv
from sithsd.iso7816.apdu import MAX_SHORT_LE
from sithsd.iso7816.channel import Channel
from sithsd.iso7816.status import StatusWord

MAX_DIRECTORY_FILE = 8 * 1024
MAX_CERTIFICATE = 16 * 1024
MAX_OBJECTS = 64
# What is left of a directory file after its last entry is filled with one of these (ISO/IEC 7816-15:2016, 8.3).
_FILLERS = (0x00, 0xFF)
_LONGEST_HEADER = 7


class FileAbsent(Exception):  # noqa: N818 - not every absent file is an error
    """The card has no file at that path."""


def unreadable(reason: str, status_word: int | None = None) -> SithsdError:
    """Return the error for a card whose files are not as they should be."""
    return SithsdError(ErrorCode.CARD_UNREADABLE, reason, status_word=status_word)


def select(channel: Channel, path: bytes) -> None:
    """Select the EF at `path`. Raises FileAbsent, or card.unreadable for another refusal."""
    if not path or len(path) % 2 or len(path) > 2 * 8:
        raise unreadable(f"a path of {len(path)} bytes")
    status_word = commands.select_file(channel, path)
    if status_word == StatusWord.FILE_NOT_FOUND:
        raise FileAbsent
    if status_word != StatusWord.SUCCESS:
        raise unreadable(f"SELECT of file {path.hex().upper()} is refused", status_word)


def read_directory(channel: Channel, path: bytes, piece: int = MAX_SHORT_LE) -> tuple[bytes, ...]:
    """Return the entries of the directory file at `path` (EF.ODF, EF.AODF, ...), each a whole data object.

    Stops reading where the entries end, not where the file does. Raises FileAbsent, or card.unreadable.
    """
    select(channel, path)
    content = bytearray()
    entries: list[bytes] = []
    position = 0
    short = stingy = False
    for part in commands.read_binary(channel, 0, MAX_DIRECTORY_FILE, piece):
        stingy = stingy or short  # it gave less than was asked for, and yet there was more
        short = len(part) < piece
        content += part
        position = _take(content, position, entries)
        if position < len(content) and content[position] in _FILLERS:
            break
        if position == len(content) and short and not stingy:
            break  # less than was asked for: the file ends here, with its last entry (ISO/IEC 7816-4:2020, 11.3.3)
        if len(content) >= MAX_DIRECTORY_FILE:
            raise unreadable(f"file {path.hex().upper()} is larger than a directory file should be")
    if position < len(content) and content[position] not in _FILLERS:
        raise unreadable(f"file {path.hex().upper()} ends in the middle of an entry")
    if not _is_filler(content[position:], after_an_entry=bool(entries)):
        raise unreadable(f"file {path.hex().upper()} holds something else than entries")
    return tuple(entries)


def _is_filler(rest: bytearray, *, after_an_entry: bool) -> bool:
    """Tell whether what follows the entries is filler, as far as it was read.

    A 00 after an entry ends the file, whatever an older and longer content has left behind it.
    """
    return (after_an_entry and rest[:1] == b"\0") or len(set(rest)) <= 1


def _take(content: bytearray, position: int, entries: list[bytes]) -> int:
    """Move the whole entries of `content` from `position` on to `entries`; return the position after the last."""
    while position < len(content) and content[position] not in _FILLERS:
        try:
            header, length = tlv.header(content, position)
        except tlv.TlvError:
            if len(content) - position > _LONGEST_HEADER:
                raise unreadable("a directory entry is no data object") from None
            return position
        end = position + header + length
        if end > MAX_DIRECTORY_FILE:
            raise unreadable("a directory entry promises more than a directory file holds")
        if end > len(content):
            return position
        if len(entries) >= MAX_OBJECTS:
            raise unreadable(f"a directory file has more than {MAX_OBJECTS} entries")
        entries.append(bytes(content[position:end]))
        position = end
    return position


def read_object(
    channel: Channel, path: bytes, start: int = 0, length: int | None = None, piece: int = MAX_SHORT_LE
) -> bytes:
    """Return the one data object in the EF at `path`: a certificate, or EF.TokenInfo.

    `start` and `length` are those of the PKCS#15 path. Without a length the object's own header tells how much to
    read. Empty if the file holds nothing. Raises FileAbsent, or card.unreadable.
    """
    select(channel, path)
    if length is not None and not 0 < length <= MAX_CERTIFICATE:
        raise unreadable(f"an object of {length} bytes")
    content = b"".join(_object(channel, start, length or MAX_CERTIFICATE, piece))
    if not content or content[0] in _FILLERS:
        return b""
    try:
        header, value = tlv.header(content)
    except tlv.TlvError:
        raise unreadable(f"file {path.hex().upper()} holds no data object") from None
    if header + value > len(content):
        raise unreadable(f"file {path.hex().upper()} is shorter than its contents say")
    return content[: header + value]


def _object(channel: Channel, start: int, wanted: int, piece: int) -> Iterator[bytes]:
    """Read the first piece to learn the length, then no byte more than the object has."""
    first = next(iter(commands.read_binary(channel, start, min(wanted, piece), piece)), b"")
    if not first:
        return
    yield first
    try:
        header, value = tlv.header(first)
    except tlv.TlvError:
        return
    if header + value > MAX_CERTIFICATE:
        raise unreadable(f"an object that promises {value} bytes")
    rest = min(header + value, wanted) - len(first)
    if rest > 0:
        yield from commands.read_binary(channel, start + len(first), rest, piece)
