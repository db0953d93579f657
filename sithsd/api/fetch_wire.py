"""The shapes of io.sithsd.Fetch, as the interface text beside this file describes them.

Apart from those of the daemon (`sithsd.api.wire`), whose rules hold here too. Moments are RFC 3339 in UTC.
"""

import msgspec

from sithsd.api.wire import Wire


class Evidence(Wire):
    """What is known of one certificate's revocation; see `sithsd.validity.revocation.model.Evidence`.

    `status`: "good", "revoked" or "unknown", and with the last alone `failure` tells why. `fingerprint` is the SHA-256
    of the certificate that it is about, `serial_number` its serial number in hexadecimal.
    """

    fingerprint: str
    serial_number: str
    status: str
    source: str | None = None
    url: str | None = None
    signer: str | None = None
    this_update: str | None = None
    next_update: str | None = None
    produced_at: str | None = None
    fetched_at: str | None = None
    revoked_at: str | None = None
    revocation_reason: str | None = None
    failure: str | None = None
    detail: str | None = None
    next_check: str | None = None


class CheckRevocationCall(Wire, forbid_unknown_fields=True):
    """Parameters of io.sithsd.Fetch.CheckRevocation; certificates are base64 of DER."""

    certificate: str
    others: list[str] | None = None
    wait_milliseconds: int | None = None
    fresh: bool | None = None


class CheckRevocationReply(Wire):
    """Reply of io.sithsd.Fetch.CheckRevocation.

    `evidence` is that of each certificate of the path but the anchor, the asked one's first; `issuers` the base64 of
    the CAs' DER upwards, without the root.
    """

    evidence: list[Evidence]
    issuers: list[str]


class FetchAnchorCall(Wire, forbid_unknown_fields=True):
    """Parameters of io.sithsd.Fetch.FetchAnchor: "production" or "test"."""

    environment: str


class FetchAnchorReply(Wire):
    """Reply of io.sithsd.Fetch.FetchAnchor: the base64 of the root's DER, whose fingerprint is the pinned one."""

    certificate: str


class Failing(Wire):
    """A place that did not answer, or not as it should, so many times in a row; `next_try` is when it is asked again.

    `next_try` is null where it is asked again only when somebody asks for what it has.
    """

    url: str
    failures: int
    next_try: str | None = None
    detail: str = ""


class StateReply(Wire):
    """Reply of io.sithsd.Fetch.GetState.

    `stored` counts the answers that are kept, `bytes` their size; `waiting` what is being fetched now; `anchors` the
    roots that are trusted. `set_aside`: when a damaged store was last put aside and begun anew.
    """

    started: str
    stored: int
    bytes: int
    last_success: str | None
    waiting: int
    failing: list[Failing] = msgspec.field(default_factory=list)
    anchors: int = 0
    set_aside: str | None = None
