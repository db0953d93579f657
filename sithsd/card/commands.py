"""The commands of ISO/IEC 7816-4 that sithsd sends, one function each. Nothing is sent twice."""

from collections.abc import Iterator

from sithsd.errors import ErrorCode, SithsdError
from sithsd.iso7816.apdu import MAX_SHORT_LE, CommandApdu
from sithsd.iso7816.channel import Channel, Octets
from sithsd.iso7816.status import StatusWord
from sithsd.secret import Secret

_SELECT, _READ_BINARY = 0xA4, 0xB0
_VERIFY, _CHANGE_REFERENCE_DATA, _RESET_RETRY_COUNTER = 0x20, 0x24, 0x2C
# Their data field is a code, or two.
_CODE_INSTRUCTIONS = frozenset({_VERIFY, _CHANGE_REFERENCE_DATA, _RESET_RETRY_COUNTER})
_HEADER = 4
_BY_FILE_ID, _BY_DF_NAME, _FROM_MF, _FROM_CURRENT_DF = 0x00, 0x04, 0x08, 0x09
_NO_RESPONSE = 0x0C
_SHORT_IDENTIFIER = 0x80
MASTER_FILE = b"\x3f\x00"
# READ BINARY has 15 bits of offset (ISO/IEC 7816-4:2020, 11.3.2); no file of a card here comes near it.
MAX_FILE = 0x7FFF
_END_OF_FILE = frozenset({StatusWord.END_OF_FILE, StatusWord.OFFSET_OUTSIDE_FILE})


def select_application(channel: Channel, aid: bytes) -> int:
    """SELECT by DF name (11.2.2), any response ignored; return the status word."""
    _, status_word = channel.transmit(CommandApdu(0, _SELECT, _BY_DF_NAME, _NO_RESPONSE, aid).encode())
    return status_word


def select_file(channel: Channel, path: bytes) -> int:
    """SELECT an EF or DF by `path` (file identifiers, two bytes each), without a response; return the status word.

    A path that begins with 3F00 is taken from the master file, another from the current DF (11.2.2, table 62).
    """
    if path == MASTER_FILE:
        command = CommandApdu(0, _SELECT, _BY_FILE_ID, _NO_RESPONSE, path)
    elif path.startswith(MASTER_FILE):
        command = CommandApdu(0, _SELECT, _FROM_MF, _NO_RESPONSE, path[2:])
    else:
        command = CommandApdu(0, _SELECT, _FROM_CURRENT_DF, _NO_RESPONSE, path)
    _, status_word = channel.transmit(command.encode())
    return status_word


def read_binary(channel: Channel, start: int, length: int, piece: int = MAX_SHORT_LE) -> Iterator[bytes]:
    """Yield the selected EF's bytes from `start`, at most `length`, asking for at most `piece` bytes at a time.

    A card that gives less than was asked for is asked for the rest when the next piece is wanted: whoever has all that
    there is stops taking. Ends at the end of the file. Raises card.unreadable for any other refusal.
    """
    position, end = start, min(start + length, MAX_FILE)
    while position < end:
        wanted = min(end - position, piece)
        command = CommandApdu(0, _READ_BINARY, position >> 8, position & 0xFF, le=wanted)
        data, status_word = channel.transmit(command.encode())
        if status_word == StatusWord.WRONG_LENGTH and piece > MAX_SHORT_LE:
            piece = MAX_SHORT_LE  # this one of the family does not take extended lengths
            continue
        if status_word in _END_OF_FILE:
            if data:
                yield data[:wanted]
            return
        if status_word != StatusWord.SUCCESS:
            raise SithsdError(
                ErrorCode.CARD_UNREADABLE, f"READ BINARY at {position} is refused", status_word=status_word
            )
        if len(data) > wanted:
            raise SithsdError(ErrorCode.CARD_UNREADABLE, "READ BINARY gives more than was asked for")
        if not data:
            return
        yield data
        position += len(data)


def read_piece(channel: Channel, start: int, length: int) -> tuple[bytes, int]:
    """READ BINARY of the selected EF, once; return what comes, with the status word."""
    return channel.transmit(CommandApdu(0, _READ_BINARY, start >> 8, start & 0xFF, le=length).encode())


def read_short_file(channel: Channel, identifier: int, length: int) -> tuple[bytes, int]:
    """READ BINARY the first `length` bytes of the EF with this short identifier in the current DF (11.3.2), once.

    Returns what comes, with the status word. The EF is the current one afterwards.
    """
    return channel.transmit(CommandApdu(0, _READ_BINARY, _SHORT_IDENTIFIER | identifier, 0, le=length).encode())


def verify_status(channel: Channel, reference: int) -> int:
    """VERIFY without data: ask for the state of `reference` (11.6.6); return the status word. Uses no try."""
    _, status_word = channel.transmit(CommandApdu(0, _VERIFY, 0, reference).encode())
    return status_word


def verify_header(reference: int) -> bytes:
    """Return CLA INS P1 P2 of VERIFY (11.6.6)."""
    return bytes((0, _VERIFY, 0, reference))


def change_header(reference: int) -> bytes:
    """Return CLA INS P1 P2 of CHANGE REFERENCE DATA with the present and the new value (11.6.7, P1=00)."""
    return bytes((0, _CHANGE_REFERENCE_DATA, 0, reference))


def unblock_header(reference: int) -> bytes:
    """Return CLA INS P1 P2 of RESET RETRY COUNTER with resetting code and new reference data (11.6.10, P1=00)."""
    return bytes((0, _RESET_RETRY_COUNTER, 0, reference))


def carries_code(command: Octets) -> bool:
    """Tell whether a command has a code in its data field, so that it may use a try or set a value."""
    return command[1] in _CODE_INSTRUCTIONS and len(command) > _HEADER + 1


def send_code(channel: Channel, header: bytes, data: Secret) -> int:
    """Send a command with one code or two in its data field, as the card takes them; return the status word.

    May use a try. The command is overwritten once it is sent. Raises pin.malformed if it would be empty or too long.
    """
    if not 1 <= len(data) <= 0xFF:
        raise SithsdError(ErrorCode.PIN_MALFORMED, "the code does not fit into a command")
    command = bytearray(_HEADER + 1 + len(data))
    command[:_HEADER] = header
    command[_HEADER] = len(data)
    command[_HEADER + 1 :] = data.reveal()
    try:
        return channel.transmit(command)[1]
    finally:
        command[:] = bytes(len(command))
