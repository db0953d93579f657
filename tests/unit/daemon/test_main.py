"""What can stop the daemon from starting: one line, and an exit status that says which."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from click.testing import CliRunner
from structlog.testing import capture_logs

from sithsd import __version__, memory
from sithsd.api.sockets import SocketError
from sithsd.daemon.main import main
from sithsd.service import config


@pytest.fixture(autouse=True)
def protected(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Note when memory is protected, which is not this process's: most of that can't be undone."""
    order: list[str] = []
    load = config.load

    def protect() -> tuple[str, ...]:
        order.append("protected")
        return ()

    def note_load(path: Path | None) -> config.Settings:
        order.append("settings")
        return load(path)

    monkeypatch.setattr(memory, "protect", protect)
    monkeypatch.setattr(config, "load", note_load)
    before = structlog.get_config()
    yield order
    structlog.configure(**before)


def run(*arguments: str) -> tuple[int, list[str]]:
    """Run `sithsd`; return its exit status and what it said."""
    result = CliRunner().invoke(main, list(arguments))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output.splitlines()


def folders(tmp_path: Path) -> list[str]:
    """Return the options for folders of the test's own."""
    return ["--runtime-dir", str(tmp_path / "run"), "--state-dir", str(tmp_path / "state")]


def test_settings_that_can_not_be_used(tmp_path: Path) -> None:
    """Malformed settings are exit status 78 and one line with file, place and reason."""
    path = tmp_path / "sithsd.toml"
    path.write_text('[log]\nlevel = "loud"\n')
    status, said = run(*folders(tmp_path), "--config", str(path))
    assert status == 78
    (line,) = said
    assert line.startswith(f"sithsd: {path}: ")
    assert "$.log.level" in line


def test_settings_that_are_not_there(tmp_path: Path) -> None:
    """A file that was named and is not there is no reason to run with the defaults."""
    status, said = run(*folders(tmp_path), "--config", str(tmp_path / "none.toml"))
    assert status == 78
    assert "No such file" in said[0]


def test_a_site_profile_that_can_not_be_used(tmp_path: Path) -> None:
    """A malformed profile of the site is exit status 78 and one line."""
    family = tmp_path / "drivers.d" / "made_up"
    family.mkdir(parents=True)
    (family / "profile.toml").write_text("name = 7\n")
    path = tmp_path / "sithsd.toml"
    path.write_text(f'[drivers]\nsite = "{tmp_path / "drivers.d"}"\n')
    status, said = run(*folders(tmp_path), "--config", str(path))
    assert status == 78
    (line,) = said
    assert line.startswith(f"sithsd: {family / 'profile.toml'}: ") or "root" in line


def test_a_policy_that_can_not_be_used(tmp_path: Path) -> None:
    """A malformed policy is exit status 78 and one line with file, place and reason, and no audit was begun."""
    policy = tmp_path / "policy.toml"
    policy.write_text("[puk]\nfloor = 99\n")
    path = tmp_path / "sithsd.toml"
    path.write_text(f'[policy]\nfile = "{policy}"\n')
    status, said = run(*folders(tmp_path), "--config", str(path))
    assert status == 78
    (line,) = said
    assert line.startswith(f"sithsd: {policy}: ")
    assert "floor" in line
    assert not (tmp_path / "state").exists()


def test_an_anchor_that_can_not_be_used(tmp_path: Path) -> None:
    """An anchor's file that is no certificate is exit status 78 and one line."""
    anchor = tmp_path / "anchor.pem"
    anchor.write_text("not a certificate")
    path = tmp_path / "sithsd.toml"
    path.write_text(f'[validity]\nanchors = ["{anchor}"]\n')
    status, said = run(*folders(tmp_path), "--config", str(path))
    assert status == 78
    assert len(said) == 1
    assert str(anchor) in said[0]


@pytest.mark.parametrize("mode", [0o600, 0o620])
def test_a_table_of_issuers_that_can_not_be_used(tmp_path: Path, mode: int) -> None:
    """A malformed table, or one that others may write, is exit status 78 and one line."""
    table = tmp_path / "issuers.toml"
    table.write_text("[[issuer]]\nlevel = 3\n")
    table.chmod(mode)
    path = tmp_path / "sithsd.toml"
    path.write_text(f'[validity]\nissuer_table = "{table}"\n')
    status, said = run(*folders(tmp_path), "--config", str(path))
    assert status == 78
    (line,) = said
    assert line.startswith(f"sithsd: {table}: ")
    assert ("writable by its owner alone" in line) is (mode == 0o620)


def test_sockets_that_can_not_be_made(tmp_path: Path) -> None:
    """A folder for the sockets that can't be made is exit status 1 and one line."""
    (tmp_path / "run").write_text("a file where the folder should be")
    path = tmp_path / "sithsd.toml"
    path.write_text("")
    status, said = run(*folders(tmp_path), "--config", str(path))
    assert status == 1
    assert len(said) == 1
    assert said[0].startswith("sithsd: ")
    # Another daemon may run, whose audit that is: it was not touched.
    assert not (tmp_path / "state").exists()


def test_memory_is_protected_first(tmp_path: Path, protected: list[str]) -> None:
    """Before anything else, the settings included, the daemon keeps its memory to itself."""
    run(*folders(tmp_path), "--config", str(tmp_path / "none.toml"))
    assert protected == ["protected", "settings"]


def test_version() -> None:
    """The version is told."""
    assert run("--version") == (0, [f"sithsd, version {__version__}"])


@pytest.mark.parametrize("starts", [True, False])
def test_what_memory_lacks_is_told_by_a_daemon_that_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, starts: bool
) -> None:
    """A warning in the log of one that waits for work; one that can't start says its reason alone."""

    async def serve(*_: object) -> None:
        if not starts:
            raise SocketError("in use")
        await asyncio.sleep(0)

    monkeypatch.setattr("sithsd.daemon.main.serve", serve)
    monkeypatch.setattr(memory, "protect", lambda: ("no lock",))
    (tmp_path / "sithsd.toml").write_text("")
    with capture_logs() as lines:
        monkeypatch.setattr("sithsd.service.journal.set_up", lambda *_: None)
        status, said = run(*folders(tmp_path), "--config", str(tmp_path / "sithsd.toml"))
    assert [line["detail"] for line in lines] == (["no lock"] if starts else [])
    assert (status, said) == ((0, []) if starts else (1, ["sithsd: in use"]))
