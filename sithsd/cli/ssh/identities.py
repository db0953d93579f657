"""The keys that the agent offers: those of the authentication certificates of the cards that are in now."""

import binascii
from base64 import b64decode
from dataclasses import dataclass

from sithsd.api.wire import ListCall, ReaderCall
from sithsd.cli.commands.look import GET_CERTIFICATES, LIST
from sithsd.cli.daemon import Daemon
from sithsd.cli.failure import CommandError, failure
from sithsd.cli.plain import plain
from sithsd.cli.replies import Card, Certificate, CertificatesReply, ListReply, Reader, read
from sithsd.cli.ssh.keys import PublicKey, public_key
from sithsd.cli.words import Words
from sithsd.errors import ErrorCode
from sithsd.values import Purpose, Status

_MARKED = ("test", "sim")


@dataclass(frozen=True)
class Identity:
    """A key, the certificate that it is of, and the card and reader that it is in."""

    key: PublicKey
    certificate: Certificate
    card: Card
    reader: str

    def comment(self, words: Words) -> str:
        """Return whose key it is and of which of the two identities, without any personal identity number."""
        holder = self.card.holder
        name = holder.display_name if holder and not holder.protected else None
        kind = words.name("identity", self.certificate.identity)
        told = [name or words.name("kind", self.card.kind), f"SITHS {kind}"]
        if self.certificate.environment in _MARKED:
            told.append(words.say(f"environment-mark-{self.certificate.environment}"))
        return plain(", ".join(told))


def identities(daemon: Daemon) -> list[Identity]:
    """Return the keys that may be used now, asked of the daemon anew; a CommandError where it does not answer.

    Left out are certificates that are known to be bad, whose key the daemon would not use, and those whose bytes the
    daemon does not give: that of the personal identity, to a user who may not see it. So are those whose key the daemon
    says that it can't use. Readers that can't be asked at this moment have no keys.
    """
    found: list[Identity] = []
    replies: list[CertificatesReply] = []
    for reader in _readers(daemon):
        if reader.state != "empty":
            try:
                parameters = ReaderCall(reader=reader.name)
                replies.append(read(daemon.ask(GET_CERTIFICATES, parameters), CertificatesReply))
            except CommandError as error:
                if error.parameters.code in {ErrorCode.DAEMON_UNAVAILABLE, ErrorCode.PCSC_UNAVAILABLE}:
                    raise
    # Only now a card that was put in a moment ago has been read, and may have a holder.
    cards = {reader.name: reader.card for reader in _readers(daemon)} if replies else {}
    for reply in replies:
        card = cards.get(reply.reader)
        if card is not None and card.serial == reply.card_serial:
            found += [
                Identity(key, one, card, reply.reader)
                for one in reply.certificates
                if one.purpose == Purpose.AUTHENTICATION
                and not one.transport
                and one.verdict.status != Status.BAD
                and one.can_sign is not False
                and (key := _key(one)) is not None
            ]
    return found


def _readers(daemon: Daemon) -> list[Reader]:
    reply = read(daemon.ask(LIST, ListCall()), ListReply)
    if not reply.service:
        raise failure(ErrorCode.PCSC_UNAVAILABLE, "the daemon sees no PC/SC service")
    return reply.readers


def _key(certificate: Certificate) -> PublicKey | None:
    if certificate.der is None:
        return None
    try:
        return public_key(b64decode(certificate.der, validate=True))
    except binascii.Error:
        return None
