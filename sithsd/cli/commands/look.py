"""Commands that look: status, codes, validity and certificates."""

import ssl
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.text import Text

from sithsd.api.wire import ListCall, ReaderCall, ValidityCall
from sithsd.cli.daemon import JsonObject
from sithsd.cli.failure import failure
from sithsd.cli.invocation import Invocation
from sithsd.cli.replies import Certificate, CertificatesReply, CodesReply, ListReply, ValidityReply, read
from sithsd.cli.views.advice import advice_view
from sithsd.cli.views.cards import Look, status_view
from sithsd.cli.views.certificates import full_view, title_text, validity_view
from sithsd.cli.views.codes import codes_view
from sithsd.cli.views.layout import HEADING, indented, outside
from sithsd.errors import ErrorCode

LIST = "io.sithsd.Cards.List"
GET_CODES = "io.sithsd.Cards.GetCodes"
GET_CERTIFICATES = "io.sithsd.Cards.GetCertificates"
GET_VALIDITY = "io.sithsd.Cards.GetValidity"


def status(invocation: Invocation, *, unmasked: bool) -> None:
    """Show all readers and their cards, from the daemon's memory."""
    output = invocation.output
    look = Look(boxed=output.framed, wide=output.wide, coloured=output.coloured)
    reply = invocation.daemon.ask(LIST, ListCall(unmasked=unmasked or None))
    invocation.answer(
        reply, lambda found: status_view(read(found, ListReply), invocation.words, invocation.now(), look)
    )


def codes(invocation: Invocation, *, reader: str | None) -> None:
    """Show the state of the codes, read from the card now."""

    def view(found: JsonObject) -> RenderableType:
        got = read(found, CodesReply)
        return _under_reader(invocation, got.reader, codes_view(got.codes, invocation.words))

    invocation.answer(invocation.daemon.ask(GET_CODES, ReaderCall(reader=reader)), view)


def validity(invocation: Invocation, *, reader: str | None, unmasked: bool, fresh: bool) -> None:
    """Show what the holder has to do because of the card's dates, and what is thought of each certificate now."""

    def view(found: JsonObject) -> RenderableType:
        got = read(found, ValidityReply)
        verdicts = validity_view(got.certificates, invocation.words, invocation.now(), got.notes)
        told = [advice_view(got.advice, invocation.words), Text("")] if got.advice else []
        return _under_reader(invocation, got.reader, Group(*told, verdicts))

    parameters = ValidityCall(reader=reader, unmasked=unmasked or None, fresh=fresh or None)
    invocation.answer(invocation.daemon.ask(GET_VALIDITY, parameters), view)


@dataclass(frozen=True)
class Selection:
    """Which certificates of which card, and whether as PEM. None means any."""

    reader: str | None
    wanted_id: str | None
    purpose: str | None
    pem: bool
    unmasked: bool

    def holds(self, certificate: Certificate) -> bool:
        """Whether a certificate is one of these."""
        return (self.wanted_id is None or certificate.id.lower() == self.wanted_id.lower()) and (
            self.purpose is None or certificate.purpose == self.purpose
        )


def certificates(invocation: Invocation, selection: Selection) -> None:
    """Show the selected certificates of a card, or write them as PEM (RFC 7468).

    The daemon gives the bytes of a certificate with a personal identity number only to those who may see it. As PEM,
    what it withheld is named on stderr, and the others are written.

    A CommandError: "certificate.absent" when an id or a purpose was asked for, or PEM, and there is none;
    "request.denied" when PEM was asked for and every certificate that fits was withheld, or one that --id asked for.
    """
    parameters = ReaderCall(reader=selection.reader, unmasked=selection.unmasked or None)
    reply = invocation.daemon.ask(GET_CERTIFICATES, parameters)
    got = read(reply, CertificatesReply)
    kept = [index for index, one in enumerate(got.certificates) if selection.holds(one)]
    if not kept and (selection.pem or len(kept) < len(got.certificates)):
        raise failure(ErrorCode.CERTIFICATE_ABSENT, "no certificate of this id and purpose")
    found = [got.certificates[index] for index in kept]
    if invocation.as_json:
        invocation.output.json({**reply, "certificates": [reply["certificates"][index] for index in kept]})
    elif selection.pem:
        _write_pem(invocation, found, selection)
    else:
        view = full_view(found, invocation.words, invocation.now())
        invocation.output.show(_under_reader(invocation, got.reader, view))


def _under_reader(invocation: Invocation, reader: str, view: RenderableType) -> RenderableType:
    heading = Text.assemble(f"{invocation.words.say('reader')}: ", outside(reader, HEADING))
    return Group(heading, indented(view))


def _write_pem(invocation: Invocation, found: Sequence[Certificate], selection: Selection) -> None:
    given = [one.der for one in found if one.der is not None]
    withheld = [one for one in found if one.der is None]
    # All are encoded before anything is told: a damaged one is an error, with nothing written.
    text = "".join(_pem(der) for der in given)
    for one in withheld:
        name = title_text(one, invocation.words).plain
        invocation.output.complain(invocation.words.say("certificate-withheld", name=name, id=one.id))
    if withheld and (not given or selection.wanted_id is not None):
        raise failure(ErrorCode.REQUEST_DENIED, "the bytes of a certificate with a personal identity number")
    invocation.output.write(text)


def _pem(base64: str) -> str:
    try:
        der = b64decode(base64, validate=True)
    except NotBase64 as error:
        raise failure(ErrorCode.INTERNAL, "a certificate that is not base64") from error
    if not der:
        raise failure(ErrorCode.INTERNAL, "a certificate without its bytes")
    return ssl.DER_cert_to_PEM_cert(der)
