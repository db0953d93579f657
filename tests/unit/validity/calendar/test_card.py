"""Which of a card's certificates tells when the card ends."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sithsd.certificate.card import describe
from sithsd.certificate.read import Certificate, read
from sithsd.certificate.tables import load_tables
from sithsd.validity.calendar import CardDates, card_dates
from sithsd.values import CardKind

HSA = "SE2321000016-1AB2"
NUMBER = "191212121212"
HSA_CA = "SITHS e-id Person HSA-id 3 CA v1"
NUMBER_CA = "SITHS e-id Person ID 3 CA v1"
OLD_CA = "SITHS Type 1 CA v1"
SIGNATURE = {"content_commitment"}
TELIA_CA = "Telia e-leg Person CA v4"


def certificate(forge: Any, days: int, issuer: str = HSA_CA, serial: str = HSA, **more: Any) -> Certificate:
    """Make a person's certificate that ends so many days from now, for log-in unless more is said."""
    ends = forge.NOW + timedelta(days=days)
    more = {"usage": {"digital_signature"}, "start": forge.START, **more}
    return read(forge.person(serial, issuer=forge.authority(issuer), end=ends, **more).der)


def ends_in(forge: Any, *certificates: Certificate) -> int:
    """Return in how many days a card with these certificates ends."""
    dates = card_dates(certificates, describe(certificates).kind)
    assert dates is not None
    return int((dates.not_after - forge.NOW).days)


def test_the_first_of_them_that_ends(forge: Any) -> None:
    """A card ends with the first of its person's certificates: from then on something of it does not work."""
    several = [
        certificate(forge, 300),
        certificate(forge, 250, usage=SIGNATURE),
        certificate(forge, 200, issuer=NUMBER_CA, serial=NUMBER),
        certificate(forge, 280, issuer=NUMBER_CA, serial=NUMBER, usage=SIGNATURE),
    ]
    assert ends_in(forge, *several) == 200
    assert ends_in(forge, *reversed(several)) == 200
    assert card_dates(several, CardKind.ORDINARY) == CardDates(
        forge.START, forge.NOW + timedelta(days=200), CardKind.ORDINARY
    )


def test_a_certificate_that_was_renewed_counts_by_its_successor(forge: Any) -> None:
    """The old one may stay on the card; of one purpose and identity the one that ends last is in use."""
    old, new = certificate(forge, -1), certificate(forge, 400)
    signature = certificate(forge, 500, usage=SIGNATURE)
    assert ends_in(forge, old, new, signature) == 400
    assert ends_in(forge, old, signature) == -1
    other = certificate(forge, 90, serial="SE2321000016-2CD3")
    assert ends_in(forge, old, new, other) == 90


def test_certificates_of_others_do_not_count(forge: Any, tmp_path: Path) -> None:
    """An e-legitimation of another issuer, an issuer's certificate and a transport certificate order no card."""
    ours = certificate(forge, 400)
    telia = certificate(forge, 30, issuer=TELIA_CA, serial=NUMBER)
    issuer = read(forge.authority(HSA_CA).der)
    site = tmp_path / "site.toml"
    site.write_text('[transport]\ncommon_names = ["transport"]\n')
    early = forge.NOW + timedelta(days=20)
    made = forge.person(issuer=forge.authority(HSA_CA), common_name="Transport 1", end=early)
    transport = read(made.der, load_tables(site))
    assert transport.transport
    assert ends_in(forge, telia, issuer, transport, ours) == 400


def test_the_retired_siths_counts_where_there_is_nothing_else(forge: Any) -> None:
    """A certificate of the old root on a newer card is not what the card lives by."""
    old, new = certificate(forge, 100, issuer=OLD_CA), certificate(forge, 400)
    assert ends_in(forge, old, new) == 400
    assert ends_in(forge, old) == 100


@pytest.mark.parametrize("kind", list(CardKind))
def test_without_a_certificate_of_siths_nothing_is_known(forge: Any, kind: CardKind) -> None:
    """No certificates, or none of SITHS's for a person: no dates, whatever the kind; nor of somebody else's card."""
    telia = certificate(forge, 30, issuer=TELIA_CA, serial=NUMBER)
    assert card_dates([], kind) is None
    assert card_dates([telia, read(forge.authority(HSA_CA).der)], kind) is None
    assert (card_dates([certificate(forge, 9)], kind) is None) is (kind is CardKind.NOT_SITHS)
