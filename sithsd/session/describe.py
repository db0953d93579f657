"""From what was read off a card to what is said of it: pure work on bytes, done outside the card's transaction."""

from collections.abc import Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Protocol

from sithsd.card.model import CardContents
from sithsd.card.operations import ReadCard
from sithsd.certificate.card import describe
from sithsd.certificate.read import Certificate, CertificateError, read
from sithsd.certificate.tables import IssuerFamily, Tables
from sithsd.errors import ErrorCode, SithsdError
from sithsd.session.model import InsertedCard, JudgedCertificate
from sithsd.validity.judge import Assessment
from sithsd.values import Purpose, Role

# The PIN of each purpose.
_ROLES = MappingProxyType({Purpose.AUTHENTICATION: Role.AUTHENTICATION, Purpose.SIGNATURE: Role.SIGNATURE})
_OURS = frozenset({IssuerFamily.SITHS_EID, IssuerFamily.SITHS_TYPE1})


class Judging(Protocol):
    """What judges one certificate; see `sithsd.validity.judge.Judge`."""

    def judge(self, certificate: Certificate, at: datetime, others: Sequence[Certificate] = ()) -> Assessment:
        """Return what is to be said of a certificate at a moment; `others` may help to find its path."""
        ...


def is_ours(contents: CardContents, tables: Tables | None = None) -> bool:
    """Tell whether a card is a SITHS card, whose codes may be asked about: SITHS issued a certificate on it.

    By the issuer's family, not by the kind of card: of which kind a card is may be unknown, when its level of assurance
    is not in the `tables` (the shipped ones if None) yet.
    """
    return any(
        certificate.issuer_family in _OURS and certificate.purpose is not Purpose.ISSUER
        for _, _, certificate in _readable(contents, tables)[0]
    )


def may_be_kept(contents: CardContents, tables: Tables | None = None) -> bool:
    """Tell whether what was read of a card may be kept after it went (`sithsd.card.known`).

    Not that of a person whose identity is protected, or may be. Nor that of a card with a certificate which was issued
    after the card says that it was written to: whoever put it there does not say so.
    """
    readable, malformed = _readable(contents, tables)
    certificates = [certificate for _, _, certificate in readable]
    holder = describe(certificates).holder
    if malformed or contents.marks is None or holder is None or holder.protected:
        return False
    return all(certificate.not_before <= contents.marks.last_update for certificate in certificates)


def inserted_card(
    atr: bytes, card: ReadCard, judge: Judging, at: datetime, tables: Tables | None = None
) -> InsertedCard:
    """Return everything that is known of a card that was read, by `tables` (the shipped ones if None).

    Raises card.unreadable if it has certificates and none of them can be read.
    """
    readable, malformed = _readable(card.contents, tables)
    if malformed and not readable:
        raise SithsdError(ErrorCode.CARD_UNREADABLE, f"no certificate can be read: {malformed[0]}")
    certificates = [certificate for _, _, certificate in readable]
    facts = describe(certificates)
    judged = tuple(
        JudgedCertificate(
            name,
            label,
            certificate,
            judge.judge(certificate, at, issuers_on(certificates)),
            can_sign=_can_sign(card, name, certificate),
        )
        for name, label, certificate in readable
    )
    notes = (*facts.notes, *card.contents.notes, *(["certificate.malformed"] if malformed else []))
    passed_over = card.identified.passed_over
    return InsertedCard(atr, card, facts, judged, card.codes, tuple(dict.fromkeys(notes)), passed_over)


def issuers_on(certificates: list[Certificate]) -> list[Certificate]:
    """Return the CA certificates among a card's certificates: helpers for building a path, trusted by nobody."""
    return [certificate for certificate in certificates if certificate.purpose is Purpose.ISSUER]


def _can_sign(card: ReadCard, name: str, certificate: Certificate) -> bool:
    """Tell whether the card has the certificate's key behind the PIN of its purpose, and its family is known to sign.

    What a PKCS#11 module can do is told by itself, when it is asked to sign.
    """
    key = card.contents.key(bytes.fromhex(name))
    role = _ROLES.get(certificate.purpose)
    if key is None or key.role is not role or certificate.transport:
        return False
    return card.identified.profile.signs_with(key.kind)


def _readable(
    contents: CardContents, tables: Tables | None
) -> tuple[list[tuple[str, str | None, Certificate]], list[str]]:
    """Return the certificates that can be read, as (id, label, meaning), and the reasons for the others."""
    found: list[tuple[str, str | None, Certificate]] = []
    malformed: list[str] = []
    for entry in contents.certificates:
        try:
            found.append((entry.id.hex().upper(), entry.label, read(entry.der, tables)))
        except CertificateError as error:
            malformed.append(str(error))
    return found, malformed
