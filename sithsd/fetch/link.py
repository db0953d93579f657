"""One step of a path: a certificate, who issued it, and in which world."""

from dataclasses import dataclass

from sithsd.certificate.read import Certificate
from sithsd.values import Environment


@dataclass(frozen=True, slots=True)
class Link:
    """A certificate on a valid path to an anchor of `world`, with its issuer. `holder`: it is the path's first one."""

    certificate: Certificate
    issuer: Certificate
    world: Environment
    holder: bool
