"""Outputs: read back by other people's programs, safe to open, and without what nobody needs to know."""

import csv
import io
import json
import os
import re
import stat
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import icalendar
import pytest
from pyarrow import parquet

from sithsd.cli.words import Words
from sithsd.report.dates import moment
from sithsd.report.making import Targets
from sithsd.report.model import InputError
from sithsd.report.outputs.as_json import pieces
from tests.unit.report import staff
from tests.unit.report.conftest import Making

AT = moment("2023-11-10", last=False)
HEAD = ("Namn", "Enhet", "Giltig t.o.m.", "Korttyp")
ROWS = [
    ("=cmd|' /C calc'!A0", "@SUM(1)", "2023-12-15", "Ordinarie"),
    ('<script>alert("1")</script>', "</style><img src=x onerror=alert(1)>", "2024-02-10", "Ordinarie"),
    ("Nian Exempelsson", "Exempelröntgen", "2023-11-01", "Reservkort"),
    ("Åttan Exempelsson", "Exempelröntgen", "2026-11-01", "Ordinarie"),
    ("Sjuan Exempelsson", "Exempelröntgen", "01/02/2024", "Ordinarie"),
]


@pytest.fixture
def written(making: Making, tmp_path: Path, swedish: Words) -> dict[str, Path]:
    """Make a report of awkward rows and write it in every form; return the files."""
    targets = {name: tmp_path / f"out.{name}" for name in ("page", "table", "parquet", "agenda", "rejects")}
    with making(AT, ("list.csv", staff.table(HEAD, ROWS, separator=";"))) as report:
        assert sorted(report.write(Targets(**targets), swedish)) == sorted(targets.values())
        targets["json"] = tmp_path / "out.json"
        targets["json"].write_text("".join(pieces(report.summary, report.spool.cards())), "utf-8")
    return targets


def test_no_cell_of_the_tables_is_a_formula(written: dict[str, Path]) -> None:
    """A name that a spreadsheet would carry out is text there, in every cell; the head and the rows fit together."""
    text = written["table"].read_bytes().decode("utf-8-sig")
    head, *rows = csv.reader(io.StringIO(text), delimiter=";")
    assert head[:3] == ["Enhet", "Vem", "Kortet går ut"]
    assert len(rows) == 4
    assert {len(row) for row in rows} == {len(head)}
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert ["'@SUM(1)", "'=cmd|' /C calc'!A0"] in [row[:2] for row in rows]


def test_rejects_are_told_by_place_and_reason_and_quote_nothing(written: dict[str, Path]) -> None:
    """The file of rejects says where and why, and has nothing of the row, which may be about a person."""
    assert written["rejects"].read_bytes().decode("utf-8-sig").splitlines() == [
        "Fil;Rad;Varför inte använd;Skälets namn",
        "list.csv;6;Ett datum kan vara två (01/02/2024). Skriv 2024-02-01.;date.ambiguous",
    ]


def test_json_is_one_object_that_adds_up(written: dict[str, Path]) -> None:
    """The whole is JSON by json's own reader; the cards are as many as the counts say, with stable names."""
    report = json.loads(written["json"].read_text("utf-8"))
    assert report["counts"]["read"] == 5
    assert len(report["cards"]) == report["counts"]["current"] == 4
    nian = next(card for card in report["cards"] if card["line"] == 4)
    assert (nian["standing"], nian["kind"], nian["notAfter"]) == ("expired", "reserve", "2023-11-01T22:59:59Z")
    assert nian["steps"][0]["action"] == "reserve.replace"
    assert report["rejects"] == {"date.ambiguous": 1}


def test_parquet_is_read_back_by_pyarrow(written: dict[str, Path]) -> None:
    """Types are those of the things: moments in UTC, lists of reasons, numbers; a row for each card that counts."""
    table = parquet.read_table(written["parquet"])
    assert table.num_rows == 4
    assert str(table.schema.field("not_after").type) == "timestamp[ms, tz=UTC]"
    first = table.to_pylist()[0]
    assert first["not_after"] == datetime(2023, 12, 15, 22, 59, 59, tzinfo=UTC)
    assert (first["action"], first["by"], first["freeze"]) == (
        "order.now",
        datetime(2023, 11, 30, 23, tzinfo=UTC),
        "2023/24",
    )
    assert first["reasons"] == ["certificate.notSeen"]


def test_the_calendar_is_valid_and_has_an_event_for_each_unit_and_day(written: dict[str, Path]) -> None:
    """RFC 5545 by icalendar's reader: all-day events with one UID each, folded lines, and an alarm a week before."""
    raw = written["agenda"].read_bytes()
    assert all(line.endswith(b"\r\n") and len(line) <= 77 for line in raw.splitlines(keepends=True))
    calendar = icalendar.Calendar.from_ical(raw)
    events = list(calendar.walk("VEVENT"))
    days = {event["dtstart"].dt: str(event["summary"]) for event in events}
    assert len({str(event["uid"]) for event in events}) == len(events) == 3
    assert days[date(2023, 11, 10)] == "Beställ ett ordinarie kort i stället för reservkortet: 1 (Exempelröntgen)"
    assert date(2023, 11, 30) in days
    for event in events:
        (alarm,) = event.walk("VALARM")
        assert (str(alarm["action"]), alarm["trigger"].dt.days) == ("DISPLAY", -7)
        assert event["dtend"].dt.toordinal() - event["dtstart"].dt.toordinal() == 1
    again = icalendar.Calendar.from_ical(calendar.to_ical())
    assert len(again.walk("VEVENT")) == 3


def test_what_an_input_says_is_text_on_the_page(written: dict[str, Path]) -> None:
    """Markup in a name or a unit is shown as it was written, and makes no element, attribute or end of the style."""
    page = written["page"].read_text("utf-8")

    class Elements(HTMLParser):
        found: list[tuple[str, dict[str, str | None]]]

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            self.found.append((tag, dict(attrs)))

    parser = Elements()
    parser.found = []
    parser.feed(page)
    tags = [tag for tag, _ in parser.found]
    assert (tags.count("script"), tags.count("style"), tags.count("img")) == (1, 1, 0)
    assert "&lt;script&gt;alert(&#34;1&#34;)&lt;/script&gt;" in page
    assert not [name for _, attributes in parser.found for name in attributes if name.startswith("on")]
    leading = {"src", "href", "action", "style", "srcset", "data"}
    assert [value for _, found in parser.found for name, value in found.items() if name in leading] == ["#people"]


def test_the_page_names_no_place_on_the_network(written: dict[str, Path]) -> None:
    """No address with a scheme stands in the page, and the browser is told to fetch nothing."""
    page = written["page"].read_text("utf-8")
    assert not re.findall(r"(?:https?:)?//[a-z]", re.sub(r"// [A-Z]", "", page))
    assert "default-src 'none'" in page


@pytest.mark.parametrize("language", ["sv", "en"])
def test_the_page_is_in_the_language(making: Making, tmp_path: Path, language: str) -> None:
    """Each sentence of the page comes from the language's own file, and the page says which language it is."""
    with making(AT, ("list.csv", staff.table(HEAD, ROWS, separator=";"))) as report:
        report.write(Targets(page=tmp_path / "page.html"), Words(language))
    page = (tmp_path / "page.html").read_text("utf-8")
    assert f'<html lang="{language}">' in page
    assert Words(language).say("report-people") in page
    assert Words({"sv": "en", "en": "sv"}[language]).say("report-people") not in page


def test_files_are_for_their_owner_alone_and_never_half_written(
    making: Making, tmp_path: Path, swedish: Words, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What fails while it is written leaves nothing behind, and what is there is not touched without being told to."""
    old = os.umask(0)
    try:
        with making(AT, ("list.csv", staff.table(HEAD, ROWS, separator=";"))) as report:
            report.write(Targets(page=tmp_path / "page.html"), swedish)
            assert stat.S_IMODE((tmp_path / "page.html").stat().st_mode) == 0o600
            with pytest.raises(InputError) as refused:
                report.write(Targets(page=tmp_path / "page.html"), swedish)
            assert refused.value.key == "report-output-there"

            def fail(*_: Any) -> None:
                raise ValueError("in the middle")

            monkeypatch.setattr("sithsd.report.making.write_table", fail)
            with pytest.raises(ValueError, match="middle"):
                report.write(Targets(table=tmp_path / "list.out.csv"), swedish)
    finally:
        os.umask(old)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *("freezes.toml", "list.csv", "page.html", "settings.toml"),
    ]


def test_targets_are_looked_at_before_the_work(tmp_path: Path) -> None:
    """A file that is there, or whose folder can't be written, is refused before an hour is spent."""
    (tmp_path / "there.html").write_text("x", "utf-8")
    with pytest.raises(InputError) as refused:
        Targets(page=tmp_path / "there.html").check()
    assert refused.value.key == "report-output-there"
    Targets(page=tmp_path / "there.html", force=True).check()
    with pytest.raises(InputError) as nowhere:
        Targets(table=tmp_path / "no folder" / "x.csv").check()
    assert nowhere.value.key == "report-output-unwritable"
