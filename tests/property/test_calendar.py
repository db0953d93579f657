"""What holds for every card at every moment, with the shipped freezes and with freezes that nobody would decree."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sithsd.validity.calendar import Action, Advice, Calendar, CardDates, Rule
from sithsd.validity.calendar.freezes import FreezeRow, FreezesFile, KindsRule, shipped
from sithsd.values import CardKind

# Whatever the machine is doing meanwhile, only the outcome counts.
PATIENT = settings(deadline=None, max_examples=150)
SWEDEN = ZoneInfo("Europe/Stockholm")
TICK = timedelta(microseconds=1)
EVER = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
KINDS = st.sampled_from(list(CardKind))
SHIPPED = shipped()

OPEN_ONLY = {Action.ORDER_NOW, Action.ORDER_MAY_NOW, Action.RENEW_SOON, Action.RESERVE_REPLACE}
# What is said until its time has come, whatever else comes in between.
LASTING = {Action.CARRY_CARD, Action.COLLECT_BEFORE, Action.ORDER_MAY_NOW}


@st.composite
def freeze_rows(draw: st.DrawFn, first_day: date, name: str) -> FreezeRow:
    """Return a freeze of some days that does not contradict itself, with as much in it as it may have."""
    days = draw(st.integers(0, 90))
    last_day = first_day + timedelta(days)
    row: dict[str, Any] = {"name": name, "first_day": first_day, "last_day": last_day}
    if draw(st.booleans()):
        row["announced"] = first_day - timedelta(draw(st.integers(0, 400)))
    if draw(st.booleans()):
        row["reorder_last_day"] = last_day + timedelta(draw(st.integers(1, 80)))
    # From 03:00 on no clock time is left out or comes twice.
    times = sorted(
        datetime.combine(first_day + timedelta(draw(st.integers(0, days))), time(draw(st.integers(3, 23)), 30))
        for _ in range(3)
    )
    if draw(st.booleans()):
        row["reserve_until"] = times[0]
    if draw(st.booleans()) and times[1] < times[2]:
        row["total_stop_from"], row["total_stop_until"] = times[1], times[2]
    if draw(st.booleans()):
        stop = row.get("total_stop_from", datetime.combine(last_day, time(23)))
        row["collect_last_day"] = first_day + timedelta(draw(st.integers(0, (stop.date() - first_day).days)))
    return FreezeRow(**row)


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    """Return a calendar with up to three freezes that may follow upon each other closely, and rules that may be off."""
    rows: list[FreezeRow] = []
    first_day = draw(st.dates(date(2025, 1, 1), date(2028, 12, 31)))
    for number in range(draw(st.integers(0, 3))):
        row = draw(freeze_rows(first_day, str(number)))
        rows.append(row)
        first_day = row.last_day + timedelta(draw(st.integers(2, 120)))
    rules = SHIPPED.rules
    if draw(st.booleans()):
        changed = {
            name: msgspec.structs.replace(rule, kinds=tuple(draw(st.sets(KINDS)) - {CardKind.NOT_SITHS}))
            for name in rules.__struct_fields__
            if isinstance(rule := getattr(rules, name), KindsRule)
        }
        rules = msgspec.structs.replace(rules, **changed)
    return Calendar(FreezesFile(months=SHIPPED.months, rules=rules, freeze=tuple(rows)))


@st.composite
def moments(draw: st.DrawFn, calendar: Calendar) -> datetime:
    """Return any moment about the freezes: near a boundary, at one, at a midnight, or anywhere."""
    boundaries = sorted({one for freeze in calendar.freezes for one in freeze.boundaries})
    around = st.sampled_from([-timedelta(seconds=1), -TICK, timedelta(), TICK, timedelta(seconds=1)])
    midnights = st.dates(date(2024, 6, 1), date(2031, 12, 31)).map(
        lambda day: datetime.combine(day, time(), SWEDEN).astimezone(UTC)
    )
    anywhere = st.datetimes(datetime(2024, 6, 1), datetime(2031, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - st.datetimes takes naive bounds
    at = draw((st.sampled_from(boundaries) | midnights if boundaries else midnights) | anywhere)
    return at + draw(around)


@st.composite
def cases(draw: st.DrawFn) -> tuple[Calendar, CardDates, datetime]:
    """Return a calendar, a card and a moment; often the card ends near it."""
    calendar = draw(calendars())
    at = draw(moments(calendar))
    near = st.timedeltas(timedelta(days=-100), timedelta(days=200)).map(lambda step: at + step)
    ends = draw(moments(calendar) | near | st.sampled_from(EVER) | st.just(at))
    return calendar, CardDates(datetime(2019, 1, 1, tzinfo=UTC), ends, draw(KINDS)), at


def actions(advice: Sequence[Advice]) -> set[Action]:
    """Return what is to be done."""
    return {one.action for one in advice}


@PATIENT
@given(cases())
def test_advice_never_contradicts_itself_or_the_freeze(case: tuple[Calendar, CardDates, datetime]) -> None:
    """Nobody is told to order inside a freeze, or to get a reserve card in a stop; no time is over or backwards."""
    calendar, card, at = case
    advice = calendar.advise(card, at)
    inside = [freeze for freeze in calendar.freezes if freeze.begins <= at < freeze.ends]
    if inside:
        assert not actions(advice) & OPEN_ONLY
    else:
        assert not actions(advice) & {Action.ORDER_FROM, Action.RESERVE_GET, Action.RESERVE_FROM}
    for freeze in inside:
        if freeze.reserve_ends is not None and freeze.reserve_again is not None:
            none_left = freeze.reserve_ends <= at < freeze.reserve_again
            assert not actions(advice) & {Action.RESERVE_GET if none_left else Action.RESERVE_FROM}
    assert len(actions(advice)) == len(advice)
    for one in advice:
        assert one.by is None or one.by >= at
        assert one.by is None or one.since is None or one.since <= one.by
        assert (one.freeze is None) == (one.freeze_begins is None) == (one.freeze_ends is None)
        if one.action in {Action.ORDER_FROM, Action.RESERVE_FROM}:
            assert one.since is not None
            assert one.since > at
    assert card.kind is not CardKind.NOT_SITHS or not advice


@PATIENT
@given(cases())
def test_from_when_on_it_can_be_done_it_can(case: tuple[Calendar, CardDates, datetime]) -> None:
    """Whoever comes back at the time that was told is not told to wait again."""
    calendar, card, at = case
    for one in calendar.advise(card, at):
        if one.since is not None and one.since > at and one.action is not Action.CARRY_CARD:
            assert one.action not in actions(calendar.advise(card, one.since))


@PATIENT
@given(cases())
def test_the_most_urgent_comes_first(case: tuple[Calendar, CardDates, datetime]) -> None:
    """The order is that of the actions."""
    calendar, card, at = case
    ranks = [list(Action).index(one.action) for one in calendar.advise(card, at)]
    assert ranks == sorted(ranks)


@PATIENT
@given(cases(), st.data())
def test_next_change_is_exact(case: tuple[Calendar, CardDates, datetime], data: st.DataObject) -> None:
    """Between a moment and the next change all is said to the letter; a microsecond before it too, and at it not."""
    calendar, card, at = case
    told = calendar.advise(card, at)
    change = calendar.next_change(card, at)
    until = EVER[1] if change is None else change - TICK
    between = data.draw(st.datetimes(at.replace(tzinfo=None), until.replace(tzinfo=None), timezones=st.just(UTC)))
    assert calendar.advise(card, between) == told
    assert calendar.advise(card, until) == told
    if change is not None:
        assert change > at
        assert calendar.advise(card, change) != told
        assert calendar.next_change(card, between) == change


@PATIENT
@given(cases())
def test_the_changes_of_a_card_come_to_an_end(case: tuple[Calendar, CardDates, datetime]) -> None:
    """From the first moment of all on there are only so many, and after the last nothing changes any more."""
    calendar, card, _ = case
    at: datetime | None = EVER[0]
    for _ in range(10 * len(calendar.freezes) + 3):
        at = None if at is None else calendar.next_change(card, at)
    assert at is None


@PATIENT
@given(cases(), st.data())
def test_what_has_a_time_is_said_until_then(case: tuple[Calendar, CardDates, datetime], data: st.DataObject) -> None:
    """A reminder does not fall silent before its time: an early order's only when a freeze or the card's end comes."""
    calendar, card, at = case
    for one in calendar.advise(card, at):
        until = min(one.by or at, card.not_after) if at <= card.not_after else one.by
        if one.action not in LASTING or until is None or until <= at or one.by is None:
            continue
        between = data.draw(st.datetimes(at.replace(tzinfo=None), until.replace(tzinfo=None), timezones=st.just(UTC)))
        assume(between < one.by)
        if one.action is Action.ORDER_MAY_NOW or one.rule is Rule.COLLECT:
            # Another freeze that is announced meanwhile may make more of it than a reminder.
            assume(calendar.next_change(card, at) is None or between < (calendar.next_change(card, at) or between))
        assert one in calendar.advise(card, between)


@PATIENT
@given(cases(), st.timedeltas(timedelta(seconds=1), timedelta(days=3)))
def test_ordering_at_once_is_said_until_the_freeze(case: tuple[Calendar, CardDates, datetime], step: timedelta) -> None:
    """Who has a card that ends inside a freeze is told to order until that begins, whatever comes before."""
    calendar, card, at = case
    for one in calendar.advise(card, at):
        if one.rule is Rule.ENDS_INSIDE and one.by is not None and at + step < one.by:
            later = [two for two in calendar.advise(card, at + step) if two.rule is Rule.ENDS_INSIDE]
            assert [two.by for two in later] == [one.by]


@PATIENT
@given(cases(), st.sampled_from(["Asia/Tokyo", "Pacific/Honolulu", "Europe/Stockholm"]))
def test_the_moment_counts_and_not_its_zone(case: tuple[Calendar, CardDates, datetime], zone: str) -> None:
    """The same moment told in another zone gives the same, and so does a card that differs in its beginning alone."""
    calendar, card, at = case
    told = calendar.advise(card, at)
    assert calendar.advise(card, at.astimezone(ZoneInfo(zone))) == told
    assert calendar.advise(begun_later(card), at) == told


def begun_later(card: CardDates) -> CardDates:
    """Return a card that began at another time."""
    return CardDates(card.not_before + timedelta(days=400), card.not_after, card.kind)


@PATIENT
@given(calendars(), st.data())
def test_who_joins_is_never_told_to_order_in_vain(calendar: Calendar, data: st.DataObject) -> None:
    """The same of those who have no card yet: no order inside a freeze, and no time that is over or backwards."""
    at = data.draw(moments(calendar))
    joins = data.draw(moments(calendar)).astimezone(SWEDEN).date()
    advice = calendar.advise_joining(joins, at)
    inside = any(freeze.begins <= at < freeze.ends for freeze in calendar.freezes)
    assert not inside or not actions(advice) & OPEN_ONLY
    assert len(actions(advice)) == len(advice)
    for one in advice:
        assert one.by is None or one.by > at
        assert one.by is None or one.since is None or one.since < one.by
