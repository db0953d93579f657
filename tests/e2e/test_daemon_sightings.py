"""What the daemon notes of cards for reports: nothing unless it is told to, and then no holder and no number."""

import json
import time
from collections.abc import Callable
from pathlib import Path

from e2e_household import Household

SECONDS = 30.0
UNIT = "Påhittade akuten"
# What stands on the simulated card, and may stand in no file that is made to be passed on.
PERSONAL = ("Tolvan", "SE2321000016", "191212121212", "19121212")


def noted(house: Household, count: int) -> list[dict[str, str]]:
    """Wait until so many cards have been noted, and return what `sithsctl sightings export` tells of them."""
    deadline = time.monotonic() + SECONDS
    while True:
        answer = house.ctl("sightings", "export")
        found = [json.loads(line) for line in answer.out.splitlines()] if answer.status == 0 else []
        if len(found) >= count:
            return found
        assert time.monotonic() < deadline, (answer.out, answer.err)
        time.sleep(0.05)


def test_a_card_is_noted_by_a_pseudonym_and_days_and_becomes_a_report(
    new_house: Callable[..., Household], tmp_path: Path
) -> None:
    """With the setting a card that is read is noted once: dates, kind, world, unit; and that is what a report is of."""
    house = new_house(1)
    house.write_config(f'[sightings]\nenabled = true\nunit = "{UNIT}"\n')
    house.start()
    house.insert("ordinary")
    serial = house.serial("ordinary")
    (one,) = noted(house, 1)
    assert (one["kind"], one["environment"], one["unit"]) == ("ordinary", "sim", UNIT)
    house.remove()
    house.insert("reserve")
    found = noted(house, 2)
    assert {entry["kind"] for entry in found} == {"ordinary", "reserve"}
    house.remove()
    house.insert("foreign", state="unsupported")
    house.remove()
    house.insert("ordinary")
    assert {entry["card"] for entry in noted(house, 2)} == {entry["card"] for entry in found}
    house.stop()
    exported = tmp_path / "sightings.jsonl"
    assert house.ctl("sightings", "export", "--output", str(exported)).status == 0
    for path in (exported, house.state / "sightings.sqlite"):
        content = path.read_bytes()
        assert not [word for word in (*PERSONAL, serial) if word.lower().encode() in content.lower()]
    for source in (exported, house.state / "sightings.sqlite"):
        report = house.ctl("report", str(source), "--settings", str(house.config), "--json").json
        assert (report["counts"]["current"], report["counts"]["valid"]) == (2, 0)
        assert {(card["unit"], card["who"], card["evidence"]) for card in report["cards"]} == {(UNIT, None, "sighting")}


def test_nothing_is_noted_unasked(new_house: Callable[..., Household]) -> None:
    """As shipped no file of sightings comes to be, and the command says what would have to be set."""
    house = new_house(1)
    house.start()
    house.insert("ordinary")
    house.stop()
    assert not [path.name for path in house.state.iterdir() if "sighting" in path.name]
    answer = house.ctl("sightings", "export", "--lang", "en")
    assert answer.status == 2
    assert "[sightings]" in answer.err
