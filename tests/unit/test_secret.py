"""Codes in memory: no way to see one but `reveal`, and nothing left after `wipe`."""

import copy
import json
import logging
import pickle
import traceback
from dataclasses import asdict, dataclass
from io import StringIO

import msgspec
import pytest
from rich.console import Console
from rich.traceback import Traceback

from sithsd.secret import Secret

CANARY = "739146"


@dataclass
class Request:
    """Something that carries a code."""

    code: Secret


def canary() -> Secret:
    """Return the code that must not be seen."""
    return Secret(CANARY.encode())


@pytest.mark.parametrize(
    "shown",
    [
        repr,
        str,
        lambda secret: f"{secret}",
        lambda secret: f"{secret!r:>20}",
        lambda secret: "%s %r" % (secret, secret),  # noqa: UP031 - logging formats so
        lambda secret: repr([secret, {"code": secret}]),
        lambda secret: repr(Request(secret)),
        lambda secret: str(ValueError("refused", secret)),
        lambda secret: repr(dir(secret)),
    ],
)
def test_no_text_of_a_secret_shows_it(shown) -> None:  # noqa: ANN001 - a row of lambdas
    """Whatever turns an object into text gives the same words for every code."""
    assert CANARY not in shown(canary())
    assert shown(canary()) == shown(Secret(b"1"))


@pytest.mark.parametrize(
    "taken",
    [
        copy.copy,
        copy.deepcopy,
        *(lambda secret, protocol=protocol: pickle.dumps(secret, protocol) for protocol in range(6)),
        json.dumps,
        msgspec.json.encode,
        bytes,
        iter,
        vars,
        lambda secret: secret.__getstate__(),
        lambda secret: asdict(Request(secret)),
        lambda secret: f"{secret:x}",
    ],
)
def test_nothing_copies_or_serialises_a_secret(taken) -> None:  # noqa: ANN001 - a row of functions
    """Every way in which Python copies an object's contents without being told to is shut, and its error is silent."""
    with pytest.raises((TypeError, NotImplementedError)) as refusal:
        taken(canary())
    assert CANARY not in str(refusal.value)


def test_two_secrets_are_never_equal() -> None:
    """Comparing would leak by time, and comparing is the card's business: identity is all there is."""
    assert canary() != canary()


def test_a_traceback_that_prints_local_variables_shows_no_code() -> None:
    """The most talkative traceback there is prints the `repr` of every local variable."""

    def fail(code: Secret) -> None:
        request = Request(code)
        raise ValueError("refused", request)

    out = StringIO()
    with pytest.raises(ValueError, match="refused") as failure:
        fail(canary())
    console = Console(file=out, width=200)
    console.print(
        Traceback.from_exception(type(failure.value), failure.value, failure.value.__traceback__, show_locals=True)
    )
    text = out.getvalue() + "".join(traceback.format_exception(failure.value))
    assert "Secret(...)" in text
    assert CANARY not in text.replace(f'CANARY = "{CANARY}"', "")


def test_a_log_record_shows_no_code(caplog: pytest.LogCaptureFixture) -> None:
    """A secret that is logged by mistake is logged as a word."""
    logging.getLogger("sithsd.test").warning("verify %s", canary())
    assert "Secret(...)" in caplog.text
    assert CANARY not in caplog.text


def test_reveal_gives_the_very_buffer() -> None:
    """No copy is made on the way to the card, so that wiping the secret wipes what was revealed."""
    secret = canary()
    revealed = secret.reveal()
    assert revealed == CANARY.encode()
    secret.wipe()
    assert not any(revealed)


def test_the_block_ends_with_the_code_overwritten() -> None:
    """The memory that held the code holds zeros after the `with` block, whoever still looks at it."""
    with canary() as secret:
        assert len(secret) == 6
        window = memoryview(secret.reveal())
    assert bytes(window) == bytes(6)
    assert len(secret) == 0
    assert secret.reveal() == b""


def test_an_error_inside_the_block_wipes_too() -> None:
    """A failed call leaves no code behind, and the error that is seen is the call's own."""
    secret = canary()
    window = memoryview(secret.reveal())
    with pytest.raises(RuntimeError, match="the card is gone"), secret:
        raise RuntimeError("the card is gone")
    assert bytes(window) == bytes(6)


def test_wiping_twice_does_no_harm() -> None:
    """Whoever is the last to hold a secret may wipe it, wiped already or not."""
    secret = canary()
    secret.wipe()
    secret.wipe()
    assert len(secret) == 0


@pytest.mark.parametrize("source", [bytes, bytearray, memoryview])
def test_a_secret_is_its_own_copy(source) -> None:  # noqa: ANN001 - three types
    """Changing what a secret was made from does not change the secret: its maker may wipe the message at once."""
    message = bytearray(CANARY.encode())
    secret = Secret(source(message))
    message[:] = bytes(6)
    assert secret.reveal() == CANARY.encode()


@pytest.mark.parametrize("wrong", [CANARY, 6, [7, 3, 9]])
def test_only_bytes_make_a_secret(wrong: object) -> None:
    """A number would silently make that many zeros, a string has copies nobody can wipe: both are refused."""
    with pytest.raises(TypeError) as refusal:
        Secret(wrong)  # type: ignore[arg-type]
    assert CANARY not in str(refusal.value)
