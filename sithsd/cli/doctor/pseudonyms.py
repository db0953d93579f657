"""Stand-ins for what tells who somebody is: the same word gets the same stand-in throughout one bundle."""

import re
from typing import Any

# What pcsc-lite adds to a reader's model in its name: the interface in brackets, the serial number in parentheses.
_SERIAL = re.compile(r"\(([^()]*)\)")
# Shorter words, and this user, are everywhere and nobody's.
_SHORTEST = 3
_NOBODY = frozenset({"root", "localhost"})
# Fields whose values are names that programs give. A user may be called as one of them is.
_OUR_NAMES = frozenset({"contents", "name", "check", "finding", "result", "event", "code", "level", "reach", "role"})


class Pseudonyms:
    """Knows words by kind ("holder": "Tolvan Tolvansson") and writes "holder-1" wherever they stand."""

    def __init__(self) -> None:
        self._stand_ins: dict[str, str] = {}
        self._counts: dict[str, int] = {}

    def add(self, kind: str, word: str | None) -> str | None:
        """Take note of a word, and return its stand-in; None for one that says nothing of anybody."""
        if word is None or len(word.strip()) < _SHORTEST or word.casefold() in _NOBODY:
            return None
        key = word.casefold()
        if key not in self._stand_ins:
            self._counts[kind] = self._counts.get(kind, 0) + 1
            self._stand_ins[key] = f"{kind}-{self._counts[kind]}"
        return self._stand_ins[key]

    def reader(self, name: str) -> str:
        """Return a reader's name with a stand-in for its serial number, of any length."""
        return _SERIAL.sub(lambda found: f"({self._serial(found.group(1))})", name)

    def hidden(self, value: Any) -> Any:  # noqa: ANN401 - any JSON value
        """Return a JSON value with stand-ins for all words that are known, but where it has names of our own."""
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, list):
            return [self.hidden(one) for one in value]
        if isinstance(value, dict):
            return {name: one if name in _OUR_NAMES else self.hidden(one) for name, one in value.items()}
        return value

    def _text(self, text: str) -> str:
        for word in sorted(self._stand_ins, key=len, reverse=True):
            # Whole words: a holder called Eva is not in "evaluated".
            text = re.sub(rf"(?<!\w){re.escape(word)}(?!\w)", self._stand_ins[word], text, flags=re.IGNORECASE)
        return text

    def _serial(self, serial: str) -> str:
        key = f"serial number {serial}"
        if key not in self._stand_ins:
            self._counts["serial"] = self._counts.get("serial", 0) + 1
            self._stand_ins[key] = f"serial-{self._counts['serial']}"
        return self._stand_ins[key]
