"""The card's file system: SELECT and READ BINARY (ISO/IEC 7816-4:2020, 7.3, 11.2 and 11.3)."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from sithsd.iso7816 import tlv
from sithsd.iso7816.apdu import MAX_EXTENDED_LE, MAX_SHORT_LE, CommandApdu
from sithsd.iso7816.status import StatusWord
from sithsd.simulator.answers import Answer, Refusal

MF = 0x3F00
_FCP, _FCI = 0x62, 0x6F
_TRANSPARENT, _INTERNAL, _DF = 0x01, 0x11, 0x38
_ACTIVATED = 0x05
_FID_SIZE = 2
_MAX_AID = 16
_OFFSET_OBJECT, _DATA_OBJECT = 0x54, 0x53
_NO_DATA_WANTED = 0x0C
_BY_NAME = 0x04
_ALWAYS, _NEVER = 0x0, 0xF
_AS_MUCH_AS_THERE_IS = (MAX_SHORT_LE, MAX_EXTENDED_LE)


@dataclass(slots=True)
class ElementaryFile:
    """An EF. `content` is None in an internal EF: a key, used with `guard`'s code verified and never read."""

    fid: int
    content: bytes | None
    sfi: int | None = None
    guard: int | None = None

    def control_parameters(self) -> bytes:
        """Return the FCP template's value (ISO/IEC 7816-4:2020, table 11)."""
        internal = self.content is None
        access = self.guard if internal and self.guard is not None else _ALWAYS
        parts = [
            tlv.encode(0x80, (0 if self.content is None else len(self.content)).to_bytes(2, "big")),
            tlv.encode(0x82, bytes([_INTERNAL if internal else _TRANSPARENT])),
            tlv.encode(0x83, self.fid.to_bytes(_FID_SIZE, "big")),
            tlv.encode(0x86, bytes([access << 4 | _NEVER, 0xFF, 0xFF])),
            tlv.encode(0x8A, bytes([_ACTIVATED])),
        ]
        if self.sfi is not None:
            parts.append(tlv.encode(0x88, bytes([self.sfi << 3])))
        return b"".join(parts)


@dataclass(slots=True)
class DedicatedFile:
    """A DF (or the MF), with its application identifier if it is an application."""

    fid: int
    aid: bytes = b""
    parent: "DedicatedFile | None" = None
    children: dict[int, "ElementaryFile | DedicatedFile"] = field(default_factory=dict)

    def control_parameters(self) -> bytes:
        """Return the FCP template's value."""
        name = tlv.encode(0x84, self.aid) if self.aid else b""
        return (
            tlv.encode(0x82, bytes([_DF]))
            + tlv.encode(0x83, self.fid.to_bytes(_FID_SIZE, "big"))
            + name
            + tlv.encode(0x86, b"\xff\xff\xff")
            + tlv.encode(0x8A, bytes([_ACTIVATED]))
        )

    def add(self, child: "ElementaryFile | DedicatedFile") -> None:
        """Put a file into this DF."""
        self.children[child.fid] = child
        if isinstance(child, DedicatedFile):
            child.parent = self

    def walk(self) -> Iterator["ElementaryFile | DedicatedFile"]:
        """Yield this DF and every file below it."""
        yield self
        for child in self.children.values():
            if isinstance(child, DedicatedFile):
                yield from child.walk()
            else:
                yield child


class FileSystem:
    """The files, and which of them is selected."""

    def __init__(self, root: DedicatedFile) -> None:
        self.root = root
        self.df = root
        self.ef: ElementaryFile | None = None

    def reset(self) -> None:
        """Select the MF, as a card does when it gets power."""
        self.df, self.ef = self.root, None

    def at(self, path: bytes) -> ElementaryFile | DedicatedFile:
        """Return the file at `path`, file identifiers from the MF downwards. Raises Refusal (6A82)."""
        below = path[_FID_SIZE:] if path[:_FID_SIZE] == MF.to_bytes(_FID_SIZE, "big") else path
        return _descend(self.root, below)

    def select(self, command: CommandApdu) -> Answer:
        """SELECT: by identifier, child, parent, application identifier or path."""
        if command.p2 & 0xF0 or command.p2 & 0x0C == 0x08:
            raise Refusal(StatusWord.INCORRECT_P1_P2)
        target = self._target(command.p1, command.data)
        if command.p2 & 0x03:
            # First, last, next or previous occurrence: there is one file of each name, so only "next" finds nothing.
            if command.p1 != _BY_NAME:
                raise Refusal(StatusWord.INCORRECT_P1_P2)
            if command.p2 & 0x02:
                raise Refusal(StatusWord.FILE_NOT_FOUND)
        if isinstance(target, DedicatedFile):
            self.df, self.ef = target, None
        else:
            self.ef = target
            self.df = next(
                df for df in self._folders() if target.fid in df.children and df.children[target.fid] is target
            )
        wanted = command.p2 & 0x0C
        if wanted == _NO_DATA_WANTED:
            return Answer()
        return Answer(tlv.encode(_FCI if wanted == 0 else _FCP, target.control_parameters()))

    def read_binary(self, command: CommandApdu) -> Answer:
        """READ BINARY B0: from the current EF at a 15-bit offset, or by short identifier at an 8-bit offset."""
        if command.data or command.le is None:
            raise Refusal(StatusWord.WRONG_LENGTH)
        if command.p1 & 0x80:
            if command.p1 & 0x60:
                raise Refusal(StatusWord.INCORRECT_P1_P2)
            self.ef = self._by_short_identifier(command.p1 & 0x1F)
            return self._piece(command.p2, command.le)
        return self._piece(command.p1 << 8 | command.p2, command.le)

    def read_binary_object(self, command: CommandApdu) -> Answer:
        """READ BINARY B1: the offset comes in a data object 54, the data goes in one of tag 53."""
        if command.p1 or command.p2:
            raise Refusal(StatusWord.INCORRECT_P1_P2)
        try:
            objects = tuple(tlv.parse(command.data))
        except tlv.TlvError:
            raise Refusal(StatusWord.INCORRECT_DATA) from None
        if len(objects) != 1 or objects[0].tag != _OFFSET_OBJECT:
            raise Refusal(StatusWord.INCORRECT_DATA)
        if command.le is None:
            raise Refusal(StatusWord.WRONG_LENGTH)
        # Tag and length go out besides the data, so as much of the file as still fits into Le.
        room = max(command.le - len(tlv.encode(_DATA_OBJECT, bytes(command.le))) + command.le, 1)
        piece = self._piece(int.from_bytes(objects[0].value, "big"), room)
        return Answer(tlv.encode(_DATA_OBJECT, piece.data), piece.status)

    def _piece(self, offset: int, length: int) -> Answer:
        if self.ef is None:
            raise Refusal(StatusWord.NO_CURRENT_FILE)
        if self.ef.content is None:
            raise Refusal(StatusWord.COMMAND_INCOMPATIBLE)
        content = self.ef.content
        if offset >= len(content):
            raise Refusal(StatusWord.OFFSET_OUTSIDE_FILE)
        piece = content[offset : offset + length]
        complete = len(piece) == length or length in _AS_MUCH_AS_THERE_IS
        return Answer(piece, StatusWord.SUCCESS if complete else StatusWord.END_OF_FILE)

    def _by_short_identifier(self, sfi: int) -> ElementaryFile:
        for child in self.df.children.values():
            if isinstance(child, ElementaryFile) and child.sfi == sfi:
                return child
        raise Refusal(StatusWord.FILE_NOT_FOUND)

    def _target(self, p1: int, data: bytes) -> ElementaryFile | DedicatedFile:
        match p1:
            case 0x00:
                return self._by_identifier(data)
            case 0x01 | 0x02:
                child = self._child(_fid(data))
                if isinstance(child, DedicatedFile) != (p1 == 0x01):
                    raise Refusal(StatusWord.FILE_NOT_FOUND)
                return child
            case 0x03:
                if data:
                    raise Refusal(StatusWord.LC_INCONSISTENT)
                if self.df.parent is None:
                    raise Refusal(StatusWord.FILE_NOT_FOUND)
                return self.df.parent
            case 0x04:
                return self._by_name(data)
            case 0x08:
                return self.at(_path(data))
            case 0x09:
                return _descend(self.df, _path(data))
            case _:
                raise Refusal(StatusWord.INCORRECT_P1_P2)

    def _by_identifier(self, data: bytes) -> ElementaryFile | DedicatedFile:
        if not data:
            return self.root
        fid = _fid(data)
        if fid == MF:
            return self.root
        parent = self.df.parent
        for folder in (self.df, parent):
            if folder is not None and fid in folder.children:
                return folder.children[fid]
        if fid == self.df.fid:
            return self.df
        if parent is not None and fid == parent.fid:
            return parent
        raise Refusal(StatusWord.FILE_NOT_FOUND)

    def _by_name(self, name: bytes) -> DedicatedFile:
        if not 1 <= len(name) <= _MAX_AID:
            raise Refusal(StatusWord.LC_INCONSISTENT)
        # A name cut short on the right selects the first application that begins with it (7.3.2).
        for df in self._folders():
            if df.aid and df.aid.startswith(name):
                return df
        raise Refusal(StatusWord.FILE_NOT_FOUND)

    def _child(self, fid: int) -> ElementaryFile | DedicatedFile:
        try:
            return self.df.children[fid]
        except KeyError:
            raise Refusal(StatusWord.FILE_NOT_FOUND) from None

    def _folders(self) -> Iterator[DedicatedFile]:
        return (node for node in self.root.walk() if isinstance(node, DedicatedFile))


def _descend(start: DedicatedFile, path: bytes) -> ElementaryFile | DedicatedFile:
    node: ElementaryFile | DedicatedFile = start
    for position in range(0, len(path), _FID_SIZE):
        fid = int.from_bytes(path[position : position + _FID_SIZE], "big")
        if not isinstance(node, DedicatedFile) or fid not in node.children:
            raise Refusal(StatusWord.FILE_NOT_FOUND)
        node = node.children[fid]
    return node


def _fid(data: bytes) -> int:
    if len(data) != _FID_SIZE:
        raise Refusal(StatusWord.LC_INCONSISTENT)
    return int.from_bytes(data, "big")


def _path(data: bytes) -> bytes:
    if not data or len(data) % _FID_SIZE:
        raise Refusal(StatusWord.LC_INCONSISTENT)
    return data
