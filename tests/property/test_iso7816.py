"""What holds for every input of the ISO 7816 codecs: round trips, and no error but their own."""

from functools import reduce
from operator import xor

from hypothesis import given, settings
from hypothesis import strategies as st

from sithsd.iso7816 import apdu, atr, tlv
from sithsd.iso7816.apdu import ApduError, CommandApdu
from sithsd.iso7816.atr import AtrError
from sithsd.iso7816.tlv import Tlv, TlvError

BYTE = st.integers(0, 255)
# Whatever the machine is doing meanwhile, only the outcome counts.
PATIENT = settings(deadline=None)

COMMANDS = st.builds(
    CommandApdu,
    BYTE,
    BYTE,
    BYTE,
    BYTE,
    st.binary(max_size=8) | st.binary(min_size=250, max_size=260),
    st.none() | st.integers(1, 300) | st.integers(65500, 65536),
)

TAGS = st.one_of(
    st.integers(0, 0xFF).filter(lambda tag: tag & 0x1F != 0x1F),
    st.builds(lambda first, last: first << 8 | last, st.sampled_from([0x1F, 0x5F, 0x7F, 0x9F]), st.integers(0, 0x7F)),
    st.builds(
        lambda first, middle, last: first << 16 | middle << 8 | last,
        st.sampled_from([0x1F, 0x5F, 0x7F, 0xFF]),
        st.integers(0x80, 0xFF),
        st.integers(0, 0x7F),
    ),
)
VALUES = st.binary(max_size=40) | st.integers(120, 300).map(bytes)


@PATIENT
@given(COMMANDS)
def test_a_command_is_read_back_as_itself(command: CommandApdu) -> None:
    """`decode` undoes `encode` for every command that has an encoding."""
    assert apdu.decode(command.encode()) == command


@PATIENT
@given(st.binary(max_size=300) | st.binary(max_size=12).map(lambda tail: bytes([0, 0xB0, 0, 0, 0]) + tail))
def test_any_bytes_are_a_command_or_an_apdu_error(raw: bytes) -> None:
    """What `decode` accepts means the same when written again, never at greater length; the rest is refused by name."""
    try:
        command = apdu.decode(raw)
    except ApduError:
        return
    written = command.encode()
    assert len(written) <= len(raw)
    assert apdu.decode(written) == command


@PATIENT
@given(COMMANDS)
def test_no_digit_of_a_data_field_is_in_a_repr(command: CommandApdu) -> None:
    """The `repr` of two commands that differ in their data field alone is the same."""
    blank = CommandApdu(command.cla, command.ins, command.p1, command.p2, bytes(len(command.data)), command.le)
    assert repr(command) == repr(blank)


@PATIENT
@given(st.lists(st.tuples(TAGS, VALUES), max_size=6))
def test_a_row_of_objects_is_read_back_as_itself(items: list[tuple[int, bytes]]) -> None:
    """`parse` undoes `encode`, object by object, to the last byte."""
    encoded = b"".join(tlv.encode(tag, value) for tag, value in items)
    assert list(tlv.parse(encoded)) == [Tlv(tag, value) for tag, value in items]


@PATIENT
@given(TAGS, VALUES, st.data())
def test_an_object_cut_short_is_refused(tag: int, value: bytes, data: st.DataObject) -> None:
    """No proper beginning of an object is an object."""
    encoded = tlv.encode(tag, value)
    cut = data.draw(st.integers(0, len(encoded) - 1))
    try:
        tlv.read(encoded[:cut])
    except TlvError:
        return
    raise AssertionError(f"{cut} of {len(encoded)} bytes were taken for the whole")


@PATIENT
@given(TAGS, VALUES)
def test_the_header_agrees_with_the_object(tag: int, value: bytes) -> None:
    """`header` tells where the value begins and how long it is, from any beginning that holds the header."""
    encoded = tlv.encode(tag, value)
    size, length = tlv.header(encoded)
    assert encoded[size:] == value
    assert length == len(value)
    assert tlv.header(encoded[:size]) == (size, length)


@PATIENT
@given(st.binary(max_size=200))
def test_any_bytes_are_objects_or_a_tlv_error(raw: bytes) -> None:
    """What `parse` accepts covers every byte once; the rest is refused by name."""
    try:
        items = list(tlv.parse(raw))
    except TlvError:
        return
    assert sum(len(tlv.encode(item.tag, item.value)) for item in items) <= len(raw)


@st.composite
def answers_to_reset(draw: st.DrawFn) -> tuple[bytes, tuple[int, ...], bytes]:
    """Build an ATR by ISO/IEC 7816-3:2006, 8.2; give it, the protocols it names, and its historical bytes."""
    named = draw(st.lists(st.integers(0, 15), max_size=4))
    historical = draw(st.binary(max_size=15))
    body = bytearray()
    half = len(historical)  # the low half of T0, then of each TD
    for protocol in [*named, None]:
        present = draw(st.integers(0, 7))
        more = 0x80 if protocol is not None else 0
        body.append(more | present << 4 | half)
        body += bytes(draw(BYTE) for _ in range(present.bit_count()))
        half = protocol or 0
    body += historical
    if any(named):
        body.append(reduce(xor, body))
    return b"\x3b" + bytes(body), tuple(named), historical


@PATIENT
@given(answers_to_reset().filter(lambda built: len(built[0]) <= atr.MAX_ATR))
def test_an_atr_built_by_the_rules_is_understood(built: tuple[bytes, tuple[int, ...], bytes]) -> None:
    """Protocols and historical bytes come out as they went in."""
    raw, named, historical = built
    parsed = atr.parse(raw)
    assert parsed.historical == historical
    assert parsed.protocols == (tuple(dict.fromkeys(p for p in named if p != 15)) or (0,))
    assert parsed.matches(raw)


@PATIENT
@given(st.binary(max_size=40) | st.binary(max_size=35).map(lambda tail: b"\x3b" + tail))
def test_any_bytes_are_an_atr_or_an_atr_error(raw: bytes) -> None:
    """`parse` never raises anything but its own error, and never invents bytes."""
    try:
        parsed = atr.parse(raw)
    except AtrError:
        return
    assert parsed.raw == raw
    assert parsed.historical in raw
    assert parsed.protocols
