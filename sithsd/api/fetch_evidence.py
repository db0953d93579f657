"""Evidence of revocation as io.sithsd.Fetch has it on the wire, and back again."""

from collections.abc import Callable
from typing import TypeVar

from sithsd.api import fetch_wire
from sithsd.api.moments import moment_or_none, read_moment
from sithsd.validity.revocation.model import Evidence, Failure, RevocationStatus, Source

_T = TypeVar("_T")
# Far more than a serial number (RFC 5280, 4.1.2.2: 20 octets), a URL or a name that is taken has.
_LONGEST_SERIAL = 64


def to_wire(evidence: Evidence) -> fetch_wire.Evidence:
    """Return `evidence` as it is told."""
    return fetch_wire.Evidence(
        fingerprint=evidence.fingerprint,
        serial_number=f"{evidence.serial_number:X}",
        status=str(evidence.status),
        source=_word(evidence.source),
        url=evidence.url,
        signer=evidence.signer,
        this_update=moment_or_none(evidence.this_update),
        next_update=moment_or_none(evidence.next_update),
        produced_at=moment_or_none(evidence.produced_at),
        fetched_at=moment_or_none(evidence.fetched_at),
        revoked_at=moment_or_none(evidence.revoked_at),
        revocation_reason=evidence.revocation_reason,
        failure=_word(evidence.failure),
        detail=evidence.detail,
        next_check=moment_or_none(evidence.next_check),
    )


def from_wire(told: fetch_wire.Evidence) -> Evidence:
    """Return what was told as evidence.

    Raises ValueError for words, moments and numbers that are none: then the program at the other end is another one.
    """
    if len(told.serial_number) > _LONGEST_SERIAL:
        raise ValueError("the serial number is too long")
    return Evidence(
        fingerprint=told.fingerprint,
        serial_number=int(told.serial_number, 16),
        status=RevocationStatus(told.status),
        source=_if_told(told.source, Source),
        url=told.url,
        signer=told.signer,
        this_update=_if_told(told.this_update, read_moment),
        next_update=_if_told(told.next_update, read_moment),
        produced_at=_if_told(told.produced_at, read_moment),
        fetched_at=_if_told(told.fetched_at, read_moment),
        revoked_at=_if_told(told.revoked_at, read_moment),
        revocation_reason=told.revocation_reason,
        failure=_if_told(told.failure, Failure),
        detail=told.detail,
        next_check=_if_told(told.next_check, read_moment),
    )


def _word(one: Source | Failure | None) -> str | None:
    return None if one is None else str(one)


def _if_told(text: str | None, meaning: Callable[[str], _T]) -> _T | None:
    return None if text is None else meaning(text)
