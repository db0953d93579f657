"""The shapes of io.sithsd.Cards.Diagnose, as the interface text beside this file describes them.

Apart from the others (`sithsd.api.wire`), whose rules hold here too.
"""

import msgspec

from sithsd.api.wire import Wire
from sithsd.values import Environment


class DiagnoseCall(Wire, forbid_unknown_fields=True):
    """Parameters of io.sithsd.Cards.Diagnose: the reader to be looked at; without a name all of them."""

    reader: str | None = None


class Anchor(Wire):
    """A root that this daemon trusts."""

    subject: str
    fingerprint: str
    environment: Environment
    not_after: str


class Rate(Wire):
    """How fast a card's contacts are: one bit takes `factor` / `divider` clock cycles (ISO/IEC 7816-3, F and D)."""

    factor: int
    divider: int


class PassedOver(Wire):
    """A profile that does not fit the card; `application` and `status_word` are null where its ATR does not.

    `obstacle` says in English why one that may fit can't be used on this computer: its module is not installed.
    """

    profile: str
    application: str | None = None
    status_word: int | None = None
    obstacle: str | None = None


class ReaderDiagnosis(Wire):
    """One reader as a doctor sees it; what is not known, or not told by the reader, is null.

    `refusal` is the error code of why the reader could not be asked, and `holder` the program that may hold the card.
    `protocol` is 0 or 1, `told_protocol` the same by the reader's own word.
    """

    name: str
    state: str
    reason: str | None = None
    refusal: str | None = None
    holder: str | None = None
    pad_verify: bool | None = None
    pad_modify: bool | None = None
    vendor: str | None = None
    model: str | None = None
    version: str | None = None
    usb_bus: int | None = None
    usb_device: int | None = None
    offered_protocols: list[int] = msgspec.field(default_factory=list)
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
    passed_over: list[PassedOver] = msgspec.field(default_factory=list)


class FailingPlace(Wire):
    """A place that sithsd-fetch asked in vain so many times in a row; `next_try` is when it is asked again."""

    url: str
    failures: int
    next_try: str | None = None


class FetchDiagnosis(Wire):
    """How the program that asks about revocation fares, as it tells itself.

    `last_success`: when an answer that proved something last came; `stored`: how many are kept; `waiting`: how many are
    waited for; `anchors`: how many roots it trusts.
    """

    started: str
    last_success: str | None = None
    stored: int = 0
    waiting: int = 0
    anchors: int = 0
    failing: list[FailingPlace] = msgspec.field(default_factory=list)


class DiagnoseReply(Wire):
    """Reply of io.sithsd.Cards.Diagnose. Moments are RFC 3339 in UTC.

    `now` is the daemon's clock, which is not believed before `plausible_from`. `settings` names what differs from the
    defaults. `issuers` is the number of CAs beside the anchors. `fetch` is null where sithsd-fetch does not answer at
    `fetch_socket`.
    """

    version: str
    started_at: str
    now: str
    plausible_from: str
    service: bool
    service_socket: str
    environments: list[str]
    anchors: list[Anchor]
    issuers: int
    settings: list[str]
    readers: list[ReaderDiagnosis]
    fetch_socket: str | None = None
    fetch: FetchDiagnosis | None = None
