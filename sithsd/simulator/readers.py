"""The readers of the driver in `drivers/ifd`: folders. One that is moved away is unplugged, moved back plugged in.

What never changes about a reader lies in its folder as files, each named by the control code that asks for it: the
PIN pad's features (PC/SC part 10 v2.02.09, 2.2) and properties (2.6.14).
"""

import os
import struct
from collections.abc import Collection
from pathlib import Path
from typing import Final

from sithsd.simulator.ifd import SOCKET
from sithsd.simulator.pad import Pad

VARIABLE: Final = "SITHSD_SIM_READERS"
"""The environment variable that names the folder of readers, for pcscd's driver and for what puts cards in."""
NAME: Final = "SITHS-SIM Reader"
VENDOR: Final = 0x1209
PRODUCT: Final = 0x0001
"""The readers' numbers on the bus, as `drivers/ifd/udev.c` tells them: pid.codes' for devices that are tests."""

_CONTROL = 0x42000000
GET_FEATURES: Final = _CONTROL + 3400
VERIFY_PIN: Final = _CONTROL + 0x330006
MODIFY_PIN: Final = _CONTROL + 0x330007
_PROPERTIES: Final = _CONTROL + 0x330012
_FEATURES: Final = {0x06: VERIFY_PIN, 0x07: MODIFY_PIN, 0x12: _PROPERTIES}
_NO_DISPLAY, _ENTRY_CONDITIONS, _NO_TIME_OUT_2 = 0, 0x07, 0
_UNPLUGGED = ".unplugged"


class ReadersError(Exception):
    """There is no such reader; the message says so."""


class Readers:
    """All readers of one pcscd, below `folder`. A reader's folder has its number as its name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def here(cls) -> "Readers | None":
        """Return the readers that the environment names, None if it names none."""
        given = os.environ.get(VARIABLE)
        return cls(Path(given)) if given else None

    def make(self, count: int, pads: Collection[int] = ()) -> None:
        """Make `count` readers, plugged in; those whose numbers are in `pads` have a PIN pad."""
        (self.folder / _UNPLUGGED).mkdir(parents=True)
        for number in range(count):
            (self.folder / str(number)).mkdir()
            if number in pads:
                self.fit_pad(number)

    def place(self, number: int) -> Path:
        """Return a reader's folder where it is while it is plugged in."""
        return self.folder / str(number)

    def sockets(self) -> list[Path]:
        """Return where the driver listens for the readers that are plugged in."""
        return [place / SOCKET for place in sorted(self.folder.iterdir()) if place.name.isdigit()]

    def name(self, number: int, spot: int | None = None) -> str:
        """Return the name that pcscd gives a reader; `spot` is its place in the order of plugging in."""
        return f"{NAME} ({number}) {number if spot is None else spot:02X} 00"

    def unplug(self, number: int) -> None:
        """Unplug a reader with what is in it. Raises ReadersError if it is not plugged in."""
        self._move(self.place(number), self.folder / _UNPLUGGED / str(number), "plugged in")

    def plug(self, number: int) -> None:
        """Plug a reader in again. Raises ReadersError if it is not unplugged."""
        self._move(self.folder / _UNPLUGGED / str(number), self.place(number), "unplugged")

    def fit_pad(self, number: int, pad: Pad | None = None) -> None:
        """Give a reader a PIN pad, with the bounds of `pad`."""
        for code, content in _files(pad or Pad()).items():
            self._file(number, code).write_bytes(content)

    def take_pad(self, number: int) -> None:
        """Take a reader's PIN pad away."""
        for code in (GET_FEATURES, _PROPERTIES):
            self._file(number, code).unlink(missing_ok=True)

    def _file(self, number: int, code: int) -> Path:
        return self.place(number) / f"{code:08X}"

    @staticmethod
    def _move(source: Path, target: Path, state: str) -> None:
        try:
            source.rename(target)
        except FileNotFoundError:
            raise ReadersError(f"reader {source.name} is not {state}") from None


def has_pad(folder: Path) -> bool:
    """Tell whether the reader in this folder has a PIN pad."""
    return (folder / f"{GET_FEATURES:08X}").exists()


def _files(pad: Pad) -> dict[int, bytes]:
    # The features' codes are big-endian; the properties' numbers are in the host's order.
    features = b"".join(struct.pack(">BBI", tag, 4, code) for tag, code in _FEATURES.items())
    properties = [
        (1, struct.pack("<H", _NO_DISPLAY)), (2, bytes([_ENTRY_CONDITIONS])), (3, bytes([_NO_TIME_OUT_2])),
        (6, bytes([pad.shortest])), (7, bytes([pad.longest])),
    ]  # fmt: skip
    return {
        GET_FEATURES: features,
        _PROPERTIES: b"".join(bytes([tag, len(value)]) + value for tag, value in properties),
    }
