"""A signature: the person is asked, the PIN goes to the daemon, and is gone.

Nothing is kept from one signature to the next, and no code is ever sent twice: after a wrong one the person is asked
anew, with the tries that are left then. Where one may be the last the person has to say so first.
"""

import base64
import binascii
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from sithsd.api.code_wire import AuthenticateCall
from sithsd.api.wire import ReaderCall
from sithsd.cli.code_entry import possible_code
from sithsd.cli.commands.look import GET_CODES
from sithsd.cli.commands.spend import code_prompt, unusable_pin
from sithsd.cli.commands.target import card_words, guidance
from sithsd.cli.daemon import PAD_PATIENCE, PATIENCE
from sithsd.cli.failure import CommandError, failure, failure_sentences
from sithsd.cli.invocation import Invocation
from sithsd.cli.replies import AuthenticateReply, CodesReply, CodeState, read
from sithsd.cli.ssh.asking import Asker, CancelledError, Client, NoWayError, is_gone
from sithsd.cli.ssh.identities import Identity
from sithsd.cli.ssh.keys import signature_blob
from sithsd.cli.ssh.purpose import Purpose
from sithsd.cli.views.cards import environment_text
from sithsd.cli.views.codes import code_text
from sithsd.errors import ErrorCode
from sithsd.secret import Secret
from sithsd.values import Role

AUTHENTICATE = "io.sithsd.Codes.Authenticate"

_ROLE = Role.AUTHENTICATION
# After these the person may give the code again, knowing what has changed.
_ASK_AGAIN = frozenset(
    {
        ErrorCode.PIN_WRONG,
        ErrorCode.PIN_MALFORMED,
        ErrorCode.PIN_TRIES_CHANGED,
        ErrorCode.PINPAD_MALFORMED,
    }
)


@dataclass(frozen=True)
class Habits:
    """What the command line says: `confirm` asks before each signature, `pin_pad` has the PIN entered at the reader."""

    confirm: bool = False
    pin_pad: bool = False


@dataclass(frozen=True)
class Wanted:
    """One signature: of what, by whose key, what for, and for whom."""

    data: bytes
    identity: Identity
    purpose: Purpose
    client: Client


class Signing:
    """Asks for what is needed and has the card sign. `asker` returns by what a person can be asked at the moment.

    Call it from the main thread: a terminal is asked from nowhere else.
    """

    def __init__(self, invocation: Invocation, asker: Callable[[], Asker], habits: Habits) -> None:
        self._invocation = invocation
        self._asker = asker
        self._habits = habits

    def sign(self, wanted: Wanted) -> bytes:
        """Return the signature's blob. Raises CancelledError, NoWayError and CommandError."""
        if is_gone(wanted.client):
            raise CancelledError
        asker = self._asker()
        try:
            if self._habits.confirm and not asker.ask_yes(self._lines(wanted, "ssh-confirm"), wanted.client):
                raise CancelledError
            return self._signed(wanted, asker)
        except CommandError as found:
            # Whether the person can be told or not, the failure is this one.
            with suppress(NoWayError):
                asker.tell([wanted.purpose.told(self._invocation.words), *self._sentences(found)])
            raise

    def _signed(self, wanted: Wanted, asker: Asker) -> bytes:
        trouble: list[str] = []
        while True:
            state = self._state(wanted)
            spend = _may_be_last(state)
            if spend and not asker.ask_yes(
                [*trouble, *self._lines(wanted, self._last_try(state), state=state), self._say("ssh-last-try")],
                wanted.client,
            ):
                raise CancelledError
            pad = self._pad(wanted)
            with self._code(wanted, asker, trouble, state, pad=pad) as code:
                if is_gone(wanted.client):
                    raise CancelledError
                try:
                    return self._sent(wanted, code, state, pad=pad, spend=spend)
                except CommandError as found:
                    if found.parameters.code not in _ASK_AGAIN or found.parameters.tries_left == 0:
                        raise
                    trouble = [*self._sentences(found), ""]

    @contextmanager
    def _code(
        self, wanted: Wanted, asker: Asker, trouble: list[str], state: CodeState, *, pad: bool
    ) -> Iterator[Secret | None]:
        """Give the PIN, wiped after the block; None, with the person told to press it, at a pad."""
        words = self._invocation.words
        if pad:
            lines = [*trouble, *self._lines(wanted, state=state), words.say("pad-verify", role=_ROLE)]
            with asker.telling(lines):
                yield None
            return
        lines = [*trouble, *self._lines(wanted, state=state), code_prompt(words, _ROLE, state)]
        with asker.ask_code(lines, wanted.client) as code:
            yield code

    def _sent(self, wanted: Wanted, code: Secret | None, state: CodeState, *, pad: bool, spend: bool) -> bytes:
        identity, how = wanted.identity, wanted.purpose.how
        call = AuthenticateCall(
            challenge=base64.b64encode(wanted.data).decode(),
            algorithm=how.made_by,
            certificate=identity.certificate.fingerprint,
            description=wanted.purpose.description,
            code=None if code is None else possible_code(code, _ROLE),
            pin_pad=pad or None,
            reader=identity.reader,
            card_serial=identity.card.serial,
            spend_last_try=spend or None,
            expected_tries=state.tries_left,
        )
        patience = PAD_PATIENCE if pad else PATIENCE
        reply = read(self._invocation.daemon.ask(AUTHENTICATE, call, patience=patience), AuthenticateReply)
        if reply.certificate.fingerprint != identity.certificate.fingerprint:
            raise failure(ErrorCode.INTERNAL, "a signature by another certificate's key than was asked for")
        try:
            return signature_blob(how, base64.b64decode(reply.signature, validate=True))
        except (binascii.Error, ValueError) as error:
            raise failure(ErrorCode.INTERNAL, "a signature that is none") from error

    def _state(self, wanted: Wanted) -> CodeState:
        """Return the PIN's state as the card tells it now; a CommandError where it makes no sense to ask for it."""
        reply = read(self._invocation.daemon.ask(GET_CODES, ReaderCall(reader=wanted.identity.reader)), CodesReply)
        if reply.card_serial != wanted.identity.card.serial:
            raise failure(ErrorCode.CARD_CHANGED, "another card than the one whose key was asked for")
        states = {one.role: one for one in reply.codes}
        refusal = unusable_pin(_ROLE, states)
        if refusal is not None:
            raise refusal
        return states[_ROLE]

    def _pad(self, wanted: Wanted) -> bool:
        """Whether the PIN is entered at the reader's own keys: where it has some, and they are wanted."""
        return self._habits.pin_pad and guidance(self._invocation, wanted.identity.reader).pad_verify

    def _lines(self, wanted: Wanted, *more: str, state: CodeState | None = None) -> list[str]:
        """Return what a person has to know of a signature: what for, whose card, and the tries left."""
        words, card = self._invocation.words, wanted.identity.card
        lines = [wanted.purpose.told(words)]
        if card.environment != "production":
            lines.append(environment_text(card.environment, words, coloured=False).plain)
        kind = words.name("identity", wanted.identity.certificate.identity)
        lines.append(words.say("ssh-card", card=card_words(card, words), identity=kind))
        if state is not None:
            lines.append(words.say("ask-tries", role=_ROLE, state=code_text(state, words).plain))
        return [*lines, *(words.say(key, role=_ROLE) for key in more)]

    @staticmethod
    def _last_try(state: CodeState) -> str:
        return "ask-unknown-tries" if state.tries_left is None else "ask-last-try"

    def _say(self, key: str) -> str:
        return self._invocation.words.say(key)

    def _sentences(self, found: CommandError) -> list[str]:
        return failure_sentences(found, self._invocation.words)


def _may_be_last(state: CodeState) -> bool:
    return not state.not_last if state.tries_left is None else state.tries_left <= 1
