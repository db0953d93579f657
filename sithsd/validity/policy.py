"""What is demanded of a certificate, and what the configuration may say of it."""

from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from sithsd.values import Environment

# When this release was made. A clock before it is wrong, whatever it says; raise it at each release.
RELEASED = datetime(2026, 11, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ValidityPolicy:
    """What is demanded.

    `environments`: the worlds whose certificates may be trusted. `refused_weaknesses`: what, on a certificate or one of
    its issuers, makes it bad ("key.exponent3" is shown with the certificate but not refused: a signature checked as
    strictly as here is sound with it). `plausible_from`: a clock before this moment is not believed.
    """

    environments: frozenset[Environment] = frozenset({Environment.PRODUCTION})
    refused_weaknesses: frozenset[str] = frozenset({"signature.sha1", "signature.md5", "key.short"})
    plausible_from: datetime = RELEASED


class ValiditySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The section [validity] of the configuration.

    `environments`: "production", "test", "sim". `anchors` and `issuers`: files in PEM (several certificates in one are
    allowed) or DER. `anchors_folder`: where `sithsctl anchors install` puts the pinned roots. `sim_fingerprints`:
    SHA-256 of the SIM roots that may be anchors, in hexadecimal, colons allowed; `sim_hosts`: where their issuers may
    be asked ("127.0.0.1:35980"), and nowhere else.
    """

    environments: tuple[Environment, ...] = (Environment.PRODUCTION,)
    anchors: tuple[str, ...] = ()
    issuers: tuple[str, ...] = ()
    anchors_folder: str = "/etc/sithsd/anchors"
    sim_fingerprints: tuple[str, ...] = ()
    sim_hosts: tuple[str, ...] = ()

    def policy(self) -> ValidityPolicy:
        """Return the policy that these settings ask for."""
        return ValidityPolicy(environments=frozenset(self.environments))
