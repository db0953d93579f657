"""What a row of the audit holds. There is no field for a code, and none may be put into any."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

# Bounds, so that the room kept for a row is enough for it. pcsc-lite's names of readers have at most 128 bytes.
MAX_TEXT = 128
MAX_JSON = 4096

UNKNOWN = "unknown"
INTERRUPTED = "daemon.interrupted"


class Event(StrEnum):
    """What has a row although nobody asked for an operation."""

    TRIES_LOST_ELSEWHERE = "code.triesLostElsewhere"
    OUTCOME_LEARNT = "code.outcomeLearnt"
    RETENTION = "audit.retention"
    INTERRUPTED = INTERRUPTED
    NOT_WRITTEN = "audit.notWritten"


@dataclass(frozen=True, slots=True)
class Operation:
    """What is about to be done, and who asks.

    `operation` is "verify", "change", "unblock", "activate", "authenticate", "sign" or the name of an `Event`. `uid`,
    `pid` and `program` are the caller's by the kernel's word, None where nobody called. `checklist` holds the
    answers of an activation. `more` is what else is to be told, however it ends: of a signature what is signed.
    """

    operation: str
    uid: int | None = None
    pid: int | None = None
    program: str | None = None
    reader: str | None = None
    card_serial: str | None = None
    role: str | None = None
    tries_before: int | None = None
    checklist: Mapping[str, Any] | None = None
    more: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A row as it stands in the file. `time` is RFC 3339 in UTC with microseconds.

    `result` is "done", an error's code, or "unknown" when nobody knows. `checklist` and `more` are JSON objects, as
    text: the chain is made over the text. `previous` and `hash` are SHA-256 in hexadecimal.
    """

    number: int
    time: str
    operation: str
    uid: int | None
    pid: int | None
    program: str | None
    reader: str | None
    card_serial: str | None
    role: str | None
    result: str
    tries_before: int | None
    tries_after: int | None
    checklist: str | None
    more: str | None
    previous: str
    hash: str

    def as_json(self) -> dict[str, Any]:
        """Return the row for a script, with names as they are on the wire and the JSON texts as objects."""
        return {
            "number": self.number,
            "time": self.time,
            "operation": self.operation,
            "uid": self.uid,
            "pid": self.pid,
            "program": self.program,
            "reader": self.reader,
            "cardSerial": self.card_serial,
            "role": self.role,
            "result": self.result,
            "triesBefore": self.tries_before,
            "triesAfter": self.tries_after,
            "checklist": _object(self.checklist),
            "more": _object(self.more),
            "previous": self.previous,
            "hash": self.hash,
        }


def row_of(values: Sequence[Any]) -> Row:
    """Return the row with these values, in the order of the fields."""
    return Row(*values)


def moment(at: datetime) -> str:
    """Return a moment as rows have it; these texts sort as their moments do."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def bounded(text: str | None) -> str | None:
    """Return a text from outside in a form that every program reads alike: printable, and not too long."""
    if text is None:
        return None
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text[:MAX_TEXT])


def json_object(value: Mapping[str, Any] | None) -> str | None:
    """Return an object as the one JSON text that rows have of it: ASCII, names sorted, no spaces.

    Raises ValueError for what is too long or no JSON.
    """
    if value is None:
        return None
    try:
        text = json.dumps(dict(value), sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (TypeError, RecursionError) as error:
        raise ValueError(f"no JSON: {type(error).__name__}") from None
    if len(text) > MAX_JSON:
        raise ValueError(f"a JSON text of {len(text)} bytes, at most {MAX_JSON} are kept")
    return text


def _object(text: Any) -> Any:  # noqa: ANN401 - any JSON value
    if not isinstance(text, str):
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        # A row that somebody changed by hand is shown as it is.
        return text
