"""What the daemon replies, as a program with log-in sees it: read-only, with the fields of the interfaces.

A newer daemon may say more: fields that are not known here are left out, and a state, purpose or kind that this release
has never heard of is there as it stands. So names are plain strings, to be compared with those of `sithsd.values`
(`certificate.purpose == Purpose.SIGNATURE`). What is not known is None. Moments are RFC 3339 in UTC; bytes are bytes.
No `repr` tells a personal identity number, so that none gets into a log by mistake.
"""

import msgspec

from sithsd.values import SignatureAlgorithm


class Shape(msgspec.Struct, rename="camel", kw_only=True, frozen=True):
    """What every shape has in common."""


class Verdict(Shape, frozen=True):
    """May a certificate be trusted ("good", "bad", "unknown"), and why not: stable names, the most serious first."""

    status: str
    reasons: tuple[str, ...] = ()


class CodeState(Shape, frozen=True):
    """One code of a card, as far as it is known without using a try. Lengths count digits.

    `not_last`: how many tries are left is not known, but that the next one is not the last is.
    """

    role: str
    tries_left: int | None = None
    blocked: bool | None = None
    activated: bool | None = None
    verified: bool = False
    max_tries: int | None = None
    min_length: int | None = None
    max_length: int | None = None
    not_last: bool = False


class Evidence(Shape, frozen=True):
    """What is known of one certificate's revocation: that of the card, or one of its issuers (`fingerprint`).

    `status`: "good", "revoked" or "unknown"; with the last alone `failure` tells why ("unreachable", "stale" ...).
    `stale_hours`: for how many whole hours newer information has been due, None where it is not.
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


class Certificate(Shape, frozen=True):
    """One certificate of a card.

    `purpose`: "authentication", "signature", "issuer" or "other"; `identity`: "hsaId", "personalIdentityNumber" or
    "none". `fingerprint` is SHA-256 in hexadecimal. `environment`: only "production" identifies a real person. `der` is
    None where the reply does not carry it, or this user may not see it. `evidence` is what the verdict on revocation
    rests on, and `next_check` when there is going to be more of it. `can_sign`: its key is on the card and can be used,
    as far as is known; None where the daemon does not tell.
    """

    id: str
    purpose: str
    identity: str
    subject: str
    issuer: str
    not_before: str
    not_after: str
    verdict: Verdict
    serial_number: str = ""
    fingerprint: str = ""
    environment: str = "unknown"
    level_of_assurance: int | None = None
    transport: bool = False
    weaknesses: tuple[str, ...] = ()
    key: str = ""
    label: str | None = None
    path: tuple[str, ...] = ()
    anchor: str | None = None
    checked_at: str | None = None
    der: bytes | None = None
    evidence: tuple[Evidence, ...] = ()
    next_check: str | None = None
    can_sign: bool | None = None

    def __repr__(self) -> str:
        """Return what it is for, without whose it is."""
        told = f"{self.purpose}, {self.identity}, {self.environment}, {self.verdict.status}"
        return f"Certificate({self.fingerprint[:16]}: {told})"


class Holder(Shape, frozen=True):
    """Whose card it is. The personal identity number is masked unless it was asked for in full, and allowed."""

    display_name: str | None = None
    hsa_id: str | None = None
    personal_identity_number: str | None = None
    organization: str | None = None
    protected: bool | None = None

    def __repr__(self) -> str:
        """Return the HSA-id, which names nobody outside health care."""
        return f"Holder({self.hsa_id})"


class Advice(Shape, frozen=True):
    """What the holder of a card has to do because of its dates, by when, and why; see the interface's text."""

    rule: str
    action: str
    by: str | None = None
    since: str | None = None
    freeze: str | None = None
    freeze_begins: str | None = None
    freeze_ends: str | None = None
    months: int | None = None


class Card(Shape, frozen=True):
    """One inserted card. `serial` tells it from every other; None while it is not read."""

    serial: str | None = None
    profile: str | None = None
    environment: str = "unknown"
    kind: str = "unknown"
    card_number: str | None = None
    level_of_assurance: int | None = None
    holder: Holder | None = None
    codes: tuple[CodeState, ...] = ()
    certificates: tuple[Certificate, ...] = ()
    atr: str = ""
    notes: tuple[str, ...] = ()
    identified_by: str | None = None
    advice: tuple[Advice, ...] = ()


class Reader(Shape, frozen=True):
    """One reader and what is in it.

    `state`: "empty", "reading", "ready", "busy", "unsupported", "unreadable" or "mute"; `reason` is an error code where
    that is no happy one.
    """

    name: str
    state: str
    sequence: int
    card: Card | None = None
    reason: str | None = None
    detail: str | None = None


class Notice(Shape, frozen=True):
    """What happened to a code without sithsd's doing ("code.triesLostElsewhere"), or came to light later."""

    code: str
    at: str
    sequence: int
    reader: str
    card_serial: str | None
    role: str
    tries_before: int | None = None
    tries_after: int | None = None
    happened: bool | None = None


class Picture(Shape, frozen=True):
    """All readers, from the daemon's memory. `service` is False while pcscd can't be reached."""

    readers: tuple[Reader, ...]
    sequence: int
    service: bool = True
    notices: tuple[Notice, ...] = ()

    @property
    def cards(self) -> tuple[Card, ...]:
        """The cards that are in."""
        return tuple(reader.card for reader in self.readers if reader.card is not None)


class Change(Picture, frozen=True, kw_only=True):
    """One reply of `watch`: `event` is "state" for the first and "changed" then; `reader` names what changed."""

    event: str
    reader: str | None = None


class Certificates(Shape, frozen=True):
    """The certificates of the card in a reader; `notes` are names of what is remarkable about the card."""

    reader: str
    card_serial: str | None
    sequence: int
    certificates: tuple[Certificate, ...]
    notes: tuple[str, ...] = ()


class Validity(Certificates, frozen=True):
    """The certificates as they are judged now, and what their holder has to do: the same until `advice_changes`."""

    advice: tuple[Advice, ...] = ()
    advice_changes: str | None = None


class Codes(Shape, frozen=True):
    """The state of every code of the card in a reader, read from it now. No try was used."""

    reader: str
    card_serial: str | None
    sequence: int
    codes: tuple[CodeState, ...]


class Signature(Shape, frozen=True):
    """A signature that daemon and client have each checked with the certificate's own key.

    `signature`: of RSA as it is, of ECDSA the DER of r and s (RFC 3279, 2.2.3). `certificate` has its `der`; `issuers`
    are the DER of the CAs from the issuing one upwards, as far as they are known and without the root: for whoever
    checks the path, and trusted for nothing. `identity` and `identity_value` are what the certificate says of its
    holder, the value in full. `chosen_by` says why it is this certificate: "fingerprint", "identity", "purpose" or
    "verdict". `tries_left` is of the code that was used.
    """

    reader: str
    card_serial: str | None
    sequence: int
    tries_left: int | None
    algorithm: SignatureAlgorithm
    signature: bytes
    certificate: Certificate
    issuers: tuple[bytes, ...]
    identity: str
    identity_value: str | None
    chosen_by: str

    def __repr__(self) -> str:
        """Return what was signed with what, without whose it is."""
        return f"{type(self).__name__}({self.algorithm}, {self.certificate!r})"


class Authentication(Signature, frozen=True):
    """Proof that the card and its PIN were there when `challenge` was signed."""

    challenge: bytes
