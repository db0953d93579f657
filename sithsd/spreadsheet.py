"""What spreadsheets make of a file of comma-separated values."""

from typing import Any, Final

# What a spreadsheet takes for a formula, which it would carry out.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def cell(value: Any) -> Any:  # noqa: ANN401 - any value of a row
    """Return a value that no spreadsheet takes for a formula: with an apostrophe before it, as people write it."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
