"""Text from outside, made harmless for a terminal.

Names come from cards and readers that anybody may have made. A terminal obeys control characters (ECMA-48), and
bidirectional overrides (Unicode TR 36, 2.5) make text look like other text. Neither gets through here.
"""

import json
import re
import unicodedata
from typing import Any

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
# No name on a card is longer; X.520 bounds a common name at 64.
LONGEST = 400

# Control, format, surrogate, and line or paragraph separator.
_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def plain(text: str) -> str:
    """Return `text` for a terminal: what could drive it replaced by U+FFFD, at most `LONGEST` characters."""
    shown = text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
    if shown.isascii() and shown.isprintable():
        return shown
    return "".join(REPLACEMENT if unicodedata.category(character) in _UNSAFE else character for character in shown)


def _escaped(match: re.Match[str]) -> str:
    character = match.group()
    return json.dumps(character)[1:-1] if unicodedata.category(character) in _UNSAFE else character


def json_text(value: Any, *, indent: int | None = None) -> str:  # noqa: ANN401 - any JSON value
    """Return `value` as JSON: letters as they are, what could drive a terminal as escapes (RFC 8259, 7)."""
    written = json.dumps(value, ensure_ascii=False, indent=indent)
    # JSON itself escapes U+0000..U+001F; a line feed outside a string is the indentation's.
    return re.sub(r"[^\n\x20-\x7e]", _escaped, written)
