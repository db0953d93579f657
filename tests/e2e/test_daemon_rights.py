"""Who may do what: file modes, the kernel's word about the caller, and masked numbers."""

import grp
import json
import os
import stat
from collections.abc import Callable

import pytest
from e2e_desk import another
from e2e_household import CARDS, CODES, DEADLINE, PIN, WRONG_PIN, Answer, Household, code

NOBODY = 65534
GROUP = "games"  # a group that every Debian has


@pytest.fixture
def stranger(house: Household, become: list[str]) -> Callable[..., Answer]:
    """Return what runs sithsctl as a user of no rights."""
    return _caller(house, become)


def _caller(house: Household, become: list[str]) -> Callable[..., Answer]:
    run = another(house, become)
    return lambda *arguments, **options: run(*arguments, "--json", **options)


VERIFY = ("verify", "--role", "authentication", "--code-fd", "0")


def test_every_user_may_look(house: Household, stranger: Callable[..., Answer]) -> None:
    """Status, codes, validity and monitor are for everybody, and personal identity numbers stay masked."""
    house.insert("ordinary")
    status = stranger("status")
    assert (status.status, status.err) == (0, "")
    assert status.json["readers"][0]["card"]["holder"]["personalIdentityNumber"] == "19121212-****"
    for command in (["codes"], ["validity"], ["certificates"]):
        answer = stranger(*command)
        assert answer.status == 0, answer
        assert "1212-1212" not in answer.out
        assert "191212121212" not in answer.out


def test_bytes_with_a_personal_identity_number_are_kept_back(house: Household, stranger: Callable[..., Answer]) -> None:
    """In a certificate's own bytes the number can't be masked: another user gets those of the HSA-id alone."""
    house.insert("ordinary")
    with house.wire() as wire:
        mine = wire.call(f"{CARDS}.GetCertificates")["parameters"]["certificates"]
    assert all(one["der"] for one in mine)
    theirs = stranger("certificates").json["certificates"]
    assert {(one["identity"], one["der"] is not None) for one in theirs} == {
        ("hsaId", True),
        ("personalIdentityNumber", False),
    }


def test_unmasked_is_not_for_every_user(house: Household, stranger: Callable[..., Answer]) -> None:
    """Whoever may not use codes may not see personal identity numbers in full either."""
    house.insert("ordinary")
    for command in ("status", "monitor", "certificates", "validity"):
        answer = stranger(command, "--unmasked")
        assert (answer.status, answer.error["code"], answer.error["retryable"]) == (7, "request.denied", False)


def test_codes_are_refused_by_the_file_mode(new_house: Callable[..., Household], become: list[str]) -> None:
    """Where root alone has rights to codes and keys, another user does not even get a connection."""
    house = new_house(1)
    house.write_rights(codes=["root"], authenticate=["root"], sign=["root"])
    house.start()
    house.insert("ordinary")
    assert stat.S_IMODE((house.run / CODES).stat().st_mode) == 0o600
    answer = _caller(house, become)(*VERIFY, codes=(WRONG_PIN,))
    assert (answer.status, answer.error["code"]) == (7, "request.denied")
    assert house.tries("ordinary") == 3


def test_codes_are_refused_by_the_kernels_word(house: Household, stranger: Callable[..., Answer]) -> None:
    """As shipped everybody may connect, and the peer's credentials decide: request.denied, and no try is used."""
    house.insert("ordinary")
    assert stat.S_IMODE((house.run / CODES).stat().st_mode) == 0o666
    answer = stranger(*VERIFY, codes=(WRONG_PIN,))
    unblock = stranger("unblock", *VERIFY[1:], codes=("00000000", "918273"))
    for refused in (answer, unblock):
        assert (refused.status, refused.error["code"], refused.error["retryable"]) == (7, "request.denied", False)
    assert (house.tries("ordinary"), house.tries("ordinary", "puk")) == (3, 10)
    denied = [line for line in house.log_lines() if line["event"] == "denied"]
    assert {line["uid"] for line in denied[-2:]} == {NOBODY}


def test_a_runtime_folder_can_be_reached_by_others(house: Household) -> None:
    """The folder may be entered and read by all, written by its owner alone; the cards' socket is for all."""
    assert stat.S_IMODE(house.run.stat().st_mode) == 0o755
    assert stat.S_IMODE((house.run / CARDS).stat().st_mode) == 0o666


def test_a_group_may_use_codes(new_house: Callable[..., Household], become: list[str]) -> None:
    """Alone beside root it owns the codes' socket (0660); its members may verify and see numbers, others may not."""
    house = new_house()
    desk = ["root", f"group:{GROUP}"]
    house.write_rights(personal_numbers=desk, codes=desk, authenticate=desk, sign=desk)
    number = grp.getgrnam(GROUP).gr_gid
    house.start()
    facts = (house.run / CODES).stat()
    if os.geteuid() == 0:
        assert (stat.S_IMODE(facts.st_mode), facts.st_gid) == (0o660, number)
    else:  # an ordinary user can't give a file to a group that is not the user's own: then it stays the user's alone
        assert stat.S_IMODE(facts.st_mode) == 0o600
        (house.run / CODES).chmod(0o666)
    house.insert("ordinary")
    stranger = _caller(house, become)
    member = stranger(*VERIFY, codes=(WRONG_PIN,), group=number)
    assert (member.status, member.error["triesLeft"]) == (5, 2)
    right = stranger(*VERIFY, codes=(PIN,), group=number)
    assert (right.status, right.json["triesLeft"]) == (0, 3)
    unmasked = stranger("status", "--unmasked", group=number)
    holder = unmasked.json["readers"][0]["card"]["holder"]
    assert holder["personalIdentityNumber"] == "191212121212"
    other = stranger(*VERIFY, codes=(WRONG_PIN,))
    assert (other.status, other.error["code"]) == (7, "request.denied")
    assert code(house.await_reader("ready"))["triesLeft"] == 3


@pytest.mark.parametrize("socket", [CARDS, CODES])
def test_one_user_can_not_take_all_connections(house: Household, become: list[str], socket: str) -> None:
    """A user who opens hundreds of connections is told so, and everybody else is served meanwhile."""
    script = (
        "import socket, sys\n"
        "held = []\n"
        "for _ in range(200):\n"
        "    one = socket.socket(socket.AF_UNIX); one.connect(sys.argv[1]); held.append(one)\n"
        "held[-1].settimeout(30)\n"
        "print(held[-1].recv(65536).decode().rstrip(chr(0)), flush=True)\n"
        "sys.stdin.read()\n"
    )
    command = [*become, "--clear-groups", "/usr/bin/python3", "-c", script, str(house.run / socket)]
    greedy = house.background(command, text=True, cwd="/")
    assert greedy.stdout is not None
    assert json.loads(greedy.stdout.readline())["parameters"]["code"] == "request.tooMany"
    assert greedy.poll() is None
    assert house.ctl("status", "--json").status == 0
    assert house.ctl(*VERIFY, "--json", codes=(PIN,)).error["code"] == "card.absent"
    greedy.communicate(timeout=DEADLINE)
    assert greedy.returncode == 0
