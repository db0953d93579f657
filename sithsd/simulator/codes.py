"""The card's codes: VERIFY, CHANGE REFERENCE DATA, RESET RETRY COUNTER (ISO/IEC 7816-4:2020, 11.6.6 to 11.6.10).

A chip spends the try before it compares, so that pulling it out in the middle wins nothing. So do we: the lowered
counter is durable before the comparison, and raised again after a right code.
"""

import hashlib
import hmac
import os

from sithsd.iso7816.apdu import CommandApdu
from sithsd.iso7816.status import StatusWord, counter
from sithsd.simulator.answers import Answer, Refusal
from sithsd.simulator.image import CodeCounters, CodeTerms, Memory, Role

PAD = 0xFF
_CLEAR_STATUS = 0xFF
_SALT_BYTES = 16
_DIGITS = range(0x30, 0x3A)


def digest(code: bytes, salt: bytes) -> bytes:
    """Return the slow hash under which a code is kept (scrypt, about 10 ms)."""
    return hashlib.scrypt(code, salt=salt, n=4096, r=8, p=1, dklen=32)


def fresh(code: str | None, tries_left: int, *, transport: bool = False) -> CodeCounters:
    """Return a code's changing part for a new card; `code` None makes one that has no value yet."""
    if code is None:
        return CodeCounters(tries_left=tries_left)
    salt = os.urandom(_SALT_BYTES)
    return CodeCounters(
        tries_left=tries_left, salt=salt, digest=digest(code.encode("ascii"), salt), transport=transport
    )


class Codes:
    """All codes of one card, and which of them are verified at the moment."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._terms = {terms.reference: terms for terms in memory.image.codes}
        self._verified: set[int] = set()

    @property
    def chosen(self) -> frozenset[int]:
        """The references of the codes that have a value of the holder's own; a card with all of them is activated."""
        return frozenset(reference for reference, state in self._memory.counters.items() if state.chosen)

    @property
    def references(self) -> frozenset[int]:
        """The references of all codes."""
        return frozenset(self._terms)

    def tries_left(self, role: Role) -> int:
        """Return the counter of the code with this role, as a look into the chip would tell. For tests."""
        return next(self._memory.counters[ref].tries_left for ref, terms in self._terms.items() if terms.role == role)

    def reset(self) -> None:
        """Forget what was verified: the card lost power, was reset, or somebody logged out."""
        self._verified.clear()

    def is_verified(self, reference: int) -> bool:
        """Tell whether this code counts as given."""
        return reference in self._verified

    def withdraw(self, reference: int) -> None:
        """Count this code as not given any more."""
        self._verified.discard(reference)

    def verify(self, command: CommandApdu) -> Answer:
        """VERIFY with a code; without one its state is told and no try is used; with P1 = FF it is withdrawn.

        A right transport code gets its tries back and opens nothing: 6985, until CHANGE REFERENCE DATA replaced it.
        """
        if command.p1 not in {0x00, _CLEAR_STATUS}:
            raise Refusal(StatusWord.INCORRECT_P1_P2)
        terms = self._find(command.p2)
        if command.p1 == _CLEAR_STATUS:
            if command.data:
                raise Refusal(StatusWord.INCORRECT_P1_P2)
            self.withdraw(terms.reference)
            return Answer()
        if not command.data:
            return self._state(terms)
        self._check_length(terms, command.data)
        self._compare(terms, command.data)
        if self._memory.counters[terms.reference].transport:
            raise Refusal(StatusWord.CONDITIONS_NOT_SATISFIED)
        self._verified.add(terms.reference)
        return Answer()

    def change(self, command: CommandApdu) -> Answer:
        """CHANGE REFERENCE DATA: the old code and the new one in the same data field."""
        if command.p1 != 0:
            raise Refusal(StatusWord.INCORRECT_P1_P2)
        terms = self._find(command.p2)
        if not terms.changeable:
            raise Refusal(StatusWord.CONDITIONS_NOT_SATISFIED)
        old, new = self._split(terms, terms, command.data)
        chosen = self._well_formed(terms, new)
        self._compare(terms, old)
        self._set(terms, chosen)
        self._verified.add(terms.reference)
        return Answer()

    def reset_retry_counter(self, command: CommandApdu) -> Answer:
        """RESET RETRY COUNTER with P1 = 00: the unblocking code and a new code."""
        if command.p1 != 0:
            raise Refusal(StatusWord.INCORRECT_P1_P2)
        terms = self._find(command.p2)
        if terms.unblocked_by is None:
            raise Refusal(StatusWord.REFERENCED_DATA_NOT_FOUND)
        puk_terms = self._find(terms.unblocked_by)
        puk, new = self._split(puk_terms, terms, command.data)
        chosen = self._well_formed(terms, new)
        self._compare(puk_terms, puk)
        self._set(terms, chosen)
        self.withdraw(terms.reference)
        return Answer()

    def logout(self, command: CommandApdu) -> Answer:
        """LOGOUT (INS 2E of MyEID cards): withdraw the code P2, or all codes with P2 = 00."""
        if command.p1 != 0:
            raise Refusal(StatusWord.INCORRECT_P1_P2)
        if command.data:
            raise Refusal(StatusWord.WRONG_LENGTH)
        if command.p2 == 0:
            self.reset()
        else:
            self.withdraw(self._find(command.p2).reference)
        return Answer()

    def _find(self, reference: int) -> CodeTerms:
        try:
            return self._terms[reference]
        except KeyError:
            raise Refusal(StatusWord.REFERENCED_DATA_NOT_FOUND) from None

    def _state(self, terms: CodeTerms) -> Answer:
        state = self._memory.counters[terms.reference]
        self._check_usable(state)
        return Answer() if self.is_verified(terms.reference) else Answer(status=counter(state.tries_left))

    @staticmethod
    def _check_usable(state: CodeCounters) -> None:
        if state.digest is None:
            raise Refusal(StatusWord.REFERENCE_DATA_NOT_USABLE)
        if state.tries_left == 0:
            raise Refusal(StatusWord.AUTHENTICATION_METHOD_BLOCKED)

    @staticmethod
    def _check_length(terms: CodeTerms, data: bytes) -> None:
        fits = len(data) == terms.stored_length if terms.padded else terms.min_length <= len(data) <= terms.max_length
        if not fits:
            raise Refusal(StatusWord.WRONG_LENGTH)

    @staticmethod
    def _split(first: CodeTerms, second: CodeTerms, data: bytes) -> tuple[bytes, bytes]:
        # The codes stand side by side without a mark between them, so both have their stored length here.
        if len(data) != first.stored_length + second.stored_length:
            raise Refusal(StatusWord.WRONG_LENGTH)
        return data[: first.stored_length], data[first.stored_length :]

    @staticmethod
    def _well_formed(terms: CodeTerms, data: bytes) -> bytes:
        chosen = data.rstrip(bytes([PAD]))
        if not terms.min_length <= len(chosen) <= terms.max_length or not all(byte in _DIGITS for byte in chosen):
            raise Refusal(StatusWord.INCORRECT_DATA)
        return chosen

    def _compare(self, terms: CodeTerms, data: bytes) -> None:
        state = self._memory.counters[terms.reference]
        self._check_usable(state)
        self.withdraw(terms.reference)
        state.tries_left -= 1
        self._memory.save()
        given = data.rstrip(bytes([PAD])) if terms.padded else data
        if not hmac.compare_digest(digest(given, state.salt), state.digest or b""):
            raise Refusal(counter(state.tries_left))
        state.tries_left = terms.max_tries
        self._memory.save()

    def _set(self, terms: CodeTerms, chosen: bytes) -> None:
        state = self._memory.counters[terms.reference]
        state.salt = os.urandom(_SALT_BYTES)
        state.digest = digest(chosen, state.salt)
        state.tries_left = terms.max_tries
        state.transport = False
        self._memory.save()
