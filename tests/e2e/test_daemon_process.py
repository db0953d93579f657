"""sithsd as a process: how it starts, what stops it from starting, what it tells its manager, how it ends."""

import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from e2e_household import (
    CARDS,
    CODES,
    DEADLINE,
    PIN,
    READER_0,
    WRONG_PIN,
    Household,
    next_note,
    notify_socket,
)

from sithsd.simulator.stage import Stage

WATCHDOG_USEC = "200000"
UNUSABLE = 78
QUIET_SECONDS = 2.0


def outcome(house: Household, *more: str, **environment: str) -> tuple[int, str]:
    """Run the daemon to its end; return its exit status and the one line that it wrote."""
    done = subprocess.run(
        [*house.command(), *more],
        env={**house.environment, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=DEADLINE,
    )
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("sithsd: ")
    return done.returncode, lines[0]


@pytest.fixture(scope="module")
def lone_house(house_on: Callable[[Stage], Household]) -> Iterator[Household]:
    """Return a house without a daemon, for those that do not come so far."""
    with Stage(1) as stage, closing(house_on(stage)) as made:
        yield made


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ("[log\n", "line 1"),
        ("[log]\nlevel = 'loud'\n", "$.log.level"),
        ("[validity]\nenvironments = ['moon']\n", "$.validity.environments"),
        ("[rights]\nfile = 7\n", "$.rights.file"),
        (b"\xff\xfe", ""),
        (None, "No such file"),
    ],
)
def test_malformed_settings_are_told_in_one_line(
    lone_house: Household, tmp_path: Path, settings: str | bytes | None, told: str
) -> None:
    """Exit status 78, and one line with file, place and reason."""
    file = tmp_path / "sithsd.toml"
    if settings is not None:
        file.write_bytes(settings if isinstance(settings, bytes) else settings.encode())
    status, line = outcome(lone_house, "--config", str(file))
    assert status == UNUSABLE
    assert str(file) in line
    assert told in line


@pytest.mark.parametrize(
    ("key", "content", "told"),
    [
        ("anchors", b"no certificate at all", "certificate"),
        ("issuers", b"\x30\x03\x02\x01\x00", "certificate"),
        ("anchors", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "certificate"),
        ("issuers", None, "No such file"),
    ],
)
def test_malformed_certificate_files_are_told_in_one_line(
    lone_house: Household, tmp_path: Path, key: str, content: bytes | None, told: str
) -> None:
    """Exit status 78, and one line with file and reason."""
    file, settings = tmp_path / "given.pem", tmp_path / "sithsd.toml"
    if content is not None:
        file.write_bytes(content)
    settings.write_text(f'[validity]\n{key} = ["{file}"]\n')
    status, line = outcome(lone_house, "--config", str(settings))
    assert status == UNUSABLE
    assert str(file) in line
    assert told in line


def test_a_root_that_is_not_pinned_is_refused(lone_house: Household, tmp_path: Path) -> None:
    """A simulated root without its fingerprint in the settings is no anchor, nor is an issuer one."""
    pki = lone_house.state / "simulator" / "pki"
    settings = tmp_path / "sithsd.toml"
    for file in ("root.pem", "issuers.pem"):
        settings.write_text(f'[validity]\nenvironments = ["sim"]\nanchors = ["{pki / file}"]\n')
        status, line = outcome(lone_house, "--config", str(settings))
        assert (status, str(pki / file) in line, "no pinned root" in line) == (UNUSABLE, True, True)


PROFILE = """
name = "mine"
title = "A card family of this site"
backend = "pkcs15"
evidence = "assumed"
[[probe]]
aid = "A0 00 00 00 63 50 4B 43 53 2D 31 35"
"""


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("name = \n", "line 1"),
        (PROFILE.replace('"assumed"', '"rumoured"'), "$.evidence"),
        (PROFILE.replace("A0 00", "A0 0"), "aid"),
        (PROFILE.replace('"mine"', '"yours"'), "name"),
    ],
)
def test_a_malformed_site_profile_is_told_in_one_line(
    lone_house: Household, tmp_path: Path, content: str, told: str
) -> None:
    """Exit status 78, and one line with file, place and reason."""
    folder = site_folder(tmp_path, content)
    status, line = outcome(lone_house, "--config", str(lone_house.write_config(f'[drivers]\nsite = "{folder}"\n')))
    assert status == UNUSABLE
    if os.geteuid() == 0:
        assert str(folder / "mine" / "profile.toml") in line
        assert told in line
    else:
        assert f"{folder}: a site profile has to be root's" in line


def test_a_site_profile_that_others_may_write_is_refused(lone_house: Household, tmp_path: Path) -> None:
    """What decides about commands to cards has to be root's alone."""
    folder = site_folder(tmp_path, PROFILE)
    (folder / "mine" / "profile.toml").chmod(0o666)
    status, line = outcome(lone_house, "--config", str(lone_house.write_config(f'[drivers]\nsite = "{folder}"\n')))
    assert status == UNUSABLE
    assert "writable by root alone" in line


def site_folder(place: Path, content: str) -> Path:
    """Make a folder of site profiles with one in it."""
    folder = place / "drivers.d"
    (folder / "mine").mkdir(parents=True)
    (folder / "mine" / "profile.toml").write_text(content)
    for path in (folder, folder / "mine", folder / "mine" / "profile.toml"):
        path.chmod(path.stat().st_mode & ~0o022)
    return folder


def test_a_malformed_card_is_told_in_one_line(lone_house: Household, tmp_path: Path) -> None:
    """sithsd-sim names the file and the place in it, and makes no card of it."""
    for content, told in (
        ("title = \n", "line 1"),
        ("surplus = 1\n", "surplus"),
        ('codes = { puk = "x" }', "$.codes.puk"),
    ):
        file = tmp_path / "mine.toml"
        file.write_text(content)
        done = lone_house.stage.run(
            [*lone_house.program("sithsd-sim"), "insert", str(file)],
            env=lone_house.environment,
            capture_output=True,
            text=True,
        )
        assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (1, "", 1)
        assert str(file) in done.stderr
        assert told in done.stderr


def test_a_second_daemon_on_the_same_sockets_ends(house: Household) -> None:
    """It says so in one line with status 1; the first one serves on, and keeps its sockets."""
    status, line = outcome(house)
    assert status == 1
    assert f"{house.run / CARDS}: another program listens here already" in line
    with house.wire() as cards, house.wire(CODES) as codes:
        assert "readers" in cards.call(f"{CARDS}.List")["parameters"]
        assert "interfaces" in codes.call("org.varlink.service.GetInfo")["parameters"]


def test_something_else_in_the_place_of_a_socket_is_left_alone(lone_house: Household) -> None:
    """A file that is no socket is not removed: one line, status 1."""
    lone_house.write_config()
    lone_house.run.mkdir(exist_ok=True)
    in_the_way = lone_house.run / CARDS
    in_the_way.write_text("mine")
    status, line = outcome(lone_house)
    assert (status, str(in_the_way) in line, in_the_way.read_text()) == (1, True, "mine")
    in_the_way.unlink()
    assert not (lone_house.run / CODES).exists()


def test_a_runtime_folder_that_can_not_be_made(lone_house: Household, tmp_path: Path) -> None:
    """One line with the path, status 1."""
    (tmp_path / "file").write_text("")
    status, line = outcome(lone_house, "--runtime-dir", str(tmp_path / "file" / "run"))
    assert (status, str(tmp_path / "file") in line) == (1, True)


def test_sockets_of_a_killed_daemon_are_replaced(house: Household) -> None:
    """SIGKILL leaves socket files behind; the next daemon takes their places, and the card is read again."""
    house.insert("ordinary")
    house.kill()
    assert (house.run / CARDS).is_socket()
    assert house.ctl("status", "--json").error["code"] == "daemon.unavailable"
    house.start()
    assert house.await_reader("ready")["card"]["holder"]["hsaId"] == "SE2321000016-SIM1"


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order(house: Household, how: signal.Signals) -> None:
    """Status 0, the sockets are gone, and who was listening is told that the daemon ends."""
    house.insert("ordinary")
    monitor = house.background([*house.program("sithsctl"), "monitor", "--json"], text=True)
    assert monitor.stdout is not None
    monitor.stdout.readline()
    daemon = house.daemon
    assert daemon is not None
    daemon.send_signal(how)
    assert daemon.wait(DEADLINE) == 0
    assert not (house.run / CARDS).exists()
    assert not (house.run / CODES).exists()
    last = monitor.stdout.read().splitlines()[-1]
    assert '"daemon.unavailable"' in last
    assert monitor.wait(DEADLINE) == 3
    house.start()


def test_a_signal_during_the_start_ends_it_too(new_house: Callable[..., Household]) -> None:
    """Whenever SIGTERM comes, no socket stays behind that nobody serves."""
    house = new_house(1)
    for delay in (0.0, 0.2, 0.4, 0.6, 0.8):
        daemon = subprocess.Popen(house.command(), env=house.environment, stderr=subprocess.DEVNULL)
        time.sleep(delay)  # any moment will do: the rule holds for all of them
        daemon.terminate()
        assert daemon.wait(DEADLINE) in {0, -signal.SIGTERM}
        assert [one for one in (house.run / CARDS, house.run / CODES) if one.exists()] == []


def test_options_go_before_the_environment(new_house: Callable[..., Household], tmp_path: Path) -> None:
    """--runtime-dir wins over $RUNTIME_DIRECTORY; without it the variable is used, by daemon and client alike."""
    house = new_house(1)
    house.environment["RUNTIME_DIRECTORY"] = str(tmp_path / "elsewhere")
    house.start()
    assert (house.run / CARDS).is_socket()
    assert not (tmp_path / "elsewhere").exists()
    assert house.ctl("status", "--json").error["code"] == "daemon.unavailable"
    assert house.ctl("status", "--json", "--runtime-dir", str(house.run)).status == 0
    house.environment["RUNTIME_DIRECTORY"] = str(house.run)
    assert house.ctl("status", "--json").status == 0


def test_sockets_handed_over_by_a_service_manager(new_house: Callable[..., Household]) -> None:
    """systemd-socket-activate starts it at the first connection, which is answered; its sockets are left in place."""
    house = new_house(1)
    house.run.mkdir()
    paths = [house.run / name for name in (CARDS, CODES)]
    passed = [f"-E{name}" for name in ("PCSCLITE_CSOCK_NAME", "STATE_DIRECTORY", "RUNTIME_DIRECTORY")]
    listen = [f"--listen={path}" for path in paths]
    command = [
        "systemd-socket-activate",
        *listen,
        f"--fdname={CARDS}:{CODES}",
        *passed,
        *house.program("sithsd"),
        f"--config={house.config}",
        "--runtime-dir=/nonexistent",
    ]
    with house.log.open("ab") as log:
        activated = house.background(command, stdout=log, stderr=log)
    deadline = time.monotonic() + DEADLINE
    while not paths[1].exists():
        assert time.monotonic() < deadline
        assert activated.poll() is None
        time.sleep(0.01)
    with house.wire() as wire:  # it is started by this very connection
        first = wire.call(f"{CARDS}.List")["parameters"]
        assert (len(first["readers"]), first["service"]) == (1, True)
    house.insert("ordinary")
    assert house.verify(PIN).status == 0
    activated.terminate()
    assert activated.wait(DEADLINE) == 0
    assert [path.is_socket() for path in paths] == [True, True]


def test_a_service_manager_is_told(house: Household) -> None:
    """READY=1 when the sockets answer, WATCHDOG=1 as often as asked, STOPPING=1 at the end."""
    house.stop()
    with notify_socket(house.folder / "manager") as notes:
        environment = {
            **house.environment,
            "NOTIFY_SOCKET": str(house.folder / "manager"),
            "WATCHDOG_USEC": WATCHDOG_USEC,
        }
        daemon = house.background(house.command(), env=environment, stdout=None, stderr=subprocess.DEVNULL)
        told = [next_note(notes, daemon)]
        with house.wire() as wire:
            assert "readers" in wire.call(f"{CARDS}.List")["parameters"]
        told += [next_note(notes, daemon) for _ in range(3)]
        assert set(told[:2]) == {b"READY=1", b"WATCHDOG=1"}
        assert told[2:] == [b"WATCHDOG=1"] * 2
        daemon.terminate()
        assert daemon.wait(DEADLINE) == 0
        last = b""
        while last != b"STOPPING=1":  # behind what was told before
            assert select.select([notes], [], [], 0)[0], last
            last = notes.recv(4096)
    house.start()


def test_a_watchdog_of_another_process_is_not_fed(house: Household) -> None:
    """WATCHDOG_PID names whom it is for (sd_watchdog_enabled(3)); without a watchdog there is nothing to tell."""
    house.stop()
    with notify_socket(house.folder / "manager") as notes:
        environment = {
            **house.environment,
            "NOTIFY_SOCKET": str(house.folder / "manager"),
            "WATCHDOG_USEC": WATCHDOG_USEC,
            "WATCHDOG_PID": "1",
        }
        daemon = house.background(house.command(), env=environment, stdout=None, stderr=subprocess.DEVNULL)
        assert next_note(notes, daemon) == b"READY=1"
        time.sleep(3 * int(WATCHDOG_USEC) / 1e6)  # time enough for a watchdog that should not be there
        daemon.terminate()
        assert daemon.wait(DEADLINE) == 0
        assert notes.recv(4096) == b"STOPPING=1"
    house.start()


def test_nobody_gets_a_core_file(house: Household) -> None:
    """The daemon's limit for core files is 0, and can't be raised again."""
    assert house.daemon is not None
    limits = Path(f"/proc/{house.daemon.pid}/limits").read_text().splitlines()
    core = next(line for line in limits if line.startswith("Max core file size"))
    assert core.split()[4:6] == ["0", "0"]


def test_nothing_wakes_it_up(house: Household) -> None:
    """With a card in and a client listening, no thread of the daemon runs while nothing happens."""
    house.insert("ordinary")
    assert_quiet(house, threads=3)


def test_nothing_wakes_it_up_without_pcscd(new_house: Callable[..., Household]) -> None:
    """It does not look again and again for a service that is not there."""
    house = new_house(1, autostart=False)
    house.start()
    assert_quiet(house, threads=2)


def assert_quiet(house: Household, threads: int) -> None:
    """Check that there comes a while in which none of the daemon's threads, as many at least, is scheduled."""
    with house.wire() as stream:
        stream.ask(f"{CARDS}.Monitor", more=True)
        stream.receive()
        deadline = time.monotonic() + DEADLINE
        before, now = {"": -1}, switches(house)
        while now != before:  # the monitor's last look at the list of readers comes a while after an event
            assert time.monotonic() < deadline, (before, now)
            before = now
            time.sleep(QUIET_SECONDS)
            now = switches(house)
    assert len(now) >= threads


def switches(house: Household) -> dict[str, int]:
    """Return how often each thread of the daemon was scheduled."""
    assert house.daemon is not None
    found = {}
    for thread in Path(f"/proc/{house.daemon.pid}/task").iterdir():
        lines = (thread / "status").read_text().splitlines()
        found[thread.name] = sum(int(line.split()[1]) for line in lines if "ctxt_switches" in line)
    return found


def test_settings_decide_what_is_trusted(new_house: Callable[..., Household]) -> None:
    """Without settings a simulated card is shown as SIM and trusted in nothing; certificates may lie in the state."""
    house = new_house(1)
    trusting = house.config.read_text()
    house.config.write_text("")
    house.start()
    card = house.insert("ordinary")["card"]
    assert card["environment"] == "sim"
    verdicts = [one["verdict"] for one in card["certificates"]]
    assert {one["status"] for one in verdicts} == {"bad"}
    assert {one["reasons"][0] for one in verdicts} == {"environment.notConfigured"}
    house.remove()
    house.stop()
    pki = house.state / "simulator" / "pki"
    for kind, file in (("anchors", "root.pem"), ("issuers", "issuers.pem")):
        (house.state / kind).mkdir()
        (house.state / kind / file).write_bytes((pki / file).read_bytes())
    kept = [line for line in trusting.splitlines() if not line.startswith(("anchors", "issuers"))]
    house.config.write_text("\n".join(kept))
    house.start()
    card = house.insert("ordinary")["card"]
    assert [one["verdict"]["reasons"] for one in card["certificates"]] == [["revocation.notChecked"]] * 4
    assert card["certificates"][0]["anchor"] is not None


def test_a_card_family_is_added_as_a_folder(new_house: Callable[..., Household], tmp_path: Path) -> None:
    """A site's profile of the same name stands in for the shipped one, without a line of code."""
    shipped = (Path(__file__).parents[2] / "drivers" / "sim_pkcs15" / "profile.toml").read_text()
    folder = site_folder(tmp_path, "")
    (folder / "mine").rename(folder / "sim_pkcs15")
    changed = shipped.replace("max_tries = 3", "max_tries = 7")
    assert changed != shipped
    (folder / "sim_pkcs15" / "profile.toml").write_text(changed)
    house = new_house(1)
    house.write_config(f'[drivers]\nsite = "{folder}"\n')
    if os.geteuid() != 0:
        assert outcome(house)[0] == UNUSABLE
        return
    house.start()
    assert house.insert("ordinary")["card"]["codes"][0]["maxTries"] == 7


def test_swedish_and_english(house: Household) -> None:
    """The locale or --lang decides what people read; names, numbers and JSON are the same in both."""
    house.insert("ordinary")
    swedish = house.ctl("status", LC_ALL="sv_SE.UTF-8")
    english = house.ctl("status")
    asked = house.ctl("--lang", "sv", "status")
    assert (swedish.status, english.status, asked.status) == (0, 0, 0)
    assert "Läsare" in swedish.out
    assert swedish.out == asked.out
    assert "Reader" in english.out
    assert "Läsare" not in english.out
    for said in (swedish.out, english.out):
        assert "Tolvan Tolvansson" in said
        assert READER_0 in said
    wrong = house.ctl("verify", "--role", "authentication", "--code-fd", "0", codes=(WRONG_PIN,), LC_ALL="sv_SE.UTF-8")
    assert wrong.status == 5
    assert wrong.out == ""
    assert "försök" in wrong.err
    assert house.ctl("status", "--json", LC_ALL="sv_SE.UTF-8").json == house.ctl("status", "--json").json


@pytest.mark.parametrize("program", ["sithsd", "sithsctl", "sithsd-sim"])
@pytest.mark.parametrize("option", ["--help", "--version"])
def test_programs_explain_themselves(lone_house: Household, program: str, option: str) -> None:
    """Both options end with 0 and speak on stdout alone."""
    done = subprocess.run(
        [*lone_house.program(program), option], env=lone_house.environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert program in done.stdout
