"""Codes in memory: held shortly, wiped, never shown."""

from types import TracebackType
from typing import NoReturn, Self


class Secret:
    """The bytes of one PIN or PUK.

    Use it as a context manager: the bytes are overwritten when the block ends. No `repr`, `str`, `format`, pickle or
    copy ever gives the contents; only `reveal` does. CPython may have left copies of what the secret was made from
    (the message it came in): the makers of those wipe them where they can.
    """

    __slots__ = ("_bytes",)

    def __init__(self, value: bytes | bytearray | memoryview) -> None:
        if not isinstance(value, bytes | bytearray | memoryview):  # a number would make that many zeros
            raise TypeError("a Secret is made of bytes")
        self._bytes = bytearray(value)

    def reveal(self) -> bytearray:
        """Return the very buffer that holds the code; a copy of it is the caller's to wipe."""
        return self._bytes

    def wipe(self) -> None:
        """Overwrite the code with zeros, and forget its length."""
        for index in range(len(self._bytes)):
            self._bytes[index] = 0
        self._bytes = bytearray()  # not clear(): that raises while somebody holds a memoryview of the buffer

    def __len__(self) -> int:
        return len(self._bytes)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.wipe()

    def __repr__(self) -> str:
        return "Secret(...)"

    def __getstate__(self) -> NoReturn:
        raise TypeError("a Secret is not copied or pickled")

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is not copied or pickled")
