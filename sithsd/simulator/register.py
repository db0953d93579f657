"""The authorities' register: what they issued, and what of it they revoked, in the order in which it happened."""

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

import msgspec
from cryptography.x509 import ReasonFlags

from sithsd.simulator import durable

_FILE = "register.json"
_LOCK = "register.lock"


class Act(StrEnum):
    """What an authority did with a certificate. `HELD` is a revocation that `RELEASED` lifts."""

    ISSUED = "issued"
    REVOKED = "revoked"
    HELD = "held"
    RELEASED = "released"


class Reason(StrEnum):
    """Why a certificate is revoked (RFC 5280, 5.3.1), but for certificateHold and removeFromCRL: those are acts."""

    UNSPECIFIED = "unspecified"
    KEY_COMPROMISE = "keyCompromise"
    CA_COMPROMISE = "cACompromise"
    AFFILIATION_CHANGED = "affiliationChanged"
    SUPERSEDED = "superseded"
    CESSATION_OF_OPERATION = "cessationOfOperation"
    PRIVILEGE_WITHDRAWN = "privilegeWithdrawn"
    AA_COMPROMISE = "aACompromise"


class Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One act: of which authority (its slug), on which certificate (its serial number in hexadecimal), when."""

    act: Act
    issuer: str
    serial: str
    at: datetime
    reason: Reason = Reason.UNSPECIFIED

    @property
    def number(self) -> int:
        """The certificate's serial number."""
        return int(self.serial, 16)

    @property
    def flag(self) -> ReasonFlags | None:
        """The reason as X.509 has it; None for one that is not told (RFC 5280, 5.3.1)."""
        if self.act is Act.HELD:
            return ReasonFlags.certificate_hold
        return None if self.reason is Reason.UNSPECIFIED else ReasonFlags(self.reason.value)


class RegisterError(Exception):
    """The act makes no sense, or the register is damaged; the message is one sentence."""


@dataclass(frozen=True, slots=True)
class State:
    """What one authority's register says: the serial numbers that were issued, and those revoked or held, with why."""

    issued: frozenset[int]
    revoked: dict[int, Entry]


class Register:
    """The register in `folder`, shared by every process of the simulation. What is recorded is seen by all at once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def entries(self) -> tuple[Entry, ...]:
        """Return everything that was recorded, in order. Raises RegisterError, and OSError."""
        try:
            return msgspec.json.decode((self._folder / _FILE).read_bytes(), type=tuple[Entry, ...])
        except FileNotFoundError:
            return ()
        except msgspec.DecodeError as error:
            raise RegisterError(f"{self._folder / _FILE} is damaged ({error})") from None

    def record(self, acts: Sequence[Entry]) -> None:
        """Record all of these acts or, if one makes no sense, none of them. Raises RegisterError, and OSError."""
        with self._locked():
            entries = self.entries()
            for entry in acts:
                _check(entry, state(entries, entry.issuer))
                entries = (*entries, entry)
            durable.replace(self._folder / _FILE, msgspec.json.encode(entries))

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(self._folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def state(entries: Sequence[Entry], issuer: str) -> State:
    """Return what the entries say about one authority's certificates, in the end."""
    issued: set[int] = set()
    revoked: dict[int, Entry] = {}
    for entry in entries:
        if entry.issuer != issuer:
            continue
        match entry.act:
            case Act.ISSUED:
                issued.add(entry.number)
            case Act.REVOKED | Act.HELD:
                revoked[entry.number] = entry
            case Act.RELEASED:
                del revoked[entry.number]
    return State(frozenset(issued), revoked)


def without_the_last(entries: Sequence[Entry], issuer: str) -> tuple[Entry, ...]:
    """Return the entries without the authority's last act that was no issuing, and what it did in the same moment."""
    last = max((entry.at for entry in entries if _is_news(entry, issuer)), default=None)
    return tuple(entry for entry in entries if not (_is_news(entry, issuer) and entry.at == last))


def _is_news(entry: Entry, issuer: str) -> bool:
    return entry.issuer == issuer and entry.act is not Act.ISSUED


def _check(entry: Entry, before: State) -> None:
    there = before.revoked.get(entry.number)
    if entry.act is not Act.ISSUED and entry.number not in before.issued:
        raise RegisterError(f"{entry.issuer} has issued no certificate {entry.serial}")
    if entry.act in {Act.REVOKED, Act.HELD} and there is not None and there.act is Act.REVOKED:
        raise RegisterError(f"the certificate {entry.serial} is revoked already")
    if entry.act is Act.RELEASED and (there is None or there.act is not Act.HELD):
        raise RegisterError(f"the certificate {entry.serial} is not held")
