"""The port to whoever knows what is revoked, and the memory of what was told: sithsd itself has no network.

Belongs to the asyncio loop's thread, but for `Known.of`, which any thread may call.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Protocol

from sithsd.certificate.read import Certificate
from sithsd.validity.revocation.combine import combine
from sithsd.validity.revocation.model import Evidence, RevocationStatus

# Cards of a day at a busy desk. A path has three certificates, where it is not made to be long.
_MOST_CERTIFICATES = 256
_MOST_OF_ONE = 16


@dataclass(frozen=True, slots=True)
class Told:
    """What was told of one certificate.

    `evidence` is of it and of its issuers. `issuers` are the CAs between it and a root, as far as they were found: they
    help to build the path, and are trusted for nothing.
    """

    evidence: tuple[Evidence, ...] = ()
    issuers: tuple[Certificate, ...] = ()


class Informant(Protocol):
    """Whoever is asked about revocation; see `sithsd.daemon.fetching`."""

    async def ask(
        self, certificate: Certificate, others: Sequence[Certificate], *, seconds: float, fresh: bool
    ) -> Told | None:
        """Return what is known of a certificate within so many seconds; None where there is nobody to ask.

        `others` may help to find its path. `fresh`: its issuers are asked even where an answer is at hand that will do.
        """
        ...


class Known:
    """What was told of certificates lately. A proven answer stays until a newer one comes: a failure proves nothing."""

    def __init__(self) -> None:
        self._told: dict[str, Told] = {}

    def of(self, fingerprint: str) -> Told:
        """Return what is known of a certificate."""
        return self._told.get(fingerprint, Told())

    def keep(self, fingerprint: str, told: Told) -> bool:
        """Take what was told of a certificate; return whether that is something new."""
        before = self._told.pop(fingerprint, Told())
        known = Told(_merged(told.evidence, before.evidence), told.issuers or before.issuers)
        # The one that was asked about longest ago goes first.
        self._told[fingerprint] = known
        while len(self._told) > _MOST_CERTIFICATES:
            del self._told[next(iter(self._told))]
        return known != before


def _merged(told: Iterable[Evidence], before: Sequence[Evidence]) -> tuple[Evidence, ...]:
    """Return what is known now: of each certificate the last answer, and the last one that proved something."""
    merged: list[Evidence] = []
    old = [replace(one, next_check=None) for one in before if _proves(one)]
    for new in islice(told, _MOST_OF_ONE):
        same = [one for one in old if one.fingerprint == new.fingerprint]
        old = [one for one in old if one.fingerprint != new.fingerprint]
        if _proves(new):
            merged.append(replace(combine([new, *same]), next_check=new.next_check))
        else:
            merged += [new, *(replace(one, next_check=new.next_check) for one in same)]
    return tuple((merged + old)[: 2 * _MOST_OF_ONE])


def _proves(evidence: Evidence) -> bool:
    return evidence.status is not RevocationStatus.UNKNOWN
