"""Commands that use a code: verify and unblock.

With a file descriptor the request goes straight to the daemon, whose guard decides. At a terminal the person first
sees whose card it is and how many tries are left, and the request names that very card, so that one put in meanwhile
gets nothing.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from sithsd.api.wire import UnblockCall, VerifyCall
from sithsd.cli.code_entry import possible_code, read_code, same
from sithsd.cli.commands.target import Target, Wanted, target_shown
from sithsd.cli.daemon import JsonObject
from sithsd.cli.failure import LOST, CommandError, StoppedError, parameters
from sithsd.cli.invocation import Invocation
from sithsd.cli.replies import CodeReply, CodeState, read
from sithsd.cli.terminal import Terminal, own_terminal
from sithsd.cli.words import Words
from sithsd.errors import ErrorCode
from sithsd.secret import Secret
from sithsd.values import Role

VERIFY = "io.sithsd.Codes.Verify"
UNBLOCK = "io.sithsd.Codes.Unblock"


def verify(invocation: Invocation, wanted: Wanted) -> None:
    """Give a PIN to the card."""
    with _codes(invocation, wanted) as (target, codes):
        reply = _sent(
            invocation,
            VERIFY,
            VerifyCall(
                role=wanted.role,
                code=codes[0],
                reader=target.reader,
                card_serial=target.card_serial,
                spend_last_try=target.spend_last_try or None,
            ),
        )
    _done(invocation, reply, "verified-done")


def unblock(invocation: Invocation, wanted: Wanted) -> None:
    """Unblock a PIN with the PUK and give it a new value."""
    with _codes(invocation, wanted) as (target, codes):
        reply = _sent(
            invocation,
            UNBLOCK,
            UnblockCall(
                role=wanted.role,
                puk=codes[0],
                new_code=codes[1],
                reader=target.reader,
                card_serial=target.card_serial,
                spend_last_try=target.spend_last_try or None,
            ),
        )
    _done(invocation, reply, "unblocked-done")


def _sent(invocation: Invocation, method: str, call: VerifyCall | UnblockCall) -> JsonObject:
    """Return the daemon's reply. Whoever stops the program meanwhile is told that the card may have used a try."""
    try:
        return invocation.daemon.ask(method, call)
    except KeyboardInterrupt as stop:
        found = parameters(ErrorCode.DAEMON_UNAVAILABLE, "stopped before the reply came")
        found.retryable = False
        raise CommandError(found, key=LOST) from stop


def _done(invocation: Invocation, reply: JsonObject, key: str) -> None:
    if invocation.as_json:
        invocation.output.json(reply)
        return
    got = read(reply, CodeReply)
    tries = "unknown" if got.tries_left is None else got.tries_left
    invocation.output.line(invocation.words.say(key, role=got.role, triesLeft=tries))


@contextmanager
def _codes(invocation: Invocation, wanted: Wanted) -> Iterator[tuple[Target, list[Secret]]]:
    """Give the card that is meant, and its codes: one, or PUK and new PIN. They are wiped after the block."""
    codes: list[Secret] = []
    try:
        if wanted.code_fd is None:
            target = _asked(invocation, wanted, codes)
        else:
            target = Target(wanted.reader, None, wanted.spend_last_try)
            for role in wanted.asked:
                # One by one: the first is wiped too when the second can't be read.
                codes += [read_code(wanted.code_fd, role)]
        yield target, codes
    finally:
        for code in codes:
            code.wipe()


def _asked(invocation: Invocation, wanted: Wanted, codes: list[Secret]) -> Target:
    words = invocation.words
    try:
        with own_terminal() as terminal:
            shown = target_shown(invocation, terminal, wanted)
            guarded = wanted.guarded
            codes.append(_one_code(terminal, words, "ask-code", guarded, shown.codes.get(guarded)))
            if wanted.unblock:
                codes.append(_new_code(terminal, words, wanted.role, shown.codes.get(wanted.role)))
            return shown.target
    except (KeyboardInterrupt, EOFError) as stop:
        raise StoppedError from stop


def _one_code(terminal: Terminal, words: Words, key: str, role: Role, state: CodeState | None) -> Secret:
    length = _length(state)
    prompt = words.say(key, role=role) if length is None else words.say(f"{key}-length", role=role, length=length)
    return possible_code(terminal.ask_code(prompt), role)


def _new_code(terminal: Terminal, words: Words, role: Role, state: CodeState | None) -> Secret:
    """Return a PIN typed twice alike; two that differ are asked for again."""
    while True:
        with ExitStack() as wiped:
            new = wiped.enter_context(_one_code(terminal, words, "ask-new", role, state))
            with terminal.ask_code(words.say("ask-again", role=role)) as again:
                if same(new, again):
                    wiped.pop_all()
                    return new
        terminal.say(words.say("ask-mismatch"))


def _length(state: CodeState | None) -> str | None:
    """Return how many digits the card takes ("6", "6-8"), None where it does not tell."""
    if state is None or state.min_length is None or state.max_length is None:
        return None
    shortest, longest = state.min_length, state.max_length
    return str(shortest) if shortest == longest else f"{shortest}-{longest}"
