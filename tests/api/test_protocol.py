"""The varlink protocol as a client sees it, byte for byte."""

import asyncio
import os
from typing import Any

import pytest

NAME = "org.example.Room"
SERVICE = "org.varlink.service"


async def test_a_call_is_answered(served: Any) -> None:
    """One call, one reply, with nothing but parameters in it."""
    line = await served.line()
    assert await line.ask("Echo", text="hej") == {"parameters": {"text": "hej"}}


async def test_pipelined_calls_are_answered_in_their_order(served: Any) -> None:
    """What was sent first is answered first, though the calls were sent at once."""
    line = await served.line()
    count = 3000  # more than the message buffer holds
    sending = asyncio.create_task(
        line.send(*({"method": f"{NAME}.Echo", "parameters": {"text": str(number)}} for number in range(count)))
    )
    for number in range(count):
        assert (await line.receive())["parameters"]["text"] == str(number)
    await sending


async def test_a_oneway_call_is_done_and_not_answered(served: Any) -> None:
    """`oneway` means no reply, not even an error."""
    line = await served.line()
    await line.send(
        {"method": f"{NAME}.Keep", "parameters": {"code": "1"}, "oneway": True},
        {"method": f"{NAME}.Break", "oneway": True},
        {"method": f"{NAME}.Nothing", "oneway": True},
        {"method": f"{NAME}.Count", "oneway": True, "more": True},
    )
    assert (await line.ask("Echo", text="next"))["parameters"] == {"text": "next"}
    assert len(served.room.kept) == 1


async def test_a_stream_says_the_state_first_and_then_each_change(served: Any) -> None:
    """With `more` replies go on, and each but the last says so."""
    line = await served.line()
    first = await line.ask("Watch", more=True)
    assert (first["parameters"]["number"], first["continues"]) == (1, True)
    await served.room.change()
    assert (await line.receive())["parameters"]["number"] == 2


async def test_a_stream_without_more_says_the_state_once(served: Any) -> None:
    """A client that can't take streams gets the first reply as the only one, and the connection serves on."""
    line = await served.line()
    assert await line.ask("Watch") == {"parameters": {"number": 1, "filling": ""}}
    assert served.room.watching == 0
    assert (await line.ask("Echo", text="next"))["parameters"] == {"text": "next"}


async def test_more_on_a_method_that_answers_once_is_answered_once(served: Any) -> None:
    """`more` allows several replies, it does not ask for them."""
    line = await served.line()
    assert await line.ask("Echo", more=True, text="hej") == {"parameters": {"text": "hej"}}


async def test_a_stream_that_ends_says_its_last_reply_as_the_last(served: Any) -> None:
    """A stream that is over ends with a whole reply that does not continue."""
    line = await served.line()
    replies = [await line.ask("Count", more=True), *[await line.receive() for _ in range(3)]]
    assert [(reply["parameters"]["number"], reply.get("continues", False)) for reply in replies] == [
        (1, True),
        (2, True),
        (3, True),
        (3, False),
    ]


@pytest.mark.parametrize(
    ("call", "error", "parameters"),
    [
        ("org.example.Other.Look", f"{SERVICE}.InterfaceNotFound", {"interface": "org.example.Other"}),
        (f"{NAME}.Nothing", f"{SERVICE}.MethodNotFound", {"method": f"{NAME}.Nothing"}),
        (f"{NAME}.Later", f"{SERVICE}.MethodNotImplemented", {"method": f"{NAME}.Later"}),
        (f"{SERVICE}.GetNothing", f"{SERVICE}.MethodNotFound", {"method": f"{SERVICE}.GetNothing"}),
        (f"{SERVICE}.GetInterfaceDescription", f"{SERVICE}.InvalidParameter", {"parameter": "interface"}),
    ],
)
async def test_varlinks_own_errors_have_varlinks_own_parameters(
    served: Any, call: Any, error: str, parameters: Any
) -> None:
    """Errors of org.varlink.service carry exactly the fields that varlink gives them, and the connection lives on."""
    line = await served.line()
    await line.send({"method": call})
    assert await line.receive() == {"error": error, "parameters": parameters}
    assert (await line.ask("Echo", text="next"))["parameters"] == {"text": "next"}


async def test_the_service_tells_who_it_is_and_what_it_serves(served: Any) -> None:
    """GetInfo and GetInterfaceDescription: product, version, both interfaces and both texts."""
    line = await served.line()
    await line.send({"method": f"{SERVICE}.GetInfo"})
    info = (await line.receive())["parameters"]
    assert info["product"] == "sithsd"
    assert info["version"]
    assert info["interfaces"] == [NAME, SERVICE]
    for name in info["interfaces"]:
        await line.send({"method": f"{SERVICE}.GetInterfaceDescription", "parameters": {"interface": name}})
        assert f"interface {name}\n" in (await line.receive())["parameters"]["description"]
    await line.send({"method": f"{SERVICE}.GetInterfaceDescription", "parameters": {"interface": "a.b"}})
    assert await line.receive() == {"error": f"{SERVICE}.InterfaceNotFound", "parameters": {"interface": "a.b"}}


@pytest.mark.parametrize(
    ("parameters", "detail"),
    [
        ({}, "text: this field is missing"),
        ({"text": 5}, "text: expected str"),
        ({"text": "a", "reader": []}, "reader: expected str | null"),
        ({"text": "a", "colour": "red"}, "colour: there is no such field"),
    ],
)
async def test_parameters_of_another_form_are_request_invalid(served: Any, parameters: Any, detail: str) -> None:
    """The error has its stable code, says which field and why, and the connection lives on."""
    line = await served.line()
    reply = await line.ask("Echo", **parameters)
    assert reply["error"] == f"{NAME}.RequestInvalid"
    assert reply["parameters"]["code"] == "request.invalid"
    assert reply["parameters"]["retryable"] is False
    assert reply["parameters"]["detail"] == detail
    assert (await line.ask("Echo", text="next"))["parameters"] == {"text": "next"}


@pytest.mark.parametrize("garbage", [b"", b"hello", b"[]", b"{}", b"\xff\xfe", b"[" * 60_000, b'{"method":1}'])
async def test_garbage_is_told_by_name_and_the_connection_lives_on(served: Any, garbage: bytes) -> None:
    """What is no call at all is answered with request.invalid."""
    line = await served.line()
    await line.send(garbage)
    reply = await line.receive()
    assert (reply["error"], reply["parameters"]["code"]) == (f"{NAME}.RequestInvalid", "request.invalid")
    assert (await line.ask("Echo", text="next"))["parameters"] == {"text": "next"}


async def test_a_named_error_carries_all_that_is_known(served: Any) -> None:
    """Code, retryable, tries, role, status word, reader, card and event arrive under the names of the text."""
    line = await served.line()
    assert await line.ask("Fail", code="pin.wrong") == {
        "error": f"{NAME}.PinWrong",
        "parameters": {
            "code": "pin.wrong",
            "retryable": False,
            "triesLeft": 2,
            "role": "signature",
            "statusWord": 0x63C2,
            "reader": "Reader 0",
            "cardSerial": "4711",
            "sequence": 9,
            "detail": "as asked",
            "rules": [],
            "advice": None,
            "done": [],
            "holder": None,
            "retryAfter": None,
            "choices": [],
        },
    }
    assert (await line.ask("Fail", code="reader.busy"))["parameters"]["retryable"] is True


@pytest.mark.parametrize("method", ["Break", "Silent"])
async def test_a_fault_is_internal_and_its_words_stay_inside(served: Any, method: str) -> None:
    """An exception nobody foresaw is told as internal; neither client nor log gets its words."""
    line = await served.line()
    reply = await line.ask(method)
    assert (reply["error"], reply["parameters"]["code"]) == (f"{NAME}.Internal", "internal")
    assert "739154" not in str(reply)
    (logged,) = served.log.calls
    assert logged.method_name == "error"
    assert logged.kwargs["error"] in {"KeyError", "RuntimeError"}
    assert any(".py:" in place for place in logged.kwargs["places"])
    assert "739154" not in repr(served.log.calls)
    assert (await line.ask("Echo", text="next"))["parameters"] == {"text": "next"}


async def test_the_caller_is_whom_the_kernel_says(served: Any) -> None:
    """User, groups and process come from the socket, not from the message."""
    line = await served.line()
    told = (await line.ask("WhoAmI"))["parameters"]
    assert (told["uid"], told["gid"], told["pid"]) == (os.geteuid(), os.getegid(), os.getpid())
    assert set(told["groups"]) == {*os.getgroups(), os.getegid()}


async def test_without_the_right_a_call_is_denied_before_its_parameters_are_looked_at(served: Any) -> None:
    """request.denied comes before request.invalid, is logged with the user, and the connection lives on."""
    line = await served.line()
    reply = await line.ask("Staff", whatever="739154")
    assert (reply["error"], reply["parameters"]["code"]) == (f"{NAME}.RequestDenied", "request.denied")
    (logged,) = served.log.calls
    assert logged.kwargs == {"method": f"{NAME}.Staff", "uid": os.geteuid(), "pid": os.getpid()}
    assert (await line.ask("Echo", text="next"))["parameters"] == {"text": "next"}
