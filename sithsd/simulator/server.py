"""The process that serves inserted cards, and takes orders on its control socket."""

import os
import socket
import time
from contextlib import suppress
from pathlib import Path

import msgspec
import structlog

from sithsd.simulator.control import SOCKET, Count, Insert, Press, Remove, Reply, Request, State, Stop, Swap, read_line
from sithsd.simulator.fixture import FixtureError
from sithsd.simulator.pad import PadError
from sithsd.simulator.readers import Readers
from sithsd.simulator.seat import Traffic
from sithsd.simulator.shelf import Shelf
from sithsd.simulator.slot import IfdSlot, Slot, SlotError, VirtualSlot

_OUT_SECONDS = 1.0
"""How long a swapped card stays out of a vpcd's reader: more than two of its polls of 400 ms."""
_LOOK_SECONDS = 1.0
_ALONE_SECONDS = 20.0
_ORDER_SECONDS = 5.0


class ServerError(Exception):
    """The process can't serve; the message says why."""


class CardServer:
    """Cards from `shelf` in virtual readers, ruled through a socket in `runtime_dir`.

    The readers are those that the environment names (`Readers.here`), else a vpcd's on their ports.
    With `until_empty` it ends by itself: when no card is left in, or when the readers have been away for 20 seconds.
    """

    def __init__(self, shelf: Shelf, runtime_dir: Path, *, until_empty: bool = False) -> None:
        self._shelf = shelf
        self._path = runtime_dir / SOCKET
        self._until_empty = until_empty
        self._slots: dict[int, Slot] = {}
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
        except (FixtureError, SlotError, PadError, OSError) as error:
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
            case Press():
                self._press(request)
            case Stop():
                self._ended = True
            case State():
                pass
        slots = sorted(self._slots.items())
        return Reply(
            inserted={reader: slot.seat.card.name for reader, slot in slots},
            asking=tuple(reader for reader, slot in slots if slot.pad is not None and slot.pad.asking),
        )

    def _insert(self, order: Insert) -> None:
        if order.reader in self._slots:
            raise SlotError(f"reader {order.reader} holds {self._slots[order.reader].seat.card.name}")
        for reader, taken in self._slots.items():
            if taken.seat.card.name == order.card:
                raise SlotError(f"{order.card} is in reader {reader}: there is one such card only")
        card = self._shelf.card(order.card)
        readers, delay = Readers.here(), order.delay_ms / 1000
        slot: Slot
        if readers is None or order.port is not None:
            slot = VirtualSlot(card, reader=order.reader, port=order.port, delay=delay)
        else:
            slot = IfdSlot(card, readers.place(order.reader), reader=order.reader, delay=delay)
        slot.start()
        self._slots[order.reader] = slot
        self._log.info("inserted", card=order.card, reader=order.reader)

    def _remove(self, reader: int) -> None:
        slot = self._in(reader)
        del self._slots[reader]
        slot.stop()
        self._log.info("removed", card=slot.seat.card.name, reader=reader)

    def _swap(self, order: Swap) -> None:
        slot = self._in(order.reader)
        # Read first: a card that can't be had leaves the other one where it is.
        card = self._shelf.card(order.card)
        if order.fast:
            slot.exchange(card)
        else:
            slot.stop()
            if isinstance(slot, VirtualSlot):
                time.sleep(_OUT_SECONDS)
            slot.exchange(card)
            slot.start()
        self._log.info("swapped", card=order.card, reader=order.reader)

    def _press(self, order: Press) -> None:
        pad = self._in(order.reader).pad
        if pad is None:
            raise PadError(f"reader {order.reader} can have no PIN pad")
        pad.press(*order.keys)

    def _count(self, order: Count) -> Reply:
        seat = self._in(order.reader).seat
        traffic = seat.traffic
        if order.reset:
            seat.traffic = Traffic()
        return Reply(apdus=traffic.apdus, bytes_in=traffic.bytes_in, bytes_out=traffic.bytes_out)

    def _in(self, reader: int) -> Slot:
        if reader not in self._slots:
            raise SlotError(f"there is no card in reader {reader}")
        return self._slots[reader]
