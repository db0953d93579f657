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
    not_last: bool = False


class Evidence(Shape):
    """What is known of one certificate's revocation. Moments are RFC 3339."""

    fingerprint: str = ""
    status: str = "unknown"
    subject: str | None = None
    source: str | None = None
    url: str | None = None
    signer: str | None = None
    this_update: str | None = None
    next_update: str | None = None
    revoked_at: str | None = None
    revocation_reason: str | None = None
    failure: str | None = None
    stale_hours: int | None = None


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
    evidence: list[Evidence] = []
    next_check: str | None = None
    can_sign: bool | None = None


class Holder(Shape):
    """Whose card it is."""

    display_name: str | None = None
    hsa_id: str | None = None
    personal_identity_number: str | None = None
    organization: str | None = None
    protected: bool | None = None


class Advice(Shape):
    """What a person has to do because of a card's dates. Moments are RFC 3339."""

    rule: str
    action: str
    by: str | None = None
    since: str | None = None
    freeze: str | None = None
    freeze_begins: str | None = None
    freeze_ends: str | None = None
    months: int | None = None


class Card(Shape):
    """One inserted card."""

    serial: str | None = None
    profile: str | None = None
    environment: str = "unknown"
    kind: str = "unknown"
    card_number: str | None = None
    level_of_assurance: int | None = None
    holder: Holder | None = None
    codes: list[CodeState] = []
    certificates: list[Certificate] = []
    atr: str = ""
    notes: list[str] = []
    advice: list[Advice] = []


class Reader(Shape):
    """One reader and what is in it."""

    name: str
    state: str
    card: Card | None = None
    reason: str | None = None
    detail: str | None = None


class Notice(Shape):
    """What happened to a code without our doing, or came to light later. `at` is RFC 3339."""

    code: str
    at: str = ""
    sequence: int = 0
    reader: str = ""
    card_serial: str | None = None
    role: str = "none"
    tries_before: int | None = None
    tries_after: int | None = None
    happened: bool | None = None


class ListReply(Shape):
    """Of io.sithsd.Cards.List; a reply of Monitor has these fields and more."""

    readers: list[Reader]
    service: bool = True
    notices: list[Notice] = []


class MonitorReply(ListReply):
    """Of io.sithsd.Cards.Monitor."""

    event: str = "changed"
    reader: str | None = None


class CertificatesReply(Shape):
    """Of GetCertificates, and of GetValidity where its advice is of no use."""

    reader: str
    certificates: list[Certificate]
    card_serial: str | None = None
    notes: list[str] = []


class ValidityReply(CertificatesReply):
    """Of GetValidity."""

    advice: list[Advice] = []


class CodesReply(Shape):
    """Of GetCodes."""

    reader: str
    codes: list[CodeState]
    card_serial: str | None = None


class InfoReply(Shape):
    """Of org.varlink.service.GetInfo."""

    version: str = ""
    interfaces: list[str] = []


class RightsReply(Shape):
    """Of GetRights: what the caller may do."""

    status: bool = False
    codes: bool = False
    authenticate: bool = False
    sign: bool = False
    active_session: bool = False


class Anchor(Shape):
    """A root that the daemon trusts."""

    fingerprint: str = ""
    environment: str = "unknown"


class Rate(Shape):
    """How fast a card's contacts are: a bit takes `factor` / `divider` clock cycles."""

    factor: int
    divider: int


class PassedOver(Shape):
    """A profile that does not fit the card: by its ATR, by the card's answer to an application, or by an `obstacle`."""

    profile: str
    application: str | None = None
    status_word: int | None = None
    obstacle: str | None = None


class ReaderDiagnosis(Shape):
    """A reader as a doctor sees it; see `sithsd.api.wire`."""

    name: str
    refusal: str | None = None
    holder: str | None = None
    pad_verify: bool | None = None
    pad_modify: bool | None = None
    vendor: str | None = None
    model: str | None = None
    version: str | None = None
    usb_bus: int | None = None
    usb_device: int | None = None
    offered_protocols: list[int] = []
    protocol: int | None = None
    told_protocol: int | None = None
    offered_rate: Rate | None = None
    rate: Rate | None = None
    clock_kilohertz: int | None = None
    profile: str | None = None
    title: str | None = None
    evidence: str | None = None
    backend: str | None = None
    identified_by: str | None = None
    passed_over: list[PassedOver] = []


class FailingPlace(Shape):
    """A place that sithsd-fetch asked in vain."""

    url: str = ""
    failures: int = 0
    next_try: str | None = None


class FetchDiagnosis(Shape):
    """How the program that asks about revocation fares. Moments are RFC 3339."""

    started: str = ""
    last_success: str | None = None
    stored: int = 0
    waiting: int = 0
    anchors: int = 0
    failing: list[FailingPlace] = []


class DiagnoseReply(Shape):
    """Of Diagnose. Moments are RFC 3339."""

    version: str = ""
    started_at: str = ""
    now: str = ""
    plausible_from: str = ""
    service: bool = True
    service_socket: str | None = None
    environments: list[str] = []
    anchors: list[Anchor] = []
    issuers: int = 0
    settings: list[str] = []
    readers: list[ReaderDiagnosis] = []
    fetch_socket: str | None = None
    fetch: FetchDiagnosis | None = None


class CodeReply(Shape):
    """Of Verify, Change and Unblock."""

    reader: str
    role: str
    tries_left: int | None = None
    warnings: list[str] = []


class AuthenticateReply(Shape):
    """Of Authenticate: what an agent for ssh needs of it. `signature` is base64."""

    signature: str
    certificate: Certificate


class ActivateReply(Shape):
    """Of Activate."""

    reader: str
    done: list[str] = []
    codes: list[CodeState] = []
    warnings: list[str] = []


class NewCodeRule(Shape):
    """A rule for new PINs, and its level."""

    rule: str
    level: str


class ChecklistItem(Shape):
    """One item of the activation's checklist."""

    id: str
    kind: str
    sv: str = ""
    en: str = ""
    max_age_months: int | None = None
    when: str | None = None


class GuidanceReply(CodesReply):
    """Of GetGuidance: what is needed to ask a person for codes."""

    activation: str = "unknown"
    to_activate: list[str] = []
    unblocking: str = "unknown"
    may_unblock: bool = True
    puk_floor: int = 0
    rules: list[NewCodeRule] = []
    min_length: int | None = None
    max_length: int | None = None
    personal_numbers: list[str] = []
    checklist: list[ChecklistItem] = []
    pad_verify: bool = False
    pad_modify: bool = False


def read(reply: dict[str, Any], shape: type[T]) -> T:
    """Return `reply` in its `shape`; a CommandError ("internal") where it does not have it."""
    try:
        return msgspec.convert(reply, shape)
    except msgspec.ValidationError as error:
        raise failure(ErrorCode.INTERNAL, f"a reply of another shape than {shape.__name__}: {error}") from error
