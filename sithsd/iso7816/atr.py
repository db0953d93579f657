"""Answer to reset (ISO/IEC 7816-3:2006, 8.2)."""

from dataclasses import dataclass
from functools import reduce
from operator import xor

MAX_ATR = 33
_CONVENTIONS = (0x3B, 0x3F)
_GLOBAL = 15  # T=15 is no protocol: it introduces global interface bytes


class AtrError(ValueError):
    """The bytes are no answer to reset."""


@dataclass(frozen=True, slots=True)
class Atr:
    """An answer to reset: the protocols it offers, first choice first, and its historical bytes."""

    raw: bytes
    protocols: tuple[int, ...]
    historical: bytes

    def matches(self, value: bytes, mask: bytes | None = None) -> bool:
        """Tell whether this ATR equals `value` in the bits set in `mask` (None: in all)."""
        if len(value) != len(self.raw) or (mask is not None and len(mask) != len(value)):
            return False
        mask = mask if mask is not None else b"\xff" * len(value)
        return all((mine ^ theirs) & bits == 0 for mine, theirs, bits in zip(self.raw, value, mask, strict=True))


def parse(raw: bytes) -> Atr:
    """Read an ATR: convention, interface bytes, historical bytes, check byte. Raises AtrError."""
    if not 2 <= len(raw) <= MAX_ATR:
        raise AtrError(f"an ATR has 2 to {MAX_ATR} bytes, this one {len(raw)}")
    if raw[0] not in _CONVENTIONS:
        raise AtrError(f"TS is {raw[0]:02X}")
    historical_length = raw[1] & 0xF
    present, position = raw[1] >> 4, 2
    protocols: list[int] = []
    while present:
        position += (present & 0x7).bit_count()
        if not present & 0x8:
            break
        if position >= len(raw):
            raise AtrError("an interface byte is missing")
        indicator = raw[position]
        protocols.append(indicator & 0xF)
        present, position = indicator >> 4, position + 1
    end = position + historical_length
    checked = any(protocol != 0 for protocol in protocols)
    if len(raw) != end + checked:
        raise AtrError(f"the ATR has {len(raw)} bytes, its header tells {end + checked}")
    if checked and reduce(xor, raw[1:]) != 0:
        raise AtrError("the check byte TCK is wrong")
    offered = tuple(dict.fromkeys(protocol for protocol in protocols if protocol != _GLOBAL)) or (0,)
    return Atr(raw, offered, raw[position:end])
