"""PIN_VERIFY and PIN_MODIFY structures, written out by hand from PC/SC part 10, and the commands made of them."""

import pytest

from sithsd.simulator.pin_template import PinTemplate, TemplateError, Until

FF8, FF16 = "FF" * 8, "FF" * 16


def verify(  # noqa: PLR0913, PLR0917 - the structure's fields
    form: str = "82", block: str = "08", length: str = "00", extra: str = "0806", until: str = "02",
    command: str = "0020000108" + FF8,
) -> bytes:  # fmt: skip
    """Write a PIN_VERIFY structure: 30 s twice, no message, English, no T=1 prologue. `extra` is little-endian."""
    apdu = bytes.fromhex(command)
    head = f"1E 1E {form} {block} {length} {extra} {until} 00 0904 00 000000"
    return bytes.fromhex(head) + len(apdu).to_bytes(4, "little") + apdu


def modify(  # noqa: PLR0913, PLR0917 - the structure's fields
    form: str = "82", block: str = "08", length: str = "00", offsets: str = "00 08", extra: str = "0806",
    confirm: str = "03", command: str = "0024000110" + FF16,
) -> bytes:  # fmt: skip
    """Write a PIN_MODIFY structure: 30 s twice, ended by a key, three messages, English, no T=1 prologue."""
    apdu = bytes.fromhex(command)
    head = f"1E 1E {form} {block} {length} {offsets} {extra} {confirm} 02 03 0904 00 01 02 000000"
    return bytes.fromhex(head) + len(apdu).to_bytes(4, "little") + apdu


def test_the_fields_of_a_verification() -> None:
    """Times, lengths (YYXX in the host's order), conditions; the PIN is asked once."""
    template = PinTemplate.verify(verify(extra="0C04", until="07"))
    assert (template.seconds, template.seconds_after_key) == (30, 30)
    assert (template.min_length, template.max_length) == (4, 12)
    assert template.until == Until.MAX_LENGTH | Until.KEY | Until.TIME_OUT
    assert (template.asks_old, template.asks_new, template.confirms) == (True, False, False)


@pytest.mark.parametrize(
    ("form", "block", "length", "command", "pin", "sent"),
    [
        # ASCII, left, in a block of 8 bytes that the template has filled with FF.
        ("82", "08", "00", "0020000108" + FF8, "123456", "0020000108 313233343536FFFF"),
        ("82", "08", "00", "0020000108" + FF8, "12345678", "0020000108 3132333435363738"),
        # The template's own filler stays, whatever it is.
        ("82", "08", "00", "0020008108" + "00" * 8, "1234", "0020008108 3132333400000000"),
        # ASCII, right.
        ("86", "08", "00", "0020000108" + FF8, "123456", "0020000108 FFFF313233343536"),
        # ASCII, one byte from the data's beginning.
        ("8A", "08", "00", "0020000109 AA" + FF8, "1234", "0020000109 AA31323334FFFFFFFF"),
        # No block size: as long as the PIN; Lc follows, with and without one in the template.
        ("82", "00", "00", "00200001", "123456", "0020000106 313233343536"),
        ("82", "00", "00", "0020000100", "1234", "0020000104 31323334"),
        ("82", "00", "00", "0020000108" + FF8, "1234", "0020000108 31323334FFFFFFFF"),
        # BCD, left and right, an odd number of digits.
        ("81", "08", "00", "0020000108" + FF8, "12345", "0020000108 12345FFFFFFFFFFF"),
        ("85", "08", "00", "0020000108" + FF8, "12345", "0020000108 FFFFFFFFFFF12345"),
        # The GlobalPlatform PIN block: control nibble 2, the length in 4 bits at bit 4, BCD from bit 8.
        ("41", "47", "04", "0020000008 20FFFFFFFFFFFFFF", "12345", "0020000008 2512345FFFFFFFFF"),
        # The same with the PIN's place in bytes, and a length of 8 bits at byte 0.
        ("89", "87", "10", "0020000008 00FFFFFFFFFFFFFF", "123456", "0020000008 06123456FFFFFFFF"),
    ],
)
def test_a_pin_is_laid_into_the_command(  # noqa: PLR0913, PLR0917 - a row of the table
    form: str, block: str, length: str, command: str, pin: str, sent: str
) -> None:
    """The digits are coded, justified and placed as the three format bytes say."""
    template = PinTemplate.verify(verify(form, block, length, command=command))
    assert template.apdu(pin) == bytes.fromhex(sent)


@pytest.mark.parametrize(
    ("confirm", "asks"),
    [("00", (False, False)), ("01", (False, True)), ("02", (True, False)), ("03", (True, True))],
)
def test_what_a_modification_asks_for(confirm: str, asks: tuple[bool, bool]) -> None:
    """Bit 0 of bConfirmPIN asks for the new PIN again, bit 1 for the current one."""
    template = PinTemplate.modify(modify(confirm=confirm))
    assert (template.asks_old, template.confirms) == asks
    assert template.asks_new


@pytest.mark.parametrize(
    ("options", "sent"),
    [
        ({}, "0024000110 313233343536FFFF 39313832373333FF"),
        # RESET RETRY COUNTER: the PUK where the current PIN is.
        ({"command": "002C000110" + FF16}, "002C000110 313233343536FFFF 39313832373333FF"),
        # RESET RETRY COUNTER of a verified PUK: the new PIN alone.
        ({"confirm": "01", "offsets": "00 00", "command": "002C020108" + FF8}, "002C020108 39313832373333FF"),
        # The offsets may be the other way round.
        ({"offsets": "08 00"}, "0024000110 39313832373333FF 313233343536FFFF"),
        # The template has no data field yet.
        ({"command": "00240001"}, "0024000110 313233343536FFFF 39313832373333FF"),
    ],
)
def test_both_pins_are_laid_into_the_command(options: dict[str, str], sent: str) -> None:
    """The current PIN and the new one stand at their offsets."""
    template = PinTemplate.modify(modify(**options))
    assert template.apdu("123456", "9182733") == bytes.fromhex(sent)


@pytest.mark.parametrize(
    "structure",
    [
        b"",
        verify()[:18],
        verify()[:-1],
        verify() + b"\0",
        verify(form="80"),  # binary
        verify(form="83"),
        verify(extra="0609"),  # at least 9, at most 6
        verify(extra="0000"),
        verify(until="00"),
        verify(until="08"),
        verify(command="0020"),
        verify(command="0020000108" + "FF" * 7),
    ],
)
def test_a_structure_that_makes_no_sense(structure: bytes) -> None:
    """It is refused as a whole, before anybody is asked for a PIN."""
    with pytest.raises(TemplateError):
        PinTemplate.verify(structure)


@pytest.mark.parametrize(
    ("form", "block", "length", "pin"),
    [
        ("82", "04", "00", "123456"),  # a PIN longer than its block
        ("0A", "08", "00", "1234"),  # one bit from the beginning
        ("82", "2F", "00", "12345"),  # 5 does not fit into two bits
        ("82", "88", "1F", "1234"),  # a length behind the end of the data
    ],
)
def test_a_pin_that_does_not_fit(form: str, block: str, length: str, pin: str) -> None:
    """No command is made of it."""
    with pytest.raises(TemplateError):
        PinTemplate.verify(verify(form, block, length)).apdu(pin)


def test_a_template_does_not_show_its_data() -> None:
    """What the template's data field holds is in no repr."""
    assert "data" not in repr(PinTemplate.verify(verify()))
    assert "command" not in repr(PinTemplate.verify(verify()))
