"""A file's lines as text, bounded in length, whatever it is encoded in."""

import codecs
import io
from collections.abc import Iterator
from typing import BinaryIO, Final

MAX_LINE: Final = 1 << 20
"""Bytes of the longest line; a PEM certificate has at most 90,000."""

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class Lines:
    """The lines of a file, with their ends.

    UTF-8, with or without a byte order mark; UTF-16 with one. A line that is no UTF-8 is read as Windows-1252, of which
    Latin-1's letters are a part. A line that is too long ends at `MAX_LINE`; `cut` is the number of the last such line.
    """

    def __init__(self, file: BinaryIO) -> None:
        """Take the file, opened at its beginning."""
        self._file = file
        self._mark = file.read(2)
        file.seek(0)
        self.number = 0
        """Lines read so far."""
        self.cut: int | None = None
        """The number of the last line that was too long, None if there was none."""

    def __iter__(self) -> Iterator[str]:
        return self._wide() if self._mark in _UTF16 else self._narrow()

    def _narrow(self) -> Iterator[str]:
        while line := self._file.readline(MAX_LINE):
            self.number += 1
            if len(line) == MAX_LINE and not line.endswith(b"\n"):
                self._skip()
            yield _decoded(line.removeprefix(codecs.BOM_UTF8) if self.number == 1 else line)

    def _skip(self) -> None:
        self.cut = self.number
        while (rest := self._file.readline(MAX_LINE)) and not rest.endswith(b"\n"):
            pass

    def _wide(self) -> Iterator[str]:
        # The wrapper reads ahead, which the position in the file shows early: no matter for a progress bar.
        text = io.TextIOWrapper(self._file, "utf-16", errors="replace", newline="")
        try:
            while line := text.readline(MAX_LINE):
                self.number += 1
                if len(line) == MAX_LINE and not line.endswith("\n"):
                    self.cut = self.number
                    while (rest := text.readline(MAX_LINE)) and not rest.endswith("\n"):
                        pass
                yield line
        finally:
            text.detach()


def _decoded(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError:
        return line.decode("cp1252", "replace")
