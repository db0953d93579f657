"""Card fixtures: what differs is said, what is malformed is named."""

from pathlib import Path

import pytest

from sithsd.simulator import fixture
from sithsd.simulator.fixture import CardFixture, FixtureError


def test_the_cards_that_were_promised_are_there() -> None:
    """One fixture for each card that the README of the fixtures tells."""
    assert set(fixture.names()) == {
        "blocked", "broken", "desk", "expired", "expiring", "foreign", "inactive", "old",
        "ordinary", "ordinary-t0", "protected", "reserve", "second", "strange", "transport",
    }  # fmt: skip


@pytest.mark.parametrize("name", fixture.names())
def test_every_fixture_reads_and_is_explained(name: str) -> None:
    """Each file reads, says what it is, and stands in the README."""
    assert fixture.load(name).title
    readme = (fixture.folder().parent / "README.md").read_text(encoding="utf-8")
    assert f"`{name}`" in readme


def test_the_defaults_are_the_ordinary_card() -> None:
    """An empty file is the ordinary card."""
    assert fixture.parse(b"", "x") == CardFixture() == fixture.load("ordinary")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("holder = 3", "$.holder"),
        ("colour = 'red'", "colour"),
        ("[codes]\nauthentication = 'abc'", "$.codes.authentication"),
        ("[codes]\npin_tries = 0", "$.codes.pin_tries"),
        ("[codes]\nmax_length = 9", "$.codes"),
        ("[chip]\nprotocol = 'T=2'", "$.chip.protocol"),
        ("[chip]\nprotocol = 'T=0'", "$.chip.protocol"),
        ("[chip]\natr = '3B F5'", "$.chip.atr"),
        ("[chip]\natr = 'xyz'", "$.chip.atr"),
        ("level_of_assurance = 4", "$.level_of_assurance"),
        ("[[faults]]\nfile = 'EF.CDF'\nkind = 'eaten'", "$.faults[0].kind"),
        ("[codes]\nauthentication = '12345'", "$.codes.authentication"),
        ("[codes]\npuk = '123456789'", "$.codes.puk"),
        ("[codes]\ntransport = true\nchosen = false", "$.codes.transport"),
        ("[[answers]]\nkind = 'rude'", "$.answers[0].kind"),
        ("[[answers]]\nkind = 'torn'\nins = 'VERIFY'", "$.answers[0].ins"),
        ("[[answers]]\nkind = 'torn'\nnth = 0", "$.answers[0].nth"),
        ("[[answers]]\nkind = 'torn'\nwhen = 'never'", "$.answers[0].when"),
        ("[[answers]]\nkind = 'late'", "$.answers[0]"),
        ("[[answers]]\nkind = 'mute'\nseconds = 5", "$.answers[0]"),
        ("[[answers]]\nkind = 'torn'\nhow = 'badly'", "how"),
        ("[validity]\nfrom_days = 5\nto_days = 5", "$.validity"),
        ("[validity]\nto_days = 99999999", "$.validity.to_days"),
        ("[holder]\ngiven_name = ''", "$.holder.given_name"),
        ("title = ", "at end of document"),
    ],
)
def test_a_malformed_fixture_is_one_line_with_file_place_and_reason(text: str, reason: str) -> None:
    """The message names the file and the place, stands on one line, and quotes no code."""
    with pytest.raises(FixtureError) as caught:
        fixture.parse(text.encode(), "cards/x.toml")
    message = str(caught.value)
    assert message.startswith("cards/x.toml: ")
    assert reason in message
    assert "\n" not in message
    assert not any(code in message for code in ("abc", "12345", "123456789"))


def test_bytes_that_are_no_text_are_a_malformed_fixture() -> None:
    """TOML is UTF-8."""
    with pytest.raises(FixtureError, match=r"x\.toml"):
        fixture.parse(b"title = '\xff'", "x.toml")


def test_a_card_that_is_not_there_is_named(tmp_path: Path) -> None:
    """An unknown name, an unknown path and a name with foreign characters: one sentence each."""
    with pytest.raises(FixtureError, match=r"nonesuch.*known are blocked"):
        fixture.load("nonesuch")
    with pytest.raises(FixtureError, match="missing"):
        fixture.load(str(tmp_path / "missing.toml"))
    with pytest.raises(FixtureError, match="small letters"):
        fixture.name_of("../ordinary")


def test_a_card_of_ones_own_is_a_path(tmp_path: Path) -> None:
    """The path of a TOML file stands for the card that it tells; the stem is its name."""
    path = tmp_path / "mine.toml"
    path.write_text('title = "my own"\n')
    assert fixture.load(str(path)).title == "my own"
    assert fixture.name_of(str(path)) == "mine"
