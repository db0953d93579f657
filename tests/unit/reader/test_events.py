"""What follows from two looks at a reader."""

from hypothesis import given
from hypothesis import strategies as st

from sithsd.reader import scard
from sithsd.reader.events import (
    CardInserted,
    CardMute,
    CardRemoved,
    ReaderRemoved,
    ReaderState,
    departure,
    differences,
    read_state,
)

states = st.builds(
    ReaderState,
    name=st.just("A"),
    present=st.booleans(),
    atr=st.sampled_from([b"\x3b\x00", b"\x3b\x01\x02"]),
    event_count=st.sampled_from([0, 1, 2, 3, 0xFFFF]),
    mute=st.booleans(),
)


@given(st.lists(states))
def test_cards_come_and_go_in_turns(looks: list[ReaderState]) -> None:
    """Whatever is seen, a card is removed before the next one comes, and what was told agrees with the last look."""
    card: object = None
    before = ReaderState("A")
    for look in looks:
        for event in differences(before, look):
            assert isinstance(event, CardRemoved) is (card is not None)
            card = None if isinstance(event, CardRemoved) else event
        assert (card is not None) is look.present
        if card is not None:
            assert isinstance(card, CardMute) is look.mute
            assert card.event_count == look.event_count
        before = look


@given(states)
def test_two_looks_at_the_same_are_nothing(look: ReaderState) -> None:
    """Nothing is told twice."""
    assert list(differences(look, look)) == []


def test_a_changed_atr_alone_is_the_same_card() -> None:
    """A card may answer a warm reset differently; only the counter tells of another one."""
    cold = ReaderState("A", present=True, atr=b"\x3b\x00", event_count=1)
    warm = ReaderState("A", present=True, atr=b"\x3b\x01\x02", event_count=1)
    assert list(differences(cold, warm)) == []


def test_a_jump_of_the_counter_is_a_swap() -> None:
    """A card in both times, two events apart: it was taken out and one was put in."""
    first = ReaderState("A", present=True, atr=b"\x3b\x00", event_count=1)
    second = ReaderState("A", present=True, atr=b"\x3b\x00", event_count=3)
    assert list(differences(first, second)) == [CardRemoved("A", 3), CardInserted("A", b"\x3b\x00", 3)]


def test_other_programs_at_work_are_no_event() -> None:
    """That a reader is in use, or held exclusively, changes nothing about its card."""
    free = ReaderState("A", present=True, atr=b"\x3b\x00", event_count=1)
    used = ReaderState("A", present=True, atr=b"\x3b\x00", event_count=1, in_use=True, exclusive=True)
    assert list(differences(free, used)) == []


def test_the_state_word_is_read() -> None:
    """Each bit has its meaning, and the upper half is the counter."""
    word = 0x00050000 | scard.STATE_PRESENT | scard.STATE_INUSE | scard.STATE_EXCLUSIVE
    state = read_state(scard.StatusChange("A", word, b"\x3b\x00"))
    assert state == ReaderState("A", True, b"\x3b\x00", 5, False, True, True)
    mute = read_state(scard.StatusChange("A", 0x00050000 | scard.STATE_PRESENT | scard.STATE_MUTE, b"\x3b\x00"))
    assert (mute.present, mute.mute, mute.atr) == (True, True, b"")


def test_a_reader_out_of_order_counts_as_empty() -> None:
    """What a reader that can't be spoken to says of its card is not believed."""
    for trouble in (scard.STATE_UNKNOWN, scard.STATE_UNAVAILABLE):
        state = read_state(scard.StatusChange("A", trouble | scard.STATE_PRESENT | scard.STATE_MUTE, b"\x3b\x00"))
        assert (state.present, state.mute, state.atr) == (False, False, b"")


def test_a_departing_reader_gives_up_its_card_first() -> None:
    """The card goes, then the reader; an empty reader just goes."""
    full = ReaderState("A", present=True, atr=b"\x3b\x00", event_count=7)
    assert list(departure(full)) == [CardRemoved("A", 7), ReaderRemoved("A")]
    assert list(departure(ReaderState("A"))) == [ReaderRemoved("A")]
