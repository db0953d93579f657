"""Requests taken apart and replies put together."""

import json
from typing import Any

import pytest

from sithsd.api.message import Reply, error_parameters, parse_request, write
from sithsd.errors import ErrorCode, SithsdError, Where


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"xx",
        b"[]",
        b"5",
        b"null",
        b'"io.sithsd.Cards.List"',
        b"{}",
        b'{"parameters":{}}',
        b'{"method":5}',
        b'{"method":null}',
        b'{"method":"io.sithsd.Cards.List","more":"yes"}',
        b'{"method":"io.sithsd.Cards.List","upgrade":true}',
        b'{"method":"List"}',
        b'{"method":""}',
        b'{"method":"io.sithsd.Cards."}',
        b'{"method":"..List"}',
        b'{"method":"io.sithsd.Cards.list"}',
        b'{"method":"io.sithsd.Cards.List\\n"}',
        b'{"method":"io.sithsd.Cards.List"} {}',
        b'{"method":"io.sithsd.Cards.List"',
        b'{"method":"\xff"}',
        b"[" * 60_000,
        b'{"a":' * 10_000,
        b'{"method":"io.sithsd.Cards.List","parameters":' + b"[" * 60_000,
    ],
)
def test_what_is_no_method_call_is_refused_by_name(message: bytes) -> None:
    """Everything that is not a call is request.invalid, and nothing else escapes the parser."""
    with pytest.raises(SithsdError) as caught:
        parse_request(bytearray(message))
    assert caught.value.code is ErrorCode.REQUEST_INVALID


@pytest.mark.parametrize("parameters", [b"", b',"parameters":null', b',"parameters":{}', b',"parameters": { } '])
def test_no_parameters_are_an_empty_object(parameters: Any) -> None:
    """Clients leave parameters out, or send null: both mean none."""
    request = parse_request(bytearray(b'{"method":"io.sithsd.Cards.List"' + parameters + b"}"))
    assert json.loads(bytes(memoryview(request.parameters))) == {}


def test_fields_that_varlink_does_not_know_are_ignored() -> None:
    """A client of a later varlink may say more in the envelope."""
    assert parse_request(bytearray(b'{"method":"io.sithsd.Cards.List","trace":[1]}')).method == "io.sithsd.Cards.List"


def test_a_reply_is_one_json_object_and_a_nul() -> None:
    """`continues` and `error` are there only where they say something."""
    assert write(Reply({"a": 1})) == b'{"parameters":{"a":1}}\0'
    assert json.loads(write(Reply({}, continues=True))[:-1]) == {"parameters": {}, "continues": True}
    assert json.loads(write(Reply({}, error="a.b.C"))[:-1]) == {"parameters": {}, "error": "a.b.C"}


def test_an_error_tells_all_it_knows() -> None:
    """Code, tries, role, status word and place of an error reach the wire."""
    error = SithsdError(ErrorCode.PIN_WRONG, "wrong", tries_left=2, role="signature", status_word=0x63C2)
    error.where = Where("Reader 0", "4711", 9)
    told = error_parameters(error)
    assert (told.code, told.retryable, told.tries_left, told.role) == ("pin.wrong", False, 2, "signature")
    assert (told.status_word, told.reader, told.card_serial, told.sequence) == (0x63C2, "Reader 0", "4711", 9)
