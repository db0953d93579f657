"""The daemon, as this program needs it: ask once, or listen."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol

from sithsd.api.client import DaemonError, LostError
from sithsd.api.message import error_parameters
from sithsd.api.wire import ErrorParameters, Wire
from sithsd.cli.failure import LOST, CommandError
from sithsd.errors import SithsdError

JsonObject = dict[str, Any]


class Connection(Protocol):
    """What is used of `sithsd.api.client.Client`."""

    def call(self, method: str, parameters: Wire) -> JsonObject:
        """Return the reply of one call."""
        ...

    def stream(self, method: str, parameters: Wire) -> Iterator[JsonObject]:
        """Yield the replies of a call with `more`."""
        ...


# In seconds: one call, and one during which a person presses keys at a reader's pad.
PATIENCE = 30.0
PAD_PATIENCE = 180.0


class Connect(Protocol):
    """Makes a connection to the socket at `path`; `timeout` in seconds is that of one call."""

    def __call__(self, path: Path, *, timeout: float) -> AbstractContextManager[Connection]:
        """Return the connection, made with the first call."""
        ...


class Daemon:
    """The sockets in `folder`, one for each interface and named after it.

    Replies are JSON objects just as they came, so that `--json` can print them whole. Every error is a `CommandError`.
    """

    def __init__(self, folder: Path, connect: Connect) -> None:
        self._folder = folder
        self._connect = connect

    def ask(
        self, method: str, parameters: Wire, *, patience: float = PATIENCE, socket: str | None = None
    ) -> JsonObject:
        """Return the reply of the method with this full name ("io.sithsd.Cards.List"), within `patience` seconds.

        It is asked of its interface's own socket, unless another one is named.
        """
        with self._connection(method, patience, socket) as connection:
            return connection.call(method, parameters)

    def listen(self, method: str, parameters: Wire) -> Iterator[JsonObject]:
        """Yield the replies of a stream until the daemon ends it, or the caller does."""
        with self._connection(method, PATIENCE) as connection:
            yield from connection.stream(method, parameters)

    @contextmanager
    def _connection(self, method: str, patience: float, socket: str | None = None) -> Iterator[Connection]:
        interface = method.rpartition(".")[0]
        try:
            with self._connect(self._folder / (socket or interface), timeout=patience) as connection:
                yield connection
        except SithsdError as error:
            raise CommandError(_parameters(error), key=LOST if isinstance(error, LostError) else None) from error


def _parameters(error: SithsdError) -> ErrorParameters:
    found = error_parameters(error)
    if isinstance(error, DaemonError):
        found.code = error.told  # a newer daemon's, which this release does not know
    return found
