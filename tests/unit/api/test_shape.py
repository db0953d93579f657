"""Parameters in their shape: every refusal says where and what, none repeats what was sent, codes become no str."""

import json
import traceback

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sithsd.api.code_wire import UnblockCall, VerifyCall
from sithsd.api.shape import ParameterError, Shape, encode
from sithsd.api.wire import ReaderCall, Wire
from sithsd.secret import Secret
from sithsd.values import Role

CANARY = "739154"


class Inner(Wire, forbid_unknown_fields=True):
    """A shape within a shape."""

    count: int


class CodeCall(Wire, forbid_unknown_fields=True):
    """A shape with a code that has to be there."""

    role: Role
    code: Secret
    reader: str | None = None
    card_serial: str | None = None
    spend_last_try: bool | None = None


class Outer(Wire, forbid_unknown_fields=True):
    """A shape with a default, a list and a shape in it."""

    inner_parts: list[Inner] = []  # noqa: RUF012 - msgspec copies it
    label: str = "none"


def raw(value: object) -> msgspec.Raw:
    """Return a value's JSON as the server holds it."""
    return msgspec.Raw(bytearray(json.dumps(value).encode()))


def refusal(shape: Shape, value: object) -> ParameterError:
    """Return the error that `value` is refused with."""
    with pytest.raises(ParameterError) as caught:
        shape.decode(raw(value))
    return caught.value


def test_parameters_get_their_shape() -> None:
    """The wire's camelCase names, defaults and nested shapes arrive as the shape says."""
    call = Shape(CodeCall).decode(raw({"role": "signature", "code": "1234", "spendLastTry": True}))
    assert (call.role, call.reader, call.spend_last_try) == ("signature", None, True)
    assert call.code.reveal() == b"1234"
    assert Shape(Outer).decode(raw({"innerParts": [{"count": 3}]})).inner_parts == [Inner(count=3)]
    assert Shape(Outer).decode(raw({})) == Outer()


@pytest.mark.parametrize(
    ("value", "field", "detail"),
    [
        ({"code": "1234"}, "role", "this field is missing"),
        ({"role": "puk"}, "code", "this field is missing"),
        ({"role": "puk", "code": CANARY, "colour": 1}, "colour", "there is no such field"),
        ({"role": "puk", "code": CANARY, "reader": 5}, "reader", "expected str | null"),
        ({"role": CANARY, "code": "1"}, "role", "expected one of authentication, signature, puk"),
        ({"role": 7, "code": CANARY}, "role", "expected str"),
        ({"role": "puk", "code": int(CANARY)}, "code", "expected str"),
        ({"role": "puk", "code": None}, "code", "expected str"),
        ({"role": "puk", "code": [CANARY]}, "code", "expected str"),
        ({"role": "puk", "code": {"a": CANARY}}, "code", "expected str"),
        ([CANARY], "", "expected object"),
        (CANARY, "", "expected object"),
        (None, "", "expected object"),
    ],
)
def test_a_refusal_names_the_field_and_what_was_expected(value: object, field: str, detail: str) -> None:
    """Missing, unknown and wrong fields are told apart by name."""
    error = refusal(Shape(CodeCall), value)
    assert (error.field, error.detail) == (field, detail)


@pytest.mark.parametrize(
    "value",
    [
        {"role": CANARY, "code": CANARY},
        {"role": "puk", "code": CANARY, CANARY: 1},
        {"role": "puk", "code": CANARY, f"x-{CANARY}": 1},
        {"role": "puk", "code": int(CANARY), "reader": CANARY},
        {"role": "puk", "code": CANARY, "reader": {CANARY: CANARY}},
        {"role": {CANARY: CANARY}, "code": CANARY},
    ],
)
def test_a_refusal_never_repeats_what_was_sent(value: object) -> None:
    """Wherever a caller puts a code by mistake, the error does not quote it, nor does an exception chained to it."""
    error = refusal(Shape(CodeCall), value)
    assert CANARY not in repr(error)
    assert CANARY not in "".join(traceback.format_exception(error))


def test_a_refusal_in_depth_tells_the_path() -> None:
    """The path leads through lists and shapes."""
    error = refusal(Shape(Outer), {"innerParts": [{"count": "x"}]})
    assert (error.field, error.detail) == ("innerParts[0].count", "expected int")
    assert refusal(Shape(Outer), {"innerParts": [{}]}).field == "innerParts[0].count"


@pytest.mark.parametrize(
    "text", [b'{"role":"puk","code":"1}', b"\xff", b'{"role":"\xff"}', b"[" * 60_000, b'{"role":' + b"[" * 60_000, b""]
)
def test_what_is_no_json_is_refused(text: str) -> None:
    """Broken, badly encoded and endlessly nested JSON is one error, not another exception."""
    with pytest.raises(ParameterError):
        Shape(CodeCall).decode(msgspec.Raw(text))


@settings(deadline=None)
@given(st.text())
def test_a_code_is_the_string_that_was_sent(text: str) -> None:
    """However a client escapes a string, the Secret holds its UTF-8 bytes."""
    for written in (json.dumps(text, ensure_ascii=False), json.dumps(text)):
        value = f'{{"role":"puk","code":{written}}}'.encode(errors="surrogatepass")
        try:
            call = Shape(CodeCall).decode(msgspec.Raw(bytearray(value)))
        except ParameterError:
            # Surrogates written raw are not UTF-8.
            assert not text.isprintable()
            continue
        ascii_or_bmp = all(ord(char) < 0x10000 and not 0xD800 <= ord(char) < 0xE000 for char in text)
        if ascii_or_bmp:
            assert call.code.reveal() == text.encode()


@pytest.mark.parametrize("inside", [rb"\u00zz", rb"\q", rb"\u12", b"12\\", b'1"2', rb"\u-001", b"\x01"])
def test_a_code_with_a_broken_escape_is_refused(inside: bytes) -> None:
    """A string that JSON does not allow is refused, whatever the parser in front let through."""
    with pytest.raises(ParameterError):
        Shape(CodeCall).decode(msgspec.Raw(b'{"role":"puk","code":"' + inside + b'"}'))


def test_codes_are_views_of_the_message_until_they_are_secrets() -> None:
    """Overwriting the message leaves the Secrets whole: they are copies, and the only ones."""
    message = bytearray(json.dumps({"role": "puk", "puk": "12345678", "newCode": CANARY}).encode())
    call = Shape(UnblockCall).decode(msgspec.Raw(message))
    message[:] = bytes(len(message))
    assert (call.puk.reveal(), call.new_code.reveal()) == (b"12345678", CANARY.encode())
    assert CANARY not in repr(call)


def test_wiping_a_call_wipes_its_codes() -> None:
    """When a call has ended its codes are gone, used or not."""
    shape = Shape(UnblockCall)
    call = shape.decode(raw({"role": "puk", "puk": "12345678", "newCode": CANARY}))
    shape.wipe(call)
    assert (len(call.puk), len(call.new_code)) == (0, 0)


def test_a_shape_must_refuse_unknown_fields() -> None:
    """A shape that would ignore a misspelt spendLastTry is a programming error, found at the start."""

    class Lenient(Wire):
        label: str

    with pytest.raises(ValueError, match="forbid_unknown_fields"):
        Shape(Lenient)
    Shape(ReaderCall)


@settings(deadline=None)
@given(st.text(alphabet=st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"])))
def test_what_a_client_sends_is_what_the_server_reads(text: str) -> None:
    """A Secret goes through JSON unchanged, quotes, control characters and all."""
    message = encode(CodeCall(role="puk", code=Secret(text.encode())))
    assert json.loads(bytes(message))["code"] == text
    assert Shape(CodeCall).decode(msgspec.Raw(message)).code.reveal() == text.encode()


def test_only_secrets_have_a_special_json_form() -> None:
    """Something else that has no JSON form is an error, not silently its str."""
    with pytest.raises(NotImplementedError):
        encode({"value": object()})


@pytest.mark.parametrize("given_code", [{}, {"code": None}])
def test_a_code_that_may_be_left_out(given_code: dict[str, None]) -> None:
    """Without a code, or with null, there is none; anything but a string is refused as everywhere."""
    shape = Shape(VerifyCall)
    call = shape.decode(raw({"role": "signature", **given_code}))
    assert call.code is None
    shape.wipe(call)
    assert refusal(shape, {"role": "signature", "code": [CANARY]}).field == "code"
    assert refusal(shape, {"role": "signature", "code": False}).field == "code"
