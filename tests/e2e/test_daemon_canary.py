"""Codes appear nowhere: a whole life of codes that can be told from everything else, and then a search for them.

What is searched: what every program said, logs, state, runtime and home folders, and the command lines and
environments of all processes at the moment when a code is at the card. The memory of processes is not.
"""

import base64
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from e2e_desk import at_pad, at_terminal, change, checklist, on_the_wire
from e2e_household import CODES, DEADLINE, Household
from e2e_model_card import carries_code

PIN, SIGNATURE_PIN, PUK = "73915468", "64281957", "40718263"
WRONG_PIN, WRONG_PUK, NEW_PIN = "58203917", "93640182", "82604713"
LETTERS, LONG, ONE_DIGIT = "7391x468", "7391546873915468", "77777777"
TRANSPORT, SIGNATURE_TRANSPORT, OTHER_PIN = "50281479", "73926158", "26417935"
CANARIES = [
    PIN, SIGNATURE_PIN, PUK, WRONG_PIN, WRONG_PUK, NEW_PIN, LETTERS, ONE_DIGIT,
    TRANSPORT, SIGNATURE_TRANSPORT, OTHER_PIN,
]  # fmt: skip
VERIFY = ("verify", "--role", "authentication")
ASKED = "Authentication PIN (6-8 digits, not shown):"
CARDS = {
    "canary": f'codes = {{ authentication = "{PIN}", signature = "{SIGNATURE_PIN}", puk = "{PUK}" }}\n',
    "fresh": (
        f'codes = {{ transport = true, authentication = "{TRANSPORT}", signature = "{SIGNATURE_TRANSPORT}",'
        f' puk = "{PUK}" }}\nchip = {{ atr = "3B F7 18 00 00 81 31 FE 45 54 50 4D 79 45 49 44 9C" }}\n'
    ),
    "unchosen": f'codes = {{ chosen = false, puk = "{PUK}" }}\n',
}


def traces(canary: str) -> dict[str, bytes]:
    """Return the forms in which a code could turn up."""
    plain = canary.encode()
    found = {"text": plain, "UTF-16": canary.encode("utf-16-le")}
    for name, separator in (("hexadecimal", ""), ("hexadecimal, spaced", " "), ("hexadecimal, colons", ":")):
        found[name] = separator.join(f"{byte:02x}" for byte in plain).encode()
        found[f"{name}, capitals"] = found[name].upper()
    found["Python's list"] = ", ".join(str(byte) for byte in plain).encode()
    for shift in range(3):
        # What surrounds the code decides about the first and the last character: they are left out.
        encoded = base64.b64encode(b"\0" * shift + plain).rstrip(b"=")
        found[f"base64, shifted by {shift}"] = encoded[(0, 2, 3)[shift] : -1]
    return found


def leaks(content: bytes) -> list[str]:
    """Return which code is in some bytes, and in which form."""
    return [
        f"{canary[:2]}…: {form}" for canary in CANARIES for form, trace in traces(canary).items() if trace in content
    ]


def leaks_in_files(*folders: Path) -> list[str]:
    """Return every file below some folders that a code is in."""
    return [
        f"{path}: {leak}"
        for folder in folders
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        for leak in leaks(path.read_bytes())
    ]


def seen_by_others() -> bytes:
    """Return what one process can see of all others: command lines, names and environments."""
    seen = bytearray()
    for process in Path("/proc").iterdir():
        if process.name.isdecimal():
            for file in ("cmdline", "comm", "environ"):
                try:
                    seen += (process / file).read_bytes() + b"\n"
                except OSError:
                    continue  # it has ended, or is not ours to look at
    return bytes(seen)


class Life:
    """The house, and everything that was said in it."""

    def __init__(self, house: Household, folder: Path) -> None:
        self.house = house
        self.folder = folder
        self.said: list[bytes] = []

    def raw(self, method: str, parameters: dict[str, Any]) -> str:
        """Call a method of codes; return the error's code, or ""."""
        with self.house.wire(CODES) as wire:
            reply = wire.call(f"{CODES}.{method}", parameters)
        self.said.append(json.dumps(reply).encode())
        return str(reply["parameters"].get("code", ""))

    def typed(self, *exchanges: tuple[str, str], command: tuple[str, ...] = VERIFY, term: str = "dumb") -> int:
        """Answer what sithsctl asks on a terminal, each time when it has asked; return its exit status."""
        status, transcript = at_terminal(self.house, *exchanges, command=command, term=term)
        self.said.append(transcript)
        return status

    def keyed(self, *keys: str, command: tuple[str, ...] = VERIFY) -> int:
        """Press keys at the reader's pad; return sithsctl's exit status."""
        answer = at_pad(self.house, *command)
        self.house.press(*keys)
        given = answer()
        self.house.said.append(given)
        return given.status

    def exchange(self, name: str) -> None:
        """Put another of the cards in."""
        self.house.sim("remove")
        self.house.await_reader("empty")
        self.house.sim("insert", str(self.folder / f"{name}.toml"))
        self.house.await_reader("ready")


@pytest.fixture
def life(new_house: Callable[..., Household], tmp_path: Path) -> Life:
    """Return a house whose daemon logs everything, with a card in it that has such codes."""
    house = new_house(1, pads=[0])
    home = house.folder / "home"
    home.mkdir()
    house.environment |= {"HOME": str(home), "XDG_CACHE_HOME": str(home / "cache"), "XDG_RUNTIME_DIR": str(home)}
    house.start()
    for name, card in CARDS.items():
        (tmp_path / f"{name}.toml").write_text(f'title = "{name}"\n{card}')
    house.sim("insert", str(tmp_path / "canary.toml"))
    house.await_reader("ready")
    return Life(house, tmp_path)


def test_the_search_finds_what_is_there(tmp_path: Path) -> None:
    """Each form of each code is found in a file that has it, so that a search without finding means something."""
    for canary in CANARIES:
        for form, trace in traces(canary).items():
            (tmp_path / "leak").write_bytes(b"before " + trace + b" after")
            assert any(form in leak for leak in leaks_in_files(tmp_path)), form
    for shift in range(3):
        (tmp_path / "leak").write_bytes(base64.b64encode(b"x" * (3 + shift) + PIN.encode() + b"yyyy"))
        assert leaks_in_files(tmp_path), shift
    (tmp_path / "leak").write_bytes(b"nothing of the kind")
    assert leaks_in_files(tmp_path) == []


def prove_and_sign(life: Life) -> None:
    """Have the card sign, with wrong codes too: piped, typed, on the socket, and at the reader's pad."""
    house = life.house
    prove = ("authenticate", "--identity", "hsaId", "--require", "goodOrRevocationUnchecked")
    letter = house.folder / "letter"
    letter.write_text("A letter.\n")
    sign = ("sign", str(letter), "--identity", "hsaId", "--force")
    for command, wrong, right in ((prove, WRONG_PIN, PIN), (sign, WRONG_PUK, SIGNATURE_PIN)):
        for form in ((), ("--json",)):
            assert house.ctl(*command, *form, "--code-fd", "0", codes=(wrong,)).status == 5
            assert house.ctl(*command, *form, "--code-fd", "0", codes=(LETTERS,)).status == 7
            assert house.ctl(*command, *form, "--code-fd", "0", codes=(right,)).status == 0
    assert life.typed((ASKED, WRONG_PIN), command=prove) == 5
    assert life.typed((ASKED, PIN), command=prove, term="xterm") == 0
    assert life.typed(("Signature PIN (", SIGNATURE_PIN), command=sign) == 0
    assert life.keyed(WRONG_PIN, "ok", command=prove) == 5
    assert life.keyed(PIN, "ok", command=prove) == 0
    challenge = base64.b64encode(bytes(32)).decode()
    for parameters in (
        {"challenge": challenge, "identity": PIN, "code": PIN},
        {"challenge": challenge, "certificate": PIN, "code": PIN},
        {"challenge": PIN, "code": PIN},
        {"challenge": challenge, "algorithm": PIN, "code": PIN},
        {"challenge": challenge, "identity": "hsaId", "code": [PIN]},
    ):
        assert life.raw("Authenticate", parameters) == "request.invalid"
    assert life.raw("Sign", {"digest": PIN, "description": "x", "identity": "hsaId", "code": PUK}) == "request.invalid"


def change_and_press(life: Life) -> None:
    """Change PINs, with wrong and refused codes too, piped, typed, and at the reader's pad."""
    house = life.house
    assert change(house, WRONG_PIN, NEW_PIN).error["code"] == "pin.wrong"
    for refused in (LETTERS, LONG, ONE_DIGIT, PIN):
        assert change(house, PIN, refused).error["code"] in {"pin.refused", "pin.malformed"}
    assert change(house, PIN, NEW_PIN).status == 0
    typing = (("Present authentication PIN", NEW_PIN), ("New authentication PIN (", PIN), ("once more", PIN))
    assert life.typed(*typing, command=("change", *VERIFY[1:])) == 0
    typing = (("Present authentication PIN", PIN), ("New authentication PIN (", NEW_PIN), ("once more", NEW_PIN))
    assert life.typed(*typing, command=("change", *VERIFY[1:]), term="xterm") == 0
    assert b"Backspace" in life.said[-1]  # the rules were shown while it was typed
    assert life.keyed(WRONG_PIN, "ok") == 5
    assert life.keyed(NEW_PIN, "ok") == 0
    assert life.keyed(NEW_PIN, "cancel") == 7
    change_at_pad = ("change", *VERIFY[1:])
    assert life.keyed(NEW_PIN, "ok", PIN, "ok", OTHER_PIN, "ok", command=change_at_pad) == 7
    assert life.keyed(NEW_PIN, "ok", PIN, "ok", PIN, "ok", command=change_at_pad) == 0
    unblock_at_pad = ("unblock", *VERIFY[1:])
    assert life.keyed(WRONG_PUK, "ok", PIN, "ok", PIN, "ok", command=unblock_at_pad) == 5
    assert life.keyed(PUK, "ok", OTHER_PIN, "ok", OTHER_PIN, "ok", command=unblock_at_pad) == 0


def activate_two_cards(life: Life) -> None:
    """Activate one by transport PINs and one by the PUK, with wrong ones before, and codes where answers belong."""
    house = life.house
    life.exchange("fresh")
    present = {"transportAuthentication": TRANSPORT, "transportSignature": WRONG_PIN}
    new = {"newAuthentication": NEW_PIN, "newSignature": OTHER_PIN}
    for answers in (
        [{"id": PIN, "confirmed": True}],
        [{"id": "idDocument", "date": PIN}],
        [{"id": "orderDate", "confirmed": PUK}],
        [*on_the_wire(), {"id": "idDocument", PIN: True}],
        PIN,
    ):
        assert life.raw("Activate", {**present, **new, "answers": answers}) == "request.invalid"
    assert life.raw("Activate", {**present, **new, "answers": []}) == "activation.checklist"
    assert life.raw("Activate", {**present, **new, "answers": on_the_wire()}) == "pin.wrong"
    house.await_picture(lambda seen: seen["readers"][0]["state"] == "ready")
    rest = house.ctl("activate", "--code-fd", "0", "--json", *checklist(), codes=(SIGNATURE_TRANSPORT, OTHER_PIN))
    assert rest.json["done"] == ["signature"]
    life.exchange("unchosen")
    wrong = house.ctl("activate", "--code-fd", "0", *checklist(), codes=(WRONG_PUK, NEW_PIN, OTHER_PIN))
    assert wrong.status == 5
    typing = (
        ("PUK (", PUK),
        ("New authentication PIN (", NEW_PIN),
        ("once more", NEW_PIN),
        ("New signature PIN (", OTHER_PIN),
        ("once more", OTHER_PIN),
    )
    assert life.typed(*typing, command=("activate", *checklist()), term="xterm") == 0


def test_codes_appear_nowhere(life: Life) -> None:
    """Codes of every operation, right and wrong, typed, piped, on the socket and at the pad: none is found."""
    house = life.house
    assert house.verify(WRONG_PIN).error["code"] == "pin.wrong"
    assert house.verify(PIN).status == 0
    assert house.verify(SIGNATURE_PIN, role="signature").status == 0
    assert house.verify(LETTERS).error["code"] == "pin.malformed"
    assert house.verify(LONG).error["code"] == "pin.malformed"
    assert house.ctl("verify", "--role", "authentication", "--code-fd", "0", codes=(WRONG_PIN,)).status == 5
    assert house.verify(PIN).status == 0
    assert life.typed((ASKED, WRONG_PIN)) == 5
    assert life.typed((ASKED, f"--{PIN}")) == 7
    assert life.typed((ASKED, PIN)) == 0
    assert house.unblock(WRONG_PUK, NEW_PIN).error["code"] == "puk.wrong"
    assert house.unblock(PUK, LETTERS).error["code"] == "pin.refused"
    assert house.unblock(PUK, NEW_PIN).status == 0
    assert house.verify(NEW_PIN).status == 0
    assert house.unblock(PUK, PIN).status == 0
    prove_and_sign(life)
    assert house.unblock(PUK, NEW_PIN).status == 0
    for parameters in (
        {"role": "authentication", "code": LETTERS},
        {"role": "authentication", "code": [PIN]},
        {"role": PIN, "code": PIN},
        {"role": "authentication", "code": PIN, "reader": PIN},
        {"role": "authentication", "code": PIN, "cardSerial": PUK},
        {"role": "authentication", PIN: PIN, "code": PUK},
    ):
        assert life.raw("Verify", parameters) not in {"", "internal"}
    assert life.raw("Unblock", {"role": "authentication", "puk": PUK, "newCode": {PIN: PUK}}) == "request.invalid"
    with house.wire(CODES) as wire:
        for broken in (b'{"method": "%s"}' % PIN.encode(), PIN.encode(), b'{"parameters": "%s"' % PUK.encode()):
            wire.send(broken + b"\0")
            life.said.append(json.dumps(wire.receive()).encode())
        wire.ask(f"{CODES}.Verify", {"role": "authentication", "code": NEW_PIN})
    # That client went away without its answer. So does one in the midst of its request.
    with house.wire(CODES) as wire:
        wire.send(f'{{"method": "{CODES}.Verify", "parameters": {{"code": "{PIN}'.encode())
    assert house.unblock(PUK, PIN).status == 0
    change_and_press(life)
    activate_two_cards(life)
    export = house.ctl("audit", "export", "--format", "jsonl", "--output", str(house.folder / "export.jsonl"))
    assert export.status == 0
    for command in (("audit", "show"), ("audit", "export"), ("audit", "verify"), ("status", "--json")):
        assert house.ctl(*command).status == 0
    house.stop()
    house.sim("stop")
    assert leaks("\n".join(one.out + one.err for one in house.said).encode()) == []
    assert leaks(b"\n".join(life.said)) == []
    assert b'"operation":"activate"' in (house.folder / "export.jsonl").read_bytes().replace(b": ", b":")
    logs = [house.log, house.run / "sithsd-sim.log", house.stage.folder / "pcscd.log"]
    assert [log.stat().st_size > 0 for log in logs] == [True] * 3
    assert leaks_in_files(house.folder, house.stage.folder) == []


def test_codes_are_in_no_command_line_and_no_environment(life: Life) -> None:
    """While a code is at the card, nothing of it can be seen of any process; nor when a client or the daemon dies."""
    house = life.house
    house.sim("remove")
    house.await_reader("empty")
    seen = bytearray()
    die: list[Callable[[], None]] = []

    def look(command: bytes) -> bool:
        if carries_code(command):
            seen.extend(seen_by_others())
            for one in die:
                one()
            die.clear()
        return False

    model = house.model("canary", before=look)
    model.insert()
    house.await_reader("ready")
    assert house.verify(PIN).status == 0
    assert house.unblock(PUK, NEW_PIN).status == 0
    assert change(house, NEW_PIN, OTHER_PIN).status == 0
    assert change(house, OTHER_PIN, NEW_PIN).status == 0
    assert life.typed((ASKED, NEW_PIN)) == 0
    client = house.background(
        [*house.program("sithsctl"), "verify", "--role", "authentication", "--code-fd", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    die.append(client.kill)
    life.said.append(client.communicate(f"{NEW_PIN}\n".encode(), timeout=DEADLINE)[0])
    assert client.returncode < 0
    die.append(house.kill)
    assert house.verify(NEW_PIN).error["code"] == "daemon.unavailable"
    assert model.codes_sent == 7
    assert b"sithsctl" in bytes(seen)
    assert b"PCSCLITE_CSOCK_NAME" in bytes(seen)
    assert leaks(bytes(seen)) == []
    assert leaks("\n".join(one.out + one.err for one in house.said).encode()) == []
    assert leaks(b"\n".join(life.said)) == []
    assert leaks_in_files(house.folder, house.stage.folder) == []
