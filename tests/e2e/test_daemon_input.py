"""Whatever a client sends: a named error, and the daemon lives on for this client or at least for the others."""

import json

import pytest
from e2e_household import CARDS, CODES, PIN, Household

MESSAGE_BYTES = 64 * 1024
SERVICE = "org.varlink.service"
CANARY = "73915486"

GARBAGE = [
    b"",
    b"garbage",
    b"\xff\xfe\x00"[:2],
    b"{",
    b"[]",
    b"null",
    b"42",
    b'"io.sithsd.Cards.List"',
    b"{}",
    b'{"parameters": {}}',
    b'{"method": 7}',
    b'{"method": null}',
    b'{"method": "List"}',
    b'{"method": "io.sithsd.Cards.list"}',
    b'{"method": "io.sithsd.Cards.List", "parameters": []}',
    b'{"method": "io.sithsd.Cards.List", "parameters": {"surplus": 1}}',
    b'{"method": "io.sithsd.Cards.List", "parameters": {"unmasked": "yes"}}',
    b'{"method": "io.sithsd.Cards.List", "upgrade": true}',
    b'{"method": "io.sithsd.Cards.List"} {"method": "io.sithsd.Cards.List"}',
    b'{"method": "io.sithsd.Cards.List", "parameters": ' + b'{"a":' * 5000 + b"1" + b"}" * 5000 + b"}",
    b"[" * 60000,
    b'{"method": "\\ud800"}',
]
MALFORMED_CALLS = [
    ("Verify", {"role": "authentication"}, "code"),
    ("Verify", {"code": CANARY}, "role"),
    ("Verify", {"role": "nothing", "code": CANARY}, "role"),
    ("Verify", {"role": 7, "code": CANARY}, "role"),
    ("Verify", {"role": "authentication", "code": int(CANARY)}, "code"),
    ("Verify", {"role": "authentication", "code": [CANARY]}, "code"),
    ("Verify", {"role": "authentication", "code": {"digits": CANARY}}, "code"),
    ("Verify", {"role": "authentication", "code": None}, "code"),
    ("Verify", {"role": "authentication", "code": CANARY, "pin": CANARY}, "pin"),
    ("Verify", {"role": "authentication", "code": CANARY, CANARY: 1}, ""),
    ("Verify", {"role": "authentication", "code": CANARY, "reader": 7}, "reader"),
    ("Verify", {"role": "authentication", "code": CANARY, "spendLastTry": "yes"}, "spendLastTry"),
    ("Verify", {"role": CANARY, "code": CANARY}, "role"),
    ("Unblock", {"role": "authentication", "puk": CANARY}, "newCode"),
    ("Unblock", {"role": "authentication", "newCode": CANARY}, "puk"),
    ("Unblock", {"role": "authentication", "puk": CANARY, "newCode": [CANARY]}, "newCode"),
]


def assert_alive(house: Household) -> None:
    """Check that a new client is served."""
    with house.wire() as wire:
        assert len(wire.call(f"{CARDS}.List")["parameters"]["readers"]) == 2


@pytest.mark.parametrize("interface", [CARDS, CODES])
def test_garbage_is_answered_by_name(house: Household, interface: str) -> None:
    """Each message that is no request gets one error, and the next request on the same connection is served."""
    with house.wire(interface) as wire:
        for garbage in GARBAGE:
            wire.send(garbage + b"\0")
            reply = wire.receive()
            assert reply["error"] in {
                f"{interface}.RequestInvalid",
                f"{SERVICE}.InterfaceNotFound",
                f"{SERVICE}.MethodNotFound",
            }, garbage[:80]
            if reply["error"].endswith("RequestInvalid"):
                assert reply["parameters"].items() >= {"code": "request.invalid", "retryable": False}.items()
        info = wire.call(f"{SERVICE}.GetInfo")
        assert info["parameters"]["interfaces"] == sorted([interface, SERVICE])


@pytest.mark.parametrize(
    ("method", "error"),
    [
        ("io.example.Other.Method", f"{SERVICE}.InterfaceNotFound"),
        (f"{CARDS}.NoSuchMethod", f"{SERVICE}.MethodNotFound"),
        (f"{CODES}.Verify", f"{SERVICE}.InterfaceNotFound"),  # it is not on this socket
        (f"{SERVICE}.NoSuchMethod", f"{SERVICE}.MethodNotFound"),
    ],
)
def test_an_unknown_method_has_varlinks_own_error(house: Household, method: str, error: str) -> None:
    """Interface and method that are not there are told as varlink tells it."""
    with house.wire() as wire:
        reply = wire.call(method)
        assert reply["error"] == error
        assert list(reply["parameters"].values()) in (["io.example.Other"], [method], [CODES])
        assert "error" not in wire.call(f"{CARDS}.List")


def test_a_malformed_call_of_codes_echoes_no_code(house: Household) -> None:
    """The error names the field and nothing that stood in it; no command goes to the card; the log stays clean."""
    house.insert("ordinary")
    house.apdus(reset=True)
    with house.wire(CODES) as wire:
        for method, parameters, field in MALFORMED_CALLS:
            reply = wire.call(f"{CODES}.{method}", parameters)
            assert reply["error"] == f"{CODES}.RequestInvalid", parameters
            assert reply["parameters"]["code"] == "request.invalid"
            assert field in reply["parameters"]["detail"]
            assert CANARY not in json.dumps(reply)
        assert "interfaces" in wire.call(f"{SERVICE}.GetInfo")["parameters"]
    assert house.apdus() == 0
    assert CANARY not in house.log.read_text()


def test_a_right_pin_for_the_puk_is_refused(house: Household) -> None:
    """The role puk can't be verified: it only serves the others."""
    house.insert("ordinary")
    with house.wire(CODES) as wire:
        reply = wire.call(f"{CODES}.Verify", {"role": "puk", "code": "12345678"})
    assert reply["parameters"]["code"] in {"pin.unsupported", "request.invalid"}
    assert house.tries("ordinary", "puk") == 10


def test_a_message_over_the_cap_closes_that_connection_only(house: Household) -> None:
    """64 KiB and no more: who goes on is told why and left; everybody else is served meanwhile."""
    with house.wire() as long, house.wire() as other:
        long.send(b"x" * MESSAGE_BYTES)
        assert "error" not in other.call(f"{CARDS}.List")
        long.send(b"x")
        assert long.receive()["parameters"]["code"] == "request.invalid"
        assert long.is_closed()
        assert "error" not in other.call(f"{CARDS}.List")
    assert_alive(house)


def test_a_message_of_the_longest_length_is_served(house: Household) -> None:
    """The cap counts the message without its NUL, to the byte."""
    request = json.dumps({"method": f"{CARDS}.List", "parameters": {}}).encode()
    with house.wire() as wire:
        wire.send(request + b" " * (MESSAGE_BYTES - len(request)) + b"\0")
        assert "error" not in wire.receive()
        wire.send(request + b" " * (MESSAGE_BYTES + 1 - len(request)) + b"\0")
        assert wire.receive()["parameters"]["code"] == "request.invalid"
        assert wire.is_closed()


def test_requests_in_pieces_and_in_heaps(house: Household) -> None:
    """A request may come byte by byte, and many may come at once: replies come in the order of the requests."""
    request = json.dumps({"method": f"{SERVICE}.GetInfo"}).encode() + b"\0"
    with house.wire() as wire:
        for byte in request:
            wire.send(bytes([byte]))
        assert wire.receive()["parameters"]["product"] == "sithsd"
        other = json.dumps({"method": f"{CARDS}.List"}).encode() + b"\0"
        wire.send((request + other) * 50)
        for _ in range(50):
            assert "interfaces" in wire.receive()["parameters"]
            assert "readers" in wire.receive()["parameters"]


def test_a_half_closed_connection_gets_its_reply(house: Household) -> None:
    """Whoever writes no more (as socat does at the end of its input) is answered, and then left."""
    with house.wire() as wire:
        wire.ask(f"{CARDS}.List")
        wire.half_close()
        assert "readers" in wire.receive()["parameters"]
        assert wire.is_closed()


def test_oneway_is_not_answered(house: Household) -> None:
    """A request that wants no reply gets none; the one after it gets its own."""
    with house.wire() as wire:
        wire.ask(f"{CARDS}.List", oneway=True)
        wire.ask(f"{CARDS}.NoSuchMethod", oneway=True)
        assert "interfaces" in wire.call(f"{SERVICE}.GetInfo")["parameters"]


def test_a_stream_needs_more_to_go_on(house: Household) -> None:
    """Monitor without `more` is one reply; with it the stream goes on."""
    with house.wire() as wire:
        once = wire.call(f"{CARDS}.Monitor")
        assert once.get("continues", False) is False
        wire.ask(f"{CARDS}.Monitor", more=True)
        assert wire.receive()["continues"] is True


def test_hundreds_who_connect_and_say_nothing(house: Household) -> None:
    """Silent connections cost nobody else anything, and are gone when their clients are."""
    silent = [house.wire() for _ in range(100)]
    assert_alive(house)
    for one in silent:
        one.close()
    assert_alive(house)


def test_readers_that_do_not_exist(house: Household) -> None:
    """A reader's name is only ever compared: reader.unknown for anything else, of whatever length or letters."""
    house.insert("ordinary")
    with house.wire() as cards, house.wire(CODES) as codes:
        for name in ("", "Virtual", "../../etc/passwd", "\u0000", "x" * 10000, "Läsare ☃"):
            for reply in (
                cards.call(f"{CARDS}.GetCodes", {"reader": name}),
                codes.call(f"{CODES}.Verify", {"role": "authentication", "code": PIN, "reader": name}),
            ):
                assert reply["parameters"]["code"] == "reader.unknown"
    assert house.tries("ordinary") == 3
