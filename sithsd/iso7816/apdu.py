"""Command APDUs, short and extended (ISO/IEC 7816-4:2020, 5.2 and ISO/IEC 7816-3:2006, 12.1)."""

from dataclasses import dataclass

MAX_SHORT_DATA = 255
MAX_SHORT_LE = 256
MAX_EXTENDED_DATA = 65535
MAX_EXTENDED_LE = 65536
_HEADER = 4


class ApduError(ValueError):
    """The bytes are no command APDU, or the command has no encoding. The message never quotes the data field."""


@dataclass(frozen=True, slots=True)
class CommandApdu:
    """One command: header, data field, and `le`, the number of bytes expected back (None: none, case 1 or 3).

    `le` 256 (short) or 65536 (extended) means "as many as there are". The `repr` shows the header and lengths only,
    because the data field may be a code.
    """

    cla: int
    ins: int
    p1: int
    p2: int
    data: bytes = b""
    le: int | None = None

    @property
    def extended(self) -> bool:
        """Whether the command needs the extended length fields."""
        return len(self.data) > MAX_SHORT_DATA or (self.le is not None and self.le > MAX_SHORT_LE)

    def encode(self) -> bytes:
        """Return the command's bytes in the shortest form. Raises ApduError if a field is out of its range."""
        header = (self.cla, self.ins, self.p1, self.p2)
        if not all(0 <= value <= 0xFF for value in header):
            raise ApduError("a header byte is out of range")
        if len(self.data) > MAX_EXTENDED_DATA:
            raise ApduError("the data field is too long")
        if self.le is not None and not 1 <= self.le <= MAX_EXTENDED_LE:
            raise ApduError("Le is out of range")
        return bytes(header) + (self._extended_body() if self.extended else self._short_body())

    def _short_body(self) -> bytes:
        body = bytes([len(self.data)]) + self.data if self.data else b""
        return body if self.le is None else body + bytes([self.le % MAX_SHORT_LE])

    def _extended_body(self) -> bytes:
        body = b"\0" + len(self.data).to_bytes(2, "big") + self.data if self.data else b""
        if self.le is None:
            return body
        le = (self.le % MAX_EXTENDED_LE).to_bytes(2, "big")
        return body + le if self.data else b"\0" + le

    def __repr__(self) -> str:
        header = f"{self.cla:02X} {self.ins:02X} {self.p1:02X} {self.p2:02X}"  # also when a byte is out of range
        return f"CommandApdu({header}, Lc={len(self.data)}, Le={self.le})"


def decode(raw: bytes) -> CommandApdu:
    """Read a command APDU; every byte has to be accounted for. Raises ApduError."""
    if len(raw) < _HEADER:
        raise ApduError(f"{len(raw)} bytes are too few for a header")
    header, body = raw[:_HEADER], raw[_HEADER:]
    if not body:
        data, le = b"", None
    elif len(body) == 1:
        data, le = b"", body[0] or MAX_SHORT_LE
    elif body[0]:
        data, le = _short(body)
    else:
        data, le = _extended(body)
    return CommandApdu(header[0], header[1], header[2], header[3], data, le)


def _short(body: bytes) -> tuple[bytes, int | None]:
    length, rest = body[0], body[1:]
    if len(rest) == length:
        return rest, None
    if len(rest) == length + 1:
        return rest[:length], rest[length] or MAX_SHORT_LE
    raise ApduError("Lc does not match the data field")


def _extended(body: bytes) -> tuple[bytes, int | None]:
    if len(body) == 3:  # 00 and a two-byte Le: case 2 extended
        return b"", int.from_bytes(body[1:3], "big") or MAX_EXTENDED_LE
    length, rest = int.from_bytes(body[1:3], "big"), body[3:]
    if length and len(rest) == length:
        return rest, None
    if length and len(rest) == length + 2:
        return rest[:length], int.from_bytes(rest[length:], "big") or MAX_EXTENDED_LE
    raise ApduError("the extended Lc does not match the data field")
