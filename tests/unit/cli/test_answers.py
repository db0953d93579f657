"""Answers to the checklist: what is one, and what is wrong with one."""

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sithsd.cli import answers
from sithsd.cli.failure import CommandError, failure_sentences
from sithsd.cli.replies import ChecklistItem, GuidanceReply, read
from sithsd.cli.words import Words
from sithsd.policy.checklist import Answer
from tests.unit.cli.conftest import guidance

TODAY = date(2026, 11, 24)
ITEMS = answers.items_of(read(guidance(), GuidanceReply).checklist)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("yes", True),
        ("Ja", True),
        (" y ", True),
        ("j", True),
        ("true", True),
        ("no", False),
        ("NEJ", False),
        ("n", False),
        ("2026-11-24", TODAY),
        ("20261124", TODAY),
        ("2026-11-32", None),
        ("24/11", None),
        ("", None),
        ("maybe", None),
        ("1", None),
        ("2026-11-24T00:00", None),
    ],
)
def test_what_is_an_answer(text: str, answer: Answer | None) -> None:
    """Yes and no in both languages, and ISO 8601 dates; nothing is guessed."""
    assert answers.parsed(text) == answer
    assert type(answers.parsed(text)) is type(answer)


@given(text=st.text())
def test_any_text_is_an_answer_or_none(text: str) -> None:
    """Nothing that is written brings the program down."""
    assert isinstance(answers.parsed(text), bool | date | None)


def test_pairs_go_before_the_file(tmp_path: Path) -> None:
    """The file has the usual answers, the command line the one that differs."""
    path = tmp_path / "answers.json"
    path.write_text('{"present": true, "pays": "ja", "receipt": "2026-11-01"}')
    assert answers.given(str(path), ()) == {"present": True, "pays": True, "receipt": date(2026, 11, 1)}
    assert answers.given(str(path), ("pays=no",))["pays"] is False
    assert answers.given(None, ("present=yes", "receipt=2026-11-02")) == {"present": True, "receipt": date(2026, 11, 2)}


@pytest.mark.parametrize("pair", ["present", "present=", "present=maybe", "=", "739146"])
def test_a_pair_that_is_none(pair: str) -> None:
    """What is no id=answer is refused, and not repeated: it may be a code in the wrong place."""
    with pytest.raises(CommandError) as caught:
        answers.given(None, (pair,))
    assert caught.value.parameters.code == "request.invalid"
    assert "739146" not in " ".join(failure_sentences(caught.value, Words("en")))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{",
        b'{"present": 1}',
        b'{"present": "maybe"}',
        b'{"present": null}',
        b"\xff",
        b" " * 70_000,
        b"[" * 60_000,
    ],
)
def test_a_file_that_is_none(tmp_path: Path, content: bytes) -> None:
    """A file of anything but answers, or none at all, is refused in one line."""
    path = tmp_path / "answers.json"
    path.write_bytes(content)
    for name in (path, tmp_path, tmp_path / "absent"):
        with pytest.raises(CommandError) as caught:
            answers.given(str(name), ())
        assert caught.value.key == "usage-bad-answers"


def test_an_answer_to_no_item() -> None:
    """A misspelt id is told, with those that there are; a right one passes."""
    answers.known(ITEMS, {"present": True})
    with pytest.raises(CommandError) as caught:
        answers.known(ITEMS, {"presence": True})
    assert failure_sentences(caught.value, Words("en"))[1:] == ["present", "pays", "receipt"]


@pytest.mark.parametrize(
    ("given_answers", "names", "sentence"),
    [
        ({}, ["present", "pays"], "Is the holder here? Not answered."),
        ({"present": False, "pays": False}, ["present"], "Is the holder here? Answered no."),
        ({"present": TODAY, "pays": False}, ["present"], "Is the holder here? Not answered."),
        ({"present": True, "pays": True}, ["receipt"], "The receipt's date? Not answered."),
        ({"present": True, "pays": True, "receipt": True}, ["receipt"], "The receipt's date? Not answered."),
        (
            {"present": True, "pays": True, "receipt": date(2025, 11, 23)},
            ["receipt"],
            "The receipt's date? 2025-11-23 is too old: at most 12 months are allowed.",
        ),
        (
            {"present": True, "pays": True, "receipt": date(2026, 11, 25)},
            ["receipt"],
            "The receipt's date? 2026-11-25 is yet to come.",
        ),
    ],
)
def test_what_is_open_is_told_with_its_question(
    given_answers: dict[str, Answer], names: list[str], sentence: str
) -> None:
    """Scripts get the ids, a person the question and what is wrong with the answer."""
    with pytest.raises(CommandError) as caught:
        answers.check(ITEMS, given_answers, TODAY, Words("en"))
    assert caught.value.parameters.rules == names
    assert failure_sentences(caught.value, Words("en"))[1] == sentence
    assert len(failure_sentences(caught.value, Words("sv"))) == 1 + len(names)


def test_answers_that_are_enough() -> None:
    """Nothing is raised, and what does not count is not sent."""
    enough: dict[str, Answer] = {"present": True, "pays": False, "receipt": date(2001, 1, 1)}
    answers.check(ITEMS, enough, TODAY, Words("en"))
    sent = [(one.id, one.confirmed, one.date) for one in answers.on_the_wire(ITEMS, enough)]
    assert sent == [("present", True, None), ("pays", False, None)]
    paid = {**enough, "pays": True}
    assert [(one.id, one.confirmed, one.date) for one in answers.on_the_wire(ITEMS, paid)][2] == (
        "receipt",
        None,
        "2001-01-01",
    )


@pytest.mark.parametrize(
    "items",
    [
        [ChecklistItem(id="a", kind="essay", sv="?", en="?")],
        [ChecklistItem(id="a", kind="confirm", sv="?", en="?", max_age_months=3)],
        [ChecklistItem(id="a", kind="confirm", sv="?", en="?", when="b")],
    ],
)
def test_a_checklist_that_can_not_be_asked(items: list[ChecklistItem]) -> None:
    """A newer daemon's kind of item is a named fault, not a question that is passed over."""
    with pytest.raises(CommandError) as caught:
        answers.items_of(items)
    assert caught.value.parameters.code == "internal"
