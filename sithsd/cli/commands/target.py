"""Whose card a code goes to: shown to the person before the code is asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeVar

from sithsd.api.code_wire import GuidanceCall
from sithsd.api.wire import ListCall, ReaderCall
from sithsd.cli.commands.look import GET_CODES, LIST
from sithsd.cli.failure import LOST, CommandError, failure
from sithsd.cli.invocation import Invocation
from sithsd.cli.plain import plain
from sithsd.cli.readers import chosen
from sithsd.cli.replies import Card, CertificatesReply, CodesReply, CodeState, GuidanceReply, ListReply, read
from sithsd.cli.terminal import Terminal
from sithsd.cli.views.cards import environment_text, holder_words
from sithsd.cli.views.codes import code_text
from sithsd.cli.words import Words
from sithsd.errors import ErrorCode
from sithsd.values import Role

GET_GUIDANCE = "io.sithsd.Codes.GetGuidance"

# By whether it is the PUK, and its tries (None: not known, 2: more than one): the warning, and the error when no word
# is given.
_WARNINGS = MappingProxyType(
    {
        (False, None): ("ask-unknown-tries", ErrorCode.PIN_TRIES_UNKNOWN),
        (False, 1): ("ask-last-try", ErrorCode.PIN_LAST_TRY),
        (True, None): ("ask-unknown-tries-puk", ErrorCode.PUK_TRIES_UNKNOWN),
        (True, 1): ("ask-last-try-puk", ErrorCode.PUK_LAST_TRY),
        (True, 2): ("ask-few-tries-puk", ErrorCode.PUK_BELOW_FLOOR),
    }
)

Got = TypeVar("Got", bound=CodesReply | CertificatesReply)


@dataclass(frozen=True)
class Said:
    """What a person has said of the tries: that the last one may be spent, and that the PUK may be lost."""

    spend_last_try: bool = False
    risk_card: bool = False


@dataclass(frozen=True)
class Place:
    """The reader and the card in it."""

    reader: str
    card: Card


def place_shown(invocation: Invocation, terminal: Terminal, reader: str | None) -> Place:
    """Show whose card it is, and return where. A CommandError where there is not exactly one card that may be meant."""
    words = invocation.words
    found = chosen(read(invocation.daemon.ask(LIST, ListCall()), ListReply), reader)
    card = found.card or Card()
    terminal.say(f"{words.say('reader')}: {plain(found.name)}")
    if card.environment != "production":
        terminal.say(environment_text(card.environment, words, coloured=False).plain)
    terminal.say(f"{words.say('label-card')}: {plain(card_words(card, words))}")
    return Place(found.name, card)


def codes_now(invocation: Invocation, place: Place) -> CodesReply:
    """Return the state of the codes, read from the card now; "card.changed" when it is not the one that was shown."""
    return of_card(read(invocation.daemon.ask(GET_CODES, ReaderCall(reader=place.reader)), CodesReply), place)


def guidance_now(invocation: Invocation, place: Place) -> GuidanceReply:
    """Return the same with all that is needed to ask for new codes."""
    return of_card(guidance(invocation, place.reader), place)


def guidance(invocation: Invocation, reader: str | None) -> GuidanceReply:
    """Ask the daemon what is needed to ask a person for codes."""
    try:
        return read(invocation.daemon.ask(GET_GUIDANCE, GuidanceCall(reader=reader)), GuidanceReply)
    except CommandError as found:
        if found.key == LOST:
            # It is a call of the codes' interface, but uses no try: there is nothing to be unsure of.
            raise CommandError(found.parameters) from found
        raise


def refuse_other(place: Place, state: CodeState | None, *, card_serial: str | None, expected_tries: int | None) -> None:
    """Return if card and tries are those that the command line names, where it does; else a CommandError."""
    if card_serial is not None and card_serial != place.card.serial:
        raise failure(ErrorCode.CARD_CHANGED, "another card than --card-serial")
    if state is not None and expected_tries is not None and expected_tries != state.tries_left:
        code = ErrorCode.PUK_TRIES_CHANGED if state.role == Role.PUK else ErrorCode.PIN_TRIES_CHANGED
        raise failure(code, "another number than --expected-tries", role=state.role, tries_left=state.tries_left)


def show_codes(terminal: Terminal, words: Words, roles: Sequence[Role], states: Mapping[str, CodeState]) -> None:
    """Show what is known of each of these codes."""
    for role in roles:
        state = states.get(role, CodeState(role=role))
        terminal.say(words.say("ask-tries", role=role, state=code_text(state, words).plain))


def confirmed(  # noqa: PLR0913 - what a person is asked hangs on all of it
    terminal: Terminal, words: Words, role: Role, states: Mapping[str, CodeState], said: Said, *, floor: int = 0
) -> Said:
    """Return what is said of a code's tries, after asking for a word where one of them may be the last, or dear.

    A PUK with fewer tries than `floor` is dear. A CommandError, with nothing asked for or sent, when the word is not
    given.
    """
    state = states.get(role)
    tries = state.tries_left if state else None
    last = not (state and state.not_last) if tries is None else tries <= 1
    if role is Role.PUK:
        risky = tries is None or tries < floor
        if (last and not said.spend_last_try) or (risky and not said.risk_card):
            _confirm(terminal, words, role, tries, "ask-confirm-word-puk")
            return Said(spend_last_try=said.spend_last_try or last, risk_card=said.risk_card or risky)
    elif last and not said.spend_last_try:
        _confirm(terminal, words, role, tries, "ask-confirm-word")
        return Said(spend_last_try=True, risk_card=said.risk_card)
    return said


def card_words(card: Card, words: Words) -> str:
    """Return a card in one line: whose it is, and its number."""
    told = holder_words(card.holder, words) or [words.name("kind", card.kind)]
    if card.card_number:
        told.append(f"{words.say('label-card-number').lower()} {card.card_number}")
    return ", ".join(told)


def of_card(got: Got, place: Place) -> Got:
    """Return a reply; "card.changed" when it is not of the card that was shown."""
    if got.card_serial != place.card.serial:
        raise failure(ErrorCode.CARD_CHANGED, "another card than a moment ago")
    return got


def _confirm(terminal: Terminal, words: Words, role: Role, tries: int | None, word_key: str) -> None:
    """Ask for a word; a CommandError, with nothing sent, when it is not given."""
    warning, code = _WARNINGS[role is Role.PUK, None if tries is None else min(max(tries, 1), 2)]
    terminal.say(words.say(warning, role=role, triesLeft="unknown" if tries is None else tries))
    word = words.say(word_key)
    if terminal.ask_word(words.say("ask-confirm", word=word)).casefold() != word:
        raise failure(code, "the person did not want to spend the try", role=role, tries_left=tries)
