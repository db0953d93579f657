"""OpenSSH with sithsd's agent: its ssh logs in at its sshd with the key of a simulated card, and its tools are served.

The sshd is the test's own: on the loopback of a stage's own network, with a host key and settings made here.
"""

import base64
import importlib.util
import os
import pwd
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from sithsd.cli.ssh import protocol
from sithsd.cli.ssh.packing import string, uint32
from sithsd.simulator.shelf import Shelf
from sithsd.simulator.stage import Stage, end

HERE = Path(__file__).parent
PORT = 2222
HOST = f"[127.0.0.1]:{PORT}"
PIN, WRONG_PIN = "739146", "000000"
ME = pwd.getpwuid(os.geteuid()).pw_name
SECONDS = 60.0
# A program for SSH_ASKPASS: notes what it is asked, and answers with the next line of a file. "fifo" waits for the
# answer, "cancel" gives none, and what is only told stays until it is taken away.
ASKPASS = """#!/bin/sh
cd "$ASKPASS_FOLDER" || exit 1
printf '[%s] %s\\n---\\n' "${SSH_ASKPASS_PROMPT:-code}" "$1" >>asked
[ "$SSH_ASKPASS_PROMPT" = none ] && exec sleep 600
answer=$(head -n 1 answers)
sed -i 1d answers
case $answer in
    fifo) exec cat fifo ;;
    cancel | "") exit 1 ;;
esac
printf '%s\\n' "$answer"
"""


def _loaded(name: str, path: Path) -> ModuleType:
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


for _part in ("vpcd_card", "ifd_card", "wire", "model_card", "household"):
    _loaded(f"e2e_{_part}", HERE.parent / "e2e" / f"{_part}.py")
household = sys.modules["e2e_household"]
BIN = household.BIN


def until(reached: Callable[[], Any]) -> Any:
    """Wait until something is so, and return it."""
    deadline = time.monotonic() + SECONDS
    while not (found := reached()):
        assert time.monotonic() < deadline, "it never came to this"
        time.sleep(0.02)
    return found


@pytest.fixture(scope="module")
def shared_house(made_cards: Shelf, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Run the daemon on a stage. The cards `mine` and `theirs` have a PIN that stands nowhere else."""
    folder = tmp_path_factory.mktemp("fixtures")
    codes = f'codes = {{ authentication = "{PIN}" }}\n'
    (folder / "mine.toml").write_text(f'title = "ordinary, with another PIN"\n{codes}')
    theirs = 'holder = { given_name = "Elva", surname = "Elvasson", hsa_id = "SE2321000016-SIM11" }\n'
    (folder / "theirs.toml").write_text(f'title = "a colleague\'s"\nidentities = ["hsaId"]\n{codes}{theirs}')
    for name in (str(folder / "mine.toml"), str(folder / "theirs.toml"), "blocked"):
        made_cards.card(name)
    made_cards.write_configuration()
    with Stage(2) as stage, closing(household.Household(stage, made_cards.folder.parent)) as made:
        made.start()
        yield made


@pytest.fixture
def house(shared_house: Any) -> Iterator[Any]:
    """Return the house: readers empty, cards new. Afterwards the daemon has to be alive, without a fault."""
    yield shared_house
    shared_house.tidy()


class Sshd:
    """A real sshd on the stage's loopback: it logs in whoever has one of `keys`, as the user who runs the tests."""

    def __init__(self, stage: Stage, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "sshd.log"
        self.keys = folder / "authorized_keys"
        self.keys.touch()
        host_key = folder / "host_key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", host_key], check=True)
        self.host_key = " ".join(Path(f"{host_key}.pub").read_text().split()[:2])
        (folder / "known_hosts").write_text(f"{HOST} {self.host_key}\n")
        (folder / "sshd_config").write_text(
            f"ListenAddress 127.0.0.1:{PORT}\nHostKey {host_key}\nAuthorizedKeysFile {self.keys}\nPidFile none\n"
            "UsePAM no\nStrictModes no\nPermitRootLogin prohibit-password\nPasswordAuthentication no\n"
            "KbdInteractiveAuthentication no\nLogLevel VERBOSE\nPubkeyAcceptedAlgorithms +ssh-rsa\nMaxStartups 100\n"
        )
        # /run/sshd, which sshd wants, is made where nobody else sees it.
        script = 'mount -t tmpfs tmpfs /run && mkdir -m 755 /run/sshd && exec /usr/sbin/sshd -D -e -f "$1"'
        with self.log.open("ab") as log:
            self._process = stage.spawn(
                ["unshare", "--mount", "sh", "-c", script, "sh", str(folder / "sshd_config")], stdout=log, stderr=log
            )
        until(lambda: self._process.poll() is None and "Server listening" in self.log.read_text())

    def close(self) -> None:
        """End it."""
        end(self._process)


@pytest.fixture(scope="module")
def sshd(shared_house: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """Run the server, on the house's stage."""
    missing = "" if Path("/usr/sbin/sshd").exists() else "openssh-server is not installed (make setup installs it)"
    if os.geteuid() != 0:
        missing = "a sshd that changes users needs root"
    if missing and os.environ.get("CI"):
        pytest.fail(missing)
    if missing:
        pytest.skip(missing)
    with closing(Sshd(shared_house.stage, tmp_path_factory.mktemp("sshd"))) as server:
        yield server


class Desk:
    """Where a person works: an agent in the foreground, a program that asks for the PIN, and OpenSSH's programs."""

    def __init__(self, house: Any, folder: Path) -> None:
        self.house = house
        self.folder = folder
        self.said = b""
        askpass = folder / "askpass"
        askpass.write_text(ASKPASS)
        askpass.chmod(0o700)
        (folder / "home").mkdir()
        os.mkfifo(folder / "fifo")
        self.answers()
        (folder / "asked").touch()
        self.environment = {
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "HOME": str(folder / "home"),
            "LC_ALL": "C.UTF-8",
            "RUNTIME_DIRECTORY": str(house.run),
            "XDG_RUNTIME_DIR": str(folder),
            "SSH_ASKPASS": str(askpass),
            "SSH_ASKPASS_REQUIRE": "force",
            "ASKPASS_FOLDER": str(folder),
        }
        self.agent: subprocess.Popen[bytes] | None = None

    @property
    def socket(self) -> Path:
        """The agent's socket."""
        return self.folder / "sithsd-ssh-agent.sock"

    @property
    def log(self) -> str:
        """What the agent has said to whoever runs it."""
        return (self.folder / "agent.log").read_text()

    def start(self, *options: str) -> None:
        """Start the agent, and wait until it serves."""
        with (self.folder / "agent.log").open("ab") as log:
            self.agent = subprocess.Popen(
                [BIN / "sithsctl", "ssh-agent", "--foreground", *options],
                env=self.environment,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        assert self.agent.stdout is not None
        told = b"".join(self.agent.stdout.readline() for _ in range(3)).decode()
        assert f"SSH_AUTH_SOCK={self.socket}; export SSH_AUTH_SOCK;" in told

    def stop(self) -> None:
        """End the agent, which has to end in order and leave no socket."""
        agent, self.agent = self.agent, None
        if agent is not None:
            end(agent)
            assert agent.returncode == 0, self.log
            assert not self.socket.exists()

    def answers(self, *lines: str) -> None:
        """Let the person answer the next questions in this way."""
        (self.folder / "answers").write_text("".join(f"{line}\n" for line in lines))

    @property
    def asked(self) -> list[str]:
        """What the person was asked and told, each with its kind before it."""
        return (self.folder / "asked").read_text().split("\n---\n")[:-1]

    @property
    def asked_for_pin(self) -> list[str]:
        """The questions for the PIN."""
        return [one for one in self.asked if one.startswith("[code]")]

    def told(self) -> str:
        """Wait until the person is told something, and return it."""
        return until(lambda: next((one for one in self.asked if one.startswith("[none]")), ""))

    def run(self, *command: str, text: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a program on the stage's network, with the agent."""
        done = self.house.stage.run(
            command,
            env={**self.environment, "SSH_AUTH_SOCK": str(self.socket), **environment},
            input=text,
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
        self.said += f"{done.stdout}{done.stderr}".encode()
        return done

    def listed(self) -> list[str]:
        """Return the agent's keys as ssh-add lists them, with their comments."""
        done = self.run("ssh-add", "-L")
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    def ssh(self, sshd: Sshd, *options: str, command: str = "echo welcome") -> subprocess.CompletedProcess[str]:
        """Log in. The host is known; nothing of this machine's own settings counts."""
        return self.run(*ssh_command(sshd), *options, f"{ME}@127.0.0.1", command)

    def start_ssh(self, sshd: Sshd) -> subprocess.Popen[Any]:
        """Begin a log-in that goes on beside the test."""
        environment = {**self.environment, "SSH_AUTH_SOCK": str(self.socket)}
        return self.house.stage.spawn(
            [*ssh_command(sshd), f"{ME}@127.0.0.1", "true"],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


def ssh_command(sshd: Sshd) -> list[str]:
    """Return how ssh is called."""
    known = f"UserKnownHostsFile={sshd.folder}/known_hosts"
    options = [known, "GlobalKnownHostsFile=none", "StrictHostKeyChecking=yes", "PreferredAuthentications=publickey"]
    return ["ssh", "-F", "none", "-p", str(PORT), *(word for option in options for word in ("-o", option))]


@pytest.fixture
def desk(house: Any, tmp_path: Path) -> Iterator[Desk]:
    """Prepare the desk; the test starts the agent."""
    made = Desk(house, tmp_path)
    yield made
    made.stop()


@pytest.fixture
def ready(desk: Desk, sshd: Sshd) -> Desk:
    """Put the card in and start the agent; the server lets the card's HSA-id key in."""
    desk.house.insert("mine")
    desk.start()
    sshd.keys.write_text(hsa_key(desk) + "\n")
    return desk


def hsa_key(desk: Desk) -> str:
    """Return the line of the key of the HSA-id."""
    (line,) = [one for one in desk.listed() if "HSA-id" in one]
    return line


def test_a_log_in(ready: Desk, sshd: Sshd) -> None:
    """The log-in with the card's key is taken after one PIN; question and audit say what it is for."""
    ready.answers(PIN)
    done = ready.ssh(sshd)
    assert (done.returncode, done.stdout) == (0, "welcome\n"), done.stderr
    assert len(ready.asked) == 1
    (question,) = ready.asked
    for part in (f"as {ME} on SHA256:", "SIMULATED", "HSA-id", "3 tries left", "6-8 digits"):
        assert part in question
    fingerprint = ready.run("ssh-keygen", "-l", "-f", "-", text=sshd.host_key).stdout.split()[1]
    assert fingerprint in question
    rows = ready.house.ctl("audit", "export", "--format", "jsonl").out
    assert f'"ssh {ME}@{fingerprint}"' in rows
    assert ready.house.tries("mine") == 3


def test_the_host_has_its_name(ready: Desk, sshd: Sshd) -> None:
    """A host in the person's known_hosts is called by its name; ssh has proven to the agent which host it is."""
    (Path(ready.environment["HOME"]) / ".ssh").mkdir()
    (Path(ready.environment["HOME"]) / ".ssh" / "known_hosts").write_text((sshd.folder / "known_hosts").read_text())
    ready.answers(PIN)
    assert ready.ssh(sshd).returncode == 0, ready.log
    assert f"as {ME} on {HOST}." in ready.asked[0]


@pytest.mark.parametrize("algorithm", ["rsa-sha2-256", "rsa-sha2-512"])
def test_both_hashes(ready: Desk, sshd: Sshd, algorithm: str) -> None:
    """The key signs with SHA-256 and with SHA-512, as ssh and sshd have agreed."""
    ready.answers(PIN)
    done = ready.ssh(sshd, "-v", "-o", f"PubkeyAcceptedAlgorithms={algorithm}")
    assert done.returncode == 0, done.stderr
    assert len(ready.asked) == 1


def test_sha1_is_refused(ready: Desk, sshd: Sshd) -> None:
    """A log-in with ssh-rsa, which ends in SHA-1, is refused by name, and the person is not asked."""
    ready.answers(PIN)
    assert ready.ssh(sshd, "-o", "PubkeyAcceptedAlgorithms=ssh-rsa").returncode == 255
    assert ready.asked == []
    assert "ssh-rsa with SHA-1" in ready.log


def test_a_wrong_pin_is_asked_for_anew(ready: Desk, sshd: Sshd) -> None:
    """After a wrong PIN the person sees that it was wrong and how many tries are left, and the right one logs in."""
    ready.answers(WRONG_PIN, PIN)
    assert ready.ssh(sshd).returncode == 0, ready.log
    first, second = ready.asked_for_pin
    assert "Wrong" not in first
    assert "Wrong" in second
    assert "2 tries left" in second
    assert ready.house.tries("mine") == 3


@pytest.mark.parametrize(("word", "status", "tries"), [("cancel", 255, 1), ("no", 255, 1), ("yes", 0, 3)])
def test_the_last_try_takes_a_word(ready: Desk, sshd: Sshd, word: str, status: int, tries: int) -> None:
    """Before the last try the person is asked whether to use it; only after a yes the PIN is asked for."""
    ready.answers(WRONG_PIN, WRONG_PIN, word, PIN)
    assert ready.ssh(sshd).returncode == status
    assert ready.asked[2].startswith("[confirm]")
    assert "last try" in ready.asked[2]
    assert len(ready.asked_for_pin) == (3 if status == 0 else 2)
    ready.house.remove()
    assert ready.house.tries("mine") == tries


def test_the_last_wrong_pin_blocks(ready: Desk, sshd: Sshd) -> None:
    """A last try that was agreed to and wrong: the person is told that the PIN is blocked, and is not asked again."""
    ready.answers(WRONG_PIN, WRONG_PIN, "yes", WRONG_PIN, PIN)
    assert ready.ssh(sshd).returncode == 255
    assert "blocked" in ready.told()
    assert len(ready.asked_for_pin) == 3


def test_a_cancelled_question(ready: Desk, sshd: Sshd) -> None:
    """No PIN, no signature, no try used, no second question; ssh goes on to its next way of logging in."""
    ready.answers("cancel", PIN)
    done = ready.ssh(sshd)
    assert done.returncode == 255
    assert "Permission denied" in done.stderr
    assert len(ready.asked) == 1
    assert ready.house.tries("mine") == 3


def test_a_card_taken_out_while_the_question_stands(ready: Desk, sshd: Sshd) -> None:
    """The PIN that was being typed goes nowhere: the person is told that the card is gone."""
    ready.answers("fifo")
    ssh = ready.start_ssh(sshd)
    until(lambda: ready.asked_for_pin)
    ready.house.remove()
    (ready.folder / "fifo").write_text(f"{PIN}\n")
    assert ssh.wait(SECONDS) == 255
    assert "no card" in ready.told()
    assert ready.house.tries("mine") == 3


def test_whoever_asked_has_gone(ready: Desk, sshd: Sshd) -> None:
    """With ssh the question goes, no PIN is waited for, and the next log-in is asked for as usual."""
    ready.answers("fifo")
    ssh = ready.start_ssh(sshd)
    until(lambda: ready.asked_for_pin)
    ssh.kill()
    ssh.wait(SECONDS)
    until(lambda: "has gone" in ready.log)
    ready.answers(PIN)
    assert ready.ssh(sshd).returncode == 0, ready.log
    assert len(ready.asked_for_pin) == 2


def test_a_blocked_card(desk: Desk, sshd: Sshd) -> None:
    """The PIN is not asked for: the person is told that it is blocked, and how to unblock it."""
    desk.house.insert("blocked")
    desk.start()
    sshd.keys.write_text(hsa_key(desk) + "\n")
    desk.answers("123456")
    assert desk.ssh(sshd).returncode == 255
    assert "blocked" in desk.told()
    assert desk.asked_for_pin == []


def test_no_card(desk: Desk, sshd: Sshd) -> None:
    """Without a card there are no keys, which is no failure; with the card put in, the running agent has them."""
    desk.start()
    none = desk.run("ssh-add", "-l")
    assert (none.returncode, none.stdout) == (1, "The agent has no identities.\n")
    assert desk.ssh(sshd).returncode == 255
    assert desk.asked == []
    desk.house.insert("mine")
    assert len(desk.listed()) == 2
    desk.house.remove()
    assert desk.run("ssh-add", "-l").returncode == 1


def test_no_daemon(desk: Desk) -> None:
    """Without the daemon the agent refuses, and says on its own output why."""
    desk.environment["RUNTIME_DIRECTORY"] = str(desk.folder)
    desk.start()
    assert "agent refused operation" in desk.run("ssh-add", "-l").stderr
    assert "does not answer" in desk.log


def test_two_cards(desk: Desk, sshd: Sshd) -> None:
    """The keys of both cards are offered, each with its holder; the one that is asked for is used, on its own card."""
    desk.house.insert("mine")
    desk.house.insert("theirs", reader=1)
    desk.start()
    keys = desk.listed()
    assert [line.split(" ", 2)[2] for line in keys] == [
        "Tolvan Tolvansson, SITHS HSA-id, SIM",
        "Tolvan Tolvansson, SITHS Personal id no., SIM",
        "Elva Elvasson, SITHS HSA-id, SIM",
    ]
    sshd.keys.write_text(keys[2])
    desk.answers(PIN)
    assert desk.ssh(sshd).returncode == 0, desk.log
    (question,) = desk.asked
    assert "Elva" in question
    sshd.keys.write_text(keys[1])
    desk.answers(PIN)
    assert desk.ssh(sshd).returncode == 0, desk.log
    assert "Personal id no." in desk.asked[1]
    assert "1212" not in "".join([*desk.asked, *keys, desk.log])


def test_the_personal_key_is_for_those_who_may_see_it(desk: Desk) -> None:
    """A user without the right to personal identity numbers is offered the HSA-id's key alone."""
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    if os.geteuid() != 0:
        pytest.skip("to become another user takes root")
    # A checkout in a folder that others may not enter is read all the same; that is no right to a socket.
    nobody += ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
    desk.house.insert("mine")
    mine, others = desk.run("sithsctl", "ssh-agent", "--list"), desk.run(*nobody, "sithsctl", "ssh-agent", "--list")
    assert [len(done.stdout.splitlines()) for done in (mine, others)] == [2, 1]
    assert others.stdout.endswith(" Tolvan Tolvansson, SITHS HSA-id, SIM\n")


def test_ssh_keygen_signs(ready: Desk) -> None:
    """ssh-keygen -Y signs with the card's key, for a use that the person sees, and verifies what came of it."""
    (ready.folder / "key.pub").write_text(hsa_key(ready))
    (ready.folder / "allowed").write_text(f"tolvan {hsa_key(ready)}\n")
    (ready.folder / "letter").write_text("a letter")
    ready.answers(PIN)
    key, allowed, letter = (str(ready.folder / name) for name in ("key.pub", "allowed", "letter"))
    done = ready.run("ssh-keygen", "-Y", "sign", "-f", key, "-n", "file", letter)
    assert done.returncode == 0, done.stderr
    assert "to be valid for: file" in ready.asked[0]
    judge = ["ssh-keygen", "-Y", "verify", "-f", allowed, "-I", "tolvan", "-n", "file", "-s", f"{letter}.sig"]
    assert ready.run(*judge, text="a letter").returncode == 0
    assert ready.run(*judge, text="another").returncode != 0


def test_keys_are_neither_added_nor_removed(ready: Desk) -> None:
    """ssh-add lists and tests; to add, remove or lock it is refused, and the keys stay."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", ready.folder / "own"], check=True)
    key = ready.folder / "key.pub"
    key.write_text(hsa_key(ready))
    for arguments in ([ready.folder / "own"], ["-d", key], ["-D"]):
        done = ready.run("ssh-add", *map(str, arguments))
        assert (done.returncode, "agent" in done.stderr or "Failed" in done.stderr) == (1, True), arguments
    ready.answers("lock", "lock")
    assert "refused" in ready.run("ssh-add", "-x").stderr
    (ready.folder / "asked").write_text("")
    listed = ready.run("ssh-add", "-l").stdout
    assert re.fullmatch(r"(2048 SHA256:\S+ Tolvan Tolvansson, SITHS [^\n]+, SIM \(RSA\)\n){2}", listed)
    ready.answers(PIN)
    assert ready.run("ssh-add", "-T", str(key)).returncode != 0  # it has the agent sign a random number
    assert ready.asked_for_pin == []


def test_nothing_else_is_signed(ready: Desk) -> None:
    """What is neither a log-in nor ssh-keygen's is refused without a question: a TLS handshake's hash, say."""
    ready.answers(PIN)
    blob = ready.listed()[0].split()[1]
    key = base64.b64decode(blob)
    request = bytes([13]) + string(key) + string(bytes(64)) + uint32(2)
    with socket.socket(socket.AF_UNIX) as wire:
        wire.settimeout(SECONDS)
        wire.connect(str(ready.socket))
        wire.sendall(protocol.framed(request))
        assert wire.recv(100) == protocol.framed(protocol.FAILURE)
    assert ready.asked == []
    assert "neither a log-in" in ready.log


def test_an_agent_that_is_forwarded(ready: Desk, sshd: Sshd) -> None:
    """A log-in that is asked for from another host says so, and from which; the host that it leads to is told too."""
    ready.answers(PIN, PIN)
    onwards = shlex.join([*ssh_command(sshd), f"{ME}@127.0.0.1", "echo two hops"])
    done = ready.ssh(sshd, "-A", command=onwards)
    assert (done.returncode, done.stdout) == (0, "two hops\n"), done.stderr
    first, second = ready.asked
    assert "forwarded" not in first
    assert re.search(rf"as {ME} on (SHA256:\S+)\. This is asked for from \1, to which", second)


def test_a_confirmed_log_in(desk: Desk, sshd: Sshd) -> None:
    """With --confirm each signature is agreed to before the PIN is asked for; a no ends it."""
    desk.house.insert("mine")
    desk.start("--confirm")
    sshd.keys.write_text(hsa_key(desk))
    desk.answers("yes", PIN, "cancel", PIN)
    assert desk.ssh(sshd).returncode == 0, desk.log
    assert desk.ssh(sshd).returncode == 255
    assert [one.split("]")[0] for one in desk.asked] == ["[confirm", "[code", "[confirm"]


def test_a_pin_pad(desk: Desk, sshd: Sshd) -> None:
    """With --pin-pad and a reader that has one, the PIN is pressed there; without one it is asked for as usual."""
    desk.house.fit_pad()
    desk.house.insert("mine")
    desk.house.insert("theirs", reader=1)
    desk.start("--pin-pad")
    keys = desk.listed()
    sshd.keys.write_text(f"{keys[0]}\n")
    ssh = desk.start_ssh(sshd)
    desk.house.press(PIN, "ok")
    assert ssh.wait(SECONDS) == 0
    (told,) = desk.asked
    assert told.startswith("[none]")
    assert "PIN pad" in told
    sshd.keys.write_text(f"{keys[2]}\n")
    desk.answers(PIN)
    assert desk.ssh(sshd).returncode == 0, desk.log
    assert len(desk.asked_for_pin) == 1


def test_the_agent_in_the_background(desk: Desk) -> None:
    """A shell takes what the agent says, as that of ssh-agent; ssh-agent -k ends it. The socket is the user's own."""
    desk.house.insert("mine")
    script = 'eval "$(sithsctl ssh-agent)" && stat -c %a "$SSH_AUTH_SOCK" && ssh-add -L && ssh-agent -k'
    done = desk.run("sh", "-c", script)
    assert done.returncode == 0, done.stderr
    said = done.stdout.splitlines()
    pid = int(said[0].removeprefix("Agent pid "))
    assert said[1] == "600"
    assert [line.split()[0] for line in said[2:4]] == ["ssh-rsa", "ssh-rsa"]
    until(lambda: not Path(f"/proc/{pid}").exists())
    assert not desk.socket.exists()


def test_an_agent_that_systemd_starts(desk: Desk) -> None:
    """A socket that is handed over is served, under the name that the unit gives it, and is not removed at the end."""
    desk.house.insert("mine")
    socket_unit = (HERE.parents[1] / "systemd" / "user" / "sithsd-ssh-agent.socket").read_text()
    (name,) = re.findall(r"^FileDescriptorName=(.+)$", socket_unit, re.MULTILINE)
    activate = ["systemd-socket-activate", f"--listen={desk.socket}", f"--fdname={name}"]
    passed = ["RUNTIME_DIRECTORY", "XDG_RUNTIME_DIR", "LC_ALL", "HOME"]
    options = [f"--setenv={one}" for one in passed]
    with (desk.folder / "agent.log").open("ab") as log:
        agent = desk.house.background(
            [*activate, *options, str(BIN / "sithsctl"), "ssh-agent", "--foreground"],
            env=desk.environment,
            stdout=log,
            stderr=log,
        )
    until(desk.socket.exists)
    assert len(desk.listed()) == 2
    end(agent)
    assert agent.returncode == 0, desk.log
    assert desk.socket.exists()


def test_an_agent_for_one_program(desk: Desk, sshd: Sshd) -> None:
    """The program finds the agent, its exit status is sithsctl's, and the agent is gone with it, its socket too."""
    desk.house.insert("mine")
    done = desk.run("sithsctl", "ssh-agent", "--", "sh", "-c", 'echo "$SSH_AUTH_SOCK"; ssh-add -L; exit 7')
    assert done.returncode == 7
    path, *keys = done.stdout.splitlines()
    assert len(keys) == 2
    assert not Path(path).parent.exists()
    sshd.keys.write_text(keys[0])
    desk.answers(PIN)
    log_in = [*ssh_command(sshd), f"{ME}@127.0.0.1", "echo welcome"]
    assert desk.run("sithsctl", "ssh-agent", "--", *log_in).stdout == "welcome\n"


def test_two_agents_are_not_had_at_one_socket(ready: Desk) -> None:
    """A second agent is refused; the socket file of one that was killed is replaced."""
    second = ready.run("sithsctl", "ssh-agent", "--foreground")
    assert second.returncode == 2
    assert "listens here already" in second.stderr
    assert ready.agent is not None
    end(ready.agent, signal.SIGKILL)
    assert ready.socket.exists()
    ready.start()
    assert len(ready.listed()) == 2


def test_the_pin_is_nowhere(ready: Desk, sshd: Sshd) -> None:
    """While the card has the PIN, and afterwards: it is in no command line, environment, output, log or file."""
    seen = bytearray()

    def look(command: bytes) -> bool:
        if len(command) > 5 and command[1] == 0x20:
            for process in Path("/proc").iterdir():
                for file in ("cmdline", "comm", "environ") if process.name.isdecimal() else ():
                    try:
                        seen.extend((process / file).read_bytes() + b"\n")
                    except OSError:
                        continue  # it has ended
        return False

    ready.house.remove()
    model = ready.house.model("mine", before=look)
    model.insert()
    ready.house.await_reader("ready")
    ready.answers("fifo", "fifo")
    ssh = ready.start_ssh(sshd)
    until(lambda: len(ready.asked_for_pin) == 1)
    (ready.folder / "fifo").write_text(f"{WRONG_PIN}\n")
    until(lambda: len(ready.asked_for_pin) == 2)
    (ready.folder / "fifo").write_text(f"{PIN}\n")
    assert ssh.wait(SECONDS) == 0
    assert model.codes_sent == 2
    assert b"ssh-agent" in seen
    house = ready.house
    ready.stop()
    places = [bytes(seen), ready.said]
    for folder in (house.folder, house.stage.folder, sshd.folder, ready.folder):
        places += [file.read_bytes() for file in folder.rglob("*") if file.is_file()]
    assert any(b"Wrong" in place for place in places)
    assert [place[:200] for place in places if PIN.encode() in place] == []
