"""The units, judged by systemd's own tools."""

import configparser
import os
import re
import shutil
import stat
import subprocess
import tomllib
from pathlib import Path

import pytest

from sithsd.cli.commands.ssh_agent import SOCKET
from sithsd.locations import FETCH_SOCKET, fetch_runtime_dir

UNITS = Path(__file__).resolve().parents[2] / "systemd"
PROGRAM = r"/usr/lib/sithsd/venv/bin/[\w-]+"
MOST_EXPOSURE = 2.0


def run(*command: str | Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Run one of systemd's programs to its end; a missing program is an error (`make setup` installs them)."""
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "SYSTEMD_COLORS": "0", "SYSTEMD_PAGER": "cat", **more}
    return subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, env=environment, check=False, timeout=60
    )


def unit(name: str) -> configparser.ConfigParser:
    """Read a unit file; a key that stands twice keeps its last value."""
    parser = configparser.ConfigParser(interpolation=None, strict=False, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment, method-assign] - keys keep their case
    parser.read_string((UNITS / name).read_text(encoding="utf-8"))
    return parser


def rows(name: str) -> list[list[str]]:
    """Read the rows of a sysusers.d or tmpfiles.d file."""
    lines = (UNITS / name).read_text(encoding="utf-8").splitlines()
    return [line.split() for line in lines if line and not line.startswith("#")]


@pytest.fixture
def installed(tmp_path: Path) -> list[Path]:
    """Copy the units with a program that exists here: where the daemon is installed is the packager's business."""
    return [copied(source, tmp_path) for source in sorted([*UNITS.glob("*.service"), *UNITS.glob("*.socket")])]


def copied(source: Path, folder: Path) -> Path:
    """Copy a unit, its programs replaced by one that exists here."""
    copy = folder / source.name
    copy.write_text(re.sub(PROGRAM, "/bin/true", source.read_text(encoding="utf-8")), encoding="utf-8")
    return copy


def test_the_units_are_free_of_mistakes(installed: list[Path]) -> None:
    """`systemd-analyze verify` knows every key and value, and has nothing to say."""
    assert len(installed) == 5
    judged = run("systemd-analyze", "verify", "--man=no", *installed)
    assert (judged.returncode, judged.stdout, judged.stderr) == (0, "", "")


def test_the_judge_would_notice_a_mistake(installed: list[Path]) -> None:
    """A misspelt key is reported: the check above can fail."""
    service = next(path for path in installed if path.suffix == ".service")
    service.write_text(service.read_text().replace("ProtectHome=", "ProtectHomes="))
    judged = run("systemd-analyze", "verify", "--man=no", *installed)
    assert "ProtectHomes" in judged.stderr


def test_the_users_unit_is_free_of_mistakes(tmp_path: Path) -> None:
    """The same for the unit of a user's session, and it would be noticed."""
    unit = copied(UNITS / "user" / "sithsd-lock-on-removal.service", tmp_path)
    verify = ("systemd-analyze", "verify", "--user", "--man=no", unit)
    judged = run(*verify, XDG_RUNTIME_DIR=str(tmp_path))
    assert (judged.returncode, judged.stdout, judged.stderr) == (0, "", "")
    unit.write_text(unit.read_text().replace("RestartSec=", "RestartSecs="))
    assert "RestartSecs" in run(*verify, XDG_RUNTIME_DIR=str(tmp_path)).stderr


def test_a_screen_that_is_to_be_locked_is_locked_by_a_program_that_is_restarted() -> None:
    """Any failure is followed by a new start but those that a new start can't mend: no card, no right, bad settings."""
    service = unit("user/sithsd-lock-on-removal.service")["Service"]
    assert service["Restart"] == "on-failure"
    assert service["RestartPreventExitStatus"].split() == ["2", "4", "7"]
    assert service["SuccessExitStatus"] == "4"
    assert service["ExecStart"].endswith("/sithsctl lock-on-removal")


def test_the_agents_units_are_free_of_mistakes(tmp_path: Path) -> None:
    """The same for the agent's socket and service, which belong together."""
    units = [copied(UNITS / "user" / f"sithsd-ssh-agent.{kind}", tmp_path) for kind in ("service", "socket")]
    verify = ("systemd-analyze", "verify", "--user", "--man=no", *units)
    judged = run(*verify, XDG_RUNTIME_DIR=str(tmp_path))
    assert (judged.returncode, judged.stdout, judged.stderr) == (0, "", "")
    units[1].write_text(units[1].read_text().replace("SocketMode=", "SocketModes="))
    assert "SocketModes" in run(*verify, XDG_RUNTIME_DIR=str(tmp_path)).stderr


def test_the_agents_socket_is_the_users_alone() -> None:
    """It lies where sithsctl would make it, is handed over under that name, and nobody else may connect."""
    socket = unit("user/sithsd-ssh-agent.socket")["Socket"]
    assert socket["ListenStream"] == f"%t/{SOCKET}"
    assert (socket["FileDescriptorName"], socket["SocketMode"]) == (SOCKET, "0600")
    assert unit("user/sithsd-ssh-agent.service")["Service"]["LimitCORE"] == "0"


@pytest.mark.parametrize("name", ["sithsd", "sithsd-fetch"])
def test_the_services_are_hardened(name: str) -> None:
    """`systemd-analyze security` rates each service's exposure at 2.0 or less, out of 10."""
    judged = run("systemd-analyze", "security", "--offline=true", "--no-pager", UNITS / f"{name}.service")
    rated = re.search(rf"Overall exposure level for {name}\.service: ([0-9.]+)", judged.stdout)
    assert rated, judged.stdout + judged.stderr
    assert float(rated[1]) <= MOST_EXPOSURE


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("Type", "notify"),
        ("NotifyAccess", "main"),
        ("WatchdogSec", "30"),
        ("LimitCORE", "0"),
        ("LimitMEMLOCK", "infinity"),
        ("ProtectProc", "default"),
        ("MemorySwapMax", "0"),
        ("PrivateNetwork", "yes"),
        ("RestrictAddressFamilies", "AF_UNIX"),
        ("CapabilityBoundingSet", ""),
        ("NoNewPrivileges", "yes"),
        ("UMask", "0077"),
        ("PrivateUsers", "no"),
    ],
)
def test_what_codes_and_clients_rely_on_is_said(key: str, value: str) -> None:
    """No core file, no swap and no network where codes pass; the watchdog; and clients' uids as they are."""
    assert unit("sithsd.service")["Service"][key] == value


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("Type", "notify"),
        ("User", "sithsd-fetch"),
        ("Group", "sithsd-fetch"),
        ("RestrictAddressFamilies", "AF_UNIX AF_INET AF_INET6"),
        ("SocketBindDeny", "any"),
        ("StateDirectory", "sithsd-fetch"),
        ("PrivateDevices", "yes"),
        ("CapabilityBoundingSet", ""),
        ("NoNewPrivileges", "yes"),
        ("LimitCORE", "0"),
        ("MemoryMax", "512M"),
        ("UMask", "0077"),
    ],
)
def test_what_has_the_network_has_nothing_else(key: str, value: str) -> None:
    """Its own user, families of addresses, no port of its own, a bound on its memory, and no device."""
    assert unit("sithsd-fetch.service")["Service"][key] == value


def test_what_has_the_network_reaches_no_card() -> None:
    """Neither pcscd nor the daemon's sockets and state can be reached by what may be broken into from outside."""
    hidden = unit("sithsd-fetch.service")["Service"]["InaccessiblePaths"].split()
    assert {"-/run/pcscd", "-/run/sithsd", "-/var/lib/sithsd"} == set(hidden)


def test_the_daemon_works_without_what_fetches() -> None:
    """The daemon wants it and waits for its socket; nothing of it is required."""
    text = (UNITS / "sithsd.service").read_text(encoding="utf-8")
    assert "Wants=sithsd-fetch.socket\n" in text
    assert "sithsd-fetch" not in unit("sithsd.service")["Unit"]["Requires"]


def _calls(group: str) -> set[str]:
    """Return the system calls of one of systemd's groups, those of the groups in it included."""
    listed = run("systemd-analyze", "syscall-filter", group).stdout.splitlines()
    names = {line.strip() for line in listed[1:] if line.strip() and not line.strip().startswith("#")}
    return {name for name in names if not name.startswith("@")}.union(*(_calls(one) for one in names if one[0] == "@"))


def test_the_child_that_a_module_lives_in_is_allowed() -> None:
    """What it takes to start, watch, bound and end a child process passes the unit's filter of system calls."""
    text = (UNITS / "sithsd.service").read_text(encoding="utf-8")
    allowed: set[str] = set()
    for value in re.findall(r"^SystemCallFilter=(.*)$", text, re.MULTILINE):
        for group in value.removeprefix("~").split():
            allowed = allowed - _calls(group) if value.startswith("~") else allowed | _calls(group)
    starting = {"clone", "vfork", "execve", "setsid", "socketpair", "dup2", "pidfd_open", "kill", "wait4", "poll"}
    bounding = {"prlimit64", "prctl", "mlockall", "setitimer", "rt_sigaction"}
    assert starting | bounding <= allowed


def test_the_sockets_outlive_the_service() -> None:
    """The folder of the sockets is not the service's: at stop it would be removed from under the socket units."""
    assert "RuntimeDirectory" not in unit("sithsd.service")["Service"]
    assert unit("sithsd.service")["Service"]["StateDirectory"] == "sithsd"
    assert "RuntimeDirectory" not in unit("sithsd-fetch.service")["Service"]


@pytest.mark.parametrize(
    ("name", "interface"),
    [("sithsd-cards.socket", "io.sithsd.Cards"), ("sithsd-codes.socket", "io.sithsd.Codes")],
)
def test_each_interface_has_its_socket(name: str, interface: str) -> None:
    """A socket is named after its interface, on disk and as a handed-over descriptor; everybody connects."""
    socket = unit(name)["Socket"]
    assert socket["ListenStream"] == f"/run/sithsd/{interface}"
    assert socket["FileDescriptorName"] == interface
    assert socket["Service"] == "sithsd.service"
    assert socket["SocketMode"] == "0666"


def test_the_socket_of_what_fetches_is_the_daemons() -> None:
    """Nobody but root and the daemon's group may have issuers asked."""
    socket = unit("sithsd-fetch.socket")["Socket"]
    assert socket["ListenStream"] == str(fetch_runtime_dir() / FETCH_SOCKET)
    assert (socket["FileDescriptorName"], socket["Service"]) == (FETCH_SOCKET, "sithsd-fetch.service")
    assert (socket["SocketMode"], socket["SocketGroup"]) == ("0660", unit("sithsd.service")["Service"]["Group"])


def test_the_users_named_are_made(tmp_path: Path) -> None:
    """systemd-sysusers makes the services' users and the groups that the shipped rights name, and nothing else."""
    folder = tmp_path / "usr/lib/sysusers.d"
    folder.mkdir(parents=True)
    (tmp_path / "etc").mkdir()
    shutil.copy(UNITS / "sithsd.sysusers", folder / "sithsd.conf")
    made = run("systemd-sysusers", f"--root={tmp_path}", "--dry-run")
    assert made.returncode == 0, made.stderr
    names = set(re.findall(r"(?:user|group) '([^']+)'", made.stdout + made.stderr))
    service = unit("sithsd.service")["Service"]
    shipped = tomllib.loads((UNITS.parent / "sithsd" / "policy" / "rights.toml").read_text(encoding="utf-8"))
    groups = {one.removeprefix("group:") for line in shipped.values() for one in line if one.startswith("group:")}
    fetch = unit("sithsd-fetch.service")["Service"]
    users = {service["User"], service["Group"], fetch["User"], fetch["Group"]}
    assert names == users | groups == {"sithsd", "sithsd-desk", "sithsd-fetch"}


def test_the_folders_are_made_with_their_modes(tmp_path: Path) -> None:
    """systemd-tmpfiles makes each folder: state for the service's user alone, sockets' and settings' folders root's."""
    folder = tmp_path / "usr/lib/tmpfiles.d"
    folder.mkdir(parents=True)
    # Owners are changed to whoever runs this test; who they should be is compared below.
    mine = [[*row[:3], str(os.geteuid()), str(os.getegid()), *row[5:]] for row in rows("sithsd.tmpfiles")]
    (folder / "sithsd.conf").write_text("".join(" ".join(row) + "\n" for row in mine), encoding="utf-8")
    for parent in ("run", "etc", "var/lib"):
        (tmp_path / parent).mkdir(parents=True)
    made = run("systemd-tmpfiles", "--create", f"--root={tmp_path}")
    assert (made.returncode, made.stderr) == (0, "")
    wanted = {
        "/run/sithsd": (0o755, "root"),
        "/var/lib/sithsd": (0o700, "sithsd"),
        "/run/sithsd-fetch": (0o755, "root"),
        "/var/lib/sithsd-fetch": (0o700, "sithsd-fetch"),
        "/etc/sithsd": (0o755, "root"),
        "/etc/sithsd/anchors": (0o755, "root"),
        "/etc/sithsd/drivers.d": (0o755, "root"),
    }
    owners = {row[1]: row[3] for row in rows("sithsd.tmpfiles")}
    modes = {path: stat.S_IMODE((tmp_path / path.lstrip("/")).stat().st_mode) for path in owners}
    assert {path: (modes[path], owners[path]) for path in owners} == wanted


def test_polkit_lets_the_services_user_reach_pcscd() -> None:
    """On a pcscd with polkit the rule names both of its actions and the very user that the service runs as."""
    rule = (UNITS / "50-sithsd.rules").read_text(encoding="utf-8")
    assert set(re.findall(r'action\.id === "([^"]+)"', rule)) == {
        "org.debian.pcsc-lite.access_pcsc",
        "org.debian.pcsc-lite.access_card",
    }
    assert re.findall(r'subject\.user === "([^"]+)"', rule) == [unit("sithsd.service")["Service"]["User"]]


def test_no_unit_is_a_python_package() -> None:
    """The folder's name is that of a Python library: an `__init__.py` in it would stand in that library's way."""
    assert not list(UNITS.glob("**/*.py"))
