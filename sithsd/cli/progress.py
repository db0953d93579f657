"""How far a long piece of work is: on stderr, on a terminal only."""

import sys
import time
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from sithsd.cli.words import Words

_SETTLED_SECONDS = 1.0
"""Before so long no end is foretold: it would jump."""


class Bar:
    """A bar with the share that is done, the rate, and the time of day at which the work will be done.

    Nothing is shown where stderr is no terminal, or with `quiet`.
    """

    def __init__(self, words: Words, *, quiet: bool) -> None:
        self._words = words
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[rate]}"),
            TextColumn("{task.fields[ready]}"),
            console=Console(file=sys.stderr, highlight=False, markup=False, emoji=False),
            transient=True,
            disable=quiet or not sys.stderr.isatty(),
        )
        self._task = self._bar.add_task("", total=1.0, rate="", ready="")
        self._begun = time.monotonic()
        self._name = ""

    def __enter__(self) -> Self:
        self._bar.start()
        self._begun = time.monotonic()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def reading(self, name: str, share: float, rows: int) -> None:
        """Show that of all there is this share has been read, which were so many rows; `name` is what is being read."""
        words, passed = self._words, time.monotonic() - self._begun
        rate = words.say("report-progress-rate", rate=round(rows / passed)) if passed else ""
        ready = ""
        if passed >= _SETTLED_SECONDS and share > 0:
            left = timedelta(seconds=passed * (1 - share) / share)
            ready = words.say("report-progress-ready", time=f"{(datetime.now(UTC) + left).astimezone():%H:%M:%S}")
        self._bar.update(
            self._task,
            description=words.say("report-progress-reading", file=name),
            completed=share,
            rate=rate,
            ready=ready,
            # However short the work is, each input is seen.
            refresh=name != self._name,
        )
        self._name = name

    def writing(self) -> None:
        """Show that all has been read."""
        self._bar.update(
            self._task, description=self._words.say("report-progress-writing"), completed=1.0, rate="", ready=""
        )

    def done(self) -> None:
        """Take the bar away: a terminal shows one thing at a time."""
        self._bar.stop()
