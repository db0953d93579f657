"""From the fields of one row to an entry, whatever kind of file the row stands in."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime

from sithsd.report.columns import card_kind
from sithsd.report.dates import SWEDEN, DateError, first_moment, last_moment, moment
from sithsd.report.encoded import EncodingError, der_of
from sithsd.report.model import Entry, Evidence, Place, Reject, Why

LONGEST = 400
"""Characters of a unit, a name or an address; what is longer is cut."""

Value = str | bytes | date | datetime | int | float | None


def entry_of(place: Place, value: Callable[[str], Value]) -> Entry | Reject:
    """Return the entry in a row; `value` gives what stands in a field of columns.toml, None where there is none."""
    email, name, unit = _text(value("email")), _name(value), _text(value("unit"))
    who = email or name
    holder = f"{who}\n{'' if email else unit or ''}".casefold() if who else None
    entry = Entry(place, Evidence.CERTIFICATE, unit, email, name, holder, _card(value("card")))
    try:
        certificate = value("certificate")
        if isinstance(certificate, (str, bytes)) and certificate.strip():
            return replace(entry, der=der_of(certificate))
        return _dated(entry, value)
    except (EncodingError, DateError) as error:
        return Reject(place, error.why)
    except OverflowError:  # a day at the calendar's ends
        return Reject(place, Why.DATE_UNREADABLE)


def _dated(entry: Entry, value: Callable[[str], Value]) -> Entry | Reject:
    not_after = _moment(value("not_after"), last=True)
    if not_after is None:
        return Reject(entry.place, Why.EMPTY)
    not_before = _moment(value("not_before"), last=False)
    if not_before is not None and not_before > not_after:
        return Reject(entry.place, Why.DATE_ORDER)
    kind = card_kind(_text(value("kind")))
    return replace(entry, evidence=Evidence.FIELDS, not_before=not_before, not_after=not_after, kind=kind)


def _moment(value: Value, *, last: bool) -> datetime | None:
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=SWEDEN)).astimezone(UTC)
    if isinstance(value, date):
        return last_moment(value) if last else first_moment(value)
    text = _text(value)
    return moment(text, last=last) if text else None


def _name(value: Callable[[str], Value]) -> str | None:
    whole = _text(value("name"))
    return whole or " ".join(part for part in (_text(value("given_name")), _text(value("surname"))) if part) or None


def _card(value: Value) -> str | None:
    text = _text(value)
    return text.casefold() if text else None


def _text(value: Value) -> str | None:
    if value is None:
        return None
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    return " ".join(str(value)[: 4 * LONGEST].split())[:LONGEST] or None
