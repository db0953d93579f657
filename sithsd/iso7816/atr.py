"""Answer to reset (ISO/IEC 7816-3:2006, 8.2)."""

from dataclasses import dataclass
from functools import reduce
from operator import xor
from types import MappingProxyType

MAX_ATR = 33
_CONVENTIONS = (0x3B, 0x3F)
_GLOBAL = 15  # T=15 is no protocol: it introduces global interface bytes

# Tables 7 and 8: what the two halves of TA1 stand for. Indices that are not there are reserved.
_FI = MappingProxyType(
    {0: 372, 1: 372, 2: 558, 3: 744, 4: 1116, 5: 1488, 6: 1860, 9: 512, 10: 768, 11: 1024, 12: 1536, 13: 2048}
)
_DI = MappingProxyType({1: 1, 2: 2, 3: 4, 4: 8, 5: 16, 6: 32, 7: 64, 8: 12, 9: 20})


class AtrError(ValueError):
    """The bytes are no answer to reset."""


@dataclass(frozen=True, slots=True)
class Rate:
    """How fast the contacts are: one bit takes `factor` / `divider` clock cycles (F and D of 7.1)."""

    factor: int
    divider: int


@dataclass(frozen=True, slots=True)
class Atr:
    """An answer to reset: the protocols it offers, first choice first, and its historical bytes.

    `ta1` is the interface byte that tells the fastest rate (8.3), None if there is none: then it is F=372, D=1.
    `specific` tells that the card insists on its first protocol and this rate (TA2: specific mode, 6.3.1).
    """

    raw: bytes
    protocols: tuple[int, ...]
    historical: bytes
    ta1: int | None = None
    specific: bool = False

    @property
    def rate(self) -> Rate | None:
        """The fastest rate that the card offers; None if TA1 has a reserved value."""
        if self.ta1 is None:
            return Rate(_FI[1], _DI[1])
        factor, divider = _FI.get(self.ta1 >> 4), _DI.get(self.ta1 & 0xF)
        return None if factor is None or divider is None else Rate(factor, divider)

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
    first_bytes: list[int | None] = []  # TA1, TA2 ...
    while present:
        first_bytes.append(raw[position] if present & 0x1 and position < len(raw) else None)
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
    ta1, ta2, *_ = (*first_bytes, None, None)
    return Atr(raw, offered, raw[position:end], ta1, ta2 is not None)
