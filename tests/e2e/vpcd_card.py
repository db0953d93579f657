"""A card with programmable misbehaviour for vpcd's virtual readers.

The readers listen in the stage's network namespace only. So this file, run as a program there, dials and hands the
connected socket out (SCM_RIGHTS); the card itself is a thread of the test's own process: `answer` may be any function.
"""

import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from sithsd.simulator.stage import Stage
from sithsd.simulator.vpcd_conf import FIRST_PORT

T1_ATR = bytes.fromhex("3B 80 01 81")
T0_ATR = bytes.fromhex("3B 00")
DIAL_SECONDS = 15.0

POWER_OFF, POWER_ON, RESET, ATR = b"\x00", b"\x01", b"\x02", b"\x04"


class VpcdCard:
    """A card in reader number `place` of `stage`.

    `answer` turns a command into a response; None takes the card out without an answer, and it may block. What came is
    kept in `commands`; `resets` counts warm and cold ones. With `mute` the card gives no usable answer to reset.
    """

    def __init__(
        self,
        stage: Stage,
        place: int = 0,
        answer: Callable[[bytes], bytes | None] = lambda _: b"\x90\x00",
        *,
        atr: bytes = T1_ATR,
        mute: bool = False,
    ) -> None:
        self._stage = stage
        self._port = FIRST_PORT + place
        self._answer = answer
        self._atr = atr
        self._mute = mute
        self._socket: socket.socket | None = None
        self._thread: threading.Thread | None = None
        self.commands: list[bytes] = []
        self.resets = 0
        self.powered = threading.Event()

    def insert(self) -> None:
        """Put the card into its reader; the reader notices within half a second."""
        self.powered.clear()
        self._socket = _dial(self._stage, self._port)
        self._thread = threading.Thread(target=self._serve, args=(self._socket,), name="vpcd card")
        self._thread.start()

    def remove(self) -> None:
        """Take the card out. Does nothing if it is out."""
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
            if self._thread is not None:
                self._thread.join()
            self._socket.close()
            self._socket = None

    def _serve(self, reader: socket.socket) -> None:
        powered = False
        with suppress(EOFError, ConnectionError, BrokenPipeError):
            while True:
                message = _receive(reader, *struct.unpack(">H", _receive(reader, 2)))
                if message == ATR:
                    # More bytes than an ATR can have are what makes vpcd's driver report a failed power-up.
                    response = bytes(64) if self._mute and powered else self._atr
                    if powered:
                        self.powered.set()
                elif message == POWER_OFF:
                    powered = False
                    continue
                elif message in (POWER_ON, RESET):
                    powered = True
                    self.resets += 1
                    continue
                else:
                    self.commands.append(message)
                    given = self._answer(message)
                    if given is None:
                        break
                    response = given
                reader.sendall(struct.pack(">H", len(response)) + response)
        with suppress(OSError):
            reader.shutdown(socket.SHUT_RDWR)


def _receive(reader: socket.socket, length: int) -> bytes:
    parts = b""
    while len(parts) < length:
        reader.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)  # or each message takes 44 ms
        part = reader.recv(length - len(parts))
        if not part:
            raise EOFError
        parts += part
    return parts


def _dial(stage: Stage, port: int) -> socket.socket:
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            command = [sys.executable, __file__, str(port), str(theirs.fileno())]
            dialler = stage.spawn(command, pass_fds=[theirs.fileno()], stderr=subprocess.PIPE, text=True)
        _, descriptors, _, _ = socket.recv_fds(ours, 1, 1)
    _, said = dialler.communicate()
    if not descriptors:
        raise AssertionError(f"the virtual reader on port {port} can't be reached: {said}")
    return socket.socket(fileno=descriptors[0])


def _main(port: int, descriptor: int) -> None:
    deadline = time.monotonic() + DIAL_SECONDS
    with socket.socket(fileno=descriptor) as caller:
        while True:
            with socket.socket() as reader:
                try:
                    reader.connect(("127.0.0.1", port))
                except ConnectionRefusedError:
                    if time.monotonic() > deadline:
                        raise
                    time.sleep(0.01)  # pcscd is about to open its readers
                    continue
                socket.send_fds(caller, [b"-"], [reader.fileno()])
                return


if __name__ == "__main__":
    _main(int(sys.argv[1]), int(sys.argv[2]))
