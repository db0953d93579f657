"""sithsd-sim: simulated SITHS cards in virtual readers."""

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import click
import structlog
from rich.console import Console
from rich.table import Table

from sithsd import __version__, locations
from sithsd.clock import Clock
from sithsd.simulator import control, fixture, options
from sithsd.simulator.authority_commands import COMMANDS
from sithsd.simulator.background import LOG, BackgroundError, start_responder, start_server
from sithsd.simulator.control import (
    SOCKET,
    ControlError,
    Count,
    Insert,
    NotServingError,
    Remove,
    Reply,
    Request,
    State,
    Stop,
    Swap,
    ask,
)
from sithsd.simulator.ending import signals_unwind
from sithsd.simulator.readers import Readers, ReadersError
from sithsd.simulator.server import CardServer, ServerError
from sithsd.simulator.shelf import Shelf
from sithsd.simulator.stage import Driver, Stage, StageError, end


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="sithsd-sim")
@click.option(
    "--runtime-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the control socket and the log. [default: $RUNTIME_DIRECTORY, else /run/sithsd]",
)
@click.option(
    "--state-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the cards' memory. [default: $STATE_DIRECTORY, else /var/lib/sithsd]",
)
@click.pass_context
def main(context: click.Context, runtime_dir: Path | None, state_dir: Path | None) -> None:
    """Put simulated SITHS cards into virtual readers.

    Cards are made from text files (`list` tells them). A card keeps its counters, keys and codes until `reset`, as a
    chip would. `sithsd-sim stage -- COMMAND` runs a command beside a private pcscd with virtual readers; without a
    stage the readers are this machine's own pcscd's, through the driver vpcd.

    \b
    Exit status: 0 done; 1 not done, with one sentence on standard error; 2 wrong usage.
    """  # noqa: D301 - \b keeps click from joining lines
    context.obj = options.Places(
        locations.runtime_dir(runtime_dir).absolute(),
        locations.state_dir(state_dir).absolute(),
        bool(runtime_dir or os.environ.get("RUNTIME_DIRECTORY")),
        bool(state_dir or os.environ.get("STATE_DIRECTORY")),
    )


for _command in COMMANDS:
    main.add_command(_command)


@main.command()
@click.argument("name")
@options.reader_number
@click.option("--port", type=click.IntRange(1, 65535), help="The reader's TCP port. [default: 35963 + reader]")
@click.option(
    "--delay-ms", type=click.FloatRange(0, 10000), default=0, help="Let each answer take so much longer, in ms."
)
@options.now
@click.pass_obj
def insert(  # noqa: PLR0913 - a command's parameters are its options
    places: options.Places, name: str, *, reader: int, port: int | None, delay_ms: float, clock: Clock | None
) -> None:
    """Put the card NAME (of `list`, or the path of a TOML file) into a virtual reader.

    Comes back when the reader has noticed the card. The card is served by `sithsd-sim serve` if that runs, else by a
    process in the background that ends with its last card.
    """
    _personalise(places, name, clock)
    order = Insert(card=fixture.name_of(name), reader=reader, port=port, delay_ms=delay_ms)
    try:
        ask(places.runtime, order)
    except NotServingError:
        _insert_with_new_server(places, order)
    except ControlError as error:
        _fail(error)


@main.command()
@options.reader_number
@click.pass_obj
def remove(places: options.Places, reader: int) -> None:
    """Take the card out of a virtual reader."""
    _order(places, Remove(reader=reader))


@main.command()
@click.argument("name")
@options.reader_number
@click.option("--fast", is_flag=True, help="Swap so quickly that the reader never sees itself empty.")
@options.now
@click.pass_obj
def swap(places: options.Places, name: str, reader: int, fast: bool, clock: Clock | None) -> None:
    """Take out the card that is in, and put in NAME."""
    _personalise(places, name, clock)
    _order(places, Swap(card=fixture.name_of(name), reader=reader, fast=fast))


@main.command()
@click.argument("keys", nargs=-1, required=True, type=options.PadKey())
@options.reader_number
@click.option("--keys-fd", type=click.IntRange(0), default=0, help="Read the codes from this descriptor. [default: 0]")
@click.option("--wait", type=click.FloatRange(0, 60), default=10, show_default=True, help="For so many seconds.")
@click.pass_obj
def press(places: options.Places, keys: tuple[str, ...], reader: int, keys_fd: int, wait: float) -> None:
    """Press KEYS of a reader's PIN pad as soon as it asks for some: ok, cancel, clear, timeout (no key), code.

    `code` stands for the digits of the next line of standard input, or of --keys-fd: codes are on no command line.
    """
    pressed: list[str] = []
    with os.fdopen(keys_fd, "r", encoding="ascii", closefd=False) as lines:
        for key in keys:
            pressed += lines.readline().strip() if key == options.CODE else [key]
    try:
        control.press(places.runtime, control.Press(keys=tuple(pressed), reader=reader), wait)
    except ControlError as error:
        _fail(error)


@main.command()
@options.reader_argument
def unplug(reader: int) -> None:
    """Unplug a virtual reader, with the card that is in it."""
    _move(Readers.unplug, reader)


@main.command()
@options.reader_argument
def plug(reader: int) -> None:
    """Plug a virtual reader in again."""
    _move(Readers.plug, reader)


@main.command("list")
@options.as_json
@click.pass_obj
def list_cards(places: options.Places, as_json: bool) -> None:
    """List the cards there are, and which one is in which reader."""
    try:
        inserted = ask(places.runtime, State()).inserted
    except NotServingError:
        inserted = {}
    except ControlError as error:
        _fail(error)
    where = {card: reader for reader, card in inserted.items()}
    try:
        titles = {name: fixture.load(name).title for name in fixture.names()}
    except fixture.FixtureError as error:
        _fail(error)
    titles |= {name: "" for name in where if name not in titles}
    if as_json:
        cards = [{"name": name, "title": title, "reader": where.get(name)} for name, title in titles.items()]
        click.echo(json.dumps({"cards": cards}))
        return
    table = Table("card", "what it is", "reader")
    for name, title in titles.items():
        table.add_row(name, title, str(where.get(name, "")))
    Console().print(table)


@main.command()
@click.option("--until-empty", is_flag=True, help="End when the last card is taken out.")
@click.pass_obj
def serve(places: options.Places, until_empty: bool) -> None:
    """Serve cards in the foreground, until `stop` or a signal."""
    places.runtime.mkdir(parents=True, exist_ok=True)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    with (places.runtime / LOG).open("a", encoding="utf-8") as log:
        structlog.configure(
            processors=[
                structlog.processors.add_log_level,
                structlog.processors.TimeStamper(fmt="iso"),
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(),
            ],
            logger_factory=structlog.WriteLoggerFactory(file=log),
        )
        try:
            CardServer(Shelf(places.state), places.runtime, until_empty=until_empty).run()
        except ServerError as error:
            _fail(error)


@main.command()
@click.pass_obj
def stop(places: options.Places) -> None:
    """Take out all cards, and end the process that serves them."""
    try:
        ask(places.runtime, Stop())
    except NotServingError:
        return
    except ControlError as error:
        _fail(error)


@main.command()
@click.argument("name")
@options.now
@click.pass_obj
def reset(places: options.Places, name: str, clock: Clock | None) -> None:
    """Personalise the card NAME anew: new keys and certificates, full counters, its first codes."""
    try:
        if fixture.name_of(name) in ask(places.runtime, State()).inserted.values():
            _fail(f"{name} is in a reader: take it out first")
    except NotServingError:
        pass
    except (ControlError, fixture.FixtureError) as error:
        _fail(error)
    _personalise(places, name, clock, anew=True)


@main.command()
@options.now
@click.pass_obj
def build(places: options.Places, clock: Clock | None) -> None:
    """Make what is missing of the authorities and the cards, and a daemon configuration that trusts them.

    Prints the folder; the configuration in it is `sithsd.toml`.
    """
    try:
        click.echo(Shelf(places.state, clock).build())
    except (fixture.FixtureError, OSError) as error:
        _fail(error)


@main.command()
@options.reader_number
@click.option("--reset", "again", is_flag=True, help="Count from zero afterwards.")
@options.as_json
@click.pass_obj
def count(places: options.Places, reader: int, again: bool, as_json: bool) -> None:
    """Tell how many APDUs and bytes went over the contacts since insertion or `--reset`."""
    reply = _order(places, Count(reader=reader, reset=again))
    if as_json:
        counts = {"apdus": reply.apdus, "bytesIn": reply.bytes_in, "bytesOut": reply.bytes_out}
        click.echo(json.dumps(counts))
    else:
        click.echo(f"{reply.apdus} APDUs, {reply.bytes_in} bytes in, {reply.bytes_out} bytes out")


@main.command(context_settings={"ignore_unknown_options": True})
@click.option("--readers", type=click.IntRange(1, 16), default=2, show_default=True, help="How many virtual readers.")
@click.option(
    "--pad", "pads", type=click.IntRange(0, 15), multiple=True, help="Give this reader a PIN pad; may be repeated."
)
@click.option(
    "--driver", type=click.Choice(["ifd", "vpcd"]), default="ifd", show_default=True, help="Which driver they have."
)
@click.option("--responder", "responds", is_flag=True, help="Start `sithsd-sim responder` on it, too.")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@click.pass_obj
def stage(  # noqa: PLR0913 - a command's parameters are its options
    places: options.Places,
    *,
    readers: int,
    pads: tuple[int, ...],
    driver: Driver,
    responds: bool,
    command: tuple[str, ...],
) -> None:
    """Run COMMAND beside a private pcscd with virtual readers, in namespaces of its own; exit as COMMAND does.

    PCSCLITE_CSOCK_NAME tells it the pcscd. RUNTIME_DIRECTORY and STATE_DIRECTORY are folders that go away with the
    stage, unless they were given. SIGTERM or SIGHUP ends COMMAND with SIGTERM, and all that it started on the stage.
    """
    try:
        with signals_unwind(), Stage(readers, driver=driver, pads=pads) as private:
            runtime = places.runtime if places.runtime_given else private.folder / "run"
            state = places.state if places.state_given else private.folder / "state"
            environment = {**private.environment, "RUNTIME_DIRECTORY": str(runtime), "STATE_DIRECTORY": str(state)}
            for folder in (runtime, state):
                folder.mkdir(parents=True, exist_ok=True)
            if responds:
                start_responder(private, environment)
            served_before = (runtime / SOCKET).exists()
            try:
                child = private.spawn(command, env=environment)
                try:
                    status = child.wait()
                finally:
                    end(child)
            finally:
                if not served_before:
                    _stop_quietly(runtime)
    except (StageError, BackgroundError, OSError) as error:
        _fail(error)
    sys.exit(status if status >= 0 else 128 - status)


def _personalise(places: options.Places, name: str, clock: Clock | None, *, anew: bool = False) -> None:
    shelf = Shelf(places.state, clock)
    try:
        if anew:
            shelf.renew(name)
        else:
            shelf.card(name)
        shelf.write_configuration()
    except (fixture.FixtureError, OSError) as error:
        _fail(error)


def _order(places: options.Places, request: Request) -> Reply:
    try:
        return ask(places.runtime, request)
    except ControlError as error:
        _fail(error)


def _insert_with_new_server(places: options.Places, order: Insert) -> None:
    try:
        child = start_server(places.runtime, places.state)
    except BackgroundError as error:
        _fail(error)
    try:
        ask(places.runtime, order)
    except ControlError as error:
        # Without a card it ends by itself, and this program does not end before it.
        child.wait()
        _fail(error)


def _move(how: Callable[[Readers, int], None], reader: int) -> None:
    readers = Readers.here()
    if readers is None:
        _fail("here are no readers that can be unplugged: those of a stage can (sithsd-sim stage)")
    try:
        how(readers, reader)
    except ReadersError as error:
        _fail(error)


def _stop_quietly(runtime: Path) -> None:
    try:
        ask(runtime, Stop())
    except NotServingError:
        return
    except ControlError as error:
        click.echo(f"sithsd-sim: {error}", err=True)


def _fail(reason: object) -> NoReturn:
    raise click.ClickException(str(reason))


if __name__ == "__main__":
    main()
