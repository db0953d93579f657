"""The program `sithsd-fetch`: command line, and what can stop it from starting."""

import asyncio
import sys
from pathlib import Path

import click

from sithsd import __version__
from sithsd.api.sockets import SocketError
from sithsd.certificate.tables import TablesError
from sithsd.fetch.store import StoreError
from sithsd.fetch.wiring import serve
from sithsd.locations import fetch_runtime_dir, fetch_state_dir
from sithsd.service import config, journal
from sithsd.validity.files import CertificateFileError

_CANNOT_START = 1
_UNUSABLE_SETTINGS = 78  # EX_CONFIG of sysexits.h: systemd shows it as "configuration"


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--runtime-dir", metavar="DIR", help="Folder of the socket [$RUNTIME_DIRECTORY, else /run/sithsd-fetch].")
@click.option(
    "--state-dir", metavar="DIR", help="Folder of what is kept [$STATE_DIRECTORY, else /var/lib/sithsd-fetch]."
)
@click.option(
    "--config",
    "config_file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help=f"Settings, the same as sithsd's [{config.DEFAULT_FILE}, if there is one].",
)
@click.version_option(__version__, prog_name="sithsd-fetch")
def main(runtime_dir: str | None, state_dir: str | None, config_file: Path | None) -> None:
    """Ask the issuers of certificates what they have revoked, and tell sithsd over a Unix socket.

    Runs in the foreground until SIGTERM or SIGINT. It is the only program of sithsd that uses the network; it sees
    certificates alone, no card and no code.

    Exit status: 0 after a signal, 1 if it can't start, 78 for settings that can't be used.
    """
    sys.exit(_run(runtime_dir, state_dir, config_file))


def _run(runtime: str | None, state: str | None, config_file: Path | None) -> int:
    try:
        settings = config.load(config_file)
        journal.set_up(settings.log.level, settings.log.format)
        asyncio.run(serve(settings, fetch_runtime_dir(runtime), fetch_state_dir(state)))
    except (config.ConfigError, CertificateFileError, TablesError) as error:
        return _say(str(error), _UNUSABLE_SETTINGS)
    except (SocketError, StoreError) as error:
        return _say(str(error), _CANNOT_START)
    return 0


def _say(reason: str, status: int) -> int:
    click.echo(f"sithsd-fetch: {reason}", err=True)
    return status
