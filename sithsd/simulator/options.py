"""What the commands of sithsd-sim have in common: their folders and options."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click

from sithsd.clock import Clock, FixedClock, SystemClock
from sithsd.simulator.pad import Key

CODE: Final = "code"
"""What stands for a code among the names of keys."""


@dataclass(frozen=True, slots=True)
class Places:
    """The two folders that a call works in, and whether somebody named them."""

    runtime: Path
    state: Path
    runtime_given: bool
    state_given: bool


class Moment(click.ParamType[Clock]):
    """A moment as ISO 8601 tells it; without an offset it is UTC."""

    name = "ISO8601"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Clock:
        """Return a clock that stands at this moment."""
        if not isinstance(value, str):
            return SystemClock()
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no moment such as 2024-01-15T12:00:00Z", param, ctx)
        return FixedClock(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


class PadKey(click.ParamType[str]):
    """The name of a PIN pad's key, or "code". Digits are refused without being repeated: they may be a code."""

    name = "KEY"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the name."""
        known = [CODE, *(key.value for key in Key)]
        if value not in known:
            self.fail(f"a key is one of {', '.join(known)}", param, ctx)
        return str(value)


now = click.option(
    "--now", "clock", type=Moment(), help="Count the dates of new cards from this moment instead of from now."
)
reader_number = click.option(
    "--reader", type=click.IntRange(0, 15), default=0, show_default=True, help="Which virtual reader, from 0."
)
reader_argument = click.argument("reader", type=click.IntRange(0, 15), default=0)
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for scripts.")
