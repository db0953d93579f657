"""Where programs meet: the order in which a folder is looked for."""

from pathlib import Path

import pytest

from sithsd.locations import (
    CARDS_SOCKET,
    CODES_SOCKET,
    FETCH_SOCKET,
    fetch_runtime_dir,
    fetch_socket,
    fetch_state_dir,
    runtime_dir,
    state_dir,
)

ALL = [
    (runtime_dir, "RUNTIME_DIRECTORY", "/run/sithsd"),
    (state_dir, "STATE_DIRECTORY", "/var/lib/sithsd"),
    (fetch_runtime_dir, "RUNTIME_DIRECTORY", "/run/sithsd-fetch"),
    (fetch_state_dir, "STATE_DIRECTORY", "/var/lib/sithsd-fetch"),
]


@pytest.mark.parametrize(("folder", "variable", "fixed"), ALL)
def test_given_then_environment_then_the_fixed_place(folder, variable: str, fixed: str, monkeypatch) -> None:  # noqa: ANN001 - a function of the module
    """What is given wins over the environment, which wins over the fixed place."""
    monkeypatch.setenv(variable, "/run/other")
    assert folder("/run/given") == Path("/run/given")
    assert folder(Path("relative")) == Path("relative")
    assert folder() == folder(None) == Path("/run/other")
    monkeypatch.delenv(variable)
    assert folder() == Path(fixed)


@pytest.mark.parametrize(("folder", "variable", "fixed"), ALL)
def test_an_empty_word_is_no_folder(folder, variable: str, fixed: str, monkeypatch) -> None:  # noqa: ANN001 - a function of the module
    """An empty option or variable means "not said": never the current folder."""
    monkeypatch.setenv(variable, "")
    assert folder("") == Path(fixed)


@pytest.mark.parametrize(("folder", "variable"), [row[:2] for row in ALL])
def test_of_several_folders_the_first_counts(folder, variable: str, monkeypatch) -> None:  # noqa: ANN001 - a function of the module
    """A unit with several folders gets them joined with colons (systemd.exec(5), RuntimeDirectory=)."""
    monkeypatch.setenv(variable, "/run/first:/run/second")
    assert folder() == Path("/run/first")


def test_where_the_daemon_finds_the_one_that_fetches() -> None:
    """That of the installed daemon has a folder of its own; any other one's is beside the daemon's sockets."""
    assert fetch_socket(Path("/run/sithsd")) == Path("/run/sithsd-fetch/io.sithsd.Fetch")
    assert fetch_socket(Path("/tmp/house/run")) == Path("/tmp/house/run/io.sithsd.Fetch")  # noqa: S108 - a name alone


def test_a_socket_is_named_after_its_interface() -> None:
    """One socket per interface, named after it, as varlink services do."""
    assert (CARDS_SOCKET, CODES_SOCKET, FETCH_SOCKET) == ("io.sithsd.Cards", "io.sithsd.Codes", "io.sithsd.Fetch")
