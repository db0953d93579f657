"""BER-TLV: ISO/IEC 7816-4:2020, 6.3, against objects written out by hand."""

import pytest

from sithsd.iso7816 import tlv
from sithsd.iso7816.tlv import Tlv, TlvError

FCP = bytes.fromhex("6F11 82023F00 83025015 A507 9F650101 7F4900")


def test_objects_inside_objects_are_found() -> None:
    """A constructed object yields its children, with tags of one byte and of two."""
    (fcp,) = tlv.parse(FCP)
    assert fcp.tag == 0x6F
    assert [child.tag for child in fcp.children()] == [0x82, 0x83, 0xA5]
    proprietary = fcp.find(0xA5)
    assert proprietary is not None
    assert proprietary.children() == (Tlv(0x9F65, b"\x01"), Tlv(0x7F49, b""))
    assert fcp.find(0x9F65) is None


@pytest.mark.parametrize(
    ("tag", "constructed"),
    [(0x6F, True), (0x82, False), (0x7F49, True), (0x9F65, False), (0x5FC102, False), (0x7FC120, True), (0x00, False)],
)
def test_bit_6_of_the_first_byte_says_constructed(tag: int, constructed: bool) -> None:
    """The bit is read from the tag's first byte, however long the tag is (ISO/IEC 8825-1, 8.1.2.5)."""
    assert Tlv(tag, b"").constructed is constructed


@pytest.mark.parametrize(
    ("length", "written"),
    [(0, "00"), (127, "7F"), (128, "8180"), (255, "81FF"), (256, "820100"), (65535, "82FFFF"), (65536, "83010000")],
)
def test_a_length_is_as_short_as_can_be(length: int, written: str) -> None:
    """The boundary values have the length fields of ISO/IEC 8825-1, 10.1, and are read back."""
    assert tlv.encode_length(length) == bytes.fromhex(written)
    encoded = tlv.encode(0x53, bytes(length))
    assert encoded == b"\x53" + bytes.fromhex(written) + bytes(length)
    assert tlv.read(encoded) == (Tlv(0x53, bytes(length)), len(encoded))


def test_a_longer_length_field_than_needed_is_understood() -> None:
    """BER allows them (8.1.3.5), and cards send them."""
    assert tlv.read(bytes.fromhex("04820002AABB")) == (Tlv(0x04, b"\xaa\xbb"), 6)


def test_reading_goes_on_where_it_ended() -> None:
    """`read` begins anywhere and says where it stopped, so what comes after is the caller's."""
    data = bytes.fromhex("FF 0401AA 0402BBCC 00")
    first, position = tlv.read(data, 1)
    second, position = tlv.read(data, position)
    assert (first.value, second.value, position) == (b"\xaa", b"\xbb\xcc", 8)


def test_a_header_tells_the_size_before_the_value_is_there() -> None:
    """The first bytes of a file are enough to know how much to read of it."""
    assert tlv.header(bytes.fromhex("308205DC")) == (4, 1500)
    assert tlv.header(bytes.fromhex("AA7F498103"), 1) == (4, 3)


@pytest.mark.parametrize(
    "raw",
    [
        "04",  # no length
        "1F",  # a tag that goes on and does not
        "9F81",  # the same, one byte later
        "9F81818101 00",  # a tag of five bytes
        "0480AABB0000",  # an indefinite length
        "0484000000 0100",  # a length of four bytes
        "0482 01",  # a length cut short
        "0403AABB",  # a value cut short
        "0400 04",  # a second object without a length
        "04FF",  # a reserved length
        "0483FFFFFF",  # a value of 16 MiB that is not there
    ],
)
def test_malformed_data_is_refused(raw: str) -> None:
    """What is no row of whole data objects raises TlvError, and no other error."""
    with pytest.raises(TlvError):
        tuple(tlv.parse(bytes.fromhex(raw)))


@pytest.mark.parametrize("raw", ["", "1F", "3082", "3082 05", "30 80", "30 84 00000001"])
def test_a_header_that_is_not_whole_is_refused(raw: str) -> None:
    """A size is told only when the whole header is there."""
    with pytest.raises(TlvError):
        tlv.header(bytes.fromhex(raw))


def test_a_malformed_object_is_found_out_among_children() -> None:
    """Neither `children` nor `find` passes over what it can't read, even after what it looked for."""
    broken = Tlv(0x30, bytes.fromhex("0401AA 0405BB"))
    with pytest.raises(TlvError):
        broken.children()
    with pytest.raises(TlvError):
        broken.find(0x04)


@pytest.mark.parametrize("tag", [-1, 0x1F, 0x8281, 0x9F81, 0x9F6500, 0x9F818101, 0x100])
def test_a_number_that_is_no_tag_is_not_written(tag: int) -> None:
    """Nothing is encoded that would be read back as something else."""
    with pytest.raises(TlvError):
        tlv.encode(tag, b"")


def test_a_value_longer_than_the_readers_bound_is_not_written() -> None:
    """A length field of four bytes would be refused when read, so it is not written."""
    with pytest.raises(TlvError):
        tlv.encode_length(1 << 24)
    with pytest.raises(TlvError):
        tlv.encode_length(-1)
