"""A desk's renewal: new certificates on a card that stays the same, with its codes and counters as they are."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_der_private_key

from sithsd.clock import Clock
from sithsd.simulator.certificates import Issued, issue, orders
from sithsd.simulator.fixture import CardFixture, FixtureError
from sithsd.simulator.image import Image, Memory
from sithsd.simulator.personalise import card_number, chosen_codes, midnight, written
from sithsd.simulator.pki import Pki, issued


@dataclass(frozen=True, slots=True)
class Renewal:
    """What a desk does: which certificates are renewed (counted from 1, None: all), and for which keys.

    With `keep_last_update` EF.TokenInfo is left as it was: a desk that does what ISO/IEC 7816-15 does not allow.
    """

    which: Collection[int] | None = None
    same_keys: bool = False
    keep_last_update: bool = False


def renew(memory: Memory, fixture: CardFixture, pki: Pki, clock: Clock, renewal: Renewal) -> Memory:
    """Put new certificates into the files of the old ones, valid from today; return the card's memory.

    Raises FixtureError for a card that has no certificates, or not the ones that are named.
    """
    image = memory.image
    there = _present(image, pki, fixture)
    if not there:
        raise FixtureError("the card has no certificates that could be renewed")
    which = range(1, len(there) + 1) if renewal.which is None else renewal.which
    if not set(which) <= set(range(1, len(there) + 1)):
        raise FixtureError(f"the card has {len(there)} certificates, counted from 1")
    today = midnight(clock)
    validity = today, today + timedelta(days=fixture.validity.to_days, seconds=-1)
    number = card_number(image.name, fixture)
    new = {
        position: issue(
            old.order, old.authority, fixture, number, validity, key=_key(old) if renewal.same_keys else None
        )
        for position, old in enumerate(there, start=1)
        if position in which
    }
    last_update = image.last_update or clock.now()
    if not renewal.keep_last_update:
        # It is told in whole seconds: later than before, though less than one may have gone by.
        last_update = max(clock.now(), last_update + timedelta(seconds=1))
    changed = written(
        image,
        fixture,
        [new.get(position, old) for position, old in enumerate(there, start=1)],
        pki,
        chosen=chosen_codes(memory.counters),
        last_update=last_update,
    )
    pki.register.record([issued(each.authority, each.certificate, clock.now()) for each in new.values()])
    return memory.renew(changed)


def _present(image: Image, pki: Pki, fixture: CardFixture) -> tuple[Issued, ...]:
    if not image.certificates:
        return ()
    return tuple(
        Issued(order, pki.issuers[order.issuer], x509.load_der_x509_certificate(each.content), key.pkcs8)
        for order, each, key in zip(orders(fixture), image.certificates, image.keys, strict=True)
    )


def _key(old: Issued) -> rsa.RSAPrivateKey:
    key = load_der_private_key(old.pkcs8, None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError("the card has a key that is no RSA key")
    return key
