"""Personal identity numbers: recognised leniently, masked everywhere but where somebody asks for the digits.

A personnummer is YYYYMMDDNNNC or YYMMDD-NNNC, a samordningsnummer the same with 60 added to the day. The check digit is
computed (Luhn over the last ten digits) and told, but nothing is refused for it: test numbers exist without.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

_DASHES = "-+ \u2010\u2011\u2012\u2013\u2014\u2212"
_SHAPE = rf"((?:18|19|20)?[0-9]{{6}})[{_DASHES}]?([0-9]{{4}})"
# ETSI EN 319 412-1, 5.1.3 writes a national number as "PNOSE-...".
_ALONE = re.compile(rf"\s*(?:[A-Z]{{3}}SE-)?{_SHAPE}\s*")
_ANYWHERE = re.compile(rf"(?<![0-9]){_SHAPE}(?![0-9])")
_TEN_OR_TWELVE = re.compile(rf"([0-9]{{6}}|[0-9]{{8}})[{_DASHES}]?[0-9]{{4}}")
_WORD_BEFORE = re.compile(r"[A-Za-z][A-Za-z0-9]*\Z")
_LOOK_BACK = 31  # characters: no HSA-id is longer
_MASK = "-****"


class NumberKind(StrEnum):
    """Which of the two numbers it is."""

    PERSONNUMMER = "personnummer"
    SAMORDNINGSNUMMER = "samordningsnummer"


@dataclass(frozen=True, slots=True, repr=False)
class PersonalIdentityNumber:
    """One person's number. Its `str`, `repr` and `format` are masked; only `reveal` gives the digits."""

    _digits: str

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Return the number that `text` is, in the form of 10 or of 12 digits, or None if it does not look like one."""
        match = _ALONE.fullmatch(text)
        if match is None or not _is_birth_date(match[1]):
            return None
        return cls(match[1] + match[2])

    @property
    def kind(self) -> NumberKind:
        """Whether it is a personnummer or a samordningsnummer."""
        day = int(self._digits[-6:-4])
        return NumberKind.SAMORDNINGSNUMMER if day > 60 else NumberKind.PERSONNUMMER

    @property
    def checksum_valid(self) -> bool:
        """Whether the check digit is right."""
        return luhn(self._digits[-10:])

    def reveal(self) -> str:
        """Return the 10 or 12 digits, as many as the certificate tells."""
        return self._digits

    def same_person(self, other: "PersonalIdentityNumber") -> bool:
        """Tell whether both are one number, although one of them may lack the century."""
        mine, others = self.reveal(), other.reveal()
        shortest = min(len(mine), len(others))
        return mine[-shortest:] == others[-shortest:]

    def __str__(self) -> str:
        return self._digits[:-4] + _MASK

    def __repr__(self) -> str:
        return f"PersonalIdentityNumber({self})"


def mask(text: str) -> str:
    """Return `text` with the last four digits of everything that looks like a personal identity number hidden.

    The number inside an HSA-id ("SE" and an organisation's number, a hyphen, letters and digits) stays: services know
    the holder by it.
    """

    def masked(match: re.Match[str]) -> str:
        before = text[max(0, match.start() - _LOOK_BACK) : match.start()]
        in_hsa_id = _WORD_BEFORE.search(before) and re.match(r"-\w", text[match.end() : match.end() + 2])
        if in_hsa_id or not _is_birth_date(match[1]):
            return match[0]
        return match[1] + _MASK

    return _ANYWHERE.sub(masked, text)


def mask_serial_number(text: str) -> str:
    """Return a subject's serialNumber, masked more carefully than free text.

    Ten or twelve digits are hidden even if they are no birth date (there are reserve numbers), unless they are an
    organisation's number: those have a third digit of 2 or more, and "16" for a century.
    """
    match = _TEN_OR_TWELVE.fullmatch(text.strip())
    if match is None:
        return mask(text)
    date = match[1]
    organization = date[-4] >= "2" and (len(date) == 6 or date.startswith("16"))
    return text if organization else date + _MASK


def luhn(digits: str) -> bool:
    """Tell whether the last of `digits` is the check digit of the others (ISO/IEC 7812-1, annex B)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (1 + place % 2)
        total += doubled // 10 + doubled % 10
    return total % 10 == 0


def _is_birth_date(date: str) -> bool:
    month, day = int(date[-4:-2]), int(date[-2:])
    return 1 <= month <= 12 and (1 <= day <= 31 or 61 <= day <= 91)
