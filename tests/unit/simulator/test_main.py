"""The program sithsd-sim, as far as it goes without a virtual reader."""

import json
import subprocess
import sys
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from cryptography import x509

from sithsd import __version__
from sithsd.simulator import fixture
from sithsd.simulator import main as module
from sithsd.simulator.image import Role
from sithsd.simulator.readers import VARIABLE, Readers
from sithsd.simulator.shelf import Shelf

ATR = b"\4"


@pytest.fixture
def sim(tmp_path: Path) -> Callable[..., Result]:
    """Return a function that calls sithsd-sim with folders of the test's own."""

    def call(*arguments: str) -> Result:
        folders = ["--runtime-dir", str(tmp_path / "run"), "--state-dir", str(tmp_path)]
        return CliRunner().invoke(module.main, [*folders, *arguments])

    return call


def test_help_and_version(sim: Callable[..., Result]) -> None:
    """--version tells the package's version; every command has help."""
    assert sim("--version").output == f"sithsd-sim, version {__version__}\n"
    for command in (
        "insert",
        "remove",
        "swap",
        "list",
        "serve",
        "stop",
        "reset",
        "build",
        "count",
        "stage",
        "press",
        "plug",
        "unplug",
        "responder",
        "revoke",
        "renew",
        "spoil",
    ):
        shown = sim(command, "--help")
        assert shown.exit_code == 0
        assert "Usage:" in shown.output


def test_list_shows_all_cards(sim: Callable[..., Result]) -> None:
    """Without a serving process every packaged card is listed, and none is in a reader."""
    cards = json.loads(sim("list", "--json").output)["cards"]
    assert [card["name"] for card in cards] == list(fixture.names())
    assert {card["reader"] for card in cards} == {None}
    assert "reserve card" in sim("list").output


def test_build_makes_cards_authorities_and_a_configuration(
    sim: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shelf: Callable[..., Shelf]
) -> None:
    """`build` prints the folder; sithsd.toml in it names the root, its fingerprint, the issuers and their place."""
    shelf("protected")
    monkeypatch.setattr(module.fixture, "names", lambda: ("protected",))
    assert sim("build").output.strip() == str(tmp_path / "simulator")
    validity = tomllib.loads((tmp_path / "simulator" / "sithsd.toml").read_text())["validity"]
    assert validity["environments"] == ["production", "sim"]
    (root,) = validity["anchors"]
    fingerprint = Shelf(tmp_path).pki.root_fingerprint
    assert validity["sim_fingerprints"] == [fingerprint]
    assert validity["sim_hosts"] == [f"127.0.0.1:{Shelf(tmp_path).pki.port}"]
    assert Path(root).is_file()
    assert Path(validity["issuers"][0]).is_file()


def test_reset_makes_a_card_new(sim: Callable[..., Result], tmp_path: Path, shelf: Callable[..., Shelf]) -> None:
    """After `reset` the counters are full and the keys other ones; --now moves the certificates' dates."""
    card = shelf("protected").card("protected")
    card.power_on()
    card.transmit(bytes.fromhex("0020000108") + b"000000\xff\xff")
    assert sim("reset", "protected", "--now", "2040-06-01T12:00:00").exit_code == 0
    again = Shelf(tmp_path).card("protected")
    assert again.tries_left(Role.AUTHENTICATION) == 3
    assert again.image.keys != card.image.keys
    content = next(file.content for file in again.image.files if file.path.endswith(b"\x43\x31"))
    assert x509.load_der_x509_certificate(content).not_valid_before_utc == datetime(2039, 6, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["remove"], "no simulated card is in any reader"),
        (["count"], "no simulated card is in any reader"),
        (["insert", "nonesuch"], "there is no such card"),
        (["insert", "../etc"], "small letters"),
        (["reset", "nonesuch"], "there is no such card"),
        (["swap", "protected"], "no simulated card is in any reader"),
        (["press", "ok", "--wait", "0"], "no simulated card is in any reader"),
        (["unplug"], "here are no readers that can be unplugged"),
        (["plug", "1"], "here are no readers that can be unplugged"),
        (["insert", "protected", "--port", "1"], "no virtual reader answers at 127.0.0.1:1"),
    ],
)
def test_failures_are_one_sentence_and_exit_status_1(
    sim: Callable[..., Result], shelf: Callable[..., Shelf], arguments: list[str], sentence: str
) -> None:
    """What can't be done is told on standard error in one line."""
    shelf("protected")
    result = sim(*arguments)
    assert result.exit_code == 1
    assert sentence in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [["insert"], ["reset", "ordinary", "--now", "yesterday"], ["count", "--reader", "99"], ["press"], ["unplug", "16"]],
)
def test_wrong_usage_is_exit_status_2(sim: Callable[..., Result], arguments: list[str]) -> None:
    """A missing name, a moment that is none, a reader that can't be."""
    assert sim(*arguments).exit_code == 2


def test_stop_without_a_process_is_done(sim: Callable[..., Result]) -> None:
    """Nothing to stop is no failure."""
    assert sim("stop").exit_code == 0


def test_a_card_is_served_by_a_process_in_the_background(
    sim: Callable[..., Result], shelf: Callable[..., Shelf], reader: Any, tmp_path: Path
) -> None:
    """`insert` starts a process that lives on, `count` and `list` ask it, `reset` respects it, `remove` ends it."""
    shelf("protected")
    program = [sys.executable, "-m", "sithsd.simulator.main", "--runtime-dir", str(tmp_path / "run")]
    insert = [*program, "--state-dir", str(tmp_path), "insert", "protected", "--port", str(reader.port)]
    with subprocess.Popen(insert) as inserting:
        reader.accept()
        assert reader.ask(ATR)[:1] == b"\x3b"
    assert inserting.returncode == 0
    try:
        reader.tell(b"\1")
        reader.ask(bytes.fromhex("0020000108") + b"123456\xff\xff")
        assert json.loads(sim("count", "--json", "--reset").output) == {"apdus": 1, "bytesIn": 13, "bytesOut": 2}
        assert sim("count").output == "0 APDUs, 0 bytes in, 0 bytes out\n"
        cards = json.loads(sim("list", "--json").output)["cards"]
        assert next(card["reader"] for card in cards if card["name"] == "protected") == 0
        assert "take it out first" in sim("reset", "protected").stderr
    finally:
        removed = sim("remove")
    assert removed.exit_code == 0
    assert reader.gone()
    log = (tmp_path / "run" / "sithsd-sim.log").read_text()
    assert '"header": "00200001"' in log
    assert "123456" not in log
    assert "313233" not in log


def test_digits_are_no_keys_of_the_command_line(sim: Callable[..., Result]) -> None:
    """They are refused, and not repeated: somebody may have given a code."""
    refused = sim("press", "123456", "ok")
    assert refused.exit_code == 2
    assert "123456" not in refused.output


def test_readers_are_unplugged_where_the_environment_names_some(
    sim: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`unplug` and `plug` need nobody who serves cards, and can each be done once."""
    readers = Readers(tmp_path / "readers")
    readers.make(2)
    monkeypatch.setenv(VARIABLE, str(readers.folder))
    assert sim("unplug", "1").exit_code == 0
    assert not readers.place(1).exists()
    assert "reader 1 is not plugged in" in sim("unplug", "1").stderr
    assert sim("plug", "1").exit_code == 0
    assert readers.place(1).exists()
