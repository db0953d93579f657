"""The file of freezes and rules: its shape, what contradicts itself in it, and its moments.

`freezes.toml` beside this module is what is shipped, and explains each line; a site's own file adds to it.
"""

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

import msgspec

from sithsd.policy import site_file
from sithsd.policy.site_file import PolicyError
from sithsd.validity.calendar.model import Rule
from sithsd.validity.calendar.swedish_time import ClockTimeError, day_begins, day_ends, moment_of
from sithsd.values import CardKind

SITE_FILE = Path("/etc/sithsd/freezes.toml")

_LONGEST = timedelta(days=366)
_FIRST_YEAR, _LAST_YEAR = 2000, 2199

Days = Annotated[int, msgspec.Meta(ge=1, le=366)]
Months = Annotated[int, msgspec.Meta(ge=1, le=60)]
ClockTime = Annotated[datetime, msgspec.Meta(tz=False)]
Kinds = Annotated[tuple[CardKind, ...], msgspec.Meta(max_length=len(CardKind))]


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class KindsRule(_Table, frozen=True, kw_only=True):
    """A rule that holds for some kinds of card. ValueError: a kind of which nothing is known."""

    kinds: Kinds

    def __post_init__(self) -> None:
        if CardKind.NOT_SITHS in self.kinds:
            raise ValueError("of cards that are not SITHS's nothing is known here")


class DaysRule(KindsRule, frozen=True, kw_only=True):
    """A rule of some kinds of card, and of a number of days."""

    days: Days


class EndsSoonRule(DaysRule, frozen=True, kw_only=True):
    """How many days ahead a card's end is told; of a reserve card `reserve_days`."""

    reserve_days: Days


class JoinsRule(_Table, frozen=True, kw_only=True):
    """Whether it is told what to do for somebody who begins to work inside a freeze."""

    enabled: bool


class Rules(_Table, frozen=True, kw_only=True):
    """[rules]: each by its name."""

    ends_inside: KindsRule = msgspec.field(name=Rule.ENDS_INSIDE.value)
    ends_after: DaysRule = msgspec.field(name=Rule.ENDS_AFTER.value)
    collect: KindsRule = msgspec.field(name=Rule.COLLECT.value)
    reserve: KindsRule = msgspec.field(name=Rule.RESERVE.value)
    total_stop: DaysRule = msgspec.field(name=Rule.TOTAL_STOP.value)
    joins: JoinsRule = msgspec.field(name=Rule.JOINS.value)
    ends_soon: EndsSoonRule = msgspec.field(name=Rule.ENDS_SOON.value)
    ended: KindsRule = msgspec.field(name=Rule.ENDED.value)


class ValidMonths(_Table, frozen=True, kw_only=True):
    """[months]: for how many calendar months an order is valid, and a reserve card at most."""

    order: Months
    reserve: Months


class FreezeRow(_Table, frozen=True, kw_only=True):
    """[[freeze]]: days and clock times in Sweden. ValueError: they contradict each other, or are no moments."""

    name: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ./-]{0,39}$")]
    first_day: date
    last_day: date
    announced: date | None = None
    reorder_last_day: date | None = None
    collect_last_day: date | None = None
    reserve_until: ClockTime | None = None
    total_stop_from: ClockTime | None = None
    total_stop_until: ClockTime | None = None

    def __post_init__(self) -> None:
        try:
            reason = next(self._contradictions(), None)
        except ClockTimeError as error:
            reason = str(error)
        if reason is not None:
            raise ValueError(f"freeze {self.name!r}: {reason}")

    def _contradictions(self) -> Iterator[str]:
        days = (self.first_day, self.last_day, self.announced, self.reorder_last_day, self.collect_last_day)
        times = (self.reserve_until, self.total_stop_from, self.total_stop_until)
        if any(not _FIRST_YEAR <= one.year <= _LAST_YEAR for one in (*days, *times) if one is not None):
            yield f"a year outside {_FIRST_YEAR}-{_LAST_YEAR}"
        if self.last_day < self.first_day:
            yield "last_day is before first_day"
        if self.last_day - self.first_day >= _LONGEST:
            yield f"it lasts more than {_LONGEST.days} days"
        if self.announced is not None and self.announced > self.first_day:
            yield "announced is after first_day"
        if self.reorder_last_day is not None and not (
            self.last_day < self.reorder_last_day <= self.last_day + _LONGEST
        ):
            yield f"reorder_last_day is not within {_LONGEST.days} days after last_day"
        if self.collect_last_day is not None and not self.first_day <= self.collect_last_day <= self.last_day:
            yield "collect_last_day is not between first_day and last_day"
        if (self.total_stop_from is None) != (self.total_stop_until is None):
            yield "total_stop_from and total_stop_until belong together"
        yield from self._times_out_of_order()

    def _times_out_of_order(self) -> Iterator[str]:
        begins, ends = day_begins(self.first_day), day_ends(self.last_day)
        for field in ("reserve_until", "total_stop_from", "total_stop_until"):
            local = getattr(self, field)
            if local is not None and not begins <= moment_of(local) <= ends:
                yield f"{field} is not inside the freeze"
        if self.total_stop_from is None or self.total_stop_until is None:
            return
        stops = moment_of(self.total_stop_from)
        if moment_of(self.total_stop_until) <= stops:
            yield "total_stop_until is not after total_stop_from"
        if self.reserve_until is not None and moment_of(self.reserve_until) > stops:
            yield "reserve_until is after total_stop_from, when nothing is to be had"
        if self.collect_last_day is not None and day_begins(self.collect_last_day) >= stops:
            yield "collect_last_day is after total_stop_from, when nothing is to be had"


class FreezesFile(_Table, frozen=True, kw_only=True):
    """The whole file. ValueError: two freezes have the same name, or touch each other."""

    months: ValidMonths
    rules: Rules
    freeze: Annotated[tuple[FreezeRow, ...], msgspec.Meta(max_length=100)] = ()

    def __post_init__(self) -> None:
        if len({row.name for row in self.freeze}) < len(self.freeze):
            raise ValueError("two freezes have the same name")
        for earlier, later in pairwise(sorted(self.freeze, key=lambda row: row.first_day)):
            # Told apart they would send a person to order on the day on which the next one begins.
            if later.first_day <= earlier.last_day + timedelta(days=1):
                raise ValueError(f"freezes {earlier.name!r} and {later.name!r} overlap or touch: make them one")


@dataclass(frozen=True, slots=True)
class Freeze:
    """A freeze as moments, in UTC; each interval has its first moment and not its last.

    `begins`, `ends`: no ordinary card can be ordered between. `announced`: None if it has always been known.
    `reorder_ends`: who has a card that ends before it may order early. `collect_ends`: None if no such day is told.
    `reserve_ends`, `reserve_again`: between them not even a reserve card is to be had; None if there is no such time.
    `stop_begins`, `stop_ends`: the total stop; None if there is none. `remind`: from when on people are reminded of it.
    """

    name: str
    announced: datetime | None
    begins: datetime
    ends: datetime
    reorder_ends: datetime
    collect_ends: datetime | None
    reserve_ends: datetime | None
    reserve_again: datetime | None
    stop_begins: datetime | None
    stop_ends: datetime | None
    remind: datetime | None

    @property
    def boundaries(self) -> tuple[datetime, ...]:
        """Every moment at which what is advised because of it may change."""
        moments = (self.announced, self.begins, self.ends, self.collect_ends, self.reserve_ends, self.reserve_again)
        return tuple(one for one in (*moments, self.stop_begins, self.stop_ends, self.remind) if one is not None)


def shipped() -> FreezesFile:
    """Return the freezes and rules that come with sithsd."""
    return msgspec.convert(_shipped_tables(), FreezesFile)


def read(path: Path | None) -> FreezesFile:
    """Read what is shipped, and over it the site's file at `path`; with None at /etc/sithsd/freezes.toml, if there.

    Raises PolicyError: one line with file, place and reason.
    """
    found = site_file.tables(path, SITE_FILE)
    if found is None:
        return shipped()
    where, above = found
    try:
        return msgspec.convert(_together(_shipped_tables(), above), FreezesFile)
    except msgspec.ValidationError as error:
        raise PolicyError(f"{where}: {' '.join(str(error).split())}") from error


def _shipped_tables() -> dict[str, Any]:
    return tomllib.loads(resources.files("sithsd.validity.calendar").joinpath("freezes.toml").read_text("utf-8"))


def _together(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    whole = site_file.laid_over(below, above)
    added = above.get("freeze", [])
    # A list that is none, or rows that are no tables, are left for the shape to refuse.
    if isinstance(added, list) and all(isinstance(row, dict) for row in added):
        names = [row.get("name") for row in added]
        whole["freeze"] = [*(row for row in below["freeze"] if row["name"] not in names), *added]
    return whole


def moments(file: FreezesFile) -> tuple[Freeze, ...]:
    """Return the freezes as moments, the earliest first."""
    return tuple(_freeze(row, file.rules) for row in sorted(file.freeze, key=lambda row: row.first_day))


def _freeze(row: FreezeRow, rules: Rules) -> Freeze:
    ends = day_ends(row.last_day)
    stop_begins = None if row.total_stop_from is None else moment_of(row.total_stop_from)
    stop_ends = None if row.total_stop_until is None else moment_of(row.total_stop_until)
    reserve_ends = stop_begins if row.reserve_until is None else moment_of(row.reserve_until)
    reminded = None if row.total_stop_from is None else row.total_stop_from.date() - timedelta(rules.total_stop.days)
    reorder_last_day = row.reorder_last_day or row.last_day + timedelta(days=rules.ends_after.days)
    return Freeze(
        name=row.name,
        announced=None if row.announced is None else day_begins(row.announced),
        begins=day_begins(row.first_day),
        ends=ends,
        reorder_ends=day_ends(reorder_last_day),
        collect_ends=None if row.collect_last_day is None else day_ends(row.collect_last_day),
        reserve_ends=reserve_ends,
        reserve_again=None if reserve_ends is None else stop_ends or ends,
        stop_begins=stop_begins,
        stop_ends=stop_ends,
        remind=None if reminded is None else day_begins(reminded),
    )


def freeze_at(freezes: Sequence[Freeze], at: datetime) -> Freeze | None:
    """Return the freeze in which no ordinary card can be ordered at a moment, None if one can."""
    return next((freeze for freeze in freezes if freeze.begins <= at < freeze.ends), None)
