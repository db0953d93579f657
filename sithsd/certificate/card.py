"""What the certificates of one card, taken together, say of the card and its holder.

Nothing here is proven, and nothing that is not known is guessed: a note says what does not fit together.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sithsd.certificate.identity import stands_for_hsa_id
from sithsd.certificate.names import normalized
from sithsd.certificate.personal import PersonalIdentityNumber, luhn, mask
from sithsd.certificate.read import Certificate
from sithsd.certificate.tables import IssuerFamily
from sithsd.values import CardKind, Environment, IdentityKind, Purpose

# A reserve card's certificates are valid for 6 months at most: 184 days, and some slack for whole months and hours.
RESERVE_VALIDITY = timedelta(days=190)

_SITHS = frozenset({IssuerFamily.SITHS_EID, IssuerFamily.SITHS_TYPE1})


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose card it is.

    `display_name` is the common name, masked. `hsa_ids` are in the card's order; an ordinary card has one. `protected`
    is True when the certificates look as if the holder's identity were protected: then name, number and organisation
    are None. It is None otherwise, since how protection shows in a certificate is not known.
    """

    display_name: str | None
    hsa_ids: tuple[str, ...]
    personal_identity_number: PersonalIdentityNumber | None
    organization: str | None
    protected: bool | None


@dataclass(frozen=True, slots=True)
class CardFacts:
    """What a card is, as far as its certificates tell. `notes` are stable names of what is remarkable.

    cardNumber.conflict, cardNumber.checksum: the numbers differ (then there is none), or the check digit is wrong.
    certificate.telia, certificate.transport, certificate.type1: there is one of that sort.
    environment.mixed, levelOfAssurance.mixed: the certificates differ, and the riskier or lower one is told.
    holder.conflict: they name different persons. holder.protectedAssumed: see `Holder.protected`.
    hsaId.several: the holder has more than one.
    """

    environment: Environment
    kind: CardKind
    card_number: str | None
    level_of_assurance: int | None
    holder: Holder | None
    notes: tuple[str, ...]


def describe(certificates: Sequence[Certificate]) -> CardFacts:
    """Return what `certificates` (all of one card, in the card's order) say of it."""
    siths = [certificate for certificate in certificates if certificate.issuer_family in _SITHS]
    notes = set(_remarkable(certificates))
    environment = _environment(certificates, siths, notes)
    card_number = _card_number(certificates, notes)
    level = _level_of_assurance(siths, notes)
    holder = _holder(certificates, notes)
    return CardFacts(environment, _kind(certificates, siths), card_number, level, holder, tuple(sorted(notes)))


def _environment(certificates: Sequence[Certificate], siths: Sequence[Certificate], notes: set[str]) -> Environment:
    """One SIM or TEST certificate makes the card one; PRODUCTION only if every SITHS certificate is."""
    found = {certificate.environment for certificate in certificates}
    ours = {certificate.environment for certificate in siths}
    if len(ours) > 1:
        notes.add("environment.mixed")
    for risky in (Environment.SIM, Environment.TEST):
        if risky in found:
            return risky
    return Environment.PRODUCTION if ours == {Environment.PRODUCTION} else Environment.UNKNOWN


def _kind(certificates: Sequence[Certificate], siths: Sequence[Certificate]) -> CardKind:
    """By the certificates that SITHS issued to a person.

    SITHS e-id with level 2, the HSA-id alone and at most six months of validity is a reserve card. Level 2 with a long
    validity is no reserve card by that rule, so it is ordinary. A short validity whose level is not known tells
    nothing.
    """
    if certificates and not siths:
        return CardKind.NOT_SITHS
    persons = [certificate for certificate in siths if certificate.person]
    modern = [certificate for certificate in persons if certificate.issuer_family is IssuerFamily.SITHS_EID]
    if not modern:
        return CardKind.OLD if persons else CardKind.UNKNOWN
    short = all(certificate.not_after - certificate.not_before <= RESERVE_VALIDITY for certificate in modern)
    levels = {certificate.level_of_assurance for certificate in modern}
    if not short or levels <= {3, 4}:
        return CardKind.ORDINARY
    hsa_alone = all(certificate.identity is IdentityKind.HSA_ID for certificate in modern)
    if levels == {2}:
        return CardKind.RESERVE if hsa_alone else CardKind.ORDINARY
    return CardKind.UNKNOWN


def _card_number(certificates: Iterable[Certificate], notes: set[str]) -> str | None:
    numbers = {certificate.card_number for certificate in certificates if certificate.card_number}
    if len(numbers) > 1:
        notes.add("cardNumber.conflict")
    if len(numbers) != 1:
        return None
    number = numbers.pop()
    if not (number.isdecimal() and luhn(number)):
        notes.add("cardNumber.checksum")
    return number


def _level_of_assurance(siths: Iterable[Certificate], notes: set[str]) -> int | None:
    levels = {certificate.level_of_assurance for certificate in siths if certificate.person}
    if len(levels) > 1:
        notes.add("levelOfAssurance.mixed")
    return None if None in levels else min((level for level in levels if level is not None), default=None)


def _holder(certificates: Iterable[Certificate], notes: set[str]) -> Holder | None:
    persons = [certificate for certificate in certificates if certificate.person]
    if not persons:
        return None
    # The name known at work comes first: SITHS before others, HSA-id before the number, log-in before signature.
    persons.sort(
        key=lambda certificate: (
            certificate.issuer_family not in _SITHS,
            certificate.identity is not IdentityKind.HSA_ID,
            certificate.purpose is not Purpose.AUTHENTICATION,
        )
    )
    hsa_ids = tuple(dict.fromkeys(certificate.hsa_id for certificate in persons if certificate.hsa_id))
    if len(hsa_ids) > 1:
        notes.add("hsaId.several")
    numbers = [
        certificate.personal_identity_number
        for certificate in persons
        if certificate.personal_identity_number is not None
    ]
    surnames = {normalized(certificate.surname) for certificate in persons if certificate.surname}
    if len(surnames) > 1 or any(not number.same_person(numbers[0]) for number in numbers):
        notes.add("holder.conflict")
    if any(looks_protected(one.common_name, one.given_name, one.surname, one.hsa_id) for one in persons):
        notes.add("holder.protectedAssumed")
        return Holder(None, hsa_ids, None, None, protected=True)
    name = next((certificate.common_name for certificate in persons if certificate.common_name), None)
    organization = next((certificate.organization for certificate in persons if certificate.organization), None)
    return Holder(
        display_name=mask(name) if name else None,
        hsa_ids=hsa_ids,
        personal_identity_number=max(numbers, key=lambda number: len(number.reveal()), default=None),
        organization=mask(organization) if organization else None,
        protected=None,
    )


def looks_protected(common_name: str | None, given_name: str | None, surname: str | None, hsa_id: str | None) -> bool:
    """Assume that a person who is named by the HSA-id alone is protected. No source tells how it really shows."""
    return not (given_name or surname) and stands_for_hsa_id(common_name, hsa_id)


def _remarkable(certificates: Iterable[Certificate]) -> Iterable[str]:
    for certificate in certificates:
        if certificate.transport:
            yield "certificate.transport"
        if certificate.issuer_family is IssuerFamily.TELIA:
            yield "certificate.telia"
        if certificate.issuer_family is IssuerFamily.SITHS_TYPE1:
            yield "certificate.type1"
