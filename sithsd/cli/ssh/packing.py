"""The data types that ssh's messages are made of (RFC 4251, 5). Pure and total: bytes give a value or one error."""

_UINT32 = 4


class MalformedError(ValueError):
    """These bytes are not what they should be."""


class Unpacker:
    """Reads one value after the other from `data`. Every method raises MalformedError where they are not enough."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def byte(self) -> int:
        """Return one byte."""
        return self._take(1)[0]

    def boolean(self) -> bool:
        """Return a boolean: all values that are not zero are true."""
        return self.byte() != 0

    def uint32(self) -> int:
        """Return a number of four bytes, the most significant first."""
        return int.from_bytes(self._take(_UINT32), "big")

    def string(self) -> bytes:
        """Return a string: its length as a uint32, and that many bytes."""
        return self._take(self.uint32())

    def text(self) -> str:
        """Return a string that has to be UTF-8."""
        try:
            return self.string().decode()
        except UnicodeDecodeError:
            raise MalformedError("a string that is not UTF-8") from None

    def mpint(self) -> int:
        """Return an integer that is not negative."""
        found = self.string()
        if found and found[0] & 0x80:
            raise MalformedError("a negative integer")
        return int.from_bytes(found, "big")

    def end(self) -> None:
        """Take care that nothing is left."""
        if self._at != len(self._data):
            raise MalformedError("bytes after the end")

    def _take(self, count: int) -> bytes:
        end = self._at + count
        if end > len(self._data):
            raise MalformedError("ended too early")
        taken = self._data[self._at : end]
        self._at = end
        return taken


def uint32(number: int) -> bytes:
    """Return a number as four bytes."""
    return number.to_bytes(_UINT32, "big")


def string(data: bytes) -> bytes:
    """Return a string: its length, and it."""
    return uint32(len(data)) + data


def mpint(number: int) -> bytes:
    """Return an integer that is not negative: as few bytes as it takes, the first bit zero."""
    return string(number.to_bytes(number.bit_length() // 8 + 1, "big") if number else b"")
