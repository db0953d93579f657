"""A site that has its cards used through a PKCS#11 module: OpenSC's, and one that stands before it and fails."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from e2e_desk import NEW_SIGNATURE_PIN, OpenSC, call, change, told
from e2e_desk import rows as audit_rows
from e2e_fault_bench import Witness
from e2e_household import BIN, DEADLINE, NEW_PIN, PIN, PUK, SIGNATURE_PIN, WRONG_PIN, Household, code

from sithsd.card import profile
from sithsd.simulator.stage import Stage

# It takes the place of the shipped profile of this name, which goes by the card's own files.
SITE = """
name = "sim_pkcs15"
title = "Simulated SITHS card, through OpenSC"
backend = "pkcs11"
evidence = "judged"
unblocking = "holder"
activation = "puk"

[[atr]]
value = "3B F5 18 00 00 81 31 FE 45 4D 79 45 49 44 9A"

[[probe]]
aid = "A0 00 00 00 63 50 4B 43 53 2D 31 35"

[pkcs11]
paths = ["{module}"]
serial = "token-info"
flags_tell = {flags_tell}
unblocks = true
seconds = 3
environment = {{ OPENSC_CONF = "./opensc.conf", AWKWARD_REAL = "{real}", AWKWARD_ORDERS = "{orders}" }}

[codes]
counter = "{counter}"
when_verified = "full"
clearing = "logout"
max_tries = 3
puk_max_tries = 10

[codes.labels]
authentication = ["(legitimering)"]
signature = ["(underskrift)"]

[[codes.known]]
role = "authentication"
reference = 1
min_length = 6
max_length = 8
stored_length = 8
padding = 255
unblocked_by = 3

[[codes.known]]
role = "signature"
reference = 2
min_length = 6
max_length = 8
stored_length = 8
padding = 255
unblocked_by = 3

[[codes.known]]
role = "puk"
reference = 3
min_length = 8
max_length = 8
stored_length = 8
padding = 255
"""


class Site:
    """A house whose cards are used through a module that does what it is told before it asks OpenSC's."""

    def __init__(self, house: Household, module: Path, *, counter: str) -> None:
        self.house = house
        self.orders = house.folder / "orders"
        self.order()
        folder = house.folder / "drivers.d" / "sim_pkcs15"
        folder.mkdir(parents=True)
        opensc = next(one for one in profile.load_folder(profile.shipped_folder()) if one.name == "opensc_pkcs11")
        assert opensc.pkcs11 is not None
        real = next((path for path in opensc.pkcs11.paths if Path(path).exists()), None)
        assert real is not None, "opensc-pkcs11 is not installed"
        shutil.copy(opensc.pkcs11.environment["OPENSC_CONF"], folder / "opensc.conf")
        flags_tell = "false" if counter == "empty-verify" else "true"
        text = SITE.format(module=module, real=real, orders=self.orders, counter=counter, flags_tell=flags_tell)
        (folder / "profile.toml").write_text(text)
        house.start()

    def order(self, **orders: str) -> None:
        """Replace what the module is told."""
        self.reached.unlink(missing_ok=True)
        self.orders.write_text("".join(f"{name} {what}\n" for name, what in orders.items()))

    @property
    def reached(self) -> Path:
        """The file that is made when the module hangs."""
        return self.orders.with_name(f"{self.orders.name}.reached")

    def children(self) -> list[int]:
        """Return the daemon's child processes."""
        assert self.house.daemon is not None
        pid = self.house.daemon.pid
        found = Path(f"/proc/{pid}/task").glob("*/children")
        return [int(child) for each in found for child in each.read_text().split()]


@pytest.fixture(scope="module")
def new_site(house_on: Callable[[Stage], Household], awkward_module: Path) -> Iterator[Callable[[str], Site]]:
    """Make a site, one for all tests of this module that have the same counter."""
    if os.geteuid() != 0:
        reason = "a site profile, and a module, have to be root's"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    made: dict[str, Site] = {}
    with ExitStack() as stack:

        def make(counter: str) -> Site:
            if counter not in made:
                house = stack.enter_context(closing(house_on(stack.enter_context(Stage(2)))))
                made[counter] = Site(house, awkward_module, counter=counter)
            return made[counter]

        yield make


@pytest.fixture
def counter() -> str:
    """Return how the site's profile says that the card itself tells its counters; "unknown": it does not."""
    return "empty-verify"


@pytest.fixture
def site(new_site: Callable[[str], Site], counter: str) -> Iterator[Site]:
    """Return a site without a card in its readers. Afterwards the daemon has to be alive, without a fault."""
    made = new_site(counter)
    made.order()
    yield made
    made.order()
    made.house.tidy()


@pytest.fixture
def house(site: Site) -> Household:
    """Return the site's house, with the ordinary card in, which the daemon has read."""
    site.house.insert("ordinary")
    return site.house


def test_the_card_is_read_as_without_a_module(site: Site, house: Household) -> None:
    """Holder, codes and certificates are shown; it is told that a module reads it, and by which profile."""
    reader = house.await_reader("ready")
    card = reader["card"]
    assert (card["serial"], card["holder"]["displayName"]) == (house.serial("ordinary"), "Tolvan Tolvansson")
    assert {one["role"]: one["triesLeft"] for one in card["codes"]} == {
        "authentication": 3,
        "signature": 3,
        "puk": 10,
    }
    assert len(house.ctl("certificates", "--json").json["certificates"]) == 4
    with house.wire("io.sithsd.Cards") as wire:
        found = wire.call("io.sithsd.Cards.Diagnose", {})["parameters"]["readers"][0]
    assert (found["backend"], found["profile"]) == ("pkcs11", "sim_pkcs15")
    assert len(site.children()) == 1


def test_a_pin_is_verified_changed_and_unblocked(house: Household) -> None:
    """All through the module: each code costs what it costs, the audit tells it, and OpenSC's own tool finds it so."""
    assert house.verify(PIN).status == 0
    wrong = house.verify(WRONG_PIN)
    assert (wrong.status, wrong.error["code"], wrong.error["triesLeft"]) == (5, "pin.wrong", 2)
    assert house.tries("ordinary") == 2
    assert change(house, PIN, NEW_PIN).status == 0
    assert change(house, SIGNATURE_PIN, NEW_SIGNATURE_PIN, role="signature").status == 0
    assert [_verify(house, WRONG_PIN)["triesLeft"] for _ in range(2)] == [2, 1]
    assert house.verify(WRONG_PIN).error["code"] == "pin.lastTry"
    assert _verify(house, WRONG_PIN, spendLastTry=True)["triesLeft"] == 0
    assert house.verify(NEW_PIN).error["code"] == "pin.blocked"
    wrong = house.unblock("87654321", "73519264")
    assert (wrong.error["code"], wrong.error["triesLeft"]) == ("puk.wrong", 9)
    assert house.unblock(PUK, "73519264").status == 0
    assert code(house.await_reader("ready"))["triesLeft"] == 3
    told_of = [told(row)[0:3:2] for row in audit_rows(house, "--last", "3")]
    assert told_of == [("verify", "pin.blocked"), ("unblock", "puk.wrong"), ("unblock", "done")]
    opensc = OpenSC(house)
    assert opensc.accepts("73519264", "authentication")
    assert opensc.accepts(NEW_SIGNATURE_PIN, "signature")
    assert not opensc.accepts(PIN, "authentication")


def test_each_code_goes_to_the_chip_once(site: Site) -> None:
    """The chip itself counts the codes that come to it: one for each call, right or wrong."""
    house = site.house
    card = house.model("ordinary")
    card.insert()
    house.await_reader("ready")
    assert card.codes_sent == 0
    for number, given in enumerate((PIN, WRONG_PIN), 1):
        _verify(house, given)
        assert card.codes_sent == number
    call(house, "Change", role="authentication", code=PIN, newCode=NEW_PIN)
    call(house, "Unblock", role="authentication", puk=PUK, newCode="73519264")
    assert card.codes_sent == 4


@pytest.mark.parametrize(("order", "detail"), [("hang", "did not answer"), ("crash", "SIGSEGV")])
def test_a_module_that_fails_while_it_reads(site: Site, order: str, detail: str) -> None:
    """The card is unreadable, by a named error; everything else goes on, and the card is read when the module works."""
    house = site.house
    site.order(C_GetSlotList=order)
    house.insert("ordinary", state=None)
    reader = house.await_reader("unreadable")
    assert reader["reason"] == ("module.timeout" if order == "hang" else "module.failed")
    assert detail in house.ctl("status", "--json").json["readers"][0]["detail"]
    assert site.children() == []
    site.order()
    house.remove()
    house.insert("ordinary")
    assert house.verify(PIN).status == 0


@pytest.mark.parametrize("order", ["hang", "crash"])
def test_a_module_that_fails_before_it_has_the_code(site: Site, house: Household, order: str) -> None:
    """Nothing was sent: it is named, may be tried again, costs nothing, and is in no doubt."""
    site.order(C_OpenSession=order)
    failed = house.verify(PIN)
    name = "module.timeout" if order == "hang" else "module.failed"
    assert (failed.status, failed.error["code"], failed.error["retryable"]) == (9, name, True)
    site.order()
    assert _verify(house, PIN)["triesLeft"] == 3
    assert house.tries("ordinary") == 3
    assert [told(row)[2] for row in audit_rows(house, "--last", "2")] == [name, "done"]


@pytest.mark.parametrize("order", ["hang", "crash"])
def test_a_module_that_fails_with_the_code(site: Site, house: Household, order: str) -> None:
    """Whether it went to the card nobody knows: card.outcomeUnknown, the counter is compared, and the next call works.

    Here it did not go. While the module hangs, status is told at once.
    """
    assert _verify(house, WRONG_PIN)["triesLeft"] == 2
    witness = Witness(house)
    site.order(C_Login=order)
    with ThreadPoolExecutor(1) as other, house.wire("io.sithsd.Cards") as wire:
        asked = other.submit(house.verify, PIN)
        while not asked.done():
            assert len(wire.call("io.sithsd.Cards.List", {})["parameters"]["readers"]) == 2
            time.sleep(0.05)
        failed = asked.result()
    assert (failed.status, failed.error["code"]) == (9, "card.outcomeUnknown")
    site.order()
    house.await_reader("ready")
    assert house.tries("ordinary") == 2
    (notice,) = witness.notices()
    assert (notice["code"], notice["triesBefore"], notice["triesAfter"]) == ("code.outcomeLearnt", 2, 2)
    assert notice["happened"] is False
    assert _verify(house, PIN)["triesLeft"] == 3
    assert house.tries("ordinary") == 3


def test_a_daemon_that_is_killed_leaves_no_module_behind(site: Site, house: Household) -> None:
    """The child has an end of its own, also in the midst of a module that hangs."""
    (child,) = site.children()
    site.order(C_Login="hang")
    verify = [str(BIN / "sithsctl"), "verify", "--role", "authentication", "--code-fd", "0"]
    caller = house.background(verify, stderr=subprocess.STDOUT)
    caller.stdin.write(f"{PIN}\n".encode())
    caller.stdin.close()
    _until(site.reached.exists)
    house.kill()
    _until(lambda: not Path(f"/proc/{child}").exists())
    site.order()
    house.start()
    house.await_reader("ready")
    assert house.tries("ordinary") == 3


def _verify(house: Household, pin: str, **more: Any) -> dict[str, Any]:
    """Give a PIN over the socket; return the reply, or the error."""
    return call(house, "Verify", role="authentication", code=pin, **more)


def _until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_daemon_that_ends_ends_its_module(site: Site, house: Household) -> None:
    """In order, and nothing of it is left."""
    children = site.children()
    assert children
    house.stop()
    _until(lambda: not any(Path(f"/proc/{child}").exists() for child in children))
    house.start()


@pytest.mark.parametrize("counter", ["unknown"])
def test_flags_are_knowledge_enough(site: Site, house: Household) -> None:
    """Where only the module's flags tell: no number is shown, and yet the last try is kept until somebody says so."""
    assert code(house.await_reader("ready"))["triesLeft"] is None
    for left in (2, 1):
        assert (_verify(house, WRONG_PIN)["code"], house.tries("ordinary")) == ("pin.wrong", left)
    assert house.verify(PIN).error["code"] == "pin.lastTry"
    assert house.tries("ordinary") == 1
    assert "code" not in _verify(house, PIN, spendLastTry=True)
    assert house.unblock(PUK, NEW_PIN).error["code"] == "puk.triesUnknown"
    assert house.unblock(PUK, NEW_PIN, "--spend-last-try", "--risk-card").status == 0
    assert site.children()
