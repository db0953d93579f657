"""The PIN: what goes to a card, how often, and when not."""

from typing import Any

import pytest
from pam_bench import PIN, refused, wrong


@pytest.mark.parametrize(
    "typed", ["12345", "123456789", "12345a", "lösenord", "hemligt1", " 123456", "123456 ", "1" * 100]
)
def test_what_is_no_pin_goes_to_no_card(stage: Any, typed: str) -> None:
    """Not the right number of digits: no call, and it is said how many there are."""
    liar, client = stage
    answer = client.log_in(typed=f"{typed}\n")
    refused(answer, "AUTH_ERR")
    assert "A PIN has 6 to 8 digits. Nothing was sent to the card." in answer.shown
    assert liar.calls("Authenticate") == []
    assert typed not in answer.shown


def test_no_pin_at_all(stage: Any) -> None:
    """An empty line, or the end of the input, is no try."""
    liar, client = stage
    refused(client.log_in(typed="\n"), "AUTH_ERR")
    refused(client.log_in(typed=""), "CONV_ERR")
    assert liar.calls("Authenticate") == []


@pytest.mark.parametrize("option", ["use_first_pass", "try_first_pass"])
def test_a_password_is_never_sent_to_a_card(stage: Any, option: str) -> None:
    """What the module before asked for goes to the card only if it looks like a PIN; else nothing, or a prompt."""
    liar, client = stage
    password = "correct-horse"  # noqa: S105 - what must not reach a card
    answer = client.log_in(option, typed=f"{PIN}\n", first=password)
    assert password not in answer.shown
    if option == "use_first_pass":
        refused(answer, "AUTH_ERR")
        assert not answer.asked
        assert liar.calls("Authenticate") == []
    else:
        assert answer.result == "SUCCESS"
        assert [call["code"] for call in liar.calls("Authenticate")] == [PIN]
    assert "has not the form of a PIN" in answer.log
    liar.asked.clear()
    again = client.log_in(option, first="918273")
    assert again.result == "SUCCESS"
    assert not again.asked
    assert [call["code"] for call in liar.calls("Authenticate")] == ["918273"]


def test_without_leave_another_module_s_password_is_not_looked_at(stage: Any) -> None:
    """Neither option: the PIN is asked for, whatever came before."""
    liar, client = stage
    assert client.log_in(typed=f"{PIN}\n", first="918273").asked
    assert [call["code"] for call in liar.calls("Authenticate")] == [PIN]


@pytest.mark.parametrize(
    ("left", "result", "words"),
    [
        (2, "AUTH_ERR", "Wrong PIN. 2 tries left."),
        (1, "AUTH_ERR", "Wrong PIN. One try left."),
        (0, "MAXTRIES", "blocked"),
        (None, "AUTH_ERR", "does not tell how many tries are left"),
    ],
)
def test_a_wrong_pin_tells_what_is_left(stage: Any, left: int | None, result: str, words: str) -> None:
    """One try is used, the number left is shown, and nothing is sent again."""
    liar, client = stage
    liar.answers["Authenticate"] = wrong(left)
    answer = client.log_in(typed="918273\n918273\n")
    refused(answer, result)
    assert words in answer.shown
    assert len(liar.calls("Authenticate")) == 1


def test_every_try_takes_a_newly_typed_pin(stage: Any) -> None:
    """tries=: a wrong PIN is asked for again, with another challenge and the tries that are left by then."""
    liar, client = stage
    liar.answers["Authenticate"] = lambda call: wrong(2)(call) if call["code"] != PIN else liar.proof(call)
    answer = client.log_in("tries=3", "try_first_pass", typed=f"12\n{PIN}\n", first="918273")
    assert answer.result == "SUCCESS"
    first, second = liar.calls("Authenticate")
    assert (first["code"], second["code"]) == ("918273", PIN)
    assert (first["expectedTries"], second["expectedTries"]) == (3, 2)
    assert first["challenge"] != second["challenge"]


def test_the_last_try_is_kept(stage: Any) -> None:
    """With one try left, or an unknown number, nothing is asked and nothing sent; also after a wrong PIN."""
    liar, client = stage
    code = liar.parts["GetGuidance"]["codes"][0]
    for left, words in ((1, "One try is left"), (None, "does not tell how many")):
        code["triesLeft"] = left
        answer = client.log_in(typed=f"{PIN}\n")
        refused(answer, "MAXTRIES")
        assert words in answer.shown
        assert not answer.asked
    assert liar.calls("Authenticate") == []
    code["triesLeft"] = 2
    liar.answers["Authenticate"] = wrong(1)
    refused(client.log_in("tries=3", typed="918273\n918273\n918273\n"), "MAXTRIES")
    assert len(liar.calls("Authenticate")) == 1


def test_a_try_that_is_known_not_to_be_the_last_is_used(stage: Any) -> None:
    """A card that tells notLast and no number needs no word; after a wrong PIN that is asked for anew."""
    liar, client = stage
    code = liar.parts["GetGuidance"]["codes"][0]
    code.update(triesLeft=None, notLast=True)
    answer = client.log_in(typed=f"{PIN}\n")
    assert answer.result == "SUCCESS"
    assert "(more than 1 try left)" in answer.shown
    (call,) = liar.calls("Authenticate")
    assert {"spendLastTry", "expectedTries"}.isdisjoint(call)

    def one_less(_: dict[str, Any]) -> dict[str, Any]:
        code["notLast"] = len(liar.calls("Authenticate")) < 3
        return wrong(None)({})

    liar.answers["Authenticate"] = one_less
    refused(client.log_in("tries=3", typed="918273\n" * 3), "MAXTRIES")
    assert len(liar.calls("Authenticate")) == 3


def test_the_last_try_takes_a_word(stage: Any) -> None:
    """last_try=ask: only the word typed out uses it; last_try=use: the site has said so."""
    liar, client = stage
    liar.parts["GetGuidance"]["codes"][0]["triesLeft"] = 1
    for word in ("no", "", "y", "yes please"):
        refused(client.log_in("last_try=ask", typed=f"{word}\n{PIN}\n"), "MAXTRIES")
    assert liar.calls("Authenticate") == []
    assert client.log_in("last_try=ask", typed=f"yes\n{PIN}\n").result == "SUCCESS"
    assert client.log_in("last_try=ask", "lang=sv", typed=f"JA\n{PIN}\n").result == "SUCCESS"
    assert client.log_in("last_try=use", typed=f"{PIN}\n").result == "SUCCESS"
    assert [call["spendLastTry"] for call in liar.calls("Authenticate")] == [True, True, True]


@pytest.mark.parametrize(
    ("code", "result", "words"),
    [
        ({"blocked": True, "triesLeft": None}, "MAXTRIES", "blocked"),
        ({"triesLeft": 0}, "MAXTRIES", "blocked"),
        ({"activated": False}, "AUTHINFO_UNAVAIL", "not been activated"),
        ({"role": "signature"}, "AUTHINFO_UNAVAIL", "no PIN for log-in"),
    ],
)
def test_a_code_that_can_t_be_used_is_not_asked_for(stage: Any, code: dict[str, Any], result: str, words: str) -> None:
    """Blocked, not activated, or not there."""
    liar, client = stage
    liar.parts["GetGuidance"]["codes"][0].update(code)
    answer = client.log_in(typed=f"{PIN}\n")
    refused(answer, result)
    assert words in answer.shown
    assert not answer.asked


def test_a_pin_pad_is_used_where_there_is_one(stage: Any) -> None:
    """The person is sent to the reader, and no code comes through here; no_pin_pad: it is asked for all the same."""
    liar, client = stage
    liar.parts["GetGuidance"]["padVerify"] = True
    answer = client.log_in()
    assert answer.result == "SUCCESS"
    assert "at the reader's own keys (3 tries left)" in answer.shown
    assert client.log_in("no_pin_pad", typed=f"{PIN}\n").asked
    pad, typed = liar.calls("Authenticate")
    assert pad["pinPad"] is True
    assert "code" not in pad
    assert "pinPad" not in typed
