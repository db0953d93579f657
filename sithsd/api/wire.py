"""The shapes of requests and replies, as the interface texts beside this file describe them.

On the wire names are camelCase; here they are Python's. Fields are only ever added, always with a default, so that an
old client reads a new daemon's reply and the other way round.
"""

from typing import Any

import msgspec

from sithsd.errors import ErrorCode
from sithsd.values import CardKind, Environment, IdentityKind, Purpose, Role, Status


class Wire(msgspec.Struct, rename="camel", kw_only=True):
    """What every shape has in common."""


class Verdict(Wire):
    """May a certificate be trusted, and why not: stable dotted names, the most serious first."""

    status: Status
    reasons: list[str] = []


class CodeState(Wire):
    """One code of a card; see `sithsd.values.CodeState`."""

    role: Role
    tries_left: int | None = None
    blocked: bool | None = None
    activated: bool | None = None
    verified: bool = False
    max_tries: int | None = None
    min_length: int | None = None
    max_length: int | None = None
    not_last: bool = False


class Evidence(Wire):
    """What is known of one certificate's revocation; see `sithsd.validity.revocation.model.Evidence`.

    `subject` is the certificate's (masked), as far as it is known. `status`: "good", "revoked" or "unknown"; with the
    last alone `failure` tells why. `stale_hours`: for how many hours newer information has been due, null where it is
    not.
    """

    fingerprint: str
    serial_number: str
    status: str
    subject: str | None = None
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
    stale_hours: int | None = None


class Certificate(Wire):
    """One certificate of a card. Moments are RFC 3339 in UTC. `der` is base64, only where a reply says so.

    `evidence` is what the verdict rests on, of each certificate of the path below the anchor that is known about;
    `next_check` when there is going to be more of it. `can_sign`: its key is on the card, behind the PIN of its
    purpose, and cards of this family are known to sign; a daemon that does not tell leaves it null.
    """

    id: str
    purpose: Purpose
    identity: IdentityKind
    subject: str
    issuer: str
    not_before: str
    not_after: str
    verdict: Verdict
    serial_number: str = ""
    fingerprint: str = ""
    environment: Environment = Environment.UNKNOWN
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


class Holder(Wire):
    """Whose card it is. The personal identity number is masked unless the reply was asked for, and allowed, in full."""

    display_name: str | None = None
    hsa_id: str | None = None
    personal_identity_number: str | None = None
    organization: str | None = None
    protected: bool | None = None


class Advice(Wire):
    """What a person has to do because of a card's dates; see `sithsd.validity.calendar`. Moments are RFC 3339 in UTC.

    `rule` says why, `action` what; `by` before when, `since` from when on; `freeze` names the order freeze that is the
    reason; `months` is how long at most an order is valid that is placed so, or a reserve card that is got so.
    """

    rule: str
    action: str
    by: str | None = None
    since: str | None = None
    freeze: str | None = None
    freeze_begins: str | None = None
    freeze_ends: str | None = None
    months: int | None = None


class Card(Wire):
    """One inserted card."""

    serial: str | None
    profile: str | None
    environment: Environment
    kind: CardKind
    card_number: str | None = None
    level_of_assurance: int | None = None
    holder: Holder | None = None
    codes: list[CodeState] = []
    certificates: list[Certificate] = []
    atr: str = ""
    notes: list[str] = []
    identified_by: str | None = None
    advice: list[Advice] = []


class Reader(Wire):
    """One reader and what is in it.

    `state`: "empty", "reading", "ready", "busy" (another program holds the card), "unsupported", "unreadable", "mute".
    `reason` is an error code where the state is not a happy one; `detail` an English sentence for developers.
    """

    name: str
    state: str
    sequence: int
    card: Card | None = None
    reason: str | None = None
    detail: str | None = None


class Notice(Wire):
    """What happened to a code without our doing, or came to light later.

    `code`: "code.triesLostElsewhere" (the counter fell though nothing was sent from here) or "code.outcomeLearnt" (what
    became of an operation whose answer was lost; `happened` as far as the counters tell). `at` is RFC 3339 in UTC.
    """

    code: str
    at: str
    sequence: int
    reader: str
    card_serial: str | None
    role: Role
    tries_before: int | None = None
    tries_after: int | None = None
    happened: bool | None = None


class ListCall(Wire, forbid_unknown_fields=True):
    """Parameters of io.sithsd.Cards.List and Monitor."""

    unmasked: bool | None = None


class ListReply(Wire):
    """Reply of io.sithsd.Cards.List: all readers. `service` is False while pcscd can't be reached.

    `notices` are the latest of this daemon, the oldest first.
    """

    readers: list[Reader]
    sequence: int
    service: bool = True
    notices: list[Notice] = []


class MonitorReply(Wire):
    """One reply of the stream io.sithsd.Cards.Monitor: the state first ("state"), then changes ("changed").

    `readers` is always the whole picture; `reader` names the one that changed. `notices`: those since the last reply.
    """

    event: str
    sequence: int
    readers: list[Reader]
    service: bool = True
    reader: str | None = None
    notices: list[Notice] = []


class ReaderCall(Wire, forbid_unknown_fields=True):
    """Parameters of the methods that look at one reader; without a name, the only reader that holds a card."""

    reader: str | None = None
    unmasked: bool | None = None


class ValidityCall(Wire, forbid_unknown_fields=True):
    """Parameters of io.sithsd.Cards.GetValidity; `fresh` asks the issuers even where known answers will do."""

    reader: str | None = None
    unmasked: bool | None = None
    fresh: bool | None = None


class CertificatesReply(Wire):
    """Reply of io.sithsd.Cards.GetCertificates."""

    reader: str
    card_serial: str | None
    sequence: int
    certificates: list[Certificate]
    notes: list[str] = []


class ValidityReply(CertificatesReply):
    """Reply of io.sithsd.Cards.GetValidity.

    `advice` is what the card's holder has to do, the most urgent first; it stays so until `advice_changes` (RFC 3339).
    """

    advice: list[Advice] = []
    advice_changes: str | None = None


class CodesReply(Wire):
    """Reply of io.sithsd.Cards.GetCodes: read from the card now, without using a try."""

    reader: str
    card_serial: str | None
    sequence: int
    codes: list[CodeState]


class RightsReply(Wire):
    """Reply of io.sithsd.Cards.GetRights: what the caller may do; see the rights file.

    `active_session`: it is the user who sits at this machine, as far as a right depends on it.
    """

    status: bool
    personal_numbers: bool
    codes: bool
    authenticate: bool
    sign: bool
    desk: bool
    active_session: bool


class Choice(Wire):
    """One of several certificates that a call may mean; the subject is masked."""

    fingerprint: str
    identity: str
    subject: str
    not_after: str


class ErrorParameters(Wire):
    """Parameters of every error of the two interfaces."""

    code: str
    retryable: bool
    tries_left: int | None = None
    role: str | None = None
    status_word: int | None = None
    reader: str | None = None
    card_serial: str | None = None
    sequence: int | None = None
    detail: str = ""
    rules: list[str] = []
    advice: str | None = None
    done: list[str] = []
    holder: str | None = None
    retry_after: int | None = None
    choices: list[Choice] = []


def error_name(interface: str, code: ErrorCode | str) -> str:
    """Return the varlink name of an error code: "pin.lastTry" is "<interface>.PinLastTry"."""
    return interface + "." + "".join(part[:1].upper() + part[1:] for part in str(code).split("."))


def to_json(value: Wire) -> dict[str, Any]:
    """Return a shape as plain JSON values, with the names of the wire."""
    plain: dict[str, Any] = msgspec.to_builtins(value)
    return plain
