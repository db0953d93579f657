"""The module's own code under sanitizers, with answers that are spoilt at random; and whether it keeps a PIN."""

import copy
import json
import random
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pam_bench import MODULE, PIN, ROOT, SECONDS, Client, Liar, wrong

SOURCES = ROOT / "drivers" / "pam"
RUNS = 1000
LONG_PIN = "918273645091827364509182736450918273645091827364"
METHODS = ("Monitor", "GetCertificates", "GetGuidance", "Authenticate")
SUCCESS, AUTH_ERR, AUTHINFO_UNAVAIL = 0, 7, 9
# What a field may be instead. Nothing here says that a card is being read: that would be waited for.
STRANGE: list[Any] = [
    None,
    True,
    -1,
    2**31,
    2**63,
    10**30,
    1.5,
    "",
    "\x00",
    "å" * 300,
    "A" * 70_000,
    [],
    {},
    [[]],
    [None] * 50,
]


def built(folder: Path, *flags: str) -> Path:
    """Build the driver with the module's code in it."""
    program = folder / "drive"
    options = ["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-g", *flags, "-I", str(SOURCES), "-o", str(program)]
    sources = [str(Path(__file__).with_name("drive.c")), *map(str, sorted(SOURCES.glob("*.c")))]
    done = subprocess.run(
        ["gcc", *options, *sources, "-ljson-c", "-lcrypto"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return program


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the driver so that every wrong step in memory ends it."""
    flags = ("-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
    return built(tmp_path_factory.mktemp("watched"), *flags)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the driver as the module is built."""
    return built(tmp_path_factory.mktemp("plain"), "-O2")


def drive(program: Path, client: Client, runs: int, *options: str, pin: str = PIN) -> list[int]:
    """Log in so often; return the numbers that the driver tells."""
    places = [f"runtime_dir={client.run}", f"accounts={client.accounts}", *client.options, *options]
    done = subprocess.run(
        [*client.become, str(program), str(runs), *places],
        input=f"{pin}\n",
        capture_output=True,
        text=True,
        timeout=4 * SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert pin not in done.stdout + done.stderr
    return [int(line) for line in done.stdout.split()]


class Spoiler:
    """Spoils one answer of every log-in, and knows in which log-ins the proof was spoilt."""

    def __init__(self, liar: Liar, seed: int) -> None:
        self.dice = random.Random(seed)  # noqa: S311 - the same faults each time
        self.proofs: list[bool] = []
        self._liar = liar
        self._target = ""
        for method in METHODS:
            liar.answers[method] = self._answer(method)

    def _answer(self, method: str) -> Callable[[dict[str, Any]], dict[str, Any] | bytes]:
        def answer(call: dict[str, Any]) -> dict[str, Any] | bytes:
            if method == "Monitor":
                self._target = self.dice.choice([*METHODS, "Authenticate"])
                self.proofs.append(True)
            parts = self._liar.parts
            told = self._liar.proof(call) if method == "Authenticate" else {"parameters": parts[method]}
            if method != self._target:
                return told
            spoilt = self._bytes(json.dumps(told).encode()) if self.dice.random() < 0.5 else self._fields(told)
            if method == "Authenticate":
                self.proofs[-1] = whole(spoilt, told)
            return spoilt

        return answer

    def _bytes(self, raw: bytes) -> bytes:
        data = bytearray(raw)
        for _ in range(self.dice.randint(1, 4)):
            at = self.dice.randrange(len(data)) if data else 0
            match self.dice.randrange(5):
                case 0 if data:
                    data[at] ^= 1 << self.dice.randrange(8)
                case 1:
                    del data[at : at + self.dice.randint(1, 40)]
                case 2:
                    data[at:at] = data[max(0, at - 60) : at]
                case 3:
                    data[at:at] = self.dice.choice(
                        [b"\0", b"[" * 40, b'{"a":' * 30, b"\\u0000", b"\xff", b'"', b"1e999"]
                    )
                case _:
                    data = data[: at + 1]
        return bytes(data) + (b"" if self.dice.random() < 0.1 else b"\0")

    def _fields(self, told: dict[str, Any]) -> bytes:
        spoilt = copy.deepcopy(told)
        for _ in range(self.dice.randint(1, 3)):
            place = spoilt
            while True:
                key = self.dice.choice(list(place) if isinstance(place, dict) else range(len(place)))
                inner = place[key]
                if not (isinstance(inner, dict | list) and inner) or self.dice.random() < 0.2:
                    break
                place = inner
            if self.dice.random() < 0.2 and isinstance(place, dict):
                del place[key]
            elif self.dice.random() < 0.2 and isinstance(inner, str):
                place[key] = inner[::-1]
            else:
                place[key] = copy.deepcopy(self.dice.choice(STRANGE))
            if not spoilt:
                break
        return json.dumps(spoilt).encode() + b"\0"


def as_json_c(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Read an object as json-c does: a name ends at its NUL, and of the same name the last counts."""
    return {name.partition("\0")[0]: value for name, value in pairs}


def whole(spoilt: bytes, told: dict[str, Any]) -> bool:
    """Tell whether what matters in a proof came through: then, and only then, it may open the door."""
    try:
        message = json.loads(spoilt.partition(b"\0")[0], strict=False, object_pairs_hook=as_json_c)
        (one, other) = (reply["parameters"] for reply in (message, told))
        certificates = [
            {name: reply["certificate"][name] for name in ("der", "verdict", "environment")} for reply in (one, other)
        ]
        plain = ("challenge", "algorithm", "signature", "cardSerial", "reader")
        return (
            "error" not in message
            and certificates[0] == certificates[1]
            and all(one[name] == other[name] for name in plain)
        )
    except (ValueError, KeyError, TypeError, RecursionError):
        return False


@pytest.mark.parametrize("seed", [1, 2])
def test_spoilt_answers_do_no_harm(stage: Any, watched: Path, seed: int) -> None:
    """No spoilt answer makes a wrong step in memory or a leak, and none without a whole proof opens the door."""
    liar, client = stage
    spoiler = Spoiler(liar, seed)
    results = drive(watched, client, RUNS)
    assert len(results) == len(spoiler.proofs) == RUNS
    opened = [number for number, result in enumerate(results) if result == SUCCESS]
    assert [number for number in opened if not spoiler.proofs[number]] == []
    assert RUNS / 100 < len(opened) < RUNS / 2
    assert set(results) >= {SUCCESS, AUTH_ERR, AUTHINFO_UNAVAIL}


def test_no_pin_is_left_in_memory(stage: Any, plain: Path) -> None:
    """After a log-in, a wrong PIN, a lost answer and a refusal no copy of the PIN is in the program's memory."""
    liar, client = stage
    liar.parts["GetGuidance"]["codes"][0]["maxLength"] = len(LONG_PIN)
    assert drive(plain, client, -1, pin=LONG_PIN)[-1] >= 1  # one that is kept is found
    assert drive(plain, client, 2, pin=LONG_PIN) == [SUCCESS, SUCCESS, 0]
    for answer in (wrong(2), lambda _: b"", lambda _: {"parameters": {}}):
        liar.answers["Authenticate"] = answer
        results = drive(plain, client, 2, "tries=3", pin=LONG_PIN)
        assert SUCCESS not in results[:-1]
        assert results[-1] == 0
    assert liar.calls("Authenticate")[-1]["code"] == LONG_PIN
    liar.parts["GetGuidance"]["codes"][0]["maxLength"] = 8
    assert drive(plain, client, 2, pin=LONG_PIN) == [AUTH_ERR, AUTH_ERR, 0]


def test_the_compiler_finds_no_path_that_goes_wrong(tmp_path: Path) -> None:
    """The analyzer of gcc has nothing to say, and what is exported is what PAM asks for."""
    done = subprocess.run(["make", "-C", str(SOURCES), "analyze"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    symbols = subprocess.run(["nm", "-D", "--defined-only", str(MODULE)], capture_output=True, text=True, check=True)
    names = sorted(line.split()[-1] for line in symbols.stdout.splitlines())
    assert names == ["pam_sm_acct_mgmt", "pam_sm_authenticate", "pam_sm_setcred"]
    place = subprocess.run(
        ["make", "-C", str(SOURCES), f"OUT={MODULE.parent}", f"DESTDIR={tmp_path}", "install"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert place.returncode == 0, place.stderr
    (installed,) = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert installed.read_bytes() == MODULE.read_bytes()
    assert installed.parent.name == "security"
    assert Path("/", installed.parent.relative_to(tmp_path), "pam_unix.so").exists()
