"""What the rows of the fault table have in common: the ways to use a code, and what has to hold after each fault."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from e2e_household import CARDS, CODES, DEADLINE, NEW_PIN, PIN, PUK, WRONG_PIN, WRONG_PUK, Household, Picture, code
from e2e_model_card import ModelCard, carries_code
from e2e_wire import Wire

from sithsd.audit.reading import Wanted, rows
from sithsd.audit.verify import verify
from sithsd.locations import AUDIT_FILE


@dataclass(frozen=True)
class Use:
    """One way to use a code: with the card `card`, whose code `judged` has `full` tries before it."""

    name: str
    card: str
    judged: str
    full: int

    def __str__(self) -> str:
        return self.name

    @property
    def method(self) -> str:
        """The method of io.sithsd.Codes."""
        return f"{CODES}.{self.name.capitalize()}"

    def call(self, *, wrong: bool) -> dict[str, Any]:
        """Return the parameters, with the right code or a wrong one."""
        if self.name == "unblock":
            return {"role": "authentication", "puk": WRONG_PUK if wrong else PUK, "newCode": NEW_PIN}
        new = {"newCode": NEW_PIN} if self.name == "change" else {}
        return {"role": "authentication", "code": WRONG_PIN if wrong else PIN, **new}

    def left(self, *, sent: bool, wrong: bool) -> int:
        """Return what the chip's counter has to be, if the code came to it `sent` or did not."""
        return self.full - (sent and wrong)

    @property
    def pin_after(self) -> str:
        """The PIN that the card takes after this was done."""
        return PIN if self.name == "verify" else NEW_PIN


USES = (
    Use("verify", "ordinary", "authentication", 3),
    Use("change", "ordinary", "authentication", 3),
    Use("unblock", "blocked", "puk", 10),
)
every_use = pytest.mark.parametrize("use", USES, ids=str)
on_vpcd = pytest.mark.parametrize("driver", ["vpcd"], indirect=True)
right_and_wrong = pytest.mark.parametrize("wrong", [False, True], ids=["right", "wrong"])


class Once:
    """A hook for `ModelCard` that is true at the first command that `is_it`, and only then."""

    def __init__(self, is_it: Callable[[bytes], bool] = carries_code) -> None:
        self._is_it = is_it
        self.was = threading.Event()

    def __call__(self, command: bytes) -> bool:
        """Tell whether this is the command."""
        if self.was.is_set() or not self._is_it(command):
            return False
        self.was.set()
        return True


class Stop:
    """A hook for `ModelCard` that holds the first command that `is_it` until `go`; `out` then takes the card out."""

    def __init__(self, is_it: Callable[[bytes], bool] = carries_code, *, out: bool = False) -> None:
        self._once = Once(is_it)
        self._out = out
        self.reached = threading.Event()
        self.go = threading.Event()

    def __call__(self, command: bytes) -> bool:
        """Hold the command if it is the one."""
        if not self._once(command):
            return False
        self.reached.set()
        assert self.go.wait(DEADLINE)
        return self._out

    def await_it(self) -> None:
        """Wait until the command has come."""
        assert self.reached.wait(DEADLINE), "the command never came"


class Witness:
    """What the daemon tells from now on: notices, lines of its log, rows of its audit."""

    def __init__(self, house: Household) -> None:
        self._house = house
        self._from_sequence = picture(house)["sequence"]
        self._from_line = len(house.log_lines())
        self._from_row = max((row.number for row in _rows(house)), default=0)

    def daemon_is_new(self) -> None:
        """Take note that another daemon runs, which counts its events anew."""
        self._from_sequence = 0

    def notices(self) -> list[dict[str, Any]]:
        """Return the notices since."""
        return [one for one in picture(self._house)["notices"] if one["sequence"] > self._from_sequence]

    def rows(self) -> list[Any]:
        """Return the audit's rows since."""
        return [row for row in _rows(self._house) if row.number > self._from_row]

    def await_rows(self, operation: str, count: int = 1) -> list[Any]:
        """Wait until there are so many rows of an operation, and return them."""
        deadline = time.monotonic() + DEADLINE
        while True:
            found = [row for row in self.rows() if row.operation == operation]
            if len(found) >= count:
                return found
            assert time.monotonic() < deadline, f"{len(found)} rows of {operation}"
            time.sleep(0.02)

    def the_row(self, use: Use, result: str, *, before: int | None, after: int | None) -> None:
        """Check the one row of an operation that was asked for."""
        found = [row for row in self.rows() if row.operation == use.name]
        assert [(row.result, row.tries_before, row.tries_after) for row in found] == [(result, before, after)]

    def learnt(self, use: Use, *, before: int | None, after: int, happened: bool | None) -> None:
        """Wait for the one notice of what became of a lost answer: in the picture, in the log and in the audit."""
        (row,) = self.await_rows("code.outcomeLearnt")
        result = {True: "happened", False: "didNotHappen", None: "unknown"}[happened]
        assert (row.result, row.role, row.tries_before, row.tries_after) == (result, use.judged, before, after)
        (notice,) = self.notices()
        told = {"role": use.judged, "triesBefore": before, "triesAfter": after, "happened": happened}
        assert notice.items() >= {"code": "code.outcomeLearnt", **told}.items()
        assert notice["cardSerial"] == self._house.serial(use.card)
        (line,) = self.logged("code.outcomeLearnt")
        assert (line["level"], line["tries_after"], line["happened"]) == ("warning", after, happened)

    def logged(self, event: str) -> list[dict[str, Any]]:
        """Return the log's lines of an event since."""
        return [line for line in self._house.log_lines()[self._from_line :] if line["event"] == event]

    def await_log(self, event: str, **fields: object) -> None:
        """Wait until the log has a line of an event with these fields."""
        deadline = time.monotonic() + DEADLINE
        while not any(line.items() >= fields.items() for line in self.logged(event)):
            assert time.monotonic() < deadline, f"{event} was never logged"
            time.sleep(0.02)

    def is_whole(self) -> bool:
        """Tell whether the audit's chain is whole, and nothing in it is left open."""
        verdict = verify(self._house.state / AUDIT_FILE)
        assert verdict.ok, verdict
        return True


def picture(house: Household) -> Picture:
    """Return the daemon's present picture."""
    with house.wire() as wire:
        return wire.call(f"{CARDS}.List")["parameters"]


def ask(house: Household, use: Use, *, wrong: bool, **more: object) -> dict[str, Any]:
    """Use a code; return the reply, or the error, as it is on the wire."""
    with house.wire(CODES) as wire:
        begin(house, wire, use, wrong=wrong, **more)
        return told(wire.receive())


def begin(house: Household, wire: Wire, use: Use, *, wrong: bool, **more: object) -> None:
    """Use a code of the card in the first reader, and don't wait for the answer."""
    wire.ask(use.method, {"reader": house.readers[0], **use.call(wrong=wrong), **more})


def told(reply: dict[str, Any]) -> dict[str, Any]:
    """Return a reply's parameters; those of an error have a `code`, those of a success have none."""
    parameters: dict[str, Any] = reply["parameters"]
    assert ("error" in reply) is ("code" in parameters)
    return parameters


def put_in(house: Household, use: Use, **hooks: Callable[..., Any]) -> tuple[ModelCard, Witness]:
    """Put the card of a use into the first reader, with a hand on its commands; return it when it is read."""
    model = house.model(use.card, **hooks)
    model.insert()
    house.await_reader("ready")
    return model, Witness(house)


def assert_locked(house: Household, use: Use, tries: int) -> None:
    """Check that the card itself says, asked anew, that no code is given, and this counter."""
    with house.wire() as wire:
        reply = wire.call(f"{CARDS}.GetCodes", {"reader": house.readers[0]})
    states = told(reply)["codes"]
    assert [one["verified"] for one in states] == [False] * len(states)
    assert code({"card": {"codes": states}}, use.judged)["triesLeft"] == tries


def assert_pin(house: Household, use: Use, *, done: bool) -> None:
    """Check by the card's own word which PIN it has: that of before, or that of after what was asked for."""
    if use.name == "unblock" and not done:
        assert code(house.await_reader("ready"))["blocked"] is True
        return
    pin = use.pin_after if done else PIN
    with house.wire(CODES) as wire:
        answer = told(wire.call(f"{CODES}.Verify", {"reader": house.readers[0], "role": "authentication", "code": pin}))
    assert answer.get("triesLeft") == 3, answer.get("code")


def _rows(house: Household) -> list[Any]:
    return list(rows(house.state / AUDIT_FILE, Wanted()))
