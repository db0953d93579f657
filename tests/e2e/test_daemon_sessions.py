"""The rights file and logind's word, shown with real users at the sockets of a daemon."""

import grp
import json
import subprocess
import time
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from e2e_desk import another, call
from e2e_household import CARDS, CODES, DEADLINE, NEW_PIN, PIN, PUK, SIGNATURE_PIN, WRONG_PIN, Household
from e2e_machine import Machine
from e2e_seats import Seats

from sithsd.simulator.stage import end

NOBODY, MEMBER, SITTING, STRANGER = 65534, 65533, 65532, 65531
GROUP = "games"  # a group that every Debian has
VERIFY = ("verify", "--role", "authentication", "--code-fd", "0", "--json")
RIGHTS = ("status", "personalNumbers", "codes", "authenticate", "sign", "desk", "activeSession")
ASK = (
    "import json, socket, sys\n"
    "with socket.socket(socket.AF_UNIX) as end:\n"
    "    end.settimeout(60)\n"
    "    end.connect(sys.argv[1])\n"
    "    given = {'method': sys.argv[2], 'parameters': json.load(sys.stdin)}\n"
    "    end.sendall(json.dumps(given).encode() + b'\\0')\n"
    "    answer = b''\n"
    "    while not answer.endswith(b'\\0'):\n"
    "        answer += end.recv(65536)\n"
    "print(answer[:-1].decode())\n"
)


@pytest.fixture
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """Return a machine with a bus, logind not yet started."""
    made = Machine(tmp_path_factory.mktemp("bus"))
    yield made
    made.close()


@pytest.fixture
def seated(new_house: Callable[..., Household], machine: Machine) -> Household:
    """Return a house whose daemon will be on that bus; it is not started."""
    house = new_house(1)
    house.environment["DBUS_SYSTEM_BUS_ADDRESS"] = machine.address
    return house


@pytest.fixture
def ask(become: list[str]) -> Callable[..., dict[str, Any]]:
    """Return what calls a method as another user, and returns the reply or the error."""

    def asked(
        house: Household, method: str, uid: int, group: int | None = None, **parameters: object
    ) -> dict[str, Any]:
        interface = CODES if method in {"Authenticate", "Sign"} else CARDS
        means = [f"--reuid={uid}" if part.startswith("--reuid") else part for part in become]
        groups = "--clear-groups" if group is None else f"--groups={group}"
        command = [*means, groups, "/usr/bin/python3", "-c", ASK, str(house.run / interface), f"{interface}.{method}"]
        given = json.dumps(parameters)  # never on a command line: a code may be among them
        done = subprocess.run(
            command, cwd="/", input=given, capture_output=True, text=True, check=True, timeout=DEADLINE
        )
        return json.loads(done.stdout)["parameters"]

    return asked


def held(told: dict[str, bool]) -> set[str]:
    """Return the rights that a reply of GetRights has, of all that it tells."""
    assert tuple(told) == RIGHTS
    return {name for name, has in told.items() if has}


def await_held(ask: Callable[[], dict[str, bool]], rights: set[str]) -> None:
    """Wait until somebody has these rights and no others."""
    deadline = time.monotonic() + DEADLINE
    while (now := held(ask())) != rights:
        assert time.monotonic() < deadline, now


def test_each_kind_of_subject_with_real_users(
    seated: Household, machine: Machine, ask: Callable[..., Any], become: list[str]
) -> None:
    """A user, a group's member, who sits there: each has what the file gives, and a stranger has nothing."""
    house, number = seated, grp.getgrnam(GROUP).gr_gid
    machine.start_logind()
    Seats(machine).log_in("1", SITTING)
    house.write_rights(
        status=["user:nobody", f"group:{GROUP}", "active-session"],
        personal_numbers=[f"group:{GROUP}"],
        codes=["user:nobody", f"group:{GROUP}"],
        authenticate=["active-session"],
        sign=["user:nobody"],
        desk=[f"group:{GROUP}"],
    )
    house.start()
    house.insert("ordinary")
    assert held(ask(house, "GetRights", NOBODY)) == {"status", "codes", "sign"}
    assert held(ask(house, "GetRights", MEMBER, number)) == {"status", "personalNumbers", "codes", "desk"}
    assert held(ask(house, "GetRights", SITTING)) == {"status", "authenticate", "activeSession"}
    assert held(ask(house, "GetRights", STRANGER)) == set()
    assert held(ask(house, "GetRights", 0)) == {*RIGHTS} - {"activeSession"}  # here it is the daemon's own user
    run = another(house, become)

    def verified(uid: int, group: int | None = None) -> Any:
        answer = run(*VERIFY, codes=(PIN,), uid=uid, group=group)
        return answer.json.get("triesLeft") or answer.error["code"]

    assert (verified(NOBODY), verified(MEMBER, number)) == (3, 3)
    assert (verified(SITTING), verified(STRANGER), verified(MEMBER)) == ("request.denied",) * 3
    for uid, group, status, unmasked in (
        (NOBODY, None, 0, 7),
        (MEMBER, number, 0, 0),
        (SITTING, None, 0, 7),
        (STRANGER, None, 7, 7),
    ):
        assert run("status", "--json", uid=uid, group=group).status == status, uid
        assert run("status", "--unmasked", "--json", uid=uid, group=group).status == unmasked, uid
    key = {"code": PIN, "identity": "hsaId"}
    proof = ask(house, "Authenticate", SITTING, **key)
    assert (len(b64decode(proof["signature"])), proof["identity"]) == (256, "hsaId")
    hashed = {"digest": b64encode(bytes(32)).decode(), "description": "a test", "identity": "hsaId"}
    signed = ask(house, "Sign", NOBODY, code=SIGNATURE_PIN, **hashed)
    assert len(b64decode(signed["signature"])) == 256
    for uid, group in ((NOBODY, None), (MEMBER, number), (STRANGER, None)):
        assert ask(house, "Authenticate", uid, group, **key)["code"] == "request.denied", uid
    for uid, group in ((SITTING, None), (MEMBER, number), (STRANGER, None)):
        assert ask(house, "Sign", uid, group, code=SIGNATURE_PIN, **hashed)["code"] == "request.denied", uid
    for method in ("List", "Monitor", "GetCertificates", "GetValidity", "GetCodes", "Diagnose"):
        assert ask(house, method, STRANGER)["code"] == "request.denied", method
    assert house.tries("ordinary") == 3


def test_who_sits_at_the_machine(
    seated: Household, machine: Machine, ask: Callable[..., Any], become: list[str]
) -> None:
    """As shipped: codes and keys for the user in front, as long as that is so; no numbers, and no desk's work."""
    house = seated
    logind = machine.start_logind()
    seats = Seats(machine)
    seats.log_in("1", SITTING)
    house.start()
    house.insert("ordinary")
    run = another(house, become)
    assert held(ask(house, "GetRights", SITTING)) == {"status", "codes", "authenticate", "sign", "activeSession"}
    assert held(ask(house, "GetRights", STRANGER)) == {"status"}
    wrong = run(*VERIFY, codes=(WRONG_PIN,), uid=SITTING)
    assert (wrong.status, wrong.error["triesLeft"]) == (5, 2)
    right = run(*VERIFY, codes=(PIN,), uid=SITTING)
    assert (right.status, right.json["triesLeft"]) == (0, 3)
    changed = run("change", *VERIFY[1:], codes=(PIN, "121212"), uid=SITTING)  # a part of the holder's number
    assert (changed.error["code"], changed.error["rules"]) == ("pin.refused", ["personalNumber", "birthDate"])
    assert run("status", "--unmasked", "--json", uid=SITTING).error["code"] == "request.denied"
    assert run(*VERIFY, codes=(PIN,), uid=STRANGER).error["code"] == "request.denied"
    house.remove()
    house.insert("desk")
    unblock = run("unblock", *VERIFY[1:], codes=(PUK, NEW_PIN), uid=SITTING)
    assert unblock.error["code"] == "unblock.deskOnly"
    seats.log_in("2", STRANGER)
    await_held(lambda: ask(house, "GetRights", STRANGER), {"status", "codes", "authenticate", "sign", "activeSession"})
    assert run(*VERIFY, codes=(PIN,), uid=SITTING).error["code"] == "request.denied"
    assert run(*VERIFY, codes=(PIN,), uid=STRANGER).status == 0
    end(logind)
    await_held(lambda: ask(house, "GetRights", STRANGER), {"status"})
    assert run(*VERIFY, codes=(PIN,), uid=STRANGER).error["code"] == "request.denied"
    assert call(house, "Verify", role="authentication", code=PIN)["triesLeft"] == 3


def test_without_a_bus_nobody_sits_there(
    seated: Household, ask: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The daemon starts, serves status to all and codes to root, and says why nobody else has them."""
    house = seated
    house.environment["DBUS_SYSTEM_BUS_ADDRESS"] = f"unix:path={tmp_path_factory.mktemp('none')}/bus"
    house.start()
    assert held(ask(house, "GetRights", SITTING)) == {"status"}
    house.insert("ordinary")
    with house.wire(CODES) as wire:
        reply = wire.call(f"{CODES}.Verify", {"role": "authentication", "code": PIN})
    assert reply["parameters"]["triesLeft"] == 3
    warned = [line["event"] for line in house.log_lines() if line["level"] == "warning"]
    assert "nobody has the rights of an active session: no system bus" in warned
