"""Whose card a code goes to: shown to the person before the code is asked for."""

from collections.abc import Mapping
from dataclasses import dataclass

from sithsd.api.wire import ListCall, ReaderCall
from sithsd.cli.commands.look import GET_CODES, LIST
from sithsd.cli.failure import CommandError, failure
from sithsd.cli.invocation import Invocation
from sithsd.cli.plain import plain
from sithsd.cli.readers import chosen
from sithsd.cli.replies import Card, CodesReply, CodeState, ListReply, read
from sithsd.cli.terminal import Terminal
from sithsd.cli.views.cards import environment_text, holder_words
from sithsd.cli.views.codes import code_text
from sithsd.cli.words import Words
from sithsd.errors import ErrorCode
from sithsd.values import Role


@dataclass(frozen=True)
class Wanted:
    """What the command line says.

    `unblock` is False for VERIFY. `code_fd` is where the codes come from, None for the terminal.
    """

    role: Role
    unblock: bool
    reader: str | None
    code_fd: int | None
    spend_last_try: bool

    @property
    def guarded(self) -> Role:
        """The code that is verified by the card, and so has tries to lose."""
        return Role.PUK if self.unblock else self.role

    @property
    def asked(self) -> tuple[Role, ...]:
        """The codes that are read, in their order."""
        return (Role.PUK, self.role) if self.unblock else (self.role,)


@dataclass(frozen=True)
class Target:
    """The card that a code is meant for, and whether its last try may be spent."""

    reader: str | None
    card_serial: str | None
    spend_last_try: bool


@dataclass(frozen=True)
class Shown:
    """What the person has seen: the card, and the state of its codes by role."""

    target: Target
    codes: Mapping[str, CodeState]


def target_shown(invocation: Invocation, terminal: Terminal, wanted: Wanted) -> Shown:
    """Show whose card it is and the tries left, read from the card now; ask for a word where a try may be the last.

    A CommandError where the codes can't be used, the card is not the one that was shown, or the word is not given: the
    code is then not asked for.
    """
    words = invocation.words
    place = chosen(read(invocation.daemon.ask(LIST, ListCall()), ListReply), wanted.reader)
    card = place.card or Card()
    got = read(invocation.daemon.ask(GET_CODES, ReaderCall(reader=place.name)), CodesReply)
    if got.card_serial != card.serial:
        raise failure(ErrorCode.CARD_CHANGED, "another card than a moment ago")
    states = {code.role: code for code in got.codes}
    terminal.say(f"{words.say('reader')}: {plain(place.name)}")
    if card.environment != "production":
        terminal.say(environment_text(card.environment, words, coloured=False).plain)
    terminal.say(f"{words.say('label-card')}: {plain(card_words(card, words))}")
    for asked in reversed(wanted.asked):
        state = states.get(asked, CodeState(role=asked))
        terminal.say(words.say("ask-tries", role=asked, state=code_text(state, words).plain))
    refusal = _unusable(wanted, states)
    if refusal is not None:
        raise refusal
    guarded = states.get(wanted.guarded)
    tries = guarded.tries_left if guarded else None
    spend = wanted.spend_last_try
    if not spend and (tries is None or tries <= 1):
        _confirm(terminal, words, wanted.guarded, tries)
        spend = True
    return Shown(Target(place.name, card.serial, spend), states)


def card_words(card: Card, words: Words) -> str:
    """Return a card in one line: whose it is, and its number."""
    told = holder_words(card.holder, words) or [words.name("kind", card.kind)]
    if card.card_number:
        told.append(f"{words.say('label-card-number').lower()} {card.card_number}")
    return ", ".join(told)


def _unusable(wanted: Wanted, states: Mapping[str, CodeState]) -> CommandError | None:
    """Return why it makes no sense to ask for the code, None where it does."""
    pin = states.get(wanted.role)
    if pin is None:
        return failure(ErrorCode.PIN_UNSUPPORTED, "the card has no such code", role=wanted.role)
    if pin.activated is False and not wanted.unblock:
        return failure(ErrorCode.PIN_NOT_ACTIVATED, "the code has not been chosen yet", role=wanted.role)
    guarded = states.get(wanted.guarded)
    if guarded is not None and (guarded.blocked or guarded.tries_left == 0):
        code = ErrorCode.PUK_BLOCKED if wanted.unblock else ErrorCode.PIN_BLOCKED
        return failure(code, "the code is blocked", role=wanted.guarded, tries_left=0)
    return None


def _confirm(terminal: Terminal, words: Words, role: Role, tries: int | None) -> None:
    """Ask for a word; a CommandError, with nothing sent, when it is not given."""
    known = tries is not None
    warning = f"ask-{'last-try' if known else 'unknown-tries'}{'-puk' if role is Role.PUK else ''}"
    terminal.say(words.say(warning, role=role))
    word = words.say("ask-confirm-word")
    if terminal.ask_word(words.say("ask-confirm", word=word)).casefold() == word:
        return
    if role is Role.PUK:
        code = ErrorCode.PUK_LAST_TRY if known else ErrorCode.PUK_TRIES_UNKNOWN
    else:
        code = ErrorCode.PIN_LAST_TRY if known else ErrorCode.PIN_TRIES_UNKNOWN
    raise failure(code, "the person did not want to spend the try", role=role, tries_left=tries)
