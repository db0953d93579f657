"""The sentences that a report is written in: whoever has it made brings them, in the language at hand."""

from functools import lru_cache
from typing import Final, Protocol

_REMEMBERED: Final = 1 << 15


class Words(Protocol):
    """Sentences by their keys, all of them beginning with "report-"."""

    language: str

    def say(self, key: str, **values: str | int) -> str:
        """Return the sentence `key` with `values` in it."""
        ...

    def name(self, group: str, name: str) -> str:
        """Return the words for a stable name ("reason", "date.expired")."""
        ...


class Remembered:
    """The same, remembering what has been said: of a million cards most have the same to be said of them."""

    def __init__(self, words: Words) -> None:
        self.language = words.language
        self._say = lru_cache(_REMEMBERED)(words.say)
        self._name = lru_cache(_REMEMBERED)(words.name)

    def say(self, key: str, **values: str | int) -> str:
        """Return the sentence `key` with `values` in it."""
        return self._say(key, **values)

    def name(self, group: str, name: str) -> str:
        """Return the words for a stable name ("reason", "date.expired")."""
        return self._name(group, name)
