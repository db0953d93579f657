"""Where programs meet: the runtime directories (sockets), the state directories, and pcscd's socket."""

import os
from pathlib import Path

CARDS_SOCKET = "io.sithsd.Cards"
CODES_SOCKET = "io.sithsd.Codes"
FETCH_SOCKET = "io.sithsd.Fetch"
AUDIT_FILE = "audit.sqlite"


def runtime_dir(given: str | os.PathLike[str] | None = None) -> Path:
    """Return the folder of the sockets: as `given`, else $RUNTIME_DIRECTORY, else /run/sithsd."""
    return _folder(given, "RUNTIME_DIRECTORY", "/run/sithsd")


def state_dir(given: str | os.PathLike[str] | None = None) -> Path:
    """Return the folder of what outlives a process: as `given`, else $STATE_DIRECTORY, else /var/lib/sithsd."""
    return _folder(given, "STATE_DIRECTORY", "/var/lib/sithsd")


def fetch_runtime_dir(given: str | os.PathLike[str] | None = None) -> Path:
    """Return the folder of sithsd-fetch's socket: as `given`, else $RUNTIME_DIRECTORY, else /run/sithsd-fetch."""
    return _folder(given, "RUNTIME_DIRECTORY", "/run/sithsd-fetch")


def fetch_socket(runtime: Path) -> Path:
    """Return the socket of the sithsd-fetch that belongs to the daemon whose sockets are in `runtime`.

    That of the installed daemon has a folder of its own, any other one's is beside the daemon's.
    """
    folder = Path("/run/sithsd-fetch") if runtime == Path("/run/sithsd") else runtime
    return folder / FETCH_SOCKET


def fetch_state_dir(given: str | os.PathLike[str] | None = None) -> Path:
    """Return the folder of what sithsd-fetch keeps: as `given`, else $STATE_DIRECTORY, else /var/lib/sithsd-fetch."""
    return _folder(given, "STATE_DIRECTORY", "/var/lib/sithsd-fetch")


def pcscd_socket() -> Path:
    """Return the socket that pcsc-lite's client library connects to."""
    return Path(os.environ.get("PCSCLITE_CSOCK_NAME") or "/run/pcscd/pcscd.comm")


def _folder(given: str | os.PathLike[str] | None, variable: str, fixed: str) -> Path:
    # Where a unit has several folders, systemd joins them with colons, in the unit's order (systemd.exec(5)).
    return Path(given or os.environ.get(variable, "").split(":")[0] or fixed)
