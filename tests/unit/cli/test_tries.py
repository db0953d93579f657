"""What a person is told, and asked, of a counter that tells no number but that the next try is not the last."""

import pytest

from sithsd.cli.commands.target import Said, confirmed
from sithsd.cli.failure import CommandError
from sithsd.cli.replies import CodeState
from sithsd.cli.views.codes import code_text
from sithsd.cli.words import ENGLISH, SWEDISH, Words
from sithsd.values import Role

NOTHING = Said(spend_last_try=False, risk_card=False)


class Silent:
    """A terminal whose person says nothing that is asked for."""

    def __init__(self) -> None:
        self.asked = 0

    def say(self, _: str) -> None:
        """Show something."""

    def ask_word(self, _: str) -> str:
        """Ask for a word."""
        self.asked += 1
        return ""


@pytest.mark.parametrize(
    ("not_last", "english", "swedish"), [(True, "more than one", "mer än ett"), (False, "not", "okänt")]
)
def test_it_is_shown(*, not_last: bool, english: str, swedish: str) -> None:
    """That it is more than one is said, and no number is made up."""
    state = CodeState(role="signature", not_last=not_last)
    for language, words in ((ENGLISH, english), (SWEDISH, swedish)):
        text = code_text(state, Words(language)).plain
        assert words in text
        assert not any(letter.isdigit() for letter in text)


def test_no_word_is_asked_for_a_pin() -> None:
    """Knowledge that rules the last try out is enough; without it a word is wanted, and for a PUK in any case."""
    terminal, words = Silent(), Words(ENGLISH)
    known = {Role.SIGNATURE: CodeState(role="signature", not_last=True), Role.PUK: CodeState(role="puk", not_last=True)}
    assert confirmed(terminal, words, Role.SIGNATURE, known, NOTHING) == NOTHING
    assert terminal.asked == 0
    for role, states in ((Role.SIGNATURE, {Role.SIGNATURE: CodeState(role="signature")}), (Role.PUK, known)):
        with pytest.raises(CommandError):
            confirmed(terminal, words, role, states, NOTHING, floor=3)
    assert terminal.asked == 2
