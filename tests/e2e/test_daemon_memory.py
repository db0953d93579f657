"""Codes do not stay in the daemon's memory: it is searched, as root, seconds after operations of every kind."""

import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from e2e_household import CODES, Household

PIN, PUK = "73915468", "40718263"
WRONG_PIN, WRONG_PUK, NEW_PIN, LETTERS = "58203917", "93640182", "82604713", "7391x468"
CANARIES = (PIN, PUK, WRONG_PIN, WRONG_PUK, NEW_PIN, LETTERS)
SECONDS_LEFT = 5.0
CARD = f"""
title = "canary"
codes = {{ authentication = "{PIN}", signature = "64281957", puk = "{PUK}" }}
"""
_REGION = re.compile(r"([0-9a-f]+)-([0-9a-f]+) (r[w-][x-][ps]) \S+ \S+ \d+\s*(.*)")

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="another process's memory is root's to read")


def regions(pid: int) -> Iterator[tuple[str, int, bytes]]:
    """Yield what is mapped into a process and can be read: its name, where it begins, and what is in it."""
    with Path(f"/proc/{pid}/mem").open("rb", 0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text(encoding="utf-8").splitlines():
            found = _REGION.match(line)
            if found is None or found[4] in {"[vvar]", "[vsyscall]"}:
                continue
            begin, end = int(found[1], 16), int(found[2], 16)
            memory.seek(begin)
            try:
                content = memory.read(end - begin)
            except OSError:
                continue  # a device's, or unmapped since
            yield found[4] or "anonymous", begin, content


def forms(code: str) -> dict[str, bytes]:
    """Return the forms of a code that are searched for."""
    plain = code.encode()
    return {
        "digits": plain,
        "UTF-16": code.encode("utf-16-le"),
        "UTF-32": code.encode("utf-32-le"),
        "a list of C ints": b"".join(byte.to_bytes(4, "little") for byte in plain),
        "BCD": bytes.fromhex(code) + b"\xff" if code.isdecimal() else plain,
    }


def leaks(pid: int) -> list[str]:
    """Return each place of a code in a process's memory, with what is around it, the code itself blotted out."""
    found = []
    for name, begin, content in regions(pid):
        for code in CANARIES:
            for form, trace in forms(code).items():
                for hit in re.finditer(re.escape(trace), content):
                    around = content[max(hit.start() - 48, 0) : hit.end() + 24].replace(trace, b"<code>")
                    found.append(f"{code[:2]}… as {form} in {name} at {begin + hit.start():x}: {around!r}")
    return found


@pytest.fixture
def house(new_house: Callable[..., Household], tmp_path: Path) -> Household:
    """Return a house with a card in it whose codes can be told from everything else."""
    made = new_house(1)
    made.start()
    (tmp_path / "canary.toml").write_text(CARD)
    made.sim("insert", str(tmp_path / "canary.toml"))
    made.await_reader("ready")
    return made


def daemon_leaks(house: Household) -> list[str]:
    """Return what is left of codes in the daemon some seconds later, when no operation is under way."""
    time.sleep(SECONDS_LEFT)
    assert house.daemon is not None
    return leaks(house.daemon.pid)


def test_the_search_finds_what_is_there() -> None:
    """In this process, which has the codes, each one is found: a search without finding means something."""
    found = leaks(os.getpid())
    for code in CANARIES:
        assert any(line.startswith(f"{code[:2]}… as digits") for line in found)


def test_codes_leave_memory(house: Household) -> None:
    """After right, wrong and malformed codes of every kind none of them is in the daemon's memory, in any form."""
    assert house.verify(WRONG_PIN).error["code"] == "pin.wrong"
    assert house.verify(PIN).status == 0
    assert house.verify(LETTERS).error["code"] == "pin.malformed"
    assert house.verify(PIN).status == 0
    assert house.unblock(WRONG_PUK, NEW_PIN).error["code"] == "puk.wrong"
    assert house.unblock(PUK, NEW_PIN).status == 0
    assert house.verify(NEW_PIN).status == 0
    change = ("change", "--role", "authentication", "--code-fd", "0", "--json")
    assert house.ctl(*change, codes=(WRONG_PIN, PIN)).error["code"] == "pin.wrong"
    assert house.ctl(*change, codes=(NEW_PIN, PIN)).status == 0
    assert daemon_leaks(house) == []


def test_broken_requests_leave_memory(house: Household) -> None:
    """Nor are those of requests that were refused, or cut short, before anybody could wipe their codes."""
    with house.wire(CODES) as wire:
        for parameters in (
            {"code": PUK},
            {"role": PIN, "code": PUK},
            {"role": "authentication", "code": [WRONG_PIN]},
            {"code": {PIN: PIN}},
        ):
            assert wire.call(f"{CODES}.Verify", parameters)["error"] is not None
        wire.send(b'{"parameters": "%s"\0' % NEW_PIN.encode())
        wire.receive()
        wire.send(f'{{"method": "{CODES}.Verify", "parameters": {{"code": "{WRONG_PUK}'.encode())
    assert daemon_leaks(house) == []
