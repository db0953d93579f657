"""The `pkcs15` backend, knowing a card again: three commands that prove that nothing on it has changed.

The first selects the EF of one certificate from the MF, the second reads its beginning, the third reads EF.TokenInfo by
its short identifier in the same DF, which is thereby proven to be the application's. The empty VERIFYs of three codes
come after them: six commands in all.
"""

from collections.abc import Sequence
from typing import Final

from sithsd.card import commands
from sithsd.card.backends.pkcs15 import objects
from sithsd.card.model import CardCertificate, CodeReference, Marks, Place
from sithsd.iso7816.apdu import MAX_SHORT_LE
from sithsd.iso7816.channel import Channel
from sithsd.iso7816.status import StatusWord
from sithsd.values import Role

MOST_COMMANDS: Final = 6
"""What a card that is known may cost, its codes' counters included."""
_OWN_COMMANDS = 3
# The short identifier of EF.TokenInfo (ISO/IEC 7816-15:2016, 7.4).
_TOKEN_INFO = 0x12
_READ = frozenset({StatusWord.SUCCESS, StatusWord.END_OF_FILE})


def marks(
    about: objects.Token,
    entries: Sequence[objects.CertificateEntry],
    certificates: Sequence[CardCertificate],
    codes: Sequence[CodeReference],
) -> Marks | None:
    """Return the marks of a card that was read, None if it can't be proven in six commands that it is unchanged.

    So it is with one that tells no serial number or no lastUpdate; one with a place for a certificate that is empty, or
    not told from the MF on; one with many codes, or in several DFs. And with one whose PINs have no value of their own
    yet: that is told by a file, which the chip itself changes later.
    """
    paths = [entry.place.path for entry in entries if entry.place is not None]
    if not about.serial or about.last_update is None or len(about.content) > MAX_SHORT_LE:
        return None
    if not paths or not len(paths) == len(entries) == len(certificates) or not _in_one_folder(paths, codes):
        return None
    if _OWN_COMMANDS + len(codes) > MOST_COMMANDS or any(
        code.initialized is False for code in codes if code.role is not Role.PUK
    ):
        return None
    # Issuers' certificates stay as they are when the holder's are renewed: a look at them tells nothing.
    heads = tuple(
        (Place(entry.place.path, entry.place.start), certificate.der[:MAX_SHORT_LE])
        for entry, certificate in zip(entries, certificates, strict=True)
        if entry.place is not None and not entry.authority
    )
    # Of a shorter one a T=0 card would first tell its length, in one command more.
    if not heads or any(len(head) < MAX_SHORT_LE for _, head in heads):
        return None
    return Marks(about.content, about.last_update, heads)


def _in_one_folder(paths: Sequence[bytes], codes: Sequence[CodeReference]) -> bool:
    here = Place(paths[0])
    return all(path.startswith(commands.MASTER_FILE) and Place(path).folder == here.folder for path in paths) and all(
        code.path in names_of_folder(here) for code in codes
    )


def names_of_folder(place: Place | None) -> tuple[bytes | None, ...]:
    """Return how codes name the DF that is selected once the card is known by the certificate there; none for None."""
    return () if place is None else (None, place.folder)


def head(channel: Channel, place: Place) -> bytes | None:
    """Return the first bytes of the certificate at `place`, 256 if there are as many; None where nothing is."""
    if commands.select_file(channel, place.path) != StatusWord.SUCCESS:
        return None
    data, status_word = commands.read_piece(channel, place.start, MAX_SHORT_LE)
    return data if data and status_word in _READ else None


def token(channel: Channel, length: int) -> bytes | None:
    """Return the first bytes of EF.TokenInfo; None if it can't be read by its short identifier."""
    data, status_word = commands.read_short_file(channel, _TOKEN_INFO, length)
    return data if status_word in _READ else None
