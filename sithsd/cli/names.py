"""Distinguished names (RFC 4514) shortened to what a person looks for."""

import re

# An attribute type at the start of a relative distinguished name, and its value up to an unescaped separator.
_COMMON_NAME = re.compile(r"(?:^|[,+;])\s*(?:CN|2\.5\.4\.3)\s*=\s*((?:\\.|[^,+;\\])*)", re.IGNORECASE)
_HEX_PAIRS = re.compile(r"(?:\\[0-9A-Fa-f]{2})+")


def spaced(name: str) -> str:
    """Return a distinguished name with a space after each part, so that it can be broken between them."""
    return re.sub(r"((?:^|[^\\])(?:\\\\)*,)(?=\S)", r"\1 ", name)


def common_name(name: str) -> str:
    """Return the common name in a distinguished name; the whole where there is none."""
    found = _COMMON_NAME.search(name)
    if found is None or not found.group(1).strip():
        return name
    value = _HEX_PAIRS.sub(
        lambda pairs: bytes.fromhex(pairs.group().replace("\\", "")).decode("utf-8", "replace"), found.group(1)
    )
    return re.sub(r"\\(.)", r"\1", value).strip()
