"""`sithsctl audit`: is the daemon's audit in order, and what stands in it. The file is read without the daemon."""

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from sithsd.audit.model import Row
from sithsd.audit.reading import ReadingError, Wanted, rows
from sithsd.audit.verify import verify
from sithsd.cli.failure import CommandError, parameters
from sithsd.cli.invocation import Invocation
from sithsd.cli.options import Options
from sithsd.cli.output_file import target
from sithsd.cli.plain import json_text
from sithsd.cli.speech import SpokenCommand, SpokenGroup
from sithsd.cli.statuses import ExitStatus
from sithsd.cli.views.audit import rows_view, verdict_json, verdict_sentences
from sithsd.cli.words import Words
from sithsd.errors import ErrorCode
from sithsd.locations import AUDIT_FILE, state_dir
from sithsd.spreadsheet import cell

_SHA256 = 64


def audit_group(words: Words, options: Options) -> click.Group:
    """Return the command `audit` with its own commands."""

    def command(name: str, callback: Callable[..., int | None], *own: click.Option) -> click.Command:
        return SpokenCommand(
            name,
            words=words,
            help=words.say(f"help-audit-{name}"),
            callback=click.make_pass_decorator(Invocation)(callback),
            params=[
                *own,
                options.make("--file", into="path", help_key="audit-file", metavar="FILE", type=click.Path()),
                *options.everywhere(hidden=True),
            ],
        )

    group = SpokenGroup(
        "audit",
        words=words,
        help=words.say("help-audit"),
        subcommand_metavar=words.say("usage-commands"),
        write_epilog=lambda _: None,
        invoke_without_command=True,
        callback=_without_command,
        params=options.everywhere(hidden=True),
    )
    selection = [
        options.make("--since", metavar="TIME", help_key="audit-since", type=_Moment()),
        options.make("--until", metavar="TIME", help_key="audit-until", type=_Moment()),
        options.make("--card", metavar="SERIAL", help_key="audit-card"),
        options.make("--last", metavar="N", help_key="audit-last", type=click.IntRange(min=1)),
    ]
    group.add_command(
        command(
            "verify",
            _verify,
            options.make("--hash", into="expected", metavar="SHA256", help_key="audit-hash", type=_Hash()),
        )
    )
    group.add_command(command("show", _show, *selection))
    group.add_command(
        command(
            "export",
            _export,
            options.make("--format", into="form", help_key="audit-format", type=click.Choice(["csv", "jsonl"])),
            options.make("--output", metavar="FILE", help_key="audit-output", type=click.Path()),
            *selection,
        )
    )
    return group


class _Moment(click.ParamType):  # type: ignore[type-arg]  # generic in new releases of click alone
    """A date or a moment in ISO 8601; local time where it has no offset."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:  # noqa: ANN401 - click's own signature
        try:
            return datetime.fromisoformat(value).astimezone()
        except (ValueError, OverflowError):
            self.fail("no moment", param, ctx)


class _Hash(click.ParamType):  # type: ignore[type-arg]  # as above
    """A SHA-256 in hexadecimal."""

    name = "hash"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:  # noqa: ANN401 - click's own signature
        if len(value) != _SHA256 or not set(value.lower()) <= set("0123456789abcdef"):
            self.fail("no hash", param, ctx)
        return str(value.lower())


@dataclass(frozen=True, slots=True)
class _Selection:
    """Which file, and which of its rows."""

    path: str | None
    since: datetime | None
    until: datetime | None
    card: str | None
    last: int | None

    def rows(self) -> Iterator[Row]:
        """Return the rows. A CommandError ("audit.unavailable") for a file that can't be read."""
        wanted = Wanted(since=self.since, until=self.until, serial=self.card, limit=self.last)
        try:
            yield from rows(_file(self.path), wanted)
        except ReadingError as error:
            key = "audit-fileAbsent" if error.absent else "audit-fileForeign" if error.foreign else None
            raise CommandError(
                parameters(ErrorCode.AUDIT_UNAVAILABLE, f"the audit: {error.detail}"),
                key=key or "audit-fileUnreadable",
            ) from error


def _verify(invocation: Invocation, *, path: str | None, expected: str | None) -> int:
    """Say whether the audit is as it was written; the exit status is 0 if it is, else 1."""
    verdict = verify(_file(path), expected)
    if invocation.as_json:
        invocation.output.json(verdict_json(verdict))
    else:
        # The first says what is wrong; then that is told as errors are.
        for sentence in verdict_sentences(verdict, invocation.words):
            (invocation.output.line if verdict.ok else invocation.output.complain)(sentence)
    return ExitStatus.DONE if verdict.ok else ExitStatus.REFUSED


def _show(invocation: Invocation, **selection: Any) -> None:  # noqa: ANN401 - what the options give
    """Show rows, the oldest first."""
    found = list(_Selection(**selection).rows())
    output = invocation.output
    if invocation.as_json:
        output.json({"rows": [row.as_json() for row in found]})
    else:
        output.show(rows_view(found, invocation.words, wide=output.wide))


def _export(invocation: Invocation, *, form: str | None, output: str | None, **selection: Any) -> None:  # noqa: ANN401 - what the options give
    """Write rows as CSV (RFC 4180, but lines end with LF) or as a JSON object a line, to a new file or stdout."""
    found = _Selection(**selection).rows()
    lines = _as_json(found) if invocation.as_json or form == "jsonl" else _as_csv(found)
    with target(invocation, output) as write:
        for line in lines:
            write(line)


def _as_json(found: Iterator[Row]) -> Iterator[str]:
    for row in found:
        yield json_text(row.as_json()) + "\n"


def _as_csv(found: Iterator[Row]) -> Iterator[str]:
    headed = False
    for row in found:
        values = {**row.as_json(), "checklist": row.checklist, "more": row.more}
        if not headed:
            yield _csv_line(list(values))
            headed = True
        # The name of a program may look like a formula.
        yield _csv_line([cell(value) for value in values.values()])


def _csv_line(cells: list[Any]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()


def _file(given: str | None) -> Path:
    return state_dir() / AUDIT_FILE if given is None else Path(given)


@click.pass_context
def _without_command(context: click.Context) -> None:
    if context.invoked_subcommand is None:
        click.echo(context.get_help(), err=True)
        context.exit(ExitStatus.USAGE)
