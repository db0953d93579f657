"""SELECT and READ BINARY on the card's file system."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sithsd.iso7816 import tlv
from sithsd.iso7816.apdu import CommandApdu
from sithsd.simulator.answers import Answer, Refusal
from sithsd.simulator.card import Card
from sithsd.simulator.files import MF, DedicatedFile, ElementaryFile, FileSystem

CONTENT = bytes(number % 251 for number in range(700))
AID = bytes.fromhex("A000000063504B43532D3135")


@pytest.fixture
def files() -> FileSystem:
    """MF with EF 2F00 and DF 5015 (an application) that holds EF 5031, key 4B01 and DF 5016 with EF 0001."""
    root = DedicatedFile(MF)
    root.add(ElementaryFile(0x2F00, b"directory", sfi=0x1E))
    application = DedicatedFile(0x5015, aid=AID)
    root.add(application)
    application.add(ElementaryFile(0x5031, CONTENT, sfi=0x11))
    application.add(ElementaryFile(0x4B01, None, guard=1))
    inner = DedicatedFile(0x5016)
    application.add(inner)
    inner.add(ElementaryFile(0x0001, b"inner"))
    return FileSystem(root)


def select(files: FileSystem, p1: int, data: str, p2: int = 0x04) -> int:
    """Select, and return the identifier that the FCP tells."""
    answer = files.select(CommandApdu(0, 0xA4, p1, p2, bytes.fromhex(data), 256))
    return _identifier(answer)


def _identifier(answer: Answer) -> int:
    template, _ = tlv.read(answer.data)
    found = template.find(0x83)
    assert found is not None
    return int.from_bytes(found.value, "big")


def refused(act: Callable[[], object]) -> int:
    """Return the status word of the refusal that `act` meets."""
    with pytest.raises(Refusal) as caught:
        act()
    return caught.value.status


def read(files: FileSystem, p1: int, p2: int, le: int | None = 256, data: bytes = b"") -> Answer:
    """READ BINARY B0."""
    return files.read_binary(CommandApdu(0, 0xB0, p1, p2, data, le))


def test_a_file_is_found_by_each_way_of_naming_it(files: FileSystem) -> None:
    """ISO 7816-4, table 63: identifier, child DF, child EF, parent, name, path from the MF and from the current DF."""
    assert select(files, 0x04, AID.hex()) == 0x5015
    assert select(files, 0x00, "5031") == 0x5031
    assert select(files, 0x02, "5031") == 0x5031
    assert select(files, 0x01, "5016") == 0x5016
    assert select(files, 0x03, "") == 0x5015
    assert select(files, 0x09, "50160001") == 0x0001
    assert select(files, 0x08, "50155031") == 0x5031
    assert select(files, 0x00, "3F00") == 0x3F00
    assert select(files, 0x00, "") == 0x3F00


def test_a_name_cut_short_selects_the_application(files: FileSystem) -> None:
    """ISO 7816-4, 7.3.2: a right-truncated AID is enough; there is no next occurrence of it."""
    assert select(files, 0x04, "A000000063") == 0x5015
    assert refused(lambda: select(files, 0x04, "A000000063", p2=0x06)) == 0x6A82


def test_by_identifier_the_parent_and_its_children_are_reached(files: FileSystem) -> None:
    """A file next to the current DF, and the DF above it, answer to their identifiers."""
    select(files, 0x04, AID.hex())
    assert select(files, 0x00, "2F00") == 0x2F00
    select(files, 0x08, "50155016")
    assert select(files, 0x00, "5015") == 0x5015
    assert select(files, 0x00, "5015") == 0x5015


@pytest.mark.parametrize(
    ("p1", "data", "status"),
    [
        (0x00, "9999", 0x6A82),
        (0x01, "2F00", 0x6A82),
        (0x02, "5015", 0x6A82),
        (0x02, "9999", 0x6A82),
        (0x03, "", 0x6A82),
        (0x03, "00", 0x6A87),
        (0x04, "A0000000FF", 0x6A82),
        (0x04, "00" * 17, 0x6A87),
        (0x04, "", 0x6A87),
        (0x08, "50159999", 0x6A82),
        (0x08, "2F009999", 0x6A82),
        (0x08, "501550", 0x6A87),
        (0x08, "", 0x6A87),
        (0x00, "50", 0x6A87),
        (0x05, "5015", 0x6A86),
    ],
)
def test_what_is_not_there_is_refused_by_name(files: FileSystem, p1: int, data: str, status: int) -> None:
    """Not found is 6A82, a data field of the wrong length 6A87, an unknown way of selecting 6A86."""
    assert refused(lambda: select(files, p1, data)) == status


@pytest.mark.parametrize("p2", [0x10, 0x08, 0x01])
def test_select_refuses_control_parameters_it_does_not_have(files: FileSystem, p2: int) -> None:
    """FMD templates, reserved bits, and "last occurrence" of an identifier are refused 6A86."""
    assert refused(lambda: select(files, 0x00, "2F00", p2=p2)) == 0x6A86


def test_a_refused_select_leaves_the_current_file(files: FileSystem) -> None:
    """ISO 7816-4, 11.2.2: on an error the file selected before stays selected."""
    select(files, 0x08, "50155031")
    assert refused(lambda: select(files, 0x00, "9999")) == 0x6A82
    assert read(files, 0, 0, 4).data == CONTENT[:4]


def test_select_answers_what_p2_asks_for(files: FileSystem) -> None:
    """P2 00 brings an FCI (6F), 04 an FCP (62), 0C nothing; the FCP tells size and life cycle."""
    for p2, tag in ((0x00, 0x6F), (0x04, 0x62)):
        answer = files.select(CommandApdu(0, 0xA4, 8, p2, bytes.fromhex("50155031"), 256))
        template, _ = tlv.read(answer.data)
        assert template.tag == tag
        assert {item.tag: item.value for item in template.children()} == {
            0x80: (700).to_bytes(2, "big"),
            0x82: b"\x01",
            0x83: b"\x50\x31",
            0x86: b"\x0f\xff\xff",
            0x8A: b"\x05",
            0x88: b"\x88",
        }
    assert files.select(CommandApdu(0, 0xA4, 8, 0x0C, bytes.fromhex("50155031"))) == Answer()


def test_a_key_is_an_internal_file_that_is_never_read(files: FileSystem) -> None:
    """A key's EF tells its code in the security attributes, and READ BINARY on it is refused 6981."""
    answer = files.select(CommandApdu(0, 0xA4, 8, 4, bytes.fromhex("50154B01"), 256))
    template, _ = tlv.read(answer.data)
    access = template.find(0x86)
    assert access is not None
    assert access.value == b"\x1f\xff\xff"
    assert refused(lambda: read(files, 0, 0)) == 0x6981


@given(offset=st.integers(0, 699), length=st.integers(1, 256))
def test_read_binary_gives_exactly_the_bytes_there_are(offset: int, length: int) -> None:
    """From every offset come the bytes of the file; 6282 tells that there are fewer than asked for."""
    root = DedicatedFile(MF)
    root.add(ElementaryFile(0x0001, CONTENT))
    files = FileSystem(root)
    select(files, 0, "0001")
    answer = read(files, offset >> 8, offset & 0xFF, length)
    assert answer.data == CONTENT[offset : offset + length]
    whole = len(answer.data) == length or length == 256
    assert answer.status == (0x9000 if whole else 0x6282)


def test_read_binary_by_short_identifier_selects_the_file(files: FileSystem) -> None:
    """With bit 8 of P1 the EF is named by its short identifier and becomes the current one."""
    select(files, 0x04, AID.hex())
    assert read(files, 0x80 | 0x11, 2, 3).data == CONTENT[2:5]
    assert read(files, 0, 0, 3).data == CONTENT[:3]
    assert refused(lambda: read(files, 0x80 | 0x1E, 0)) == 0x6A82
    assert refused(lambda: read(files, 0xC0, 0)) == 0x6A86


def test_read_binary_b1_reads_past_offset_32767_and_within_le(files: FileSystem) -> None:
    """The odd instruction takes the offset from data object 54 and answers in 53, all of it within Le."""
    select(files, 0x08, "50155031")
    for offset, le in ((0, 5), (600, 256), (3, 129), (0, 130)):
        command = CommandApdu(0, 0xB1, 0, 0, tlv.encode(0x54, offset.to_bytes(3, "big")), le)
        answer = files.read_binary_object(command)
        item, end = tlv.read(answer.data)
        assert (item.tag, end) == (0x53, len(answer.data))
        assert len(answer.data) <= le
        assert item.value == CONTENT[offset : offset + len(item.value)]
    beyond = CommandApdu(0, 0xB1, 0, 0, tlv.encode(0x54, b"\x01\x00\x00"), 256)
    assert refused(lambda: files.read_binary_object(beyond)) == 0x6B00


@pytest.mark.parametrize(
    ("p1", "data", "le", "status"),
    [
        (0x50, "540100", 256, 0x6A86),
        (0x00, "530100", 256, 0x6A80),
        (0x00, "5401", 256, 0x6A80),
        (0x00, "", 256, 0x6A80),
        (0x00, "540100", None, 0x6700),
    ],
)
def test_read_binary_b1_refuses_what_is_no_offset(
    files: FileSystem, p1: int, data: str, le: int | None, status: int
) -> None:
    """A file identifier in P1-P2, another data object, a broken one, or no Le are refused by name."""
    select(files, 0x08, "50155031")
    command = CommandApdu(0, 0xB1, p1, 0, bytes.fromhex(data), le)
    assert refused(lambda: files.read_binary_object(command)) == status


def test_reading_needs_a_file_an_offset_inside_it_and_le(files: FileSystem) -> None:
    """6986 without a current EF, 6B00 outside of it, 6700 without Le or with a data field."""
    assert refused(lambda: read(files, 0, 0)) == 0x6986
    select(files, 0x08, "50155031")
    assert refused(lambda: read(files, 700 >> 8, 700 & 0xFF)) == 0x6B00
    assert refused(lambda: read(files, 0, 0, None)) == 0x6700
    assert refused(lambda: read(files, 0, 0, 256, b"x")) == 0x6700


def test_a_card_begins_at_the_mf(card: Callable[..., Card]) -> None:
    """After power-on and after a reset the MF is selected, and nothing of an application."""
    taken = card()
    taken.transmit(bytes.fromhex("00A4080C0450155031"))
    assert taken.transmit(bytes.fromhex("00B0000001"))[1] == 0x9000
    taken.reset()
    assert taken.transmit(bytes.fromhex("00B0000001"))[1] == 0x6986
    assert taken.transmit(bytes.fromhex("00A4020C022F00"))[1] == 0x9000
