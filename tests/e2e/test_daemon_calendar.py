"""A site's order freezes, from the file to what `sithsctl validity` tells the holder of the card that is in."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from e2e_household import BIN, CARDS, Household

# Far enough from each boundary for a test that runs past midnight.
BEFORE, AFTER = timedelta(days=10), timedelta(days=50)


def today() -> date:
    """Return the day that it is in Sweden."""
    return datetime.now(ZoneInfo("Europe/Stockholm")).date()


def freeze(first_day: date, last_day: date, *more: str) -> str:
    """Return a site's file with one freeze."""
    lines = ('name = "rebuilding"', f"first_day = {first_day}", f"last_day = {last_day}", *more)
    return "\n".join(["[[freeze]]", *lines, ""])


def actions(house: Household) -> list[tuple[str, str, str | None]]:
    """Return what the daemon advises: rule, action and freeze."""
    with house.wire() as wire:
        reply = wire.call(f"{CARDS}.GetValidity")["parameters"]
    return [(one["rule"], one["action"], one["freeze"]) for one in reply["advice"]]


def test_a_card_that_ends_inside_a_coming_freeze(new_house: Callable[..., Household]) -> None:
    """The holder of a card that ends in 30 days is told to order at once, by the day before the freeze begins."""
    house = new_house(1)
    first_day = today() + BEFORE
    house.write_freezes(freeze(first_day, today() + AFTER))
    house.start()
    house.insert("expiring")
    assert actions(house) == [("freeze.endsInside", "order.now", "rebuilding")]
    swedish = house.ctl("validity", "--lang", "sv").out
    assert "Beställ ett nytt kort genast." in swedish
    assert f"senast {first_day - timedelta(days=1)}" in swedish
    assert f"Beställningsstopp: {first_day} till {today() + AFTER}." in swedish
    told = house.ctl("validity", "--json", TZ="Pacific/Honolulu").json
    midnight = datetime(first_day.year, first_day.month, first_day.day, tzinfo=ZoneInfo("Europe/Stockholm"))
    assert told["advice"][0]["by"] == told["adviceChanges"] == midnight.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    with house.wire() as wire:
        settings = wire.call(f"{CARDS}.Diagnose")["parameters"]["settings"]
    assert {"calendar.file", "calendar.freeze"} <= set(settings)
    assert "calendar.months.order" not in settings


def test_a_card_that_has_ended_inside_a_freeze(new_house: Callable[..., Household]) -> None:
    """Its holder can have a reserve card only; one whose card lasts is told nothing."""
    house = new_house(1)
    house.write_freezes(freeze(today() - BEFORE, today() + AFTER))
    house.start()
    house.insert("expired")
    assert actions(house) == [
        ("freeze.reserve", "reserve.get", "rebuilding"),
        ("card.ended", "order.from", "rebuilding"),
    ]
    house.remove()
    house.insert("ordinary")
    assert actions(house) == []
    assert "What to do" not in house.ctl("validity").out


def test_without_a_freeze_an_end_that_is_near_is_told(house: Household) -> None:
    """As shipped: 60 days ahead, whatever was frozen years ago."""
    house.insert("expiring")
    assert actions(house) == [("card.endsSoon", "renew.soon", None)]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (freeze(date(2030, 5, 2), date(2030, 5, 1)), "freeze 'rebuilding': last_day is before first_day"),
        (freeze(date(2030, 3, 1), date(2030, 4, 1), "reserve_until = 2030-03-31T02:30:00"), "does not exist in Sweden"),
    ],
)
def test_a_file_that_can_not_be_used_keeps_the_daemon_from_starting(
    text: str, reason: str, new_house: Callable[..., Household]
) -> None:
    """With half a calendar people would be told half of it: one line names file, place and reason."""
    house = new_house(1)
    file = house.write_freezes(text)
    done = house.stage.run(house.command(str(BIN / "sithsd")), env=house.environment, capture_output=True, text=True)
    (line,) = done.stderr.splitlines()
    assert done.returncode == 78
    assert line.startswith(f"sithsd: {file}: ")
    assert reason in line
