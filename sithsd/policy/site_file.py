"""Files in which a site says what it wants otherwise than shipped.

TOML. What is shipped has everything; a site's own file names what it wants otherwise. Tables are taken over value by
value, a list as a whole. It decides what the daemon does: it has to be root's or the daemon's own user's, writable by
its owner alone.
"""

import tomllib
from contextlib import suppress
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from sithsd import trusted

T = TypeVar("T")

_MAX_FILE = 256 * 1024


class PolicyError(ValueError):
    """A policy that can't be used: one line with file, place and reason."""


def shipped(shape: type[T], name: str) -> T:
    """Return the file `name` of this package, in its `shape`."""
    return msgspec.convert(_shipped_tables(name), shape)


def load(shape: type[T], name: str, path: Path | None, usual: Path) -> T:
    """Return the file `name` of this package with a site's file laid over it, in its `shape`.

    The site's is at `path`; with None at its `usual` place, if there is such a file. Raises PolicyError.
    """
    found = tables(path, usual)
    if found is None:
        return shipped(shape, name)
    where, above = found
    try:
        return msgspec.convert(laid_over(_shipped_tables(name), above), shape)
    except msgspec.ValidationError as error:
        raise PolicyError(f"{where}: {' '.join(str(error).split())}") from error


def tables(path: Path | None, usual: Path) -> tuple[Path, dict[str, Any]] | None:
    """Return where a site's file is and what it says: at `path`; with None at its `usual` place, or None.

    Raises PolicyError.
    """
    if path is None:
        # With a file that may not be looked at, exists() raises: the reading below says so in one line.
        with suppress(PermissionError):
            if not usual.exists():
                return None
        path = usual
    return path, _tables(path)


def laid_over(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Return `below` with the values of `above` in it: tables value by value, a list as a whole."""
    whole = dict(below)
    for name, value in above.items():
        under = below.get(name)
        whole[name] = laid_over(under, value) if isinstance(under, dict) and isinstance(value, dict) else value
    return whole


def _shipped_tables(name: str) -> dict[str, Any]:
    return tomllib.loads((files("sithsd.policy") / name).read_text("utf-8"))


def _tables(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(trusted.read(path, _MAX_FILE).decode("utf-8"))
    except trusted.UntrustedFileError as error:
        raise PolicyError(f"{path}: {error}") from error
    except OSError as error:
        raise PolicyError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise PolicyError(f"{path}: is not UTF-8 text, from byte {error.start} on") from error
    except RecursionError as error:
        raise PolicyError(f"{path}: is nested too deeply") from error
    except tomllib.TOMLDecodeError as error:
        raise PolicyError(f"{path}: {' '.join(str(error).split())}") from error
