"""The operations that use a code, each inside one transaction: verify, change, unblock, activate.

Every one proves first that it is the card that was read, asks the guard with counters read in the same transaction,
sends each code at most once, never goes on after a refusal, and leaves nothing unlocked. A code that is None is entered
at the reader's PIN pad.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace

from sithsd.card import encoding, guard
from sithsd.card.backends.base import Backend, Pad
from sithsd.card.guard import NOTHING_SAID, Word
from sithsd.card.model import CardContents, CodeReference
from sithsd.card.operations import Connection, ReadCard, prove_same
from sithsd.card.profile import Activation
from sithsd.card.transport import WatchedChannel, stack
from sithsd.errors import ErrorCode, SithsdError
from sithsd.reader.pinpad import PinBlock
from sithsd.secret import Secret
from sithsd.values import CodeState, Role

_AT_PAD = frozenset(
    {
        ErrorCode.PINPAD_ABSENT,
        ErrorCode.PINPAD_CANCELLED,
        ErrorCode.PINPAD_TIMEOUT,
        ErrorCode.PINPAD_MISMATCH,
        ErrorCode.PINPAD_MALFORMED,
        ErrorCode.PIN_UNSUPPORTED,  # the pad can't take codes of this form
    }
)
# The card's own word, or ours, or the reader's, that the card did not take the code: then it is as locked as it was.
CERTAIN = _AT_PAD | {
    ErrorCode.PIN_WRONG,
    ErrorCode.PIN_BLOCKED,
    ErrorCode.PIN_NOT_ACTIVATED,
    ErrorCode.PIN_MALFORMED,
    ErrorCode.PUK_WRONG,
    ErrorCode.PUK_BLOCKED,
}

# The card's, or its module's, own word that it did not do what was asked: what the code did before is not said.
_CLEAR = frozenset({ErrorCode.CARD_REFUSED, ErrorCode.UNBLOCK_NOT_BY_MODULE})


@dataclass(slots=True)
class Trail:
    """What becomes known on the way, also to one who gets an error at the end.

    `before`: the states of the codes concerned, read before anything was sent. `judged`: the code that went to the card
    last and that the card compares, None as long as none did. `done`: the roles whose operation was a success.
    `faults`: bugs of ours that changed nothing of what is told. `given_up`: set by one who does not wait any longer;
    from then on no code is sent. `at_pad`: a person enters the codes at the reader, which takes its time.
    """

    before: dict[Role, CodeState] = field(default_factory=dict)
    judged: Role | None = None
    done: list[Role] = field(default_factory=list)
    faults: list[Exception] = field(default_factory=list)
    given_up: bool = False
    at_pad: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """A code that was taken: its state by the card's answer, and the states of all codes read after it.

    `states` is None where they have to be read in a new transaction, because the card is being reset to lock it.
    `signature` is what was made with the code, if that was asked for.
    """

    state: CodeState
    states: tuple[CodeState, ...] | None
    signature: bytes | None = None


@dataclass(frozen=True, slots=True)
class FreshCode:
    """A PIN that gets its first own value: `new`, and the `transport` value that it has now, where it has one."""

    role: Role
    new: Secret
    transport: Secret | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """One operation's turn at the card: the transaction, the card that is meant, and the person's word.

    `word` is about the code that the card compares, for a PUK with `floor`: the number of its tries below which it
    takes the word `risk_card`. `new_lengths` are the least and the most digits of a new PIN that is entered at a pad,
    beside what the card takes. The operation fills in `trail`.
    """

    connection: Connection
    card: ReadCard
    word: Word = NOTHING_SAID
    floor: int = 0
    trail: Trail = field(default_factory=Trail)
    new_lengths: tuple[int, int] | None = None


def verify(turn: Turn, role: Role, digits: Secret | None) -> Outcome:
    """Give a PIN to the card, once.

    Raises pin.unsupported, pin.malformed, card.changed, whatever the guard refuses with, what the card says, and
    card.outcomeUnknown if its answer never came.
    """
    code, backend = pin(turn.card.contents, role), turn.card.backend
    check((digits, code))
    use = Use(turn)
    guard.allow(use.look_at(code), turn.word)
    if digits is None:
        pad = use.pad(modify=False)
        state = use.send(code, lambda: backend.verify_at_pad(use.channel, pad, code))
    else:
        state = use.send(code, lambda: backend.verify(use.channel, code, digits))
    return use.lock(state, code)


def change(turn: Turn, role: Role, digits: Secret | None, new_digits: Secret | None) -> Outcome:
    """Change a PIN from its present value to a new one, once. Raises as `verify` does."""
    code, backend = pin(turn.card.contents, role), turn.card.backend
    _both_or_none(digits, new_digits)
    check((digits, code), (new_digits, code))
    use = Use(turn)
    guard.allow(use.look_at(code), turn.word)
    if digits is None or new_digits is None:
        pad = use.pad(modify=True)
        state = use.send(code, lambda: backend.change_at_pad(use.channel, pad, code, turn.new_lengths))
    else:
        state = use.send(code, lambda: backend.change(use.channel, code, digits, new_digits))
    return use.lock(state, code)


def unblock(turn: Turn, role: Role, puk_digits: Secret | None, new_digits: Secret | None) -> Outcome:
    """Unblock a PIN with the PUK, once, and give it a new value.

    A PIN that the holder has not chosen yet is not unblocked but activated (pin.notActivated). Raises as `verify` does,
    with the PUK's own codes where the PUK is concerned.
    """
    code, backend = pin(turn.card.contents, role), turn.card.backend
    _can_unblock(backend, code)
    puk = _puk(turn.card.contents, code)
    _both_or_none(puk_digits, new_digits)
    check((puk_digits, puk), (new_digits, code))
    use = Use(turn)
    state, puk_state = use.look(code, puk)
    if guard.classify(state) is guard.Counter.NOT_ACTIVATED:
        guard.allow(state)
    guard.allow(puk_state, turn.word, floor=turn.floor)
    if puk_digits is None or new_digits is None:
        pad = use.pad(modify=True)
        state = use.send(puk, lambda: backend.unblock_at_pad(use.channel, pad, code, puk, turn.new_lengths), code)
    else:
        state = use.send(puk, lambda: backend.unblock(use.channel, code, puk, puk_digits, new_digits), code)
    return use.lock(state, code)


def activate(turn: Turn, fresh: Sequence[FreshCode], puk_digits: Secret | None, words: Mapping[Role, Word]) -> Outcome:
    """Give the PINs of a new card their first own values, one after the other. `words` are those about each code.

    Everything that can be known before is looked at before: the forms, the counters of all codes that will be used, and
    that no PIN is left out. After a refusal nothing more is sent: the error's `more.done` names what was done. Raises
    activation.notNeeded, request.invalid for a PIN that is left out or a way that is not the card's, and as `unblock`.
    """
    card = turn.card
    way = card.identified.profile.activation
    if way is Activation.UNKNOWN:
        raise SithsdError(ErrorCode.PIN_UNSUPPORTED, "the profile does not know how these cards are activated")
    pins = [pin(card.contents, one.role) for one in fresh]
    if way is Activation.PUK and pins:
        _can_unblock(card.backend, pins[0])
    check(*((one.new, code) for one, code in zip(fresh, pins, strict=True)))
    use = Use(turn)
    contents = card.contents
    if way is Activation.TRANSPORT_PIN:
        # Whether a PIN still has its transport value is told by a file, which may have been read long ago.
        contents = card.backend.read(use.channel, protocol=turn.connection.protocol, selected=True)
    steps = _due(use, contents, {one.role: one for one in fresh})
    if way is Activation.PUK:
        for puk in {_puk(contents, code) for code, _ in steps}:
            check((_there(puk_digits, "puk"), puk))
            guard.allow(use.look_at(puk), words.get(Role.PUK, NOTHING_SAID), floor=turn.floor)
    else:
        for code, one in steps:
            check((_there(one.transport, f"the transport PIN of {code.role}"), code))
            # It is the transport value's counter that is asked about.
            state = replace(turn.trail.before[code.role], activated=None)
            guard.allow(state, words.get(code.role, NOTHING_SAID))
    try:
        states = [_first_value(use, contents, code, one, puk_digits) for code, one in steps]
    except SithsdError as error:
        error.more = replace(error.more, done=tuple(turn.trail.done))
        if turn.trail.done:
            turn.connection.reset_on_release()  # CHANGE REFERENCE DATA leaves its PIN verified
        raise
    return use.lock(states[-1], *(code for code, _ in steps))


def _due(use: "Use", contents: CardContents, given: Mapping[Role, FreshCode]) -> list[tuple[CodeReference, FreshCode]]:
    """Return the PINs that have no value of the holder's yet, each with what it is given."""
    pins = [code for code in contents.codes if code.role is not Role.PUK]
    states = use.look(*pins)
    # A transport PIN may be blocked too: that is the guard's to say.
    due = [code for code, state in zip(pins, states, strict=True) if state.activated is False]
    if any(state.activated is None for state in states):
        raise SithsdError(ErrorCode.PIN_UNSUPPORTED, "the card does not tell whether its PINs have been chosen")
    if not due:
        raise SithsdError(ErrorCode.ACTIVATION_NOT_NEEDED, "the PINs of this card have been chosen already")
    if missing := [str(code.role) for code in due if code.role not in given]:
        raise SithsdError(ErrorCode.REQUEST_INVALID, f"a new PIN is missing: {', '.join(missing)}")
    return [(code, given[code.role]) for code in due]


def _first_value(
    use: "Use", contents: CardContents, code: CodeReference, one: FreshCode, puk_digits: Secret | None
) -> CodeState:
    backend = use.card.backend
    if use.card.identified.profile.activation is Activation.TRANSPORT_PIN:
        transport = _there(one.transport, "the transport PIN")
        return use.send(code, lambda: backend.change(use.channel, code, transport, one.new))
    puk = _puk(contents, code)
    digits = _there(puk_digits, "puk")
    return use.send(puk, lambda: backend.unblock(use.channel, code, puk, digits, one.new), code)


class Use:
    """One use of codes in one transaction. Raises card.changed if it is not the card that was read."""

    def __init__(self, turn: Turn) -> None:
        connection = turn.connection
        self.card = turn.card
        self._connection = connection
        self._trail = turn.trail
        trail = turn.trail
        self._watched = WatchedChannel(connection, lambda: trail.given_up)
        self.channel = stack(self._watched, connection.protocol)
        prove_same(self.channel, turn.card, connection.protocol)

    def look(self, *codes: CodeReference) -> tuple[CodeState, ...]:
        """Return the states of `codes`, read without using a try."""
        states = self.card.backend.code_states(self.channel, codes)
        self._trail.before.update({state.role: state for state in states})
        return states

    def look_at(self, code: CodeReference) -> CodeState:
        """Return the state of one code."""
        (state,) = self.look(code)
        return state

    def pad(self, *, modify: bool) -> Pad:
        """Return the reader's pad. Raises pinpad.absent if there is none for this operation."""
        pad = self._connection.pad
        if pad is None or not (pad.can_modify if modify else pad.can_verify):
            raise SithsdError(ErrorCode.PINPAD_ABSENT, "the reader has no PIN pad for this")
        return _WatchedPad(pad, self._watched)

    def send(
        self, judged: CodeReference, command: Callable[[], CodeState], target: CodeReference | None = None
    ) -> CodeState:
        """Run the one command that gives `judged` to the card; `target` is the code that it sets, if another one."""
        self._trail.judged = judged.role
        with self._reset_on_failure(judged.role), self._count_if_wrong(judged):
            state = command()
        self._watched.code_sent = False
        self._trail.done.append((target or judged).role)
        return state

    @contextmanager
    def _reset_on_failure(self, role: Role) -> Iterator[None]:
        """Have the card reset if the command fails, unless it is certain that the card did not take the code.

        An answer that never came, one that nobody understands, a bug here: each may leave the card unlocked, and of
        each nobody knows whether the code was taken.
        """
        try:
            yield
        except Exception as error:
            code = error.code if isinstance(error, SithsdError) else None
            if code not in CERTAIN:
                self._connection.reset_on_release()
            if code in _AT_PAD or not self._watched.code_sent:
                self._trail.judged = None
            elif code not in CERTAIN | _CLEAR:
                raise _unknown(error, role) from error
            raise
        except BaseException:
            self._connection.reset_on_release()
            raise

    @contextmanager
    def _count_if_wrong(self, judged: CodeReference) -> Iterator[None]:
        """Look at the counter after a wrong code, where the card's word for that does not tell it (6300)."""
        try:
            yield
        except SithsdError as error:
            if error.code in {ErrorCode.PIN_WRONG, ErrorCode.PUK_WRONG} and error.tries_left is None:
                with suppress(SithsdError):  # that the code is wrong is what there is to say, whatever fails here
                    (state,) = self.card.backend.code_states(self.channel, (judged,))
                    error.tries_left = state.tries_left
            raise

    def lock(self, state: CodeState, *codes: CodeReference) -> Outcome:
        """Leave the card as if no code had been given, and look at the counters; by a reset where nothing else helps.

        The codes were taken, whatever fails from here on: a card that is gone is locked without its power, and every
        other one is reset.
        """
        locked = replace(state, verified=False)
        states: tuple[CodeState, ...] | None = None
        backend, concerned = self.card.backend, {code.role for code in codes}
        try:
            cleared = [backend.clear(self.channel, code) for code in codes]  # each of them, whatever one says
            if all(cleared):
                states = backend.code_states(self.channel, self.card.contents.codes)
        except SithsdError:
            states = None
        except Exception as error:  # noqa: BLE001 - the code was taken, and that is what the caller has to hear
            self._trail.faults.append(error)
            states = None
        except BaseException:
            self._connection.reset_on_release()
            raise
        if states is None or any(one.verified for one in states if one.role in concerned):
            self._connection.reset_on_release()
            return Outcome(locked, None)
        return Outcome(locked, states)


class _WatchedPad:
    """The reader's pad; what goes on between it and the card is not seen from here, so a code counts as sent."""

    def __init__(self, pad: Pad, watched: WatchedChannel) -> None:
        self._pad = pad
        self._watched = watched
        self.can_verify = pad.can_verify
        self.can_modify = pad.can_modify

    def verify(self, header: bytes, block: PinBlock) -> int:
        self._watched.note_code_at_pad()
        return self._pad.verify(header, block)

    def modify(self, header: bytes, old: PinBlock, new: PinBlock) -> int:
        self._watched.note_code_at_pad()
        return self._pad.modify(header, old, new)


def _unknown(error: Exception, role: Role) -> SithsdError:
    why = error.detail if isinstance(error, SithsdError) else "a fault in the daemon"
    return SithsdError(
        ErrorCode.CARD_OUTCOME_UNKNOWN, f"a code was sent and no answer came that can be understood: {why}", role=role
    )


def check(*given: tuple[Secret | None, CodeReference]) -> None:
    """Raise pin.malformed unless each code has the form that the card takes, if it is known here."""
    for digits, code in given:
        if digits is not None:
            encoding.check(digits, code)


def _both_or_none(first: Secret | None, second: Secret | None) -> None:
    if (first is None) is not (second is None):
        raise SithsdError(ErrorCode.REQUEST_INVALID, "at a PIN pad all codes are entered, or none")


def _there(digits: Secret | None, name: str) -> Secret:
    if digits is None:
        raise SithsdError(ErrorCode.REQUEST_INVALID, f"{name} is missing")
    return digits


def pin(contents: CardContents, role: Role) -> CodeReference:
    """Return the PIN of that role. Raises pin.unsupported."""
    code = contents.code(role)
    if code is None or role is Role.PUK:
        raise SithsdError(ErrorCode.PIN_UNSUPPORTED, "the card has no such PIN", role=role)
    return code


def _can_unblock(backend: Backend, code: CodeReference) -> None:
    if not backend.unblocks:
        detail = "the module of this card unblocks no codes"
        raise SithsdError(ErrorCode.UNBLOCK_NOT_BY_MODULE, detail, role=code.role)


def _puk(contents: CardContents, code: CodeReference) -> CodeReference:
    puk = contents.puk_for(code)
    if puk is None:
        raise SithsdError(ErrorCode.PIN_UNSUPPORTED, "the card names no PUK for this PIN", role=code.role)
    return puk
