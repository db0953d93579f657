"""The shapes of io.sithsd.Codes, as the interface text beside this file describes them.

Apart from the others (`sithsd.api.wire`), whose rules hold here too.
"""

import msgspec

from sithsd.api.wire import Certificate, CodeState, Wire
from sithsd.secret import Secret
from sithsd.values import CardKind, IdentityKind, Role, SignatureAlgorithm


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
    warnings: list[str] = msgspec.field(default_factory=list)


class ActivateReply(Wire):
    """Reply of io.sithsd.Codes.Activate: the roles whose PIN was set, and the state of all codes."""

    reader: str
    card_serial: str | None
    sequence: int
    done: list[str]
    codes: list[CodeState]
    warnings: list[str] = msgspec.field(default_factory=list)


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
