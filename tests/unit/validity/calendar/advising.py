"""Short words for what is asked of a calendar. Times are Sweden's, as the sources have them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from sithsd.validity.calendar import Advice, Calendar, CardDates, load
from sithsd.values import CardKind

SWEDEN = ZoneInfo("Europe/Stockholm")
SECOND = timedelta(seconds=1)


def sweden(text: str) -> datetime:
    """Return the moment, in UTC, of a day ("2023-12-01") or a day and time in Sweden."""
    return datetime.fromisoformat(text).replace(tzinfo=SWEDEN).astimezone(UTC)


def card(ends: str | datetime, kind: CardKind = CardKind.ORDINARY) -> CardDates:
    """Return a card that ends at that time; a day alone means the end of that day, to the second."""
    if isinstance(ends, str):
        ends = sweden(ends if "T" in ends else f"{ends}T23:59:59")
    return CardDates(datetime(2019, 1, 1, tzinfo=UTC), ends, kind)


def told(advice: tuple[Advice, ...]) -> list[tuple[str, str, str | None, str | None]]:
    """Return rule, action, by and since, the last two as Sweden's clocks show them."""
    return [(str(one.rule), str(one.action), local(one.by), local(one.since)) for one in advice]


def local(moment: datetime | None) -> str | None:
    """Return a moment as Sweden's clocks show it ("2023-12-01T00:00:00")."""
    return None if moment is None else moment.astimezone(SWEDEN).replace(tzinfo=None).isoformat()


def actions(calendar: Calendar, ends: str | datetime, at: str, kind: CardKind = CardKind.ORDINARY) -> list[str]:
    """Return what is to be done at a time in Sweden because of a card that ends then."""
    return [str(one.action) for one in calendar.advise(card(ends, kind), sweden(at))]


def site(folder: Path, text: str) -> Calendar:
    """Return what is shipped with a site's file over it."""
    path = folder / "freezes.toml"
    path.write_text(text, "utf-8")
    return load(path)
