"""A hostile card does not drive the terminal."""

import json
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sithsd.cli.plain import LONGEST, json_text, plain
from sithsd.cli.words import Words

HOSTILE = [
    "\x1b[2J",
    "\x9b31m",
    "\r",
    "\n",
    "\b",
    "\x7f",
    "\u202e",
    "\u2066",
    "\u200f",
    "\u2028",
    "\ufeff",
    "\U000e0041",
]
ANYTHING = st.text(st.characters(exclude_categories=[]), max_size=60)


def unsafe(text: str) -> list[str]:
    """Return the characters that a terminal obeys or that turn text around."""
    return [letter for letter in text if unicodedata.category(letter) in {"Cc", "Cf", "Cs", "Zl", "Zp"}]


@pytest.mark.parametrize("text", HOSTILE)
def test_what_drives_a_terminal_is_replaced(text: str) -> None:
    """Control characters, bidi overrides, invisible marks and line separators become U+FFFD."""
    assert plain(f"Tolvan{text}") == "Tolvan" + "".join("\ufffd" if unsafe(letter) else letter for letter in text)
    assert not unsafe(plain(text))


@given(ANYTHING)
def test_plain_text_is_harmless_and_keeps_its_length(text: str) -> None:
    """Nothing unsafe is left, and no letter disappears or moves."""
    assert not unsafe(plain(text))
    assert len(plain(text)) == len(text)
    assert all(shown in {letter, "\ufffd"} for shown, letter in zip(plain(text), text, strict=True))


def test_letters_stay_as_they_are() -> None:
    """Names of people are shown as they are written, whatever their letters."""
    name = "Åsa Öberg-Łukasz Ñandú 王小明 d'Été"
    assert plain(name) == name


def test_a_long_text_is_cut() -> None:
    """A name without end does not fill the screen."""
    assert plain("x" * 10_000) == "x" * (LONGEST - 1) + "…"


@given(
    st.recursive(st.none() | st.integers() | ANYTHING, lambda inner: st.lists(inner) | st.dictionaries(ANYTHING, inner))
)
def test_json_is_the_same_value_and_harmless(value: Any) -> None:
    """JSON printed on a terminal reads back as the very same value, and can't drive the terminal."""
    for indent in (None, 2):
        written = json_text(value, indent=indent)
        assert json.loads(written) == value
        assert not unsafe(written.replace("\n", ""))


def test_json_keeps_letters_readable() -> None:
    """Letters of other alphabets are not escaped."""
    assert json_text({"name": "Åsa"}) == '{"name": "Åsa"}'


def test_values_in_sentences_are_harmless() -> None:
    """What is put into a sentence is made harmless on the way, so no view can forget it."""
    assert Words("en").say("error-name", name="x\x1b[2J\u202e") == "Error: x\ufffd[2J\ufffd"
