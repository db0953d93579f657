"""Files broken on purpose, for readers that have to survive them."""

from collections.abc import Sequence
from dataclasses import dataclass

from sithsd.simulator.fixture import Fault, FaultFixture, FixtureError
from sithsd.simulator.image import FileOnCard
from sithsd.simulator.pkcs15 import PATHS

_ENDLESS_BYTES = 0x7FFF
_NOISE_BYTES = 64
_PROMISED = 0xFFFF


@dataclass(frozen=True, slots=True)
class _Change:
    path: bytes
    fault: FaultFixture

    def of(self, file: FileOnCard) -> FileOnCard | None:
        content = file.content
        match self.fault.kind:
            case Fault.MISSING:
                return None
            case Fault.TRUNCATED:
                content = content[: self.fault.at]
            case Fault.LYING:
                # The first data object's length field is replaced by one that promises 64 KiB.
                content = content[:1] + b"\x82" + _PROMISED.to_bytes(2, "big") + content[2:]
            case Fault.NOISE:
                content = bytes(0xFF - number % 7 for number in range(_NOISE_BYTES))
            case Fault.ENDLESS:
                content = (content * (_ENDLESS_BYTES // max(len(content), 1) + 1))[:_ENDLESS_BYTES]
        return FileOnCard(path=file.path, content=content, sfi=file.sfi)


def apply(faults: Sequence[FaultFixture], files: tuple[FileOnCard, ...]) -> tuple[FileOnCard, ...]:
    """Return the files with these faults in them. Raises FixtureError if there is no such file."""
    for fault in faults:
        change = _Change(_path(fault.file), fault)
        if change.path not in {file.path for file in files}:
            raise FixtureError(f"the card has no file {fault.file} to break - at `$.faults`")
        changed = (change.of(file) if file.path == change.path else file for file in files)
        files = tuple(file for file in changed if file is not None)
    return files


def _path(given: str) -> bytes:
    if given in PATHS:
        return PATHS[given]
    try:
        return bytes.fromhex(given)
    except ValueError:
        raise FixtureError(f"{given} is neither a file's name nor its path - at `$.faults`") from None
