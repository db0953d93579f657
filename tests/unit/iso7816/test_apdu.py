"""Command APDUs: every case of ISO/IEC 7816-3:2006, 12.1, against bytes written out by hand."""

import pytest

from sithsd.iso7816.apdu import MAX_EXTENDED_DATA, MAX_EXTENDED_LE, ApduError, CommandApdu, decode

LONG = bytes(range(256)) + b"\x00"  # 257 bytes: too many for a short Lc

CASES = {
    "1": (CommandApdu(0x00, 0x44, 0x00, 0x00), "00440000"),
    "2 short": (CommandApdu(0x00, 0xB0, 0x01, 0x02, le=5), "00B0010205"),
    "2 short, all there is": (CommandApdu(0x00, 0xB0, 0x00, 0x00, le=256), "00B0000000"),
    "2 extended": (CommandApdu(0x00, 0xB0, 0x00, 0x00, le=257), "00B00000000101"),
    "2 extended, all there is": (CommandApdu(0x00, 0xB0, 0x00, 0x00, le=65536), "00B00000000000"),
    "3 short": (CommandApdu(0x00, 0xA4, 0x00, 0x0C, b"\x3f\x00"), "00A4000C023F00"),
    "3 extended": (CommandApdu(0x00, 0xD6, 0x00, 0x00, LONG), "00D60000000101" + LONG.hex()),
    "4 short": (CommandApdu(0x00, 0xA4, 0x04, 0x00, b"\xa0\x01", 256), "00A4040002A00100"),
    "4 extended by Lc": (CommandApdu(0x00, 0x2A, 0x9E, 0x9A, LONG, 256), "002A9E9A000101" + LONG.hex() + "0100"),
    "4 extended by Le": (CommandApdu(0x00, 0x2A, 0x9E, 0x9A, b"\x07", 300), "002A9E9A00000107012C"),
    "4 extended, all there is": (CommandApdu(0x00, 0x2A, 0x9E, 0x9A, b"\x07", 65536), "002A9E9A000001070000"),
}


@pytest.mark.parametrize(("command", "written"), CASES.values(), ids=CASES.keys())
def test_each_case_has_the_bytes_of_the_standard(command: CommandApdu, written: str) -> None:
    """A command is encoded as the standard writes it, and read back from those bytes as itself."""
    assert command.encode() == bytes.fromhex(written)
    assert decode(bytes.fromhex(written)) == command


def test_the_longest_data_field_is_encoded() -> None:
    """65535 bytes are the most an extended Lc can tell, and they fit."""
    command = CommandApdu(0x00, 0xD6, 0x00, 0x00, bytes(MAX_EXTENDED_DATA), MAX_EXTENDED_LE)
    assert decode(command.encode()) == command


def test_an_extended_le_that_would_fit_a_short_one_is_understood() -> None:
    """A reader of commands accepts the longer form, though the writer never chooses it."""
    command = decode(bytes.fromhex("00B00000 00 0005"))
    assert command == CommandApdu(0x00, 0xB0, 0x00, 0x00, le=5)
    assert command.encode() == bytes.fromhex("00B0000005")


@pytest.mark.parametrize(
    "fields",
    [
        {"cla": 0x100},
        {"ins": -1},
        {"p1": 256},
        {"p2": 1000},
        {"data": bytes(MAX_EXTENDED_DATA + 1)},
        {"le": 0},
        {"le": -1},
        {"le": MAX_EXTENDED_LE + 1},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_a_field_out_of_range_is_refused(fields: dict[str, object]) -> None:
    """What has no encoding raises ApduError: it is neither cut nor wrapped around."""
    with pytest.raises(ApduError):
        CommandApdu(**{"cla": 0, "ins": 0, "p1": 0, "p2": 0, **fields}).encode()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "00A404",
        "00A4040003AABB",  # Lc 3, two bytes
        "00A4040001AABBCC",  # Lc 1, data, Le, and one more
        "00B000000000",  # an extended Le cut short
        "00B00000000000AA",  # extended with Lc 0 and a data field
        "00D600000000000000",  # extended with Lc 0 and an Le
        "00D60000000002AA",  # extended Lc 2, one byte
        "00D60000000001AA00",  # a short Le in an extended command
        "00D60000000001AA000000",
    ],
)
def test_bytes_that_do_not_add_up_are_refused(raw: str) -> None:
    """A command is read only if every byte of it is accounted for."""
    with pytest.raises(ApduError):
        decode(bytes.fromhex(raw))


def test_the_repr_never_shows_the_data_field() -> None:
    """The data field of a VERIFY is a code, so a command shows its header and lengths only."""
    command = CommandApdu(0x00, 0x20, 0x00, 0x81, b"739146", None)
    assert repr(command) == str(command) == "CommandApdu(00 20 00 81, Lc=6, Le=None)"


def test_the_errors_never_quote_the_data_field() -> None:
    """A malformed VERIFY may hold a code as well: the refusal tells nothing of its bytes."""
    with pytest.raises(ApduError) as refusal:
        decode(b"\x00\x20\x00\x81\x08739146")
    assert "739146" not in str(refusal.value)
    assert "37" not in str(refusal.value)


def test_the_repr_of_an_impossible_command_still_works() -> None:
    """A `repr` is what a log shows of a faulty command: it does not raise an error of its own."""
    assert "Lc=1" in repr(CommandApdu(0x100, -1, 0, 0, b"\x01"))
