"""The form of codes."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sithsd.card import encoding
from sithsd.card.model import CodeReference, Encoding
from sithsd.errors import ErrorCode, SithsdError
from sithsd.secret import Secret
from sithsd.values import Role

PADDED = CodeReference(Role.AUTHENTICATION, 1, min_length=6, max_length=8, stored_length=8, padding=0xFF)
BARE = CodeReference(Role.AUTHENTICATION, 1, min_length=6, max_length=8)
BCD = CodeReference(
    Role.SIGNATURE, 2, min_length=4, max_length=12, stored_length=8, padding=0xFF, encoding=Encoding.BCD
)


@pytest.mark.parametrize(
    ("code", "digits", "expected"),
    [
        (PADDED, b"123456", b"123456\xff\xff"),
        (PADDED, b"12345678", b"12345678"),
        (BARE, b"123456", b"123456"),
        (BCD, b"1234", b"\x12\x34" + b"\xff" * 6),
        (BCD, b"12345", b"\x12\x34\x5f" + b"\xff" * 5),
        (CodeReference(Role.AUTHENTICATION, 1, stored_length=6, padding=0), b"1234", b"1234\0\0"),
    ],
)
def test_the_bytes_that_a_card_takes(code: CodeReference, digits: bytes, expected: bytes) -> None:
    """Digits are encoded and filled up as ISO/IEC 7816-15 says for the code's type and flags."""
    given_code = Secret(digits)
    assert encoding.encode(given_code, code).reveal() == expected
    assert given_code.reveal() == digits, "the caller's own is the caller's to wipe"


@pytest.mark.parametrize("digits", [b"", b"12345", b"123456789", b"12345a", b"12345\xff", b"12345\x00", b" 123456"])
def test_what_is_malformed(digits: bytes) -> None:
    """Other things than digits, and wrong lengths, are pin.malformed, and the message does not quote them."""
    for function in (encoding.check, encoding.encode):
        with pytest.raises(SithsdError) as error:
            function(Secret(digits), PADDED)
        assert error.value.code is ErrorCode.PIN_MALFORMED
        assert error.value.role == "authentication"
        assert not digits or digits.decode("latin-1") not in str(error.value)


@pytest.mark.parametrize("shortest", [None, 0, 1, 3])
def test_an_empty_or_tiny_code_is_malformed_whatever_the_card_says(shortest: int | None) -> None:
    """A card that tells a shortest length of 0 gets no empty code: four digits are the least."""
    code = CodeReference(Role.AUTHENTICATION, 1, min_length=shortest, max_length=8, stored_length=8, padding=0xFF)
    for digits in (b"", b"1", b"123"):
        with pytest.raises(SithsdError):
            encoding.encode(Secret(digits), code)
    assert encoding.encode(Secret(b"1234"), code).reveal() == b"1234\xff\xff\xff\xff"


def test_a_code_that_the_card_can_not_keep_is_malformed() -> None:
    """Digits that fit the longest length but not the stored one are refused, not cut."""
    code = CodeReference(Role.AUTHENTICATION, 1, min_length=4, max_length=12, stored_length=8, padding=0xFF)
    with pytest.raises(SithsdError) as error:
        encoding.encode(Secret(b"123456789"), code)
    assert error.value.code is ErrorCode.PIN_MALFORMED


class _WipedMidway(Secret):
    """A code whose owner begins to wipe it right after the first look."""

    def reveal(self) -> bytearray:
        seen = bytearray(super().reveal())
        buffer = super().reveal()
        if buffer:
            buffer[0] = 0
        return seen if seen[:1] != b"\0" else buffer


def test_half_a_code_is_never_sent() -> None:
    """A code that is wiped while it is encoded gives either the whole code or pin.malformed."""
    code = _WipedMidway(b"123456")
    assert encoding.encode(code, PADDED).reveal() == b"123456\xff\xff"
    with pytest.raises(SithsdError) as error:
        encoding.encode(code, PADDED)
    assert error.value.code is ErrorCode.PIN_MALFORMED


@settings(deadline=None)
@given(digits=st.text("0123456789", min_size=4, max_size=16), form=st.sampled_from(Encoding), padded=st.booleans())
def test_encoding_loses_nothing(digits: str, form: Encoding, *, padded: bool) -> None:
    """The digits can be read back from what the card gets, filling aside."""
    code = CodeReference(Role.PUK, 3, max_length=16, stored_length=16, padding=0xFF if padded else None, encoding=form)
    raw = bytes(encoding.encode(Secret(digits.encode()), code).reveal())
    assert len(raw) == 16 or not padded
    read_back = raw.hex().rstrip("f") if form is Encoding.BCD else raw.rstrip(b"\xff").decode()
    assert read_back == digits
