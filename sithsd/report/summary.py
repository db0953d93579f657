"""What the report tells, in numbers: counted once, so that page, terminal and JSON say the same."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from sithsd.report.dates import SWEDEN, first_moment
from sithsd.report.model import Card, Standing, Why
from sithsd.report.spool import Spool
from sithsd.report.standing import RANKS, SERVES

WEEKS: Final = 78
"""How far the timeline reaches: a year and a half."""
PEOPLE_OF_A_UNIT: Final = 200
"""So many of a unit are on the page."""
PEOPLE: Final = 3000
"""So many are on the page in all."""
_WEEK: Final = timedelta(weeks=1)
_REJECTS: Final = "SELECT why, count(*) FROM rejects GROUP BY why ORDER BY 2 DESC, 1"
_ACTIONS: Final = """SELECT action, count(*), min(coalesce(by, 0)) FROM cards WHERE steps IS NOT NULL
GROUP BY action ORDER BY 3, 2 DESC"""
_REASONS: Final = "SELECT reasons, count(*) FROM cards WHERE current AND reasons <> '' GROUP BY reasons"
_UNITS: Final = """SELECT unit, units.name, count(*), count(steps),
    min(CASE WHEN steps IS NOT NULL THEN coalesce(by, 0) END) AS first
FROM cards LEFT JOIN units ON units.id = unit WHERE current GROUP BY unit ORDER BY first IS NULL, first, units.key"""


@dataclass(frozen=True, slots=True)
class Input:
    """One input: its name without folders, its kind, and what was read of it."""

    name: str
    form: str
    entries: int
    rejected: int
    without: int
    unused: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Counts:
    """What adds up: `read` is `rejected` and `used`, these are entries of `cards`, those `replaced` and `current`.

    `current` are `valid`, `unknown`, `expired`, `revoked` and `bad`. `soon` and `in_freeze` are among the first two,
    and a card may be in both. `acting` are those with something to do. `certificates`: entries that are certificates.
    """

    read: int
    rejected: int
    used: int
    cards: int
    replaced: int
    current: int
    valid: int
    unknown: int
    expired: int
    revoked: int
    bad: int
    soon: int
    in_freeze: int
    acting: int
    certificates: int


@dataclass(frozen=True, slots=True)
class Period:
    """An order freeze as the timeline shows it: from its beginning until its end; the total stop within, if any."""

    name: str
    begins: datetime
    ends: datetime
    stop_begins: datetime | None = None
    stop_ends: datetime | None = None


@dataclass(frozen=True, slots=True)
class Week:
    """How many cards end in the week that begins on a Monday; of these, how many inside a freeze."""

    monday: date
    ends: int
    in_freeze: int


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit, None where no unit is told. `people`: the most urgent of the `acting`, as many as have room."""

    name: str | None
    cards: int
    acting: int
    first_by: datetime | None
    people: tuple[Card, ...]

    @property
    def left_out(self) -> int:
        """How many of those who have something to do are not on the page."""
        return self.acting - len(self.people)


@dataclass(frozen=True, slots=True)
class Summary:
    """The whole report but for the cards that need nothing."""

    at: datetime
    warn_days: int
    inputs: tuple[Input, ...]
    counts: Counts
    revocation_checked: bool
    """Whether there was a CRL that could be used."""
    problems: tuple[str, ...]
    """Why CRLs are not used, in English."""
    reasons: tuple[tuple[str, int], ...]
    """Why cards are unknown or bad, the most frequent first; a card may have several reasons."""
    rejects: tuple[tuple[Why, int], ...]
    actions: tuple[tuple[str, int, datetime | None], ...]
    """What is to be done: how many cards, and the first day by which it has to be (None: at once)."""
    weeks: tuple[Week, ...]
    later: int
    """Cards that serve and end after the timeline."""
    freezes: tuple[Period, ...]
    units: tuple[Unit, ...]


@dataclass(frozen=True, slots=True)
class Frame:
    """What the numbers are about: when, how many days ahead an end is near, freezes, CRLs, and which are not used."""

    at: datetime
    warn_days: int
    freezes: tuple[Period, ...]
    lists: int
    problems: tuple[str, ...]


def summarise(spool: Spool, inputs: tuple[Input, ...], frame: Frame) -> Summary:
    """Count what is in `spool`, whose cards have been grouped and advised."""
    at, freezes = frame.at, frame.freezes
    weeks, later = _weeks(spool, at, freezes)
    return Summary(
        at=at,
        warn_days=frame.warn_days,
        inputs=inputs,
        counts=_counts(spool, at, frame.warn_days, freezes),
        revocation_checked=frame.lists > len(frame.problems),
        problems=frame.problems,
        reasons=_reasons(spool),
        rejects=tuple((Why(why), n) for why, n in spool.rows(_REJECTS)),
        actions=tuple((action, n, _moment(by)) for action, n, by in spool.rows(_ACTIONS)),
        weeks=weeks,
        later=later,
        freezes=freezes,
        units=_units(spool),
    )


def _counts(spool: Spool, at: datetime, warn_days: int, freezes: tuple[Period, ...]) -> Counts:
    of = dict.fromkeys(Standing, 0)
    for rank, n in spool.rows("SELECT rank, count(*) FROM cards WHERE current GROUP BY rank"):
        of[RANKS[rank]] = n
    used, rejected = spool.one("SELECT count(*) FROM found"), spool.one("SELECT count(*) FROM rejects")
    cards, current = spool.one("SELECT count(*) FROM cards"), sum(of.values())
    soon = spool.one(
        f"SELECT count(*) FROM cards WHERE current AND rank <= {SERVES} AND not_after < ?",  # noqa: S608 - own number
        int((at + timedelta(days=warn_days)).timestamp()),
    )
    return Counts(
        read=used + rejected,
        rejected=rejected,
        used=used,
        cards=cards,
        replaced=cards - current,
        current=current,
        valid=of[Standing.VALID],
        unknown=of[Standing.UNKNOWN],
        expired=of[Standing.EXPIRED],
        revoked=of[Standing.REVOKED],
        bad=of[Standing.BAD],
        soon=soon,
        in_freeze=sum(_ending(spool, max(freeze.begins, at), freeze.ends) for freeze in freezes if freeze.ends > at),
        acting=spool.one("SELECT count(*) FROM cards WHERE steps IS NOT NULL"),
        certificates=spool.one("SELECT count(*) FROM found WHERE evidence = 'certificate'"),
    )


def _ending(spool: Spool, begins: datetime, ends: datetime) -> int:
    """Return how many cards that serve end from `begins` on and before `ends`."""
    return int(
        spool.one(
            f"SELECT count(*) FROM cards WHERE current AND rank <= {SERVES} AND not_after >= ? AND not_after < ?",  # noqa: S608 - own number
            int(begins.timestamp()),
            int(ends.timestamp()),
        )
    )


def _reasons(spool: Spool) -> tuple[tuple[str, int], ...]:
    found: dict[str, int] = {}
    for reasons, n in spool.rows(_REASONS):
        for reason in reasons.split():
            found[reason] = found.get(reason, 0) + n
    return tuple(sorted(found.items(), key=lambda one: (-one[1], one[0])))


def _weeks(spool: Spool, at: datetime, freezes: tuple[Period, ...]) -> tuple[tuple[Week, ...], int]:
    today = at.astimezone(SWEDEN).date()
    monday = today - timedelta(days=today.weekday())
    weeks = []
    for _ in range(WEEKS):
        begins, ends = first_moment(monday), first_moment(monday + _WEEK)
        inside = sum(
            _ending(spool, max(begins, one.begins), min(ends, one.ends))
            for one in freezes
            if one.begins < ends and one.ends > begins
        )
        weeks.append(Week(monday, _ending(spool, begins, ends), inside))
        monday += _WEEK
    later = spool.one(
        f"SELECT count(*) FROM cards WHERE current AND rank <= {SERVES} AND not_after >= ?",  # noqa: S608 - own number
        int(first_moment(monday).timestamp()),
    )
    return tuple(weeks), later


def _units(spool: Spool) -> tuple[Unit, ...]:
    """Return the units with something to do, the most urgent first."""
    room, units = PEOPLE, []
    for unit, name, cards, acting, first_by in list(spool.rows(_UNITS)):
        wanted = min(PEOPLE_OF_A_UNIT, room)
        condition, order = "current AND unit IS ? AND steps IS NOT NULL", f"by, who, cards.id LIMIT {wanted}"
        people = tuple(spool.cards(condition, unit, order=order)) if acting and wanted else ()
        room -= len(people)
        units.append(Unit(name, cards, acting, _moment(first_by), people))
    return tuple(units)


def _moment(seconds: int | None) -> datetime | None:
    return datetime.fromtimestamp(seconds, SWEDEN) if seconds else None
