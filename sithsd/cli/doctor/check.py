"""One link of the chain, judged."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

# What a check was judged by: JSON values by their names.
Told = dict[str, Any]


class Result(StrEnum):
    """Three answers, and that there was nothing to look at."""

    GOOD = "good"
    BAD = "bad"
    UNKNOWN = "unknown"
    NOT_APPLICABLE = "notApplicable"


# What was found where the links before do not let this one be looked at.
SKIPPED = "skipped"


@dataclass(frozen=True)
class Check:
    """One check: what was found (a stable name of its own within the check), and the facts it was judged by.

    `hinders`: as long as this is so, no log-in works. `facts` are what scripts and support get: nothing in them tells
    who the holder is. The sentences' variables are those facts that are words or numbers, and `values` beside them.
    """

    name: str
    result: Result
    finding: str
    hinders: bool = False
    facts: Mapping[str, Any] = field(default_factory=dict)
    values: Mapping[str, str | int] = field(default_factory=dict)

    @property
    def full_name(self) -> str:
        """The name as scripts know it: "doctor.pcscd"."""
        return f"doctor.{self.name}"

    @property
    def variables(self) -> dict[str, str | int]:
        """What may be put into the check's sentences."""
        plain = {name: value for name, value in self.facts.items() if type(value) in {str, int}}
        return {**plain, **self.values}


def good(name: str, facts: Told | None = None, finding: str = "good") -> Check:
    """Return a check that found nothing wrong."""
    return Check(name, Result.GOOD, finding, facts=facts or {})


def bad(name: str, finding: str, facts: Told | None = None, *, hinders: bool = True) -> Check:
    """Return a check that found something wrong."""
    return Check(name, Result.BAD, finding, hinders, facts or {})


def unknown(name: str, finding: str, facts: Told | None = None, *, hinders: bool = False) -> Check:
    """Return a check that could not find out."""
    return Check(name, Result.UNKNOWN, finding, hinders, facts or {})


def skipped(name: str, facts: Told | None = None, finding: str = SKIPPED) -> Check:
    """Return a check that had nothing to look at."""
    return Check(name, Result.NOT_APPLICABLE, finding, facts=facts or {})
