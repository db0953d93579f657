"""What a client can make the server hold, and for how long."""

import asyncio
import os
import socket
from typing import Any

import pytest

from sithsd.api.limits import MESSAGE_BYTES

NAME = "org.example.Room"


def call_of(size: int) -> bytes:
    """Return an Echo call whose message is `size` bytes long."""
    start, end = b'{"method":"' + NAME.encode() + b'.Echo","parameters":{"text":"', b'"}}'
    return start + b"x" * (size - len(start) - len(end)) + end


async def other_still_served(served: Any) -> None:
    """Check that another client is answered."""
    line = await served.line()
    assert (await line.ask("Echo", text="other"))["parameters"] == {"text": "other"}


async def test_a_message_of_the_cap_is_answered(served: Any) -> None:
    """The cap itself is allowed."""
    line = await served.line()
    await line.send(call_of(MESSAGE_BYTES))
    assert len((await line.receive())["parameters"]["text"]) > MESSAGE_BYTES - 200


@pytest.mark.parametrize("size", [MESSAGE_BYTES + 1, 10_000_000])
async def test_a_message_above_the_cap_is_refused_and_closes_its_connection_only(served: Any, size: int) -> None:
    """The client is told why, its connection ends, and others notice nothing."""
    (reply,) = await served.exchange(call_of(size))
    assert (reply["error"], reply["parameters"]["code"]) == (f"{NAME}.RequestInvalid", "request.invalid")
    await other_still_served(served)


async def test_a_message_above_the_cap_behind_a_running_call_waits_its_turn(served: Any) -> None:
    """The call that runs is answered before the connection closes."""
    call = b'{"method":"' + NAME.encode() + b'.Wait"}\0'
    talking = asyncio.create_task(served.exchange(call + b"x" * (2 * MESSAGE_BYTES)))
    await served.room.waiting.wait()
    await other_still_served(served)
    served.room.release.set()
    waited, refused = await talking
    assert waited["parameters"] == {"text": "waited"}
    assert refused["parameters"]["code"] == "request.invalid"


async def test_a_message_begun_must_be_completed(serve: Any) -> None:
    """Who begins a message and does not end it is told so, and the connection ends."""
    served = await serve(message_seconds=0.05)
    (reply,) = await served.exchange(b'{"method":')
    assert reply["parameters"]["code"] == "request.invalid"
    await other_still_served(served)


async def test_more_bytes_give_no_more_time(serve: Any) -> None:
    """The time runs from the first byte of a message, however many follow."""
    served = await serve(message_seconds=0.1)
    (reply,) = await served.exchange(*[b" "] * 2000, pause=0.01)
    assert reply["parameters"]["code"] == "request.invalid"


async def test_an_idle_connection_may_stay(serve: Any) -> None:
    """The time for a message does not run before it begins, nor while a call or a stream runs."""
    served = await serve(message_seconds=0.05)
    idle, waiting, watching = await served.line(), await served.line(), await served.line()
    await waiting.send({"method": f"{NAME}.Wait"})
    await served.room.waiting.wait()
    await watching.ask("Watch", more=True)
    await asyncio.sleep(0.2)
    served.room.release.set()
    await served.room.change()
    assert (await idle.ask("Echo", text="still"))["parameters"] == {"text": "still"}
    assert (await waiting.receive())["parameters"] == {"text": "waited"}
    assert (await watching.receive())["parameters"]["number"] == 2


async def test_who_does_not_read_is_not_answered_further(serve: Any) -> None:
    """With replies unread the client is not read from either: what it can send ends. Then its connection ends."""
    served = await serve(write_seconds=0.2)
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect(str(served.path))
        peer.setblocking(False)
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            await asyncio.wait_for(loop.sock_sendall(peer, (call_of(60_000) + b"\0") * 100), 30)
        await served.until(lambda: served.server.connections == 0)
    await other_still_served(served)


async def test_a_slow_watcher_gets_the_newest_state_and_no_queue(served: Any) -> None:
    """While a watcher does not read, states are not collected for it; when it reads again it gets the newest."""
    line = await served.line()
    line.reader._limit = 1000  # stops reading when it has had enough
    size = 300_000  # more than the socket holds
    await line.send({"method": f"{NAME}.Watch", "parameters": {"size": size}, "more": True})
    await served.until(lambda: served.room.pulled == 1)
    for _ in range(50):
        await served.room.change()
        await asyncio.sleep(0)
    assert served.room.pulled <= 2
    line.reader._limit = 2**22
    numbers = [(await line.receive())["parameters"]["number"]]
    while numbers[-1] != 51:
        numbers.append((await line.receive())["parameters"]["number"])
    assert len(numbers) <= 4


async def test_a_user_with_too_many_connections_is_told(serve: Any) -> None:
    """The connection above the budget gets request.tooMany and is closed; one that ends makes place."""
    served = await serve(trusted_connections=3, user_connections=3, connections=10)
    lines = [await served.line() for _ in range(3)]
    for line in lines:
        await line.ask("Echo", text="in")
    surplus = await served.line()
    reply = await surplus.receive()
    assert (reply["error"], reply["parameters"]["code"]) == (f"{NAME}.RequestTooMany", "request.tooMany")
    assert reply["parameters"]["retryable"] is True
    assert await surplus.receive() is None
    assert served.log.calls[0].kwargs == {"uid": os.geteuid(), "pid": os.getpid()}
    await lines[0].close()
    await served.until(lambda: served.server.connections == 2)
    await other_still_served(served)


async def test_a_call_keeps_its_place_while_its_caller_listens(serve: Any) -> None:
    """Who only writes no more has a call running all the same; who hangs up has given it up, and its place."""
    served = await serve(trusted_connections=1, user_connections=1, connections=10)
    line = await served.line()
    await line.send({"method": f"{NAME}.Wait"})
    await served.room.waiting.wait()
    line.writer.write_eof()
    surplus = await served.line()
    assert (await surplus.receive())["parameters"]["code"] == "request.tooMany"
    await line.close()
    served.room.release.set()
    await served.until(lambda: served.server.connections == 0)
    await other_still_served(served)
