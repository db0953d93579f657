"""The daemon's latest log, as far as this user may read the journal: names of events and errors, no other word."""

import json
import re
import subprocess
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any

_JOURNALCTL = ("journalctl", "--unit=sithsd.service", "--lines=200", "--output=json", "--no-pager", "--quiet")
_SECONDS = 5.0
_MOST_BYTES = 4 << 20
MOST_EVENTS = 100
# Names that the daemon's code gives; a sentence, and anything that came from outside, is none.
_NAME = re.compile(r"[a-z][A-Za-z0-9]*(\.[a-z][A-Za-z0-9]*)*")
_LEVELS = frozenset({"debug", "info", "warning", "error", "critical"})
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,15}(Z|[+-][0-9:]{5})")


def latest(command: Sequence[str] = _JOURNALCTL) -> list[dict[str, str]] | None:
    """Return the latest events, the oldest first; None where there is no journal, or this user may not read it."""
    try:
        done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, timeout=_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    if done.returncode != 0 or len(done.stdout) > _MOST_BYTES:
        return None
    return events(done.stdout.decode("utf-8", "replace").splitlines())


def events(lines: Iterable[str]) -> list[dict[str, str]]:
    """Return what may be told of the journal's lines (systemd's JSON, the daemon's JSON in MESSAGE)."""
    found = (_event(_object(_object(line).get("MESSAGE"))) for line in lines)
    return list(deque((one for one in found if one), maxlen=MOST_EVENTS))


def _event(entry: dict[str, Any]) -> dict[str, str]:
    kept = {
        "at": _matching(_MOMENT, entry.get("timestamp")),
        "level": level if (level := entry.get("level")) in _LEVELS else None,
        "event": _matching(_NAME, entry.get("event")),
        "code": _matching(_NAME, entry.get("code")),
    }
    told = {name: value for name, value in kept.items() if isinstance(value, str)}
    return told if "event" in told else {}


def _matching(pattern: re.Pattern[str], value: object) -> str | None:
    return value if isinstance(value, str) and pattern.fullmatch(value) else None


def _object(text: object) -> dict[str, Any]:
    """Return the JSON object that `text` is, an empty one for anything else."""
    try:
        value = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
