"""`sithsctl sightings`: what this machine's daemon has noted of cards. The file is read without the daemon."""

from collections.abc import Iterator
from pathlib import Path

import click
import msgspec

from sithsd.cli.failure import CommandError, parameters
from sithsd.cli.invocation import Invocation
from sithsd.cli.options import Options
from sithsd.cli.output_file import target
from sithsd.cli.speech import SpokenCommand, SpokenGroup
from sithsd.cli.statuses import ExitStatus
from sithsd.cli.words import Words
from sithsd.errors import ErrorCode
from sithsd.locations import state_dir
from sithsd.sightings.store import SIGHTINGS_FILE, SightingsError, read


def sightings_group(words: Words, options: Options) -> click.Group:
    """Return the command `sightings` with its own command."""
    group = SpokenGroup(
        "sightings",
        words=words,
        help=words.say("help-sightings"),
        subcommand_metavar=words.say("usage-commands"),
        write_epilog=lambda _: None,
        invoke_without_command=True,
        callback=_without_command,
        params=options.everywhere(hidden=True),
    )
    group.add_command(
        SpokenCommand(
            "export",
            words=words,
            help=words.say("help-sightings-export"),
            callback=click.make_pass_decorator(Invocation)(_export),
            params=[
                options.make("--output", metavar="FILE", help_key="audit-output", type=click.Path()),
                options.make("--file", into="path", help_key="sightings-file", metavar="FILE", type=click.Path()),
                *options.everywhere(hidden=True),
            ],
        )
    )
    return group


def _export(invocation: Invocation, *, output: str | None, path: str | None) -> None:
    """Write the sightings as a JSON object a line, to a new file or stdout."""
    with target(invocation, output) as write:
        for line in _lines(state_dir() / SIGHTINGS_FILE if path is None else Path(path)):
            write(line)


def _lines(path: Path) -> Iterator[str]:
    try:
        for sighting in read(path):
            yield msgspec.json.encode(sighting).decode() + "\n"
    except SightingsError as error:
        key = "sightings-absent" if error.absent else "sightings-unreadable"
        raise CommandError(parameters(ErrorCode.REQUEST_INVALID, f"the sightings: {error}"), key=key) from error


@click.pass_context
def _without_command(context: click.Context) -> None:
    if context.invoked_subcommand is None:
        click.echo(context.get_help(), err=True)
        context.exit(ExitStatus.USAGE)
