"""What is demanded of a certificate, and what the configuration may say of it."""

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import msgspec

from sithsd.certificate.tables import Tables, default_tables, load_tables
from sithsd.validity.moments import later
from sithsd.values import Environment

# When this release was made. A clock before it is wrong, whatever it says; raise it at each release.
RELEASED = datetime(2026, 11, 1, tzinfo=UTC)
ISSUER_TABLE = Path("/etc/sithsd/issuers.toml")
# What makes a certificate, an OCSP response or a CRL bad, by its name in `sithsd.certificate.strength`.
REFUSED_WEAKNESSES = frozenset({"signature.sha1", "signature.md5", "key.short"})


@dataclass(frozen=True, slots=True)
class ValidityPolicy:
    """What is demanded.

    `environments`: the worlds whose certificates may be trusted. `refused_weaknesses`: what, on a certificate or one of
    its issuers, makes it bad ("key.exponent3" is shown with the certificate but not refused: a signature checked as
    strictly as here is sound with it). `plausible_from`: a clock before this moment is not believed.
    """

    environments: frozenset[Environment] = frozenset({Environment.PRODUCTION})
    refused_weaknesses: frozenset[str] = REFUSED_WEAKNESSES
    plausible_from: datetime = RELEASED


@dataclass(frozen=True, slots=True)
class UsePolicy:
    """What one use of a verdict demands of the evidence that a certificate is not revoked.

    Where the evidence falls short the verdict is unknown, with the reason: never good.
    """

    name: str
    """What it is used for, in one word."""
    grace: timedelta
    """For how long a good answer counts after its next update. For the hours without a network; zero: not at all."""
    longest_age: timedelta
    """How old an answer about the certificate itself may be, counted from its this update, whatever its next update."""
    longest_age_of_issuers: timedelta
    """The same for an answer about one of its issuers: lists of a root that is kept offline live for months."""
    undated: timedelta
    """How old an answer may be that has no next update: newer ones are there all the time (RFC 6960, 2.4)."""
    skew: timedelta = timedelta(minutes=5)
    """How far ahead of this machine's clock an answer's this update may be, and how long each counts at least."""

    def due(self, this_update: datetime, next_update: datetime | None) -> datetime:
        """Return when an answer has outlived itself: at its next update, or what stands for one where it tells none.

        A responder that knows all at once may tell one of a minute, or of no time at all. By any clock that is a little
        fast such an answer has always come too late, so each counts for as long as clocks may differ.
        """
        return max(next_update or later(this_update, self.undated), later(this_update, self.skew))


# The longest lives that the CA/Browser Forum's baseline requirements (4.9.7, 4.9.10) give: 10 days for answers about
# holders, 12 months about CAs. SITHS's own are not known: one that lives longer counts for so long and no longer.
_TEN_DAYS, _YEAR, _HOUR = timedelta(days=10), timedelta(days=366), timedelta(hours=1)

LOG_IN = UsePolicy("logIn", timedelta(0), _TEN_DAYS, _YEAR, _HOUR)
"""Letting a person in: closed where nothing certain is known, unless the site's settings state a grace."""

DESK = UsePolicy("desk", timedelta(0), _TEN_DAYS, _YEAR, _HOUR)
"""Showing what is known, with all its reasons: a grace would hide one."""

REPORT = UsePolicy("report", timedelta(days=1), _TEN_DAYS, _YEAR, timedelta(days=1))
"""Counting many certificates against lists that were fetched some hours before."""


class ValiditySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The section [validity] of the configuration.

    `environments`: "production", "test", "sim". `anchors` and `issuers`: files in PEM (several certificates in one are
    allowed) or DER. `anchors_folder`: where `sithsctl anchors install` puts the pinned roots. `sim_fingerprints`:
    SHA-256 of the SIM roots that may be anchors, in hexadecimal, colons allowed; `sim_hosts`: where their issuers may
    be asked ("127.0.0.1:35980"), and nowhere else. `log_in_grace_hours`: for how many hours after its next update a
    good answer still lets a person in. `issuer_table`: a file with rows that are asked before those of
    sithsd/certificate/issuers.toml, in the same form; without one it is /etc/sithsd/issuers.toml, if there is one.
    """

    environments: tuple[Environment, ...] = (Environment.PRODUCTION,)
    anchors: tuple[str, ...] = ()
    issuers: tuple[str, ...] = ()
    anchors_folder: str = "/etc/sithsd/anchors"
    sim_fingerprints: tuple[str, ...] = ()
    sim_hosts: tuple[str, ...] = ()
    log_in_grace_hours: Annotated[int, msgspec.Meta(ge=0, le=168)] = 0
    issuer_table: str | None = None

    def policy(self) -> ValidityPolicy:
        """Return the policy that these settings ask for."""
        return ValidityPolicy(environments=frozenset(self.environments))

    def log_in(self) -> UsePolicy:
        """Return what log-in demands by these settings."""
        return replace(LOG_IN, grace=timedelta(hours=self.log_in_grace_hours))

    def tables(self) -> Tables:
        """Return what names of issuers and policies mean, with the site's rows first. Raises TablesError."""
        if self.issuer_table is not None:
            return load_tables(Path(self.issuer_table))
        # With a folder that may not be looked into, exists() raises: the reading says so in one line.
        with suppress(PermissionError):
            if not ISSUER_TABLE.exists():
                return default_tables()
        return load_tables(ISSUER_TABLE)
