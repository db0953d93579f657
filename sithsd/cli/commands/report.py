"""`sithsctl report`: lists of certificates and dates become a manager's report. The daemon is not asked.

What makes it is imported when it is wanted: the other commands stay as quick as they are.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from rich.table import Table

from sithsd.cli.failure import CommandError, parameters
from sithsd.cli.invocation import Invocation
from sithsd.cli.progress import Bar
from sithsd.errors import ErrorCode


@dataclass(frozen=True)
class Wanted:
    """What the command line asks for."""

    inputs: tuple[str, ...]
    output: str | None
    csv: str | None
    parquet: str | None
    ics: str | None
    rejects: str | None
    force: bool
    at: datetime | None
    warn_days: int
    settings: str | None
    anchors: tuple[str, ...]
    issuers: tuple[str, ...]
    lists: tuple[str, ...]
    freezes: str | None
    jobs: int | None
    cluster: str | None
    quiet: bool


def report(invocation: Invocation, wanted: Wanted) -> None:
    """Make the report, write the files that are asked for, and tell the numbers."""
    from sithsd.report import making  # noqa: PLC0415 - see above
    from sithsd.report.model import InputError  # noqa: PLC0415 - see above
    from sithsd.report.outputs import as_json  # noqa: PLC0415 - see above
    from sithsd.report.tiles import tiles  # noqa: PLC0415 - see above
    from sithsd.report.trust import Sources  # noqa: PLC0415 - see above

    words, output = invocation.words, invocation.output
    targets = making.Targets(
        page=_path(wanted.output),
        table=_path(wanted.csv),
        parquet=_path(wanted.parquet),
        agenda=_path(wanted.ics),
        rejects=_path(wanted.rejects) or _beside(wanted),
        force=wanted.force,
    )
    asked = making.Wanted(
        inputs=tuple(Path(path) for path in wanted.inputs),
        at=wanted.at or invocation.now(),
        present=wanted.at is None,
        warn_days=wanted.warn_days,
        sources=Sources(
            settings=_path(wanted.settings),
            anchors=wanted.anchors,
            issuers=wanted.issuers,
            lists=wanted.lists,
            freezes=_path(wanted.freezes),
        ),
        jobs=wanted.jobs,
        cluster=wanted.cluster,
    )
    try:
        targets.check()
        with Bar(words, quiet=wanted.quiet or invocation.as_json) as bar, making.made(asked, bar) as made:
            written = made.write(targets, words)
            bar.done()
            if invocation.as_json:
                for piece in as_json.pieces(made.summary, made.spool.cards()):
                    output.write(piece)
                return
            summary = made.summary
    except InputError as error:
        sentence = words.say(error.key, **error.values)
        raise CommandError(parameters(ErrorCode.REQUEST_INVALID, str(error)), sentence=sentence) from error
    counts = summary.counts
    output.line(words.say("report-total", read=counts.read, rejected=counts.rejected, current=counts.current))
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right")
    for tile in tiles(summary, words):
        table.add_row(words.say("report-number", value=tile.value), tile.label)
    output.show(table)
    for path in written:
        output.line(words.say("report-written", file=str(path)))
    for problem in summary.problems:
        output.line(words.say("report-list-unused", reason=problem))
    if counts.rejected and targets.rejects is None:
        output.line(words.say("report-rejects-hint"))


def _path(given: str | None) -> Path | None:
    return None if given is None else Path(given)


def _beside(wanted: Wanted) -> Path | None:
    """Return where the rows go that are not used, when nobody says it: beside the first file that is written."""
    first = wanted.output or wanted.csv or wanted.parquet or wanted.ics
    return None if first is None else Path(first).with_suffix(".rejects.csv")
