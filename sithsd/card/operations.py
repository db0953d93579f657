"""What sithsd does with a card inside one transaction: read it, look at its codes, use one.

Every operation on codes proves first that it is the card that was read, asks the guard with a counter read in the same
transaction, sends the code at most once, and leaves nothing unlocked.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Protocol

from sithsd.card import encoding, guard
from sithsd.card.backends.base import Backend
from sithsd.card.model import CardContents, CodeReference
from sithsd.card.registry import Identified, Registry
from sithsd.card.transport import CountingChannel, stack
from sithsd.errors import ErrorCode, SithsdError
from sithsd.iso7816.channel import Channel
from sithsd.secret import Secret
from sithsd.values import CodeState, Role

# The card's own word, or ours, that it did not take the code: then it is as locked as it was.
_NOT_TAKEN = frozenset(
    {
        ErrorCode.PIN_WRONG,
        ErrorCode.PIN_BLOCKED,
        ErrorCode.PIN_NOT_ACTIVATED,
        ErrorCode.PIN_MALFORMED,
        ErrorCode.PUK_WRONG,
        ErrorCode.PUK_BLOCKED,
    }
)


class Connection(Channel, Protocol):
    """A card inside a transaction."""

    @property
    def atr(self) -> bytes:
        """The card's answer to reset."""
        ...

    @property
    def protocol(self) -> int:
        """The transmission protocol in use: 0 for T=0, 1 for T=1."""
        ...

    def reset_on_release(self) -> None:
        """Reset the card when the transaction ends, which clears its security status."""
        ...


@dataclass(frozen=True, slots=True)
class ReadCard:
    """A card that was identified and read; `commands`, `sent` and `received` tell what that cost (bytes).

    `ours` tells whether it is a card whose codes may be asked about; if not, `codes` is empty.
    """

    identified: Identified
    contents: CardContents
    ours: bool
    codes: tuple[CodeState, ...]
    commands: int
    sent: int
    received: int

    @property
    def backend(self) -> Backend:
        """The backend that reads this card."""
        return self.identified.backend


@dataclass(frozen=True, slots=True)
class Outcome:
    """A code that was taken: its state by the card's answer, and the states of all codes read after it.

    `states` is None where they have to be read in a new transaction, because the card is being reset to lock it.
    """

    state: CodeState
    states: tuple[CodeState, ...] | None


def read(
    connection: Connection, registry: Registry, ours: Callable[[CardContents], bool], atr: bytes | None = None
) -> ReadCard:
    """Identify the card and read it, and the state of its codes if `ours` says that it is a card of ours.

    `atr` is the card's, if it is known already; else the connection is asked for it.

    A card that is not gets no command about its codes, not even one that asks for a counter. Raises card.unsupported,
    card.unreadable, card.removed.
    """
    counting = CountingChannel(connection)
    channel = stack(counting, connection.protocol)
    identified = registry.identify(channel, connection.atr if atr is None else atr)
    contents = identified.backend.read(channel, protocol=connection.protocol, selected=identified.selected)
    is_ours = ours(contents)
    codes = _states(channel, identified.backend, contents) if is_ours else ()
    return ReadCard(identified, contents, is_ours, codes, counting.commands, counting.sent, counting.received)


def code_states(connection: Connection, card: ReadCard) -> tuple[CodeState, ...]:
    """Return the state of every code of the card, without using a try. Raises card.changed if it is another card."""
    return _states(_same_card(connection, card), card.backend, card.contents)


def verify(connection: Connection, card: ReadCard, role: Role, digits: Secret, *, last_try: bool) -> Outcome:
    """Give a PIN to the card, once.

    Raises pin.unsupported, pin.malformed, card.changed, whatever the guard refuses with, and what the card says.
    """
    code = _pin(card, role)
    encoding.check(digits, code)
    channel = _same_card(connection, card)
    guard.allow(*card.backend.code_states(channel, (code,)), confirmed=last_try)
    with _reset_on_failure(connection):
        return _lock(connection, channel, card, card.backend.verify(channel, code, digits))


def unblock(  # noqa: PLR0913 - two codes and the word for the last try
    connection: Connection, card: ReadCard, role: Role, puk_digits: Secret, new_digits: Secret, *, last_try: bool
) -> Outcome:
    """Unblock a PIN with the PUK, once, and give it a new value.

    `last_try` is a person's word that the PUK's last try, or one of an unknown number, may be used. Raises as `verify`
    does, with the PUK's own codes where the PUK is concerned.
    """
    code = _pin(card, role)
    puk = card.contents.puk_for(code)
    if puk is None:
        raise SithsdError(ErrorCode.PIN_UNSUPPORTED, "the card names no PUK for this PIN", role=role)
    encoding.check(puk_digits, puk)
    encoding.check(new_digits, code)
    channel = _same_card(connection, card)
    guard.allow(*card.backend.code_states(channel, (puk,)), confirmed=last_try)
    with _reset_on_failure(connection):
        return _lock(connection, channel, card, card.backend.unblock(channel, code, puk, puk_digits, new_digits))


def _states(channel: Channel, backend: Backend, contents: CardContents) -> tuple[CodeState, ...]:
    return backend.code_states(channel, contents.codes)


def _pin(card: ReadCard, role: Role) -> CodeReference:
    code = card.contents.code(role)
    if code is None or role is Role.PUK:
        raise SithsdError(ErrorCode.PIN_UNSUPPORTED, "the card has no such PIN", role=role)
    return code


def _same_card(connection: Connection, card: ReadCard) -> Channel:
    """Select the application and prove by the serial number that this is the card that was read.

    A card without a serial number is proven by everything that was read from it.
    """
    channel = stack(connection, connection.protocol)
    try:
        same = card.backend.serial(channel) == card.contents.serial
    except SithsdError as error:
        if error.code is not ErrorCode.CARD_UNSUPPORTED:
            raise
        same = False  # the card that was read had this application
    if same and card.contents.serial is None:
        same = card.backend.read(channel, protocol=connection.protocol, selected=True) == card.contents
    if not same:
        raise SithsdError(ErrorCode.CARD_CHANGED, "another card is in the reader")
    return channel


def _lock(connection: Connection, channel: Channel, card: ReadCard, state: CodeState) -> Outcome:
    """Leave the card as if the code had not been given, and look at the counters; by a reset where nothing else helps.

    The code was taken, whatever fails from here on: a card that is gone is locked without its power, and every other
    one is reset.
    """
    code = _pin(card, state.role)
    locked = replace(state, verified=False)
    states: tuple[CodeState, ...] | None = None
    try:
        if card.backend.clear(channel, code):
            states = _states(channel, card.backend, card.contents)
    except SithsdError:
        states = None
    if states is None or any(one.verified for one in states if one.role is code.role):
        connection.reset_on_release()
        return Outcome(locked, None)
    return Outcome(locked, states)


@contextmanager
def _reset_on_failure(connection: Connection) -> Iterator[None]:
    """Have the card reset if what is done with a code fails, unless it is certain that the card did not take the code.

    An answer that never came, one that nobody understands, a bug here: each may leave the card unlocked.
    """
    try:
        yield
    except BaseException as error:
        if not (isinstance(error, SithsdError) and error.code in _NOT_TAKEN):
            connection.reset_on_release()
        raise
