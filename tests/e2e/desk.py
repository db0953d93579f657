"""What the tests of a desk's work share: scripts' calls, the audit's rows, other users, OpenSC as another program."""

import os
import pty
import select
import subprocess
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from e2e_household import DEADLINE, NEW_PIN, Answer, Household

NEW_SIGNATURE_PIN = "40718263"
TRANSPORT, SIGNATURE_TRANSPORT = "502814", "739261"
REFERENCES = {"authentication": "01", "signature": "02"}
"""What the simulated cards' EF.AODF calls the PINs: OpenSC's --auth-id."""


def days_ago(days: int) -> str:
    """Return a day as the checklist takes it."""
    return (datetime.now(UTC) - timedelta(days=days)).date().isoformat()


def checklist(**answers: str) -> list[str]:
    """Return answers to the shipped checklist that are enough, but for those given ("": not answered at all)."""
    enough = {
        "holderPresent": "yes",
        "idDocument": "yes",
        "orderDate": days_ago(20),
        "responsibilityLetter": "yes",
        "paymentApplies": "no",
    }
    return [part for name, said in {**enough, **answers}.items() if said for part in ("--answer", f"{name}={said}")]


def on_the_wire(**answers: Any) -> list[dict[str, Any]]:
    """Return the same as a client of the socket sends them."""
    enough = {
        "holderPresent": True,
        "idDocument": True,
        "orderDate": days_ago(20),
        "responsibilityLetter": True,
        "paymentApplies": False,
    }
    return [
        {"id": name, "date" if isinstance(said, str) else "confirmed": said}
        for name, said in {**enough, **answers}.items()
        if said is not None
    ]


def change(house: Household, old: str, new: str, *more: str, role: str = "authentication") -> Answer:
    """Run `sithsctl change` as a script would."""
    return house.ctl("change", "--role", role, "--code-fd", "0", "--json", *more, codes=(old, new))


def activate(house: Household, *present: str, answers: Sequence[str] | None = None, more: Sequence[str] = ()) -> Answer:
    """Run `sithsctl activate` as a script would: the PUK or the transport PINs that the card needs, then new PINs."""
    told = checklist() if answers is None else list(answers)
    codes = (*present, NEW_PIN, NEW_SIGNATURE_PIN)
    return house.ctl("activate", "--code-fd", "0", "--json", *told, *more, codes=codes)


def call(house: Household, method: str, **parameters: Any) -> dict[str, Any]:
    """Call a method of io.sithsd.Codes; return what it replies, or the error's parameters."""
    with house.wire("io.sithsd.Codes") as wire:
        return wire.call(f"io.sithsd.Codes.{method}", parameters)["parameters"]


def rows(house: Household, *selection: str) -> list[dict[str, Any]]:
    """Return the audit's rows, the oldest first, and have the chain looked through."""
    assert house.ctl("audit", "verify").status == 0
    return house.ctl("audit", "show", "--json", *selection).json["rows"]


def told(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what a row says of an operation: name, role, result, tries before and after."""
    return tuple(row[name] for name in ("operation", "role", "result", "triesBefore", "triesAfter"))


def another(house: Household, become: Sequence[str]) -> Callable[..., Answer]:
    """Return what runs sithsctl as another user, with a group or none; `uid` is the user's number."""

    def run(*arguments: str, codes: tuple[str, ...] = (), group: int | None = None, uid: int | None = None) -> Answer:
        means = [f"--reuid={uid}" if uid is not None and part.startswith("--reuid") else part for part in become]
        groups = "--clear-groups" if group is None else f"--groups={group}"
        done = subprocess.run(
            [*means, groups, *house.program("sithsctl"), *arguments],
            env=house.environment,
            cwd="/",
            input="".join(f"{line}\n" for line in codes),
            capture_output=True,
            text=True,
            check=False,
            timeout=DEADLINE,
        )
        return Answer(done.returncode, done.stdout, done.stderr)

    return run


class OpenSC:
    """OpenSC's pkcs15-tool beside the daemon, without settings and with a cache of its own."""

    def __init__(self, house: Household) -> None:
        self._house = house
        folder = house.folder
        bare = {"OPENSC_CONF": str(folder / "no-opensc.conf"), "XDG_CACHE_HOME": str(folder / "opensc-cache")}
        self._environment = {**house.environment, **bare, "HOME": str(folder / "opensc-home")}

    def accepts(self, code: str, role: str = "authentication") -> bool:
        """Tell whether the card takes a PIN, by the tool's own VERIFY; a wrong one costs a try."""
        return self._right("--verify-pin", "--auth-id", REFERENCES[role], "--pin", "env:GIVEN", GIVEN=code)

    def changes(self, old: str, new: str, role: str = "authentication") -> bool:
        """Change a PIN; tell whether the card took the old one."""
        codes = {"OLD": old, "NEW": new}
        given = ["--pin", "env:OLD", "--new-pin", "env:NEW"]
        return self._right("--change-pin", "--auth-id", REFERENCES[role], *given, **codes)

    def unblocks(self, puk: str, new: str, role: str = "authentication") -> bool:
        """Unblock a PIN; tell whether the card took the PUK."""
        codes = {"PUK": puk, "NEW": new}
        given = ["--puk", "env:PUK", "--new-pin", "env:NEW"]
        return self._right("--unblock-pin", "--auth-id", REFERENCES[role], *given, **codes)

    def _right(self, *arguments: str, **codes: str) -> bool:
        done = subprocess.run(
            ["pkcs15-tool", *arguments],
            env={**self._environment, **codes},
            capture_output=True,
            text=True,
            check=False,
            timeout=DEADLINE,
        )
        assert done.returncode == 0 or " incorrect" in done.stderr, done.stderr
        return done.returncode == 0


def at_pad(house: Household, *command: str) -> Callable[[], Answer]:
    """Start sithsctl with --pin-pad, for keys to be pressed meanwhile; what is returned waits for its answer."""
    given = [*house.program("sithsctl"), *command, "--pin-pad", "--json"]
    # A session of its own has no terminal: as in a script, nothing is shown before.
    child = house.background(given, stderr=subprocess.PIPE, text=True, start_new_session=True)

    def answer() -> Answer:
        out, err = child.communicate(timeout=DEADLINE)
        return Answer(child.returncode, out, err)

    return answer


def at_terminal(
    house: Household, *exchanges: tuple[str, str | Callable[[], str]], command: Sequence[str], term: str = "dumb"
) -> tuple[int, bytes]:
    """Answer what sithsctl asks on a terminal, each time when it has asked; return its exit status and what was shown.

    An exchange is a piece of a prompt and the answer to it, or what is done meanwhile and returns the answer.
    """
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (40, 120))
    child = house.background(
        ["setsid", "--ctty", "--wait", *house.program("sithsctl"), *command],
        stdin=theirs, stdout=theirs, stderr=theirs, env={**house.environment, "TERM": term},
    )  # fmt: skip
    transcript, read = b"", 0
    waiting = list(exchanges)
    deadline = time.monotonic() + DEADLINE
    while child.poll() is None or select.select([ours], [], [], 0)[0]:
        assert time.monotonic() < deadline, "it waits for something else"
        if select.select([ours], [], [], 0.05)[0]:
            transcript += os.read(ours, 4096)
        if waiting and (found := transcript.find(waiting[0][0].encode(), read)) >= 0:
            read = found + 1
            answer = waiting.pop(0)[1]
            os.write(ours, f"{answer if isinstance(answer, str) else answer()}\n".encode())
    os.close(ours)
    os.close(theirs)
    assert not waiting, "it did not ask for everything"
    return int(child.returncode), transcript


def memory_holds(pid: int, *codes: str) -> list[str]:
    """Return which of the codes are anywhere in a process's memory that can be written, in ASCII."""
    found = set()
    with Path(f"/proc/{pid}/maps").open() as maps, Path(f"/proc/{pid}/mem").open("rb", 0) as memory:
        for line in maps:
            span, mode = line.split()[:2]
            if not mode.startswith("rw"):
                continue
            start, end = (int(part, 16) for part in span.split("-"))
            try:
                memory.seek(start)
                content = memory.read(end - start)
            except (OSError, OverflowError, ValueError):
                continue  # the kernel's own pages
            found |= {code for code in codes if code.encode() in content}
    return sorted(found)
