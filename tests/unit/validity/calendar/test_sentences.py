"""Each sentence about dates in the text of 20 October 2023 that announced a freeze, and in two others, with its dates.

The docstrings quote the few words that make the rule. What the text says of a freeze is tested with the file as
shipped, at the moment before, at and after each boundary, as clocks in Sweden show them.
"""

from datetime import date

import pytest
from advising import SECOND, actions, card, local, sweden, told

from sithsd.validity.calendar import Action, Calendar, Rule
from sithsd.validity.calendar.freezes import shipped
from sithsd.values import CardKind

# As shipped, whatever this machine has of its own.
CALENDAR = Calendar(shipped())
NAME = "2023/24"
ANNOUNCED = "2023-10-20"


def test_from_1_december_to_25_january_no_ordinary_card_can_be_ordered() -> None:
    """Source: "Den 1 december 2023 till 25 januari 2024 är det beställningsstopp": both days belong to it whole."""
    (freeze,) = CALENDAR.freezes
    assert (freeze.name, local(freeze.begins), local(freeze.ends)) == (
        NAME,
        "2023-12-01T00:00:00",
        "2024-01-26T00:00:00",
    )
    # A card that has ended says it best: its holder would order at any moment.
    first = {
        "2023-11-30T23:59:59": "order.now",
        "2023-12-01T00:00:00": "order.from",
        "2023-12-01T00:00:01": "order.from",
        "2024-01-25T12:00:00": "order.from",
        "2024-01-25T23:59:59": "order.from",
        "2024-01-26T00:00:00": "order.now",
    }
    for at, action in first.items():
        ordering = [one for one in CALENDAR.advise(card("2023-06-30"), sweden(at)) if one.rule is Rule.ENDED]
        assert [str(one.action) for one in ordering] == [action], at
        assert local(ordering[0].since) == ("2024-01-26T00:00:00" if action == "order.from" else None)


@pytest.mark.parametrize("at", [ANNOUNCED, "2023-11-30T23:59:59", "2023-12-01", "2024-01-22T12:00", "2024-01-30"])
def test_cards_work_as_usual_until_they_end(at: str) -> None:
    """Source: "fungera som vanligt fram till dess att kortets giltighetstid går ut": most have nothing to do."""
    told_of = {str(one.action) for one in CALENDAR.advise(card("2027-05-31"), sweden(at))}
    assert told_of <= {"carry.card"}


def test_inside_the_freeze_there_is_a_reserve_card_only() -> None:
    """Source: "under denna period kommer du endast kunna få ett tillfälligt reservkort"."""
    assert told(CALENDAR.advise(card("2023-12-15"), sweden("2023-12-01"))) == [
        ("freeze.reserve", "reserve.get", "2023-12-15T23:59:59", None),
        ("freeze.collect", "collect.before", "2024-01-23T00:00:00", None),
        ("freeze.endsInside", "order.from", None, "2024-01-26T00:00:00"),
    ]
    assert told(CALENDAR.advise(card("2023-12-15"), sweden("2023-12-16"))) == [
        ("freeze.reserve", "reserve.get", "2024-01-23T12:00:00", None),
        ("freeze.collect", "collect.before", "2024-01-23T00:00:00", None),
        ("card.ended", "order.from", None, "2024-01-26T00:00:00"),
    ]


def test_reserve_cards_until_noon_on_23_january() -> None:
    """Source: "Fram till klockan 12.00 den 23 januari 2024 går det att få ett reservkort"."""
    assert actions(CALENDAR, "2024-01-10", "2024-01-23T11:59:59") == ["reserve.get", "order.from"]
    assert actions(CALENDAR, "2024-01-10", "2024-01-23T12:00:00") == ["reserve.from", "order.from"]
    assert actions(CALENDAR, "2024-01-10", "2024-01-23T12:00:01") == ["reserve.from", "order.from"]
    (get, _) = CALENDAR.advise(card("2024-01-10"), sweden("2024-01-23T11:59:59"))
    assert (local(get.by), get.freeze, get.months) == ("2024-01-23T12:00:00", NAME, 6)


def test_who_has_a_card_that_ends_in_the_total_stop_gets_a_reserve_card_before_it() -> None:
    """Source: "totalstopp, även för att utfärda reservkort": a card that ends in it can't be replaced then."""
    for ends in ("2024-01-23T12:00:00", "2024-01-24", "2024-01-25T11:59:59"):
        get = CALENDAR.advise(card(ends), sweden("2024-01-20"))[0]
        assert (get.action, local(get.by)) == (Action.RESERVE_GET, "2024-01-23T12:00:00"), ends


def test_nothing_at_all_from_noon_on_23_to_noon_on_25_january() -> None:
    """Source: "Från klockan 12.00 den 23 januari-klockan 12.00 den 25 januari är det totalstopp"."""
    at = ["2024-01-23T11:59:59", "2024-01-23T12:00:00", "2024-01-25T11:59:59", "2024-01-25T12:00:00"]
    first = [CALENDAR.advise(card("2024-01-10"), sweden(one))[0] for one in at]
    assert [str(one.action) for one in first] == ["reserve.get", "reserve.from", "reserve.from", "reserve.get"]
    assert [local(one.since) for one in first] == [None, "2024-01-25T12:00:00", "2024-01-25T12:00:00", None]


def test_after_the_total_stop_that_day_reserve_cards_and_no_ordinary_ones() -> None:
    """The stop ends at noon on 25 January, the freeze with that day."""
    assert told(CALENDAR.advise(card("2024-01-10"), sweden("2024-01-25T12:00:00"))) == [
        ("freeze.reserve", "reserve.get", None, None),
        ("card.ended", "order.from", None, "2024-01-26T00:00:00"),
    ]


def test_keep_the_card_and_the_pin_in_mind() -> None:
    """Source: "inte glömma ditt kort hemma", "Påminn de som ska jobba den 23-25 januari"."""
    carry = ("freeze.totalStop", "carry.card", "2024-01-25T12:00:00", "2024-01-23T12:00:00")
    expected = {
        "2024-01-15T23:59:59": [],
        "2024-01-16T00:00:00": [carry],  # a week before
        "2024-01-23T11:59:59": [carry],
        "2024-01-23T12:00:00": [carry],
        "2024-01-25T11:59:59": [carry],
        "2024-01-25T12:00:00": [],
    }
    for at, advice in expected.items():
        assert told(CALENDAR.advise(card("2027-05-31"), sweden(at))) == advice, at


@pytest.mark.parametrize("kind", [CardKind.ORDINARY, CardKind.OLD, CardKind.UNKNOWN, CardKind.RESERVE])
@pytest.mark.parametrize(
    ("ends", "inside"),
    [
        ("2023-11-30T23:59:59", False),
        ("2023-12-01T00:00:00", True),
        ("2023-12-01T00:00:01", True),
        ("2023-12-31T23:59:59", True),
        ("2024-01-01T00:00:00", True),
        ("2024-01-25T12:00:00", True),
        ("2024-01-25T23:59:59", True),
        ("2024-01-26T00:00:00", False),
    ],
)
def test_who_has_a_card_that_ends_inside_orders_at_once(ends: str, inside: bool, kind: CardKind) -> None:
    """Source: "Om giltighetstiden går ut 1 december-25 januari behöver du omgående beställa nytt"."""
    found = CALENDAR.advise(card(ends, kind), sweden(ANNOUNCED))
    at_once = [one for one in found if one.action is Action.ORDER_NOW]
    assert bool(at_once) is inside
    for one in at_once:
        assert (one.rule, local(one.by), one.since, one.freeze) == (
            Rule.ENDS_INSIDE,
            "2023-12-01T00:00:00",
            None,
            NAME,
        )
        assert found[0] is one


def test_ordering_at_once_is_said_until_the_last_second() -> None:
    """Source: "omgående": from the day on which the freeze was announced until 30 November has ended."""
    assert actions(CALENDAR, "2024-01-10", "2023-10-19T23:59:59") == []
    for at in ("2023-10-20T00:00:00", "2023-11-30T23:59:59"):
        assert actions(CALENDAR, "2024-01-10", at) == ["order.now", "collect.before"]
    assert "order.now" not in actions(CALENDAR, "2024-01-10", "2023-12-01T00:00:00")


def test_who_begins_to_work_inside_the_freeze_has_the_card_ordered_now() -> None:
    """Source: "ansluta till ditt team 1 december-25 januari bör du beställa e-tjänstekort redan nu"."""
    for joins in (date(2023, 12, 1), date(2024, 1, 8), date(2024, 1, 25)):
        first = CALENDAR.advise_joining(joins, sweden("2023-10-25"))[0]
        assert (first.rule, first.action, local(first.by)) == (Rule.JOINS, Action.ORDER_NOW, "2023-12-01T00:00:00")
        assert first.since is not None
        assert first.since <= sweden("2023-10-25")
    for joins in (date(2023, 11, 30), date(2024, 1, 26)):
        assert CALENDAR.advise_joining(joins, sweden("2023-10-25")) == ()
    assert CALENDAR.advise_joining(date(2024, 1, 8), sweden("2023-10-19T23:59:59")) == ()


def test_who_has_begun_inside_the_freeze_gets_a_reserve_card() -> None:
    """The same two sentences: nothing can be ordered any more, and there are reserve cards until noon on the 23rd."""
    assert told(CALENDAR.advise_joining(date(2024, 1, 8), sweden("2023-12-01"))) == [
        ("freeze.reserve", "reserve.get", "2024-01-23T12:00:00", None),
        ("freeze.collect", "collect.before", "2024-01-23T00:00:00", None),
        ("freeze.joins", "order.from", None, "2024-01-26T00:00:00"),
    ]
    assert told(CALENDAR.advise_joining(date(2024, 1, 24), sweden("2024-01-24"))) == [
        ("freeze.reserve", "reserve.from", None, "2024-01-25T12:00:00"),
        ("freeze.joins", "order.from", None, "2024-01-26T00:00:00"),
    ]
    assert CALENDAR.advise_joining(date(2024, 1, 24), sweden("2024-01-26")) == ()


@pytest.mark.parametrize(
    ("ends", "may"),
    [
        ("2024-01-25T23:59:59", False),  # inside: must, not may
        ("2024-02-01T00:00:00", True),
        ("2024-02-15T12:00:00", True),
        ("2024-02-29T23:59:59", True),  # the leap day is February, too
        ("2024-03-01T00:00:00", False),
    ],
)
def test_who_has_a_card_that_ends_in_february_may_order_before_1_december(ends: str, may: bool) -> None:
    """Source: "Om ditt kort går ut i februari 2024 kan du passa på att beställa ett nytt kort före den 1 december"."""
    found = CALENDAR.advise(card(ends), sweden("2023-11-30T23:59:59"))
    assert [local(one.by) for one in found if one.action is Action.ORDER_MAY_NOW] == ["2023-12-01T00:00:00"] * may
    assert Action.ORDER_MAY_NOW not in {one.action for one in CALENDAR.advise(card(ends), sweden("2023-12-01"))}


def test_a_card_ordered_early_is_collected_by_22_january() -> None:
    """Source: "måste hämta ut kortet senast 22 januari, annars makuleras det"."""
    february = card("2024-02-10")
    assert told(CALENDAR.advise(february, sweden(ANNOUNCED))) == [
        ("freeze.collect", "collect.before", "2024-01-23T00:00:00", None),
        ("freeze.endsAfter", "order.mayNow", "2023-12-01T00:00:00", None),
    ]
    collecting = {
        "2023-10-19T23:59:59": False,
        "2023-12-01T00:00:00": True,
        "2024-01-22T23:59:59": True,
        "2024-01-23T00:00:00": False,
    }
    for at, said in collecting.items():
        found = {one.action for one in CALENDAR.advise(february, sweden(at))}
        assert (Action.COLLECT_BEFORE in found) is said, at


@pytest.mark.parametrize("ends", ["2023-12-01T00:00:00", "2023-12-15", "2024-01-22", "2024-01-25", "2024-02-29"])
def test_the_day_on_which_a_card_is_cancelled_is_one_and_the_same(ends: str) -> None:
    """Source: "senast 22 januari, annars makuleras det": nobody's new card is cancelled when the old one ends."""
    for at in (
        ANNOUNCED,
        "2023-11-30T23:59:59",
        "2023-12-01",
        "2023-12-15T23:59:59",
        "2023-12-16",
        "2024-01-22T23:59:59",
    ):
        collecting = [one for one in CALENDAR.advise(card(ends), sweden(at)) if one.action is Action.COLLECT_BEFORE]
        assert [local(one.by) for one in collecting] == ["2024-01-23T00:00:00"], at


def test_a_february_card_inside_the_freeze_waits_for_its_end() -> None:
    """From 60 days before its end its holder is told; what can't be ordered yet is said to be ordered from the 26th."""
    february = card("2024-02-10")
    assert told(CALENDAR.advise(february, sweden("2023-12-12"))) == [
        ("freeze.collect", "collect.before", "2024-01-23T00:00:00", None),
        ("card.endsSoon", "order.from", "2024-02-10T23:59:59", "2024-01-26T00:00:00"),
    ]
    assert told(CALENDAR.advise(february, sweden("2024-01-26"))) == [
        ("card.endsSoon", "renew.soon", "2024-02-10T23:59:59", None),
    ]


def test_the_days_between_the_freeze_and_february_are_taken_along() -> None:
    """The text is silent of cards that end on 26-31 January; their holders may order early like those of February."""
    assert actions(CALENDAR, "2024-01-26T00:00:00", ANNOUNCED) == ["collect.before", "order.mayNow"]
    assert actions(CALENDAR, "2024-01-31", ANNOUNCED) == ["collect.before", "order.mayNow"]


def test_an_order_is_valid_for_three_months() -> None:
    """Source: "beställningen är giltig i 3 månader" (information for students): told wherever ordering is advised."""
    for ends in ("2023-09-01", "2023-12-15", "2024-02-10", "2023-11-15"):
        ordering = [
            one
            for one in CALENDAR.advise(card(ends), sweden("2023-11-01"))
            if one.action not in {Action.COLLECT_BEFORE, Action.CARRY_CARD}
        ]
        assert [one.months for one in ordering] == [3], ends
    since = {
        date(2024, 1, 8): "2023-10-08T00:00:00",
        date(2024, 1, 22): "2023-10-22T00:00:00",
        date(2024, 1, 25): "2023-10-22T00:00:00",  # the card is collected on 22 January at the latest
    }
    for joins, first_day in since.items():
        assert local(CALENDAR.advise_joining(joins, sweden(ANNOUNCED))[0].since) == first_day


def test_a_reserve_card_is_valid_for_six_months_at_most() -> None:
    """Source: "max giltighetstid i 6 månader" (information for students): told with each advice to get one."""
    for at in ("2023-12-24", "2024-01-24", "2024-01-25T15:00:00"):
        (reserve,) = [one for one in CALENDAR.advise(card("2023-12-15"), sweden(at)) if one.rule is Rule.RESERVE]
        assert reserve.months == 6


def test_one_second_before_one_at_and_one_after() -> None:
    """Each boundary of the freeze is the very second: what is said before differs, what is said after is the same."""
    (freeze,) = CALENDAR.freezes
    of_interest = [card("2023-06-30"), card("2024-01-10"), card("2024-02-10"), card("2027-05-31")]
    for boundary in freeze.boundaries:
        before, at, after = (
            [CALENDAR.advise(one, boundary + step) for one in of_interest] for step in (-SECOND, 0 * SECOND, SECOND)
        )
        assert before != at, boundary
        assert at == after, boundary
