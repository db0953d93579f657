"""The sentences that a report is written in: whoever has it made brings them, in the language at hand."""

from typing import Protocol


class Words(Protocol):
    """Sentences by their keys, all of them beginning with "report-"."""

    language: str

    def say(self, key: str, **values: str | int) -> str:
        """Return the sentence `key` with `values` in it."""
        ...

    def name(self, group: str, name: str) -> str:
        """Return the words for a stable name ("reason", "date.expired")."""
        ...
