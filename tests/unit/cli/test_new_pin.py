"""The rules for a new PIN, as far as they can be told while it is typed."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sithsd.cli.live_entry import Mark
from sithsd.cli.new_pin import PinRules
from sithsd.cli.replies import GuidanceReply, read
from sithsd.cli.words import LANGUAGES, Words
from sithsd.policy.new_code import Level, NewCodeRules, Rule, check, refused
from sithsd.secret import Secret
from tests.unit.cli.conftest import code, guidance

NUMBERS = ["198403079876"]
WORDS = {language: Words(language) for language in LANGUAGES}


def pin_rules(old: str | None = "918273", other: str | None = "604937", **more: Any) -> PinRules:
    """Return the rules of a card."""
    told = read(guidance(code("authentication"), **{"personalNumbers": NUMBERS, **more}), GuidanceReply)
    return PinRules(
        told,
        old=None if old is None else Secret(old.encode()),
        other=None if other is None else Secret(other.encode()),
    )


def test_all_that_can_be_judged_is_shown() -> None:
    """Every rule stands there, in the order of the rules, with its words in both languages."""
    rules = pin_rules()
    assert rules.shown == tuple(Rule)
    for words in WORDS.values():
        texts = [rules.text(rule, words) for rule in rules.shown]
        assert len(set(texts)) == len(texts)
        assert texts[1].startswith("6-8 ")


@pytest.mark.parametrize(
    ("more", "hidden"),
    [
        ({"old": None}, {Rule.SAME_AS_OLD}),
        ({"other": None}, {Rule.SAME_AS_OTHER}),
        ({"personalNumbers": []}, {Rule.PERSONAL_NUMBER, Rule.BIRTH_DATE}),
        ({"rules": [{"rule": "allSame", "level": "refuse"}]}, set(Rule) - {Rule.DIGITS, Rule.LENGTH, Rule.ALL_SAME}),
        ({"rules": []}, set(Rule) - {Rule.DIGITS, Rule.LENGTH}),
        ({"rules": [{"rule": "newer", "level": "refuse"}, {"rule": "allSame", "level": "maybe"}]}, None),
    ],
)
def test_what_can_not_be_judged_is_not_shown(more: dict[str, Any], hidden: set[Rule] | None) -> None:
    """A rule that is off, unknown here, or lacks what it compares with gets no mark that would promise something."""
    shown = set(pin_rules(**more).shown)
    assert shown == ({Rule.DIGITS, Rule.LENGTH} if hidden is None else set(Rule) - hidden)


@pytest.mark.parametrize(("least", "most", "text"), [(6, 8, "6-8 digits"), (6, 6, "6 digits"), (4, 12, "4-12 digits")])
def test_the_length_is_the_daemons(least: int, most: int, text: str) -> None:
    """The lengths come with the guidance, which knows the card and the policy."""
    rules = pin_rules(minLength=least, maxLength=most)
    assert rules.text(Rule.LENGTH, WORDS["en"]) == text
    with Secret(b"739146258147"[:least]) as whole, Secret(b"739146258147"[: least - 1]) as short:
        assert rules.marks(whole)[Rule.LENGTH] is Mark.KEPT
        assert rules.marks(short)[Rule.LENGTH] is Mark.OPEN


def test_a_warning_is_told_as_one() -> None:
    """What is only advised against says so, and can be taken all the same."""
    rules = pin_rules()
    assert rules.text(Rule.SAME_AS_OTHER, WORDS["en"]) == "not the same as the other PIN (advised)"
    with Secret(b"604937") as same:
        marks = rules.marks(same)
    assert marks[Rule.SAME_AS_OTHER] is Mark.WARNED
    assert not {Mark.OPEN, Mark.BROKEN} & set(marks.values())


@given(typed=st.text("0123456789", max_size=10))
def test_enter_is_taken_just_when_the_policy_takes_it(typed: str) -> None:
    """No mark is open or broken if and only if the rules refuse nothing: the screen and the daemon agree."""
    rules = pin_rules()
    levels = {rule: Level.WARN if rule is Rule.SAME_AS_OTHER else Level.REFUSE for rule in Rule}
    with Secret(typed.encode()) as new, Secret(b"918273") as old, Secret(b"604937") as other:
        findings = check(
            new,
            old=old,
            other=other,
            personal_numbers=NUMBERS,
            rules=NewCodeRules(min_length=6, max_length=8, levels=levels),
            shortest=None,
            longest=None,
        )
        marks = rules.marks(new)
    assert (not {Mark.OPEN, Mark.BROKEN} & set(marks.values())) is (not refused(findings))


@given(typed=st.text("0123456789x", max_size=8), more=st.text("0123456789x", min_size=1, max_size=4))
def test_a_run_once_broken_stays_broken(typed: str, more: str) -> None:
    """What the screen has told early is never taken back by typing on, within the lengths that a PIN may have."""
    rules = pin_rules()
    early = (Rule.ALL_SAME, Rule.ASCENDING, Rule.DESCENDING)
    with Secret(typed.encode()) as before, Secret((typed + more).encode()) as after:
        was, becomes = rules.marks(before), rules.marks(after)
    for rule in early:
        assert was[rule] is not Mark.KEPT or becomes[rule] is Mark.KEPT
    assert was[Rule.DIGITS] is not Mark.BROKEN or becomes[Rule.DIGITS] is Mark.BROKEN
