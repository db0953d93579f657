"""Where answers go: JSON or sentences on stdout, errors for people on stderr."""

import os
import sys
from contextlib import suppress
from io import UnsupportedOperation
from typing import Any

from rich.console import Console, RenderableType

from sithsd.cli.failure import CommandError, failure_json, failure_sentences
from sithsd.cli.plain import json_text
from sithsd.cli.terminal import folded
from sithsd.cli.words import Words

# From this many columns on, a card's certificates stand in a table.
WIDE = 118


class Output:
    """One run's output. `closed` turns True when nobody reads stdout any more; what is written then is dropped."""

    def __init__(self, words: Words) -> None:
        self.words = words
        self.closed = False
        # Rich knows about terminals, their width, NO_COLOR and TERM=dumb.
        self._console = Console(file=sys.stdout, highlight=False, markup=False, emoji=False)

    @property
    def framed(self) -> bool:
        """Whether boxes may be drawn: on a capable terminal only, so that pipes and screen readers get plain text."""
        return self._console.is_terminal and not self._console.is_dumb_terminal and not self._console.options.ascii_only

    @property
    def coloured(self) -> bool:
        """Whether a colour or a reversed word would be seen."""
        return self._console.is_terminal and not self._console.no_color and self._console.color_system is not None

    @property
    def wide(self) -> bool:
        """Whether there is room for a table of certificates."""
        return self._console.width >= WIDE

    def show(self, what: RenderableType) -> None:
        """Write something for a person."""
        with self._console.capture() as captured:
            self._console.print(what)
        # What fills a line to its end helps no one who copies or greps.
        self.write("".join(f"{line.rstrip(' ')}\n" for line in captured.get().splitlines()))

    def line(self, text: str) -> None:
        """Write one line for a person, never broken in two."""
        self.write(f"{text}\n")

    def json(self, value: Any) -> None:  # noqa: ANN401 - any JSON value
        """Write a reply for a script, on one line; on a terminal over several."""
        self.write(json_text(value, indent=2 if self._console.is_terminal else None) + "\n")

    def json_line(self, value: Any) -> None:  # noqa: ANN401 - any JSON value
        """Write one reply of many, always on one line."""
        self.write(json_text(value) + "\n")

    def fail(self, found: CommandError, *, as_json: bool) -> None:
        """Tell of a failure: to a script on stdout, to a person on stderr."""
        if as_json:
            self.json(failure_json(found))
        else:
            for sentence in failure_sentences(found, self.words):
                self.complain(sentence)

    def complain(self, sentence: str) -> None:
        """Tell a person of something on stderr."""
        text = f"sithsctl: {sentence}"
        lines = [text]
        with suppress(UnsupportedOperation):
            lines = folded(text, sys.stderr.fileno())
        sys.stderr.write("".join(f"{line}\n" for line in lines))

    def write(self, text: str) -> None:
        """Write to stdout at once. A reader that has gone away is no error: `closed` says it."""
        if self.closed:
            return
        try:
            sys.stdout.write(text)
            sys.stdout.flush()
        except BrokenPipeError:
            self.closed = True
            # What Python still holds is flushed at exit, and must find an open file.
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, sys.stdout.fileno())
            os.close(nowhere)
