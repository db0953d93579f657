"""The report as a whole: every row is counted once, a person's best card counts, and what the source says is told."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from sithsd.cli.words import Words
from sithsd.report.dates import moment
from sithsd.report.model import InputError, Standing, Why
from sithsd.report.phrases import told
from sithsd.report.summary import PEOPLE_OF_A_UNIT
from tests.unit.report import staff
from tests.unit.report.conftest import Heard, Making

NOVEMBER = moment("2023-11-10", last=False)
HEAD = ("Namn", "E-post", "Enhet", "Giltig t.o.m.", "Korttyp")


def rows(*given: tuple[str, str, str], kind: str = "Ordinarie") -> tuple[str, bytes]:
    """Return a list of people, each by name, unit and last day."""
    return "staff.csv", staff.table(HEAD, [(name, f"{name}@example.org", unit, end, kind) for name, unit, end in given])


def steps_of(report: Any) -> dict[str, list[tuple[str, str, str | None]]]:
    """Return what each person has to do: rule, action, and by when."""
    return {
        card.who.split("@")[0]: [(s.rule, s.action, s.by and s.by.isoformat()) for s in card.steps]
        for card in report.spool.cards()
    }


def test_the_source_s_sentences_are_told_of_each_card(making: Making) -> None:
    """Source: ends inside the freeze: order at once; in February: may be ordered before, collected by 22 January."""
    given = rows(("inside", "A", "2023-12-15"), ("february", "A", "2024-02-10"), ("later", "B", "2026-05-01"))
    with making(NOVEMBER, given) as report:
        assert steps_of(report) == {
            "inside": [
                ("freeze.endsInside", "order.now", "2023-11-30T23:00:00+00:00"),
                ("freeze.collect", "collect.before", "2024-01-22T23:00:00+00:00"),
            ],
            "february": [
                ("freeze.endsAfter", "order.mayNow", "2023-11-30T23:00:00+00:00"),
                ("freeze.collect", "collect.before", "2024-01-22T23:00:00+00:00"),
            ],
            "later": [],
        }
        counts, units = report.summary.counts, report.summary.units
        assert (counts.in_freeze, counts.soon, counts.acting) == (1, 1, 2)
        assert [(unit.name, unit.cards, unit.acting) for unit in units] == [("A", 2, 2), ("B", 1, 0)]


def test_a_total_stop_is_told_once_and_not_of_each_card(making: Making) -> None:
    """Source: who works 23-25 January has to bring the card. That holds for all, so it stands above the tables."""
    with making(moment("2024-01-20", last=False), rows(("far", "A", "2026-05-01"))) as report:
        (everybody,) = report.everybody
        assert (everybody.action, everybody.by, everybody.since) == (
            "carry.card",
            datetime(2024, 1, 25, 11, tzinfo=UTC),
            datetime(2024, 1, 23, 11, tzinfo=UTC),
        )
        assert steps_of(report) == {"far": []}
    with making(moment("2024-02-01", last=False), rows(("far", "A", "2026-05-01"))) as report:
        assert report.everybody == ()


def test_cards_for_those_who_begin_inside_a_freeze_are_ordered_before_it(making: Making, swedish: Words) -> None:
    """Source: for new staff of 1 December-25 January order now. No list has them, so it stands above the tables."""
    with making(NOVEMBER, rows(("far", "A", "2026-05-01"))) as report:
        (joining,) = report.everybody
        assert (joining.rule, joining.action) == ("freeze.joins", "order.joining")
        assert joining.by == datetime(2023, 11, 30, 23, tzinfo=UTC)
        words = told(joining, NOVEMBER, swedish)
        assert (words.what, words.when) == ("Beställ kort till dem som börjar arbeta då", "senast 2023-11-30")
    for elsewhen in ("2023-10-19", "2023-12-01"):  # it is not announced yet, and it has begun
        with making(moment(elsewhen, last=False), rows(("far", "A", "2026-05-01"))) as report:
            assert report.everybody == ()


def test_every_row_is_counted_exactly_once(making: Making, forge: Any) -> None:
    """Rows read are rows rejected and rows used, of every input; the cards that count are of one standing each."""
    persons = staff.people(300, NOVEMBER)
    bad = b"Fel;fel@example.org;A;01/02/2024;\r\nTom;tom@example.org;A;;\r\n"
    certificates = [replace(one, ders=(forge.person(start=one.start, end=one.end).der,)) for one in persons[:5]]
    heard = Heard()
    with making(
        NOVEMBER,
        ("one.csv", staff.dated_csv(persons) + bad),
        ("two.csv", staff.certificate_csv(certificates) + b"AAAA,A,x@example.org\r\n"),
        heard=heard,
    ) as report:
        counts, inputs = report.summary.counts, report.summary.inputs
        assert [(one.name, one.entries, one.rejected) for one in inputs] == [("one.csv", 302, 2), ("two.csv", 6, 1)]
        assert (counts.read, counts.rejected, counts.used) == (308, 3, 305)
        assert counts.cards == counts.replaced + counts.current
        assert counts.current == counts.valid + counts.unknown + counts.expired + counts.revoked + counts.bad
        assert counts.current == sum(unit.cards for unit in report.summary.units) == len(list(report.spool.cards()))
        assert counts.acting == sum(unit.acting for unit in report.summary.units)
        assert sum(n for _, n, _ in report.summary.actions) == counts.acting
        weeks = sum(week.ends for week in report.summary.weeks)
        assert weeks + report.summary.later == counts.valid + counts.unknown
        assert [(one.why, one.place.line) for one in report.spool.rejects()] == [
            (Why.DATE_AMBIGUOUS, 302),
            (Why.EMPTY, 303),
            (Why.CERTIFICATE_UNREADABLE, 7),
        ]
    assert heard.told[-1] == ("two.csv", 1.0, 308)
    assert heard.written == 1


def test_the_certificates_of_one_card_are_one_card(making: Making, forge: Any) -> None:
    """Four certificates with one card number are one card, which ends when the first of them does."""
    at = datetime(2027, 1, 1, tzinfo=UTC)
    ends = [
        datetime(2028, 1, 1, tzinfo=UTC),
        datetime(2027, 12, 1, tzinfo=UTC),
        *[datetime(2028, 1, 1, tzinfo=UTC)] * 2,
    ]
    ders = tuple(forge.person(end=end, card_number="9752269000000000016").der for end in ends)
    person = replace(staff.people(1, at)[0], ders=ders)
    with making(at, ("cards.csv", staff.certificate_csv([person]))) as report:
        (card,) = report.spool.cards()
        assert (card.certificates, card.not_after, card.who) == (4, ends[1], person.email)
        assert (report.summary.counts.used, report.summary.counts.cards) == (4, 1)


def test_of_a_person_s_cards_the_one_that_serves_longest_counts(making: Making) -> None:
    """Who has a new card is not told that the old one has ended; who has only ended ones is, by the last of them."""
    given = rows(
        ("new", "A", "2023-01-01"),
        ("new", "A", "2027-01-01"),
        ("old", "A", "2022-01-01"),
        ("old", "A", "2023-01-01"),
    )
    with making(NOVEMBER, given) as report:
        cards = {card.who: (card.not_after.year, card.standing) for card in report.spool.cards()}
        assert cards == {
            "new@example.org": (2027, Standing.UNKNOWN),
            "old@example.org": (2023, Standing.EXPIRED),
        }
        assert report.summary.counts.replaced == 2


def test_people_without_a_name_or_address_are_counted_each(making: Making) -> None:
    """Rows that nothing ties together are different cards, however alike they look."""
    content = staff.table(("enhet", "giltig till"), [("A", "2024-01-01")] * 3)
    with making(NOVEMBER, ("list.csv", content)) as report:
        assert report.summary.counts.current == 3
        assert [(card.who, card.place.line) for card in report.spool.cards()] == [(None, 2), (None, 3), (None, 4)]


def test_unknown_is_never_shown_as_valid(making: Making, forge: Any) -> None:
    """Dates in a list prove nothing, and a certificate whose revocation nobody looked at is not proven either."""
    at = datetime(2027, 1, 1, tzinfo=UTC)
    root = forge.authority("SIM SITHS e-id Root CA v2")
    issuer = forge.authority("SIM SITHS e-id Person HSA-id 3 CA v1", root, path_length=0)
    person = replace(staff.people(1, at)[0], ders=(forge.person(issuer=issuer).der,))
    with making(at, ("cards.csv", staff.certificate_csv([person])), rows(("list", "A", "2029-01-01"))) as report:
        counts = report.summary.counts
        assert (counts.valid, counts.unknown) == (0, 2)
        assert dict(report.summary.reasons)["certificate.notSeen"] == 1
        assert report.summary.revocation_checked is False


def crl(issuer: Any, at: datetime, *revoked: bytes) -> bytes:
    """Make a CRL of `issuer` with the certificates in `revoked`, in PEM."""
    builder = x509.CertificateRevocationListBuilder(issuer.name, at - timedelta(hours=1), at + timedelta(days=7))
    builder = builder.add_extension(x509.CRLNumber(1), critical=False)
    builder = builder.add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()), critical=False
    )
    for der in revoked:
        serial = x509.load_der_x509_certificate(der).serial_number
        entry = x509.RevokedCertificateBuilder(serial, at - timedelta(days=1))
        builder = builder.add_revoked_certificate(entry.build())
    return builder.sign(issuer.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def test_with_lists_a_card_is_valid_or_revoked_and_a_list_that_proves_nothing_is_told(
    making: Making, forge: Any, tmp_path: Path, settings: Path
) -> None:
    """With the CRLs of issuer and root a card is proven valid, or revoked; a stranger's list is told."""
    at = datetime(2027, 1, 1, tzinfo=UTC)
    root = forge.authority("SIM SITHS e-id Root CA v2")
    issuer = forge.authority("SIM SITHS e-id Person HSA-id 3 CA v1", root, path_length=0)
    stranger = forge.authority("SIM SITHS e-id Root CA v2")
    persons = [replace(one, ders=(forge.person(issuer=issuer).der,)) for one in staff.people(2, at)]
    files = {
        "root.pem": root.pem,
        "issuer.pem": issuer.pem,
        "root.crl": crl(root, at),
        "issuer.crl": crl(issuer, at, persons[1].ders[0]),
        "stranger.crl": crl(stranger, at),
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    fingerprint = x509.load_der_x509_certificate(root.der).fingerprint(hashes.SHA256()).hex()
    settings.write_text(settings.read_text("utf-8") + f'sim_fingerprints = ["{fingerprint}"]\n', "utf-8")
    more = {"anchors": (str(tmp_path / "root.pem"),), "issuers": (str(tmp_path / "issuer.pem"),)}
    given = ("cards.csv", staff.certificate_csv(persons))
    lists = tuple(str(tmp_path / name) for name in files if name.endswith(".crl"))
    with making(at, given, lists=lists, **more) as report:
        found = {card.who: card for card in report.spool.cards()}
        assert found[persons[0].email].standing is Standing.VALID
        assert found[persons[0].email].reasons == ()
        assert found[persons[1].email].standing is Standing.REVOKED
        assert [(step.rule, step.action) for step in found[persons[1].email].steps] == [("card.revoked", "order.now")]
        assert (report.summary.counts.valid, report.summary.counts.revoked) == (1, 1)
        assert report.summary.revocation_checked
        assert len(report.summary.problems) == 1
    with making(at, given, lists=lists[2:], **more) as report:
        assert not report.summary.revocation_checked
        assert report.summary.counts.valid == 0


def test_two_inputs_of_one_name_are_told_apart(making: Making, tmp_path: Path) -> None:
    """Rejects name the file that they are in, with its folder where the name alone would not do."""
    (tmp_path / "more").mkdir()
    content = staff.table(HEAD, [("a", "a@example.org", "A", "01/02/2024", "")])
    with making(NOVEMBER, ("list.csv", content), ("more/list.csv", content)) as report:
        files = [str(tmp_path / "list.csv"), str(tmp_path / "more" / "list.csv")]
        assert [one.place.file for one in report.spool.rejects()] == files
        assert [(one.name, one.rejected) for one in report.summary.inputs] == [(files[0], 1), (files[1], 1)]


@pytest.mark.parametrize("jobs", [1, 2])
def test_certificates_are_judged_by_the_anchors_that_the_settings_name(
    making: Making, forge: Any, tmp_path: Any, settings: Any, jobs: int
) -> None:
    """With the root and the issuer at hand the chain is good, and only revocation is open; a forged one is bad."""
    at = datetime(2027, 1, 1, tzinfo=UTC)
    root = forge.authority("SIM SITHS e-id Root CA v2")
    issuer = forge.authority("SIM SITHS e-id Person HSA-id 3 CA v1", root, path_length=0)
    forged = forge.authority("SIM SITHS e-id Person HSA-id 3 CA v1", key_identifiers=False)
    pem = (root.pem, issuer.pem)
    for name, content in zip(("root.pem", "issuer.pem"), pem, strict=True):
        (tmp_path / name).write_bytes(content)
    fingerprint = x509.load_der_x509_certificate(root.der).fingerprint(hashes.SHA256()).hex()
    settings.write_text(
        f'[validity]\nenvironments = ["sim"]\nsim_fingerprints = ["{fingerprint}"]\nanchors = ["{tmp_path}/root.pem"]\n'
        f'anchors_folder = "{tmp_path}/none"\n',
        "utf-8",
    )
    persons = [
        replace(one, ders=(forge.person(issuer=who, end=at + timedelta(days=400), key_identifiers=False).der,))
        for one, who in zip(staff.people(2, at), (issuer, forged), strict=True)
    ]
    given = ("cards.csv", staff.certificate_csv(persons))
    with making(at, given, issuers=(str(tmp_path / "issuer.pem"),), jobs=jobs) as report:
        found = {card.who: (card.standing, card.reasons[0]) for card in report.spool.cards()}
        assert found[persons[0].email] == (Standing.UNKNOWN, "revocation.notChecked")
        assert found[persons[1].email][0] is Standing.BAD
        assert steps_of(report)[persons[1].email.split("@")[0]] == [("card.bad", "card.check", None)]


def test_a_ca_s_certificate_is_no_person_s(making: Making, forge: Any) -> None:
    """An issuer's certificate in a list of people is told as a reject."""
    root = replace(staff.people(1, NOVEMBER)[0], ders=(forge.authority("SIM SITHS e-id Root CA v2").der,))
    with making(NOVEMBER, ("cards.csv", staff.certificate_csv([root]))) as report:
        assert report.summary.rejects == ((Why.CERTIFICATE_OF_ISSUER, 1),)


def test_a_large_unit_is_capped_and_says_so(making: Making) -> None:
    """The page holds the most urgent of a unit and how many more there are; nothing is left out of the count."""
    many = PEOPLE_OF_A_UNIT + 50
    given = rows(*((f"p{n}", "A", "2023-12-15") for n in range(many)))
    with making(NOVEMBER, given) as report:
        (unit,) = report.summary.units
        assert (len(unit.people), unit.left_out, unit.acting) == (PEOPLE_OF_A_UNIT, 50, many)


def test_a_card_without_an_end_is_a_card(making: Making) -> None:
    """9999-12-31 says "no end" (RFC 5280, 4.1.2.5): it is counted, drawn nowhere, and breaks nothing."""
    with making(NOVEMBER, rows(("always", "A", "9999-12-31"), ("ever", "A", "0001-01-01"))) as report:
        assert (report.summary.later, report.summary.counts.expired) == (1, 1)


@pytest.mark.parametrize(
    ("more", "key"),
    [({"settings": "absent.toml"}, "report-trust"), ({"anchors": ("absent.pem",)}, "report-trust")],
)
def test_what_to_judge_by_is_refused_by_name(making: Making, tmp_path: Any, more: dict[str, Any], key: str) -> None:
    """Settings or anchors that are not there stop the report before anything is read."""
    named = {name: tmp_path / value if isinstance(value, str) else value for name, value in more.items()}
    with pytest.raises(InputError) as refused, making(NOVEMBER, rows(("a", "A", "2024-01-01")), **named):
        pass
    assert refused.value.key == key


def test_a_key_of_the_certificate_s_holder_is_not_in_the_findings(making: Making, forge: Any) -> None:
    """A personal identity number in a certificate's subject, or in a list's address, is masked wherever it is told."""
    at = datetime(2027, 1, 1, tzinfo=UTC)
    der = forge.person("191212121212", common_name="Tolvan 19121212-1212").der
    content = staff.table(("pem", "enhet"), [(serialization_pem(der), "A 19121212-1212")])
    given = rows(("19121212-1212", "A", "2029-01-01"))
    with making(at, ("cards.csv", content), given) as report:
        assert "1212-1212" not in repr(list(report.spool.cards()))
        assert {card.who for card in report.spool.cards()} == {"Tolvan 19121212-****", "19121212-****@example.org"}


def serialization_pem(der: bytes) -> str:
    """Return a certificate in PEM."""
    return x509.load_der_x509_certificate(der).public_bytes(serialization.Encoding.PEM).decode()
