"""One run of the program: what every command needs."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from rich.console import RenderableType

from sithsd.cli.daemon import Connect, Daemon, JsonObject
from sithsd.cli.output import Output
from sithsd.cli.words import Words
from sithsd.locations import runtime_dir


@dataclass
class Invocation:
    """Words, output and the way to the daemon. `as_json` and `folder` are set by options on either side of a command.

    `now` tells the time, timezone-aware.
    """

    words: Words
    output: Output
    connect: Connect
    now: Callable[[], datetime]
    as_json: bool = False
    folder: str | None = None

    @property
    def daemon(self) -> Daemon:
        """The daemon whose sockets are where the options say."""
        return Daemon(runtime_dir(self.folder), self.connect)

    def answer(self, reply: JsonObject, for_people: Callable[[JsonObject], RenderableType]) -> None:
        """Write a reply: as it came for a script, else as `for_people` puts it."""
        if self.as_json:
            self.output.json(reply)
        else:
            self.output.show(for_people(reply))
