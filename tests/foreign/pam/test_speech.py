"""What the person sees, and what the site may write."""

from typing import Any

import pytest
from pam_bench import PIN, ROOT, refused, wrong


def test_it_speaks_the_program_s_language(stage: Any) -> None:
    """Swedish or English by the locale of the program; lang= decides where it is given."""
    _, client = stage
    swedish = "Legitimeringskod för kortet, Tolvan Tolvansson (3 försök kvar): "
    english = "PIN of the card of Tolvan Tolvansson (3 tries left): "
    for options, locale, words in (
        ([], {"LANG": "sv_SE.UTF-8"}, swedish),
        ([], {"LANG": "sv_SE.UTF-8", "LC_MESSAGES": "en_US.UTF-8"}, english),
        ([], {"LC_ALL": "sv", "LANG": "C"}, swedish),
        (["lang=sv"], {"LANG": "en_US.UTF-8"}, swedish),
        (["lang=en"], {"LANG": "sv_SE.UTF-8"}, english),
    ):
        assert words in client.log_in(*options, typed=f"{PIN}\n", **locale).shown


def test_what_a_card_says_steers_no_terminal(stage: Any) -> None:
    """Controls and turns of direction in a name are shown as question marks, and a long name is cut."""
    liar, client = stage
    holder = liar.parts["Monitor"]["readers"][0]["card"]["holder"]
    holder["displayName"] = "Tol\x1b[2Jvan\u202e\x9b1m\n" + "å" * 300
    answer = client.log_in(typed=f"{PIN}\n")
    assert answer.result == "SUCCESS"
    assert "PIN of the card of Tol?[2Jvan??1m?ååå" in answer.shown
    assert "å" * 100 not in answer.shown
    holder["displayName"] = None
    assert "PIN of the card (3 tries left): " in client.log_in(typed=f"{PIN}\n").shown


def test_it_is_silent_when_told_so(stage: Any) -> None:
    """PAM_SILENT: prompts only."""
    liar, client = stage
    liar.answers["Authenticate"] = wrong(2)
    client.flags = "(PAM_SILENT)"
    answer = client.log_in(typed="918273\n")
    refused(answer, "AUTH_ERR")
    assert answer.asked
    assert "Wrong PIN" not in answer.shown


@pytest.mark.parametrize(
    "option",
    [
        "accept_uncheked",
        "environment=prod",
        "last_try=",
        "tries=0",
        "tries=4",
        "tries=2x",
        "timeout=+5",
        "accounts=accounts",
        "runtime_dir=",
        "map=gecos",
        "lang=fi",
        "wait=-1",
    ],
)
def test_an_option_that_is_not_understood_opens_nothing(stage: Any, option: str) -> None:
    """A slip of the pen closes the door, and the log names it."""
    liar, client = stage
    answer = client.log_in(option, typed=f"{PIN}\n")
    refused(answer, "AUTHINFO_UNAVAIL")
    assert f"option not understood: {option}" in answer.log
    assert liar.asked == []


def test_the_line_of_the_readme_does_what_it_says(stage: Any) -> None:
    """Card first, password without one: a password is asked for exactly where no card could be used."""
    liar, client = stage
    lines = {
        line.split("  pam_sithsd.so")[0].partition("auth")[2].strip()
        for name in ("README.md", "drivers/pam/README.md")
        for line in (ROOT / name).read_text(encoding="utf-8").splitlines()
        if "  pam_sithsd.so" in line and "success=done" in line
    }
    (client.control,) = lines
    client.next = "auth requisite pam_deny.so"
    assert client.log_in(typed=f"{PIN}\n").result == "SUCCESS"
    client.next = "auth required pam_permit.so"
    assert client.log_in(user="somebody").result == "SUCCESS"
    liar.answers["Authenticate"] = wrong(2)
    refused(client.log_in(typed="918273\n"), "AUTH_ERR")
    liar.answers["Authenticate"] = lambda call: {"parameters": {**liar.proof(call)["parameters"], "signature": "AAAA"}}
    refused(client.log_in(typed=f"{PIN}\n"), "AUTH_ERR")
    liar.parts["Monitor"]["readers"] = []
    assert client.log_in().result == "SUCCESS"
    client.allow("tolvan hsaId:SE2321000016-9ZZ9")
    assert client.log_in().result == "SUCCESS"
