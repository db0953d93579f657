"""Which dates of a card count."""

from collections.abc import Iterable
from operator import attrgetter

from sithsd.certificate.read import Certificate
from sithsd.certificate.tables import IssuerFamily
from sithsd.validity.calendar.model import CardDates
from sithsd.values import CardKind, Purpose

_IN_USE = frozenset({Purpose.AUTHENTICATION, Purpose.SIGNATURE})


def card_dates(certificates: Iterable[Certificate], kind: CardKind) -> CardDates | None:
    """Return the dates of a card of that kind with these certificates; None where nothing is to be said of it.

    A card ends with the first of its person's certificates that ends: from then on something of it does not work. Those
    of SITHS e-id count; only where there are none, those of the retired SITHS. A certificate that was renewed on the
    card counts by its successor, the one with the same purpose and identity that ends last. An e-legitimation of
    another issuer, a transport certificate and an issuer's say nothing of when a card has to be ordered.
    """
    persons = [one for one in certificates if one.person and one.purpose in _IN_USE]
    for family in (IssuerFamily.SITHS_EID, IssuerFamily.SITHS_TYPE1):
        latest: dict[tuple[object, ...], Certificate] = {}
        for one in sorted(persons, key=attrgetter("not_after")):
            if one.issuer_family is family:
                latest[one.purpose, one.identity, one.hsa_id, one.personal_identity_number] = one
        if latest and kind is not CardKind.NOT_SITHS:
            first = min(latest.values(), key=attrgetter("not_after"))
            return CardDates(first.not_before, first.not_after, kind)
    return None
