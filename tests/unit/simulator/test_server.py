"""The process that serves cards: orders on its socket, and when it ends by itself."""

import socket
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from sithsd.simulator import server as module
from sithsd.simulator.control import (
    SOCKET,
    ControlError,
    Count,
    Insert,
    NotServingError,
    Press,
    Remove,
    State,
    Stop,
    Swap,
    ask,
    press,
)
from sithsd.simulator.server import CardServer, ServerError
from sithsd.simulator.shelf import Shelf

ATR = b"\4"


class Serving:
    """A server in a thread, and a reader's program that polls for the ATR of what is put in."""

    def __init__(self, shelf: Shelf, runtime: Path, reader: Any, *, until_empty: bool = False) -> None:
        self.runtime = runtime
        self.reader = reader
        self.thread = threading.Thread(target=CardServer(shelf, runtime, until_empty=until_empty).run)
        self.thread.start()
        while not self._answers():
            assert self.thread.is_alive()

    def _answers(self) -> bool:
        try:
            ask(self.runtime, State())
        except NotServingError:
            return False
        return True

    def insert(self, name: str, reader: int = 0) -> None:
        """Put a card in, while the reader polls."""
        polling = threading.Thread(target=lambda: (self.reader.accept(), self.reader.ask(ATR)))
        polling.start()
        ask(self.runtime, Insert(card=name, reader=reader, port=self.reader.port))
        polling.join()

    def end(self) -> None:
        """Stop the server if it still runs."""
        with suppress(NotServingError):
            ask(self.runtime, Stop())
        self.thread.join()


@pytest.fixture
def serve(shelf: Callable[..., Shelf], tmp_path: Path, reader: Any) -> Iterator[Callable[..., Serving]]:
    """Return a function that starts a server for cards of these names."""
    running: list[Serving] = []

    def start(*names: str, until_empty: bool = False) -> Serving:
        running.append(Serving(shelf(*names), tmp_path, reader, until_empty=until_empty))
        return running[-1]

    yield start
    # The last one first: of two in one folder it is the one that answers, and it is not asked again while it ends.
    for each in reversed(running):
        each.end()


def test_a_card_goes_in_and_out(serve: Callable[..., Serving]) -> None:
    """Insert, state, count, remove: each reply tells which card is in which reader."""
    serving = serve("protected")
    serving.insert("protected", reader=3)
    assert ask(serving.runtime, State()).inserted == {3: "protected"}
    serving.reader.tell(b"\1")
    serving.reader.ask(bytes.fromhex("00A4000C023F00"))
    reply = ask(serving.runtime, Count(reader=3, reset=True))
    assert (reply.apdus, reply.bytes_in, reply.bytes_out) == (1, 7, 2)
    assert ask(serving.runtime, Count(reader=3)).apdus == 0
    assert ask(serving.runtime, Remove(reader=3)).inserted == {}
    assert serving.reader.gone()


def test_a_swap_changes_the_card_in_the_same_reader(
    serve: Callable[..., Serving], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a swap the same port has the other card, and the reader was empty for more than two polls."""
    slept: list[float] = []
    monkeypatch.setattr(module.time, "sleep", slept.append)
    serving = serve("protected", "reserve")
    serving.insert("protected")
    polling = threading.Thread(target=lambda: (serving.reader.accept(), serving.reader.ask(ATR)))
    polling.start()
    assert ask(serving.runtime, Swap(card="reserve")).inserted == {0: "reserve"}
    polling.join()
    assert module._OUT_SECONDS in slept


def test_a_fast_swap_is_none_to_the_reader(serve: Callable[..., Serving]) -> None:
    """The wire is not cut: between two polls the card is another one, with power, and the counts begin anew."""
    serving = serve("protected", "reserve")
    serving.insert("protected")
    before = serving.reader.ask(ATR)
    assert ask(serving.runtime, Swap(card="reserve", fast=True)).inserted == {0: "reserve"}
    assert serving.reader.ask(ATR) != before
    assert serving.reader.ask(bytes.fromhex("00A4000C023F00")) == bytes.fromhex("9000")
    assert ask(serving.runtime, Count()).apdus == 1
    assert ask(serving.runtime, Remove()).inserted == {}
    assert serving.reader.gone()


def test_a_reader_without_a_pad_has_no_keys(serve: Callable[..., Serving]) -> None:
    """A vpcd's reader has none; the order shows no digits, and neither does the refusal."""
    serving = serve("protected")
    order = Press(keys=("1", "2", "3", "4", "5", "6", "ok"))
    with pytest.raises(ControlError, match="no card in reader 0"):
        ask(serving.runtime, order)
    serving.insert("protected")
    with pytest.raises(ControlError, match="can have no PIN pad") as refused:
        ask(serving.runtime, order)
    assert repr(order) == "Press(reader=0, 7 keys)"
    assert "1" not in str(refused.value)
    with pytest.raises(ControlError, match="asks for nothing"):
        press(serving.runtime, order, 0)


def test_what_is_not_possible_is_refused_in_a_sentence(serve: Callable[..., Serving]) -> None:
    """A full reader, a card that is in already, an empty reader, an unknown card, no vpcd."""
    serving = serve("protected", "reserve")
    serving.insert("protected")
    for order, sentence in (
        (Insert(card="reserve"), "reader 0 holds protected"),
        (Insert(card="protected", reader=1), "protected is in reader 0"),
        (Remove(reader=5), "there is no card in reader 5"),
        (Swap(card="reserve", reader=5), "there is no card in reader 5"),
        (Count(reader=5), "there is no card in reader 5"),
        (Insert(card="nonesuch", reader=1), "there is no such card"),
        (Insert(card="reserve", reader=1, port=1), "no virtual reader answers"),
    ):
        with pytest.raises(ControlError, match=sentence):
            ask(serving.runtime, order)
    assert ask(serving.runtime, State()).inserted == {0: "protected"}


@pytest.mark.parametrize("line", [b"nonsense\n", b'{"type":"fly"}\n', b"", b"\xff\n", b"x" * 70000])
def test_an_order_that_is_none_is_answered(serve: Callable[..., Serving], line: bytes) -> None:
    """Garbage gets a reply with an error, and the server goes on."""
    serving = serve("protected")
    with socket.socket(socket.AF_UNIX) as wire:
        wire.connect(str(serving.runtime / SOCKET))
        wire.sendall(line)
        wire.shutdown(socket.SHUT_WR)
        assert b'"error":"the order is not understood' in wire.recv(65536)
    assert ask(serving.runtime, State()).inserted == {}


def test_with_until_empty_the_server_ends_with_its_last_card(serve: Callable[..., Serving]) -> None:
    """A question does not end it, the last card's removal does, and its socket is gone."""
    serving = serve("protected", until_empty=True)
    ask(serving.runtime, State())
    serving.insert("protected")
    ask(serving.runtime, Remove())
    serving.thread.join(10)
    assert not serving.thread.is_alive()
    assert not (serving.runtime / SOCKET).exists()


def test_with_until_empty_a_failed_insertion_ends_the_server(serve: Callable[..., Serving]) -> None:
    """No process stays behind without a card."""
    serving = serve("protected", until_empty=True)
    with pytest.raises(ControlError):
        ask(serving.runtime, Insert(card="protected", port=1))
    serving.thread.join(10)
    assert not serving.thread.is_alive()


def test_with_until_empty_the_server_ends_when_the_readers_stay_away(
    serve: Callable[..., Serving], monkeypatch: pytest.MonkeyPatch
) -> None:
    """When nobody answers on the readers' ports for long, the background process ends by itself."""
    monkeypatch.setattr(module, "_ALONE_SECONDS", 0.05)
    monkeypatch.setattr(module, "_LOOK_SECONDS", 0.5)
    serving = serve("protected", until_empty=True)
    serving.insert("protected")
    serving.reader.close()
    serving.thread.join(20)
    assert not serving.thread.is_alive()


def test_one_process_serves_a_folder(serve: Callable[..., Serving], shelf: Callable[..., Shelf]) -> None:
    """A second server in the same folder is refused; a dead one's socket is taken over."""
    serving = serve("protected")
    with pytest.raises(ServerError, match="another process"):
        CardServer(shelf(), serving.runtime).run()
    assert stat.S_IMODE((serving.runtime / SOCKET).stat().st_mode) == 0o600
    serving.end()
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(serving.runtime / SOCKET))
    serve("protected")
    assert ask(serving.runtime, State()).inserted == {}


def test_an_answer_that_is_none_is_an_error(tmp_path: Path) -> None:
    """If what listens is no card server, the client says so instead of failing strangely."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / SOCKET))
        listener.listen()

        def answer() -> None:
            wire, _ = listener.accept()
            with wire:
                wire.recv(4096)
                wire.sendall(b"hello\n")

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(ControlError, match="no proper answer"):
            ask(tmp_path, State())
        thread.join()
