"""The timeline as a picture: where each bar, day and freeze stands. The page's template draws it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from sithsd.report.phrases import day_of
from sithsd.report.summary import Summary

WIDTH: Final = 1000
HEIGHT: Final = 300
LEFT: Final = 46
RIGHT: Final = 8
TOP: Final = 44
BOTTOM: Final = 34
_STEPS: Final = (1, 2, 5)
_LINES: Final = 4
_LABEL_ROOM: Final = 46
"""How wide the name of a month is drawn at most."""


@dataclass(frozen=True, slots=True)
class Bar:
    """The cards that end in one week: `inside` is the height of those in a freeze, at the foot of the bar."""

    x: float
    width: float
    y: float
    height: float
    inside: float
    monday: date
    ends: int


@dataclass(frozen=True, slots=True)
class Band:
    """A freeze, or the total stop in one."""

    x: float
    width: float
    name: str
    begins: date
    ends: date
    total: bool


@dataclass(frozen=True, slots=True)
class Tick:
    """A line across with its number, or a month's beginning; `year` says that the year is told there."""

    at: float
    value: int
    day: date | None = None
    named: bool = True


@dataclass(frozen=True, slots=True)
class Month:
    """A month of the table that says the same as the picture."""

    first: date
    ends: int
    in_freeze: int


@dataclass(frozen=True, slots=True)
class Timeline:
    """The picture."""

    bars: tuple[Bar, ...]
    bands: tuple[Band, ...]
    lines: tuple[Tick, ...]
    months: tuple[Tick, ...]
    today: float
    foot: float


def timeline(summary: Summary) -> Timeline:
    """Return the picture of `summary`."""
    begins = summary.weeks[0].monday
    days = 7 * len(summary.weeks)
    foot = HEIGHT - BOTTOM
    top = _nice(max(max((week.ends for week in summary.weeks), default=0), 1))

    def x(day: date) -> float:
        share = (day - begins).days / days
        return round(LEFT + (WIDTH - LEFT - RIGHT) * min(max(share, 0), 1), 1)

    def height(count: int) -> float:
        return round((foot - TOP) * count / top, 1)

    bars = tuple(
        Bar(
            x=x(week.monday) + 1,
            width=round(x(week.monday + timedelta(days=7)) - x(week.monday) - 2, 1),
            y=round(foot - height(week.ends), 1),
            height=height(week.ends),
            inside=height(week.in_freeze),
            monday=week.monday,
            ends=week.ends,
        )
        for week in summary.weeks
    )
    lines = tuple(Tick(round(foot - height(value), 1), value) for value in _values(top))
    ends = begins + timedelta(days=days)
    bands, months_told = tuple(_bands(summary, x, begins, ends)), tuple(_months(x, begins, ends))
    return Timeline(bars, bands, lines, months_told, x(day_of(summary.at)), foot)


def months(summary: Summary) -> tuple[Month, ...]:
    """Return the weeks added up by the month in which they begin."""
    found: dict[date, list[int]] = {}
    for week in summary.weeks:
        sums = found.setdefault(week.monday.replace(day=1), [0, 0])
        sums[0] += week.ends
        sums[1] += week.in_freeze
    return tuple(Month(first, ends, inside) for first, (ends, inside) in found.items())


def _bands(summary: Summary, x: Callable[[date], float], begins: date, ends: date) -> Iterator[Band]:
    for freeze in summary.freezes:
        for total, first, after in ((False, freeze.begins, freeze.ends), (True, freeze.stop_begins, freeze.stop_ends)):
            if first is None or after is None:
                continue
            first_day, last = day_of(first), day_of(after - timedelta(microseconds=1))
            if last < begins or first_day >= ends:
                continue
            left, right = x(first_day), x(last + timedelta(days=1))
            yield Band(left, round(max(right - left, 2), 1), freeze.name, first_day, last, total)


def _months(x: Callable[[date], float], begins: date, ends: date) -> Iterator[Tick]:
    first = (begins.replace(day=1) + timedelta(days=32)).replace(day=1)
    while first < ends:
        place = x(first)
        yield Tick(place, first.month, first, named=place + _LABEL_ROOM <= WIDTH)
        first = (first + timedelta(days=32)).replace(day=1)


def _nice(value: int) -> int:
    """Return the round number not below `value` that the picture is as high as."""
    step = _step(value)
    return -(-value // step) * step


def _step(value: int) -> int:
    size = 1
    while True:
        for one in _STEPS:
            if value <= one * size * _LINES:
                return one * size
        size *= 10


def _values(top: int) -> range:
    return range(0, top + 1, _step(top))
