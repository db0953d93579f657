"""The sentences: whole in both languages, and never a crash over a name that is not known."""

import re
from itertools import product
from pathlib import Path

import pytest
from fluent.runtime import FluentResource
from fluent.syntax import ast, visitor
from hypothesis import given
from hypothesis import strategies as st

import sithsd.cli
from sithsd.cli.failure import failure, failure_sentences
from sithsd.cli.statuses import STATUS_OF, ExitStatus
from sithsd.cli.words import LANGUAGES, Words, preferred_language
from sithsd.errors import ErrorCode
from sithsd.policy.model import Advice
from sithsd.policy.new_code import Rule
from sithsd.validity import reasons
from sithsd.validity.calendar import Action
from sithsd.validity.calendar import Rule as CalendarRule
from sithsd.values import CardKind, Environment, IdentityKind, Purpose, Role, Status

WORDS = {language: Words(language) for language in LANGUAGES}
LOCALES = Path(sithsd.cli.__file__).parent / "locales"
WEAKNESSES = ["key.unreadable", "extensions.malformed"]
REASONS = [*reasons.BAD, *reasons.UNKNOWN, *WEAKNESSES]
NOTES = [
    *("cardNumber.conflict", "cardNumber.checksum", "environment.mixed", "levelOfAssurance.mixed", "holder.conflict"),
    *("holder.protectedAssumed", "hsaId.several", "certificate.transport", "certificate.telia", "certificate.type1"),
    *("certificate.absent", "certificate.malformed", "code.unrecognised"),
]
STATES = ["empty", "reading", "ready", "busy", "unsupported", "unreadable", "mute"]


class Variables(visitor.Visitor):
    """Collects the variables and messages that a message refers to."""

    def __init__(self) -> None:
        self.found: set[str] = set()

    def visit_VariableReference(self, node: ast.VariableReference) -> None:  # noqa: N802 - the visitor's own naming
        """Note a variable."""
        self.found.add(f"${node.id.name}")

    def visit_MessageReference(self, node: ast.MessageReference) -> None:  # noqa: N802 - the visitor's own naming
        """Note a message by the variables it can bring: those of the two forms of a code's name are alike."""
        self.found |= {"$role"} if "code-" in node.id.name.lower() else {f"${node.id.name}"}


def messages(language: str) -> dict[str, ast.Message]:
    """Return all messages of a language; anything that is none fails the test."""
    found: dict[str, ast.Message] = {}
    for entry in FluentResource((LOCALES / f"{language}.ftl").read_text("utf-8")).body:
        assert not isinstance(entry, ast.Junk), entry.content
        if isinstance(entry, ast.Message):
            assert entry.id.name not in found, f"{entry.id.name} stands there twice"
            found[entry.id.name] = entry
    return found


def test_both_languages_have_the_same_keys() -> None:
    """Whoever reads Swedish is told as much as whoever reads English; no key is there twice, and all parse."""
    english, swedish = messages("en"), messages("sv")
    assert list(english) == list(swedish)
    assert len(english) > 200


# In Swedish the sentence of a PIN accepted or unblocked names no PIN.
FEWER_IN_SWEDISH = {"verified-done": {"$role"}, "unblocked-done": {"$role"}}


def test_both_languages_use_the_same_variables() -> None:
    """A translation leaves nothing out that the other tells, and asks for nothing that is not given."""
    english, swedish = messages("en"), messages("sv")
    for key in english:
        told = []
        for message in (english[key], swedish[key]):
            variables = Variables()
            variables.visit(message)
            told.append(variables.found)
        assert told[0] - told[1] == FEWER_IN_SWEDISH.get(key, set()), key
        assert told[1] <= told[0], key


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", list(STATUS_OF))
def test_every_error_has_a_sentence(language: str, code: str) -> None:
    """Each error says in one to three sentences what is wrong and what can be done, whatever is known of the code."""
    for tries, role in product((None, 0, 1, 2, 10), (None, *Role)):
        (sentence,) = failure_sentences(failure(code, "detail", tries_left=tries, role=role), WORDS[language])
        assert sentence.endswith((".", "--help", "status", "codes", "certificates", "sithsd", "pcscd.socket"))
        assert "{" not in sentence
        assert code not in sentence
        assert len(sentence) < 260


def test_every_error_code_is_covered() -> None:
    """A new error code can't be forgotten: it needs an exit status, and so a sentence."""
    assert set(ErrorCode) <= set(STATUS_OF)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("group", "names"),
    [
        ("reason", REASONS),
        ("note", NOTES),
        ("state", STATES),
        ("kind", CardKind),
        ("environment", Environment),
        ("purpose", Purpose),
        ("identity", IdentityKind),
        ("verdict", Status),
        ("role", Role),
        ("exit", [str(status.value) for status in ExitStatus]),
        ("rule", Rule),
        ("advice", Advice),
        ("action", Action),
        ("why", CalendarRule),
    ],
)
def test_every_name_on_the_wire_has_words(language: str, group: str, names: list[str]) -> None:
    """No person ever sees "date.notYetValid" of what this release knows."""
    words = WORDS[language]
    for name in names:
        told = words.say(f"exit-{name}") if group == "exit" else words.name(group, name)
        assert told
        assert told != name


@given(name=st.text(max_size=40))
def test_an_unknown_name_is_shown_as_it_is(name: str) -> None:
    """A newer daemon may say anything: it is shown, harmless, and nothing crashes."""
    words = WORDS["sv"]
    shown = words.name("reason", f"newer.{name}")
    assert shown.startswith("newer.")
    assert shown.isprintable() or any(ord(letter) > 0x7F for letter in shown)


@pytest.mark.parametrize("name", ["expired\x1b[31m", "../etc", "", "a b", "-", "date.expired\n"])
def test_only_a_proper_name_finds_a_sentence(name: str) -> None:
    """A name that is none of the wire's finds no key, whatever it looks like."""
    assert WORDS["sv"].key("reason", name) is None


def test_blocking_and_revoking_have_their_own_words() -> None:
    """A code is blocked (låst), a certificate is revoked (spärrat); neither word is used for the other."""
    for key, message in messages("sv").items():
        text = str([element.value for element in getattr(message.value, "elements", []) if hasattr(element, "value")])
        about_codes = key.startswith(
            (
                "error-pin",
                "error-puk",
                "code-",
                "ask-",
                "pad-",
                "rule-",
                "unblocked",
                "verified",
                "changed",
                "activated",
            )
        )
        if about_codes:
            assert "spärr" not in text.lower(), key
        if key.startswith(("reason-", "certificate-", "verdict-")):
            assert "låst" not in text.lower(), key
    for key, message in messages("en").items():
        text = str([element.value for element in getattr(message.value, "elements", []) if hasattr(element, "value")])
        if key.startswith(("error-pin", "error-puk", "code-", "ask-")):
            assert "revoke" not in text.lower(), key
        if key.startswith(("reason-", "certificate-", "verdict-")):
            assert "block" not in text.lower(), key


@pytest.mark.parametrize("language", LANGUAGES)
def test_tries_are_counted_in_the_language(language: str) -> None:
    """One try is singular, two are plural, and not knowing is said, never shown as a number."""
    words = WORDS[language]
    told = {tries: words.say("tries-sentence", triesLeft=tries) for tries in (0, 1, 2, "unknown")}
    assert len(set(told.values())) == 4
    assert "2" in told[2]
    assert not re.search(r"\d", told["unknown"])
    assert {"en": "One try is left.", "sv": "Ett försök är kvar."}[language] == told[1]


def test_a_lacking_value_is_a_fault() -> None:
    """A sentence with a hole in it is never shown."""
    with pytest.raises(ValueError, match="error-readers"):
        WORDS["sv"].say("error-readers")
    with pytest.raises(KeyError):
        WORDS["sv"].say("no-such-sentence")


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "en"),
        ({"LANG": "sv_SE.UTF-8"}, "sv"),
        ({"LANG": "sv_FI@euro"}, "sv"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LC_ALL": "", "LC_MESSAGES": "sv_SE.UTF-8", "LANG": "en_US.UTF-8"}, "sv"),
        ({"LC_ALL": "en_US.UTF-8", "LC_MESSAGES": "sv_SE.UTF-8"}, "en"),
        ({"LANG": "de_DE.UTF-8", "LANGUAGE": "fi:sv:en"}, "sv"),
        ({"LANG": "sv_SE.UTF-8", "LANGUAGE": "en"}, "en"),
        ({"LC_ALL": "C", "LANGUAGE": "sv"}, "en"),
        ({"LC_ALL": "C.UTF-8", "LANG": "sv_SE.UTF-8"}, "en"),
        ({"LANG": "svx_SE"}, "en"),
    ],
)
def test_the_locale_decides_the_language(environment: dict[str, str], language: str) -> None:
    """LC_ALL, LC_MESSAGES, LANG in this order; LANGUAGE goes before them unless the locale is C; else English."""
    assert preferred_language(environment) == language
