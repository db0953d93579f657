"""Which certificate is used: shown to the person before the PIN is asked for, and chosen by number among several."""

from collections.abc import Sequence
from dataclasses import dataclass

from sithsd.api.wire import ReaderCall
from sithsd.cli.commands.look import GET_VALIDITY
from sithsd.cli.commands.target import Place, of_card
from sithsd.cli.failure import CommandError, StoppedError, failure, parameters
from sithsd.cli.invocation import Invocation
from sithsd.cli.moments import local_date
from sithsd.cli.names import common_name
from sithsd.cli.plain import plain
from sithsd.cli.replies import Certificate, CertificatesReply, read
from sithsd.cli.terminal import Terminal
from sithsd.cli.views.certificates import title_text, verdict_text
from sithsd.cli.words import Words
from sithsd.client import Require, Verdict
from sithsd.client.checks import REVOCATION_UNCHECKED
from sithsd.errors import ErrorCode
from sithsd.values import Purpose, Status


@dataclass(frozen=True)
class Wish:
    """What is said of the certificate; None: nothing. `fingerprint` is in lower-case hexadecimal."""

    purpose: Purpose
    identity: str | None
    fingerprint: str | None
    require: Require


def certificate_shown(invocation: Invocation, terminal: Terminal, wish: Wish, place: Place) -> Certificate:
    """Return the certificate that is meant, after showing it, judged at this moment.

    A CommandError: "certificate.absent" where none fits, "certificate.bad" where none is good enough; the daemon's
    other errors. StoppedError where the person does not choose.
    """
    words = invocation.words
    reply = invocation.daemon.ask(GET_VALIDITY, ReaderCall(reader=place.reader))
    fitting = _fitting(of_card(read(reply, CertificatesReply), place).certificates, wish)
    found = fitting[0] if len(fitting) == 1 else _asked(terminal, words, fitting)
    terminal.say(f"{words.say('label-certificate')}: {_line(found, words)}")
    terminal.say(f"{words.say('label-verdict')}: {verdict_text(found.verdict, words, found.evidence).plain}")
    if not _good_enough(found, wish.require):
        raise not_good_enough(found.verdict.reasons)
    return found


def not_good_enough(reasons: Sequence[str]) -> CommandError:
    """Return the error of a certificate that is not as good as required. Where an answer alone lacks: what to do."""
    found = parameters(ErrorCode.CERTIFICATE_BAD, "the certificate is not as good as required")
    found.rules = list(reasons)
    key = "error-certificate-notGoodEnough"
    if reasons and REVOCATION_UNCHECKED.issuperset(reasons):
        key += "-unreachable" if "revocation.unreachable" in reasons else "-notChecked"
    return CommandError(found, key=key)


def _fitting(certificates: Sequence[Certificate], wish: Wish) -> list[Certificate]:
    """Return those that the daemon would choose from, as far as they can be told from here."""
    found = [
        one
        for one in certificates
        if one.purpose == wish.purpose
        and not one.transport
        and one.can_sign is not False
        and wish.identity in {None, one.identity}
        and wish.fingerprint in {None, one.fingerprint}
    ]
    if not found:
        raise failure(ErrorCode.CERTIFICATE_ABSENT, "no certificate of the card fits")
    if wish.require is Require.NOTHING:
        return found
    trusted = [one for one in found if one.verdict.status != Status.BAD]
    if not trusted:
        raise not_good_enough(list(dict.fromkeys(reason for one in found for reason in one.verdict.reasons)))
    return trusted


def _asked(terminal: Terminal, words: Words, fitting: Sequence[Certificate]) -> Certificate:
    terminal.say(words.say("choose-heading"))
    for number, one in enumerate(fitting, 1):
        terminal.say(f"{number}. {_line(one, words)}")
    while answer := terminal.ask_word(words.say("choose-number")):
        if answer.isascii() and answer.isdecimal() and 1 <= int(answer[:9]) <= len(fitting):
            return fitting[int(answer[:9]) - 1]
        terminal.say(words.say("choose-again"))
    raise StoppedError


def _line(certificate: Certificate, words: Words) -> str:
    valid = words.say("choose-valid-to", date=local_date(certificate.not_after))
    title = title_text(certificate, words).plain
    fingerprint = certificate.fingerprint[:16].upper()
    return f"{title}: {plain(common_name(certificate.subject))}, {valid} (SHA-256 {fingerprint}…)"


def _good_enough(certificate: Certificate, require: Require) -> bool:
    verdict = certificate.verdict
    return require.is_met_by(Verdict(status=verdict.status, reasons=tuple(verdict.reasons)))
