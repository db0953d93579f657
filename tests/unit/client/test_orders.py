"""Calls as they are made of what a program says, and what becomes of the codes in them."""

import base64
from typing import Any

import pytest

from sithsd.client.checks import Require
from sithsd.client.orders import PAD_PATIENCE, PATIENCE, authentication, signing
from sithsd.errors import ErrorCode, SithsdError
from sithsd.secret import Secret
from sithsd.values import IdentityKind, SignatureAlgorithm

CANARY = b"739146"
CHALLENGE = b"sixteen bytes or"


def test_each_nonce_is_new() -> None:
    """Without a challenge the client makes one of 32 bytes, never the same twice, and remembers what it sent."""
    seen = set()
    for _ in range(100):
        with authentication(None, None, {"code": CANARY}) as order:
            assert order.call.challenge == base64.b64encode(order.asked.message).decode()  # type: ignore[union-attr]
            seen.add(order.asked.message)
    assert len(seen) == 100
    assert {len(one) for one in seen} == {32}


def test_all_that_is_said_is_in_the_call() -> None:
    """Every option reaches the daemon, in the form of the wire."""
    order = authentication(
        CHALLENGE,
        "log in to the journal",
        {
            "code": CANARY,
            "identity": "hsaId",
            "certificate": "AB:" * 31 + "AB",
            "algorithm": "rsaPssSha256",
            "reader": "Reader 0",
            "card_serial": "4711",
            "expected_tries": 2,
            "spend_last_try": True,
            "require": "nothing",
        },
    )
    call = order.call
    assert (call.identity, call.certificate) == (IdentityKind.HSA_ID, "ab" * 32)
    assert (call.algorithm, call.description) == (SignatureAlgorithm.RSA_PSS_SHA256, "log in to the journal")
    assert (call.reader, call.card_serial, call.expected_tries) == ("Reader 0", "4711", 2)
    assert (call.spend_last_try, call.accept_bad, call.pin_pad) == (True, True, None)
    assert order.asked.require is Require.NOTHING


def test_nothing_is_said_that_was_not_asked_for() -> None:
    """By default the last try is not spent, no bad certificate is accepted, and more than nothing is required."""
    with signing(bytes(32), "a letter", {"code": CANARY}) as order:
        call = order.call
        assert (call.spend_last_try, call.accept_bad, call.pin_pad, call.identity) == (None, None, None, None)
        assert order.asked.require is Require.GOOD_OR_REVOCATION_UNCHECKED
        assert order.patience == PATIENCE
    pad = signing(bytes(32), "a letter", {"pin_pad": True})
    assert (pad.call.code, pad.call.pin_pad, pad.patience) == (None, True, PAD_PATIENCE)


@pytest.mark.parametrize("options", [{}, {"require": None}])
def test_a_log_in_requires_more_than_a_signature(options: dict[str, Any]) -> None:
    """Where nothing is said nobody is let in on what is not known; what is signed is checked by who relies on it."""
    given: Any = {"code": CANARY, **options}
    assert authentication(None, None, given).asked.require is Require.GOOD
    assert signing(bytes(32), "a letter", given).asked.require is Require.GOOD_OR_REVOCATION_UNCHECKED
    for said in Require:
        told: Any = {"code": CANARY, "require": said}
        assert authentication(None, None, told).asked.require is said
        assert signing(bytes(32), "a letter", told).asked.require is said


def test_codes_are_wiped() -> None:
    """What can be wiped is: a bytearray at once, a Secret after the call; of bytes the copy."""
    given = bytearray(CANARY)
    with authentication(None, None, {"code": given}) as order:
        assert given == bytearray(len(CANARY))
        assert order.call.code is not None
        held = order.call.code.reveal()
        assert held == CANARY
    assert held == bytearray(len(CANARY))
    secret = Secret(CANARY)
    with signing(bytes(32), "a letter", {"code": secret}):
        assert secret.reveal() == CANARY
    assert len(secret) == 0


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"identity": "shoeSize"}, ErrorCode.REQUEST_INVALID),
        ({"algorithm": "rot13"}, ErrorCode.REQUEST_INVALID),
        ({"require": "luck"}, ErrorCode.REQUEST_INVALID),
        ({"certificate": "abc"}, ErrorCode.REQUEST_INVALID),
        ({"pin_pad": True}, ErrorCode.REQUEST_INVALID),
        ({"expected": 2}, TypeError),
    ],
)
def test_a_wrong_call_wipes_the_code_too(options: dict[str, Any], error: Any) -> None:
    """Whatever is wrong with a call, it is an error by name, nothing of the code stays, and no error tells it."""
    secret, array = Secret(CANARY), bytearray(CANARY)
    for code in (secret, array):
        given: Any = {"code": code, **options}
        with pytest.raises((SithsdError, TypeError)) as caught:
            authentication(None, None, given)
        assert getattr(caught.value, "code", type(caught.value)) == error
        assert CANARY.decode() not in str(caught.value)
    assert (len(secret), array) == (0, bytearray(len(CANARY)))


@pytest.mark.parametrize("text", ["", "1" * 65, "12345å"])
def test_what_can_be_no_code_is_refused_here(text: str) -> None:
    """It never reaches the daemon, and is wiped."""
    code = bytearray(text, "utf-8")
    with pytest.raises(SithsdError, match=r"pin\.malformed"):
        authentication(None, None, {"code": code})
    assert code == bytearray(len(code))


def test_what_is_no_message_wipes_the_code_too() -> None:
    """A number is no challenge: nobody gets as many zeros signed in its place."""
    secret, other = Secret(CANARY), Secret(CANARY)
    number: Any = 32
    with pytest.raises(TypeError):
        authentication(number, None, {"code": secret})
    with pytest.raises(TypeError):
        signing(number, "a letter", {"code": other})
    assert (len(secret), len(other)) == (0, 0)


def test_a_str_is_no_code() -> None:
    """It could not be wiped."""
    code: Any = "123456"
    with pytest.raises(TypeError, match="str"):
        authentication(None, None, {"code": code})


def test_neither_code_nor_pad_is_no_call() -> None:
    """A call that could only fail at the card is not made."""
    with pytest.raises(SithsdError, match=r"request\.invalid"):
        authentication(None, None, {})
