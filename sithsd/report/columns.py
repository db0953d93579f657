"""Which column of a list is which: names in Swedish and English, as data."""

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Final

import msgspec

from sithsd.report.model import InputError
from sithsd.values import CardKind

CERTIFICATE: Final = "certificate"
NOT_AFTER: Final = "not_after"
MAX_COLUMNS = 512
_NOT_A_LETTER = re.compile(r"[\W_]+")


class _Names(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    names: tuple[str, ...]


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    certificate: _Names
    unit: _Names
    email: _Names
    name: _Names
    given_name: _Names
    surname: _Names
    not_before: _Names
    not_after: _Names
    card: _Names
    kind: _Names
    kinds: dict[CardKind, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Columns:
    """Which column (counted from 0) holds which field; `unused` are the names of the columns that are not read."""

    of: MappingProxyType[str, int]
    count: int
    unused: tuple[str, ...]

    @property
    def enough(self) -> bool:
        """Whether there is a column with certificates, or one with last days."""
        return CERTIFICATE in self.of or NOT_AFTER in self.of


def simple(text: str) -> str:
    """Return a name's letters and digits alone, in lower case."""
    return _NOT_A_LETTER.sub("", text.casefold())


def columns(head: Sequence[str]) -> Columns:
    """Return what the names in `head` stand for. InputError: two columns for one field, or far too many columns."""
    if len(head) > MAX_COLUMNS:
        raise InputError("report-input-columns", f"more than {MAX_COLUMNS} columns", count=MAX_COLUMNS)
    found: dict[str, int] = {}
    unused = []
    for place, name in enumerate(head):
        kind = _fields().get(simple(name))
        if kind is None:
            unused.append(name)
        elif kind in found:
            raise InputError(
                "report-input-twice", f"two columns for {kind}", first=head[found[kind]].strip(), second=name.strip()
            )
        else:
            found[kind] = place
    return Columns(MappingProxyType(found), len(head), tuple(unused))


def card_kind(text: str | None) -> CardKind:
    """Return what kind of card a list means by `text`, UNKNOWN for words that are not in the tables."""
    return _kinds().get(simple(text or ""), CardKind.UNKNOWN)


@cache
def _names() -> _File:
    text = resources.files("sithsd.report").joinpath("columns.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text), _File)


@cache
def _fields() -> MappingProxyType[str, str]:
    names = _names()
    fields = [field.name for field in msgspec.structs.fields(_File) if field.name != "kinds"]
    return MappingProxyType({alias: field for field in fields for alias in getattr(names, field).names})


@cache
def _kinds() -> MappingProxyType[str, CardKind]:
    return MappingProxyType({alias: kind for kind, aliases in _names().kinds.items() for alias in aliases})
