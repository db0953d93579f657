"""The words that stand on the wire, and what a verdict may say."""

import dataclasses
import re
from enum import StrEnum

import pytest

from sithsd.values import CardKind, CodeState, Environment, IdentityKind, Purpose, Role, Status, Verdict

PUBLISHED: dict[type[StrEnum], set[str]] = {
    Role: {"authentication", "signature", "puk"},
    Purpose: {"authentication", "signature", "issuer", "other"},
    IdentityKind: {"hsaId", "personalIdentityNumber", "none"},
    Environment: {"production", "test", "sim", "unknown"},
    CardKind: {"ordinary", "reserve", "old", "notSiths", "unknown"},
    Status: {"good", "bad", "unknown"},
}


@pytest.mark.parametrize("words", PUBLISHED, ids=lambda words: words.__name__)
def test_the_words_on_the_wire_stay(words: type[StrEnum]) -> None:
    """Scripts compare with these words; there are three answers in `Status` and never two."""
    assert {word.value for word in words} == PUBLISHED[words]
    assert all(re.fullmatch(r"[a-z]+([A-Z][a-z]+)*", word) for word in words)


@pytest.mark.parametrize("status", [Status.BAD, Status.UNKNOWN])
def test_a_verdict_that_is_not_good_says_why(status: Status) -> None:
    """Bad and unknown come with a reason; a verdict without one can't be made."""
    assert Verdict(status, ("date.expired",)).reasons == ("date.expired",)
    with pytest.raises(ValueError, match="reason"):
        Verdict(status)


def test_a_good_verdict_needs_no_reason() -> None:
    """Good is the one answer that may stand alone."""
    assert Verdict(Status.GOOD).reasons == ()


@pytest.mark.parametrize("value", [Verdict(Status.GOOD), CodeState(Role.PUK)])
def test_values_do_not_change(value: object) -> None:
    """What one room hands to another is a copy of the truth at one moment: nobody edits it."""
    name = dataclasses.fields(value)[0].name  # type: ignore[arg-type]
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(value, name, None)


def test_nothing_is_known_of_a_code_until_the_card_tells() -> None:
    """The defaults claim nothing: no count, no word on blocking or activation, and certainly not verified."""
    state = CodeState(Role.AUTHENTICATION)
    assert (state.tries_left, state.blocked, state.activated) == (None, None, None)
    assert state.verified is False
