"""The one thing to do next: of all that was found, the first broken link of the chain that a person can mend."""

from collections.abc import Sequence
from dataclasses import dataclass

from sithsd.cli.doctor import cards, readers, revocation, services, trust
from sithsd.cli.doctor.check import Check
from sithsd.cli.statuses import ExitStatus


@dataclass(frozen=True)
class Step:
    """What a person can do about one finding of one check.

    `status` is what sithsctl ends with, if the finding keeps log-ins from working: that of a command that meets it.
    """

    check: str
    finding: str
    status: ExitStatus = ExitStatus.DONE


# In this order. First what keeps a log-in from working, from the program at hand to the certificate: a link can only be
# judged when those before it hold, and a wrong clock makes every date look wrong. A card that nobody can read, or that
# somebody else holds, is named before its codes and certificates are. Then what is better mended, the gravest first.
STEPS: tuple[Step, ...] = (
    Step(services.DAEMON, "absent", ExitStatus.UNAVAILABLE),
    Step(services.DAEMON, "notListening", ExitStatus.UNAVAILABLE),
    Step(services.DAEMON, "denied", ExitStatus.NOT_SENT),
    Step(services.DAEMON, "silent", ExitStatus.UNAVAILABLE),
    Step(services.RIGHTS, "statusDenied", ExitStatus.NOT_SENT),
    Step(services.PCSCD, "absent", ExitStatus.UNAVAILABLE),
    Step(services.PCSCD, "notListening", ExitStatus.UNAVAILABLE),
    Step(services.PCSCD, "elsewhere", ExitStatus.UNAVAILABLE),
    Step(services.PCSCD, "refusesDaemon", ExitStatus.UNAVAILABLE),
    Step(services.RIGHTS, "noSocket", ExitStatus.UNAVAILABLE),
    Step(services.RIGHTS, "denied", ExitStatus.NOT_SENT),
    Step(readers.READER, "none", ExitStatus.NOTHING_THERE),
    Step(readers.READER, "unknown", ExitStatus.NOTHING_THERE),
    Step(readers.READER, "ambiguous", ExitStatus.NOTHING_THERE),
    Step(readers.BUSY, "heldBy", ExitStatus.DISTURBED),
    Step(readers.BUSY, "held", ExitStatus.DISTURBED),
    Step(cards.CARD, "absent", ExitStatus.NOTHING_THERE),
    Step(cards.CARD, "mute", ExitStatus.CARD_UNFIT),
    Step(cards.CARD, "unreadable", ExitStatus.CARD_UNFIT),
    Step(cards.CARD, "unsupported", ExitStatus.CARD_UNFIT),
    Step(cards.CARD, "foreign", ExitStatus.CARD_UNFIT),
    Step(cards.CARD, "reading", ExitStatus.DISTURBED),
    Step(cards.CARD, "unread", ExitStatus.DISTURBED),
    Step(trust.CLOCK, "implausible", ExitStatus.REFUSED),
    Step(trust.CLOCK, "beforeCertificates", ExitStatus.REFUSED),
    Step(trust.CLOCK, "behind", ExitStatus.REFUSED),
    Step(cards.CODES, "notActivated", ExitStatus.NOT_SENT),
    Step(cards.CODES, "blockedForGood", ExitStatus.CODE_BLOCKED),
    Step(trust.CERTIFICATES, "none", ExitStatus.NOTHING_THERE),
    Step(trust.CERTIFICATES, "transport", ExitStatus.NOTHING_THERE),
    Step(trust.CERTIFICATES, "noLogIn", ExitStatus.NOTHING_THERE),
    Step(trust.CERTIFICATES, "malformed", ExitStatus.NOT_SENT),
    Step(trust.CERTIFICATES, "expired", ExitStatus.NOT_SENT),
    Step(revocation.REVOCATION, "refused", ExitStatus.NOT_SENT),
    Step(cards.CODES, "absent", ExitStatus.CARD_UNFIT),
    Step(cards.CODES, "blocked", ExitStatus.CODE_BLOCKED),
    Step(cards.CODES, "lastTry", ExitStatus.NOT_SENT),
    Step(cards.CODES, "triesUnknown", ExitStatus.NOT_SENT),
    Step(trust.CERTIFICATES, "notYetValid", ExitStatus.NOT_SENT),
    Step(trust.CERTIFICATES, "weak", ExitStatus.NOT_SENT),
    Step(trust.CERTIFICATES, "refused", ExitStatus.NOT_SENT),
    Step(trust.CHAIN, "notConfigured", ExitStatus.NOT_SENT),
    Step(trust.CHAIN, "conflict", ExitStatus.NOT_SENT),
    Step(trust.CHAIN, "untrusted", ExitStatus.NOT_SENT),
    Step(trust.CHAIN, "invalid", ExitStatus.NOT_SENT),
    Step(trust.CHAIN, "expired", ExitStatus.NOT_SENT),
    Step(trust.CHAIN, "notYetValid", ExitStatus.NOT_SENT),
    # From here on a log-in could work.
    Step(trust.NOTICES, "triesLost"),
    Step(trust.CHAIN, "anchorMissing"),
    Step(trust.CHAIN, "issuerUnknown"),
    Step(cards.CODES, "pukUsedUp"),
    Step(cards.CODES, "signatureBlocked"),
    Step(cards.CODES, "signatureNotActivated"),
    Step(cards.CODES, "signatureLastTry"),
    Step(trust.CERTIFICATES, "endsSoon"),
    Step(revocation.FETCH, "absent"),
    Step(revocation.FETCH, "noAnchors"),
    Step(revocation.FETCH, "failingAll"),
    Step(revocation.FETCH, "failing"),
    Step(services.VERSION, "differs"),
    Step(readers.POWER, "sleeps"),
    Step(trust.CLOCK, "unsynchronised"),
)


def next_step(checks: Sequence[Check]) -> tuple[Step, Check] | None:
    """Return what to do next, and the check that decides it; None where there is nothing to mend."""
    found = {(check.name, check.finding): check for check in checks}
    return next(((step, found[one]) for step in STEPS if (one := (step.check, step.finding)) in found), None)


def possible(checks: Sequence[Check]) -> bool:
    """Whether a log-in could work, as far as can be told."""
    return not any(check.hinders for check in checks)


def exit_status(checks: Sequence[Check]) -> ExitStatus:
    """Return 0 where a log-in could work, else the status that belongs to the next step."""
    if possible(checks):
        return ExitStatus.DONE
    chosen = next_step(checks)
    return ExitStatus.REFUSED if chosen is None or chosen[0].status is ExitStatus.DONE else chosen[0].status
