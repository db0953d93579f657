"""What the certificates of one card say together."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from sithsd.certificate.card import CardFacts, Holder, describe
from sithsd.certificate.read import Certificate, read
from sithsd.certificate.tables import load_tables
from sithsd.values import CardKind, Environment

HSA = "SE2321000016-1AB2"
NUMBER = "191212121212"
CARD_NUMBER = "9752269895715989469"


def pair(forge: Any, issuer: str, serial: str, **more: Any) -> list[Certificate]:
    """Make an authentication and a signature certificate of one identity."""
    authority = forge.authority(issuer)
    more.setdefault("card_number", CARD_NUMBER)
    return [
        read(forge.person(serial, issuer=authority, usage={usage}, **more).der)
        for usage in ("digital_signature", "content_commitment")
    ]


def ordinary(forge: Any, prefix: str = "", **more: Any) -> list[Certificate]:
    """Make the certificates of an ordinary card."""
    hsa = pair(forge, f"{prefix}SITHS e-id Person HSA-id 3 CA v1", HSA, **more)
    return hsa + pair(forge, f"{prefix}SITHS e-id Person ID 3 CA v1", NUMBER, **more)


def test_an_ordinary_card(forge: Any) -> None:
    """Two identities of one holder, both told, the number masked; level 3."""
    facts = describe(ordinary(forge))
    assert facts.kind is CardKind.ORDINARY
    assert facts.environment is Environment.PRODUCTION
    assert (facts.card_number, facts.level_of_assurance, facts.notes) == (CARD_NUMBER, 3, ())
    assert facts.holder is not None
    assert facts.holder.display_name == "Tolvan Tolvansson"
    assert facts.holder.hsa_ids == (HSA,)
    assert str(facts.holder.personal_identity_number) == "19121212-****"
    assert facts.holder.organization == "Påhittade Regionen"
    assert facts.holder.protected is None
    assert "1212-1212" not in repr(facts)
    assert NUMBER not in repr(facts)


@pytest.mark.parametrize(
    ("issuers", "days", "kind"),
    [
        ([("HSA-id 2", HSA)], 90, CardKind.RESERVE),
        ([("HSA-id 2", HSA)], 184, CardKind.RESERVE),
        ([("HSA-id 2", HSA)], 365, CardKind.ORDINARY),
        ([("HSA-id 2", HSA), ("ID 2", NUMBER)], 90, CardKind.ORDINARY),
        ([("HSA-id 3", HSA)], 14, CardKind.ORDINARY),
        ([("HSA-id 3", HSA), ("HSA-id 2", HSA)], 90, CardKind.UNKNOWN),
        ([("HSA-id 7", HSA)], 90, CardKind.UNKNOWN),
        ([("HSA-id 7", HSA)], 1500, CardKind.ORDINARY),
    ],
)
def test_a_reserve_card_by_level_identity_and_validity(
    forge: Any, issuers: Sequence[tuple[str, str]], days: int, kind: CardKind
) -> None:
    """Level 2, the HSA-id alone and six months at most make a reserve card; what is not known is not guessed."""
    certificates = [
        certificate
        for issuer, serial in issuers
        for certificate in pair(
            forge, f"SIM SITHS e-id Person {issuer} CA v1", serial, end=forge.START + timedelta(days=days)
        )
    ]
    facts = describe(certificates)
    assert facts.kind is kind
    assert facts.environment is Environment.SIM


def test_an_old_card_with_a_telia_certificate(forge: Any) -> None:
    """SITHS Type 1 beside a Telia e-legitimation, five certificates in all: old, and each sort is told."""
    telia = pair(forge, "SIM Telia e-legitimation CA", NUMBER)
    third = read(
        forge.person(NUMBER, issuer=forge.authority("SIM Telia e-legitimation CA"), usage={"key_encipherment"}).der
    )
    facts = describe([*pair(forge, "SIM SITHS Type 1 CA v1", HSA), *telia, third])
    assert facts.kind is CardKind.OLD
    assert facts.environment is Environment.SIM
    assert facts.level_of_assurance is None
    assert facts.notes == ("certificate.telia", "certificate.type1")
    assert facts.holder is not None
    assert facts.holder.hsa_ids == (HSA,)
    assert facts.holder.personal_identity_number is not None


def test_the_real_old_certificate_is_of_an_old_card(pki_dir: Path) -> None:
    """One real Type 1 certificate of the old test environment: OLD and TEST."""
    pem = x509.load_pem_x509_certificate((pki_dir / "type1pp-signing-leaf.pem").read_bytes())
    facts = describe([read(pem.public_bytes(Encoding.DER))])
    assert (facts.kind, facts.environment) == (CardKind.OLD, Environment.TEST)
    assert facts.card_number == CARD_NUMBER
    assert facts.holder == Holder("Karin Persson", ("TSTNMT2321000156-1025",), None, "Nordic MedTest", None)


def test_a_card_that_is_not_siths(forge: Any) -> None:
    """Readable certificates of other issuers alone: not SITHS, and the holder is still told."""
    facts = describe(pair(forge, "Annan CA", NUMBER))
    assert (facts.kind, facts.environment) == (CardKind.NOT_SITHS, Environment.UNKNOWN)
    assert facts.holder is not None
    assert facts.holder.hsa_ids == ()


def test_a_telia_certificate_alone_is_not_siths(forge: Any) -> None:
    """A Telia e-legitimation makes an old SITHS card only beside a SITHS certificate."""
    assert describe(pair(forge, "Telia e-legitimation CA", NUMBER)).kind is CardKind.NOT_SITHS


def test_a_card_without_certificates_is_unknown() -> None:
    """Nothing read, nothing claimed."""
    assert describe([]) == CardFacts(Environment.UNKNOWN, CardKind.UNKNOWN, None, None, None, ())


def test_a_card_with_issuers_alone_is_unknown(forge: Any) -> None:
    """CA certificates name no holder."""
    facts = describe([read(forge.authority("SITHS e-id Root CA v2").der)])
    assert (facts.kind, facts.holder) == (CardKind.UNKNOWN, None)


@pytest.mark.parametrize(
    ("prefixes", "environment"),
    [
        (("", ""), Environment.PRODUCTION),
        (("", "TEST "), Environment.TEST),
        (("TEST ", "SIM "), Environment.SIM),
        (("", "SIM "), Environment.SIM),
    ],
)
def test_the_environment_is_the_riskiest(forge: Any, prefixes: tuple[str, ...], environment: Environment) -> None:
    """One SIM or TEST certificate is enough: a card is production only as a whole."""
    certificates = [
        certificate
        for prefix in prefixes
        for certificate in pair(forge, f"{prefix}SITHS e-id Person HSA-id 3 CA v1", HSA)
    ]
    facts = describe(certificates)
    assert facts.environment is environment
    assert ("environment.mixed" in facts.notes) is (len(set(prefixes)) > 1)


def test_an_unknown_siths_issuer_makes_the_environment_unknown(forge: Any) -> None:
    """A SITHS name that is not in the tables is not taken for production."""
    known, unknown = (pair(forge, f"SITHS e-id Person HSA-id 3 CA v{version}", HSA) for version in (1, 9))
    assert describe([*known, *unknown]).environment is Environment.UNKNOWN


def test_card_numbers_are_cross_checked_and_not_required(forge: Any) -> None:
    """One number, though not in every certificate, is the card's; two are none; a wrong check digit is told."""
    issuer = "SITHS e-id Person HSA-id 3 CA v1"
    first, without = pair(forge, issuer, HSA), pair(forge, issuer, HSA, card_number=None)
    other = pair(forge, issuer, HSA, card_number="9752269895715989451")
    wrong = pair(forge, issuer, HSA, card_number="9752269895715989460")
    assert describe(first + without).card_number == CARD_NUMBER
    assert describe(without).card_number is None
    conflict = describe(first + other)
    assert (conflict.card_number, conflict.notes) == (None, ("cardNumber.conflict",))
    assert describe(wrong).notes == ("cardNumber.checksum",)
    assert describe(wrong).card_number == "9752269895715989460"


def test_several_hsa_ids_are_told(forge: Any) -> None:
    """A holder may have more than one HSA-id: all of them, in the card's order."""
    issuer = "SITHS e-id Person HSA-id 3 CA v1"
    facts = describe(pair(forge, issuer, HSA) + pair(forge, issuer, "SE2321000016-0XYZ"))
    assert facts.holder is not None
    assert facts.holder.hsa_ids == (HSA, "SE2321000016-0XYZ")
    assert facts.notes == ("hsaId.several",)


def test_two_holders_on_one_card_are_told(forge: Any) -> None:
    """Different surnames or numbers do not fit one holder; a missing century does."""
    issuer = "SITHS e-id Person ID 3 CA v1"
    hsa = pair(forge, "SITHS e-id Person HSA-id 3 CA v1", HSA)
    assert "holder.conflict" in describe(hsa + pair(forge, issuer, NUMBER, surname="Trettonsson")).notes
    assert "holder.conflict" in describe(pair(forge, issuer, NUMBER) + pair(forge, issuer, "201212121212")).notes
    same = describe(pair(forge, issuer, "121212-1212") + pair(forge, issuer, NUMBER))
    assert same.notes == ()
    assert str(same.holder and same.holder.personal_identity_number) == "19121212-****"


def test_a_protected_identity_is_assumed_and_nothing_more_is_told(forge: Any) -> None:
    """A person who is named by the HSA-id alone: assumed protected, and no name, number or organisation is told."""
    issuer = "SIM SITHS e-id Person HSA-id 3 CA v1"
    hidden = pair(forge, issuer, HSA, common_name=HSA, given_name=None, surname=None)
    facts = describe(hidden + pair(forge, "SIM SITHS e-id Person ID 3 CA v1", NUMBER))
    assert facts.holder == Holder(None, (HSA,), None, None, protected=True)
    assert facts.notes == ("holder.protectedAssumed",)
    unnamed = pair(forge, issuer, HSA, common_name="Receptionen", given_name=None, surname=None)
    assert describe(unnamed).holder == Holder("Receptionen", (HSA,), None, "Påhittade Regionen", None)


def test_a_display_name_is_masked(forge: Any) -> None:
    """A number in a common name or an organisation's name is hidden there too."""
    made = pair(forge, "Annan CA", NUMBER, common_name=f"Tolvan {NUMBER}", organization="Firma 121212-1212")
    holder = describe(made).holder
    assert holder is not None
    assert (holder.display_name, holder.organization) == ("Tolvan 19121212-****", "Firma 121212-****")


def test_the_lower_level_of_assurance_counts(forge: Any) -> None:
    """Where certificates differ in level the lower one is the card's, and an unknown one makes it unknown."""
    two, three, none = (
        pair(forge, f"SITHS e-id Person HSA-id {level} CA v1", HSA, end=forge.END) for level in (2, 3, 7)
    )
    assert (describe(two + three).level_of_assurance, describe(two + three).notes) == (2, ("levelOfAssurance.mixed",))
    assert describe(three + none).level_of_assurance is None


def test_a_transport_certificate_is_told_and_names_nobody(forge: Any, tmp_path: Path) -> None:
    """A new reserve card's transport certificate is not a holder."""
    site = tmp_path / "site.toml"
    site.write_text('[transport]\ncommon_names = ["transport"]\n')
    made = forge.person(issuer=forge.authority("SIM SITHS e-id Person HSA-id 2 CA v1"), common_name="Transport 1")
    facts = describe([read(made.der, load_tables(site))])
    assert facts == CardFacts(Environment.SIM, CardKind.UNKNOWN, None, None, None, ("certificate.transport",))
