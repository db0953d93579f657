"""The form of codes: what is malformed never reaches a card."""

from sithsd.card.model import CodeReference, Encoding
from sithsd.errors import ErrorCode, SithsdError
from sithsd.reader.pinpad import PinBlock
from sithsd.secret import Secret

# Bounds for a code of which the card tells no lengths (SITHS: PIN 6 to 8 digits, PUK 8; other cards from 4 on). The
# lower one holds for every card (ISO 9564-1, 4 to 12 digits): cards that tell 0 or 1 mean that they don't check, and
# an empty line is no reason to spend a try.
_SHORTEST = 4
_LONGEST = 16
_ZERO, _NINE = ord("0"), ord("9")


def check(digits: Secret, code: CodeReference) -> None:
    """Raise pin.malformed unless `digits` are decimal digits (ASCII), as many as the card takes for `code`."""
    _check(digits.reveal(), code)


def encode(digits: Secret, code: CodeReference) -> Secret:
    """Return the bytes that the card takes for `digits`: encoded, and filled up where the card wants that.

    Raises pin.malformed as `check` does, and where the digits don't fit.
    """
    # The copy is what is checked and sent: the caller may give up, and wipe `digits`, while this runs in a thread of
    # its own, and half a code would cost a try.
    raw = bytearray(digits.reveal())
    try:
        _check(raw, code)
        if code.encoding is Encoding.BCD:
            raw = _bcd(raw)
        if code.stored_length is not None and len(raw) > code.stored_length:
            raise _malformed(code, "the code is longer than the card can keep")
        if code.padding is not None and code.stored_length is not None:
            raw = _filled(raw, code.padding, code.stored_length)
        return Secret(raw)
    finally:
        raw[:] = bytes(len(raw))


def block(code: CodeReference, lengths: tuple[int, int] | None = None) -> PinBlock:
    """Return the form of `code` for a reader's PIN pad, which encodes what is entered there by itself.

    `lengths` are the least and the most digits that a new value may have, beside what the card takes.
    """
    shortest, longest = bounds(code)
    if lengths is not None:
        shortest, longest = max(shortest, lengths[0]), min(longest, lengths[1])
    return PinBlock(
        min_length=shortest,
        max_length=longest,
        stored_length=code.stored_length if code.padding is not None else None,
        padding=code.padding,
        bcd=code.encoding is Encoding.BCD,
    )


def bounds(code: CodeReference) -> tuple[int, int]:
    """Return how many digits the card takes for `code`: at least, and at most."""
    shortest = max(code.min_length or 0, _SHORTEST)
    return shortest, code.max_length if code.max_length is not None else _LONGEST


def _check(digits: bytearray, code: CodeReference) -> None:
    if not all(_ZERO <= byte <= _NINE for byte in digits):
        raise _malformed(code, "a code consists of the digits 0 to 9")
    shortest, longest = bounds(code)
    if not shortest <= len(digits) <= longest:
        raise _malformed(code, f"the code has to have {shortest} to {longest} digits")


def _filled(raw: bytearray, padding: int, length: int) -> bytearray:
    filled = bytearray(bytes([padding]) * length)  # not by extend(), which may move the code and leave a copy behind
    filled[: len(raw)] = raw
    raw[:] = bytes(len(raw))
    return filled


def _bcd(raw: bytearray) -> bytearray:
    # Into a buffer of its final size: one that grows may move, and leave a copy of the code behind.
    packed = bytearray((len(raw) + 1) // 2)
    for index in range(0, len(raw), 2):
        low = raw[index + 1] - _ZERO if index + 1 < len(raw) else 0xF
        packed[index // 2] = (raw[index] - _ZERO) << 4 | low
    raw[:] = bytes(len(raw))
    return packed


def _malformed(code: CodeReference, reason: str) -> SithsdError:
    return SithsdError(ErrorCode.PIN_MALFORMED, reason, role=code.role)
