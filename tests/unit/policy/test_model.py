"""The policy file: what is shipped, what a site may say over it, and one line for everything that can't be used."""

import os
from pathlib import Path

import pytest

from sithsd.policy import model
from sithsd.policy.checklist import Kind
from sithsd.policy.new_code import Level, Rule
from sithsd.policy.site_file import PolicyError
from sithsd.values import CardKind


@pytest.fixture(autouse=True)
def _no_site_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the machine's own policy out of the tests."""
    monkeypatch.setattr(model, "SITE_FILE", tmp_path / "usual.toml")


def written(folder: Path, content: str | bytes) -> Path:
    """Return a site's file."""
    path = folder / "policy.toml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_what_is_shipped() -> None:
    """The defaults are those that SITHS cards are known by: 6 to 8 digits, every rule refuses, equal PINs only warn."""
    policy = model.load()
    assert (policy.new_code.min_length, policy.new_code.max_length) == (6, 8)
    for rule in Rule:
        assert policy.new_code.level(rule) is (Level.WARN if rule is Rule.SAME_AS_OTHER else Level.REFUSE)
    assert policy.puk.floor == 3
    assert policy.audit.keep_days == 730
    assert policy.pin_pad.enabled
    by_id = {item.id: item for item in policy.activation.checklist}
    assert (by_id["receiptDate"].max_age_months, by_id["receiptDate"].when) == (12, "paymentApplies")
    assert by_id["orderDate"].max_age_months == 3
    assert by_id["idDocument"].kind is Kind.CONFIRM
    assert "responsibilityLetter" in by_id


def test_no_question_asks_for_a_number() -> None:
    """No answer of the shipped checklist is free text, where somebody might write a document's number."""
    assert {item.kind for item in model.load().activation.checklist} == {Kind.CONFIRM, Kind.QUESTION, Kind.DATE}


@pytest.mark.parametrize("kind", CardKind)
@pytest.mark.parametrize("unblocking", ["holder", "desk", "unknown"])
def test_everybody_is_advised(kind: CardKind, unblocking: str) -> None:
    """Whatever the card, there is a next step; a reserve card's is never to order its codes again."""
    policy = model.load()
    told = {occasion: policy.advise(occasion, kind, unblocking) for occasion in model.Occasion}
    if kind is CardKind.RESERVE:
        assert told == {
            model.Occasion.PIN_BLOCKED: model.Advice.RESERVE_WITH_PUK,
            model.Occasion.PUK_LOST: model.Advice.RESERVE_NEW_CARD,
            model.Occasion.PUK_DEAD: model.Advice.RESERVE_NEW_CARD,
        }
    else:
        blocked = {"holder": "unblock.withPuk", "desk": "unblock.atDesk", "unknown": "unblock.withPukOrAtDesk"}
        lost = {"holder": "letter.reorder", "desk": "unblock.atDesk", "unknown": "unblock.atDesk"}
        assert told == {
            model.Occasion.PIN_BLOCKED: blocked[unblocking],
            model.Occasion.PUK_LOST: lost[unblocking],
            model.Occasion.PUK_DEAD: "card.orderNew",
        }


def test_a_site_says_only_what_it_wants_otherwise(tmp_path: Path) -> None:
    """Values in tables are taken over one by one; all else stays as shipped."""
    path = written(
        tmp_path,
        """
        [new_code]
        min_length = 7
        [new_code.levels]
        sameAsOther = "refuse"
        birthDate = "off"
        [audit]
        keep_days = 0
        [pin_pad]
        enabled = false
        """,
    )
    shipped, policy = model.load(), model.load(path)
    assert (policy.new_code.min_length, policy.new_code.max_length) == (7, 8)
    assert policy.new_code.level(Rule.SAME_AS_OTHER) is Level.REFUSE
    assert policy.new_code.level(Rule.BIRTH_DATE) is Level.OFF
    assert policy.new_code.level(Rule.ALL_SAME) is Level.REFUSE
    assert policy.audit.keep_days == 0
    assert not policy.pin_pad.enabled
    assert (policy.budget, policy.puk, policy.advice) == (shipped.budget, shipped.puk, shipped.advice)
    assert policy.activation == shipped.activation


def test_a_list_is_replaced_as_a_whole(tmp_path: Path) -> None:
    """A site's checklist is the checklist, and may be empty; the same for the advice."""
    path = written(
        tmp_path,
        """
        [[activation.checklist]]
        id = "own"
        kind = "confirm"
        sv = "Egen?"
        en = "Own?"
        [[advice]]
        occasion = "pinBlocked"
        say = "unblock.atDesk"
        [[advice]]
        occasion = "pukLost"
        say = "unblock.atDesk"
        [[advice]]
        occasion = "pukDead"
        say = "card.orderNew"
        """,
    )
    policy = model.load(path)
    assert [item.id for item in policy.activation.checklist] == ["own"]
    assert policy.advise(model.Occasion.PIN_BLOCKED, CardKind.RESERVE, "holder") == "unblock.atDesk"
    assert model.load(written(tmp_path, "activation = { checklist = [] }")).activation.checklist == ()


def test_without_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No file at the usual place is the shipped policy; one there is read; one that was asked for has to be there."""
    assert model.load() == model.load(written(tmp_path, ""))
    monkeypatch.setattr(model, "SITE_FILE", written(tmp_path, "[puk]\nfloor = 5\n"))
    assert model.load().puk.floor == 5
    with pytest.raises(PolicyError, match="No such file"):
        model.load(tmp_path / "other.toml")


ROW = 'occasion = "pukDead"\nsay = "card.orderNew"\n'
ITEM = '[[activation.checklist]]\nsv = "?"\nen = "?"\n'


@pytest.mark.parametrize(
    ("content", "place", "reason"),
    [
        ("[new_code]\nmin_length = 9\n", "$.new_code", "greater"),
        ("[new_code]\nmin_length = 0\n", "$.new_code.min_length", ">= 1"),
        ('[new_code.levels]\nlength = "off"\n', "$.new_code", "length"),
        ('[new_code.levels]\nsameAsMothers = "refuse"\n', "$.new_code.levels", "sameAsMothers"),
        ('[new_code.levels]\nallSame = "maybe"\n', "$.new_code.levels", "maybe"),
        ("[budget]\nwrong_codes_per_user = 0\n", "$.budget.wrong_codes_per_user", ">= 1"),
        ("[budget]\nhours = 1\n", "$.budget", "hours"),
        ("[puk]\nfloor = 99\n", "$.puk.floor", "<= 15"),
        ("[audit]\nkeep_days = -1\n", "$.audit.keep_days", ">= 0"),
        ('[pin_pad]\nenabled = "yes"\n', "$.pin_pad.enabled", "bool"),
        ("[new_codes]\n", "", "new_codes"),
        ("audit = 1\n", "$.audit", "object"),
        (f'{ITEM}id = "a"\nkind = "text"\n', "$.activation.checklist[0].kind", "text"),
        (f'{ITEM}id = "A b"\nkind = "confirm"\n', "$.activation.checklist[0].id", "regex"),
        (f'{ITEM}id = "a"\nkind = "confirm"\nmax_age_months = 3\n', "$.activation.checklist[0]", "only a date"),
        (f'{ITEM}id = "a"\nkind = "confirm"\nwhen = "b"\n', "$.activation", "question"),
        (f"[[advice]]\n{ROW}", "", "pinBlocked"),
        (f'[[advice]]\n{ROW}kind = "gold"\n', "$.advice[0].kind", "gold"),
        ("[audit\n", "line 1", "xpected"),
        ("a = 1\na = 2\n", "line 2", "overwrite"),
        (b"\xff\xfe", "byte 0", "UTF-8"),
        (b"x = " + b"[" * 100_000, "", "nested"),
        (b"#" * 300_000, "", "larger"),
    ],
)
def test_a_malformed_policy(tmp_path: Path, content: str | bytes, place: str, reason: str) -> None:
    """A policy that can't be used is told in one line: file, place, reason."""
    path = written(tmp_path, content)
    with pytest.raises(PolicyError) as error:
        model.load(path)
    line = str(error.value)
    assert "\n" not in line
    assert line.startswith(f"{path}: ")
    assert place in line
    assert reason in line


def test_what_is_no_file(tmp_path: Path) -> None:
    """A folder, or a pipe that nobody writes to, is told so and not waited for."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (tmp_path, pipe):
        with pytest.raises(PolicyError, match="is not a file"):
            model.load(path)
