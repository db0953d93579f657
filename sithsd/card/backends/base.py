"""What every backend can do with a card that is in a transaction."""

from collections.abc import Sequence
from typing import Protocol

from sithsd.card.model import CardContents, CardKey, CodeReference, Place
from sithsd.card.transport import CardChannel
from sithsd.reader.pinpad import PinBlock
from sithsd.secret import Secret
from sithsd.values import CodeState, SignatureAlgorithm


class Pad(Protocol):
    """A reader's PIN pad; see `sithsd.reader.pinpad.PinPad`. Codes entered there go from the reader to the card."""

    @property
    def can_verify(self) -> bool:
        """Whether it does VERIFY."""
        ...

    @property
    def can_modify(self) -> bool:
        """Whether it does CHANGE REFERENCE DATA and RESET RETRY COUNTER."""
        ...

    def verify(self, header: bytes, block: PinBlock) -> int:
        """Ask for a code and send it in a command with `header` (CLA INS P1 P2); return the card's status word."""
        ...

    def modify(self, header: bytes, old: PinBlock, new: PinBlock) -> int:
        """Ask for the present code (or the PUK) and twice for the new one, and send both; return the status word."""
        ...


class Backend(Protocol):
    """One way to read a card and to use its codes. Stateless: everything it needs comes with the call."""

    @property
    def unblocks(self) -> bool:
        """Whether a code can be unblocked this way at all."""
        ...

    def obstacle(self) -> str | None:
        """Tell in a sentence why this way can't be gone on this machine now, None if it can."""
        ...

    def close(self) -> None:
        """End what this backend keeps running. No operation may be under way."""
        ...

    def serial(self, channel: CardChannel) -> str | None:
        """Select the card's application and return the card's serial number, None if it has none.

        The cheapest proof that it is still the same card. Raises card.unsupported or card.unreadable.
        """
        ...

    def read(self, channel: CardChannel, *, protocol: int, selected: bool = False) -> CardContents:
        """Read all there is. `protocol` is 0 or 1; `selected` says that the card's application is selected already.

        Raises card.unsupported, card.unreadable or card.removed.
        """
        ...

    def head(self, channel: CardChannel, place: Place) -> bytes | None:
        """Return the first bytes of what lies at `place`, as `Marks` has them; None if nothing does.

        The first step to know a card again whose contents have marks. May cost two commands.
        """
        ...

    def token(self, channel: CardChannel, length: int) -> bytes | None:
        """Return, right after `head`, the first bytes of what `Marks.token` is made of; None if they can't be had.

        The second step. May cost one command.
        """
        ...

    def code_states(
        self, channel: CardChannel, codes: Sequence[CodeReference], here: Place | None = None
    ) -> tuple[CodeState, ...]:
        """Tell what is known of each of `codes`, in their order, without using a try.

        `here` is the place by which the card was known again, if that was the last thing that was done.
        """
        ...

    def verify(self, channel: CardChannel, code: CodeReference, digits: Secret) -> CodeState:
        """Give a code to the card, once. Returns the state after it; raises pin.wrong, pin.blocked, card.refused."""
        ...

    def verify_at_pad(self, channel: CardChannel, pad: Pad, code: CodeReference) -> CodeState:
        """Have the person give the code at the reader's pad, once. Raises what `verify` does, and the pad's errors."""
        ...

    def change(self, channel: CardChannel, code: CodeReference, digits: Secret, new_digits: Secret) -> CodeState:
        """Change a code from its present value to a new one, once. Raises as `verify` does."""
        ...

    def change_at_pad(
        self, channel: CardChannel, pad: Pad, code: CodeReference, lengths: tuple[int, int] | None
    ) -> CodeState:
        """Have the person change the code at the reader's pad, once; to so many digits, at least and at most."""
        ...

    def unblock(
        self, channel: CardChannel, code: CodeReference, puk: CodeReference, puk_digits: Secret, new_digits: Secret
    ) -> CodeState:
        """Unblock a code with the PUK and set it anew, once. Raises puk.wrong, puk.blocked, card.refused."""
        ...

    def unblock_at_pad(
        self, channel: CardChannel, pad: Pad, code: CodeReference, puk: CodeReference, lengths: tuple[int, int] | None
    ) -> CodeState:
        """Have the person unblock the code at the reader's pad, once; `lengths` as for `change_at_pad`."""
        ...

    def check_signing(self, channel: CardChannel, key: CardKey, algorithm: SignatureAlgorithm) -> None:
        """Raise signature.unsupported if it is known, or not known otherwise, that `key` can't sign by `algorithm`.

        Asked before a code is given, so that none is used in vain.
        """
        ...

    def sign(self, channel: CardChannel, key: CardKey, algorithm: SignatureAlgorithm, digest: bytes) -> bytes:
        """Sign a hash with a key whose code was given before in the same transaction; once.

        Returns an RSA signature as long as the modulus, or the DER of ECDSA-Sig-Value (RFC 3279, 2.2.3). Raises
        signature.unsupported, card.refused, card.unreadable.
        """
        ...

    def clear(self, channel: CardChannel, code: CodeReference) -> bool:
        """Make the card forget that `code` was given; False if only a reset of the card does that."""
        ...
