"""What a card holds, as far as sithsd reads it."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from sithsd.values import KeyKind, Role


class Encoding(StrEnum):
    """How the digits of a code become bytes (ISO/IEC 7816-15:2016, 8.9.2)."""

    ASCII = "ascii"
    BCD = "bcd"


@dataclass(frozen=True, slots=True)
class CodeReference:
    """One code of a card: how to address it and what form it takes.

    `reference` is P2 of VERIFY. Lengths: `min_length` and `max_length` in digits (None: not known), `stored_length` in
    bytes, to which the code is filled with `padding` (None: not filled). `unblocked_by` is the reference of the PUK
    that serves this code, None if none is known. `path` is the DF to be selected first, None for the application's.
    `initialized` tells whether the card's files say that the code has its own value (ISO/IEC 7816-15:2016, 8.9.2), None
    if they say nothing. Of many cards the flag means nothing: the profile decides whether it counts. `token` is the
    serial number of the PKCS#11 token that has this code, as its module tells it, for a card that is used through one;
    `label` is that token's then, and `reference` is -1 where the profile does not name it.
    """

    role: Role
    reference: int
    min_length: int | None = None
    max_length: int | None = None
    stored_length: int | None = None
    padding: int | None = None
    encoding: Encoding = Encoding.ASCII
    unblocked_by: int | None = None
    path: bytes | None = None
    label: str | None = None
    initialized: bool | None = None
    token: str | None = None


@dataclass(frozen=True, slots=True)
class CardCertificate:
    """One certificate as the card has it: the card's `id` of it (shared with its key), a label, and the DER bytes."""

    id: bytes
    der: bytes = field(repr=False)
    label: str | None = None


@dataclass(frozen=True, slots=True)
class CardKey:
    """One private key of a card: `id` is that of its certificate, `role` the code that is given before it is used.

    `size` is in bits (of an RSA key's modulus, of an EC key's field; None: not told). `reference` and `path` are how
    the card names it, as far as it does. With `consent` the code is given for each signature anew (userConsent,
    ISO/IEC 7816-15:2016, 8.2.8).
    """

    id: bytes
    role: Role
    kind: KeyKind
    size: int | None = None
    reference: int | None = None
    path: bytes | None = None
    consent: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Where a certificate lies on a card: the path of its EF, from the MF, and the offset in it."""

    path: bytes
    start: int = 0

    @property
    def folder(self) -> bytes:
        """The path of the DF that the EF is in, which is selected with it (ISO/IEC 7816-4:2020, 11.2.2)."""
        return self.path[:-2]


@dataclass(frozen=True, slots=True)
class Marks:
    """By what it shows in a few commands that nothing on a card has changed since it was read.

    `token` is the content of EF.TokenInfo: the card's serial number and, at `last_update`, when its files were written
    last. `heads` are the first bytes of each certificate by its place, issuer and serial number among them: no other
    certificate has the same (RFC 5280, 4.1.2.2).
    """

    token: bytes
    last_update: datetime
    heads: tuple[tuple[Place, bytes], ...]

    def head(self, place: Place) -> bytes | None:
        """Return the first bytes of the certificate at a place, None if there was none."""
        return next((head for there, head in self.heads if there == place), None)


@dataclass(frozen=True, slots=True)
class CardContents:
    """Everything read from a card. `serial` in upper-case hexadecimal, None if the card has none.

    `notes` are stable names of what was passed over, such as "certificate.absent" for an entry without a file. `marks`
    is None if nothing would prove later that the card is unchanged.
    """

    serial: str | None
    label: str | None
    manufacturer: str | None
    codes: tuple[CodeReference, ...]
    certificates: tuple[CardCertificate, ...]
    notes: tuple[str, ...] = ()
    keys: tuple[CardKey, ...] = ()
    marks: Marks | None = field(default=None, repr=False)

    def key(self, identifier: bytes) -> CardKey | None:
        """Return the private key with that identifier, or None. Two keys of one name are none: nobody can choose."""
        found = [key for key in self.keys if key.id == identifier]
        return found[0] if len(found) == 1 else None

    def code(self, role: Role) -> CodeReference | None:
        """Return the code of that role, or None."""
        return next((code for code in self.codes if code.role == role), None)

    def puk_for(self, code: CodeReference) -> CodeReference | None:
        """Return the PUK that serves `code`, or None.

        By role and reference: a reference alone may be that of a PIN too, where codes are local to a DF.
        """
        puk = self.code(Role.PUK)
        return puk if puk is not None and puk.reference == code.unblocked_by else None
