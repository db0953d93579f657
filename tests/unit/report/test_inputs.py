"""Inputs: lists as people save them, exports of a directory, sightings; and what of them can't be used."""

import base64
import codecs
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from sithsd.report import extra
from sithsd.report.dates import DateError, moment
from sithsd.report.encoded import EncodingError, der_of
from sithsd.report.inputs import Form, open_input
from sithsd.report.model import Entry, Evidence, InputError, Place, Reject, Why
from sithsd.values import CardKind, Environment
from tests.unit.report import staff

END = datetime(2024, 1, 25, 22, 59, 59, tzinfo=UTC)
Read = Callable[..., list[Entry | Reject]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Return what reads an input of the given bytes."""

    def call(content: bytes, name: str = "list.csv") -> list[Entry | Reject]:
        path = tmp_path / name
        path.write_bytes(content)
        with open_input(path) as reading:
            return list(reading)

    return call


def entry(item: Entry | Reject) -> Entry:
    """Return an item that has to be an entry."""
    assert isinstance(item, Entry), item
    return item


def whys(items: list[Entry | Reject]) -> list[tuple[int, str]]:
    """Return the rejects, each by its line and reason."""
    return [(item.place.line, item.why.value) for item in items if isinstance(item, Reject)]


@pytest.mark.parametrize("separator", [";", ",", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "cp1252", "utf-16"])
def test_a_list_is_read_whatever_program_and_country_it_was_saved_by(read: Read, separator: str, encoding: str) -> None:
    """UTF-8 with or without its mark, Latin-1, Windows-1252, UTF-16; semicolons, commas, tabs: the same entry."""
    head = ("Förnamn", "Efternamn", "E-post adress", "Vårdenhet", "Giltig t.o.m.", "Korttyp", "Anställningsnr")
    row = ("Åttan", "Påhittadsson", "attan@example.org", "Låtsaskliniken Ö", "2024-01-25", "Reservkort", "77")
    (found,) = read(staff.table(head, [row], encoding, separator))
    assert found == Entry(
        Place("list.csv", 2),
        Evidence.FIELDS,
        unit="Låtsaskliniken Ö",
        email="attan@example.org",
        name="Åttan Påhittadsson",
        holder="attan@example.org\n",
        not_after=END,
        kind=CardKind.RESERVE,
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-01-25", END),
        (" 2024-01-25 ", END),
        ("20240125", END),
        ("2024-01-25 12:00", datetime(2024, 1, 25, 11, tzinfo=UTC)),
        ("2024-07-25T12:00:00", datetime(2024, 7, 25, 10, tzinfo=UTC)),
        ("2024-01-25T11:00:00Z", datetime(2024, 1, 25, 11, tzinfo=UTC)),
        ("20240125110000Z", datetime(2024, 1, 25, 11, tzinfo=UTC)),
        ("45316", END),
        ("45316,5", datetime(2024, 1, 25, 11, tzinfo=UTC)),
        ("45316.5", datetime(2024, 1, 25, 11, tzinfo=UTC)),
        ("45316,0", END),
        ("25/1/2024", END),
        ("25.01.2024", END),
        ("1/25/2024", END),
    ],
)
def test_a_date_is_understood_as_people_and_spreadsheets_write_it(text: str, expected: datetime) -> None:
    """ISO dates and times of Sweden, and a spreadsheet's day numbers with a decimal comma; a last day is one whole."""
    assert moment(text, last=True) == expected


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("01/02/2024", Why.DATE_AMBIGUOUS),
        ("1.2.2024", Why.DATE_AMBIGUOUS),
        ("2024-02-30", Why.DATE_UNREADABLE),
        ("25 januari 2024", Why.DATE_UNREADABLE),
        ("2024-01", Why.DATE_UNREADABLE),
        ("-", Why.DATE_UNREADABLE),
        ("9999-12-32", Why.DATE_UNREADABLE),
        ("9" * 50, Why.DATE_UNREADABLE),
    ],
)
def test_what_could_be_two_dates_or_is_none_is_not_guessed(text: str, why: Why) -> None:
    """A day that may be of January or of February is refused by name, as is what is no date."""
    with pytest.raises(DateError) as refused:
        moment(text, last=True)
    assert refused.value.why is why


def test_a_certificate_is_found_in_each_form_that_lists_have(forge: Any) -> None:
    """PEM, with its lines lost or written as backslash n, base64, hexadecimal with colons, and bytes: the same DER."""
    made = forge.person()
    pem = made.pem.decode()
    forms = [
        *(pem, pem.replace("\n", ""), pem.replace("\n", "\\n"), "text before\n" + pem, made.pem, made.der),
        *(base64.b64encode(made.der).decode(), base64.encodebytes(made.der).decode()),
        *(made.der.hex(), made.der.hex(":").upper(), "0x" + made.der.hex()),
    ]
    assert [der_of(form) for form in forms] == [made.der] * len(forms)


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("no certificate!", Why.CERTIFICATE_ENCODING),
        ("-----BEGIN CERTIFICATE-----\nMIIB", Why.CERTIFICATE_ENCODING),
        (b"\xff\xfe", Why.CERTIFICATE_ENCODING),
        (2 * "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", Why.TOO_MANY),
        ("A" * 200_000, Why.TOO_LONG),
        (b"\x30" * 70_000, Why.TOO_LONG),
    ],
)
def test_a_field_that_holds_no_certificate_says_why(value: str | bytes, why: Why) -> None:
    """Each way to be none has its name, and the longest is bounded."""
    with pytest.raises(EncodingError) as refused:
        der_of(value)
    assert refused.value.why is why


def test_every_bad_row_is_told_by_line_and_reason_and_the_others_are_read(read: Read) -> None:
    """A row that is too long, has too many fields, a field without an end or no date costs that row alone."""
    rows = [
        "name,valid to",
        "Tolvan,2024-01-25",
        "Elvan,",
        f"{'x' * 140_000},2024-01-25",
        "Tian,2024-01-25,more",
        "Nian,2024-01-25,,,",
        "",
        "Åttan,hello",
        "Sjuan,01/02/2024",
        f"Sexan,{'9' * 30}",
        '"two\nlines",2024-01-25',
        "Femman,2024-01-25",
    ]
    found = read("\n".join(rows).encode())
    assert whys(found) == [
        (3, "row.empty"),
        (4, "row.tooLong"),
        (5, "row.columns"),
        (8, "date.unreadable"),
        (9, "date.ambiguous"),
        (10, "date.unreadable"),
    ]
    named = {one.name: one.place.line for one in found if isinstance(one, Entry)}
    assert named == {"Tolvan": 2, "Nian": 6, "two lines": 11, "Femman": 13}


def test_a_line_without_an_end_is_cut_and_told(read: Read) -> None:
    """However long a line is, it is never held whole, and what follows it is read."""
    long = b"Tolvan," * 400_000
    found = read(b"name,valid to\n" + long + b"\nElvan,2024-01-25\n")
    assert whys(found) == [(2, "row.tooLong")]
    assert entry(found[-1]).name == "Elvan"


def test_a_head_may_stand_below_a_title(read: Read) -> None:
    """Excel's own first line, a title and empty lines before the head are passed over."""
    (found,) = read(b"sep=;\nPersonal, november\n\nNamn;Slutdatum\nTolvan;2024-01-25\n")
    assert entry(found).place.line == 5


@pytest.mark.parametrize(
    ("content", "key"),
    [
        (b"", "report-input-empty"),
        (b"name,colour\nTolvan,blue\n", "report-input-head"),
        (b"valid to,expires\n2024-01-25,2024-01-26\n", "report-input-twice"),
        (b"valid to" + b",x" * 600 + b"\n", "report-input-head"),
        (b"PAR1 and nothing more", "report-input-parquet"),
        (b"SQLite format 3\x00 and nothing more", "report-input-sightings"),
        (b"-----BEGIN CERTIFICATE-----\n", "report-input-certificate"),
    ],
)
def test_a_file_that_is_no_input_is_refused_by_name(read: Read, content: bytes, key: str) -> None:
    """What can't be read as a whole is refused, with a sentence of its own for what is wrong."""
    with pytest.raises(InputError) as refused:
        read(content)
    assert refused.value.key == key


def test_columns_that_are_not_needed_are_not_read(tmp_path: Path) -> None:
    """A column of identity numbers is told as not read, and nothing of it is in any entry."""
    path = tmp_path / "list.csv"
    path.write_text("Namn;Personnummer;Giltig till\nTolvan;19121212-1212;2024-01-25\n", "utf-8")
    with open_input(path) as reading:
        assert "1212" not in repr(list(reading)).replace("2024-01-25", "")
        assert reading.unused == ("Personnummer",)
        assert reading.share() == 1.0


def test_parquet_is_read_with_bytes_texts_and_dates(tmp_path: Path, forge: Any) -> None:
    """Certificates as bytes or as text, days and moments as Parquet has them; rows are counted from 1."""
    made = forge.person()
    table = pa.table(
        {
            "certificate": [made.der, None, None, b"no certificate"],
            "enhet": ["Låtsaskliniken"] * 4,
            "valid to": pa.array([None, datetime(2024, 1, 25).date(), None, None], pa.date32()),  # noqa: DTZ001 - a day
            "other": [1, 2, 3, 4],
        }
    )
    parquet.write_table(table, tmp_path / "list.parquet")
    with open_input(tmp_path / "list.parquet") as reading:
        found = list(reading)
        assert (reading.form, reading.unused, reading.share()) == (Form.PARQUET, ("other",), 1.0)
    assert entry(found[0]).der == made.der
    assert entry(found[1]).not_after == END
    assert whys(found) == [(3, "row.empty"), (4, "certificate.encoding")]


def test_without_pyarrow_parquet_is_refused_in_one_line_that_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who has not asked for pyarrow is told what to install; CSV and LDIF work without."""
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(InputError) as refused:
        extra.pyarrow()
    assert refused.value.key == "report-no-pyarrow"
    parquet_like = tmp_path / "list.parquet"
    parquet_like.write_bytes(b"PAR1")
    with pytest.raises(InputError) as read_refused, open_input(parquet_like):
        pass
    assert read_refused.value.key == "report-no-pyarrow"


def test_ldif_is_read_with_folds_base64_comments_and_several_values(read: Read, forge: Any) -> None:
    """RFC 2849: folded lines and comments, `::`, CRLF, several certificates of one entry and several entries."""
    first, second = forge.person(), forge.person()
    folded = "\r\n ".join(_cut("userCertificate;binary:: " + base64.b64encode(first.der).decode(), 76))
    name = base64.b64encode("Åttan Påhittadsson".encode()).decode()
    content = (
        "version: 1\r\n\r\n# a comment\r\n  that is folded\r\n"
        f"dn: cn=Attan,ou=Exempelenheten,c=SE\r\ncn:: {name}\r\nmail: attan@example.org\r\n{folded}\r\n"
        f"userCertificate;binary:: {base64.b64encode(second.der).decode()}\r\n\r\n\r\n"
        "dn: cn=group,c=SE\r\nobjectClass: groupOfNames\r\n\r\n"
        f"dn: cn=Nian,c=SE\r\nou: Låtsas\r\nusercertificate:: {base64.b64encode(first.pem).decode()}\r\n\r\n"
        "search: 2\r\nresult: 0 Success\r\n"
    )
    found = [entry(item) for item in read(content.encode(), "staff.ldif")]
    assert [(one.der, one.name, one.email, one.unit, one.place.line) for one in found] == [
        (first.der, "Åttan Påhittadsson", "attan@example.org", "Exempelenheten", 5),
        (second.der, "Åttan Påhittadsson", "attan@example.org", "Exempelenheten", 5),
        (first.der, None, None, "Låtsas", found[2].place.line),
    ]
    assert len({one.holder for one in found}) == 2


def _cut(text: str, length: int) -> Iterator[str]:
    for at in range(0, len(text), length):
        yield text[at : at + length]


def test_ldif_that_is_wrong_costs_its_entry_alone(read: Read, forge: Any) -> None:
    """Bad base64, a URL that would have to be fetched, no name, too many values or too long ones: each by name."""
    good = base64.b64encode(forge.person().der).decode()
    many = "".join(f"userCertificate;binary:: {base64.b64encode(bytes([0x30, n])).decode()}\n" for n in range(70))
    content = (
        "dn: cn=1\nuserCertificate;binary:: ????\n\n"
        "dn: cn=2\nuserCertificate;binary:< file:///etc/passwd\n\n"
        f"cn: nobody\nuserCertificate;binary:: {good}\n\n"
        f"dn: cn=4\n{many}\n"
        f"dn: cn=5\nuserCertificate;binary:: {'A' * 1_100_000}\n\n"
        "dn: cn=6\nno colon here\n\n"
        f"dn: cn=7\nuserCertificate;binary:: {good}\n"
    )
    found = read(content.encode(), "staff.ldif")
    assert [why for _, why in whys(found)] == [
        *("row.malformed", "certificate.elsewhere", "row.malformed", "certificate.tooMany", "row.tooLong"),
        "row.malformed",
    ]
    assert isinstance(found[-1], Entry)


def test_a_fold_can_not_grow_without_end(read: Read) -> None:
    """A value that is folded over and over is bounded as one line is."""
    content = b"dn: cn=1\nuserCertificate;binary:: " + b"\n AAAAAAAAAAAAAAAA" * 80_000 + b"\n\ndn: cn=2\ncn: x\n"
    assert whys(read(content, "staff.ldif")) == [(1, "row.tooLong")]


def test_sightings_are_read_from_an_export(read: Read) -> None:
    """A line a card: dates, kind, unit, and a pseudonym; what is none is told by its line."""
    good = (
        '{"card":"0123456789abcdef0123456789abcdef","seen":"2024-01-01","notBefore":"2023-01-25","notAfter":"2024-01-25",'
        '"kind":"ordinary","environment":"sim","unit":"Exempel"}'
    )
    named = good.replace('"unit"', '"holder":"x","unit"')
    found = read(f"{good}\n\n{named}\n{{}}\n".encode(), "sightings.jsonl")
    assert entry(found[0]) == Entry(
        Place("sightings.jsonl", 1),
        Evidence.SIGHTING,
        unit="Exempel",
        card="0123456789abcdef0123456789abcdef",
        not_before=datetime(2023, 1, 24, 23, tzinfo=UTC),
        not_after=END,
        kind=CardKind.ORDINARY,
        environment=Environment.SIM,
    )
    assert whys(found) == [(3, "row.malformed"), (4, "row.malformed")]


def test_a_byte_order_mark_belongs_to_no_name(read: Read) -> None:
    """The first column's name is read with Excel's mark before it."""
    (found,) = read(codecs.BOM_UTF8 + b"valid to\n2024-01-25\n")
    assert entry(found).not_after == END
