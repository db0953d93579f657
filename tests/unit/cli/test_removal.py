"""Whether the card is still there: decided from pictures and the time, without any daemon."""

from typing import Any

import pytest

from sithsd.cli.removal import BLINK_SECONDS, SETTLE_SECONDS, Turn, Watch, cards_in
from sithsd.cli.replies import MonitorReply, read
from tests.unit.cli.conftest import SERIAL, card, listing, reader

OTHER = "Another Reader 01 00"
GRACE = 10.0
THERE, UNKNOWN, REMOVED, EXCHANGED, MISSING = Turn
IN = listing(reader(card()), reader(None, OTHER))
OUT = listing(reader(None), reader(None, OTHER))
NOTHING_NEW = None


def picture(reply: dict[str, Any] | None) -> MonitorReply | None:
    """Return a picture as the watch takes it; None is a daemon that is lost."""
    return None if reply is None else read({**reply, "event": "changed"}, MonitorReply)


def inside(state: str, **more: Any) -> dict[str, Any]:
    """Return a picture in which the card's reader is in a state without a card that is known."""
    return listing(reader(card(serial=None), state=state, **more), reader(None, OTHER))


def watching(*before: dict[str, Any] | None) -> Watch:
    """Return a watch that has seen these pictures at the moment 0."""
    watch = Watch(SERIAL, GRACE)
    for reply in before:
        watch.see(picture(reply), 0.0)
    return watch


@pytest.mark.parametrize(
    ("seen", "turn"),
    [
        (IN, NOTHING_NEW),
        (listing(reader(card(serial="99")), reader(None, OTHER)), EXCHANGED),
        (inside("unsupported"), EXCHANGED),
        (listing(reader(None), reader(card(), OTHER)), NOTHING_NEW),
        (listing(reader(card(serial=SERIAL.lower()))), NOTHING_NEW),
        (inside("reading"), UNKNOWN),
        (inside("busy"), UNKNOWN),
        (inside("unreadable"), UNKNOWN),
        (inside("mute"), UNKNOWN),
        (inside("state of a newer daemon"), UNKNOWN),
        (listing(reader(None, OTHER)), UNKNOWN),
        (listing(), UNKNOWN),
        (listing(service=False), UNKNOWN),
        (None, UNKNOWN),
    ],
)
def test_what_each_picture_means_for_a_card_that_was_there(seen: dict[str, Any] | None, turn: Turn | None) -> None:
    """An exchange is a removal at once; a reader, pcscd or daemon that is gone leaves it unknown."""
    watch = watching(IN)
    assert watch.see(picture(seen), 1.0) is turn
    assert watch.due == (1.0 + GRACE if turn is UNKNOWN else None)
    assert turn is None or turn.removal is (turn is EXCHANGED)


@pytest.mark.parametrize("out", [OUT, listing(reader(None), reader(card(serial="99"), OTHER))])
def test_a_card_that_is_taken_out(out: dict[str, Any]) -> None:
    """Its reader is empty, and still is a moment later; whatever the other readers hold."""
    watch = watching(IN)
    assert watch.see(picture(out), 1.0) is NOTHING_NEW
    assert watch.see(picture(OUT), 1.5) is NOTHING_NEW
    assert watch.due == 1.0 + BLINK_SECONDS
    assert watch.late(1.9) is NOTHING_NEW
    assert watch.late(2.0) is REMOVED
    assert REMOVED.removal
    assert (watch.due, watch.late(99.0)) == (None, NOTHING_NEW)


@pytest.mark.parametrize("then", [listing(), listing(service=False), None, inside("reading")])
def test_a_reader_that_goes_is_shown_empty_before(then: dict[str, Any] | None) -> None:
    """Unplugged, or gone with its service: then nobody knows, and the grace begins; or the card was only loose."""
    watch = watching(IN, OUT)
    assert watch.see(picture(then), 0.5) is UNKNOWN
    assert watch.due == 0.5 + GRACE
    watch = watching(IN, OUT)
    assert watch.see(picture(then), 1.0) is REMOVED  # too late: it has been empty for a moment
    watch = watching(IN, OUT)
    assert (watch.see(picture(IN), 0.5), watch.due) == (NOTHING_NEW, None)


@pytest.mark.parametrize(
    ("seen", "turn"),
    [
        (IN, THERE),
        (OUT, UNKNOWN),
        (listing(reader(card(serial="99"))), UNKNOWN),
        (listing(reader(None), reader(card(serial=None), OTHER, state="reading")), UNKNOWN),
        (listing(reader(None), reader(card(serial=None), OTHER, state="busy")), UNKNOWN),
        (listing(), UNKNOWN),
        (listing(service=False), UNKNOWN),
        (None, UNKNOWN),
    ],
)
def test_what_the_first_picture_means(seen: dict[str, Any] | None, turn: Turn) -> None:
    """A card that is not to be seen may not have been found yet."""
    assert Watch(SERIAL, GRACE).see(picture(seen), 0.0) is turn


def test_a_card_that_was_never_seen() -> None:
    """Taken out before it could be followed: when its absence has lasted, or the grace is over before that."""
    watch = Watch(SERIAL, GRACE)
    watch.see(picture(OUT), 0.0)
    assert (watch.due, watch.late(4.9), watch.late(5.0)) == (SETTLE_SECONDS, NOTHING_NEW, REMOVED)
    hasty = Watch(SERIAL, 2.0)
    hasty.see(picture(OUT), 0.0)
    assert (hasty.due, hasty.late(2.0)) == (2.0, MISSING)
    late = Watch(SERIAL, GRACE)
    assert [late.see(picture(seen), 4.0) for seen in (None, OUT, IN, OUT)] == [UNKNOWN, NOTHING_NEW, THERE, NOTHING_NEW]
    assert late.due == 4.0 + BLINK_SECONDS


@pytest.mark.parametrize("seen", [None, listing(service=False), listing(), inside("busy"), inside("reading")])
def test_unknown_for_too_long_counts_as_taken_out(seen: dict[str, Any] | None) -> None:
    """The grace counts from the first moment, whatever comes in between that is as unknown; it is told once."""
    watch = watching(IN)
    assert watch.see(picture(seen), 5.0) is UNKNOWN
    assert watch.see(picture(inside("mute")), 8.0) is NOTHING_NEW
    assert watch.late(14.9) is NOTHING_NEW
    assert watch.due == 15.0
    assert watch.late(15.0) is MISSING
    assert MISSING.removal
    assert (watch.due, watch.late(99.0), watch.see(picture(seen), 99.0)) == (None, None, None)


def test_a_stream_of_unknown_pictures_does_not_put_it_off() -> None:
    """A picture that comes after the grace is over, and tells nothing, ends it too."""
    watch = watching(IN, None)
    assert watch.see(picture(inside("reading")), GRACE) is MISSING


@pytest.mark.parametrize("between", [[None], [listing(service=False), listing()], [listing(), inside("reading")]])
def test_a_card_that_is_seen_again_in_time(between: list[dict[str, Any] | None]) -> None:
    """A restart, a sleep or a reader that comes back, under a new name too, is no removal; a later one is."""
    watch = watching(IN)
    turns = [watch.see(picture(reply), 1.0) for reply in between]
    assert turns == [UNKNOWN, *([NOTHING_NEW] * (len(between) - 1))]
    assert watch.see(picture(listing(reader(card(), "Reader 02 00"))), 9.0) is THERE
    assert (watch.due, watch.late(99.0)) == (None, NOTHING_NEW)
    watch.see(picture(listing(reader(None, "Reader 02 00"))), 100.0)
    assert watch.late(101.0) is REMOVED


def test_a_removal_in_the_unknown_is_told_when_it_is_seen() -> None:
    """Another card in its reader is told at once; an empty reader when it has stayed so, whatever comes in between."""
    assert watching(IN, listing(service=False)).see(picture(listing(reader(card(serial="99")))), 1.0) is EXCHANGED
    watch = watching(IN, None)
    assert watch.see(picture(OUT), 1.0) is NOTHING_NEW
    assert watch.see(picture(OUT), 5.9) is NOTHING_NEW
    assert (watch.due, watch.see(picture(OUT), 6.0)) == (6.0, REMOVED)
    watch = watching(IN, None)
    assert [watch.see(picture(seen), 1.0) for seen in (OUT, inside("reading"))] == [NOTHING_NEW, NOTHING_NEW]
    assert watch.due == GRACE
    assert watch.see(picture(IN), 2.0) is THERE
    watch = watching(IN, None)
    watch.see(picture(OUT), 1.0)
    assert watch.see(None, 6.0) is REMOVED  # nobody had asked in time


def test_a_reader_that_comes_back_is_shown_empty_at_first() -> None:
    """As daemon and reader service show it until the card is found: no removal."""
    watch = watching(IN)
    turns = [watch.see(picture(seen), 1.0) for seen in (listing(service=False), listing(), OUT, inside("reading"), IN)]
    assert turns == [UNKNOWN, NOTHING_NEW, NOTHING_NEW, NOTHING_NEW, THERE]


@pytest.mark.parametrize("first", [OUT, listing(reader(card(serial="99")))])
def test_a_removal_is_told_once(first: dict[str, Any]) -> None:
    """Whatever is seen of a card that is gone changes nothing, until it is back: then it can be removed again."""
    watch = watching(IN, first)
    watch.late(1.0)
    for seen in (OUT, listing(reader(card(serial="98"))), None, listing(), inside("reading")):
        assert watch.see(picture(seen), 1.0) is NOTHING_NEW
        assert watch.due is None
    assert watch.see(picture(IN), 2.0) is THERE
    watch.see(picture(OUT), 3.0)
    assert watch.late(4.0) is REMOVED


def test_the_cards_to_choose_from() -> None:
    """Those that could be read; nothing can be told while one is being read, or without pcscd."""
    assert cards_in(read(IN, MonitorReply)) == [SERIAL]
    assert cards_in(read(OUT, MonitorReply)) == []
    assert cards_in(read(listing(reader(card()), reader(card(serial="99"), OTHER)), MonitorReply)) == [SERIAL, "99"]
    assert cards_in(read(inside("unreadable"), MonitorReply)) == []
    assert cards_in(read(inside("reading"), MonitorReply)) is None
    assert cards_in(read(listing(service=False), MonitorReply)) is None
