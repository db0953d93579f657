"""From what was read to what is said of it."""

import dataclasses
from pathlib import Path

import msgspec
import pytest
from card_bench import ROWS, TODAY, Bench, card, image_of, registry, shelf

from sithsd.card import operations
from sithsd.card.model import CardCertificate, CardContents, CardKey
from sithsd.card.operations import ReadCard
from sithsd.card.profile import Profile
from sithsd.certificate.tables import Tables, load_tables
from sithsd.errors import ErrorCode, SithsdError
from sithsd.session import describe
from sithsd.session.describe import inserted_card, is_ours, issuers_on
from sithsd.validity.judge import Judge
from sithsd.values import CardKind, Purpose, Role


def read(name: str) -> ReadCard:
    """Read a simulated card."""
    bench = Bench(card(name))
    with bench.transaction() as begun:
        return operations.read(begun, registry(), is_ours)


def changed(found: ReadCard, *certificates: CardCertificate, notes: tuple[str, ...] = ()) -> ReadCard:
    """Return the card with other certificates."""
    return dataclasses.replace(
        found, contents=dataclasses.replace(found.contents, certificates=certificates, notes=notes)
    )


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("ordinary", CardKind.ORDINARY),
        ("reserve", CardKind.RESERVE),
        ("old", CardKind.OLD),
        ("expired", CardKind.ORDINARY),
        ("inactive", CardKind.ORDINARY),
    ],
)
def test_cards_of_ours(judge: Judge, name: str, kind: CardKind) -> None:
    """SITHS cards of every kind are ours."""
    found = read(name)
    assert found.ours
    facts = inserted_card(b"\x3b\x00", found, judge, TODAY).facts
    assert facts is not None
    assert facts.kind is kind


def test_a_sites_table_says_whose_and_of_what_level(judge: Judge, tmp_path: Path) -> None:
    """An issuer that only the site's table knows makes a card ours; the site's level of assurance goes first."""
    site = tmp_path / "issuers.toml"
    site.write_text(
        '[[issuer]]\nname = "SITHS e-id Person HSA-id 3 CA v1"\nfamily = "sithsEid"\nlevel_of_assurance = 4\n'
        '[[issuer]]\nname = "SITHS e-id Person ID 3 CA v1"\nfamily = "sithsEid"\nlevel_of_assurance = 4\n'
        '[[family]]\nfamily = "sithsEid"\ncontains = "CA"\n'
    )
    tables = load_tables(site)
    facts = inserted_card(b"\x3b\x00", read("ordinary"), judge, TODAY, tables).facts
    assert facts is not None
    assert facts.level_of_assurance == 4
    foreign = read("foreign").contents
    assert not is_ours(foreign)
    assert is_ours(foreign, tables)


def test_a_certificate_of_another_card_is_remarked_upon(judge: Judge) -> None:
    """Certificates with two card numbers on one card: the conflict is a note, and no number is believed."""
    found, other = read("ordinary"), read("second").contents.certificates[0]
    card = inserted_card(b"\x3b\x00", changed(found, *found.contents.certificates, other), judge, TODAY)
    assert card.facts is not None
    assert card.facts.card_number is None
    assert "cardNumber.conflict" in card.notes


def test_cards_that_are_not(judge: Judge) -> None:
    """Other issuers' cards, and cards without certificates, are not ours."""
    found = read("foreign")
    assert not found.ours
    facts = inserted_card(b"\x3b\x00", found, judge, TODAY).facts
    assert facts is not None
    assert facts.kind is CardKind.NOT_SITHS
    assert not is_ours(CardContents("01", None, None, (), ()))


def test_a_ca_certificate_makes_no_card_ours() -> None:
    """A card that carries the certificate of a SITHS authority is not for that one of ours."""
    authority = shelf().pki.issuers
    der = [
        file.content
        for file in image_of("second").files
        if len(file.content) > 800 and file.path.hex().upper() >= "3F0050154335"
    ]
    assert authority
    assert der
    contents = CardContents("01", None, None, (), tuple(CardCertificate(b"E", one) for one in der))
    assert not is_ours(contents)


def test_a_card_whose_level_is_not_in_the_tables_is_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """A card that SITHS issued is ours, though its kind can't be told from what is known of its issuer."""
    found = read("reserve")
    real = describe.read

    def levelless(der: bytes, tables: Tables | None = None) -> object:
        return dataclasses.replace(real(der, tables), level_of_assurance=None)

    monkeypatch.setattr(describe, "read", levelless)
    assert is_ours(found.contents)


def test_malformed_certificates_are_noted(judge: Judge) -> None:
    """A certificate that can't be read is noted and the others are told; if none can, the card is unreadable."""
    found = read("ordinary")
    bad = CardCertificate(b"Z", b"\x30\x03\x02\x01\x01")
    card_with_one = inserted_card(b"", changed(found, *found.contents.certificates, bad), judge, TODAY)
    assert len(card_with_one.certificates) == 4
    assert "certificate.malformed" in card_with_one.notes
    with pytest.raises(SithsdError) as error:
        inserted_card(b"", changed(found, bad), judge, TODAY)
    assert error.value.code is ErrorCode.CARD_UNREADABLE


def test_notes_of_the_card_and_of_its_certificates_come_together(judge: Judge) -> None:
    """What reading noted and what the certificates say stand in one list, each once."""
    found = read("old")
    twice = changed(found, *found.contents.certificates, notes=("certificate.absent", "certificate.telia"))
    notes = inserted_card(b"", twice, judge, TODAY).notes
    assert sorted(notes) == sorted(set(notes))
    assert {"certificate.absent", "certificate.telia"} <= set(notes)


def test_ids_are_the_cards_own(judge: Judge) -> None:
    """A certificate's id is the card's own bytes of it, in upper-case hexadecimal."""
    entries = inserted_card(b"", read("ordinary"), judge, TODAY).certificates
    assert [entry.id for entry in entries] == ["45", "46", "47", "48"]


def test_issuers_on_the_card(judge: Judge) -> None:
    """CA certificates on the card help to build a path; they are the issuers among them."""
    entries = inserted_card(b"", read("second"), judge, TODAY).certificates
    issuers = issuers_on([entry.certificate for entry in entries])
    assert len(issuers) == 2
    assert {issuer.purpose for issuer in issuers} == {Purpose.ISSUER}
    assert len(ROWS) >= 4


def test_whose_key_can_be_used(judge: Judge) -> None:
    """The certificate's key is on the card, behind the PIN of its purpose, and the family is known to sign."""
    found = read("ordinary")
    keys, profile = found.contents.keys, found.identified.profile
    assert {one.can_sign for one in inserted_card(b"", found, judge, TODAY).certificates} == {True}

    def can_sign(keys: tuple[CardKey, ...], profile: Profile = profile) -> list[bool]:
        contents = dataclasses.replace(found.contents, keys=keys)
        identified = dataclasses.replace(found.identified, profile=profile)
        other = dataclasses.replace(found, contents=contents, identified=identified)
        return [one.can_sign for one in inserted_card(b"", other, judge, TODAY).certificates]

    assert can_sign(keys[1:]) == [False, True, True, True]
    swapped = {Role.AUTHENTICATION: Role.SIGNATURE, Role.SIGNATURE: Role.AUTHENTICATION}
    assert can_sign(tuple(dataclasses.replace(key, role=swapped[key.role]) for key in keys)) == 4 * [False]
    assert can_sign((keys[0], *keys)) == [False, True, True, True]
    assert can_sign(keys, msgspec.structs.replace(profile, signing=None)) == 4 * [False]
    assert {one.can_sign for one in inserted_card(b"", read("reserve"), judge, TODAY).certificates} == {False}
