"""Which certificate of a card a call means: by purpose and identity, with the reason, and never by a guess."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from enum import StrEnum

from sithsd.card.model import CardContents, CardKey
from sithsd.card.signature_operation import Signing
from sithsd.certificate import signature
from sithsd.errors import Choice, ErrorCode, More, SithsdError
from sithsd.session.model import JudgedCertificate
from sithsd.values import IdentityKind, Purpose, Role, SignatureAlgorithm, Status


class ChosenBy(StrEnum):
    """Why it is this certificate: the last thing that told it from the others."""

    FINGERPRINT = "fingerprint"
    IDENTITY = "identity"
    PURPOSE = "purpose"
    VERDICT = "verdict"


@dataclass(frozen=True, slots=True)
class Wish:
    """What a caller says of the certificate: its purpose, and as far as it wants the identity and the very one.

    `fingerprint` is SHA-256 in lower-case hexadecimal. `accept_bad`: one that is not to be trusted will do.
    """

    purpose: Purpose
    identity: IdentityKind | None = None
    fingerprint: str | None = None
    accept_bad: bool = False

    @property
    def role(self) -> Role:
        """The PIN that the caller gives: the one of this purpose."""
        return Role.SIGNATURE if self.purpose is Purpose.SIGNATURE else Role.AUTHENTICATION


@dataclass(frozen=True, slots=True)
class Chosen:
    """The certificate, its private key on the card, and why it is this one."""

    entry: JudgedCertificate
    key: CardKey
    by: ChosenBy


@dataclass(frozen=True, slots=True)
class Settled:
    """What is signed with what: the certificate as it is judged now, the algorithm and the hash."""

    chosen: Chosen
    algorithm: SignatureAlgorithm
    digest: bytes

    def signing(self) -> Signing:
        """Return what is asked of the card."""
        certificate = self.chosen.entry.certificate
        return Signing(
            self.chosen.key,
            self.algorithm,
            self.digest,
            lambda given: signature.is_valid(certificate, self.algorithm, self.digest, given),
        )


def choose(wish: Wish, entries: Sequence[JudgedCertificate], contents: CardContents) -> Chosen:
    """Return the one certificate that `wish` means.

    One whose key the card has behind another PIN than that of the purpose does not fit: the caller's code is of that
    one, and would cost the other a try. Raises certificate.absent if none fits or has a key on the card,
    certificate.bad if those that fit are not to be trusted, certificate.ambiguous if several are left.
    """
    fitting = [
        (entry, key)
        for entry in entries
        if entry.certificate.purpose is wish.purpose and not entry.certificate.transport
        if (key := contents.key(bytes.fromhex(entry.id))) is not None and key.role is wish.role
    ]
    by = ChosenBy.PURPOSE
    if wish.identity is not None:
        narrowed = [pair for pair in fitting if pair[0].certificate.identity is wish.identity]
        by = ChosenBy.IDENTITY if len(fitting) > 1 else by
        fitting = narrowed
    if wish.fingerprint is not None:
        fitting = [pair for pair in fitting if pair[0].certificate.fingerprint == wish.fingerprint]
        by = ChosenBy.FINGERPRINT
    if not fitting:
        raise SithsdError(ErrorCode.CERTIFICATE_ABSENT, "no certificate with a key behind the PIN of its purpose fits")
    if not wish.accept_bad:
        trusted = [pair for pair in fitting if pair[0].assessment.verdict.status is not Status.BAD]
        if not trusted:
            raise _bad([entry for entry, _ in fitting])
        by = ChosenBy.VERDICT if len(trusted) < len(fitting) and len(trusted) == 1 else by
        fitting = trusted
    if len(fitting) > 1:
        error = SithsdError(ErrorCode.CERTIFICATE_AMBIGUOUS, f"{len(fitting)} certificates fit, and none is guessed")
        error.more = More(choices=_choices([entry for entry, _ in fitting]))
        raise error
    ((entry, key),) = fitting
    return Chosen(entry, key, by)


def _bad(entries: list[JudgedCertificate]) -> SithsdError:
    error = SithsdError(ErrorCode.CERTIFICATE_BAD, "the certificate is not to be trusted; the card was not touched")
    reasons = dict.fromkeys(reason for entry in entries for reason in entry.assessment.verdict.reasons)
    error.more = More(rules=tuple(reasons), choices=_choices(entries) if len(entries) > 1 else ())
    return error


def _choices(entries: list[JudgedCertificate]) -> tuple[Choice, ...]:
    return tuple(
        Choice(
            fingerprint=one.fingerprint,
            identity=str(one.identity),
            subject=one.masked_subject,
            not_after=one.not_after.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        )
        for one in (entry.certificate for entry in entries)
    )
