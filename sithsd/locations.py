"""Where programs meet: the runtime directory (sockets) and the state directory."""

import os
from pathlib import Path

CARDS_SOCKET = "io.sithsd.Cards"
CODES_SOCKET = "io.sithsd.Codes"


def runtime_dir(given: str | os.PathLike[str] | None = None) -> Path:
    """Return the folder of the sockets: as `given`, else $RUNTIME_DIRECTORY, else /run/sithsd."""
    return Path(given or os.environ.get("RUNTIME_DIRECTORY") or "/run/sithsd")


def state_dir(given: str | os.PathLike[str] | None = None) -> Path:
    """Return the folder of what outlives a process: as `given`, else $STATE_DIRECTORY, else /var/lib/sithsd."""
    return Path(given or os.environ.get("STATE_DIRECTORY") or "/var/lib/sithsd")
