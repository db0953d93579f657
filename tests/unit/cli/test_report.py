"""`sithsctl report`: what the command line makes of it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sithsd.cli.statuses import ExitStatus
from tests.unit.cli.conftest import Desk, Outcome
from tests.unit.report import staff

Run = Callable[..., Outcome]
AT = "2026-11-03"


@pytest.fixture
def staff_list(tmp_path: Path) -> Path:
    """Return a list of made-up people, one row of which can't be used."""
    path = tmp_path / "staff.csv"
    content = staff.dated_csv(staff.people(40, staff.utc(2026, 11, 3))) + b"Fel;fel@example.org;A;01/02/2024;\r\n"
    path.write_bytes(content)
    (tmp_path / "sithsd.toml").write_text(f'[validity]\nanchors_folder = "{tmp_path}/none"\n', "utf-8")
    (tmp_path / "freezes.toml").write_text("", "utf-8")
    return path


@pytest.fixture
def report(sithsctl: Run, staff_list: Path) -> Run:
    """Return what makes a report of the list by the shipped settings, for the same day each time."""
    folder = staff_list.parent
    own = ["--settings", str(folder / "sithsd.toml"), "--freezes", str(folder / "freezes.toml"), "--at", AT]

    def call(*arguments: str, lang: str = "en") -> Outcome:
        return sithsctl("report", str(staff_list), *own, *arguments, lang=lang)

    return call


@pytest.mark.parametrize(("lang", "sentence"), [("en", "Rows read: 41. Not used: 1."), ("sv", "Lästa rader: 41.")])
def test_the_numbers_are_told_and_the_files_named(report: Run, tmp_path: Path, lang: str, sentence: str) -> None:
    """Every file that was asked for is written and named, the rejects beside the first of them."""
    names = {"-o": "r.html", "--csv": "r.csv", "--ics": "r.ics", "--parquet": "r.parquet"}
    outcome = report(*(part for option, name in names.items() for part in (option, str(tmp_path / name))), lang=lang)
    assert outcome.status == ExitStatus.DONE
    assert sentence in outcome.out
    for name in (*names.values(), "r.rejects.csv"):
        assert (tmp_path / name).stat().st_size > 0
        assert f"{tmp_path / name}" in outcome.out
    assert outcome.err == ""


def test_without_a_file_the_numbers_alone_are_told_and_where_rejects_would_go(report: Run, tmp_path: Path) -> None:
    """Nothing is written unasked; that rows were not used is said with the option that tells which."""
    before = sorted(tmp_path.iterdir())
    outcome = report()
    assert "--rejects FILE" in outcome.out
    assert sorted(tmp_path.iterdir()) == before


def test_for_scripts_it_is_json(report: Run) -> None:
    """--json gives the whole report on stdout and nothing else."""
    outcome = report("--json")
    found = json.loads(outcome.out)
    assert (found["counts"]["read"], found["counts"]["rejected"], len(found["cards"])) == (41, 1, 40)
    assert outcome.err == ""


def test_a_file_that_is_there_is_overwritten_only_when_told_to(report: Run, tmp_path: Path) -> None:
    """The second run is refused in one sentence before it reads anything; --force does it."""
    page = str(tmp_path / "r.html")
    assert report("-o", page).status == ExitStatus.DONE
    refused = report("-o", page)
    assert (refused.status, refused.out) == (ExitStatus.USAGE, "")
    assert "r.html is there already" in refused.err
    assert report("-o", page, "--force").status == ExitStatus.DONE


def test_what_can_not_be_read_is_an_error_by_name(sithsctl: Run, tmp_path: Path) -> None:
    """The sentence names the file and what is wrong; for scripts it is request.invalid."""
    outcome = sithsctl("report", str(tmp_path / "absent.csv"))
    assert outcome.status == ExitStatus.USAGE
    assert "absent.csv can't be read" in outcome.err
    found = json.loads(sithsctl("report", str(tmp_path / "absent.csv"), "--json").out)
    assert found["error"]["code"] == "request.invalid"


@pytest.mark.parametrize("at", ["yesterday", "2026-13-01", "9999-99-99"])
def test_a_day_that_is_none_is_a_usage_error(sithsctl: Run, staff_list: Path, at: str) -> None:
    """--at takes a day or a moment in ISO 8601 and nothing else."""
    outcome = sithsctl("report", str(staff_list), "--at", at)
    assert outcome.status == ExitStatus.USAGE
    assert "--at" in outcome.err


def test_other_commands_do_not_load_what_makes_a_report() -> None:
    """The report's libraries would make every command slow: no other command imports them."""
    loaded = "import sys, sithsd.cli.main; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    modules = run.stdout.split()
    assert "sithsd.cli.commands.report" in modules
    assert {"jinja2", "icalendar", "pyarrow", "sithsd.report"}.isdisjoint(modules)


@pytest.mark.parametrize(("more", "shown"), [((), True), (("--quiet",), False)])
def test_on_a_terminal_a_bar_shows_how_far_it_is(staff_list: Path, more: tuple[str, ...], shown: bool) -> None:
    """A person sees the file, the rate in rows and then the numbers; with --quiet the numbers alone."""
    arguments = ["--lang", "en", "report", str(staff_list), "--at", AT, *more]
    settings = ["--settings", str(staff_list.parent / "sithsd.toml")]
    desk = Desk([*arguments, *settings], {**os.environ, "TERM": "xterm", "LC_ALL": "C.UTF-8"}, columns=120)
    try:
        assert desk.end() == ExitStatus.DONE
        assert "people's cards" in desk.seen
        assert ("Reading staff.csv" in desk.seen) is shown
        assert ("rows/s" in desk.seen) is shown
    finally:
        desk.close()
