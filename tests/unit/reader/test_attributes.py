"""What a reader tells of itself."""

from collections.abc import Callable

import pytest

from sithsd.errors import ErrorCode, SithsdError
from sithsd.iso7816.atr import Rate
from sithsd.reader import attributes, scard
from sithsd.reader.attributes import ReaderFacts, ask_reader
from sithsd.reader.connection import CardConnection


def told(**values: bytes) -> Callable[[int], bytes | None]:
    """Return a reader that tells these attributes, by their names in lower case."""
    codes = {getattr(attributes, name.upper()): value for name, value in values.items()}
    return codes.get


def test_a_reader_that_tells_nothing() -> None:
    """What is not told is None; the protocol is the service's own word."""
    assert ask_reader(told(), 1) == ReaderFacts(protocol=1)


@pytest.mark.parametrize("width", [4, 8])
def test_numbers_of_either_width(width: int) -> None:
    """A DWORD is four bytes by the standard and eight by pcsc-lite's type: both are read."""

    def number(value: int) -> bytes:
        return value.to_bytes(width, "little")

    facts = ask_reader(
        told(
            current_protocol_type=number(2),
            current_clk=number(4800),
            current_f=number(372),
            current_d=number(12),
            channel_id=number(0x0020_0305),
            vendor_ifd_version=number(0x0102_0034),
        ),
        1,
    )
    assert facts == ReaderFacts(1, 1, Rate(372, 12), 4800, None, None, "1.2.52", 3, 5)


@pytest.mark.parametrize(
    ("value", "protocol"), [(b"\x01", 0), (b"\x02\0\0\0", 1), (b"\0\0\0\0", None), (b"\x03", None), (b"", None)]
)
def test_the_protocol_by_the_readers_own_word(value: bytes, protocol: int | None) -> None:
    """T=0 and T=1 are bits; none of them, or both, tells nothing."""
    assert ask_reader(told(current_protocol_type=value), 0).told_protocol == protocol


@pytest.mark.parametrize("value", [b"", b"\0\0\0\0", bytes(9), b"\xff" * 200])
def test_a_number_that_is_none(value: bytes) -> None:
    """An empty value, 0 and one that is too long are no rate and no clock."""
    facts = ask_reader(told(current_f=value, current_d=b"\x01", current_clk=value, vendor_ifd_version=value), 1)
    assert facts == ReaderFacts(protocol=1)


def test_half_a_rate_is_none() -> None:
    """F without D, or D without F, is no rate."""
    assert ask_reader(told(current_f=b"\x74\x01"), 1).rate is None
    assert ask_reader(told(current_d=b"\x01"), 1).rate is None


def test_a_reader_that_is_on_no_usb() -> None:
    """A channel of another kind (a serial port, 0x0001) is no place on the USB."""
    facts = ask_reader(told(channel_id=(0x0001_0305).to_bytes(4, "little")), 1)
    assert (facts.usb_bus, facts.usb_device) == (None, None)


def test_names_are_bounded_and_harmless() -> None:
    """A name ends at its NUL, has at most 64 letters, and none that could drive a terminal."""
    facts = ask_reader(told(vendor_name=b"ACME\0\xff", vendor_ifd_type=b"\x1b[31m" + b"x" * 500), 1)
    assert facts.vendor == "ACME"
    assert facts.model == "?[31m" + "x" * 59


class Handle:
    """A card handle of which only attributes can be had."""

    protocol = 1

    def __init__(self, code: int) -> None:
        self._code = code

    def attribute(self, _code: int) -> bytes | None:
        """Fail."""
        raise scard.PcscError(self._code, "SCardGetAttrib")


def test_a_service_that_goes_away_is_told() -> None:
    """A question that fails because pcscd is gone is pcsc.unavailable, never an attribute that is not told."""
    with pytest.raises(SithsdError) as caught:
        CardConnection(Handle(scard.NO_SERVICE)).reader_facts()
    assert caught.value.code is ErrorCode.PCSC_UNAVAILABLE
