"""The `pkcs15` backend: codes by VERIFY, CHANGE REFERENCE DATA and RESET RETRY COUNTER as ISO/IEC 7816-4 has them."""

from collections.abc import Sequence

from sithsd.card import commands, encoding
from sithsd.card.backends.base import Pad
from sithsd.card.backends.pkcs15 import reading, recognition, signing
from sithsd.card.model import CardContents, CardKey, CodeReference, Place
from sithsd.card.profile import Activation, Clearing, Counter, Profile, VerifiedMeans
from sithsd.errors import ErrorCode, SithsdError
from sithsd.iso7816.apdu import MAX_SHORT_LE, CommandApdu
from sithsd.iso7816.channel import Channel
from sithsd.iso7816.status import StatusWord, tries_left
from sithsd.secret import Secret
from sithsd.values import CodeState, Role, SignatureAlgorithm

_LOGOUT = CommandApdu(0x00, 0x2E, 0x00, 0x00)
_VERIFY, _CLEAR = 0x20, 0xFF
# "Verification failed", without a count (ISO/IEC 7816-4:2020, 11.6.6.4 and table 6).
_WRONG_UNCOUNTED = 0x6300


class Pkcs15Backend:
    """Reads a card by its PKCS#15 files and uses its codes by the references those files (or the profile) give."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._rules = profile.codes
        self._activation = profile.activation
        self._signing = profile.signing

    @property
    def unblocks(self) -> bool:
        """Whether codes can be unblocked: which PUK serves which code is for the card to say."""
        return True

    def obstacle(self) -> str | None:
        """Return None: this takes nothing but a reader."""
        return None

    def close(self) -> None:
        """Do nothing: nothing runs."""

    def serial(self, channel: Channel) -> str | None:
        """Select the application and return the serial number in EF.TokenInfo."""
        reading.select(channel, self._profile)
        return reading.serial(reading.token(channel))

    def read(self, channel: Channel, *, protocol: int, selected: bool = False) -> CardContents:
        """Read the whole card."""
        if not selected:
            reading.select(channel, self._profile)
        # An extended Le needs T=1: a T=0 command TPDU has one byte for it.
        piece = self._profile.largest_read if protocol == 1 else MAX_SHORT_LE
        return reading.read(channel, self._profile, piece)

    def head(self, channel: Channel, place: Place) -> bytes | None:
        """SELECT the certificate's EF from the MF and READ BINARY its first bytes."""
        return recognition.head(channel, place)

    def token(self, channel: Channel, length: int) -> bytes | None:
        """READ BINARY EF.TokenInfo by its short identifier, in the DF of the certificate that was looked at."""
        return recognition.token(channel, length)

    def code_states(
        self, channel: Channel, codes: Sequence[CodeReference], here: Place | None = None
    ) -> tuple[CodeState, ...]:
        """Ask with an empty VERIFY each (ISO/IEC 7816-4:2020, 11.6.6), if the profile says that this is safe."""
        if self._rules.counter is Counter.UNKNOWN:
            return tuple(self._state(code) for code in codes)
        states: list[CodeState] = []
        # Without a place that is proven what was selected before may lie in any DF.
        entered = recognition.names_of_folder(here)
        for code in codes:
            if code.path not in entered:
                self._enter(channel, code)
                entered = (code.path,)
            states.append(self._ask(channel, code))
        return tuple(states)

    def _ask(self, channel: Channel, code: CodeReference) -> CodeState:
        status_word = commands.verify_status(channel, code.reference)
        left = tries_left(status_word)
        if left is not None:
            return self._state(code, left=left, blocked=left == 0, activated=not self._in_transport_state(code))
        match status_word:
            case StatusWord.SUCCESS:
                full = self._maximum(code) if self._rules.when_verified is VerifiedMeans.FULL else None
                chosen = not self._in_transport_state(code)
                return self._state(code, left=full, blocked=False, activated=chosen, verified=True)
            case StatusWord.AUTHENTICATION_METHOD_BLOCKED:
                return self._state(code, left=0, blocked=True, activated=not self._in_transport_state(code))
            case StatusWord.REFERENCE_DATA_NOT_USABLE:
                return self._state(code, blocked=False, activated=False)
            case _:
                return self._state(code)

    def verify(self, channel: Channel, code: CodeReference, digits: Secret) -> CodeState:
        """VERIFY, once."""
        self._enter(channel, code)
        with encoding.encode(digits, code) as data:
            status_word = commands.send_code(channel, commands.verify_header(code.reference), data)
        return self._taken(status_word, code, code, verified=True)

    def verify_at_pad(self, channel: Channel, pad: Pad, code: CodeReference) -> CodeState:
        """VERIFY by the reader's pad, once."""
        self._enter(channel, code)
        status_word = pad.verify(commands.verify_header(code.reference), encoding.block(code))
        return self._taken(status_word, code, code, verified=True)

    def change(self, channel: Channel, code: CodeReference, digits: Secret, new_digits: Secret) -> CodeState:
        """CHANGE REFERENCE DATA with the present and the new value, once."""
        self._enter(channel, code)
        with (
            encoding.encode(digits, code) as first,
            encoding.encode(new_digits, code) as second,
            _side_by_side(first, second) as data,
        ):
            status_word = commands.send_code(channel, commands.change_header(code.reference), data)
        return self._taken(status_word, code, code, verified=True)

    def change_at_pad(
        self, channel: Channel, pad: Pad, code: CodeReference, lengths: tuple[int, int] | None
    ) -> CodeState:
        """CHANGE REFERENCE DATA by the reader's pad, once."""
        self._enter(channel, code)
        header = commands.change_header(code.reference)
        status_word = pad.modify(header, encoding.block(code), encoding.block(code, lengths))
        return self._taken(status_word, code, code, verified=True)

    def unblock(
        self, channel: Channel, code: CodeReference, puk: CodeReference, puk_digits: Secret, new_digits: Secret
    ) -> CodeState:
        """RESET RETRY COUNTER with PUK and new code, once."""
        self._enter(channel, code)
        with (
            encoding.encode(puk_digits, puk) as first,
            encoding.encode(new_digits, code) as second,
            _side_by_side(first, second) as data,
        ):
            status_word = commands.send_code(channel, commands.unblock_header(code.reference), data)
        return self._taken(status_word, code, puk)

    def unblock_at_pad(
        self, channel: Channel, pad: Pad, code: CodeReference, puk: CodeReference, lengths: tuple[int, int] | None
    ) -> CodeState:
        """RESET RETRY COUNTER by the reader's pad, once."""
        self._enter(channel, code)
        header = commands.unblock_header(code.reference)
        return self._taken(pad.modify(header, encoding.block(puk), encoding.block(code, lengths)), code, puk)

    def check_signing(self, channel: Channel, key: CardKey, algorithm: SignatureAlgorithm) -> None:  # noqa: ARG002 - the profile knows, the card is not asked
        """Look whether the profile knows how the key signs."""
        signing.find_way(self._signing, key, algorithm)

    def sign(self, channel: Channel, key: CardKey, algorithm: SignatureAlgorithm, digest: bytes) -> bytes:
        """MANAGE SECURITY ENVIRONMENT and PERFORM SECURITY OPERATION, once."""
        return signing.sign(channel, self._signing, key, algorithm, digest)

    def clear(self, channel: Channel, code: CodeReference) -> bool:
        """Clear the security status as the profile says; False if a reset is needed."""
        match self._rules.clearing:
            case Clearing.LOGOUT:
                command = _LOGOUT
            case Clearing.VERIFY_FF:
                command = CommandApdu(0x00, _VERIFY, _CLEAR, code.reference)
            case _:
                return False
        _, status_word = channel.transmit(command.encode())
        return status_word == StatusWord.SUCCESS

    def _in_transport_state(self, code: CodeReference) -> bool:
        """Tell whether a code still has its transport value, which only CHANGE REFERENCE DATA takes.

        By the card's own flag, which is looked at only where the profile says that these cards have transport PINs.
        """
        return self._activation is Activation.TRANSPORT_PIN and code.role is not Role.PUK and code.initialized is False

    def _enter(self, channel: Channel, code: CodeReference) -> None:
        """Select the DF that the code belongs to: the one that the card names, else the application's."""
        if code.path is None:
            reading.select(channel, self._profile)
            return
        status_word = commands.select_file(channel, code.path)
        if status_word != StatusWord.SUCCESS:
            raise SithsdError(
                ErrorCode.CARD_UNREADABLE, "the DF of a code is refused", status_word=status_word, role=code.role
            )

    def _taken(
        self, status_word: int, code: CodeReference, judged: CodeReference, *, verified: bool = False
    ) -> CodeState:
        """Return the state of `code` after a success; else raise what the card said of the code that it judged."""
        if status_word != StatusWord.SUCCESS:
            raise self._refusal(status_word, judged)
        return self._state(code, left=self._maximum(code), blocked=False, activated=True, verified=verified)

    def _maximum(self, code: CodeReference) -> int | None:
        return self._rules.puk_max_tries if code.role is Role.PUK else self._rules.max_tries

    def _state(
        self,
        code: CodeReference,
        *,
        left: int | None = None,
        blocked: bool | None = None,
        activated: bool | None = None,
        verified: bool = False,
    ) -> CodeState:
        return CodeState(
            role=code.role,
            tries_left=left,
            blocked=blocked,
            activated=activated,
            verified=verified,
            max_tries=self._maximum(code),
            min_length=code.min_length,
            max_length=code.max_length,
        )

    @staticmethod
    def _refusal(status_word: int, code: CodeReference) -> SithsdError:
        """Return the error for a code that the card did not take; `code` is the one that was judged."""
        is_puk = code.role is Role.PUK
        left = tries_left(status_word)
        if left is not None or status_word == _WRONG_UNCOUNTED:
            name, detail = (ErrorCode.PUK_WRONG if is_puk else ErrorCode.PIN_WRONG), "the card says that it is wrong"
        elif status_word == StatusWord.AUTHENTICATION_METHOD_BLOCKED:
            name, detail, left = (ErrorCode.PUK_BLOCKED if is_puk else ErrorCode.PIN_BLOCKED), "the card is blocked", 0
        elif status_word == StatusWord.REFERENCE_DATA_NOT_USABLE:
            name, detail = (ErrorCode.PUK_BLOCKED if is_puk else ErrorCode.PIN_NOT_ACTIVATED), "it is not usable"
        else:
            name, detail = ErrorCode.CARD_REFUSED, "the card refused the command"
        return SithsdError(name, detail, tries_left=left, role=code.role, status_word=status_word)


def _side_by_side(first: Secret, second: Secret) -> Secret:
    both = first.reveal() + second.reveal()
    try:
        return Secret(both)
    finally:
        both[:] = bytes(len(both))
