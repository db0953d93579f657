"""`sithsctl anchors`: which roots this machine may trust, and the files of those that it does."""

import base64
import binascii
import os
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import click

from sithsd.api.fetch_wire import FetchAnchorCall
from sithsd.cli.daemon import Daemon
from sithsd.cli.failure import CommandError, parameters
from sithsd.cli.invocation import Invocation
from sithsd.cli.options import Options
from sithsd.cli.speech import SpokenCommand, SpokenGroup
from sithsd.cli.statuses import ExitStatus
from sithsd.cli.words import Words
from sithsd.errors import ErrorCode
from sithsd.locations import fetch_runtime_dir
from sithsd.values import Environment

if TYPE_CHECKING:
    from sithsd.validity.anchors import Pin

FOLDER = "/etc/sithsd/anchors"
_FETCH = "io.sithsd.Fetch.FetchAnchor"
_PINNED = [Environment.PRODUCTION.value, Environment.TEST.value]


def anchors_group(words: Words, options: Options) -> click.Group:
    """Return the command `anchors` with its own commands."""

    def command(name: str, callback: Callable[..., None], *own: click.Parameter) -> click.Command:
        return SpokenCommand(
            name,
            words=words,
            help=words.say(f"help-anchors-{name}"),
            callback=click.make_pass_decorator(Invocation)(callback),
            params=[
                *own,
                options.make("--folder", help_key="anchors-folder", metavar="DIR", default=FOLDER, type=click.Path()),
                *options.everywhere(hidden=True),
            ],
        )

    group = SpokenGroup(
        "anchors",
        words=words,
        help=words.say("help-anchors"),
        subcommand_metavar=words.say("usage-commands"),
        write_epilog=lambda _: None,
        invoke_without_command=True,
        callback=_without_command,
        params=options.everywhere(hidden=True),
    )
    group.add_command(command("list", _list))
    group.add_command(
        command(
            "install",
            _install,
            click.Argument(["file"], required=False, type=click.Path(), metavar="FILE"),
            options.make("--fetch", help_key="anchors-fetch", is_flag=True),
            options.make("--environment", help_key="anchors-environment", type=click.Choice(_PINNED)),
        )
    )
    return group


def _list(invocation: Invocation, folder: str) -> None:
    """Show each pinned root, and where its file is, if there is one."""
    found = _installed(Path(folder))
    rows = [{**_told(pin), "file": found.get(pin.fingerprint)} for pin in _pins()]
    if invocation.as_json:
        invocation.output.json({"folder": folder, "anchors": rows})
        return
    words, line = invocation.words, invocation.output.line
    for row in rows:
        key = "anchors-installed" if row["file"] else "anchors-absent"
        line(words.say(key, name=str(row["name"]), world=_world(words, row), file=str(row["file"])))
        line(f"  SHA-256 {row['fingerprint']}")


def _install(invocation: Invocation, folder: str, *, file: str | None, fetch: bool, environment: str | None) -> None:
    """Put a root into the folder, from a file or from its pinned place, if it is a pinned one."""
    if fetch == (file is not None):
        raise CommandError(parameters(ErrorCode.REQUEST_INVALID, "FILE or --fetch"), key="anchors-oneOf")
    world = environment or Environment.PRODUCTION.value
    content = _fetched(invocation, world) if fetch else _content(Path(file or ""))
    chosen = _accepted(content, world if fetch else environment)
    done = [{**_told(pin), "file": str(_put(Path(folder), _name(pin), der))} for pin, der in chosen]
    if invocation.as_json:
        invocation.output.json({"installed": done})
        return
    words, line = invocation.words, invocation.output.line
    for row in done:
        line(words.say("anchors-done", name=row["name"], world=_world(words, row), file=row["file"]))
        if row["environment"] == Environment.TEST:
            line(words.say("anchors-test"))
    line(words.say("anchors-restart"))


def _fetched(invocation: Invocation, environment: str) -> bytes:
    """Return what sithsd-fetch had from the pinned place: this program has no network."""
    daemon = Daemon(fetch_runtime_dir(invocation.folder), invocation.connect)
    try:
        reply = daemon.ask(_FETCH, FetchAnchorCall(environment=environment))
    except CommandError as error:
        if error.parameters.code == ErrorCode.DAEMON_UNAVAILABLE:
            raise CommandError(error.parameters, key="anchors-noFetch") from error
        if error.parameters.code == ErrorCode.REQUEST_DENIED:
            raise CommandError(error.parameters, key="anchors-denied") from error
        raise
    try:
        return base64.b64decode(reply["certificate"], validate=True)
    except (KeyError, TypeError, binascii.Error) as error:
        found = parameters(ErrorCode.INTERNAL, "sithsd-fetch answered with no certificate")
        raise CommandError(found) from error


def _content(path: Path) -> bytes:
    """Return what a file holds, as far as a file of certificates goes."""
    from sithsd.validity.files import MAX_FILE_BYTES  # noqa: PLC0415 - see _pins

    try:
        with path.open("rb") as opened:
            return opened.read(MAX_FILE_BYTES)
    except OSError as error:
        found = parameters(ErrorCode.REQUEST_INVALID, f"{path}: {error.strerror}")
        raise CommandError(found, key="anchors-unreadable") from error


def _accepted(content: bytes, environment: str | None) -> "list[tuple[Pin, bytes]]":
    """Return the certificates and their pins: all of them have to be pinned, and of the environment if one is named."""
    from sithsd.validity.files import CertificateFileError, certificates_in  # noqa: PLC0415 - see _pins

    try:
        certificates = certificates_in(content)
    except CertificateFileError as error:
        found = parameters(ErrorCode.REQUEST_INVALID, str(error))
        raise CommandError(found, key="anchors-noCertificate") from error
    by_fingerprint = {pin.fingerprint: pin for pin in _pins() if environment in {None, pin.environment}}
    chosen: list[tuple[Pin, bytes]] = []
    for one in certificates:
        pin = by_fingerprint.get(one.fingerprint)
        if pin is None:
            detail = f"{one.masked_subject} (SHA-256 {one.fingerprint}) is no pinned root"
            found = parameters(ErrorCode.CERTIFICATE_BAD, detail)
            lines = [one.masked_subject, f"SHA-256 {one.fingerprint}"]
            raise CommandError(found, key="anchors-refused", lines=lines)
        chosen.append((pin, one.der))
    return chosen


def _put(folder: Path, name: str, der: bytes) -> Path:
    """Write a file whole or not at all, readable by everybody; it belongs to whoever runs this program."""
    path = folder / name
    try:
        _make(folder)
        # Not yet with the name of a certificate: services that start meanwhile pass over it.
        descriptor, new = tempfile.mkstemp(suffix=".new", prefix=f"{name}.", dir=folder)
        try:
            with os.fdopen(descriptor, "wb") as file:
                os.fchmod(descriptor, 0o644)
                file.write(der)
                file.flush()
                os.fsync(descriptor)
            Path(new).replace(path)
        except BaseException:
            Path(new).unlink(missing_ok=True)
            raise
        _sync(folder)
    except OSError as error:
        key = "anchors-denied" if isinstance(error, PermissionError) else "anchors-unwritable"
        code = ErrorCode.REQUEST_DENIED if isinstance(error, PermissionError) else ErrorCode.REQUEST_INVALID
        raise CommandError(parameters(code, f"{path}: {error.strerror}"), key=key) from error
    return path


def _make(folder: Path) -> None:
    """Make a folder that the services can look into, whatever the caller's umask; one that is there stays as it is."""
    if folder.is_dir():
        return
    if not folder.parent.exists():
        _make(folder.parent)
    folder.mkdir()
    folder.chmod(0o755)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _installed(folder: Path) -> dict[str, str]:
    """Return the files by the fingerprints of what is in them; one that holds something else holds nothing."""
    from sithsd.validity.files import (  # noqa: PLC0415 - see _pins
        CertificateFileError,
        certificate_files,
        read_certificates,
    )

    found: dict[str, str] = {}
    try:
        paths = certificate_files(folder)
    except CertificateFileError as error:
        raise CommandError(parameters(ErrorCode.REQUEST_INVALID, str(error)), key="anchors-unlisted") from error
    for path in paths:
        try:
            found |= {one.fingerprint: str(path) for one in read_certificates(path)}
        except CertificateFileError:
            continue
    return found


def _pins() -> "Iterable[Pin]":
    # What reads certificates takes a while to load, and no other command has to wait for it.
    from sithsd.validity.anchors import pins  # noqa: PLC0415 - as said

    return pins().anchor


def _told(pin: "Pin") -> dict[str, str]:
    return {
        "name": pin.name,
        "environment": pin.environment.value,
        "fingerprint": pin.fingerprint,
        "source": pin.source,
    }


def _name(pin: "Pin") -> str:
    return PurePosixPath(pin.source).name


def _world(words: Words, row: dict[str, Any]) -> str:
    return words.say(f"anchors-world-{row['environment']}")


@click.pass_context
def _without_command(context: click.Context) -> None:
    if context.invoked_subcommand is None:
        click.echo(context.get_help(), err=True)
        context.exit(ExitStatus.USAGE)
