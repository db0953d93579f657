"""The few shapes that all views are made of.

Nothing but spaces aligns: a screen reader and a pipe get the same text as a terminal, without lines and boxes. Text
from outside comes in through `outside`, never as markup.
"""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from sithsd.cli.plain import plain

LABEL = "dim"
HEADING = "bold"
GOOD = "green"
BAD = "bold red"
CAUTION = "bold yellow"

Row = tuple[str, RenderableType]


def outside(text: str, style: str = "") -> Text:
    """Return text that came from a card or the daemon, harmless for a terminal."""
    return Text(plain(text), style=style)


def facts(rows: Sequence[Row], *, label_width: int = 0) -> Table:
    """Return labels and values in two columns. `label_width` aligns several of these with each other."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style=LABEL, no_wrap=True, min_width=label_width)
    grid.add_column(overflow="fold")
    for label, value in rows:
        grid.add_row(Text(label), value)
    return grid


def columns(headings: Sequence[str], rows: Sequence[Sequence[RenderableType]]) -> Table:
    """Return a table with headings and no lines; the last column takes what is left of the width."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style=LABEL)
    for heading in headings[:-1]:
        table.add_column(Text(heading), overflow="fold")
    table.add_column(Text(headings[-1]), overflow="fold", ratio=1)
    for row in rows:
        table.add_row(*row)
    return table


def indented(body: RenderableType, by: int = 2) -> Padding:
    """Return `body` moved to the right."""
    return Padding(body, (0, 0, 0, by))


def section(heading: str, body: RenderableType) -> Group:
    """Return a heading, and `body` under it."""
    return Group(Text(heading, style=HEADING), indented(body))


def frame(title: Text, body: RenderableType, *, boxed: bool, style: str = "") -> RenderableType:
    """Return `body` under its title: in a box, or indented where boxes are not drawn."""
    if not boxed:
        return Group(title, indented(body))
    return Panel(body, title=title, title_align="left", border_style=style, padding=(0, 1))
