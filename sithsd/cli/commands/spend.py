"""Commands that use a code: verify, change and unblock.

With a file descriptor the request goes straight to the daemon, whose guard decides. At a terminal the person first
sees whose card it is and how many tries are left, and the request names that very card and number: had either changed
meanwhile, nothing is sent, what was typed is thrown away, and the person sees the new state and is asked again.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum

from sithsd.api.code_wire import ChangeCall, UnblockCall, VerifyCall
from sithsd.api.wire import Wire
from sithsd.cli.code_entry import possible_code, read_code
from sithsd.cli.commands.target import (
    Said,
    codes_now,
    confirmed,
    guidance_now,
    place_shown,
    refuse_other,
    show_codes,
)
from sithsd.cli.daemon import PAD_PATIENCE, PATIENCE, JsonObject
from sithsd.cli.failure import LOST, CommandError, StoppedError, failure, failure_sentences, parameters
from sithsd.cli.invocation import Invocation
from sithsd.cli.new_pin import PinRules, ask_new_pin
from sithsd.cli.replies import CodeReply, CodesReply, CodeState, GuidanceReply, read
from sithsd.cli.terminal import Terminal, has_terminal, own_terminal
from sithsd.cli.words import Words
from sithsd.errors import ErrorCode
from sithsd.secret import Secret
from sithsd.values import Role

# Nothing was sent and no try was used, but what the person was shown is not so any more, or what was chosen can't be
# taken: at a terminal it is shown and asked anew.
ASK_AGAIN = frozenset(
    {ErrorCode.PIN_TRIES_CHANGED, ErrorCode.PUK_TRIES_CHANGED, ErrorCode.CARD_CHANGED, ErrorCode.PIN_REFUSED}
)


class Operation(Enum):
    """What is done with a code: the method's name."""

    VERIFY = "Verify"
    CHANGE = "Change"
    UNBLOCK = "Unblock"


@dataclass(frozen=True)
class Wanted:
    """What the command line says.

    `code_fd` is where the codes come from, None for the terminal; with `pin_pad` they are pressed at the reader.
    `card_serial` and `expected_tries` are what a script has shown to its person.
    """

    role: Role
    operation: Operation
    reader: str | None = None
    code_fd: int | None = None
    spend_last_try: bool = False
    risk_card: bool = False
    pin_pad: bool = False
    card_serial: str | None = None
    expected_tries: int | None = None

    @property
    def guarded(self) -> Role:
        """The code that is verified by the card, and so has tries to lose."""
        return Role.PUK if self.operation is Operation.UNBLOCK else self.role

    @property
    def asked(self) -> tuple[Role, ...]:
        """The codes that are read, in their order."""
        return (self.guarded,) if self.operation is Operation.VERIFY else (self.guarded, self.role)


@dataclass(frozen=True)
class Target:
    """The card that a code is meant for, its tries as shown to the person, and what was said of them."""

    reader: str | None
    card_serial: str | None
    expected_tries: int | None
    said: Said


def spend(invocation: Invocation, wanted: Wanted) -> None:
    """Give a PIN to the card, change it, or unblock it with the PUK."""
    if wanted.code_fd is not None and wanted.pin_pad:
        raise CommandError(parameters(ErrorCode.REQUEST_INVALID, "codes from two places"), key="usage-two-places")
    if wanted.code_fd is not None or (wanted.pin_pad and not has_terminal()):
        reply = _by_script(invocation, wanted)
    else:
        with own_terminal() as terminal:
            reply = _at_terminal(invocation, terminal, wanted)
    _done(invocation, reply, wanted.operation)


def _by_script(invocation: Invocation, wanted: Wanted) -> JsonObject:
    said = Said(wanted.spend_last_try, wanted.risk_card)
    target = Target(wanted.reader, wanted.card_serial, wanted.expected_tries, said)
    with _wiped() as codes:
        if wanted.code_fd is not None:
            for role in wanted.asked:
                # One by one: the first is wiped too when the second can't be read.
                codes += [read_code(wanted.code_fd, role)]
        return _sent(invocation, wanted, target, codes)


def _at_terminal(invocation: Invocation, terminal: Terminal, wanted: Wanted) -> JsonObject:
    while True:
        with _wiped() as codes:
            try:
                target = _asked(invocation, terminal, wanted, codes)
            except (KeyboardInterrupt, EOFError) as stop:
                raise StoppedError from stop
            if wanted.pin_pad:
                terminal.say(invocation.words.say(f"pad-{wanted.operation.value.lower()}", role=wanted.role))
            try:
                return _sent(invocation, wanted, target, codes)
            except CommandError as found:
                if found.parameters.code not in ASK_AGAIN:
                    raise
                show_refusal(terminal, found, invocation.words)


def show_refusal(terminal: Terminal, found: CommandError, words: Words) -> None:
    """Tell why what was typed was thrown away, before it is asked for again."""
    terminal.say("")
    for sentence in failure_sentences(found, words):
        terminal.say(sentence)
    terminal.say("")


def _sent(invocation: Invocation, wanted: Wanted, target: Target, codes: list[Secret]) -> JsonObject:
    call = _call(wanted, target, codes)
    patience = PAD_PATIENCE if wanted.pin_pad else PATIENCE
    return send(invocation, f"io.sithsd.Codes.{wanted.operation.value}", call, patience=patience)


def send(invocation: Invocation, method: str, call: Wire, *, patience: float = PATIENCE) -> JsonObject:
    """Return the daemon's reply. Whoever stops the program meanwhile is told that the card may have used a try."""
    try:
        return invocation.daemon.ask(method, call, patience=patience)
    except KeyboardInterrupt as stop:
        found = parameters(ErrorCode.DAEMON_UNAVAILABLE, "stopped before the reply came")
        found.retryable = False
        raise CommandError(found, key=LOST) from stop


def _call(wanted: Wanted, target: Target, codes: list[Secret]) -> VerifyCall | ChangeCall | UnblockCall:
    first = codes[0] if codes else None
    second = codes[1] if len(codes) > 1 else None
    spend_last_try = target.said.spend_last_try or None
    pin_pad = wanted.pin_pad or None
    if wanted.operation is Operation.VERIFY:
        return VerifyCall(
            role=wanted.role,
            code=first,
            reader=target.reader,
            card_serial=target.card_serial,
            spend_last_try=spend_last_try,
            expected_tries=target.expected_tries,
            pin_pad=pin_pad,
        )
    if wanted.operation is Operation.CHANGE:
        return ChangeCall(
            role=wanted.role,
            code=first,
            new_code=second,
            reader=target.reader,
            card_serial=target.card_serial,
            spend_last_try=spend_last_try,
            expected_tries=target.expected_tries,
            pin_pad=pin_pad,
        )
    return UnblockCall(
        role=wanted.role,
        puk=first,
        new_code=second,
        reader=target.reader,
        card_serial=target.card_serial,
        spend_last_try=spend_last_try,
        expected_tries=target.expected_tries,
        risk_card=target.said.risk_card or None,
        pin_pad=pin_pad,
    )


def _done(invocation: Invocation, reply: JsonObject, operation: Operation) -> None:
    if invocation.as_json:
        invocation.output.json(reply)
        return
    got = read(reply, CodeReply)
    words = invocation.words
    tries = "unknown" if got.tries_left is None else got.tries_left
    key = {Operation.VERIFY: "verified-done", Operation.CHANGE: "changed-done", Operation.UNBLOCK: "unblocked-done"}
    invocation.output.line(words.say(key[operation], role=got.role, triesLeft=tries))
    for warning in got.warnings:
        invocation.output.line(words.say("warning-rule", rule=words.name("rule", warning)))


@contextmanager
def _wiped() -> Iterator[list[Secret]]:
    """Give a list for codes, which are wiped after the block."""
    codes: list[Secret] = []
    try:
        yield codes
    finally:
        for code in codes:
            code.wipe()


def _asked(invocation: Invocation, terminal: Terminal, wanted: Wanted, codes: list[Secret]) -> Target:
    """Show the card and ask for what is needed, into `codes`."""
    words = invocation.words
    place = place_shown(invocation, terminal, wanted.reader)
    verify = wanted.operation is Operation.VERIFY
    guidance = None if verify else guidance_now(invocation, place)
    got: CodesReply = guidance or codes_now(invocation, place)
    states = {code.role: code for code in got.codes}
    show_codes(terminal, words, tuple(dict.fromkeys(reversed(wanted.asked))), states)
    refusal = _unusable(wanted, states, guidance)
    if refusal is not None:
        raise refusal
    guarded = states.get(wanted.guarded)
    refuse_other(place, guarded, card_serial=wanted.card_serial, expected_tries=wanted.expected_tries)
    said = confirmed(
        terminal,
        words,
        wanted.guarded,
        states,
        Said(wanted.spend_last_try, wanted.risk_card),
        floor=guidance.puk_floor if guidance else 0,
    )
    if not wanted.pin_pad:
        codes.append(ask_code(terminal, words, wanted.guarded, guarded, changing=wanted.operation is Operation.CHANGE))
        if guidance is not None:
            old = codes[0] if wanted.operation is Operation.CHANGE else None
            codes.append(ask_new_pin(terminal, words, wanted.role, PinRules(guidance, old=old, other=None)))
    return Target(place.reader, place.card.serial, guarded.tries_left if guarded else None, said)


def ask_code(
    terminal: Terminal, words: Words, role: Role, state: CodeState | None, *, changing: bool = False
) -> Secret:
    """Return a code that the card has already; with `changing` it is called the present one."""
    return possible_code(terminal.ask_code(code_prompt(words, role, state, changing=changing)), role)


def code_prompt(words: Words, role: Role, state: CodeState | None, *, changing: bool = False) -> str:
    """Return the words that ask for it."""
    length = _length(state)
    key = "ask-present" if changing else "ask-code"
    return words.say(key, role=role) if length is None else words.say(f"{key}-length", role=role, length=length)


def _length(state: CodeState | None) -> str | None:
    """Return how many digits the card takes ("6", "6-8"), None where it does not tell."""
    if state is None or state.min_length is None or state.max_length is None:
        return None
    shortest, longest = state.min_length, state.max_length
    return str(shortest) if shortest == longest else f"{shortest}-{longest}"


def unusable_pin(role: Role, states: Mapping[str, CodeState]) -> CommandError | None:
    """Return why it makes no sense to ask for a PIN, None where it does."""
    pin = states.get(role)
    if pin is None:
        return failure(ErrorCode.PIN_UNSUPPORTED, "the card has no such code", role=role)
    if pin.activated is False:
        return failure(ErrorCode.PIN_NOT_ACTIVATED, "the code has not been chosen yet", role=role)
    if _is_blocked(pin):
        return failure(ErrorCode.PIN_BLOCKED, "the code is blocked", role=role, tries_left=0)
    return None


def _is_blocked(state: CodeState) -> bool:
    return bool(state.blocked or state.tries_left == 0)


def _unusable(wanted: Wanted, states: Mapping[str, CodeState], guidance: GuidanceReply | None) -> CommandError | None:
    """Return why it makes no sense to ask for the code, None where it does."""
    if wanted.operation is Operation.UNBLOCK:
        if wanted.role not in states:
            return failure(ErrorCode.PIN_UNSUPPORTED, "the card has no such code", role=wanted.role)
        if guidance is not None and not guidance.may_unblock:
            return failure(ErrorCode.UNBLOCK_DESK_ONLY, "this user may not unblock such a card", role=wanted.role)
        puk = states.get(Role.PUK)
        if puk is not None and _is_blocked(puk):
            return failure(ErrorCode.PUK_BLOCKED, "the code is blocked", role=Role.PUK, tries_left=0)
    elif (refusal := unusable_pin(wanted.role, states)) is not None:
        return refusal
    if wanted.pin_pad and guidance is not None and not guidance.pad_modify:
        return failure(ErrorCode.PINPAD_ABSENT, "the reader has no pad that changes codes", role=wanted.role)
    return None
