"""Personalisation: from a fixture to a card with keys, certificates and codes."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, time, timedelta
from itertools import combinations
from pathlib import Path
from typing import Final

import msgspec
from cryptography.hazmat.primitives.serialization import Encoding

from sithsd.clock import Clock
from sithsd.simulator import codes, faults, pkcs15
from sithsd.simulator.certificates import Issued, issue, luhn, orders
from sithsd.simulator.fixture import CardFixture, CodesFixture, Purpose
from sithsd.simulator.image import (
    CertificateOnCard,
    CodeCounters,
    CodeTerms,
    FileOnCard,
    Image,
    KeyOnCard,
    LateFile,
    Memory,
    Role,
)
from sithsd.simulator.pki import Pki, issued

_AUTHENTICATION, _SIGNATURE, _PUK = 1, 2, 3
_GUARDS: Final = {Purpose.AUTHENTICATION: _AUTHENTICATION, Purpose.SIGNATURE: _SIGNATURE}
_FIRST_KEY, _FIRST_CERTIFICATE = 0x4B01, 0x4331
_FIRST_IDENT = 0x45
_KEY_BITS = 2048
# What a card without PKCS#15 carries instead: an applet of nobody's, with one file.
_OTHER_AID: Final = bytes.fromhex("F053494D4F54484552")
_OTHER_PATH: Final = bytes.fromhex("3F004F00")


def personalise(name: str, fixture: CardFixture, pki: Pki, clock: Clock, folder: Path) -> Memory:
    """Make the card `name` anew: new keys, new certificates, full counters. Return its memory, kept in `folder`."""
    bare = Image(
        name=name,
        protocol=int(fixture.chip.protocol[-1]),
        atr=bytes.fromhex(fixture.chip.atr),
        serial=bytes.fromhex(fixture.serial) if fixture.serial else b"SIM" + _digest(name)[:7],
        extended_length=fixture.chip.extended_length,
        answers=fixture.answers,
    )
    if not fixture.chip.pkcs15:
        other = FileOnCard(path=_OTHER_PATH + b"\x00\x01", content=b"SIM")
        applications = {_OTHER_PATH.hex().upper(): _OTHER_AID}
        return Memory.create(folder, msgspec.structs.replace(bare, applications=applications, files=(other,)), {})
    new = _issue(name, fixture, pki, clock)
    counters = _counters(fixture.codes)
    image = written(bare, fixture, new, pki, chosen=chosen_codes(counters), last_update=clock.now())
    pki.register.record([issued(each.authority, each.certificate, clock.now()) for each in new])
    return Memory.create(folder, image, counters)


def written(  # noqa: PLR0913 - a card is made of as much
    bare: Image,
    fixture: CardFixture,
    there: Sequence[Issued],
    pki: Pki,
    *,
    chosen: frozenset[int],
    last_update: datetime,
) -> Image:
    """Return the card with its PKCS#15 files written; `chosen` are the references of the codes that have a value."""
    token = pkcs15.Token(
        bare.serial, fixture.chip.manufacturer, fixture.chip.label, last_update if fixture.chip.last_update else None
    )
    terms = _terms(fixture.codes)
    keys, key_objects, certificates = _objects(there)
    on_card = tuple(
        CertificateOnCard(label=each.order.label, issuer=each.authority.slug, content=certificate.content)
        for each, certificate in zip(there, certificates, strict=True)
    )
    if fixture.issuer_certificates:
        certificates += _authorities(there, pki, len(certificates))
    files = pkcs15.files(token, terms, key_objects, certificates, chosen)
    # EF.AODF says of each code by itself whether it was chosen, so there is one for each state to come.
    later = {
        also: pkcs15.files(token, terms, key_objects, certificates, chosen.union(also))
        for also in _subsets(each.reference for each in terms if each.reference not in chosen)
    }
    final = faults.apply(fixture.faults, files)
    return msgspec.structs.replace(
        bare,
        applications={pkcs15.APPLICATION.hex().upper(): pkcs15.AID},
        files=final,
        late_files=tuple(
            LateFile(path=late.path, content=late.content, sfi=late.sfi, chosen=also)
            for also, state in later.items()
            for late, file in zip(state, files, strict=True)
            # A file that is broken on purpose stays so.
            if late != file and file in final
        ),
        codes=terms,
        keys=keys,
        certificates=on_card,
        last_update=last_update,
    )


def card_number(name: str, fixture: CardFixture) -> str:
    """Return the card's number: as the fixture tells it, else one made from the card's name; 19 digits, Luhn-valid."""
    if fixture.card_number is not None:
        return fixture.card_number
    body = f"9752{int.from_bytes(_digest(name)[:8], 'big') % 10**14:014d}"
    return body + luhn(body)


def midnight(clock: Clock) -> datetime:
    """Return the beginning of the clock's day."""
    return datetime.combine(clock.now().date(), time(), clock.now().tzinfo)


def chosen_codes(counters: Mapping[int, CodeCounters]) -> frozenset[int]:
    """Return the references of the codes that have a value of the holder's own."""
    return frozenset(reference for reference, state in counters.items() if state.chosen)


def _issue(name: str, fixture: CardFixture, pki: Pki, clock: Clock) -> tuple[Issued, ...]:
    today = midnight(clock)
    validity = (
        today + timedelta(days=fixture.validity.from_days),
        today + timedelta(days=fixture.validity.to_days, seconds=-1),
    )
    number = card_number(name, fixture)
    return tuple(issue(order, pki.issuers[order.issuer], fixture, number, validity) for order in orders(fixture))


def _objects(
    there: Sequence[Issued],
) -> tuple[tuple[KeyOnCard, ...], tuple[pkcs15.KeyObject, ...], tuple[pkcs15.CertificateObject, ...]]:
    keys, key_objects, certificates = [], [], []
    for number, each in enumerate(there):
        ident = bytes([_FIRST_IDENT + number])
        guard = _GUARDS[each.order.purpose]
        consent = each.order.purpose is Purpose.SIGNATURE
        path = _file(_FIRST_KEY + number)
        keys.append(KeyOnCard(path=path, reference=number + 1, pkcs8=each.pkcs8, guard=guard, consent=consent))
        key_objects.append(pkcs15.KeyObject(each.order.label, ident, path, number + 1, _KEY_BITS, guard, consent))
        content = each.certificate.public_bytes(Encoding.DER)
        certificates.append(
            pkcs15.CertificateObject(each.order.label, ident, _file(_FIRST_CERTIFICATE + number), content)
        )
    return tuple(keys), tuple(key_objects), tuple(certificates)


def _authorities(there: Sequence[Issued], pki: Pki, taken: int) -> tuple[pkcs15.CertificateObject, ...]:
    issuers = dict.fromkeys(each.order.issuer for each in there)
    return tuple(
        pkcs15.CertificateObject(
            f"CA {issuer}",
            bytes([_FIRST_IDENT + number]),
            _file(_FIRST_CERTIFICATE + number),
            pki.issuers[issuer].certificate.public_bytes(Encoding.DER),
            authority=True,
        )
        for number, issuer in enumerate(issuers, start=taken)
    )


def _terms(fixture: CodesFixture) -> tuple[CodeTerms, ...]:
    pins = tuple(
        CodeTerms(
            reference=reference,
            role=role,
            max_tries=fixture.pin_tries,
            min_length=fixture.min_length,
            max_length=fixture.max_length,
            unblocked_by=_PUK,
            stored_length=fixture.stored_length,
            padded=fixture.padded,
        )
        for reference, role in ((_AUTHENTICATION, Role.AUTHENTICATION), (_SIGNATURE, Role.SIGNATURE))
    )
    puk = CodeTerms(
        reference=_PUK,
        role=Role.PUK,
        max_tries=fixture.puk_tries,
        min_length=len(fixture.puk),
        max_length=len(fixture.puk),
        changeable=False,
        stored_length=fixture.stored_length,
        padded=fixture.padded,
    )
    return (*pins, puk)


def _counters(fixture: CodesFixture) -> dict[int, CodeCounters]:
    def left(given: int | None, full: int) -> int:
        return full if given is None else given

    return {
        _AUTHENTICATION: codes.fresh(
            fixture.authentication if fixture.chosen else None,
            left(fixture.authentication_tries_left, fixture.pin_tries),
            transport=fixture.transport,
        ),
        _SIGNATURE: codes.fresh(
            fixture.signature if fixture.chosen else None,
            left(fixture.signature_tries_left, fixture.pin_tries),
            transport=fixture.transport,
        ),
        _PUK: codes.fresh(fixture.puk, left(fixture.puk_tries_left, fixture.puk_tries)),
    }


def _subsets(references: Iterable[int]) -> tuple[tuple[int, ...], ...]:
    known = sorted(references)
    return tuple(each for size in range(1, len(known) + 1) for each in combinations(known, size))


def _file(fid: int) -> bytes:
    return pkcs15.APPLICATION + fid.to_bytes(2, "big")


def _digest(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()
