"""A daemon that babbles, says nothing, is none, or refuses: how the log-in ends."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pam_bench import CODES, HSA_ID, NOBODY, PIN, Client, refused

from sithsd.errors import ErrorCode

LATE = 30.0
"""Seconds that no log-in with a time limit of one second may reach, however slow the machine."""

GARBAGE: dict[str, bytes | None] = {
    "noise": b"\xff\xfe\x00",
    "a list": b"[]\0",
    "a list for parameters": b'{"parameters":[]}\0',
    "half an object": b'{"parameters":{"readers":[\0',
    "two objects": b"{}{}\0",
    "no message": b"\0",
    "depth": b'{"parameters":' + b"[" * 50_000 + b"\0",
    "no end": b'{"parameters":{"a":"' + b"a" * 32_000_000,
    "the end": b"",
}


@pytest.mark.parametrize("method", ["Monitor", "GetCertificates", "GetGuidance", "Authenticate"])
@pytest.mark.parametrize("kind", GARBAGE)
def test_what_is_no_answer_is_refused(stage: Any, method: str, kind: str) -> None:
    """Bytes that are no varlink reply, too deep, too many or none at all end the log-in by name."""
    liar, client = stage
    liar.answers[method] = lambda _: GARBAGE[kind]
    refused(client.log_in(typed=f"{PIN}\n"), "AUTHINFO_UNAVAIL")
    assert liar.sent < 4_000_000


@pytest.mark.parametrize("method", ["Monitor", "GetCertificates", "GetGuidance", "Authenticate"])
def test_silence_has_an_end(stage: Any, method: str) -> None:
    """A daemon that takes a call and never answers holds nobody up for longer than the time limit."""
    liar, client = stage
    liar.answers[method] = lambda _: None
    answer = client.log_in("timeout=1", typed=f"{PIN}\n")
    refused(answer, "AUTHINFO_UNAVAIL")
    assert 1.0 <= answer.seconds < LATE
    assert ("not known whether a try was used" in answer.shown) == (method == "Authenticate")


def test_news_without_end_have_an_end(stage: Any) -> None:
    """A stream that only says that a card is being read is followed for so long and no longer."""
    liar, client = stage
    reading = {
        "parameters": {**liar.parts["Monitor"], "readers": [{"name": "Reader", "state": "reading", "card": None}]}
    }
    liar.answers["Monitor"] = lambda _: (json.dumps(reading).encode() + b"\0") * 5000
    refused(client.log_in(typed=f"{PIN}\n"), "AUTHINFO_UNAVAIL")


def test_no_daemon(tmp_path: Path) -> None:
    """Without sockets, or with nobody behind them, the door is not there."""
    (tmp_path / "run").mkdir()
    client = Client(tmp_path, tmp_path / "run", identity=f"hsaId:{HSA_ID}")
    answer = client.log_in(typed=f"{PIN}\n")
    refused(answer, "AUTHINFO_UNAVAIL")
    assert "can't be reached" in answer.shown
    refused(client.log_in(f"runtime_dir=/{'a' * 200}", typed=f"{PIN}\n"), "AUTHINFO_UNAVAIL")


def test_a_stranger_s_socket_gets_nothing(serve: Callable[..., Any], person: Any) -> None:
    """Who listens has to be root or the user that is named: another user's daemon is not even asked."""
    if os.geteuid() != 0:
        reason = "only root can listen as another user"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    liar, client = serve(person, listener=NOBODY)
    answer = client.log_in(typed=f"{PIN}\n")
    refused(answer, "AUTHINFO_UNAVAIL")
    assert "neither root nor sithsd" in answer.log
    assert liar.asked == []
    assert client.log_in("daemon_user=nobody", typed=f"{PIN}\n").result == "SUCCESS"


NAMED = {
    ErrorCode.PIN_BLOCKED: "MAXTRIES",
    ErrorCode.PIN_LAST_TRY: "MAXTRIES",
    ErrorCode.PIN_TRIES_UNKNOWN: "MAXTRIES",
    ErrorCode.PIN_WRONG: "AUTH_ERR",
    ErrorCode.PIN_MALFORMED: "AUTH_ERR",
    ErrorCode.PINPAD_CANCELLED: "AUTH_ERR",
    ErrorCode.PINPAD_TIMEOUT: "AUTH_ERR",
    ErrorCode.PINPAD_MALFORMED: "AUTH_ERR",
    ErrorCode.REQUEST_DENIED: "PERM_DENIED",
    ErrorCode.REQUEST_TOO_MANY_WRONG: "MAXTRIES",
    "certificate.bad": "AUTH_ERR",
    "signature.invalid": "AUTH_ERR",
}


@pytest.mark.parametrize("code", sorted({*ErrorCode, "certificate.bad", "signature.invalid", "something.new"}))
def test_every_refusal_of_the_daemon_has_its_result(stage: Any, code: str) -> None:
    """Each of its errors has PAM's value for it, and a sentence; one that is not known is told by its name."""
    liar, client = stage
    told = {"code": code, "retryable": False, "triesLeft": None, "retryAfter": 30, "rules": ["date.expired"]}
    liar.answers["Authenticate"] = lambda _: {"error": "io.sithsd.Codes.X", "parameters": told}
    answer = client.log_in(typed=f"{PIN}\n")
    refused(answer, NAMED.get(code, "AUTHINFO_UNAVAIL"))
    assert answer.shown.count("\n") > 3
    if code == "something.new":
        assert "something.new" in answer.shown
    if code == ErrorCode.REQUEST_TOO_MANY_WRONG:
        assert "Wait 30 seconds" in answer.shown
    if code == "certificate.bad":
        assert "expired" in answer.shown


def test_a_daemon_without_the_method_is_told(stage: Any) -> None:
    """Varlink's own errors have no code: their name is shown, and PermissionDenied is a denial."""
    liar, client = stage
    for name, result in (("MethodNotFound", "AUTHINFO_UNAVAIL"), ("PermissionDenied", "PERM_DENIED")):
        error = f"org.varlink.service.{name}"
        liar.answers["Authenticate"] = lambda _, error=error: {"error": error, "parameters": {}}
        refused(client.log_in(typed=f"{PIN}\n"), result)


def test_a_socket_that_is_not_for_this_user_is_a_denial(stage: Any) -> None:
    """PAM_PERM_DENIED where the socket of codes may not be opened."""
    liar, client = stage
    client.run_as(NOBODY)
    (liar.folder / CODES).chmod(0o600)
    answer = client.log_in(typed=f"{PIN}\n")
    refused(answer, "PERM_DENIED")
    assert "You may not" in answer.shown
