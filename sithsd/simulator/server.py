"""The process that serves inserted cards, and takes orders on its control socket."""

import os
import socket
import time
from contextlib import suppress
from pathlib import Path

import msgspec
import structlog

from sithsd.simulator.control import SOCKET, Count, Insert, Remove, Reply, Request, State, Stop, Swap, read_line
from sithsd.simulator.fixture import FixtureError
from sithsd.simulator.shelf import Shelf
from sithsd.simulator.slot import SlotError, VirtualSlot

_OUT_SECONDS = 1.0
"""How long a swapped card stays out: more than two of the reader's polls of 400 ms."""
_LOOK_SECONDS = 1.0
_ALONE_SECONDS = 20.0
_ORDER_SECONDS = 5.0


class ServerError(Exception):
    """The process can't serve; the message says why."""


class CardServer:
    """Cards from `shelf` in virtual readers, ruled through a socket in `runtime_dir`.

    With `until_empty` it ends by itself: when no card is left in, or when the readers have been away for 20 seconds.
    """

    def __init__(self, shelf: Shelf, runtime_dir: Path, *, until_empty: bool = False) -> None:
        self._shelf = shelf
        self._path = runtime_dir / SOCKET
        self._until_empty = until_empty
        self._slots: dict[int, VirtualSlot] = {}
        self._ended = False
        self._log = structlog.get_logger()

    def run(self) -> None:
        """Serve until a Stop comes, or the reason of `until_empty`. Raises ServerError if somebody serves already."""
        with socket.socket(socket.AF_UNIX) as listener:
            self._listen(listener)
            try:
                self._log.info("serving", pid=os.getpid())
                self._take_orders(listener)
            finally:
                for slot in self._slots.values():
                    slot.stop()
                self._path.unlink(missing_ok=True)
                self._log.info("ended")

    def _listen(self, listener: socket.socket) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with socket.socket(socket.AF_UNIX) as probe, suppress(FileNotFoundError, ConnectionRefusedError):
            probe.connect(str(self._path))
            raise ServerError(f"another process serves cards at {self._path}")
        # What lies there is the socket of a process that was killed.
        self._path.unlink(missing_ok=True)
        mask = os.umask(0o177)
        try:
            listener.bind(str(self._path))
        finally:
            os.umask(mask)
        listener.listen()

    def _take_orders(self, listener: socket.socket) -> None:
        listener.settimeout(_LOOK_SECONDS if self._until_empty else None)
        started = time.monotonic()
        while not self._ended:
            try:
                wire, _ = listener.accept()
            except TimeoutError:
                self._ended = self._forsaken(started)
                continue
            with wire:
                wire.settimeout(_ORDER_SECONDS)
                # Who asked may have gone away meanwhile; what was ordered is done all the same.
                with suppress(OSError):
                    wire.sendall(msgspec.json.encode(self._reply(wire)) + b"\n")

    def _forsaken(self, started: float) -> bool:
        now = time.monotonic()
        absences = [slot.absent_since for slot in self._slots.values()]
        if not absences:
            return now - started > _ALONE_SECONDS
        return all(since is not None and now - since > _ALONE_SECONDS for since in absences)

    def _reply(self, wire: socket.socket) -> Reply:
        try:
            request = msgspec.json.decode(read_line(wire), type=Request)
            reply = self._obey(request)
        except msgspec.DecodeError as error:
            return Reply(error=f"the order is not understood: {error}")
        except (FixtureError, SlotError, OSError) as error:
            reply = Reply(error=str(error))
        if self._until_empty and not self._slots and not isinstance(request, State):
            self._ended = True
        return reply

    def _obey(self, request: Request) -> Reply:
        match request:
            case Insert():
                self._insert(request)
            case Remove():
                self._remove(request.reader)
            case Swap():
                self._swap(request)
            case Count():
                return self._count(request)
            case Stop():
                self._ended = True
            case State():
                pass
        return Reply(inserted={reader: slot.card.name for reader, slot in sorted(self._slots.items())})

    def _insert(self, order: Insert) -> None:
        if order.reader in self._slots:
            raise SlotError(f"reader {order.reader} holds {self._slots[order.reader].card.name}")
        for reader, slot in self._slots.items():
            if slot.card.name == order.card:
                raise SlotError(f"{order.card} is in reader {reader}: there is one such card only")
        card = self._shelf.card(order.card)
        slot = VirtualSlot(card, reader=order.reader, port=order.port, delay=order.delay_ms / 1000)
        slot.start()
        self._slots[order.reader] = slot
        self._log.info("inserted", card=order.card, reader=order.reader)

    def _remove(self, reader: int) -> VirtualSlot:
        slot = self._slots.pop(reader, None)
        if slot is None:
            raise SlotError(f"there is no card in reader {reader}")
        slot.stop()
        self._log.info("removed", card=slot.card.name, reader=reader)
        return slot

    def _swap(self, order: Swap) -> None:
        # Read first: a card that can't be had leaves the other one where it is.
        self._shelf.card(order.card)
        before = self._remove(order.reader)
        if not order.fast:
            time.sleep(_OUT_SECONDS)
        self._insert(Insert(card=order.card, reader=order.reader, port=before.port, delay_ms=before.delay * 1000))

    def _count(self, order: Count) -> Reply:
        slot = self._slots.get(order.reader)
        if slot is None:
            raise SlotError(f"there is no card in reader {order.reader}")
        traffic = slot.traffic
        if order.reset:
            slot.reset_traffic()
        return Reply(apdus=traffic.apdus, bytes_in=traffic.bytes_in, bytes_out=traffic.bytes_out)
