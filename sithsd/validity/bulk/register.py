"""The CRLs of one run: read and proven once, and then asked about each certificate.

Other processes on this machine share what was read: the entries lie in files that they map into their memory.
"""

import mmap
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from cryptography import x509

from sithsd.certificate.read import Certificate
from sithsd.validity.revocation.crl import RevocationList, UnprovenError, parse
from sithsd.validity.revocation.entries import MAX_BYTES, Entries


class Register:
    """The lists by the CA that has signed them. An issuer of whose lists none could be proven is in it with none."""

    def __init__(self, lists: dict[str, tuple[RevocationList, ...]], problems: tuple[str, ...] = ()) -> None:
        self._lists = lists
        self.problems = problems
        """Why a list is not used, a line for each."""

    @classmethod
    def read(cls, given: Iterable[bytes | Path], authorities: Sequence[Certificate], refused: frozenset[str]) -> Self:
        """Read and prove the lists in `given`. Raises OSError for a file that can't be read."""
        lists: dict[str, tuple[RevocationList, ...]] = {}
        problems: list[str] = []
        named = [(_subject(one), one) for one in authorities]
        for number, one in enumerate(given, 1):
            what = str(one) if isinstance(one, Path) else f"list {number}"
            try:
                content = _content(one)
                name = x509.load_der_x509_crl(content).issuer
            except ValueError:
                problems.append(f"{what}: not a readable CRL of at most {MAX_BYTES} bytes")
                continue
            signers = [authority for subject, authority in named if subject == name]
            proven, wrong = _proven(content, signers, refused)
            for signer in signers if not proven else ():
                lists.setdefault(signer.fingerprint, ())
            for known in proven:
                lists[known.issuer.fingerprint] = (*lists.get(known.issuer.fingerprint, ()), known)
            if not proven:
                problems.append(f"{what}: {'; '.join(wrong) or 'nobody of the name of its issuer is known'}")
        return cls(lists, tuple(problems))

    def of(self, issuer: Certificate) -> tuple[RevocationList, ...] | None:
        """Return the lists of this issuer, None if none has been given."""
        return self._lists.get(issuer.fingerprint)

    def __bool__(self) -> bool:
        return bool(self._lists)

    def mapped(self, folder: Path) -> "Register":
        """Return the same register with its entries in files of `folder`, for the processes of this machine."""
        lists = {
            issuer: tuple(
                replace(one, entries=MappedEntries.write(one.entries, folder / f"{issuer}-{number}"))
                for number, one in enumerate(known)
            )
            for issuer, known in self._lists.items()
        }
        return Register(lists, self.problems)


class MappedEntries(Entries):
    """The lines of one list in a file. It is pickled as the file's name."""

    def __init__(self, file: Path, length: int) -> None:
        """Map the `length` bytes of lines, and the index behind them."""
        self._file = file
        self._length = length
        with file.open("rb") as opened:
            self._map = mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)
        # As with bytes, a part of it is bytes: only the lines are ever looked at by their place.
        content: Any = self._map
        self._content = content
        padded = _padded(length)
        index: Any = memoryview(self._map)[padded:].cast("Q")
        self._index = index

    @classmethod
    def write(cls, entries: Entries, file: Path) -> Self:
        """Write the lines of `entries` and their index to `file`."""
        content, index = entries.parts()
        with file.open("xb") as opened:
            opened.write(content)
            opened.write(bytes(_padded(len(content)) - len(content)))
            index.tofile(opened)
        return cls(file, len(content))

    def __reduce__(self) -> tuple[type[Self], tuple[Path, int]]:
        return type(self), (self._file, self._length)


def _subject(authority: Certificate) -> x509.Name | None:
    """Return the name as cryptography compares it, None if it refuses it: nobody's list can be told to be its own."""
    try:
        return x509.load_der_x509_certificate(authority.der).subject
    except ValueError:
        return None


def _content(given: bytes | Path) -> bytes:
    """Return the list's bytes. Raises ValueError if there are too many."""
    if isinstance(given, Path):
        with given.open("rb") as file:
            given = file.read(MAX_BYTES + 1)
    if len(given) > MAX_BYTES:
        raise ValueError
    return given


def _proven(
    content: bytes, signers: Iterable[Certificate], refused: frozenset[str]
) -> tuple[list[RevocationList], list[str]]:
    """Return the list as each of those reads it who could have signed it and did; and why it is not another's."""
    proven: list[RevocationList] = []
    wrong: dict[str, None] = {}
    for signer in signers:
        try:
            proven.append(parse(content, signer, refused=refused))
        except UnprovenError as error:
            wrong[str(error)] = None
    return proven, list(wrong)


def _padded(length: int) -> int:
    """Return where the index begins: its numbers have eight bytes, and a file that is mapped has some."""
    return max(8, -(-length // 8) * 8)
