"""The shapes of requests and replies, as the interface texts beside this file describe them.

On the wire names are camelCase; here they are Python's. Fields are only ever added, always with a default, so that an
old client reads a new daemon's reply and the other way round.
"""

from typing import Any

import msgspec

from sithsd.errors import ErrorCode
from sithsd.secret import Secret
from sithsd.values import CardKind, Environment, IdentityKind, Purpose, Role, SignatureAlgorithm, Status


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


class Certificate(Wire):
    """One certificate of a card. Moments are RFC 3339 in UTC. `der` is base64, only where a reply says so."""

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


class Holder(Wire):
    """Whose card it is. The personal identity number is masked unless the reply was asked for, and allowed, in full."""

    display_name: str | None = None
    hsa_id: str | None = None
    personal_identity_number: str | None = None
    organization: str | None = None
    protected: bool | None = None


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


class CertificatesReply(Wire):
    """Reply of io.sithsd.Cards.GetCertificates and GetValidity."""

    reader: str
    card_serial: str | None
    sequence: int
    certificates: list[Certificate]


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


class VerifyCall(Wire, forbid_unknown_fields=True):
    """Parameters of io.sithsd.Codes.Verify. A code is a string on the wire; here it never becomes one."""

    role: Role
    code: Secret | None = None
    reader: str | None = None
    card_serial: str | None = None
    spend_last_try: bool | None = None
    expected_tries: int | None = None
    pin_pad: bool | None = None


class ChangeCall(Wire, forbid_unknown_fields=True):
    """Parameters of io.sithsd.Codes.Change. Both codes are strings on the wire; here they never become ones."""

    role: Role
    code: Secret | None = None
    new_code: Secret | None = None
    reader: str | None = None
    card_serial: str | None = None
    spend_last_try: bool | None = None
    expected_tries: int | None = None
    pin_pad: bool | None = None


class UnblockCall(Wire, forbid_unknown_fields=True):
    """Parameters of io.sithsd.Codes.Unblock. Both codes are strings on the wire; here they never become ones."""

    role: Role
    puk: Secret | None = None
    new_code: Secret | None = None
    reader: str | None = None
    card_serial: str | None = None
    spend_last_try: bool | None = None
    expected_tries: int | None = None
    risk_card: bool | None = None
    pin_pad: bool | None = None


class Answer(Wire, forbid_unknown_fields=True):
    """An answer to one item of the activation's checklist: yes or no, or a date (ISO 8601)."""

    id: str
    confirmed: bool | None = None
    date: str | None = None


class ExpectedTries(Wire, forbid_unknown_fields=True):
    """How many tries a code had when the person was asked for it."""

    role: Role
    tries_left: int


class ActivateCall(Wire, forbid_unknown_fields=True):
    """Parameters of io.sithsd.Codes.Activate. Codes are strings on the wire; here they never become ones."""

    new_authentication: Secret | None = None
    new_signature: Secret | None = None
    puk: Secret | None = None
    transport_authentication: Secret | None = None
    transport_signature: Secret | None = None
    answers: list[Answer] | None = None
    reader: str | None = None
    card_serial: str | None = None
    spend_last_try: bool | None = None
    risk_card: bool | None = None
    expected: list[ExpectedTries] | None = None


class CodeReply(Wire):
    """Reply of io.sithsd.Codes.Verify, Change and Unblock: it was done, and this many tries the code has now.

    `warnings` are names of rules for new PINs that the policy only warns of.
    """

    reader: str
    card_serial: str | None
    sequence: int
    role: Role
    tries_left: int | None = None
    warnings: list[str] = []


class ActivateReply(Wire):
    """Reply of io.sithsd.Codes.Activate: the roles whose PIN was set, and the state of all codes."""

    reader: str
    card_serial: str | None
    sequence: int
    done: list[str]
    codes: list[CodeState]
    warnings: list[str] = []


class GuidanceCall(Wire, forbid_unknown_fields=True):
    """Parameters of io.sithsd.Codes.GetGuidance."""

    reader: str | None = None


class NewCodeRule(Wire):
    """A rule for new PINs by its name, and its level: "refuse" or "warn"."""

    rule: str
    level: str


class ChecklistItem(Wire):
    """One item of the activation's checklist.

    `kind`: "confirm" (has to be answered yes), "question" (yes or no), "date" (not older than `max_age_months`).
    `when` names the question that has to be answered yes for the item to count.
    """

    id: str
    kind: str
    sv: str
    en: str
    max_age_months: int | None = None
    when: str | None = None


class GuidanceReply(Wire):
    """Reply of io.sithsd.Codes.GetGuidance: all that a program needs to ask a person for codes.

    `activation`: "puk", "transport-pin" or "unknown"; `to_activate` the roles that have no PIN of the holder's yet.
    `unblocking`: "holder", "desk" or "unknown"; `may_unblock` whether this caller may. `min_length` and `max_length`
    are of new PINs. `personal_numbers` are the holder's, for the rules that forbid parts of them; none for a
    caller who may not see them.
    """

    reader: str
    card_serial: str | None
    sequence: int
    kind: CardKind
    codes: list[CodeState]
    activation: str
    to_activate: list[str]
    unblocking: str
    may_unblock: bool
    puk_floor: int
    rules: list[NewCodeRule]
    min_length: int
    max_length: int
    personal_numbers: list[str]
    checklist: list[ChecklistItem]
    pad_verify: bool = False
    pad_modify: bool = False


class AuthenticateCall(Wire, forbid_unknown_fields=True):
    """Parameters of io.sithsd.Codes.Authenticate. The code is a string on the wire; here it never becomes one.

    `challenge` is base64; `certificate` a SHA-256 fingerprint in hexadecimal.
    """

    challenge: str | None = None
    algorithm: SignatureAlgorithm | None = None
    identity: IdentityKind | None = None
    certificate: str | None = None
    accept_bad: bool | None = None
    description: str | None = None
    code: Secret | None = None
    pin_pad: bool | None = None
    reader: str | None = None
    card_serial: str | None = None
    spend_last_try: bool | None = None
    expected_tries: int | None = None


class SignCall(Wire, forbid_unknown_fields=True):
    """Parameters of io.sithsd.Codes.Sign. The code is a string on the wire; here it never becomes one.

    `digest` is base64; `certificate` a SHA-256 fingerprint in hexadecimal.
    """

    digest: str
    description: str
    algorithm: SignatureAlgorithm | None = None
    identity: IdentityKind | None = None
    certificate: str | None = None
    accept_bad: bool | None = None
    code: Secret | None = None
    pin_pad: bool | None = None
    reader: str | None = None
    card_serial: str | None = None
    spend_last_try: bool | None = None
    expected_tries: int | None = None


class SignReply(Wire):
    """Reply of io.sithsd.Codes.Sign: a signature that the daemon has checked.

    `signature` is base64, `issuers` the base64 of the CAs' DER upwards, as far as they are known and without the root.
    `chosen_by` says why it is this certificate: "fingerprint", "identity", "purpose" or "verdict".
    """

    reader: str
    card_serial: str | None
    sequence: int
    tries_left: int | None
    algorithm: SignatureAlgorithm
    signature: str
    certificate: Certificate
    issuers: list[str]
    identity: IdentityKind
    identity_value: str | None
    chosen_by: str


class AuthenticateReply(Wire):
    """Reply of io.sithsd.Codes.Authenticate: the same, and the base64 of what was signed."""

    reader: str
    card_serial: str | None
    sequence: int
    tries_left: int | None
    challenge: str
    algorithm: SignatureAlgorithm
    signature: str
    certificate: Certificate
    issuers: list[str]
    identity: IdentityKind
    identity_value: str | None
    chosen_by: str


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
