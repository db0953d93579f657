"""The daemon's replies, read leniently.

`sithsd.api.wire` has the exact shapes. This program must also show what a newer daemon says: a state, purpose or kind
that it has never heard of is shown as it stands. So names are plain strings here, and what is lacking is empty.
"""

from typing import Any, TypeVar

import msgspec

from sithsd.cli.failure import failure
from sithsd.errors import ErrorCode

T = TypeVar("T")


class Shape(msgspec.Struct, rename="camel", kw_only=True):
    """What every shape has in common."""


class Verdict(Shape):
    """May it be trusted, and why not."""

    status: str = "unknown"
    reasons: list[str] = []


class CodeState(Shape):
    """One code of a card."""

    role: str
    tries_left: int | None = None
    blocked: bool | None = None
    activated: bool | None = None
    verified: bool = False
    min_length: int | None = None
    max_length: int | None = None


class Certificate(Shape):
    """One certificate of a card. Moments are RFC 3339; `der` is base64."""

    id: str
    purpose: str = "other"
    identity: str = "none"
    subject: str = ""
    issuer: str = ""
    not_before: str = ""
    not_after: str = ""
    verdict: Verdict = msgspec.field(default_factory=Verdict)
    serial_number: str = ""
    fingerprint: str = ""
    environment: str = "unknown"
    level_of_assurance: int | None = None
    transport: bool = False
    weaknesses: list[str] = []
    key: str = ""
    label: str | None = None
    path: list[str] = []
    anchor: str | None = None
    checked_at: str | None = None
    der: str | None = None


class Holder(Shape):
    """Whose card it is."""

    display_name: str | None = None
    hsa_id: str | None = None
    personal_identity_number: str | None = None
    organization: str | None = None
    protected: bool | None = None


class Card(Shape):
    """One inserted card."""

    serial: str | None = None
    environment: str = "unknown"
    kind: str = "unknown"
    card_number: str | None = None
    level_of_assurance: int | None = None
    holder: Holder | None = None
    codes: list[CodeState] = []
    certificates: list[Certificate] = []
    atr: str = ""
    notes: list[str] = []


class Reader(Shape):
    """One reader and what is in it."""

    name: str
    state: str
    card: Card | None = None
    reason: str | None = None


class ListReply(Shape):
    """Of io.sithsd.Cards.List; a reply of Monitor has these fields and more."""

    readers: list[Reader]
    service: bool = True


class MonitorReply(ListReply):
    """Of io.sithsd.Cards.Monitor."""

    event: str = "changed"
    reader: str | None = None


class CertificatesReply(Shape):
    """Of GetCertificates and GetValidity."""

    reader: str
    certificates: list[Certificate]


class CodesReply(Shape):
    """Of GetCodes."""

    reader: str
    codes: list[CodeState]
    card_serial: str | None = None


class CodeReply(Shape):
    """Of Verify and Unblock."""

    reader: str
    role: str
    tries_left: int | None = None


def read(reply: dict[str, Any], shape: type[T]) -> T:
    """Return `reply` in its `shape`; a CommandError ("internal") where it does not have it."""
    try:
        return msgspec.convert(reply, shape)
    except msgspec.ValidationError as error:
        raise failure(ErrorCode.INTERNAL, f"a reply of another shape than {shape.__name__}: {error}") from error
