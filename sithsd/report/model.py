"""What the report works on: entries of the inputs, what could not be used of them, and what was found of each."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

import msgspec

from sithsd.values import CardKind, Environment


class InputError(Exception):
    """An input, or another file that was named, can't be used.

    `key` is the key of the sentence for people, `values` are what is put into it; the message is English.
    """

    def __init__(self, key: str, detail: str, **values: str | int) -> None:
        super().__init__(detail)
        self.key = key
        self.values = values


class Evidence(StrEnum):
    """What the report has seen of a card."""

    CERTIFICATE = "certificate"
    FIELDS = "fields"  # dates that a list tells
    SIGHTING = "sighting"  # dates that a desk's daemon read from the card


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands: the file's name without its folders, and the line (of Parquet the row, from 1 on)."""

    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One certificate, or the dates of one card.

    `holder` and `card` are keys that tell which entries are one person's and one card's; they are never shown, None
    where nothing tells. `der` is None where there are dates alone; `kind` then is as the list has it.
    """

    place: Place
    evidence: Evidence
    unit: str | None = None
    email: str | None = None
    name: str | None = None
    holder: str | None = field(default=None, repr=False)
    card: str | None = field(default=None, repr=False)
    der: bytes | None = field(default=None, repr=False)
    not_before: datetime | None = None
    not_after: datetime | None = None
    kind: CardKind = CardKind.UNKNOWN
    environment: Environment = Environment.UNKNOWN


class Why(StrEnum):
    """Why a row is not used. Names are only ever added."""

    TOO_LONG = "row.tooLong"
    MALFORMED = "row.malformed"
    COLUMNS = "row.columns"  # more fields than the head has
    EMPTY = "row.empty"  # neither a certificate nor a last day
    CERTIFICATE_ENCODING = "certificate.encoding"  # neither PEM nor base64 nor hexadecimal
    CERTIFICATE_UNREADABLE = "certificate.unreadable"
    CERTIFICATE_ELSEWHERE = "certificate.elsewhere"  # a URL in LDIF: nothing is fetched
    CERTIFICATE_OF_ISSUER = "certificate.ofIssuer"  # a CA's, which no person has
    TOO_MANY = "certificate.tooMany"
    DATE_UNREADABLE = "date.unreadable"
    DATE_AMBIGUOUS = "date.ambiguous"  # 01/02/2024: of January or of February?
    DATE_ORDER = "date.order"  # it ends before it begins


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that is not used. It never quotes the row."""

    place: Place
    why: Why


class Standing(StrEnum):
    """What may be said of a card; one of them for each."""

    VALID = "valid"
    UNKNOWN = "unknown"
    EXPIRED = "expired"
    REVOKED = "revoked"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found of one entry; `card` is the card's key, which is never shown."""

    entry: Entry
    standing: Standing
    reasons: tuple[str, ...]
    not_before: datetime | None
    not_after: datetime
    kind: CardKind
    environment: Environment
    level: int | None = None
    card: str | None = field(default=None, repr=False)


class Step(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """One thing to do with a card, as the calendar advises it (`sithsd.validity.calendar.model.Advice`)."""

    rule: str
    action: str
    by: datetime | None = None
    since: datetime | None = None
    freeze: str | None = None
    freeze_begins: datetime | None = None
    freeze_ends: datetime | None = None
    months: int | None = None


@dataclass(frozen=True, slots=True)
class Card:
    """One card of somebody, as the report tells of it.

    `who` is an address if the input had one, else a name, else None: the place tells where to look. `certificates` is
    how many entries are of this card. `steps` are what is to be done, the most urgent first.
    """

    place: Place
    unit: str | None
    who: str | None
    not_before: datetime | None
    not_after: datetime
    kind: CardKind
    environment: Environment
    level: int | None
    standing: Standing
    reasons: tuple[str, ...]
    evidence: Evidence
    certificates: int
    steps: tuple[Step, ...]
