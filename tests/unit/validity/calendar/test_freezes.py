"""The file of freezes and rules: what is shipped, what a site may add, and one line for what can't be used."""

import os
import tomllib
from importlib.resources import files
from pathlib import Path

import pytest
from advising import actions, card, local, site, sweden, told

from sithsd.policy.site_file import PolicyError
from sithsd.validity.calendar import Rule, freezes, load
from sithsd.values import CardKind

FREEZE = """[[freeze]]
name = "2028"
first_day = 2028-02-01
last_day = 2028-02-29
"""


def refusal(folder: Path, text: str) -> str:
    """Return why a site's file is refused, without its path."""
    with pytest.raises(PolicyError) as error:
        site(folder, text)
    said = str(error.value)
    assert said.startswith(f"{folder / 'freezes.toml'}: ")
    assert "\n" not in said
    return said.removeprefix(f"{folder / 'freezes.toml'}: ")


def with_lines(*lines: str) -> str:
    """Return a site's freeze with these lines."""
    return FREEZE + "\n".join(lines)


def test_what_is_shipped_is_one_freeze_and_all_rules() -> None:
    """The file has each rule by its stable name, no other, and says where each value comes from."""
    text = (files("sithsd.validity.calendar") / "freezes.toml").read_text("utf-8")
    tables = tomllib.loads(text)
    assert set(tables["rules"]) == {str(rule) for rule in Rule}
    assert [row["name"] for row in tables["freeze"]] == ["2023/24"]
    assert text.count("Source:") >= 12
    assert load().file.rules.ends_soon.days == 60


def test_a_site_adds_a_freeze(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It stands beside the shipped one, in the order of time, and is looked for at its usual place."""
    calendar = site(tmp_path, FREEZE)
    assert [one.name for one in calendar.freezes] == ["2023/24", "2028"]
    assert actions(calendar, "2028-02-10", "2027-06-01") == ["order.now"]
    monkeypatch.setattr(freezes, "SITE_FILE", tmp_path / "freezes.toml")
    assert [one.name for one in load().freezes] == ["2023/24", "2028"]


def test_a_site_replaces_the_freeze_of_the_same_name(tmp_path: Path) -> None:
    """As a whole: what its row does not say is not there."""
    calendar = site(tmp_path, '[[freeze]]\nname = "2023/24"\nfirst_day = 2023-12-04\nlast_day = 2023-12-31\n')
    (freeze,) = calendar.freezes
    assert (local(freeze.begins), freeze.collect_ends, freeze.stop_begins) == ("2023-12-04T00:00:00", None, None)


def test_a_site_says_only_what_it_wants_otherwise(tmp_path: Path) -> None:
    """A rule's value is replaced, all others stay as shipped."""
    calendar = site(tmp_path, '[rules."card.endsSoon"]\ndays = 90\n[months]\norder = 2\n')
    assert calendar.file.rules.ends_soon.reserve_days == load().file.rules.ends_soon.reserve_days
    assert calendar.file.months.reserve == 6
    (renew,) = calendar.advise(card("2026-12-31"), sweden("2026-10-02"))
    assert (str(renew.action), renew.months) == ("renew.soon", 2)


@pytest.mark.parametrize("rule", [rule for rule in Rule if rule is not Rule.JOINS])
def test_a_rule_can_be_turned_off_for_kinds_of_card(rule: Rule, tmp_path: Path) -> None:
    """A rule says nothing of a kind that it does not name, and the others go on."""
    calendar = site(tmp_path, f'[rules."{rule}"]\nkinds = ["reserve"]\n')
    moments = ["2023-11-01", "2023-12-20", "2024-01-20", "2024-02-10", "2024-03-10"]
    everything = {one for one in Rule if one is not Rule.JOINS}
    for kind, expected in ((CardKind.RESERVE, everything), (CardKind.ORDINARY, everything - {rule})):
        found = {
            one.rule
            for ends in ("2023-11-20", "2024-01-10", "2024-02-20", "2027-01-01")
            for at in moments
            for one in calendar.advise(card(ends, kind), sweden(at))
        }
        assert found == expected, kind


def test_the_rule_of_those_who_join_can_be_turned_off(tmp_path: Path) -> None:
    """It holds for no card, so it has a switch."""
    joins = sweden("2024-01-08").date()
    assert load().advise_joining(joins, sweden("2023-11-01"))
    assert site(tmp_path, '[rules."freeze.joins"]\nenabled = false\n').advise_joining(joins, sweden("2023-11-01")) == ()


def test_a_freeze_needs_no_more_than_its_days(tmp_path: Path) -> None:
    """Without an announcement it has always been known; without a time there are reserve cards until its end."""
    calendar = site(tmp_path, FREEZE)
    assert told(calendar.advise(card("2028-02-10"), sweden("2028-02-29T23:59:59"))) == [
        ("freeze.reserve", "reserve.get", None, None),
        ("card.ended", "order.from", None, "2028-03-01T00:00:00"),
    ]
    # The file's number of days tells how long after it cards may be ordered early.
    assert actions(calendar, "2028-04-04", "2027-12-01") == ["order.mayNow"]
    assert actions(calendar, "2028-04-05", "2027-12-01") == []


def test_reserve_cards_may_end_before_there_is_a_total_stop(tmp_path: Path) -> None:
    """Without a total stop there are none until the freeze ends; with one they are back when that ends."""
    text = with_lines("reserve_until = 2028-02-10T16:00:00")
    assert told(site(tmp_path, text).advise(card("2028-02-01"), sweden("2028-02-10T16:00"))) == [
        ("freeze.reserve", "reserve.from", None, "2028-03-01T00:00:00"),
        ("card.ended", "order.from", None, "2028-03-01T00:00:00"),
    ]
    text += "\ntotal_stop_from = 2028-02-12T08:00:00\ntotal_stop_until = 2028-02-12T20:00:00"
    (reserve, _) = site(tmp_path, text).advise(card("2028-02-01"), sweden("2028-02-10T16:00"))
    assert local(reserve.since) == "2028-02-12T20:00:00"
    stop = with_lines("total_stop_from = 2028-02-12T08:00:00", "total_stop_until = 2028-02-12T20:00:00")
    (reserve, _) = site(tmp_path, stop).advise(card("2028-02-01"), sweden("2028-02-10T16:00"))
    assert local(reserve.by) == "2028-02-12T08:00:00"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (with_lines("colour = 1"), "unknown field `colour`"),
        ("[rules.nothing]\nkinds = []\n", "unknown field `nothing`"),
        ("[rules.\"card.ended\"]\nkinds = ['gold']\n", "Invalid enum value 'gold'"),
        ("[rules.\"card.ended\"]\nkinds = ['notSiths']\n", "not SITHS's nothing is known"),
        ('[rules."card.endsSoon"]\ndays = 0\n', "Expected `int` >= 1"),
        ("[months]\norder = 0\n", "Expected `int` >= 1"),
        ("freeze = 1\n", "Expected `array`"),
        ("freeze = [1]\n", "Expected `object`"),
        ('[[freeze]]\nname = "2028"\nfirst_day = 2028-02-01\n', "missing required field `last_day`"),
        (FREEZE.replace("2028-02-01", "2028-02-01T00:00:00"), "Expected `date`"),
        (FREEZE.replace("2028-02-01", "'2028-02-01'").replace("2028-02-29", "'soon'"), "Invalid RFC3339"),
        (FREEZE.replace('"2028"', '"2028\\u001b"'), "Expected `str` matching regex"),
        (with_lines("reserve_until = 2028-02-10"), "Expected `datetime | null`"),
        (with_lines("reserve_until = 2028-02-10T12:00:00Z"), "with no timezone"),
        (FREEZE.replace("2028-02-29", "2028-01-31"), "last_day is before first_day"),
        (FREEZE.replace("2028-02-29", "2029-02-01"), "it lasts more than 366 days"),
        (FREEZE.replace("2028-", "1999-").replace("02-29", "02-28"), "a year outside 2000-2199"),
        (with_lines("announced = 2028-02-02"), "announced is after first_day"),
        (with_lines("reorder_last_day = 2028-02-29"), "reorder_last_day is not within"),
        (with_lines("reorder_last_day = 2029-03-02"), "reorder_last_day is not within"),
        (with_lines("collect_last_day = 2028-01-31"), "collect_last_day is not between"),
        (with_lines("collect_last_day = 2028-03-01"), "collect_last_day is not between"),
        (with_lines("reserve_until = 2028-01-31T23:59:59"), "reserve_until is not inside the freeze"),
        (with_lines("reserve_until = 2028-03-01T00:00:01"), "reserve_until is not inside the freeze"),
        (with_lines("total_stop_from = 2028-02-12T08:00:00"), "belong together"),
        (
            with_lines("total_stop_from = 2028-02-12T08:00:00", "total_stop_until = 2028-02-12T08:00:00"),
            "total_stop_until is not after total_stop_from",
        ),
        (
            with_lines("total_stop_from = 2028-02-12T08:00:00", "total_stop_until = 2028-03-02T08:00:00"),
            "total_stop_until is not inside the freeze",
        ),
        (
            with_lines(
                "reserve_until = 2028-02-12T08:00:01",
                "total_stop_from = 2028-02-12T08:00:00",
                "total_stop_until = 2028-02-13T08:00:00",
            ),
            "reserve_until is after total_stop_from",
        ),
        (
            with_lines(
                "collect_last_day = 2028-02-13",
                "total_stop_from = 2028-02-12T08:00:00",
                "total_stop_until = 2028-02-14T08:00:00",
            ),
            "collect_last_day is after total_stop_from",
        ),
        (FREEZE + FREEZE, "two freezes have the same name"),
        (FREEZE + FREEZE.replace('"2028"', '"again"'), "overlap or touch"),
        (
            FREEZE + '[[freeze]]\nname = "next"\nfirst_day = 2028-03-01\nlast_day = 2028-03-02\n',
            "freezes '2028' and 'next' overlap or touch",
        ),
        (
            '[[freeze]]\nname = "other"\nfirst_day = 2024-01-25\nlast_day = 2024-02-02\n',
            "'2023/24' and 'other' overlap",
        ),
        (
            FREEZE.replace("-02-29", "-03-30") + "reserve_until = 2028-03-26T02:30:00",
            "freeze '2028': 2028-03-26T02:30:00 does not exist in Sweden",
        ),
        (
            FREEZE.replace("-02-29", "-10-30") + "reserve_until = 2028-10-29T02:30:00",
            "freeze '2028': 2028-10-29T02:30:00 comes twice in Sweden",
        ),
        ("[[freeze]\n", "Expected"),
    ],
)
def test_what_can_not_be_used_is_refused_in_one_line(text: str, reason: str, tmp_path: Path) -> None:
    """Unknown keys, values out of bounds, dates in a wrong order, times that are none: file, place and reason."""
    assert reason in refusal(tmp_path, text)


def test_no_more_than_a_hundred_freezes(tmp_path: Path) -> None:
    """The file is bounded in length and in number."""
    rows = "".join(
        f'[[freeze]]\nname = "{year}"\nfirst_day = {year}-05-01\nlast_day = {year}-05-02\n'
        for year in range(2030, 2130)
    )
    assert "length <= 100" in refusal(tmp_path, rows)
    assert "larger than" in refusal(tmp_path, "#" * 300_000)


def test_a_file_that_others_may_write_is_not_followed(tmp_path: Path) -> None:
    """The file decides what people are told to do: it is root's or the daemon's own user's, like the policy."""
    path = tmp_path / "freezes.toml"
    path.write_text(FREEZE)
    path.chmod(0o666)
    with pytest.raises(PolicyError, match="writable by its owner alone"):
        load(path)
    path.unlink()
    with pytest.raises(PolicyError, match=os.strerror(2)):
        load(path)
