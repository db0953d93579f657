"""The command that gives a new card its holder's own PINs: the checklist first, then the codes, all in one call."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Self

from sithsd.api.code_wire import ActivateCall, ExpectedTries
from sithsd.cli import answers
from sithsd.cli.code_entry import possible_code, read_code
from sithsd.cli.commands.spend import ASK_AGAIN, ask_code, send, show_refusal
from sithsd.cli.commands.target import Said, confirmed, guidance, guidance_now, place_shown, show_codes
from sithsd.cli.daemon import JsonObject
from sithsd.cli.failure import CommandError, StoppedError, failure
from sithsd.cli.invocation import Invocation
from sithsd.cli.new_pin import PinRules, ask_new_pin
from sithsd.cli.replies import ActivateReply, CodeState, GuidanceReply, read
from sithsd.cli.terminal import Terminal, own_terminal
from sithsd.cli.words import Words
from sithsd.clock import FixedClock
from sithsd.errors import ErrorCode
from sithsd.policy.checklist import Answer, Item, today_in_sweden
from sithsd.secret import Secret
from sithsd.values import Role

ACTIVATE = "io.sithsd.Codes.Activate"

BY_PUK = "puk"
BY_TRANSPORT_PIN = "transport-pin"
_PINS = (Role.AUTHENTICATION, Role.SIGNATURE)


@dataclass(frozen=True)
class Wanted:
    """What the command line says. `code_fd` gives the codes, None for the terminal."""

    reader: str | None = None
    code_fd: int | None = None
    spend_last_try: bool = False
    risk_card: bool = False
    answers: Mapping[str, Answer] = field(default_factory=dict)


@dataclass
class Plan:
    """What an activation of this card needs: which codes are there to be given, which are chosen."""

    guidance: GuidanceReply
    items: tuple[Item, ...]
    chosen: tuple[Role, ...]

    @property
    def present(self) -> tuple[Role, ...]:
        """The codes that the card has already, in the order in which they are asked for."""
        return (Role.PUK,) if self.guidance.activation == BY_PUK else self.chosen


class Codes:
    """The codes of one activation; they are wiped after the block."""

    def __init__(self) -> None:
        self.present: dict[Role, Secret] = {}
        self.new: dict[Role, Secret] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for code in (*self.present.values(), *self.new.values()):
            code.wipe()


def activate(invocation: Invocation, wanted: Wanted) -> None:
    """Activate a card: by its PUK or its transport PINs, as its profile says."""
    if wanted.code_fd is not None:
        reply = _by_script(invocation, wanted, wanted.code_fd)
    else:
        with own_terminal() as terminal:
            reply = _at_terminal(invocation, terminal, wanted)
    _done(invocation, reply)


def plan(got: GuidanceReply) -> Plan:
    """Return what this card needs.

    A CommandError: "activation.notNeeded" when its holder has chosen all PINs, "pin.unsupported" when nobody knows how
    cards of its kind are activated, "unblock.deskOnly" when only a desk operator may.
    """
    chosen = tuple(role for role in _PINS if role.value in got.to_activate)
    if not chosen:
        raise failure(ErrorCode.ACTIVATION_NOT_NEEDED, "all PINs have been chosen")
    if got.activation not in {BY_PUK, BY_TRANSPORT_PIN}:
        found = failure(ErrorCode.PIN_UNSUPPORTED, "it is not known how such a card is activated")
        raise CommandError(found.parameters, key="activate-unknown-way")
    if not got.may_unblock:
        raise failure(ErrorCode.UNBLOCK_DESK_ONLY, "a desk operator does this with cards of this kind")
    return Plan(got, answers.items_of(got.checklist), chosen)


def _by_script(invocation: Invocation, wanted: Wanted, descriptor: int) -> JsonObject:
    """Read the codes line by line: PUK or transport PINs, then the new PINs, each for authentication first."""
    needed = plan(guidance(invocation, wanted.reader))
    answers.known(needed.items, wanted.answers)
    answers.check(needed.items, wanted.answers, _today(invocation), invocation.words)
    with Codes() as codes:
        for role in needed.present:
            codes.present[role] = read_code(descriptor, role)
        for role in needed.chosen:
            codes.new[role] = read_code(descriptor, role)
        said = Said(wanted.spend_last_try, wanted.risk_card)
        return send(invocation, ACTIVATE, _call(needed, codes, wanted.answers, said))


def _at_terminal(invocation: Invocation, terminal: Terminal, wanted: Wanted) -> JsonObject:
    words = invocation.words
    told: dict[str, Answer] = dict(wanted.answers)
    card: str | None = None
    while True:
        with Codes() as codes:
            try:
                place = place_shown(invocation, terminal, wanted.reader)
                needed = plan(guidance_now(invocation, place))
                answers.known(needed.items, wanted.answers)
                if card is not None and card != place.card.serial:
                    # Another card is another holder: what was answered about the one before does not count.
                    told = dict(wanted.answers)
                card = place.card.serial
                states = {code.role: code for code in needed.guidance.codes}
                show_codes(terminal, words, (*_PINS, Role.PUK), states)
                told = answers.ask(terminal, words, needed.items, told, _today(invocation))
                said = _ask_codes(terminal, words, needed, codes, Said(wanted.spend_last_try, wanted.risk_card))
            except (KeyboardInterrupt, EOFError) as stop:
                raise StoppedError from stop
            try:
                return send(invocation, ACTIVATE, _call(needed, codes, told, said))
            except CommandError as found:
                if found.parameters.code not in ASK_AGAIN:
                    raise
                show_refusal(terminal, found, words)


def _ask_codes(terminal: Terminal, words: Words, needed: Plan, codes: Codes, said: Said) -> Said:
    """Ask for all codes of an activation, and return what is said of their tries."""
    states = {code.role: code for code in needed.guidance.codes}
    transport = needed.guidance.activation == BY_TRANSPORT_PIN
    for role in needed.present:
        _usable(role, states.get(role))
    # Each code needs a word of its own.
    each = [confirmed(terminal, words, role, states, said, floor=needed.guidance.puk_floor) for role in needed.present]
    for role in needed.present:
        codes.present[role] = (
            _transport_pin(terminal, words, role) if transport else ask_code(terminal, words, role, states.get(role))
        )
    for role in needed.chosen:
        other = codes.new.get(Role.AUTHENTICATION)
        rules = PinRules(needed.guidance, old=codes.present.get(role), other=other)
        codes.new[role] = ask_new_pin(terminal, words, role, rules)
    return Said(any(one.spend_last_try for one in each), any(one.risk_card for one in each))


def _transport_pin(terminal: Terminal, words: Words, role: Role) -> Secret:
    return possible_code(terminal.ask_code(words.say("ask-transport", role=role)), role)


def _usable(role: Role, state: CodeState | None) -> None:
    """Raise a CommandError where a code that the activation needs has no tries left."""
    if state is not None and (state.blocked or state.tries_left == 0):
        code = ErrorCode.PUK_BLOCKED if role is Role.PUK else ErrorCode.PIN_BLOCKED
        raise failure(code, "the code is blocked", role=role, tries_left=0)


def _call(needed: Plan, codes: Codes, told: Mapping[str, Answer], said: Said) -> ActivateCall:
    got = needed.guidance
    states = {code.role: code for code in got.codes}
    shown = [(role, states[role].tries_left) for role in needed.present if role in states]
    transport = codes.present if got.activation == BY_TRANSPORT_PIN else {}
    return ActivateCall(
        new_authentication=codes.new.get(Role.AUTHENTICATION),
        new_signature=codes.new.get(Role.SIGNATURE),
        puk=codes.present.get(Role.PUK),
        transport_authentication=transport.get(Role.AUTHENTICATION),
        transport_signature=transport.get(Role.SIGNATURE),
        answers=answers.on_the_wire(needed.items, told),
        reader=got.reader,
        card_serial=got.card_serial,
        spend_last_try=said.spend_last_try or None,
        risk_card=said.risk_card or None,
        expected=[ExpectedTries(role=role, tries_left=tries) for role, tries in shown if tries is not None],
    )


def _today(invocation: Invocation) -> date:
    return today_in_sweden(FixedClock(invocation.now()))


def _done(invocation: Invocation, reply: JsonObject) -> None:
    if invocation.as_json:
        invocation.output.json(reply)
        return
    got = read(reply, ActivateReply)
    words = invocation.words
    invocation.output.line(words.say("activated-done"))
    for role in got.done:
        invocation.output.line(f"- {words.say('activated-role', role=role)}")
    for warning in got.warnings:
        invocation.output.line(words.say("warning-rule", rule=words.name("rule", warning)))
