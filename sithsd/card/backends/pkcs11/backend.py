"""The `pkcs11` backend: a card that is read and used through a vendor's module, which has its own way to the card.

What can't be promised this way. A module speaks to the card by a PC/SC connection of its own, so the card is lent to
it: while it works any other program of this machine may come in between, use tries, or use what a code has opened. That
it is the card that was read is told by the token's label and serial number, in the session that the code is given in;
that its last try did not come near meanwhile, by the token's flags right before. Between that look and the code itself
there is no lock in PKCS#11. Whether a code had left for the card when a module failed is not known either: then the
outcome is unknown. And at a PIN pad the module asks, with the token's own lengths.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import TypeVar

from sithsd import trusted
from sithsd.card import commands, encoding
from sithsd.card.backends.base import Pad
from sithsd.card.backends.pkcs11 import messages, outcomes, reading, signing
from sithsd.card.backends.pkcs11.cryptoki import Rv, TokenFlag, User
from sithsd.card.backends.pkcs11.module import Module, RefusedError
from sithsd.card.backends.pkcs11.states import from_flags
from sithsd.card.backends.pkcs11.turn import Turn
from sithsd.card.backends.pkcs15.backend import Pkcs15Backend
from sithsd.card.model import CardContents, CardKey, CodeReference, Place
from sithsd.card.profile import Clearing, Counter, Profile, ProfileError
from sithsd.card.transport import CardChannel
from sithsd.errors import ErrorCode, SithsdError
from sithsd.secret import Secret
from sithsd.values import CodeState, Role, SignatureAlgorithm

R = TypeVar("R", bound=messages.Reply)

# For a person at a PIN pad: less than the daemon gives the whole operation.
_PAD_SECONDS = 110.0
_NO_UNBLOCKING = frozenset({Rv.FUNCTION_NOT_SUPPORTED, Rv.USER_TYPE_INVALID})
_NOT_AT_PAD = _NO_UNBLOCKING | {Rv.ARGUMENTS_BAD}
_MOST_TURNS = 32
_NOWHERE = -1


class Pkcs11Backend:
    """Reads a card through a module and uses its codes through it; one child process for each reader.

    Where the profile says how the card itself tells a serial number or a counter, that is asked for by our own
    commands.
    """

    def __init__(self, profile: Profile) -> None:
        if profile.pkcs11 is None:
            raise ProfileError(f"profile {profile.name}: the table [pkcs11] is missing")
        self._profile = profile
        self._settings = profile.pkcs11
        self._reader = self._settings.slots == "reader"
        self._native = Pkcs15Backend(profile)
        known = profile.codes.known if profile.codes.counter is Counter.EMPTY_VERIFY else []
        self._counted = frozenset(code.role for code in known)
        self._turns: dict[str, Turn] = {}
        self._guard = Lock()

    @property
    def unblocks(self) -> bool:
        """Whether the module unblocks codes, as the profile says."""
        return self._settings.unblocks

    def obstacle(self) -> str | None:
        """Tell why the module can't be used: it is not there, or others than root could exchange it."""
        path = self._path()
        return path if isinstance(path, str) else None

    def close(self) -> None:
        """End the child processes."""
        with self._guard:
            turns, self._turns = self._turns, {}
        for turn in turns.values():
            turn.module.end()

    def serial(self, channel: CardChannel) -> str | None:
        """Return the card's serial number: from EF.TokenInfo by our own commands, else as the module tells it."""
        if self._settings.serial == "token-info":
            return self._native.serial(channel)
        with self._borrowed(channel) as turn:
            tokens = self._look(turn, channel)
        self._probe(channel)
        return reading.serial(tokens)

    def read(self, channel: CardChannel, *, protocol: int, selected: bool = False) -> CardContents:
        """Read every token of the card in this reader."""
        del protocol, selected
        about = reading.about(channel, self._profile) if self._settings.serial == "token-info" else None
        with self._borrowed(channel) as turn:
            tokens = self._look(turn, channel)
            found = [(one, self._ask(turn, messages.Read(slot=one.slot), messages.Objects)) for one in tokens]
        serial = self.serial(channel)  # which also tells whether it is there at all
        contents = reading.contents(found, about, self._profile)
        if serial != contents.serial:
            raise SithsdError(ErrorCode.CARD_CHANGED, "another card came into the reader while it was read")
        return contents

    def head(self, channel: CardChannel, place: Place) -> bytes | None:
        """Return None: what a module shows may come from a cache of its own, so nothing is proven through it."""
        del channel, place
        return None

    def token(self, channel: CardChannel, length: int) -> bytes | None:
        """Return None, too."""
        del channel, length
        return None

    def code_states(
        self, channel: CardChannel, codes: Sequence[CodeReference], here: Place | None = None
    ) -> tuple[CodeState, ...]:
        """Tell the counter where the card itself tells it to us, and what the token's flags tell where it does not."""
        del here
        turn = self._turn(channel)
        counted = [code for code in codes if code.role in self._counted]
        states = {state.role: state for state in self._native.code_states(channel, counted)}
        open_ones = [code for code in codes if code.role not in states or _tells_nothing(states[code.role])]
        if open_ones:
            with self._borrowed(channel) as turn:
                tokens = self._look(turn, channel)
            self._probe(channel)
            for code in open_ones:
                told = from_flags(code, _token(tokens, code).flags, self._profile)
                states[code.role] = _beside(states.get(code.role), told)
        turn.told |= states
        return tuple(states[code.role] for code in codes)

    def verify(self, channel: CardChannel, code: CodeReference, digits: Secret) -> CodeState:
        """C_Login as the user, once."""
        with _checked(digits, code) as copy, self._opened(channel, code, code) as (turn, _):
            self._give(channel, turn, messages.Login(user=User.USER), code, copy)
        return self._taken(code, verified=True)

    def verify_at_pad(self, channel: CardChannel, pad: Pad, code: CodeReference) -> CodeState:
        """C_Login by the protected authentication path, once."""
        del pad  # the module's own connection leads to it
        with self._opened(channel, code, code) as (turn, token):
            _demand_pad(token)
            self._give(channel, turn, messages.Login(user=User.USER, at_pad=True), code)
        return self._taken(code, verified=True)

    def change(self, channel: CardChannel, code: CodeReference, digits: Secret, new_digits: Secret) -> CodeState:
        """C_SetPIN without a login, which sets the user's PIN, once."""
        with (
            _checked(digits, code) as old,
            _checked(new_digits, code) as new,
            self._opened(channel, code, code, writing=True) as (turn, _),
        ):
            self._give(channel, turn, messages.SetPin(), code, old, new)
        return self._taken(code, verified=True)

    def change_at_pad(
        self, channel: CardChannel, pad: Pad, code: CodeReference, lengths: tuple[int, int] | None
    ) -> CodeState:
        """C_SetPIN by the protected authentication path, once; the lengths are the token's."""
        del pad, lengths
        with self._opened(channel, code, code, writing=True) as (turn, token):
            _demand_pad(token)
            self._give(channel, turn, messages.SetPin(at_pad=True), code)
        return self._taken(code, verified=True)

    def unblock(
        self, channel: CardChannel, code: CodeReference, puk: CodeReference, puk_digits: Secret, new_digits: Secret
    ) -> CodeState:
        """C_Login as the security officer with the PUK and C_InitPIN, each once. Raises unblock.notByModule too."""
        with (
            _checked(puk_digits, puk) as first,
            _checked(new_digits, code) as second,
            self._opened(channel, code, puk, writing=True) as (turn, _),
        ):
            self._give(channel, turn, messages.Login(user=User.SECURITY_OFFICER), puk, first)
            self._give(channel, turn, messages.InitPin(), puk, second)
        return self._taken(code)

    def unblock_at_pad(
        self, channel: CardChannel, pad: Pad, code: CodeReference, puk: CodeReference, lengths: tuple[int, int] | None
    ) -> CodeState:
        """Do the same by the protected authentication path."""
        del pad, lengths
        with self._opened(channel, code, puk, writing=True) as (turn, token):
            _demand_pad(token)
            self._give(channel, turn, messages.Login(user=User.SECURITY_OFFICER, at_pad=True), puk)
            self._give(channel, turn, messages.InitPin(at_pad=True), puk)
        return self._taken(code)

    def check_signing(self, channel: CardChannel, key: CardKey, algorithm: SignatureAlgorithm) -> None:
        """Look whether the token of the key's PIN has a mechanism for it."""
        with self._borrowed(channel) as turn:
            tokens = [one for one in self._look(turn, channel) if reading.role_of(one, self._profile) is key.role]
            slot = tokens[0].slot if tokens else _NOWHERE
            offered = self._ask(turn, messages.Mechanisms(slot=slot), messages.MechanismList)
        self._probe(channel)
        signing.find_way(offered.mechanisms, key, algorithm)

    def sign(self, channel: CardChannel, key: CardKey, algorithm: SignatureAlgorithm, digest: bytes) -> bytes:
        """C_SignInit and C_Sign, once, in the session that the code was given in.

        A key that wants its code before each signature (CKA_ALWAYS_AUTHENTICATE) gets it a second time.
        """
        with self._borrowed(channel, signing.meaning) as turn:
            offered = self._ask(turn, messages.Mechanisms(), messages.MechanismList)
            way = signing.find_way(offered.mechanisms, key, algorithm)
            channel.note_code()
            made = self._ask(turn, signing.request(way, key, algorithm, digest), messages.Signature)
        return signing.result(key, made.value)

    def clear(self, channel: CardChannel, code: CodeReference) -> bool:
        """C_Logout; False where there was no login, or the card itself can't be asked whether that locked it.

        Not every module tells the card. Where the profile says that this one does, the counter will tell.
        """
        with self._borrowed(channel) as turn:
            closed = self._ask(turn, messages.Logout(), messages.Closed)
        provable = code.role in self._counted and self._profile.codes.clearing is Clearing.LOGOUT
        return closed.logged_out and provable

    def _give(
        self, channel: CardChannel, turn: Turn, request: messages.Request, judged: CodeReference, *codes: Secret
    ) -> None:
        """Give codes to the module; from here on nobody knows whether they went to the card until it says so."""
        channel.note_code()
        seconds = self._settings.seconds if codes else _PAD_SECONDS
        try:
            turn.module.ask(request, messages.Done, seconds, codes)
        except RefusedError as error:
            if judged.role is Role.PUK and error.refused.rv in (_NO_UNBLOCKING if codes else _NOT_AT_PAD):
                detail = f"the module unblocks no codes: {error}"
                raise SithsdError(ErrorCode.UNBLOCK_NOT_BY_MODULE, detail, role=judged.role) from error
            raise outcomes.meaning(error, judged.role, at_pad=not codes) from error

    @contextmanager
    def _opened(
        self, channel: CardChannel, code: CodeReference, judged: CodeReference, *, writing: bool = False
    ) -> Iterator[tuple[Turn, messages.Token]]:
        """Lend the card and open a session with the code's token: of this card, and with the tries that were seen.

        `judged` is the code that will be compared: its own, or the PUK. Raises card.changed, pin.triesChanged.
        """
        with self._borrowed(channel) as turn:
            wanted = messages.Open(
                reader=self._described(channel), label=code.label or "", serial=code.token or "", writing=writing
            )
            token = self._ask(turn, wanted, messages.Token)
            self._check_unchanged(turn, judged, token)
            yield turn, token

    def _check_unchanged(self, turn: Turn, judged: CodeReference, token: messages.Token) -> None:
        """Raise pin.triesChanged where the token now has fewer tries than the guard was told a moment ago."""
        before, now = turn.told.get(judged.role), from_flags(judged, token.flags, self._profile).tries_left
        if now is None or before is None or (before.tries_left is None and not before.not_last):
            return
        if before.tries_left is None or now < before.tries_left:
            name = ErrorCode.PUK_TRIES_CHANGED if judged.role is Role.PUK else ErrorCode.PIN_TRIES_CHANGED
            raise SithsdError(name, "another program used tries a moment ago", tries_left=now, role=judged.role)

    @contextmanager
    def _borrowed(
        self, channel: CardChannel, meaning: Callable[[RefusedError], SithsdError] = outcomes.unreadable
    ) -> Iterator[Turn]:
        """Lend the card to the module for the length of the block, in which it is asked.

        What the module refuses in it, other than codes, is what `meaning` says, unless the card is gone.
        """
        turn = self._turn(channel)
        try:
            with channel.lent():
                turn.module.begin(self._settings.seconds)
                yield turn
        except RefusedError as error:
            self._probe(channel)
            raise meaning(error) from error

    def _probe(self, channel: CardChannel) -> None:
        """Raise what became of the card if it is not there any more: no module tells that reliably.

        Asked after each loan whose answers are to be believed.
        """
        commands.select_application(channel, bytes.fromhex(self._profile.probe[0].aid))

    def _turn(self, channel: CardChannel) -> Turn:
        """Return the module's turn for the operation on this channel, which ends with it."""
        path = self._path()
        if isinstance(path, str):
            raise SithsdError(ErrorCode.MODULE_FAILED, path)
        with self._guard:
            if len(self._turns) >= _MOST_TURNS:
                # Readers come and go, under new names; a child ends by itself.
                self._turns = {name: turn for name, turn in self._turns.items() if turn.module.pid is not None}
            turn = self._turns.get(channel.reader)
            if turn is None:
                turn = self._turns[channel.reader] = Turn(Module(str(path), self._settings.environment))
        if not turn.begun:
            turn.begun = True
            channel.at_end(turn.end)
        return turn

    def _look(self, turn: Turn, channel: CardChannel) -> list[messages.Token]:
        return self._ask(turn, messages.Look(reader=self._described(channel)), messages.Tokens).tokens

    def _ask(self, turn: Turn, request: messages.Request, kind: type[R]) -> R:
        return turn.module.ask(request, kind, self._settings.seconds)

    def _described(self, channel: CardChannel) -> str | None:
        return channel.reader if self._reader else None

    def _path(self) -> Path | str:
        """Return the module's file, or why there is none."""
        for name in self._settings.paths:
            try:
                return trusted.library(Path(name))
            except (FileNotFoundError, NotADirectoryError):
                continue
            except trusted.UntrustedFileError as error:
                return f"the module {name} is not to be trusted: {error}"
            except OSError as error:
                return f"the module {name} can't be used: {error.strerror}"
        return f"the module is not installed: there is no {' and no '.join(self._settings.paths)}"

    def _taken(self, code: CodeReference, *, verified: bool = False) -> CodeState:
        rules = self._profile.codes
        return CodeState(
            role=code.role,
            tries_left=rules.max_tries,
            blocked=False,
            activated=True,
            verified=verified,
            max_tries=rules.max_tries,
            min_length=code.min_length,
            max_length=code.max_length,
            not_last=rules.max_tries is None,
        )


def _tells_nothing(state: CodeState) -> bool:
    """Tell whether a card's own answer leaves open how many tries are left."""
    return state.tries_left is None and state.blocked is not True and state.activated is not False


def _beside(native: CodeState | None, flags: CodeState) -> CodeState:
    """Return what is known of a code by the card's own answer, which tells no counter, and by the token's flags.

    A PIN that is verified answers no counter to anybody, so the absence of flags tells nothing of it.
    """
    if native is None:
        return flags
    known = replace(flags, verified=native.verified)
    return replace(known, not_last=False) if native.verified and flags.tries_left is None else known


def _token(tokens: Sequence[messages.Token], code: CodeReference) -> messages.Token:
    fitting = [one for one in tokens if (one.label, one.serial) == (code.label, code.token)]
    if len(fitting) != 1:
        raise SithsdError(ErrorCode.CARD_CHANGED, "the module shows another card than the one that was read")
    return fitting[0]


def _checked(digits: Secret, code: CodeReference) -> Secret:
    """Return a copy of a code whose form is right: the caller may wipe his own while this thread goes on."""
    copy = Secret(digits.reveal())
    try:
        encoding.check(copy, code)
    except SithsdError:
        copy.wipe()
        raise
    return copy


def _demand_pad(token: messages.Token) -> None:
    if not token.flags & TokenFlag.PROTECTED_AUTHENTICATION_PATH:
        raise SithsdError(ErrorCode.PINPAD_ABSENT, "the module does not ask at the reader's PIN pad")
