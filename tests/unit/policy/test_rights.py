"""The rights file: what is shipped, what a site may say over it, and one line for everything that can't be used."""

import tomllib
from importlib.resources import files
from pathlib import Path

import pytest

from sithsd.policy import rights
from sithsd.policy.site_file import PolicyError

NAMES = ("status", "personal_numbers", "codes", "authenticate", "sign", "desk")


@pytest.fixture(autouse=True)
def _no_site_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the machine's own rights out of the tests."""
    monkeypatch.setattr(rights, "SITE_FILE", tmp_path / "usual.toml")


def written(folder: Path, content: str) -> Path:
    """Return a site's file."""
    path = folder / "rights.toml"
    path.write_text(content)
    return path


def test_what_is_shipped() -> None:
    """Status for all, codes and keys for who sits here, numbers and a desk's work for root and the desk's group."""
    desk = ("root", "group:sithsd-desk")
    assert rights.load() == rights.Rules(
        status=("everyone",),
        personal_numbers=desk,
        codes=(*desk, "active-session"),
        authenticate=(*desk, "active-session"),
        sign=(*desk, "active-session"),
        desk=desk,
    )


def test_every_line_that_is_shipped_is_explained() -> None:
    """Before each line of the file stands a comment; the file has every right and no other name."""
    text = (files("sithsd.policy") / "rights.toml").read_text("utf-8")
    assert tuple(tomllib.loads(text)) == NAMES
    lines = text.splitlines()
    for name in NAMES:
        (at,) = [number for number, line in enumerate(lines) if line.startswith(f"{name} = ")]
        assert lines[at - 1].startswith("# ")


def test_a_site_says_only_what_it_wants_otherwise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line is replaced as a whole, all others stay as shipped; the file is looked for at its usual place."""
    path = written(tmp_path, 'codes = ["user:anna", "group:DOM\\\\card users"]\nsign = []\n')
    found, shipped = rights.load(path), rights.load()
    assert (found.codes, found.sign) == (("user:anna", "group:DOM\\card users"), ())
    assert (found.status, found.desk, found.authenticate) == (shipped.status, shipped.desk, shipped.authenticate)
    assert {"user:anna", "active-session", "everyone"} <= found.subjects
    monkeypatch.setattr(rights, "SITE_FILE", path)
    assert rights.load() == found


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ('codes = "root"\n', "$.codes"),
        ('codes = ["root", "anna"]\n', "$.codes[1]"),
        ('codes = ["user:"]\n', "$.codes[0]"),
        ('codes = ["group: games"]\n', "$.codes[0]"),
        ('codes = ["Everyone"]\n', "$.codes[0]"),
        ('codes = ["everyone else"]\n', "$.codes[0]"),
        ("codes = [1]\n", "$.codes[0]"),
        (f"codes = {['root'] * 101}\n", "$.codes"),
        (f'codes = ["user:{"x" * 300}"]\n', "$.codes[0]"),
        ('holders = ["root"]\n', "holders"),
        ("codes = [\n", "at end of document"),
    ],
)
def test_what_can_not_be_used(tmp_path: Path, content: str, told: str) -> None:
    """One line with file, place and reason; nothing is taken for a right that was not meant."""
    path = written(tmp_path, content)
    with pytest.raises(PolicyError) as error:
        rights.load(path)
    line = str(error.value)
    assert line.startswith(f"{path}: ")
    assert "\n" not in line
    assert told in line
