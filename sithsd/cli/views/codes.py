"""The state of codes, in words."""

from collections.abc import Sequence

from rich.console import RenderableType
from rich.text import Text

from sithsd.cli.replies import CodeState
from sithsd.cli.views.layout import BAD, CAUTION, facts
from sithsd.cli.words import Words

_ORDER = ("authentication", "signature", "puk")


def code_text(code: CodeState, words: Words) -> Text:
    """Return the tries left of one code, or why it can't be used."""
    if code.activated is False:
        text = Text(words.say("code-not-activated"), style=CAUTION)
    elif code.blocked:
        text = Text(words.say("code-blocked-puk" if code.role == "puk" else "code-blocked"), style=BAD)
    elif code.tries_left is None:
        text = Text(words.say("code-tries-some") if code.not_last else words.say("code-tries", triesLeft="unknown"))
    elif code.tries_left == 1:
        text = Text(words.say("code-tries-last", triesLeft=1), style=CAUTION)
    else:
        text = Text(words.say("code-tries", triesLeft=code.tries_left), style=BAD if code.tries_left == 0 else "")
    if code.verified:
        text.append(f", {words.say('code-verified')}", style="")
    return text


def in_order(codes: Sequence[CodeState]) -> list[CodeState]:
    """Return codes in the order in which people speak of them."""
    return sorted(codes, key=lambda code: _ORDER.index(code.role) if code.role in _ORDER else len(_ORDER))


def codes_view(codes: Sequence[CodeState], words: Words, *, label_width: int = 0) -> RenderableType:
    """Return a line for each code."""
    if not codes:
        return Text(words.say("no-codes"))
    return facts(
        [(words.name("role", code.role), code_text(code, words)) for code in in_order(codes)], label_width=label_width
    )
