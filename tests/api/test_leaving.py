"""Clients that leave, half or whole, and a server that ends."""

import asyncio
from typing import Any

NAME = "org.example.Room"


async def test_a_call_is_given_up_when_its_caller_hangs_up(served: Any) -> None:
    """Its task is cancelled, and what was asked for behind it never begins; the others' calls go on."""
    line = await served.line()
    await line.send({"method": f"{NAME}.Wait"}, {"method": f"{NAME}.Wait"})
    await served.room.waiting.wait()
    other = await served.line()
    await line.close()
    await served.until(lambda: served.server.connections == 1)
    assert (await other.ask("Echo", text="meanwhile"))["parameters"] == {"text": "meanwhile"}
    served.room.release.set()
    await other.ask("Echo", text="later")
    assert served.room.waited == 0
    await other.close()
    await served.until(lambda: served.server.connections == 0)
    assert served.log.calls == []


async def test_a_call_is_given_up_when_its_line_breaks(served: Any) -> None:
    """A client that dies with a reply unread leaves an error, ECONNRESET, in place of the end of what it wrote."""
    line = await served.line()
    line.writer.transport.pause_reading()
    await line.send({"method": f"{NAME}.Echo", "parameters": {"text": "unread"}}, {"method": f"{NAME}.Wait"})
    await served.room.waiting.wait()
    line.writer.transport.abort()
    await served.until(lambda: served.server.connections == 0)
    assert served.room.waited == 0
    assert served.log.calls == []


async def test_a_stream_ends_at_once_when_its_caller_leaves(served: Any) -> None:
    """Nothing has to change at the readers before the server notices."""
    line = await served.line()
    await line.ask("Watch", more=True)
    assert served.room.watching == 1
    await line.close()
    await served.until(lambda: served.room.watching == 0 and served.server.connections == 0)


async def test_a_stream_ends_when_its_caller_leaves_without_having_read(served: Any) -> None:
    """The same while a reply waits to be read."""
    line = await served.line()
    line.reader._limit = 1000
    await line.send({"method": f"{NAME}.Watch", "parameters": {"size": 1_000_000}, "more": True})
    await served.until(lambda: served.room.pulled == 1)
    line.writer.transport.abort()
    await served.until(lambda: served.room.watching == 0 and served.server.connections == 0)


async def test_who_writes_no_more_gets_what_was_asked_for(served: Any) -> None:
    """A client such as socat closes its half after the last call; all its calls are answered, then the line ends."""
    line = await served.line()
    await line.send(
        {"method": f"{NAME}.Wait"},
        {"method": f"{NAME}.Watch", "more": True},
        {"method": f"{NAME}.Echo", "parameters": {"text": "last"}},
    )
    line.writer.write_eof()
    await served.room.waiting.wait()
    served.room.release.set()
    replies = [await line.receive() for _ in range(3)]
    assert [reply["parameters"].get("text") for reply in replies] == ["waited", None, "last"]
    assert "continues" not in replies[1]
    assert await line.receive() is None
    await served.until(lambda: served.server.connections == 0)


async def test_a_stream_ends_when_its_caller_writes_no_more(served: Any) -> None:
    """A stream that runs ends at that, and what was asked for behind it is answered."""
    line = await served.line()
    await line.ask("Watch", more=True)
    await line.send({"method": f"{NAME}.Echo", "parameters": {"text": "last"}})
    line.writer.write_eof()
    assert (await line.receive())["parameters"] == {"text": "last"}
    assert await line.receive() is None
    assert served.room.watching == 0


async def test_half_a_message_and_no_more_is_nothing(served: Any) -> None:
    """A message that will never be completed ends the connection without a word."""
    line = await served.line()
    line.writer.write(b'{"method":')
    line.writer.write_eof()
    assert await line.receive() is None
    await served.until(lambda: served.server.connections == 0)


async def test_the_end_of_the_server_answers_running_calls_and_ends_streams_by_name(served: Any) -> None:
    """A call that runs is answered, a stream ends with daemon.unavailable, an idle connection just ends."""
    idle, waiting, watching = await served.line(), await served.line(), await served.line()
    await idle.ask("Echo", text="in")
    await watching.ask("Watch", more=True)
    await waiting.send({"method": f"{NAME}.Wait"}, {"method": f"{NAME}.Echo", "parameters": {"text": "too late"}})
    await served.room.waiting.wait()
    stopping = asyncio.create_task(served.server.stop())
    reply = await watching.receive()
    assert (reply["error"], reply["parameters"]["code"]) == (f"{NAME}.DaemonUnavailable", "daemon.unavailable")
    assert await watching.receive() is None
    assert await idle.receive() is None
    assert not stopping.done()
    served.room.release.set()
    assert (await waiting.receive())["parameters"] == {"text": "waited"}
    assert await waiting.receive() is None
    await stopping
    assert served.server.connections == 0
    assert served.log.calls == []


async def test_the_end_of_the_server_has_its_time(serve: Any) -> None:
    """A call that does not end, and a client that does not read, do not hold the end up for ever."""
    served = await serve(stop_seconds=0.1, write_seconds=60)
    waiting, deaf = await served.line(), await served.line()
    deaf.reader._limit = 1000
    await deaf.send({"method": f"{NAME}.Watch", "parameters": {"size": 1_000_000}, "more": True})
    await waiting.send({"method": f"{NAME}.Wait"})
    await served.room.waiting.wait()
    await served.until(lambda: served.room.pulled == 1)
    await served.server.stop()
    assert served.server.connections == 0
    assert served.room.waited == 0
    assert served.room.watching == 0
    assert served.log.calls[-1].method_name == "warning"


async def test_idle_connections_can_be_dropped(served: Any) -> None:
    """Only connections on which nothing goes on are closed."""
    idle, begun, watching = await served.line(), await served.line(), await served.line()
    await idle.ask("Echo", text="in")
    await watching.ask("Watch", more=True)
    begun.writer.write(b'{"method":"' + NAME.encode())
    await served.until(lambda: sum(connection.idle for connection in served.server._connections) == 1)
    served.server.drop_idle()
    assert await idle.receive() is None
    await begun.send(b'.Echo","parameters":{"text":"whole"}}')
    assert (await begun.receive())["parameters"] == {"text": "whole"}
    await served.room.change()
    assert (await watching.receive())["parameters"]["number"] == 2


async def test_an_idle_server_has_nothing_to_wake_up_for(served: Any) -> None:
    """With connections and a stream open, and nothing asked, no timer is set."""
    idle, watching = await served.line(), await served.line()
    await idle.ask("Echo", text="in")
    await watching.ask("Watch", more=True)
    await asyncio.sleep(0)
    assert [timer for timer in asyncio.get_running_loop()._scheduled if not timer.cancelled()] == []
