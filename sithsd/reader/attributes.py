"""What a reader tells of itself, and of how it speaks to the card: attributes of PC/SC part 3 (3.1.3).

Few drivers tell all of it. What one does not tell is None here, never a guess.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sithsd.iso7816.atr import Rate

# The attributes' codes (pcsc-lite's reader.h: class in the upper half, tag in the lower one).
VENDOR_NAME: Final = 0x00010100
VENDOR_IFD_TYPE: Final = 0x00010101
VENDOR_IFD_VERSION: Final = 0x00010102
CHANNEL_ID: Final = 0x00020110
CURRENT_PROTOCOL_TYPE: Final = 0x00080201
CURRENT_CLK: Final = 0x00080202
CURRENT_F: Final = 0x00080203
CURRENT_D: Final = 0x00080204

_USB: Final = 0x0020  # DDDD of CHANNEL_ID; then the bus in the upper byte of CCCC, the device in the lower one
_MOST_LETTERS: Final = 64
_NUMBER_BYTES: Final = 8  # a DWORD has four bytes, or the eight that pcsc-lite's type has on a 64-bit machine
_PROTOCOLS: Final = {0x0001: 0, 0x0002: 1}


@dataclass(frozen=True, slots=True)
class ReaderFacts:
    """A reader that holds a card. `protocol`: 0 or 1, as the service agreed with the card.

    What the driver tells, None for what it does not: `told_protocol` the same by its own word, `rate` and
    `clock_kilohertz` of the contacts now, `vendor`, `model`, `version`, and where on the USB it is.
    """

    protocol: int
    told_protocol: int | None = None
    rate: Rate | None = None
    clock_kilohertz: int | None = None
    vendor: str | None = None
    model: str | None = None
    version: str | None = None
    usb_bus: int | None = None
    usb_device: int | None = None


def ask_reader(attribute: Callable[[int], bytes | None], protocol: int) -> ReaderFacts:
    """Return what a reader tells; `attribute` asks it for one attribute, and passes its own errors on."""
    factor, divider = _number(attribute(CURRENT_F)), _number(attribute(CURRENT_D))
    channel = _number(attribute(CHANNEL_ID))
    on_usb = channel is not None and channel >> 16 == _USB
    return ReaderFacts(
        protocol=protocol,
        told_protocol=_PROTOCOLS.get(_number(attribute(CURRENT_PROTOCOL_TYPE)) or 0),
        rate=Rate(factor, divider) if factor and divider else None,
        clock_kilohertz=_number(attribute(CURRENT_CLK)) or None,
        vendor=_text(attribute(VENDOR_NAME)),
        model=_text(attribute(VENDOR_IFD_TYPE)),
        version=_version(_number(attribute(VENDOR_IFD_VERSION))),
        usb_bus=channel >> 8 & 0xFF if channel is not None and on_usb else None,
        usb_device=channel & 0xFF if channel is not None and on_usb else None,
    )


def _number(told: bytes | None) -> int | None:
    """Return a number in the machine's byte order; None for nothing, and for what is too long for one."""
    if not told or len(told) > _NUMBER_BYTES:
        return None
    return int.from_bytes(told, "little")


def _text(told: bytes | None) -> str | None:
    """Return letters up to the first NUL, at most 64 of them; those that no screen shows become "?"."""
    letters = (told or b"").split(b"\0", 1)[0].decode("utf-8", "replace")[:_MOST_LETTERS].strip()
    return "".join(letter if letter.isprintable() else "?" for letter in letters) or None


def _version(number: int | None) -> str | None:
    """Return 0xMMmmbbbb as "M.m.b"."""
    if not number or number > 0xFFFFFFFF:
        return None
    return f"{number >> 24}.{number >> 16 & 0xFF}.{number & 0xFFFF}"
