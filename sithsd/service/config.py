"""The settings of the daemon and of sithsd-fetch: one TOML file, everything in it optional.

It names whom to trust, and which files tell the policy and the rights, so it has to be root's or the service's own
user's, writable by its owner alone.
"""

from contextlib import suppress
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from sithsd import trusted
from sithsd.validity.policy import ValiditySettings

DEFAULT_FILE = Path("/etc/sithsd/sithsd.toml")
_MAX_FILE = 256 * 1024


class ConfigError(Exception):
    """Settings that can't be used: one line with file, place and reason."""


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class RightsSettings(_Table, frozen=True, kw_only=True):
    """[rights]: `file` says who may do what; without one it is /etc/sithsd/rights.toml, if there is such a file."""

    file: str | None = None


class DriversSettings(_Table, frozen=True, kw_only=True):
    """[drivers]: `site` is the folder of a site's own card profiles."""

    site: str = "/etc/sithsd/drivers.d"


class CardsSettings(_Table, frozen=True, kw_only=True):
    """[cards]: `keep_hours`, how long what was read of a card is kept in memory after it was read whole.

    A card that comes again meanwhile, and proves that it is unchanged, need not be read whole. 0: nothing is kept.
    """

    keep_hours: Annotated[float, msgspec.Meta(ge=0, le=24)] = 12.0


class PolicySettings(_Table, frozen=True, kw_only=True):
    """[policy]: `file` is the site's policy; without one it is /etc/sithsd/policy.toml, if there is such a file."""

    file: str | None = None


class CalendarSettings(_Table, frozen=True, kw_only=True):
    """[calendar]: `file` is the site's order freezes; without one it is /etc/sithsd/freezes.toml, if there is one."""

    file: str | None = None


class FetchSettings(_Table, frozen=True, kw_only=True):
    """[fetch]: sithsd-fetch, the program that asks issuers for what they have revoked.

    `store_megabytes`: how much it keeps on disk at most. `prefetch_days`: for how many days after it was last asked for
    something it keeps that up to date unasked; 0: it asks only when it is asked.
    """

    store_megabytes: Annotated[int, msgspec.Meta(ge=64, le=4096)] = 256
    prefetch_days: Annotated[int, msgspec.Meta(ge=0, le=365)] = 30


class SightingsSettings(_Table, frozen=True, kw_only=True):
    """[sightings]: whether it is noted which cards are seen here, by pseudonyms, for reports; `unit` is told with them.

    How long is a matter of the policy ([sightings] keep_days).
    """

    enabled: bool = False
    unit: Annotated[str, msgspec.Meta(min_length=1, max_length=200)] | None = None


class LogSettings(_Table, frozen=True, kw_only=True):
    """[log]: `format` "auto" is for people on a terminal and JSON elsewhere."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "json", "text"] = "auto"


class Settings(_Table, frozen=True, kw_only=True):
    """The whole file."""

    validity: ValiditySettings = ValiditySettings()
    rights: RightsSettings = RightsSettings()
    drivers: DriversSettings = DriversSettings()
    cards: CardsSettings = CardsSettings()
    policy: PolicySettings = PolicySettings()
    calendar: CalendarSettings = CalendarSettings()
    fetch: FetchSettings = FetchSettings()
    sightings: SightingsSettings = SightingsSettings()
    log: LogSettings = LogSettings()


def changed(settings: msgspec.Struct, default: msgspec.Struct, prefix: str = "") -> tuple[str, ...]:
    """Return the names of the values that differ from the default ones ("rights.file"), never the values."""
    names: list[str] = []
    for field in msgspec.structs.fields(settings):
        ours, theirs = getattr(settings, field.name), getattr(default, field.name)
        name = f"{prefix}{field.encode_name}"
        if isinstance(ours, msgspec.Struct) and isinstance(theirs, msgspec.Struct):
            names += changed(ours, theirs, f"{name}.")
        elif ours != theirs:
            names.append(name)
    return tuple(names)


def load(path: Path | None) -> Settings:
    """Read the settings from `path`; with None from /etc/sithsd/sithsd.toml if there is one, else the defaults.

    Raises ConfigError.
    """
    if path is None:
        # With a file that may not be looked at, exists() raises: the reading below says so in one line.
        with suppress(PermissionError):
            if not DEFAULT_FILE.exists():
                return Settings()
        path = DEFAULT_FILE
    try:
        return msgspec.toml.decode(trusted.read(path, _MAX_FILE), type=Settings)
    except trusted.UntrustedFileError as error:
        raise ConfigError(f"{path}: {error}") from error
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 text, from byte {error.start} on") from error
    except RecursionError as error:
        raise ConfigError(f"{path}: is nested too deeply") from error
    except msgspec.MsgspecError as error:
        raise ConfigError(f"{path}: {' '.join(str(error).split())}") from error
