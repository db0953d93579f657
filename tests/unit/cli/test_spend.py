"""verify, change and unblock with codes from a file descriptor, or from the reader's pad."""

import os
from collections.abc import Callable, Iterator

import pytest

from sithsd.cli.statuses import STATUS_OF, exit_status
from sithsd.errors import ErrorCode
from tests.unit.cli.conftest import READER, FakeDaemon, Hangup, Outcome, Refusal, code_reply

Run = Callable[..., Outcome]
CANARY = "739146"


@pytest.fixture
def pipe() -> Iterator[Callable[[bytes], str]]:
    """Return a function that makes a pipe with a content, and gives the number of its reading end."""
    opened: list[int] = []

    def make(content: bytes) -> str:
        reading, writing = os.pipe()
        os.write(writing, content)
        os.close(writing)
        opened.append(reading)
        return str(reading)

    yield make
    for descriptor in opened:
        os.close(descriptor)


Pipe = Callable[[bytes], str]


def test_verify_sends_the_code_once(daemon: FakeDaemon, sithsctl: Run, pipe: Pipe) -> None:
    """One call with role and code, nothing else; the reply is printed as it came."""
    daemon.script["Verify"] = [code_reply()]
    outcome = sithsctl("verify", "--role", "authentication", "--code-fd", pipe(b"123456\n"), "--json")
    assert (outcome.status, outcome.json, outcome.err) == (0, code_reply(), "")
    assert daemon.calls("Verify") == [{"role": "authentication", "code": "123456"}]
    assert len(daemon.requests) == 1


def test_unblock_reads_puk_then_new_pin(daemon: FakeDaemon, sithsctl: Run, pipe: Pipe) -> None:
    """The first line is the PUK, the second the new PIN; both go in one call."""
    daemon.script["Unblock"] = [code_reply("signature")]
    arguments = ("--role", "signature", "--reader", READER, "--code-fd", pipe(b"12345678\r\n654321"))
    outcome = sithsctl("unblock", *arguments, lang="sv")
    assert outcome.out == "Klart. Koden är upplåst och har fått sitt nya värde. 3 försök är kvar.\n"
    sent = {"role": "signature", "puk": "12345678", "newCode": "654321", "reader": READER}
    assert daemon.calls("Unblock") == [sent]


@pytest.mark.parametrize(("options", "flag"), [([], None), (["--spend-last-try"], True)])
@pytest.mark.parametrize(("command", "lines"), [("verify", b"123456\n"), ("unblock", b"12345678\n123456\n")])
def test_the_last_try_is_spent_only_when_said(  # noqa: PLR0913, PLR0917 - a table
    daemon: FakeDaemon, sithsctl: Run, pipe: Pipe, command: str, lines: bytes, options: list[str], flag: bool | None
) -> None:
    """SpendLastTry is true with --spend-last-try and never otherwise: no question stands in for it."""
    daemon.script[command.capitalize()] = [code_reply()]
    sithsctl(command, "--role", "authentication", "--code-fd", pipe(lines), *options)
    (call,) = daemon.calls(command.capitalize())
    assert call.get("spendLastTry") is flag


@pytest.mark.parametrize(
    ("command", "lines", "role"),
    [
        ("verify", b"", "authentication"),
        ("verify", b"\n", "authentication"),
        ("verify", b"1" * 65, "authentication"),
        ("verify", "12345å\n".encode(), "authentication"),
        ("unblock", b"\n123456\n", "puk"),
        ("unblock", b"12345678\n", "authentication"),
        ("unblock", b"12345678\n" + b"1" * 65, "authentication"),
    ],
)
def test_what_is_no_code_reaches_nobody(  # noqa: PLR0913, PLR0917 - a table
    daemon: FakeDaemon, sithsctl: Run, pipe: Pipe, command: str, lines: bytes, role: str
) -> None:
    """An empty, endless or garbled line is refused here with the role it was for; the daemon is not even asked."""
    outcome = sithsctl(command, "--role", "authentication", "--code-fd", pipe(lines), "--json")
    assert (outcome.status, outcome.json["error"]["code"]) == (7, "pin.malformed")
    assert outcome.json["error"]["role"] == role
    assert daemon.requests == []


@pytest.mark.parametrize("code", [code for code in STATUS_OF if isinstance(code, ErrorCode)])
def test_every_refusal_has_its_status_and_object(
    daemon: FakeDaemon, sithsctl: Run, pipe: Pipe, code: ErrorCode
) -> None:
    """For each error of the daemon a script gets the code, the tries left, whether to retry, and the group's status."""
    tries = 2 if code.startswith(("pin", "puk")) else None
    daemon.script["Verify"] = [Refusal(code, {"triesLeft": tries, "role": "authentication"}, retryable=True)]
    outcome = sithsctl("verify", "--role", "authentication", "--code-fd", pipe(b"123456\n"), "--json")
    told = outcome.json["error"]
    assert (told["code"], told["triesLeft"], told["retryable"]) == (code, tries, True)
    assert outcome.status == exit_status(code) != 0


@pytest.mark.parametrize(
    ("tries", "lang", "sentence"),
    [
        (2, "en", "Wrong authentication PIN. 2 tries are left."),
        (1, "en", "Wrong authentication PIN. One try is left."),
        (0, "en", "It is blocked now"),
        (None, "en", "does not tell"),
        (2, "sv", "Fel legitimeringskod. 2 försök är kvar."),
        (1, "sv", "Fel legitimeringskod. Ett försök är kvar."),
        (0, "sv", "Den är nu låst"),
        (None, "sv", "talar inte om"),
    ],
)
def test_a_wrong_pin_tells_the_tries_left(  # noqa: PLR0913, PLR0917 - a table
    daemon: FakeDaemon, sithsctl: Run, pipe: Pipe, tries: int | None, lang: str, sentence: str
) -> None:
    """A person hears how many tries are left, in grammar that fits the number."""
    daemon.script["Verify"] = [Refusal("pin.wrong", {"triesLeft": tries, "role": "authentication"})]
    outcome = sithsctl("verify", "--role", "authentication", "--code-fd", pipe(b"123456\n"), lang=lang)
    assert (outcome.status, outcome.out) == (5, "")
    assert sentence in outcome.err


def test_a_daemon_lost_in_the_middle_is_not_a_daemon_that_was_not_there(
    daemon: FakeDaemon, sithsctl: Run, pipe: Pipe
) -> None:
    """When the connection breaks after the code was sent, a try may be gone: not retryable, and the person is told."""
    daemon.script["Verify"] = [Hangup()]
    outcome = sithsctl("verify", "--role", "authentication", "--code-fd", pipe(b"123456\n"), "--json")
    assert (outcome.status, outcome.json["error"]["retryable"]) == (3, False)
    outcome = sithsctl("verify", "--role", "authentication", "--code-fd", pipe(b"123456\n"))
    assert "a try may have been used" in " ".join(outcome.err.split())


@pytest.mark.parametrize("answer", [code_reply(), Refusal("pin.wrong"), Refusal("internal"), Hangup(), {"nonsense": 1}])
@pytest.mark.parametrize("form", [[], ["--json"]])
def test_a_code_is_never_shown(daemon: FakeDaemon, sithsctl: Run, pipe: Pipe, answer: object, form: list[str]) -> None:
    """Whatever the daemon answers, no code appears in what is printed."""
    daemon.script["Verify"] = daemon.script["Unblock"] = [answer]
    for command, lines in (("verify", f"{CANARY}\n"), ("unblock", f"{CANARY}00\n{CANARY}\n")):
        outcome = sithsctl(command, "--role", "signature", "--code-fd", pipe(lines.encode()), *form)
        assert CANARY not in outcome.out + outcome.err
    assert daemon.calls("Verify")[0]["code"] == CANARY


def test_codes_are_wiped_after_use(
    daemon: FakeDaemon, sithsctl: Run, pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the command is over, the buffers that held the codes hold zeros, also when the daemon refused."""
    held: list[bytearray] = []

    def reading(descriptor: int, role: str) -> object:
        secret = original(descriptor, role)
        held.append(secret.reveal())
        return secret

    from sithsd.cli.commands import spend  # noqa: PLC0415 - only here is the module itself needed

    original = spend.read_code
    monkeypatch.setattr(spend, "read_code", reading)
    for answer in (code_reply(), Refusal("puk.wrong")):
        daemon.script["Unblock"] = [answer]
        sithsctl("unblock", "--role", "authentication", "--code-fd", pipe(b"12345678\n123456\n"))
    assert held == [bytearray(8), bytearray(6)] * 2
    assert [call["puk"] for call in daemon.calls("Unblock")] == ["12345678"] * 2
