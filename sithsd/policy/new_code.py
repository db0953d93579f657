"""Rules for a new PIN: which are there, and which of them a code breaks.

The codes are compared as bytes, in place: no copy and no text is made of them, and a finding never holds a digit.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Annotated

import msgspec

from sithsd.secret import Secret

# A shorter part of a personal identity number says nothing about the number: "12" is in every second one.
_SHORTEST_PART = 4
_SHORTEST_DATE_PART = 6
# A number of ten digits does not tell its century.
_CENTURIES = ("19", "20")
_SAMORDNINGSNUMMER_DAYS = 60

Length = Annotated[int, msgspec.Meta(ge=1, le=64)]


class Rule(StrEnum):
    """The rules by their stable names, which are those on the wire and in the policy file."""

    DIGITS = "digits"
    LENGTH = "length"
    SAME_AS_OLD = "sameAsOld"
    ALL_SAME = "allSame"
    ASCENDING = "ascending"
    DESCENDING = "descending"
    PERSONAL_NUMBER = "personalNumber"
    BIRTH_DATE = "birthDate"
    SAME_AS_OTHER = "sameAsOther"


class Level(StrEnum):
    """What becomes of a code that breaks a rule: it is refused, taken with a warning, or taken."""

    REFUSE = "refuse"
    WARN = "warn"
    OFF = "off"


# Without these two a code could be chosen that no keypad and no card takes.
ALWAYS_REFUSED = (Rule.DIGITS, Rule.LENGTH)


class NewCodeRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """[new_code]: how long a new PIN may be, in digits, and how each rule is taken. A rule without a level is off.

    ValueError: the lengths contradict each other, or a rule of `ALWAYS_REFUSED` is given another level.
    """

    min_length: Length
    max_length: Length
    levels: Mapping[Rule, Level] = {}

    def __post_init__(self) -> None:
        if self.min_length > self.max_length:
            raise ValueError("min_length is greater than max_length")
        for rule in ALWAYS_REFUSED:
            if self.levels.get(rule, Level.REFUSE) is not Level.REFUSE:
                raise ValueError(f"the rule {rule.value!r} can only be 'refuse'")

    def level(self, rule: Rule) -> Level:
        """Return how a rule is taken."""
        return Level.REFUSE if rule in ALWAYS_REFUSED else self.levels.get(rule, Level.OFF)


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that a code breaks; `level` is "refuse" or "warn"."""

    rule: Rule
    level: Level


def lengths(rules: NewCodeRules, shortest: int | None, longest: int | None) -> tuple[int, int]:
    """Return how many digits a new PIN has, at least and at most: what the policy and the card both take.

    `shortest` and `longest` are the card's, None where it does not tell. Where the two have nothing in common the least
    is greater than the most, and no code passes: a policy is not loosened by a card that can't follow it.
    """
    least = rules.min_length if shortest is None else max(rules.min_length, shortest)
    most = rules.max_length if longest is None else min(rules.max_length, longest)
    return least, most


def check(  # noqa: PLR0913 - a code is judged by all that is known around it
    new: Secret,
    *,
    old: Secret | None,
    other: Secret | None,
    personal_numbers: Sequence[str],
    rules: NewCodeRules,
    shortest: int | None,
    longest: int | None,
) -> tuple[Finding, ...]:
    """Return the rules that `new` breaks, in the order of `Rule`; none when it may be taken as it is.

    `old` is the code's present value and `other` the card's other PIN, None where they are not at hand: what can't be
    compared is not found. `personal_numbers` are the holder's numbers of 10 or 12 digits, with or without a hyphen;
    anything else among them is passed over. `shortest` and `longest` are the card's own lengths.
    """
    code = new.reveal()
    least, most = lengths(rules, shortest, longest)
    numbers = [whole for number in personal_numbers for whole in _whole_numbers(number)]

    def of_personal_number() -> bool:
        return any(_holds_or_is_part(code, number) for number in numbers)

    def of_birth_date() -> bool:
        return any(_tells_date(code, number) for number in numbers)

    broken: dict[Rule, Callable[[], bool]] = {
        Rule.DIGITS: lambda: len(code) > 0 and not code.isdigit(),
        Rule.LENGTH: lambda: not least <= len(code) <= most,
        Rule.SAME_AS_OLD: lambda: old is not None and code == old.reveal(),
        Rule.ALL_SAME: lambda: _is_run(code, 0),
        Rule.ASCENDING: lambda: _is_run(code, 1),
        Rule.DESCENDING: lambda: _is_run(code, -1),
        Rule.PERSONAL_NUMBER: of_personal_number,
        Rule.BIRTH_DATE: of_birth_date,
        Rule.SAME_AS_OTHER: lambda: other is not None and code == other.reveal(),
    }
    return tuple(
        Finding(rule, rules.level(rule)) for rule in Rule if rules.level(rule) is not Level.OFF and broken[rule]()
    )


def refused(findings: Sequence[Finding]) -> tuple[Rule, ...]:
    """Return the rules that forbid the code."""
    return tuple(finding.rule for finding in findings if finding.level is Level.REFUSE)


def warned(findings: Sequence[Finding]) -> tuple[Rule, ...]:
    """Return the rules that only warn of the code."""
    return tuple(finding.rule for finding in findings if finding.level is Level.WARN)


def _is_run(code: bytearray, step: int) -> bool:
    """Whether the whole code is one run; 0 follows 9 in it (567890)."""
    if len(code) < 2 or not code.isdigit():
        return False
    return all((code[place] + step - code[place + 1]) % 10 == 0 for place in range(len(code) - 1))


def _whole_numbers(number: str) -> Iterator[bytes]:
    """Yield a personal identity number in twelve digits: one, or one for each century where it tells none."""
    digits = re.sub(r"[^0-9]", "", number)
    if len(digits) == 12:
        yield digits.encode()
    elif len(digits) == 10:
        for century in _CENTURIES:
            yield (century + digits).encode()


def _holds_or_is_part(code: bytearray, number: bytes) -> bool:
    return (len(code) >= _SHORTEST_PART and code in number) or number[-10:] in code


def _tells_date(code: bytearray, number: bytes) -> bool:
    """Whether a code is, holds, or is a telling part of the birth date in a number of twelve digits."""
    born = _birth_date(number)
    if born is None:
        return False
    century, year, month, day = (number[:2], number[2:4], number[4:6], f"{born.day:02}".encode())
    whole = century + year + month + day
    full = century + year
    forms = (
        whole,
        *(year + month + day, day + month + year, month + day + year),
        *(day + month + full, month + day + full),
    )
    return any(form in code for form in forms) or (len(code) >= _SHORTEST_DATE_PART and code in whole)


def _birth_date(number: bytes) -> date | None:
    """Return the date in a personnummer, or in a samordningsnummer, which adds 60 to the day; None if it is none."""
    day = int(number[6:8])
    if day > _SAMORDNINGSNUMMER_DAYS:
        day -= _SAMORDNINGSNUMMER_DAYS
    try:
        return date(int(number[:4]), int(number[4:6]), day)
    except ValueError:
        return None
