"""The DER encoder against another implementation."""

from datetime import UTC, datetime

import pytest
from asn1crypto import core
from hypothesis import given
from hypothesis import strategies as st

from sithsd.simulator import der


@given(st.integers(0, 2**70))
def test_integers_are_those_of_another_encoder(value: int) -> None:
    """X.690, 8.3: non-negative integers, with a leading zero byte where the first bit is set."""
    assert der.integer(value) == core.Integer(value).dump()


@given(st.binary(max_size=400))
def test_octet_strings_are_those_of_another_encoder(value: bytes) -> None:
    """X.690, 8.7 and 10.1: the length is as short as it can be."""
    assert der.octets(value) == core.OctetString(value).dump()


@given(st.sets(st.integers(0, 20)))
def test_named_bits_are_those_of_another_encoder(bits: set[int]) -> None:
    """X.690, 11.2.2: bit 0 is the first, trailing zero bits are left out."""

    class Flags(core.BitString):
        _map = {number: str(number) for number in range(21)}  # noqa: RUF012 - asn1crypto's way

    assert der.flags(*bits) == Flags({str(bit) for bit in bits}).dump()


@pytest.mark.parametrize(
    ("encoded", "expected"),
    [
        (der.sequence(der.boolean(value=True), der.boolean(value=False)), "30060101ff010100"),
        (der.text("Åsa"), "0c04c3857361"),
        (der.enumerated(1), "0a0101"),
        (der.time(datetime(2024, 1, 15, 12, 30, 1, tzinfo=UTC)), "180f" + b"20240115123001Z".hex()),
        (der.context(0, b"\x01", constructed=False), "800101"),
        (der.context(5, b"\x04\x00", constructed=True), "a5020400"),
    ],
)
def test_values_have_their_known_encoding(encoded: bytes, expected: str) -> None:
    """Examples by hand for the types that have few values."""
    assert encoded.hex() == expected
