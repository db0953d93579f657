"""The program `sithsd`: command line, and what can stop it from starting."""

import asyncio
import sys
from pathlib import Path

import click
import structlog

from sithsd import __version__, memory
from sithsd.api.sockets import SocketError
from sithsd.card.profile import ProfileError
from sithsd.certificate.tables import TablesError
from sithsd.daemon.wiring import serve
from sithsd.errors import SithsdError
from sithsd.locations import runtime_dir, state_dir
from sithsd.policy.site_file import PolicyError
from sithsd.service import config, journal
from sithsd.validity.files import CertificateFileError

_CANNOT_START = 1
_UNUSABLE_SETTINGS = 78  # EX_CONFIG of sysexits.h: systemd shows it as "configuration"


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--runtime-dir", metavar="DIR", help="Folder of the sockets [$RUNTIME_DIRECTORY, else /run/sithsd].")
@click.option("--state-dir", metavar="DIR", help="Folder of what is kept [$STATE_DIRECTORY, else /var/lib/sithsd].")
@click.option(
    "--config",
    "config_file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help=f"Settings [{config.DEFAULT_FILE}, if there is one].",
)
@click.version_option(__version__, prog_name="sithsd")
def main(runtime_dir: str | None, state_dir: str | None, config_file: Path | None) -> None:
    """Watch the smart card readers, and serve log-in clients over two Unix sockets.

    Runs in the foreground until SIGTERM or SIGINT. pcscd is found by PCSCLITE_CSOCK_NAME, as by every PC/SC program.

    Exit status: 0 after a signal, 1 if it can't start, 78 for settings that can't be used.
    """
    sys.exit(_run(runtime_dir, state_dir, config_file))


def _run(runtime: str | None, state: str | None, config_file: Path | None) -> int:
    refused = memory.protect()
    try:
        settings = config.load(config_file)
        journal.set_up(settings.log.level, settings.log.format)
        asyncio.run(_serve(settings, runtime_dir(runtime), state_dir(state), refused))
    except (config.ConfigError, PolicyError, ProfileError, CertificateFileError, TablesError) as error:
        return _say(str(error), _UNUSABLE_SETTINGS)
    except (SocketError, SithsdError) as error:
        return _say(str(error), _CANNOT_START)
    return 0


async def _serve(settings: config.Settings, runtime: Path, state: Path, refused: tuple[str, ...]) -> None:
    # Told when the daemon has begun to wait, and not at all by one that can't start: that says why in one line.
    telling = asyncio.get_running_loop().call_soon(_tell, refused)
    try:
        await serve(settings, runtime, state)
    finally:
        telling.cancel()


def _tell(refused: tuple[str, ...]) -> None:
    log = structlog.get_logger("sithsd.daemon")
    for sentence in refused:
        log.warning("memory is not fully protected", detail=sentence)


def _say(reason: str, status: int) -> int:
    click.echo(f"sithsd: {reason}", err=True)
    return status
